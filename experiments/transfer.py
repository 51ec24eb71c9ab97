"""Measure what it takes to drive an arm that no episode was recorded on.

    python experiments/transfer.py STUDY... --out FOLDER

Seven arms lift a cube in MuJoCo (`lift.py` has the task). Some are trained on, others are tried.
Their robot files are the shipped ones, by joints (``lift_arms``) or by poses (``lift_hands``), or
these with one detail spoilt; recording is in lockstep, `convert` and `train` are those of the
package, and trials run in the node's own runner. The cube is told as three numbers, or seen by the
camera, cropped to the table as the files say, or whole.

Each training, tried with one arm, is a line of ``FOLDER/results.jsonl``; what is there is not done
again. ``experiments/transfer_page.py`` writes the tables.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from lift import FIRST_SEED, IMAGE_SIZE, PATIENCE_S, RATE_HZ, SIMULATOR, STEP_S, Done
from lockstep import World, drive, record, tell_goal

from neuracore_ros.command.settings import Settings
from neuracore_ros.convert.convert import convert
from neuracore_ros.convert.job import ConvertSettings
from neuracore_ros.description import load_robot
from neuracore_ros.description.descriptions import load_descriptions
from neuracore_ros.description.shipped import shipped
from neuracore_ros.physics.arms import ARMS
from neuracore_ros.policy.load import load_policy
from neuracore_ros.training.config import Config
from neuracore_ros.training.loop import train
from neuracore_ros.training.run import Run

PANDA, UR5E, XARM7, KINOVA3 = 'lift_panda', 'lift_ur5e', 'lift_xarm7', 'lift_kinova3'
IIWA, SAWYER, JACO = 'lift_iiwa', 'lift_sawyer', 'lift_jaco'
PLACE = ('cube_forward', 'cube_left', 'cube_up')
NEW = (UR5E, XARM7)
"""Arms that are left out, in turn or together."""
MANY, FEW = 50, 5
# A tenth of a robot's episodes is held back, and never learnt from.
EPISODES = 56
TRIALS, SEEDS, TRIAL_S = 50, 3, 6.0
# Ten of fourteen predicted steps are executed: policies that are asked more often hover over the
# cube and never close; the rest of a chunk bridges the step until the next one is there.
HORIZON, EXECUTED = 14, 10
TOLD = {'horizon': HORIZON, 'steps': 2000, 'batch': 256}
HIDDEN = {'augment': True, 'occlusions': 3}
"""What makes a policy mind less whose hand it sees."""
SEEN = {'horizon': HORIZON, 'steps': 1500, 'batch': 64}


@dataclass(frozen=True, slots=True)
class Cell:
    """A kind of training, and the arms that it is tried with.

    Attributes:
        study: That it belongs to.
        slots: ``hand`` or ``joints``.
        place: Of the cube: ``told``, or seen by the camera, ``crop``, ``whole`` or ``masked``.
        trained: Arm -> how many of its episodes are learnt from.
        tried: Arms of the trials.
        detail: What is spoilt in the robot files, a key of `DETAILS`; '' nothing.
        options: Of training, as `Config` names them, beside those of `TOLD` or `SEEN`.
        executed: Steps of a chunk that are executed.
        start: Where trials begin, a key of `STARTS`; '' at home.
    """

    study: str
    slots: str
    place: str
    trained: Mapping[str, int]
    tried: Sequence[str]
    detail: str = ''
    options: Mapping[str, Any] = field(default_factory=dict)
    executed: int = EXECUTED
    start: str = ''

    @property
    def files(self) -> str:
        """The robot files that it needs, in one word; cells with equal ones share a dataset."""
        return '_'.join(filter(None, [self.slots, self.place, self.detail]))

    @property
    def training(self) -> str:
        """One word that no other training has, but for its seed."""
        counts = [f'{arm.removeprefix("lift_")}={n}' for arm, n in self.trained.items()]
        options = [f'{name}={value}' for name, value in sorted(self.options.items())]
        return '_'.join([self.files, *counts, *options])

    @property
    def key(self) -> str:
        """One word that no other cell has."""
        executed = '' if self.executed == EXECUTED else f'executed={self.executed}'
        start = self.start and f'start={self.start}'
        return '_'.join(filter(None, [self.training, executed, start]))


def told_zero() -> Iterator[Cell]:
    """One arm is trained on; told where the cube is."""
    tried = (PANDA, *NEW)
    for slots in ('hand', 'joints'):
        yield Cell('told_zero', slots, 'told', {PANDA: MANY}, tried)


def told_others() -> Iterator[Cell]:
    """The same training, with all other arms."""
    yield Cell('told_others', 'hand', 'told', {PANDA: MANY}, (KINOVA3, IIWA, SAWYER, JACO))


def told_few() -> Iterator[Cell]:
    """Few episodes of a new arm, alone and beside many of another."""
    for slots in ('joints', 'hand'):
        for others in ({}, {PANDA: MANY}):
            yield Cell('told_few', slots, 'told', {UR5E: FEW, **others}, (UR5E,))
    pooled = {'statistics': 'pooled'}
    yield Cell('told_few', 'hand', 'told', {UR5E: FEW, PANDA: MANY}, (UR5E,), options=pooled)


def few_as_before() -> Iterator[Cell]:
    """Few episodes by joints, asked more often; and trained as they were first, too."""
    before = {'horizon': 10, 'steps': 1500, 'batch': 64, 'relative': True}
    for options, others in product(({}, before), ({}, {PANDA: MANY})):
        trained = {UR5E: FEW, **others}
        yield Cell('few_as_before', 'joints', 'told', trained, (UR5E,), '', options, 5)


def told_counts() -> Iterator[Cell]:
    """How many episodes of the new arm it takes, beside many of another."""
    for slots, count in product(('joints', 'hand'), (2, 10)):
        for others in ({}, {PANDA: MANY}):
            yield Cell('told_counts', slots, 'told', {UR5E: count, **others}, (UR5E,))


def seen() -> Iterator[Cell]:
    """One arm is trained on; the camera sees the table, or all."""
    tried = (PANDA, UR5E, XARM7)
    yield Cell('seen', 'hand', 'crop', {PANDA: MANY}, tried, options=HIDDEN)
    longer = {'occlusions': 3, 'steps': 3000}
    yield Cell('seen', 'hand', 'crop', {PANDA: MANY}, tried, options=longer)
    for place in ('crop', 'whole'):
        yield Cell('seen', 'hand', place, {PANDA: MANY}, tried)


def seen_far() -> Iterator[Cell]:
    """One arm is trained on, and looks rarely: mostly before its hand is in the picture."""
    for horizon, executed in ((44, 40), (72, 64)):
        options = {'horizon': horizon, **HIDDEN}
        tried = (PANDA, UR5E, XARM7)
        yield Cell('seen', 'hand', 'crop', {PANDA: MANY}, tried, '', options, executed)


def seen_hidden() -> Iterator[Cell]:
    """One arm is trained on, and more of its pictures is hidden."""
    options = {'occlusions': 8, 'steps': 3000}
    yield Cell('seen', 'hand', 'crop', {PANDA: MANY}, (PANDA, UR5E, XARM7), options=options)


def seen_masked() -> Iterator[Cell]:
    """One arm is trained on; the camera sees all but the arms."""
    yield Cell('seen', 'hand', 'masked', {PANDA: MANY}, (PANDA, UR5E, XARM7))


def seen_many() -> Iterator[Cell]:
    """Five arms are trained on."""
    arms = dict.fromkeys((PANDA, IIWA, SAWYER, JACO, KINOVA3), MANY)
    for place in ('crop', 'whole'):
        options = {'occlusions': 3}
        yield Cell('seen_many', 'hand', place, arms, (PANDA, UR5E, XARM7), options=options)


def told_many() -> Iterator[Cell]:
    """More arms are trained on."""
    pooled = {'statistics': 'pooled'}
    for slots in ('hand', 'joints'):
        for count in (2, 4):
            arms = dict.fromkeys((PANDA, IIWA, SAWYER, JACO)[:count], MANY)
            yield Cell('told_many', slots, 'told', arms, (PANDA, *NEW), options=pooled)
        for new in NEW:
            arms = {arm: MANY for arm in ARMS if arm != new}
            yield Cell('told_many', slots, 'told', arms, (PANDA, new), options=pooled)


def details() -> Iterator[Cell]:
    """One thing is done otherwise."""
    tried = (PANDA, UR5E, XARM7)
    yield Cell('details', 'hand', 'told', {PANDA: MANY}, (XARM7,), start='high')
    for detail in ('raw_frames', 'measured_next'):
        yield Cell('details', 'hand', 'told', {PANDA: MANY}, tried, detail)
    yield Cell('details', 'hand', 'told', {PANDA: MANY}, tried, options={'relative': True})
    pooled = {'statistics': 'pooled'}
    arms = {arm: MANY for arm in ARMS if arm != XARM7}
    yield Cell('details', 'hand', 'told', arms, (PANDA, XARM7), 'measured_gripper', pooled)


STUDIES = {
    study.__name__: study
    for study in (
        told_zero,
        told_few,
        few_as_before,
        seen,
        seen_masked,
        seen_hidden,
        seen_far,
        details,
        told_many,
        seen_many,
        told_others,
        told_counts,
    )
}


def raw_frames(content: dict[str, Any]) -> None:
    """The hand's own axes, as its maker has them."""
    del content['chains']['hand']['tip_offset']['rpy']


