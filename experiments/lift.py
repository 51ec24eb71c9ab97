"""Train one policy that lifts with two robots.

    python experiments/lift.py --out FOLDER [--until STAGE]

A Panda and a UR5e in MuJoCo (`pip install 'neuracore_ros[mujoco]'`). Stages, each of which goes on
where it was interrupted:

1. ``record``: episodes of the expert; the first ``--live`` of each robot over real topics, by
   ``neuracore_ros record``, the others in lockstep without ROS.
2. ``convert``: to one dataset, 64 px, 20 Hz.
3. ``train``: one policy for both.
4. ``evaluate``: trials in lockstep, by the node's own runner.
5. ``drive``: trials through ``infer_node`` and real topics.

Trials are lines of ``FOLDER/trials.jsonl``; what came out is printed as JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from lockstep import World, drive, record

from neuracore_ros.command.settings import Settings
from neuracore_ros.demo import recording, trials
from neuracore_ros.demo.processes import run_verb
from neuracore_ros.demo.station import Simulator
from neuracore_ros.description import DataType, load_robot
from neuracore_ros.description.shipped import shipped
from neuracore_ros.physics.arms import ARMS

ROBOTS = ('lift_panda', 'lift_ur5e')
CROSS_EMBODIMENT = 'lift'
STAGES = ('record', 'convert', 'train', 'evaluate', 'drive')
TASK = 'lift the cube'

SIMULATOR = Simulator(
    module='neuracore_ros.physics.robot_node',
    camera='agentview',
    disturbance=0.07,
    linger_s=0.3,
    trial_s=8.0,
    stay_s=0.5,
    ends_when_done=True,
)
PATIENCE_S = 6.0
RATE_HZ, IMAGE_SIZE, HORIZON = 20, 64, 10
STEP_S = 1.0 / RATE_HZ
FIRST_SEED = 10_000
"""First seed of the trials: above all seeds of recorded episodes."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One trial in lockstep.

    Attributes:
        robot: Who moved.
        driver: ``lockstep``.
        seed: Of the trial.
        success: Whether the cube was lifted, and stayed so.
        seconds: Until then, or until time was up, in the robot's time.
    """

    robot: str
    driver: str
    seed: int
    success: bool
    seconds: float


class Done:
    """Judge of a trial: the task is done, and stays done for long enough."""

    def __init__(self, world: World, within_m: float, stay_s: float) -> None:
        self._world = world
        self._within_m = within_m
        self._steps = round(stay_s / STEP_S)
        self._stayed = 0

    def __call__(self) -> bool:
        """To be asked after every step."""
        is_done = self._world.simulated.distance() <= self._within_m
        self._stayed = self._stayed + 1 if is_done else 0
        return self._stayed > self._steps


def make_world(robot: str, sees: bool = True) -> World:
    """A robot in lockstep, with both of its cameras, or told where the cube is [m]."""
    from neuracore_ros.physics.lift import LiftRobot

    simulated = LiftRobot(ARMS[robot])
    cameras, reach = (simulated.cameras, 0.0) if sees else ((), 1.0)
    return World(simulated, cameras, reach, period_s=STEP_S)


def record_in_lockstep(robot: str, seeds: Iterable[int], folder: Path, sees: bool = True) -> None:
    """Write the expert's episodes of these seeds; those that are there are kept."""
    from neuracore_ros.physics.expert import LiftExpert

    world = make_world(robot, sees)
    world.simulated.disturbance = SIMULATOR.disturbance
    for seed in seeds:
        bag = folder / f'episode_{seed:03d}'
        if not bag.exists():
            world.simulated.reset(seed)
            lifted = Done(world, world.simulated.tolerance() / 2, SIMULATOR.linger_s)
            record(world, LiftExpert(world.simulated), bag, PATIENCE_S, lifted)


def attempt(
    robot: str,
    driver: str,
    file: Path,
    policy: Path,
    seeds: Iterable[int],
    report: Callable[[Attempt], None],
) -> None:
    """Let a policy try these seeds in lockstep, in the node's own runner.

    Args:
        robot: Of the simulation.
        driver: Name of the policy, for the report.
        file: The robot's.
        policy: Its file.
        seeds: Of the trials.
        report: Called after each trial.
    """
    from neuracore_ros.policy.load import load_policy

    description = load_robot(file)
    loaded = load_policy(policy, threads=1, robot=description.name)
    world = make_world(robot, DataType.RGB_IMAGES in description.input)
    for seed in seeds:
        world.simulated.reset(seed)
        start_ns = world.now_ns
        lifted = Done(world, world.simulated.tolerance(), SIMULATOR.stay_s)
        success = False

        def until(lifted: Done = lifted) -> bool:
            nonlocal success
            success = success or lifted()
            return success

        drive(world, description, loaded, SIMULATOR.trial_s, Settings(), until)
        seconds = (world.now_ns - start_ns) / 1e9
        report(Attempt(robot, driver, seed, success, round(seconds, 2)))


