"""Measure what a controller commands where messages meet and end.

    python experiments/joins.py [--json]

Offline, in virtual time, without ROS: the node's own runner drives six joints to and fro
behind the tests' model of joint_trajectory_controller (`test/helpers/cyclic_controller.py`):
it works in cycles, messages take 0.3 to 2 ms to it, so that they come a cycle sooner or later,
and the joints lag behind its commands. Every mode runs behind each variant of the controller:
`measured` and `desired` are what Jazzy to Rolling do with `interpolate_from_desired_state`
false and true, `master` what ros2_controllers does since 2026.

A drive sees the command. `joins` and `stops` are by how much its speed changed in one cycle at
worst [rad/s], while the policy is followed, and while `~/enable` or a late model stops it; `end`
is the largest acceleration [rad/s2] with which the last message ends that a killed node has sent;
`peak` is the largest commanded speed [rad/s], and `error` how far the joints are from the path at
worst [rad]; nan where the robot was held. Between joins, the path itself changes its speed by
0.005 rad/s in a cycle.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import asdict, astuple, dataclass, fields
from pathlib import Path

import numpy as np
from chunks import (
    HORIZON,
    JOINTS,
    NAMES,
    SECOND,
    SLOTS,
    STEP_NS,
    TARGETS,
    Array,
    Way,
    as_message,
    joint_state,
    runnable,
    scripted_manifest,
)

from neuracore_ros.description import load_robot
from neuracore_ros.runner import Request, Runner, Settings, TickResult

# The robot that the tests of the runner use, too.
sys.path.append(str(Path(__file__).resolve().parents[1] / 'test'))
from helpers.cyclic_controller import VARIANTS
from helpers.lagging_robot import LaggingRobot

LIMIT = 'position: [-3, 3], velocity: 3.15, acceleration: 8.0'
ROBOT = f"""
robot: joins
limits: {{{', '.join(f'{name}: {{{LIMIT}}}' for name in NAMES)}}}
input: {{JOINT_POSITIONS: {{{SLOTS}}}}}
output: {{JOINT_TARGET_POSITIONS: {{{SLOTS}}}}}
sources: {{JOINT_POSITIONS: {{topic: joint_states}}}}
commands: {{JOINT_TARGET_POSITIONS: {{topic: arm, stream: STREAM}}}}
"""
MODES: dict[str, Way] = {
    'linear': {'blend': 'linear'},
    'minimum_jerk': {'blend': 'minimum_jerk'},
    'ensemble': {'blend': 'ensemble'},
    'ensemble, execute_steps 2': {'blend': 'ensemble', 'execute_steps': 2},
    'none': {'blend': 'none'},
    'profile ruckig': {'profile': 'ruckig'},
    'stream: point, 100 Hz': {'command_rate_hz': 100.0},
}
JOINT_STATE_NS = SECOND // 100
REACH = 0.4
"""Amplitude of the path [rad]."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Figures of one mode with one variant of the controller; see the docstring of this file."""

    joins: float
    stops: float
    end: float
    peak: float
    error: float


class Loop:
    """A runner, a model that is slow, and a robot, on one clock.

    Attributes:
        answers: Whether the model answers; else it is late.
    """

    def __init__(self, runner: Runner, robot: LaggingRobot, arguments: argparse.Namespace) -> None:
        self.runner, self.robot = runner, robot
        self.answers = True
        self._speed, self._noise = arguments.speed, arguments.noise
        self._latency_ns = round(arguments.latency_steps * STEP_NS)
        self._pending: list[tuple[int, Request]] = []
        self._due_ns = dict.fromkeys(('joints', 'point', 'tick'), robot.now_ns + STEP_NS)

    @property
    def now_ns(self) -> int:
        """The runner's time, which lies between two cycles."""
        return self.robot.now_ns + self.robot.period_ns // 2

    def path(self, time_s: Array) -> Array:
        """Compute the true path of the joints, shape (n, J) [rad]; one of them is always fast."""
        phases = np.pi * np.arange(JOINTS) / JOINTS
        return REACH * np.sin(self._speed / REACH * time_s[:, None] + phases)

    def run(self, steps: int) -> tuple[int, int]:
        """Let some steps pass; returns when that began and ended [ns]."""
        began_ns = self.robot.now_ns
        while self.robot.now_ns < began_ns + steps * STEP_NS:
            refused = self.robot.step()
            assert refused is None, refused
            self._between_cycles(self.now_ns)
        return began_ns, self.robot.now_ns

    def obey(self, outcome: TickResult) -> None:
        """Do what the runner wants."""
        for command in outcome.commands:
            self.robot.send(as_message(command), self.now_ns)
        if outcome.request:
            self._pending.append((self.now_ns + self._latency_ns, outcome.request))

    def _between_cycles(self, now_ns: int) -> None:
        if self._is_time('joints', JOINT_STATE_NS):
            robot = self.robot
            state = joint_state(robot.positions, robot.velocities, robot.now_ns)
            self.runner.receive('joint_states', state, now_ns)
        rate_hz = self.runner.point_rate_hz
        if rate_hz and self._is_time('point', round(SECOND / rate_hz)):
            self.obey(TickResult(self.runner.points(now_ns)))
        if self.answers and self._pending and self._pending[0][0] <= now_ns:
            _, request = self._pending.pop()
            self.obey(self.runner.predicted(request, {TARGETS: self._predict(request)}, now_ns))
        if self._is_time('tick', STEP_NS):
            self.obey(self.runner.tick(now_ns))

    def _predict(self, request: Request) -> Array:
        """The path, off by an error that is new in each prediction, shape (H, J) [rad]."""
        due_s = (request.made_ns + (1 + np.arange(HORIZON)) * STEP_NS) / 1e9
        error = np.random.default_rng(request.tick).normal(0.0, self._noise, JOINTS)
        return self.path(due_s) + error

    def _is_time(self, what: str, period_ns: int) -> bool:
        due = self.robot.now_ns >= self._due_ns[what]
        if due:
            self._due_ns[what] += period_ns
        return due


