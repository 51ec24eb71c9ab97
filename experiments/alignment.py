"""Compare alignments of robots of which one has few episodes.

    python experiments/alignment.py STUDY --out FOLDER

The arms of the demo reach for a ball whose place is given as two numbers, so that seeing plays
no part and a run takes seconds; recording, converting, training and the runner are those of the
package. Every run is one line of ``FOLDER/results.jsonl``; a run that is there is not done again.
``experiments/alignment_page.py`` draws the results.

Studies: ``five`` and ``scarce`` (5; 2, 10 and 25 episodes of a UR5 beside 50 of a Panda),
``reverse`` (5 of the Panda), ``options`` (of training), ``full`` (50 of each) and ``third``
(an SO-100 beside both).
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from pathlib import Path

import torch
import yaml
from lockstep import World, drive, record, tell_goal

from neuracore_ros.command.settings import Settings
from neuracore_ros.convert.convert import convert
from neuracore_ros.convert.job import ConvertSettings
from neuracore_ros.description import Robot, load_robot
from neuracore_ros.description.descriptions import load_descriptions
from neuracore_ros.description.shipped import shipped
from neuracore_ros.policy.load import load_policy
from neuracore_ros.sim.arms import ARMS
from neuracore_ros.sim.expert import ReachExpert
from neuracore_ros.sim.robot import ReachRobot
from neuracore_ros.training.config import Config
from neuracore_ros.training.loop import train
from neuracore_ros.training.run import Run

EPISODES, SECONDS, RATE_HZ = 50, 4.0, 20.0
# Half a degree a step: enough that the episodes show how to come back to the path.
DISTURBANCE = 0.08
TRIALS, FIRST_SEED, TRIAL_SECONDS, STAY_SECONDS = 50, 10_000, 6.0, 1.0
STEPS, SEEN_STEPS = 1500, 3500
IMAGE_SIZE = (64, 64)
GOALS = ('goal_forward', 'goal_left')

BY_ORDER = {
    'franka': (0, 1, 2, 3, 4, 5, 6),
    'ur5': (0, 1, 2, 3, 4, 6),
    'so100': (0, 1, 2, 3, 6),
}
"""Base to wrist, the last ones aligned: the example of the public design note."""

BY_MEANING = {
    'franka': (0, 1, 2, 3, 4, 5, 6),
    'ur5': (0, 1, 3, 5, 4, 6),
    'so100': (0, 1, 3, 5, 6),
}
"""Joints that turn about the same axis at home share an index: an elbow beside an elbow."""

SCRAMBLED = {
    'franka': (0, 1, 2, 3, 4, 5, 6),
    'ur5': (3, 6, 0, 4, 1, 2),
    'so100': (4, 0, 6, 2, 1),
}

SIGNS = {
    'franka': (1, 1, 1, 1, 1, 1, 1),
    'ur5': (1, 1, -1, -1, 1, 1),
    'so100': (1, 1, -1, -1, -1),
}
"""For each joint, by meaning: true where it turns the same way about that axis at home."""


@dataclass(frozen=True, slots=True)
class Alignment:
    """The place of all robots' joints in the model's index space.

    Attributes:
        indices: Robot -> the index of each joint, base to tool.
        sign: Whether joints are turned to the sense of the Panda's.
        zero: Whether home is brought to the Panda's home.
    """

    indices: Mapping[str, Sequence[int]]
    sign: bool = False
    zero: bool = False


ALIGNMENTS = {
    'scrambled': Alignment(SCRAMBLED),
    'order': Alignment(BY_ORDER),
    'meaning': Alignment(BY_MEANING),
    'meaning+sign': Alignment(BY_MEANING, sign=True),
    'meaning+sign+zero': Alignment(BY_MEANING, sign=True, zero=True),
}


@dataclass(frozen=True, slots=True)
class Study:
    """One run: what is trained, and who is tried.

    Attributes:
        name: Of the study it belongs to.
        alignment: Key of `ALIGNMENTS`.
        episodes: Robot -> how many of its episodes are learnt from.
        tried: Robots of the trials.
        seed: Of training and of which episodes.
        options: Of training, as `Config` names them.
        seen: Whether cameras tell where the ball is, and not numbers.
    """

    name: str
    alignment: str
    episodes: Mapping[str, int]
    tried: tuple[str, ...]
    seed: int
    options: Mapping[str, str | bool | int] = field(default_factory=dict)
    seen: bool = False

    @property
    def key(self) -> str:
        """One line that no other run has."""
        counts = ' '.join(f'{robot}={count}' for robot, count in self.episodes.items())
        options = ' '.join(f'{name}={value}' for name, value in sorted(self.options.items()))
        return f'{self.name}; {self.alignment}; {counts}; {options}; seed {self.seed}'


PER_ROBOT, POOLED = {'statistics': 'per-robot'}, {'statistics': 'pooled'}


BOTH = {'franka': EPISODES, 'ur5': EPISODES}


def scarce(seed: int, few: str, many: str, counts: Sequence[int]) -> Iterator[Study]:
    """Few episodes of one robot: alone, and beside many of another."""
    name = f'{few} beside {many}'
    for count in counts:
        yield Study(name, 'order', {few: count}, (few,), seed)
        for alignment in ALIGNMENTS:
            episodes = {many: EPISODES, few: count}
            yield Study(name, alignment, episodes, (few,), seed, PER_ROBOT)
            if count == 5:
                yield Study(name, alignment, episodes, (few,), seed, POOLED)


def absolute(seed: int) -> Iterator[Study]:
    """The decisive ones with targets that are not relative to the measured joints."""
    for study in scarce(seed, 'ur5', 'franka', (5, 2)):
        if study.options != POOLED and study.alignment in ('order', 'scrambled', 'meaning+sign'):
            yield replace(study, name='absolute', options={**study.options, 'relative': False})


def full(seed: int) -> Iterator[Study]:
    """Studies with all episodes of both robots, in one policy and in two."""
    for alignment in ('scrambled', 'order', 'meaning+sign', 'meaning+sign+zero'):
        yield Study('full', alignment, BOTH, tuple(BOTH), seed, PER_ROBOT)
        yield Study('full', alignment, BOTH, tuple(BOTH), seed, POOLED)
    for robot in BOTH:
        yield Study('full', 'order', {robot: EPISODES}, (robot,), seed)


def options(seed: int) -> Iterator[Study]:
    """Studies of other options, with the best alignment."""
    for chosen in (
        {'embedding': 'robot'},
        {'embedding': 'mask'},
        {'mask_padding': False},
        {'relative': False},
        {'normalise': 'min-max'},
        {'normalise': 'quantiles'},
    ):
        episodes = {'franka': EPISODES, 'ur5': 5}
        yield Study('options', 'meaning+sign', episodes, ('ur5',), seed, {**PER_ROBOT, **chosen})


def third(seed: int) -> Iterator[Study]:
    """Few episodes, or none, of a robot beside two that are known."""
    for alignment in ('order', 'meaning+sign', 'meaning+sign+zero'):
        yield Study('third', alignment, {**BOTH, 'so100': 0}, ('so100',), seed, POOLED)
    for count in (5, 2, 10):
        yield Study('third', 'order', {'so100': count}, ('so100',), seed)
        for alignment in ('scrambled', 'order', 'meaning+sign'):
            episodes = {**BOTH, 'so100': count}
            yield Study('third', alignment, episodes, ('so100',), seed, PER_ROBOT)


def seen(seed: int) -> Iterator[Study]:
    """The decisive ones with cameras: what the package is for, and a hundred times slower."""
    few = {'franka': EPISODES, 'ur5': 5}
    yield Study('seen', 'meaning+sign', few, ('ur5',), seed, PER_ROBOT, seen=True)
    yield Study('seen', 'meaning+sign', {'ur5': 5}, ('ur5',), seed, seen=True)
    yield Study('seen', 'scrambled', few, ('ur5',), seed, PER_ROBOT, seen=True)
    yield Study('seen', 'order', few, ('ur5',), seed, POOLED, seen=True)
    yield Study('seen', 'meaning+sign', BOTH, tuple(BOTH), seed, PER_ROBOT, seen=True)


STUDIES: Mapping[str, Callable[[int], Iterator[Study]]] = {
    'five': lambda seed: scarce(seed, 'ur5', 'franka', (5,)),
    'scarce': lambda seed: scarce(seed, 'ur5', 'franka', (2, 10, 25)),
    'absolute': absolute,
    'reverse': lambda seed: scarce(seed, 'franka', 'ur5', (5,)),
    'full': full,
    'options': options,
    'third': third,
    'seen': seen,
}


def robot_file(folder: Path, name: str, alignment: Alignment, seen: bool) -> Path:
    """Write the shipped robot's file with its joints placed and turned as an alignment says."""
    arm, panda = ARMS[name], ARMS['franka']
    indices = alignment.indices[name]
    signs = SIGNS[name] if alignment.sign else (1,) * len(indices)
    offsets = [
        panda.home[index] - sign * home if alignment.zero else 0.0
        for index, sign, home in zip(indices, signs, arm.home, strict=True)
    ]
    joints = dict(zip(indices, arm.joint_names, strict=True))
    sense = {
        joint: {'scale': sign, 'offset': round(float(offset), 6)}
        for joint, sign, offset in zip(arm.joint_names, signs, offsets, strict=True)
    }
    commands = {'topic': 'arm_controller/joint_trajectory'}
    content = yaml.safe_load(shipped(name).read_text())
    content['input']['JOINT_POSITIONS'] = content['output']['JOINT_TARGET_POSITIONS'] = joints
    content['sources']['JOINT_POSITIONS'] = {'topic': 'joint_states', **sense}
    content['sources']['JOINT_TARGET_POSITIONS'] = {**commands, **sense}
    content['commands']['JOINT_TARGET_POSITIONS'] = {**commands, **sense}
    if not seen:
        tell_goal(content, GOALS, [*GOALS, 'goal_up'])
    path = folder / f'{name}.yaml'
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    return path


