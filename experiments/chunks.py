"""Compare ways of joining chunks by the motion of a robot: python experiments/chunks.py [--json].

Offline, without ROS: the node's own runner drives six simulated joints after a scripted policy
that is slow (its answers come steps later) and whose predictions disagree (each is off by an
error of its own). Figures are those of what is executed, as ratios to `none` in the same run.

Rows that begin with `flow` are of a real flow policy, which is trained first (--train 0 leaves
them out) and sees what it follows with noise; those with `inpaint` let it continue its plan. They
are ratios to `flow, none`.
"""

from __future__ import annotations

import argparse
import importlib.util
import itertools
import json
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from numpy.typing import NDArray

from neuracore_ros.description import DataType, load_robot
from neuracore_ros.policy.manifest import InputSlots, Manifest, OutputSlots
from neuracore_ros.runner import JointCommand, Request, Runner, Settings, TickResult
from neuracore_ros.sim.controller import TrajectoryController

Way = dict[str, str | int | float]
"""Settings of the runner by which one row of the table is made."""
Predict = Callable[[Request], NDArray[np.floating]]
Array = NDArray[np.float64]

SECOND = 1_000_000_000
RATE_HZ = 20.0
STEP_NS = round(SECOND / RATE_HZ)
SAMPLE_NS = 5_000_000
HORIZON = 16
JOINTS = 6
NAMES = tuple(f'joint_{i}' for i in range(JOINTS))
POSITIONS, TARGETS = DataType.JOINT_POSITIONS, DataType.JOINT_TARGET_POSITIONS
SEEN = DataType.CUSTOM_1D
SEEN_NAMES = tuple(f'{what}_{i}' for what in ('place', 'speed') for i in range(JOINTS))
SLOTS = ', '.join(f'{i}: {name}' for i, name in enumerate(NAMES))
SEEN_SLOTS = ', '.join(f'{i}: {name}' for i, name in enumerate(SEEN_NAMES))
LIMITS = ', '.join(
    f'{name}: {{position: [-3, 3], velocity: 3.0, acceleration: 15.0}}' for name in NAMES
)
ROBOT = f"""
robot: bench
limits: {{{LIMITS}}}
input: {{JOINT_POSITIONS: {{{SLOTS}}}, CUSTOM_1D: {{{SEEN_SLOTS}}}}}
output: {{JOINT_TARGET_POSITIONS: {{{SLOTS}}}}}
sources:
  JOINT_POSITIONS: {{topic: joint_states}}
  CUSTOM_1D: {{topic: seen, type: Float64MultiArray, order: [{', '.join(SEEN_NAMES)}]}}
commands: {{JOINT_TARGET_POSITIONS: {{topic: arm}}}}
"""
WAYS: dict[str, Way] = {
    'none': {'blend': 'none'},
    'linear': {'blend': 'linear'},
    'minimum_jerk': {'blend': 'minimum_jerk'},
    'ensemble': {'blend': 'ensemble'},
    'ensemble, execute_steps 2': {'blend': 'ensemble', 'execute_steps': 2},
    'none, ruckig': {'blend': 'none', 'profile': 'ruckig'},
    'minimum_jerk, ruckig': {'blend': 'minimum_jerk', 'profile': 'ruckig'},
}
FLOW_WAYS: dict[str, Way] = {
    'flow, none': {'blend': 'none', 'inpaint': False},
    'flow, linear': {'blend': 'linear', 'inpaint': False},
    'flow, minimum_jerk': {'blend': 'minimum_jerk', 'inpaint': False},
    'flow, ensemble': {'blend': 'ensemble', 'inpaint': False},
    'flow, inpaint': {'blend': 'none'},
    'flow, inpaint, linear': {'blend': 'linear'},
}


@dataclass(frozen=True, slots=True)
class Figures:
    """Figures of one way of joining.

    Attributes:
        seam_rad_p50: Half of the predictions moved the plan by at most this [rad].
        seam_rad_p99: Likewise.
        seam_rad_max: Likewise.
        velocity_jump: Largest change of the executed speed from step to step [rad/s].
        acceleration_max: Largest executed [rad/s2].
        acceleration_rms: Its root mean square.
        tracking_rms: Executed against the true path [rad].
    """

    seam_rad_p50: float
    seam_rad_p99: float
    seam_rad_max: float
    velocity_jump: float
    acceleration_max: float
    acceleration_rms: float
    tracking_rms: float