def measured_next(content: dict[str, Any]) -> None:
    """To be where the expert was a step later, in the place of what it commanded."""
    del content['targets']


def measured_gripper(content: dict[str, Any]) -> None:
    """How far the fingers are apart, in the place of what they were told."""
    source = content['sources']['PARALLEL_GRIPPER_OPEN_AMOUNTS']
    del source['follow_s']
    source['topic'] = 'joint_states'


STARTS = {'high': {XARM7: (0.0, 0.0, 0.0, 1.2252, 0.0, 1.2252, 0.0)}}
"""robosuite's home of the xArm7, 20 cm above all hands of the training."""
DETAILS = {spoil.__name__: spoil for spoil in (raw_frames, measured_next, measured_gripper)}


def write_files(folder: Path, cell: Cell) -> dict[str, Path]:
    """The robot files of all arms, as a cell needs them."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {}
    for arm in ARMS:
        name = f'{arm}_hand' if cell.slots == 'hand' else arm
        path = shipped(name)
        content = yaml.safe_load(path.read_text())
        if 'urdf' in content:
            content['urdf'] = str(path.parent / content['urdf'])
        if cell.detail:
            DETAILS[cell.detail](content)
        if cell.place == 'told':
            tell_goal(content, PLACE, PLACE)
        elif cell.place != 'crop':
            del content['sources']['RGB_IMAGES']['agentview']['crop']
        files[arm] = folder / f'{name}.yaml'
        files[arm].write_text(yaml.safe_dump(content, sort_keys=False))
    return files


@cache
def make_world(arm: str, place: str) -> World:
    """An arm in lockstep, told where the cube is, and with its camera, if that is needed."""
    from masked_robot import MaskedRobot

    from neuracore_ros.physics.lift import LiftRobot

    kind = MaskedRobot if place == 'masked' else LiftRobot
    return World(kind(ARMS[arm]), () if place == 'told' else ('agentview',), 1.0, STEP_S)


def record_arm(arm: str, place: str, folder: Path, count: int = EPISODES) -> list[Path]:
    """Write episodes in which the expert lifted; those that are there are kept."""
    from neuracore_ros.physics.expert import LiftExpert

    folder.mkdir(parents=True, exist_ok=True)
    lifted = sorted(folder.glob('episode_*'))
    world = make_world(arm, place) if len(lifted) < count else None
    seed = 1 + max((int(path.name[-3:]) for path in folder.iterdir()), default=-1)
    while world is not None and len(lifted) < count:
        world.simulated.disturbance = SIMULATOR.disturbance
        world.simulated.reset(seed)
        done = Done(world, world.simulated.tolerance() / 2, SIMULATOR.linger_s)
        unsure = folder / f'unsure_{seed:03d}'
        shutil.rmtree(unsure, ignore_errors=True)
        record(world, LiftExpert(world.simulated), unsure, PATIENCE_S, done, str(seed))
        if world.simulated.distance() <= world.simulated.tolerance() / 2:
            lifted.append(unsure.rename(folder / f'episode_{seed:03d}'))
        else:
            unsure.rename(folder / f'missed_{seed:03d}')
        seed += 1
    return lifted[:count]


def make_dataset(out: Path, cell: Cell) -> tuple[Path, dict[str, Path]]:
    """Convert what a cell needs; returns the dataset, and the robot file of each arm."""
    folder = out / cell.files
    files = write_files(folder, cell)
    descriptions = load_descriptions(list(files.values()))
    settings = ConvertSettings(rate_hz=RATE_HZ, image_size=(IMAGE_SIZE, IMAGE_SIZE))
    for arm in cell.trained:
        done = folder / f'{arm}.converted'
        if not done.exists():
            # One recording serves all but what hides the arm.
            place = 'masked' if cell.place == 'masked' else 'whole'
            bags = record_arm(arm, place, out / f'bags_{place}' / arm)
            convert(folder / 'dataset', descriptions, files[arm].stem, bags, settings)
            done.touch()
    return folder / 'dataset', files


def train_cell(out: Path, cell: Cell, seed: int) -> tuple[Run, dict[str, Path]]:
    """The finished training of a cell, and the robot file of each arm."""
    data, files = make_dataset(out, cell)
    run = Run(out / 'runs' / f'{cell.training}_seed={seed}')
    others = {
        files[arm].stem: 0 for arm in ARMS if (out / cell.files / f'{arm}.converted').exists()
    }
    config = Config(
        dataset=str(data),
        seed=seed,
        threads=1,
        max_episodes=others | {files[arm].stem: count for arm, count in cell.trained.items()},
        **((TOLD if cell.place == 'told' else SEEN) | cell.options),
    )
    if not run.last.is_file():
        begun = run.path.is_dir()
        train(run.resume({}) if begun else config, run, report=lambda line: None)
    return run, files


def attempt(arm: str, file: Path, policy: Path, cell: Cell) -> list[bool]:
    """Let a policy try all trials of an arm; returns which it lifted."""
    robot = load_robot(file)
    loaded = load_policy(policy, threads=1, robot=robot.name)
    world = make_world(arm, 'whole' if cell.place == 'crop' else cell.place)
    world.simulated.disturbance = 0.0
    at_home = world.simulated.home
    if cell.start:
        world.simulated.home = np.array(STARTS[cell.start][arm])
    settings = Settings(execute_steps=cell.executed)
    results = []
    for seed in range(FIRST_SEED, FIRST_SEED + TRIALS):
        world.simulated.reset(seed)
        done = Done(world, world.simulated.tolerance(), SIMULATOR.stay_s)
        lifted: list[bool] = []

        def until(done: Done = done, lifted: list[bool] = lifted) -> bool:
            lifted.append(done())
            return lifted[-1]

        drive(world, robot, loaded, TRIAL_S, settings, until)
        results.append(any(lifted))
    world.simulated.home = at_home
    return results


class Results:
    """Lines of a file, one a training and arm."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def lines(self) -> list[dict[str, Any]]:
        """All of them."""
        text = self._path.read_text() if self._path.is_file() else ''
        return [json.loads(line) for line in text.splitlines()]

    def has(self, key: str, seed: int, arm: str) -> bool:
        """True if this was tried."""
        wanted = (key, seed, arm)
        return any((line['key'], line['seed'], line['tried']) == wanted for line in self.lines())

    def add(self, line: Mapping[str, Any]) -> None:
        """Append one."""
        with self._path.open('a') as file:
            file.write(json.dumps(line) + '\n')