def world(name: str, seed: int, seen: bool) -> World:
    """A robot at the start of a trial."""
    simulated = ReachRobot(ARMS[name], seed)
    return World(simulated, simulated.cameras if seen else (), ARMS[name].reach)


def bags(folder: Path, name: str, seen: bool) -> list[Path]:
    """Make the missing recordings of a robot; return all of them."""
    found = []
    for seed in range(EPISODES):
        bag = folder / ('seen' if seen else 'bags') / name / f'episode_{seed:03d}'
        if not bag.exists():
            bag.parent.mkdir(parents=True, exist_ok=True)
            one = world(name, seed, seen)
            one.simulated.disturbance = DISTURBANCE
            record(one, ReachExpert(one.simulated), bag, SECONDS)
        found.append(bag)
    return found


def place(folder: Path, study: Study) -> Path:
    """Name the folder of the dataset and the robot files of a run."""
    seen = ['seen'] if study.seen else []
    return folder / 'datasets' / '_'.join([*seen, study.alignment, *study.episodes])


@cache
def dataset(
    folder: Path, place: Path, alignment: str, robots: tuple[str, ...], seen: bool
) -> Path:
    """The recordings of these robots, converted as an alignment says."""
    place.mkdir(parents=True, exist_ok=True)
    files = [robot_file(place, name, ALIGNMENTS[alignment], seen) for name in robots]
    descriptions = load_descriptions(files)
    for name in robots:
        settings = ConvertSettings(rate_hz=RATE_HZ, image_size=IMAGE_SIZE)
        convert(place / 'dataset', descriptions, name, bags(folder, name, seen), settings)
    return place / 'dataset'