class Results:
    """Trials as lines of a file; processes may write at once, a line each."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def add(self, line: dict[str, Any]) -> None:
        """Append one trial."""
        with self._path.open('a') as file:
            file.write(json.dumps(line) + '\n')

    def of(self, robot: str, driver: str) -> list[dict[str, Any]]:
        """The trials of one robot and driver."""
        lines = self._path.read_text().splitlines() if self._path.is_file() else []
        found = map(json.loads, lines)
        return [t for t in found if (t['robot'], t['driver']) == (robot, driver)]


def side_by_side(work: Callable[..., None], items: Iterable[tuple[Any, ...]]) -> None:
    """Two at a time, each in a process of its own: OpenGL and MuJoCo stay on one thread."""
    with ProcessPoolExecutor(2, get_context('spawn')) as pool:
        for future in [pool.submit(work, *item) for item in items]:
            future.result()


def record_all(arguments: argparse.Namespace) -> None:
    """Stage 1."""
    bags = arguments.out / 'bags'
    for robot in ROBOTS:
        logs = arguments.out / 'logs'
        live = min(arguments.live, arguments.episodes)
        folder = bags / robot
        recording.record(SIMULATOR, robot, live, folder, arguments.speed, logs, print)
    seeds = range(arguments.live, arguments.episodes)
    side_by_side(record_in_lockstep, [(robot, seeds, bags / robot) for robot in ROBOTS])


def convert_all(arguments: argparse.Namespace) -> None:
    """Stage 2."""
    for robot in ROBOTS:
        folder = arguments.out / 'bags' / robot
        names = [f'episode_{number:03d}' for number in range(arguments.episodes)]
        words = [arguments.out / 'dataset', '--description', shipped(CROSS_EMBODIMENT)]
        words += ['--robot', robot, '--task', TASK, *(folder / name for name in names)]
        words += ['--rate-hz', RATE_HZ, '--image-size', IMAGE_SIZE]
        log = arguments.out / 'logs' / f'convert_{robot}.log'
        run_verb('convert', list(map(str, words)), log)


def train_all(arguments: argparse.Namespace) -> None:
    """Stage 3."""
    run = arguments.out / arguments.run
    if (run / 'policy.pt').is_file():
        return
    words = ['--resume', run] if run.is_dir() else [arguments.out / 'dataset', '--out', run]
    if not run.is_dir():
        words += ['--policy', 'mlp', '--steps', arguments.steps, '--horizon', HORIZON]
        words += ['--seed', arguments.seed, '--threads', 1, *arguments.train]
    run_verb('train', list(map(str, words)))


def attempt_rest(robot: str, driver: str, policy: Path, trials: int, results: Path) -> None:
    """List the trials in lockstep that are not in the file yet."""
    lines = Results(results)
    done = {line['seed'] for line in lines.of(robot, driver)}
    seeds = [s for s in range(FIRST_SEED, FIRST_SEED + trials) if s not in done]
    file = shipped(robot)
    if seeds:
        attempt(robot, driver, file, policy, seeds, lambda done: lines.add(asdict(done)))


def evaluate_all(arguments: argparse.Namespace) -> None:
    """Stage 4."""
    policy = arguments.out / arguments.run / 'policy.pt'
    results = arguments.out / 'trials.jsonl'
    driver = f'{arguments.run} in lockstep'
    work = [(robot, driver, policy, arguments.trials, results) for robot in ROBOTS]
    side_by_side(attempt_rest, work)


def drive_all(arguments: argparse.Namespace) -> None:
    """Stage 5."""
    results = Results(arguments.out / 'trials.jsonl')
    policy = arguments.out / arguments.run / 'policy.pt'
    driver = f'{arguments.run} in infer_node'

    def add(trial: trials.TrialResult) -> None:
        results.add(trial.as_json())

    for robot in ROBOTS:
        first = FIRST_SEED + len(results.of(robot, driver))
        seeds = range(first, FIRST_SEED + arguments.live_trials)
        speed = arguments.drive_speed
        trials.run_trials(SIMULATOR, robot, driver, policy, seeds, speed, arguments.out, add)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or '').splitlines()[0])
    parser.add_argument('--out', type=Path, required=True, help='folder of all that is made')
    parser.add_argument('--until', choices=STAGES, default=STAGES[-1], help='the last stage')
    parser.add_argument('--episodes', type=int, default=100, help='of each robot (default 100)')
    parser.add_argument('--live', type=int, default=30, help='of them over topics (default 30)')
    parser.add_argument('--speed', type=float, default=2.0, help='of live recording (default 2)')
    parser.add_argument('--run', default='run', help='name of the training run (default run)')
    parser.add_argument('--steps', type=int, default=4000, help='of training (default 4000)')
    parser.add_argument('--seed', type=int, default=0, help='of training (default 0)')
    parser.add_argument('--trials', type=int, default=50, help='in lockstep (default 50)')
    parser.add_argument('--live-trials', type=int, default=20, help='by the node (default 20)')
    parser.add_argument(
        '--drive-speed', type=float, default=1.0, help='of those by the node (default 1)'
    )
    parser.add_argument('train', nargs='*', help='after --: more options of train')
    arguments = parser.parse_args()
    # Two robots side by side share the processor better with one thread each.
    os.environ['OMP_NUM_THREADS'] = '1'
    arguments.out.mkdir(parents=True, exist_ok=True)
    stages = (record_all, convert_all, train_all, evaluate_all, drive_all)
    for name, stage in zip(STAGES, stages, strict=True):
        stage(arguments)
        if name == arguments.until:
            break
    results = Results(arguments.out / 'trials.jsonl')
    scores = {}
    for driver in (f'{arguments.run} in lockstep', f'{arguments.run} in infer_node'):
        for robot in ROBOTS:
            mine = results.of(robot, driver)
            if mine:
                lifted = sum(trial['success'] for trial in mine)
                scores[f'{robot}, {driver}'] = {'lifted': lifted, 'trials': len(mine)}
    print(json.dumps(scores, indent=1))
    return 0


if __name__ == '__main__':
    sys.exit(main())