def measure(folder: Path, mode: Way, variant: str, arguments: argparse.Namespace) -> Figures:
    stream = 'point' if 'command_rate_hz' in mode else 'chunk'
    path = folder / 'joins.yaml'
    path.write_text(ROBOT.replace('STREAM', stream))
    settings = Settings(start_tolerance=3.0, start_max=3.0, **mode)  # type: ignore[arg-type]
    runner = Runner(load_robot(path), scripted_manifest(), settings)
    robot = LaggingRobot(
        NAMES,
        np.zeros(JOINTS),
        SECOND,
        variant=VARIANTS[variant],
        update_hz=arguments.update_hz,
        lag_s=arguments.lag_ms / 1e3,
        delay_s=(arguments.delay_ms[0] / 1e3, arguments.delay_ms[1] / 1e3),
    )
    loop = Loop(runner, robot, arguments)
    loop.run(40)
    followed = [loop.run(arguments.steps)]
    stopped = []
    # 7 steps are no multiple of what lies between two predictions: stops meet all phases.
    for _ in range(arguments.stops):
        followed.append(loop.run(7))
        loop.obey(runner.enable(False, loop.now_ns))
        stopped.append(loop.run(20))
        loop.obey(runner.enable(True, loop.now_ns))
        loop.run(40)
        loop.answers = False
        stopped.append(loop.run(40))
        if not runner.counters.late:
            print(f'{mode} behind {variant}: {runner.reason}', file=sys.stderr)
            return Figures(*[np.nan] * len(fields(Figures)))
        loop.answers = True
        loop.run(40)
    followed.append(loop.run(7))
    assert runner.state.value == 'RUNNING', runner.reason
    sent_ns = robot.now_ns
    for _ in range(round(SECOND / robot.period_ns)):
        robot.step()
    times_ns = np.array(robot.times_ns)
    within = np.any([(times_ns >= a) & (times_ns < b) for a, b in followed], axis=0)
    # By then the newest chunk has been joined; a stream just stops.
    ending = times_ns > sent_ns + (0 if runner.point_rate_hz else STEP_NS + 10_000_000)
    away = np.array(robot.path) - loop.path(times_ns / 1e9)
    return Figures(
        joins=max(robot.worst_jump(*window) for window in followed),
        stops=max(robot.worst_jump(*window) for window in stopped),
        end=float(robot.command_jumps()[ending[1:]].max()) * SECOND / robot.period_ns,
        peak=float(np.abs(robot.command_speeds()[within[1:]]).max()),
        error=float(np.abs(away[within]).max()),
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or '').splitlines()[0])
    parser.add_argument('--steps', type=int, default=100, help='that it runs (default 100)')
    parser.add_argument('--stops', type=int, default=4, help='of each kind (default 4)')
    parser.add_argument('--speed', type=float, default=1.0, help='of the path [rad/s] (1)')
    parser.add_argument(
        '--noise', type=float, default=0.003, help='of predictions [rad] (default 0.003)'
    )
    parser.add_argument('--update-hz', type=float, default=500.0, help='of the controller (500)')
    parser.add_argument('--lag-ms', type=float, default=40.0, help='of the joints (40)')
    parser.add_argument(
        '--delay-ms', type=float, nargs=2, default=(0.3, 2.0), help='of messages (0.3 2)'
    )
    parser.add_argument(
        '--latency-steps', type=float, default=1.4, help='until an answer comes (1.4)'
    )
    parser.add_argument(
        '--variants',
        nargs='+',
        choices=tuple(VARIANTS),
        default=('measured', 'desired', 'master'),
        help='of the controller; also: humble, "humble, open loop"',
    )
    parser.add_argument('--json', action='store_true', help='print figures as JSON')
    arguments = parser.parse_args()
    figures: dict[str, dict[str, Figures]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, mode in runnable(MODES).items():
            figures[name] = {
                variant: measure(Path(folder), mode, variant, arguments)
                for variant in arguments.variants
            }
    if arguments.json:
        rows = {n: {v: asdict(f) for v, f in row.items()} for n, row in figures.items()}
        print(json.dumps(rows, indent=1))
        return 0
    width = 10 * len(fields(Figures))
    print(f'{"":26}' + ''.join(f'{variant:>{width}}' for variant in arguments.variants))
    titles = ''.join(f'{field.name:>10}' for field in fields(Figures))
    print(f'{"":26}' + titles * len(arguments.variants))
    for name, row in figures.items():
        cells = (f'{value:10.3f}' for cell in row.values() for value in astuple(cell))
        print(f'{name:26}' + ''.join(cells))
    return 0


if __name__ == '__main__':
    sys.exit(main())
