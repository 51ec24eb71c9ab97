"""Measure forward and inverse kinematics of chains, beside the same done plainly.

Arms of seven joints (Panda) and six (UR5), as in ``neuracore_ros.sim``; a chunk is a straight
line of 15 cm with a turn of 0.3 rad, one pose each 50 ms. The plain way is damped least squares
without limits, home, weights or words, two iterations a pose. Processor time; only the ratios mean
anything on a machine that does other things, too.

    python benchmarks/kinematics.py [--poses 32] [--runs 30] [--json]
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pinocchio

from neuracore_ros.arrays import FloatArray
from neuracore_ros.description.chain import Chain, Placement
from neuracore_ros.kinematics.chain import ChainKinematics
from neuracore_ros.kinematics.forward import Kinematics
from neuracore_ros.kinematics.inverse import InverseKinematics
from neuracore_ros.kinematics.rotations import angles_between
from neuracore_ros.sim.arms import FRANKA, UR5, ReachArm

STEP_S = 0.05
DAMPING = 1e-4


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--poses', type=int, default=32)
    parser.add_argument('--runs', type=int, default=30)
    parser.add_argument('--json', action='store_true')
    arguments = parser.parse_args()
    results = {arm.name: measure(arm, arguments.poses, arguments.runs) for arm in (FRANKA, UR5)}
    if arguments.json:
        print(json.dumps({'poses': arguments.poses, 'results': results}, indent=2))
        return
    for name, rows in results.items():
        print(name)
        for what, value in rows.items():
            print(f'  {what:28}{value:10.3g}')


def measure(arm: ReachArm, count: int, runs: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        chain = describe(arm, Path(folder))
        kinematics = ChainKinematics(chain)
        lower, upper, velocity = np.array(
            [(joint.lower, joint.upper, joint.velocity) for joint in arm.joints]
        ).T
        inverse = InverseKinematics(chain, lower, upper, velocity, STEP_S)
    home = np.array(arm.home)
    poses = chunk(kinematics.pose(home), count)
    found = kinematics.poses(inverse.follow(poses, home))
    follow, plainly = in_turns(
        [
            lambda: inverse.follow(poses, home),
            lambda: follow_plainly(kinematics.arm, poses, home),
        ],
        runs,
    )
    many = np.tile(home, (1000, 1))
    (forward,) = in_turns([lambda: kinematics.poses(many)], runs)
    (single,) = in_turns([lambda: [kinematics.pose(home) for _ in range(100)]], runs)
    return {
        'chunk_ms': follow * 1e3,
        'plain_chunk_ms': plainly * 1e3,
        'ratio': follow / plainly,
        'largest_error_mm': float(np.linalg.norm(found[:, :3] - poses[:, :3], axis=1).max()) * 1e3,
        'largest_error_mrad': float(angles_between(found[:, 3:], poses[:, 3:]).max()) * 1e3,
        'forward_one_us': single / 100 * 1e6,
        'forward_row_us': forward / len(many) * 1e6,
    }


def describe(arm: ReachArm, folder: Path) -> Chain:
    """The arm as a URDF, and its chain."""
    links = ['base', *(joint.name for joint in arm.joints)]
    parts = [
        f'<joint name="{joint.name}" type="revolute"><parent link="{parent}"/>'
        f'<child link="{joint.name}"/><axis xyz="{text(joint.axis)}"/>'
        f'<origin xyz="{text(joint.xyz)}" rpy="{text(joint.rpy)}"/>'
        f'<limit lower="{joint.lower}" upper="{joint.upper}" velocity="{joint.velocity}"/></joint>'
        for parent, joint in zip(links, arm.joints, strict=False)
    ]
    path = folder / 'arm.urdf'
    path.write_text(f'<robot name="{arm.name}">{"".join(parts)}</robot>')
    tip_offset = Placement(arm.tool_xyz, arm.tool_rpy)
    return Chain('hand', path, 'base', links[-1], arm.joint_names, tip_offset=tip_offset)


def text(numbers: tuple[float, ...]) -> str:
    return ' '.join(map(str, numbers))


def chunk(pose: FloatArray, count: int) -> FloatArray:
    """A line down and aside that starts and ends softly."""
    share = np.linspace(0.0, 1.0, count + 1)[1:]
    share = share**3 * (10.0 - 15.0 * share + 6.0 * share**2)
    start = pinocchio.XYZQUATToSE3(pose)
    way, turn = np.array([0.05, 0.1, -0.1]), np.array([0.1, 0.2, 0.2])
    return np.array(
        [
            pinocchio.SE3ToXYZQUAT(
                pinocchio.SE3(
                    pinocchio.exp3(part * turn) @ start.rotation, start.translation + part * way
                )
            )
            for part in share
        ]
    )


def follow_plainly(arm: Kinematics, poses: FloatArray, start: FloatArray) -> FloatArray:
    """Damped least squares as it is written down everywhere."""
    joints, found = start, []
    for pose in poses:
        goal = pinocchio.XYZQUATToSE3(pose)
        for _ in range(2):
            xyz, rotation, jacobian = arm.placed(-1, joints)
            turn = pinocchio.log3(goal.rotation @ rotation.T)
            error = np.concatenate([goal.translation - xyz, turn])
            square = jacobian @ jacobian.T + DAMPING * np.eye(6)
            joints = joints + jacobian.T @ np.linalg.solve(square, error)
        found.append(joints)
    return np.array(found)


def in_turns(works: list[Callable[[], object]], runs: int) -> list[float]:
    """Median processor time of each [s]."""
    taken: list[list[float]] = [[] for _ in works]
    for _ in range(runs):
        for work, times in zip(works, taken, strict=True):
            start = time.process_time()
            work()
            times.append(time.process_time() - start)
    return [statistics.median(times) for times in taken]


if __name__ == '__main__':
    main()