def true_path(step: Array) -> Array:
    """Compute the true path of the joints at steps (n,), shape (n, J) [rad]."""
    t = step[:, None] / RATE_HZ
    return 0.5 * np.sin(t * np.linspace(0.6, 1.4, JOINTS)) * np.minimum(t, 1.0)


def predict(request: Request, noise: float) -> Array:
    """The true path, off by an error that is new in each prediction and drifts within it."""
    random = np.random.default_rng(request.tick)
    error = random.normal(0.0, noise, JOINTS)
    drift = random.normal(0.0, noise / HORIZON, (HORIZON, JOINTS)).cumsum(axis=0)
    return true_path(request.tick + 1.0 + np.arange(HORIZON)) + error + drift


def learnt(arguments: argparse.Namespace) -> tuple[Manifest, Predict]:
    """A flow policy that follows the true path, of which it is told only roughly where that is."""
    from wave_policy import learn

    policy = learn(true_path, RATE_HZ, HORIZON, arguments.noise, arguments.train)

    def predict(request: Request) -> NDArray[np.floating]:
        random = np.random.default_rng(request.tick)
        seen = request.inputs[SEEN].copy()
        seen[..., :JOINTS] += random.normal(0.0, arguments.noise, JOINTS)
        inputs = {**request.inputs, SEEN: seen}
        return policy.predict(inputs, request.valid, plan=request.plan)[TARGETS]

    return policy.manifest, predict


def seen(step: float) -> SimpleNamespace:
    """Make a message of the true positions and velocities of the joints."""
    before, now, after = true_path(np.array([step - 0.1, step, step + 0.1]))
    speed = (after - before) / 0.2 * RATE_HZ
    return SimpleNamespace(data=[*now.tolist(), *speed.tolist()])


