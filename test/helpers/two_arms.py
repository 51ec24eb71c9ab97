"""Two small arms that share a layout, and recordings of them."""

import numpy as np

from helpers.small_bags import Messages, at, write_bag

LEFT = """
robot: left
limits: {a: {position: none, velocity: 1.0}, c: {position: none, velocity: 1.0}}
input: {JOINT_POSITIONS: {0: a, 2: c}, RGB_IMAGES: {1: front}}
output: {JOINT_TARGET_POSITIONS: {0: a, 2: c}}
sources:
  JOINT_POSITIONS: {topic: /joint_states}
  RGB_IMAGES: {front: {topic: /front/image_raw}}
  JOINT_TARGET_POSITIONS: {topic: /arm/joint_trajectory}
commands: {JOINT_TARGET_POSITIONS: {topic: /arm/joint_trajectory}}
"""
RIGHT = """
robot: right
limits: {u: {position: none, velocity: 1.0}, v: {position: none, velocity: 1.0}}
input: {JOINT_POSITIONS: {0: u, 1: v}, RGB_IMAGES: {0: hand}}
output: {JOINT_TARGET_POSITIONS: {0: u, 1: v}}
sources:
  JOINT_POSITIONS: {topic: joint_states}
  RGB_IMAGES: {hand: {topic: hand/image_raw}}
  JOINT_TARGET_POSITIONS: {topic: arm/joint_trajectory}
commands: {JOINT_TARGET_POSITIONS: {topic: arm/joint_trajectory}}
"""
NUMBERS = """
robot: numbers
limits: {a: {position: none, velocity: 1.0}, c: {position: none, velocity: 1.0}}
input: {JOINT_POSITIONS: {0: a, 2: c}}
output: {JOINT_POSITIONS: {0: a, 2: c}}
sources: {JOINT_POSITIONS: {topic: /joint_states}}
commands: {JOINT_POSITIONS: {topic: /arm/joint_trajectory}}
"""


def describe(folder, **robots):
    """Robot files and the cross-embodiment file of all of them."""
    for name, text in robots.items():
        (folder / f'{name}.yaml').write_text(text)
    listed = ', '.join(f'{name}: {name}.yaml' for name in robots)
    cross = folder / 'cross.yaml'
    cross.write_text(f'robots: {{{listed}}}\n')
    return cross


def picture(k, size=(48, 64)):
    """A smooth image that is another one for every k."""
    rows, columns = np.mgrid[: size[0], : size[1]]
    image = np.stack([rows * 3, columns * 2, np.full(size, 5 * k % 200)], axis=-1)
    return image.astype(np.uint8)


def joint_states(seconds, rate_hz=50, start=0.0, kind='mcap', topic='/joint_states', names='ac'):
    """Ramps: joint n has n + t at time t."""
    messages = Messages(kind)
    times = start + np.arange(round(seconds * rate_hz)) / rate_hz
    return [
        (topic, messages.joints(at(t), **{name: n + t for n, name in enumerate(names)}), at(t))
        for t in times
    ]


def trajectories(seconds, rate_hz=25, start=0.0, kind='mcap', names='ac', topic='/arm/'):
    """Commands with one point 0.1 s ahead, and a zero stamp."""
    messages = Messages(kind)
    times = start + np.arange(round(seconds * rate_hz)) / rate_hz
    return [
        (
            f'{topic}joint_trajectory',
            messages.trajectory(0, [(0.1, [10 + n + t for n in range(len(names))])], names),
            at(t),
        )
        for t in times
    ]


def images(seconds, rate_hz=15, start=0.0, kind='mcap', topic='/front/image_raw', size=(48, 64)):
    """One picture after the other."""
    messages = Messages(kind)
    times = start + np.arange(round(seconds * rate_hz)) / rate_hz
    return [(topic, messages.image(at(t), picture(k, size)), at(t)) for k, t in enumerate(times)]


def record_left(path, seconds=2.0, kind='mcap', start=0.0):
    """Every stream of the left arm."""
    messages = [
        *joint_states(seconds, start=start, kind=kind),
        *trajectories(seconds, start=start, kind=kind),
        *images(seconds, start=start, kind=kind),
    ]
    return write_bag(path, messages, kind)


def record_left_in_pieces(path):
    """Every stream of the left arm, with a silence of two seconds in between."""
    messages = []
    for start, seconds in ((20.0, 0.8), (23.0, 0.7)):
        messages += joint_states(seconds, start=start)
        messages += images(seconds, start=start) + trajectories(seconds, start=start)
    return write_bag(path, messages)


def record_right(path, seconds=2.0, kind='mcap', start=0.0):
    """Every stream of the right arm."""
    messages = [
        *joint_states(seconds, start=start, kind=kind, names='uv'),
        *trajectories(seconds, start=start, kind=kind, names='uv'),
        *images(seconds, start=start, kind=kind, topic='/hand/image_raw'),
    ]
    return write_bag(path, messages, kind)
