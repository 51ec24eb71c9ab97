"""Measure how far hands leave their workspace: on their way, in stops, and after the last message.

    python experiments/stops_at_borders.py [--trials 100] [--acceleration 12] [--profile ruckig]

A shipped arm follows random smooth paths at up to 1 m/s, which lead out of a box around its hand
(8 cm to each side) in every direction, and is stopped at a random moment. The same poses are
given twice: to the arm with that box as its `workspace`; and to the arm without one, after they
were moved into the box, which is all that a workspace would be if motions knew nothing of it.

Printed are the largest distance beyond the box and its 90th percentile [cm]: of what is executed
before the stop (`on the way`); of the stop (`stop`), how long it takes, too; of the last message,
which a controller plays to its end if its node is killed (`killed`); and of a stop because no
prediction came before the plan ran out, with what was executed until then (`late`).
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
import yaml

from neuracore_ros.command.joints import Joints
from neuracore_ros.command.motion import Motion
from neuracore_ros.command.settings import PROFILES, Settings
from neuracore_ros.command.spline import Spline
from neuracore_ros.description import DataType, load_robot
from neuracore_ros.errors import UnreachableError

CONFIG = Path(__file__).resolve().parents[1] / 'config'
STARTS = {
    'franka_hand': (0.0, -0.3, 0.0, -2.2, 0.0, 1.9, 0.785),
    'ur5_hand': (0.0, -1.4, 1.7, -1.9, -1.5708, 0.0),
}
BOX_M = 0.08
RATE_HZ = 20.0
STEP_NS = 50_000_000
HORIZON = 16
EXECUTED = 8
FULL_SPEED = 1.0
SAMPLED_S = 0.004
POSES = DataType.END_EFFECTOR_POSES


class Arm:
    """A shipped arm that starts in the middle of a box, with or without it as its workspace."""

    def __init__(self, name: str, acceleration: float | None, bounded: bool) -> None:
        """Describe it again, with other bounds."""
        described = yaml.safe_load((CONFIG / f'{name}.yaml').read_text())
        described['urdf'] = str(CONFIG / described['urdf'])
        described['chains']['hand'].pop('workspace', None)
        self.start = np.array(STARTS[name])
        self.joints = _joints(described)
        self.home = self.joints.chains[0].poses(self.start[None])[0].astype(float)
        self.scale = self.joints.chains[0].output.scale
        self.centre = self.home[:3] / self.scale
        self.low, self.high = self.centre - BOX_M, self.centre + BOX_M
        if bounded:
            sides = zip('xyz', self.low.tolist(), self.high.tolist(), strict=True)
            described['chains']['hand']['workspace'] = {
                axis: [low, high] for axis, low, high in sides
            }
        if acceleration:
            names = [joint.name for joint in self.joints.joints]
            described['limits'] = {each: {'acceleration': acceleration} for each in names}
        self.joints = _joints(described)

    def beyond(self, motion: Spline, from_s: float = 0.0, until_s: float = np.inf) -> float:
        """How far a part of a motion leads the hand out of the box [m]."""
        times_s = np.arange(from_s, min(until_s, float(motion.times_s[-1])) + SAMPLED_S, SAMPLED_S)
        rows = [motion.at(motion.start_ns + round(1e9 * time_s))[0] for time_s in times_s]
        xyz = self.joints.chains[0].poses(np.array(rows))[:, :3] / self.scale
        return float(np.maximum(self.low - xyz, xyz - self.high).max(initial=0.0))


def _joints(described: dict[str, object]) -> Joints:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / 'arm.yaml'
        path.write_text(yaml.safe_dump(described))
        robot = load_robot(path)
        return Joints.of(robot.commands(), robot.chain_outputs(), RATE_HZ)


def trial(arm: Arm, profile: str, seed: int) -> dict[str, float] | None:
    """Follow one path and stop; None where inverse kinematics refuses it.

    Returns:
        Name of a column -> distance beyond the box [m], and ``stop_s``, what the stop took [s].
    """
    rng = np.random.default_rng(seed)
    motion = Motion(arm.joints, Settings(profile=profile), RATE_HZ)
    motion.begin(arm.start, False, 0)
    reach, phase = BOX_M * rng.uniform(0.8, 2.5, 3), rng.uniform(0, 2 * np.pi, 3)
    pace = rng.uniform(0.1, FULL_SPEED) / reach * rng.uniform(0.5, 1.0, 3)
    steps, share, is_late = int(rng.integers(20, 60)), rng.uniform(), rng.uniform() < 0.5
    away = {'on the way': 0.0}

    def go_on(step: int) -> None:
        newest = motion.executed[-1]
        since_s = (step * STEP_NS - newest.start_ns) / 1e9
        gone = arm.beyond(newest, since_s, since_s + STEP_NS / 1e9)
        away['on the way'] = max(away['on the way'], gone)

    for step in range(steps):
        if step % EXECUTED == 0:
            times_s = (step + np.arange(1, HORIZON + 1))[:, None] / RATE_HZ
            wave = reach * np.minimum(1.0, times_s) * np.sin(pace * times_s + phase)
            poses = np.tile(arm.home, (HORIZON, 1, 1))
            poses[:, 0, :3] = arm.scale * np.clip(arm.centre + wave, arm.low, arm.high)
            setpoint = motion.setpoint(step * STEP_NS)
            assert setpoint is not None
            far = np.full(len(arm.start), 0.5)
            try:
                outputs = arm.joints.from_slots({POSES: poses}, HORIZON, 0, setpoint[0], far)
            except UnreachableError:
                return None
            motion.merge(outputs, step * STEP_NS)
        else:
            motion.extend(step * STEP_NS)
        go_on(step)
    now_ns = (steps - 1) * STEP_NS + round(share * STEP_NS)
    while is_late and not motion.runs_dry(now_ns - STEP_NS // 2):
        motion.extend(steps * STEP_NS)
        go_on(steps)
        steps, now_ns = steps + 1, (steps + 1) * STEP_NS
    newest = motion.executed[-1]
    away['killed'] = arm.beyond(newest, (now_ns - newest.start_ns) / 1e9)
    motion.stop(now_ns, None, np.zeros(len(arm.start), bool))
    stopped = motion.executed[-1]
    if is_late:
        away['late'] = max(away.pop('on the way'), away.pop('killed'))
    if stopped is not newest:
        away['late' if is_late else 'stop'] = arm.beyond(stopped)
        away['stop_s'] = float(stopped.times_s[-1])
    return away


def main() -> None:
    """Print one table for each arm."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument('--trials', type=int, default=100)
    parser.add_argument('--acceleration', type=float, help='limit of each joint [rad/s2]')
    parser.add_argument('--profile', choices=PROFILES, default='spline')
    args = parser.parse_args()
    for name in STARTS:
        for bounded in (False, True):
            arm, found = Arm(name, args.acceleration, bounded), dict[str, list[float]]()
            for seed in range(args.trials):
                for column, value in (trial(arm, args.profile, seed) or {}).items():
                    found.setdefault(column, []).append(value)
            takes_s = np.mean(found.pop('stop_s'))
            has = 'with' if bounded else 'without'
            print(f'{name}, {has} a workspace: stops take {takes_s:.3f} s')
            for column, values in found.items():
                most, usual = 100 * np.max(values), 100 * np.percentile(values, 90)
                print(
                    f'  {column:<11} {most:5.1f} cm, 90 % of {len(values)} at most {usual:4.1f} cm'
                )


if __name__ == '__main__':
    main()