def run_folder(folder: Path, study: Study) -> Path:
    """Name the folder of a training run."""
    return folder / 'runs' / study.key.replace('; ', '__').replace(' ', '_')


def trained(folder: Path, study: Study) -> Path:
    """The run's policy file."""
    at = place(folder, study)
    data = dataset(folder, at, study.alignment, tuple(study.episodes), study.seen)
    run = Run(run_folder(folder, study))
    config = Config(
        dataset=str(data),
        steps=SEEN_STEPS if study.seen else STEPS,
        seed=study.seed,
        max_episodes=dict(study.episodes),
        # All but `options` and `absolute` was measured with it.
        **{'relative': True, **study.options},
    )
    train(config, run, report=lambda line: None)
    # Held-back episodes of the scarce robot would help to choose the best checkpoint.
    return run.last


def tried(policy_file: Path, robot: Robot, trials: int, seen: bool) -> list[float]:
    """Distances at the end, in tolerances, of trials that no recording shows."""
    policy = load_policy(policy_file, threads=1, robot=robot.name)
    # The arm waits at its start however far the first action is: that is the policy's business.
    settings = Settings(max_tracking_error=10.0, start_tolerance=1.0, start_max=10.0)
    ends = []
    for seed in range(FIRST_SEED, FIRST_SEED + trials):
        one = world(robot.name, seed, seen)
        distances: list[float] = []
        drive(
            one,
            robot,
            policy,
            TRIAL_SECONDS,
            settings,
            lambda at=one.simulated, all_=distances: all_.append(at.distance()),
        )
        last = distances[-round(STAY_SECONDS / 0.05) :]
        ends.append(round(max(last) / one.simulated.tolerance(), 3))
    return ends


def run(folder: Path, study: Study, trials: int) -> Mapping[str, object]:
    """Train and try; the line of this run."""
    start_s = time.monotonic()
    policy = trained(folder, study)
    robots = [load_robot(place(folder, study) / f'{robot}.yaml') for robot in study.tried]
    ends = {robot.name: tried(policy, robot, trials, study.seen) for robot in robots}
    return {
        'key': study.key,
        **asdict(study),
        'successes': {name: sum(d <= 1.0 for d in found) for name, found in ends.items()},
        'distances': ends,
        'trials': trials,
        'seconds': round(time.monotonic() - start_s, 1),
    }


def main() -> None:
    """Do all runs of the studies that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
    parser.add_argument('studies', nargs='+', choices=STUDIES, metavar='STUDY')
    parser.add_argument('--out', type=Path, required=True, metavar='FOLDER')
    parser.add_argument('--seeds', type=int, default=3)
    parser.add_argument('--trials', type=int, default=TRIALS)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    arguments.out.mkdir(parents=True, exist_ok=True)
    results = arguments.out / 'results.jsonl'
    lines = results.read_text().splitlines() if results.exists() else []
    done = {json.loads(line)['key'] for line in lines}
    for seed in range(arguments.seeds):
        for study in (study for name in arguments.studies for study in STUDIES[name](seed)):
            if study.key in done:
                continue
            line = run(arguments.out, study, arguments.trials)
            with results.open('a') as file:
                file.write(json.dumps(line) + '\n')
            print(study.key, line['successes'], line['seconds'], flush=True)


if __name__ == '__main__':
    main()