def joint_state(positions: Array, velocities: Array, now_ns: int) -> SimpleNamespace:
    stamp = SimpleNamespace(sec=now_ns // SECOND, nanosec=now_ns % SECOND)
    header = SimpleNamespace(stamp=stamp)
    return SimpleNamespace(
        header=header, name=NAMES, position=positions.tolist(), velocity=velocities.tolist()
    )


def as_message(command: JointCommand) -> SimpleNamespace:
    """The JointTrajectory that the node makes of a command, without ROS."""
    zero = SimpleNamespace(sec=0, nanosec=0)
    velocities = itertools.repeat([]) if command.velocities is None else command.velocities
    points = [
        SimpleNamespace(
            time_from_start=SimpleNamespace(sec=0, nanosec=round(time_s * SECOND)),
            positions=positions,
            velocities=speeds,
            accelerations=[],
            effort=[],
        )
        for time_s, positions, speeds in zip(
            command.times_s, command.positions, velocities, strict=False
        )
    ]
    header = SimpleNamespace(stamp=zero)
    return SimpleNamespace(header=header, joint_names=command.joint_names, points=points)


def drive(runner: Runner, steps: int, latency_steps: float, predict: Predict) -> Array:
    """Run a policy on a robot that follows exactly; its positions every 5 ms, (n, J)."""
    robot = TrajectoryController(NAMES, np.zeros(JOINTS))
    pending: list[tuple[int, Request]] = []
    executed = [np.zeros(JOINTS)]

    def obey(outcome: TickResult, now_ns: int) -> None:
        for command in outcome.commands:
            velocities = (executed[-1] - executed[-2]) * SECOND / SAMPLE_NS
            refused = robot.accept(as_message(command), now_ns, executed[-1], velocities)
            assert refused is None, refused
        if outcome.request:
            pending.append((now_ns + round(latency_steps * STEP_NS), outcome.request))

    start_ns = SECOND
    for sample in range(1, steps * STEP_NS // SAMPLE_NS):
        now_ns = start_ns + sample * SAMPLE_NS
        executed.append(robot.reference(now_ns))
        velocities = (executed[-1] - executed[-2]) * SECOND / SAMPLE_NS
        runner.receive('joint_states', joint_state(executed[-1], velocities, now_ns), now_ns)
        runner.receive('seen', seen(sample * SAMPLE_NS / STEP_NS - 1.0), now_ns)
        if pending and pending[0][0] <= now_ns:
            _, request = pending.pop()
            chunk = {TARGETS: predict(request)}
            obey(runner.predicted(request, chunk, now_ns), now_ns)
        if sample * SAMPLE_NS % STEP_NS == 0:
            obey(runner.tick(now_ns), now_ns)
    assert runner.counters.holds == 0, runner.reason
    return np.array(executed)


def scripted_manifest() -> Manifest:
    """The manifest of a scripted policy: six joints in, their targets out."""
    slots = tuple(range(JOINTS))
    return Manifest(
        {POSITIONS: InputSlots(JOINTS, slots)},
        {TARGETS: OutputSlots(JOINTS, slots)},
        rate_hz=RATE_HZ,
        horizon=HORIZON,
    )


def runnable(ways: Mapping[str, Way]) -> dict[str, Way]:
    """The ways that can run here: those with ``profile`` need ruckig."""
    if importlib.util.find_spec('ruckig') is not None:
        return dict(ways)
    print('without ruckig: pip install ruckig', file=sys.stderr)
    return {name: way for name, way in ways.items() if 'profile' not in way}


def measure(
    folder: Path,
    way: Way,
    policy: tuple[Manifest, Predict],
    arguments: argparse.Namespace,
) -> Figures:
    path = folder / 'bench.yaml'
    path.write_text(ROBOT)
    manifest, ask = policy
    runner = Runner(load_robot(path), manifest, Settings(**way))  # type: ignore[arg-type]
    executed = drive(runner, arguments.steps, arguments.latency_steps, ask)
    # The runner counts its steps from its first tick on, which is one step after the start.
    path_steps = np.arange(len(executed)) * SAMPLE_NS / STEP_NS - 1.0
    moving = slice(2 * SECOND // SAMPLE_NS, None)
    error = (executed - true_path(path_steps))[moving]
    per_step = STEP_NS // SAMPLE_NS
    speeds = np.diff(executed[moving][::per_step], axis=0) * RATE_HZ
    acceleration = np.diff(executed[moving], 2, axis=0) / (SAMPLE_NS / SECOND) ** 2
    counters = runner.counters
    return Figures(
        counters.seam_rad(50),
        counters.seam_rad(99),
        counters.seam_rad(100),
        float(np.abs(np.diff(speeds, axis=0)).max()),
        float(np.abs(acceleration).max()),
        float(np.sqrt(np.mean(acceleration**2))),
        float(np.sqrt(np.mean(error**2))),
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or '').splitlines()[0])
    parser.add_argument('--steps', type=int, default=1200, help='of the policy (default 1200)')
    parser.add_argument(
        '--latency-steps', type=float, default=3.4, help='until an answer comes (default 3.4)'
    )
    parser.add_argument(
        '--noise', type=float, default=0.03, help='of predictions [rad] (default 0.03)'
    )
    parser.add_argument(
        '--train', type=int, default=1500, help='steps that the flow policy learns (1500)'
    )
    parser.add_argument('--json', action='store_true', help='print figures as JSON')
    arguments = parser.parse_args()
    scripted = scripted_manifest(), partial(predict, noise=arguments.noise)
    with tempfile.TemporaryDirectory() as folder:
        figures = {
            name: asdict(measure(Path(folder), way, scripted, arguments))
            for name, way in runnable(WAYS).items()
        }
        if arguments.train:
            flow = learnt(arguments)
            figures |= {
                name: asdict(measure(Path(folder), way, flow, arguments))
                for name, way in FLOW_WAYS.items()
            }
    none = figures['none']
    ratios = {
        name: {
            key: value / figures['flow, none' if name.startswith('flow') else 'none'][key]
            for key, value in row.items()
        }
        for name, row in figures.items()
    }
    if arguments.json:
        print(json.dumps({'figures': figures, 'ratios': ratios}, indent=1))
        return 0
    print(f'{"ratio to none":26}' + ''.join(f'{key:>18}' for key in none))
    for name, row in ratios.items():
        print(f'{name:26}' + ''.join(f'{value:18.2f}' for value in row.values()))
    print(f'{"none itself":26}' + ''.join(f'{value:18.4f}' for value in none.values()))
    return 0


if __name__ == '__main__':
    sys.exit(main())
