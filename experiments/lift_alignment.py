"""Compare alignments of robots that lift in physics.

    python experiments/lift_alignment.py STUDY --out FOLDER

Few episodes of one robot that lifts beside fifty of the other (`lift.py` has the task), with the
joints of the UR5e placed, turned and shifted in the index space in several ways. Each run is
trained and tried for fifty trials in lockstep, and is one line of ``FOLDER/results.jsonl``; a run
that is there is not done again, one that was interrupted goes on. Recordings are made in lockstep.
``experiments/lift_alignment_page.py`` writes the tables.

Studies: ``told`` and ``further``, where numbers say where the cube is, so that a training takes
seconds, and ``seen``, where two cameras do.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

import torch
import yaml
from lift import IMAGE_SIZE, RATE_HZ, ROBOTS, Attempt, attempt, record_in_lockstep
from lockstep import tell_goal

from neuracore_ros.convert.convert import convert
from neuracore_ros.convert.job import ConvertSettings
from neuracore_ros.description.descriptions import load_descriptions
from neuracore_ros.description.shipped import shipped
from neuracore_ros.physics.arms import ARMS
from neuracore_ros.training.config import Config
from neuracore_ros.training.loop import train
from neuracore_ros.training.run import Run

PANDA, UR5E = ROBOTS
MANY = 50
# A tenth of a robot's episodes is held back, and never learnt from.
EPISODES = 56
STEPS, HORIZON, TRIALS = 1500, 10, 50
BATCH, SEEN_BATCH = 64, 32
FIRST_SEED = 10_000
PLACE = ('cube_forward', 'cube_left', 'cube_up')

HOMES = {
    PANDA: (0.0, 0.196, 0.0, -2.618, 0.0, 2.942, 0.785),
    UR5E: (-0.47, -1.735, 2.48, -2.275, -1.59, -1.991),
}
"""Start of the trials [rad]: that of robosuite."""


@dataclass(frozen=True, slots=True)
class Alignment:
    """The place of the UR5e's joints in the index space; the Panda's lie by order.

    Attributes:
        indices: Of each joint, base to tool.
        signs: Whether each is turned to the sense of the Panda's joint at that index.
        zero: Whether home is brought to the Panda's home.
    """

    indices: Sequence[int]
    signs: Sequence[int] = (1, 1, 1, 1, 1, 1)
    zero: bool = False


# At home, seen from the world, shoulder, elbow and first wrist turn about the same axis as the
# Panda's joints 2, 4 and 6, the latter two the other way round.
MEANING, SIGNS = (0, 1, 3, 5, 4, 6), (1, 1, -1, -1, 1, 1)
ALIGNMENTS = {
    'order': Alignment((0, 1, 2, 3, 4, 5)),
    'scrambled': Alignment((3, 6, 0, 4, 1, 2)),
    'meaning': Alignment(MEANING),
    'meaning+sign': Alignment(MEANING, SIGNS),
    'meaning+sign+zero': Alignment(MEANING, SIGNS, zero=True),
}


@dataclass(frozen=True, slots=True)
class Study:
    """One run.

    Attributes:
        name: Of the study it belongs to.
        alignment: Key of `ALIGNMENTS`.
        episodes: Robot -> how many of its episodes are learnt from.
        tried: Robot of the trials.
        seed: Of training.
        options: Of training, as `Config` names them.
    """

    name: str
    alignment: str
    episodes: Mapping[str, int]
    tried: str
    seed: int
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """One word that no other run has."""
        counts = [f'{robot}={count}' for robot, count in self.episodes.items()]
        options = [f'{name}={value}' for name, value in sorted(self.options.items())]
        return '_'.join([self.name, self.alignment, *counts, *options, f'seed={self.seed}'])


PER_ROBOT, POOLED = {'statistics': 'per-robot'}, {'statistics': 'pooled'}


def told(few: str, seed: int) -> Iterator[Study]:
    """Five episodes, and the ways of aligning that the claim is about."""
    beside = {few: 5, _other(few): MANY}
    yield Study('told', 'order', {few: 5, _other(few): 0}, few, seed, PER_ROBOT)
    for alignment in ('meaning+sign', 'scrambled', 'order', 'meaning'):
        yield Study('told', alignment, beside, few, seed, PER_ROBOT)
    yield Study('told', 'order', beside, few, seed, POOLED)


def further(few: str, seed: int) -> Iterator[Study]:
    """The other ways, and other counts."""
    beside = {few: 5, _other(few): MANY}
    for alignment in ('scrambled', 'meaning+sign', 'meaning+sign+zero'):
        yield Study('told', alignment, beside, few, seed, POOLED)
    for count in (2, 10):
        yield Study('told', 'order', {few: count, _other(few): 0}, few, seed, PER_ROBOT)
        for alignment in ('meaning+sign', 'scrambled', 'order'):
            episodes = {few: count, _other(few): MANY}
            yield Study('told', alignment, episodes, few, seed, PER_ROBOT)


def seen(few: str, seed: int) -> Iterator[Study]:
    """The decisive ones."""
    yield Study('seen', 'order', {few: 5, _other(few): 0}, few, seed, PER_ROBOT)
    beside = {few: 5, _other(few): MANY}
    for alignment in ('meaning+sign', 'scrambled', 'order'):
        yield Study('seen', alignment, beside, few, seed, PER_ROBOT)
    for alignment in ('order', 'scrambled'):
        yield Study('seen', alignment, beside, few, seed, POOLED)


STUDIES: Mapping[str, Callable[[str, int], Iterator[Study]]] = {
    'told': told,
    'further': further,
    'seen': seen,
}


def _other(robot: str) -> str:
    return PANDA if robot == UR5E else UR5E


def write_files(folder: Path, alignment: Alignment, sees: bool) -> list[Path]:
    """The shipped robot files, with the UR5e's joints as an alignment says."""
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for robot in ROBOTS:
        content = yaml.safe_load(shipped(robot).read_text())
        if robot == UR5E:
            _align(content, alignment)
        if not sees:
            tell_goal(content, PLACE, PLACE)
        files.append(folder / f'{robot}.yaml')
        files[-1].write_text(yaml.safe_dump(content, sort_keys=False))
    return files