def run_cell(out: Path, cell: Cell, seed: int, results: Results) -> None:
    """Train one seed of a cell, and try each of its arms, as far as that is not done."""
    left = [arm for arm in cell.tried if not results.has(cell.key, seed, arm)]
    if not left:
        return
    start_s = time.monotonic()
    run, files = train_cell(out, cell, seed)
    trained_s = time.monotonic() - start_s
    for arm in left:
        start_s = time.monotonic()
        lifted = attempt(arm, files[arm], run.last, cell)
        line = {
            'study': cell.study,
            'key': cell.key,
            'slots': cell.slots,
            'place': cell.place,
            'detail': cell.detail,
            'trained': dict(cell.trained),
            'options': dict(cell.options),
            'executed': cell.executed,
            'start': cell.start,
            'seed': seed,
            'tried': arm,
            'lifted': [int(each) for each in lifted],
            'training_s': round(trained_s, 1),
            'trials_s': round(time.monotonic() - start_s, 1),
        }
        results.add(line)
        print(cell.key, seed, arm, sum(lifted), line['training_s'], line['trials_s'], flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or '').splitlines()[0])
    parser.add_argument('studies', nargs='+', choices=STUDIES)
    parser.add_argument('--out', type=Path, required=True, help='folder of all that is made')
    parser.add_argument('--seeds', type=int, default=SEEDS, help=f'of training (default {SEEDS})')
    parser.add_argument('--only', default='', help='trainings with this in their key (all)')
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    arguments.out.mkdir(parents=True, exist_ok=True)
    results = Results(arguments.out / 'results.jsonl')
    for study, seed in product(arguments.studies, range(arguments.seeds)):
        for cell in STUDIES[study]():
            if arguments.only in cell.key:
                run_cell(arguments.out, cell, seed, results)
    return 0


if __name__ == '__main__':
    sys.exit(main())
