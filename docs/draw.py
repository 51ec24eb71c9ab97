"""Draw the pictures of the documentation: `make pictures`.

The package computes what a picture shows of it: padding by `pad`, a stop by `stop`, the robots
from the shipped files. A test draws them again and compares.
"""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from draw_folders import architecture
from draw_robots import robots
from draw_vocabulary import vocabulary
from sheet import BLUE, INK, LIGHT, LINE, NOT_THERE, ORANGE, PALE, PINK, Sheet

from neuracore_ros.command.braking import stop
from neuracore_ros.command.joints import Limits
from neuracore_ros.description import (
    DataType,
    Layout,
    Robot,
    load_descriptions,
    load_robot,
    pad,
)
from neuracore_ros.files import write_whole
from neuracore_ros.observation import Observer, Unusable
from neuracore_ros.overview.picture import draw
from neuracore_ros.overview.survey import survey
from neuracore_ros.sim.arms import ARMS

FOLDER = Path(__file__).resolve().parent / 'pictures'
CONFIG = Path(__file__).resolve().parents[1] / 'config'
ROBOTS = ('franka', 'ur5', 'so100')


def layout(path: Path) -> None:
    """Draw three shipped robots by index, as `neuracore_ros layout --out` does."""
    known = load_descriptions([CONFIG / f'{name}.yaml' for name in ROBOTS])
    write_whole(path, draw(survey(known)))


def padding(path: Path) -> None:
    """Draw the padding of an arm that lacks joints: real numbers, through `pad`."""
    trained = [_home(name) for name in ('franka', 'ur5')]
    values = np.stack([row for row, _ in trained])
    valid = np.stack([row for _, row in trained])
    width, count = len(values[0]), valid.sum(axis=0)
    mean = (values * valid).sum(axis=0) / count
    # Each robot moves about its home by a third of a radian.
    spread = np.sqrt((((values - mean) * valid) ** 2).sum(axis=0) / count + 0.33**2)
    small = {0: 'pan', 1: 'lift', 3: 'elbow', 6: 'roll'}
    row, there = pad({'pan': -0.2, 'lift': -0.4, 'elbow': -2.2, 'roll': 0.5}, small, width)
    normalised = (row - mean) / spread
    lines: tuple[tuple[str, np.ndarray, bool], ...] = (
        ('padded: zero where there is no joint', row, True),
        ('valid', there, False),
        ('1. normalised, as in training', normalised, True),
        ('2. times valid: input of the network', np.where(there, normalised, 0.0), True),
    )
    sheet = Sheet(860, 262, 'Padding an arm of four joints to the width of seven')
    for index in range(width):
        sheet.text(324 + 74 * index, 30, str(index), 12, PALE)
        sheet.text(324 + 74 * index, 46, small.get(index, ''), 11, PALE)
    for number, (words, numbers, is_float) in enumerate(lines):
        top = 60 + 46 * number
        sheet.text(20, top + 22, words, 13, anchor='start')
        for index in range(width):
            colour = ORANGE if there[index] else LINE
            fill = None if there[index] else NOT_THERE
            sheet.box(290 + 74 * index, top, 68, 32, colour, fill)
            shown = (
                f'{round(float(numbers[index]), 2) + 0.0:.2f}'
                if is_float
                else str(bool(numbers[index])).lower()
            )
            wrong = number == 2 and not there[index] and abs(numbers[index]) > 0.5
            sheet.text(324 + 74 * index, top + 21, shown, 13, ORANGE if wrong else INK, bold=wrong)
    sheet.text(
        20,
        252,
        'Without step 2, the network would read a value of a joint that does not exist (index 5).',
        12,
        PALE,
        'start',
    )
    sheet.save(path)