def _align(content: dict[str, Any], alignment: Alignment) -> None:
    """Change the UR5e's file."""
    names = ARMS[UR5E].joints
    joints = dict(zip(alignment.indices, names, strict=True))
    content['input']['JOINT_POSITIONS'] = content['output']['JOINT_TARGET_POSITIONS'] = joints
    sense = {}
    for name, index, sign, home in zip(
        names, alignment.indices, alignment.signs, HOMES[UR5E], strict=True
    ):
        offset = HOMES[PANDA][index] - sign * home if alignment.zero else 0.0
        sense[name] = {'scale': sign, 'offset': round(offset, 6)}
    for where, kind in (
        ('sources', 'JOINT_POSITIONS'),
        ('sources', 'JOINT_TARGET_POSITIONS'),
        ('commands', 'JOINT_TARGET_POSITIONS'),
    ):
        content[where][kind] |= sense


def make_dataset(folder: Path, bags: Path, alignment: str, sees: bool) -> Path:
    """Convert all recordings of both robots by an alignment."""
    descriptions = load_descriptions(write_files(folder, ALIGNMENTS[alignment], sees))
    settings = ConvertSettings(rate_hz=RATE_HZ, image_size=(IMAGE_SIZE, IMAGE_SIZE))
    for robot in ROBOTS:
        own = [bags / robot / f'episode_{number:03d}' for number in range(EPISODES)]
        convert(folder / 'dataset', descriptions, robot, own, settings)
    return folder / 'dataset'


def run(out: Path, bags: Path, study: Study) -> dict[str, Any]:
    """Train and try; the line of this run."""
    start_s = time.monotonic()
    sees = study.name == 'seen'
    place = out / study.name / study.alignment
    data = make_dataset(place, bags, study.alignment, sees)
    folder = Run(out / 'runs' / study.key)
    config = Config(
        dataset=str(data),
        steps=STEPS,
        batch=SEEN_BATCH if sees else BATCH,
        horizon=HORIZON,
        seed=study.seed,
        max_episodes=dict(study.episodes),
        # All was measured with it.
        relative=True,
        **study.options,  # type: ignore[arg-type]
    )
    if not folder.last.is_file():
        begun = folder.path.is_dir()
        train(folder.resume({}) if begun else config, folder, report=lambda line: None)
    tried: list[Attempt] = []
    file = place / f'{study.tried}.yaml'
    seeds = range(FIRST_SEED, FIRST_SEED + TRIALS)
    # Held-back episodes of the scarce robot would help to choose the best checkpoint.
    attempt(study.tried, study.key, file, folder.last, seeds, tried.append)
    return {
        'key': study.key,
        **asdict(study),
        'lifted': [trial.success for trial in tried],
        'seconds': round(time.monotonic() - start_s, 1),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or '').splitlines()[0])
    parser.add_argument('studies', nargs='+', choices=STUDIES)
    parser.add_argument('--out', type=Path, required=True, help='folder of all that is made')
    parser.add_argument('--bags', type=Path, help='recordings of lift.py, for seen')
    parser.add_argument('--seeds', type=int, default=2, help='of training (default 2)')
    parser.add_argument('--few', choices=ROBOTS, default=UR5E, help='whose episodes are few')
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    bags = {name: arguments.out / 'bags' / name for name in ('told', 'seen')}
    if arguments.bags:
        bags['seen'] = arguments.bags
    needed = {'seen' if study == 'seen' else 'told' for study in arguments.studies}
    for name, robot in product(sorted(needed), ROBOTS):
        record_in_lockstep(robot, range(EPISODES), bags[name] / robot, sees=name == 'seen')
    results = arguments.out / 'results.jsonl'
    results.parent.mkdir(parents=True, exist_ok=True)
    done = (
        {json.loads(line)['key'] for line in results.read_text().splitlines()}
        if (results.exists())
        else set()
    )
    for name, seed in product(arguments.studies, range(arguments.seeds)):
        for study in STUDIES[name](arguments.few, seed):
            if study.key not in done:
                line = run(arguments.out, bags[study.name], study)
                with results.open('a') as file:
                    file.write(json.dumps(line) + '\n')
                print(study.key, sum(line['lifted']), line['seconds'], flush=True)
    return 0


if __name__ == '__main__':
    sys.exit(main())
