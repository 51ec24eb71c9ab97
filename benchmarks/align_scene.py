"""Measure how much of one processor the scene of `align` takes as sliders or recordings move it.

Three arms with seven, six and six joints, drawn by meshes where `example-robot-data` is installed.
Processor time of all threads, as a share of what passes between two pictures at 40 Hz; the page is
open in no browser, so that nothing is sent, but everything is packed. Only shares and ratios mean
anything on a machine that does other things, too.

    python benchmarks/align_scene.py [--pictures 400] [--json]
"""

import argparse
import importlib.metadata
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from neuracore_ros.description import DataType, load_robot
from neuracore_ros.description.shipped import shipped
from neuracore_ros.viewer.page_server import PageServer
from neuracore_ros.viewer.robot_model import RobotModel
from neuracore_ros.viewer.scene import RobotScene

PERIOD_S = 1 / 40
ARMS = {
    'franka': 'panda_description/urdf/panda.urdf',
    'ur5': 'ur_description/urdf/ur5_robot.urdf',
    'so101': 'so_arm_description/urdf/so101.urdf',
}
HANDS = ('franka_hand', 'ur5_hand', 'so100_hand')
JOINTS, POSES = DataType.JOINT_POSITIONS, DataType.END_EFFECTOR_POSES


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--pictures', type=int, default=400)
    parser.add_argument('--json', action='store_true')
    arguments = parser.parse_args()
    rows = measure(arguments.pictures)
    if arguments.json:
        print(json.dumps({'pictures': arguments.pictures, 'results': rows}, indent=2))
        return
    for what, value in rows.items():
        print(f'{what:52}{value:8.3f}')


def measure(pictures: int) -> dict[str, float]:
    arms, hands = models(ARMS), models(HANDS)
    server = PageServer(0, 'benchmark')
    try:
        scene = RobotScene(server, arms)

        def every_joint(n: int) -> None:
            scene.show({(JOINTS, index): 0.4 * np.sin(0.1 * n + index) for index in range(7)})

        def one_joint(n: int) -> None:
            scene.show({(JOINTS, 0): 0.4 * np.sin(0.1 * n)})

        def wrist(n: int) -> None:
            scene.show({(JOINTS, 6): 0.4 * np.sin(0.1 * n)})

        every, base, last = (share(each, pictures) for each in (every_joint, one_joint, wrist))
        still = share(lambda n: scene.show({}), pictures)
        by_hand = RobotScene(server, hands)
        x, y, z, *turn = hands[0].pose_slots()[POSES, 0].rest

        def pose(n: int) -> None:
            moved = 0.05 * np.sin(0.1 * n)
            by_hand.show({(POSES, 0): (x, y + moved, z + moved / 2, *turn)})

        reached = share(pose, pictures)
    finally:
        server.stop()
    return {
        'share of one processor at 40 Hz: every joint moves': every,
        '  the first joint of each moves': base,
        '  the last joint of each moves': last,
        '  nothing moves': still,
        '  the hands of three arms follow one pose': reached,
        'last joint beside every joint': last / every,
    }


def models(names) -> list[RobotModel]:
    found = []
    for name in names:
        robot = load_robot(shipped(name))
        urdf = known(ARMS[name]) if name in ARMS else None
        if urdf is not None or shipped(name).with_suffix('.urdf').is_file() or robot.urdf:
            found.append(RobotModel.of(robot, urdf))
    return found


def known(end: str) -> Path | None:
    """A URDF of the package `example-robot-data`; None without it."""
    try:
        files = importlib.metadata.files('example-robot-data') or []
    except importlib.metadata.PackageNotFoundError:
        return None
    return next((Path(each.locate()).resolve() for each in files if str(each).endswith(end)), None)


def share(show: Callable[[int], None], pictures: int) -> float:
    """The median processor time of a picture, in periods."""
    times = []
    for number in range(pictures):
        before = time.process_time()
        show(number)
        times.append(time.process_time() - before)
    return statistics.median(times) / PERIOD_S


if __name__ == '__main__':
    main()