def _home(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Pad the home pose of a shipped arm, in the sense of its slots; return it with its mask."""
    robot = load_robot(CONFIG / f'{name}.yaml')
    home = dict(zip(ARMS[name].joint_names, ARMS[name].home, strict=True))
    joints = [s for s in robot.input_sources() if s.data_type is DataType.JOINT_POSITIONS]
    sense = {s.name: s.scale * home[s.message_name] + s.offset for s in joints}
    return pad(sense, robot.input[DataType.JOINT_POSITIONS], 7)


def observation(path: Path) -> None:
    """Draw which samples make an observation and when a stream is stale, by the `Observer`."""
    robot = load_robot(CONFIG / 'ur5.yaml')
    layout = Layout.of([robot.input])
    observer = Observer(robot.input_sources(), layout, (8, 8))
    # A picture arrives 40 ms after it was taken; the camera stops after its fifth.
    joints = [('joint_states', n / 100, n / 100) for n in range(70)]
    pictures = [('overhead/image_raw', n / 30, n / 30 + 0.04) for n in range(5)]
    coming = sorted([*joints, *pictures], key=lambda message: message[2])
    joint, camera = (
        (DataType.JOINT_POSITIONS, 'elbow_joint'),
        (DataType.RGB_IMAGES, 'overhead'),
    )
    sheet = Sheet(900, 316, 'Which samples make an observation')

    def at(seconds: float) -> float:
        return 140 + 1040 * seconds

    rows = (
        (joint, 'joints, 100 Hz', 96, joints, BLUE),
        (camera, 'camera, 30 Hz', 176, pictures, ORANGE),
    )
    for _, words, y, samples, colour in rows:
        sheet.text(20, y + 4, words, 13, colour, 'start', bold=True)
        sheet.line([(at(0) - 12, y), (885, y)])
        for _, stamp_s, _ in samples:
            sheet.dot(at(stamp_s), y, 3, colour, filled=False)
    for number in range(13):
        tick_s = 0.1 + 0.05 * number
        while coming and coming[0][2] <= tick_s + 1e-9:
            topic, stamp_s, arrives_s = coming.pop(0)
            observer.receive(topic, _message(robot, topic, stamp_s), _ns(arrives_s))
        snapshot = observer.snapshot(_ns(tick_s))
        usable = not isinstance(snapshot, Unusable)
        sheet.line([(at(tick_s), 56), (at(tick_s), 206)], LINE if usable else PINK, 1, dashed=True)
        if number < 2:
            sheet.text(at(tick_s), 46, ('t0', '+ 1/20 s')[number], 12, PALE)
        if isinstance(snapshot, Unusable):
            sheet.text(at(tick_s), 46, 'no', 11, PINK)
            continue
        for key, _, y, _, colour in rows:
            stamp_s = tick_s - snapshot.ages_s[key]
            sheet.dot(at(stamp_s), y, 4, colour)
            sheet.line([(at(stamp_s), y), (at(tick_s), y - 24)], colour, 1)
    sheet.text(
        at(0.28),
        200,
        'the camera has stopped: its last image is used until it is 0.5 s old',
        12,
        ORANGE,
        'start',
        halo=True,
    )
    for number, words in enumerate(
        (
            'Circles are samples, filled ones are used. A line leads from a sample to its tick.',
            'A sample counts from its arrival; its age is that of its stamp.',
            'A tick marked "no" is unusable: it ends the episode, or stops the robot.',
        )
    ):
        sheet.text(20, 246 + 22 * number, words, 12.5, PALE, 'start')
    sheet.save(path)


def _message(robot: Robot, topic: str, stamp_s: float) -> SimpleNamespace:
    sec, nanosec = divmod(_ns(stamp_s), 10**9)
    header = SimpleNamespace(stamp=SimpleNamespace(sec=sec, nanosec=nanosec))
    if topic == 'joint_states':
        names = list(robot.input[DataType.JOINT_POSITIONS].values())
        return SimpleNamespace(header=header, name=names, position=[0.0] * len(names))
    pixels = np.full(8 * 8 * 3, round(1000 * stamp_s) % 256, np.uint8)
    return SimpleNamespace(
        header=header, height=8, width=8, encoding='rgb8', is_bigendian=0, step=24, data=pixels
    )


def _ns(seconds: float) -> int:
    return round((1000.0 + seconds) * 1e9)


def steps(path: Path) -> None:
    """Draw time in steps: which outputs of a prediction are past, and which are executed."""
    sheet = Sheet(900, 250, 'Time is counted in steps')
    left, cell, horizon = 150, 44, 12
    for number in range(17):
        x = left + cell * number
        sheet.line([(x, 34), (x, 205)], LINE, 1, dashed=True)
        sheet.text(x, 28, 'k' if number == 0 else f'k+{number}', 11, PALE)
    rows = ((0, 3, 'observation at k', BLUE, 54), (5, 8, 'observation at k+5', ORANGE, 134))
    for seen, arrives, words, colour, y in rows:
        sheet.text(20, y + 20, words, 12.5, colour, 'start', bold=True)
        sheet.dot(left + cell * seen, y + 16, 5, colour)
        for output in range(horizon):
            due = seen + output + 1
            if due > 16:
                break
            late = due <= arrives
            fill = NOT_THERE if late else LIGHT[colour]
            sheet.box(left + cell * due - 20, y, 40, 32, LINE if late else colour, fill)
            sheet.text(left + cell * due, y + 20, str(output), 12, PALE if late else INK)
        x = left + cell * arrives
        sheet.line([(x, y + 56), (x, y + 36)], colour, 1.6, arrow=True)
        sheet.text(
            x + 6,
            y + 56,
            f'the prediction arrives: {arrives - seen} outputs are past',
            12,
            colour,
            'start',
            halo=True,
        )
    sheet.text(
        20,
        232,
        'Output i of an observation at tick k is due at tick k + i + 1. Where two '
        'predictions cover a step, they are blended.',
        12.5,
        PALE,
        'start',
    )
    sheet.save(path)


def stopping(path: Path) -> None:
    """Draw how `stop` brings two joints of a UR5 to rest."""
    robot = load_robot(CONFIG / 'ur5.yaml')
    names = ('shoulder_pan_joint', 'elbow_joint')
    limits = Limits.of([j for j in robot.commands()[0].joints if j.name in names])
    start, speed = np.array([0.0, 1.0]), np.array([1.6, -0.8])
    motion = stop(0, (start, speed), limits, start.copy(), np.zeros(2, bool))
    sheet = Sheet(900, 300, 'How a stop brakes')
    left, bottom, per_s, per_rad_s = 90, 250, 1100, 100
    sheet.line([(left, 30), (left, bottom)], INK)
    sheet.line([(left, bottom), (870, bottom)], INK)
    for tenths in range(1, 7):
        x = left + per_s * tenths / 10
        sheet.text(x, bottom + 18, f'{tenths / 10:.1f}', 11.5, PALE)
        sheet.line([(x, bottom), (x, bottom + 4)], INK)
    sheet.text(left - 8, bottom + 18, 'time [s]', 11.5, PALE, 'end')
    for speed_of in (0.5, 1.0, 1.5):
        y = bottom - per_rad_s * speed_of
        sheet.text(left - 8, y + 4, f'{speed_of}', 11.5, PALE, 'end')
        sheet.line([(left, y), (870, y)], '#e4e8ec')
    sheet.text(left - 8, 24, 'speed [rad/s]', 11.5, PALE, 'start')
    fault_s = 0.2
    for joint, (name, colour) in enumerate(zip(names, (BLUE, ORANGE), strict=True)):
        times = np.linspace(0.0, motion.times_s[-1], 30)
        velocities = np.abs(np.stack([motion.at(round(1e9 * t))[1] for t in times])[:, joint])
        points = [(left, bottom - per_rad_s * abs(speed[joint]))]
        points += [
            (left + per_s * (fault_s + t), bottom - per_rad_s * v)
            for t, v in zip(times, velocities, strict=True)
        ]
        points.append((860, bottom))
        sheet.line(points, colour, 2.2)
        sheet.text(left + 12, points[0][1] - 8, name, 12.5, colour, 'start', bold=True)
    x = left + per_s * fault_s
    sheet.line([(x, 40), (x, bottom)], INK, 1, dashed=True)
    sheet.text(x + 8, 52, 'a fault: brake from the setpoint', 12.5, INK, 'start')
    end = left + per_s * (fault_s + motion.times_s[-1])
    sheet.text(
        end + 8, bottom - 12, f'at rest after {motion.times_s[-1]:.2f} s', 12.5, INK, 'start'
    )
    sheet.text(
        20,
        290,
        'All joints brake together, so the arm stays on its path. It does not jump back to '
        'an older measured position.',
        12.5,
        PALE,
        'start',
    )
    sheet.save(path)


PICTURES: Mapping[str, Callable[[Path], None]] = {
    'architecture': architecture,
    'layout': layout,
    'padding': padding,
    'observation': observation,
    'steps': steps,
    'stopping': stopping,
    'robots': robots,
    'vocabulary': vocabulary,
}


def main() -> int:
    """Draw all pictures; return the exit code."""
    FOLDER.mkdir(exist_ok=True)
    for name, picture in PICTURES.items():
        picture(FOLDER / f'{name}.svg')
    return 0


if __name__ == '__main__':
    sys.exit(main())
