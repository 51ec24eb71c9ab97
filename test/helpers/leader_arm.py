"""An arm that follows a leader, both on ramps, so that every error can be computed by hand.

Joint n of the arm is at n + t at time t, and is told n + t + 0.05: where it is one step later.
A policy that leaves a joint where it is is wrong by 0.05 (i + 1) at horizon step i.
"""

import numpy as np

from helpers.small_bags import Messages, at, write_bag

STEP_S = 0.05
ARM = """
robot: arm
limits: {a: {position: [-9, 9], velocity: 4.0}, c: {position: [-9, 9], velocity: 4.0}}
input: {JOINT_POSITIONS: {0: a, 2: c}}
output: {JOINT_TARGET_POSITIONS: {0: a, 2: c}}
sources:
  JOINT_POSITIONS: {topic: /joint_states}
  JOINT_TARGET_POSITIONS: {topic: /leader, type: JointState}
commands: {JOINT_TARGET_POSITIONS: {topic: /arm/joint_trajectory}}
"""
CAMERA = ARM.replace('2: c}}\noutput', '2: c}, RGB_IMAGES: {1: eye}}\noutput').replace(
    'sources:', 'sources:\n  RGB_IMAGES: {topic: /eye/image_raw}'
)


def ramps(seconds, topic, ahead_s=0.0, start_s=0.0, names='abc'):
    """A message every 10 ms; the joints of ``ARM`` are the first and the last of three."""
    messages = Messages()
    times = start_s + np.arange(round(seconds * 100) + 1) / 100
    return [
        (topic, messages.joints(at(t), **{n: i + t + ahead_s for i, n in enumerate(names)}), at(t))
        for t in times
    ]


def record(path, seconds=3.0, states=None, more=()):
    """A bag of the arm; ``states`` in place of its joint states."""
    states = ramps(seconds, '/joint_states') if states is None else states
    return write_bag(path, [*states, *ramps(seconds, '/leader', STEP_S), *more])


def brightness(seconds, values):
    """Grey images at 20 Hz, of one value after the other."""
    messages = Messages()
    return [
        (
            '/eye/image_raw',
            messages.image(at(k / 20), np.full((48, 64, 3), value, np.uint8)),
            at(k / 20),
        )
        for k, value in zip(range(round(seconds * 20) + 1), values, strict=False)
    ]
