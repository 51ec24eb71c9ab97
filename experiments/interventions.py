"""Measure whether it pays to take over from a policy that fails, and to train it on that.

    python experiments/interventions.py --out FOLDER [--person led | direct]

A UR5e lifts a cube in MuJoCo, by joints, told where the cube is (`transfer.py` has the rest). Each
seed has a policy of few demonstrations. It is run 20 times, in lockstep, and a scripted person
takes over where it gets nowhere (`takeovers.py`): the expert of the demonstrations, who leads by
the runner's own takeover, or commands the robot's controllers directly. The runs are recorded with
who commanded, and converted into the policy's dataset; the policy is trained further on it
(``--init``), with weights on the human's steps. It is compared with as many new demonstrations,
counted in steps or in episodes, and with the same training on nothing new.

Each training, tried at the same 50 places of the cube, is a line of ``FOLDER/results.jsonl``, and
so are the runs of each policy; what is there is not done again.
``experiments/interventions_page.py`` writes the tables.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from lift import IMAGE_SIZE, RATE_HZ, SIMULATOR
from lockstep import Pilot
from takeovers import LEADER, PERSONS, Watched, run_watched
from transfer import (
    EXECUTED,
    SEEDS,
    TOLD,
    UR5E,
    Cell,
    Results,
    attempt,
    make_world,
    record_arm,
    write_files,
)

from neuracore_ros.command.settings import Settings
from neuracore_ros.convert.convert import convert
from neuracore_ros.convert.job import ConvertSettings
from neuracore_ros.description import load_robot
from neuracore_ros.description.descriptions import load_descriptions
from neuracore_ros.loading.batches import Batches
from neuracore_ros.policy.load import load_policy
from neuracore_ros.training.config import Config
from neuracore_ros.training.finetune import inherit_settings
from neuracore_ros.training.loop import train
from neuracore_ros.training.run import Run

ARM, SLOTS = UR5E, 'joints'
FEW, NEW, BLOCK = 10, 20, 30
"""Demonstrations of the first policy; new ones, at most; and all of a seed."""
RUNS = 20
FIRST_RUN, APART = 20_000, 1000
"""Seed of the first run with a person; and how far those of two policies are apart."""
FURTHER = {'steps': 1000}
CELL = Cell('interventions', SLOTS, 'told', {ARM: FEW}, (ARM,))


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to train.

    Attributes:
        name: In one word.
        data: ``few`` demonstrations, and beside them ``nothing``, ``interventions``, or
            demonstrations of as many ``steps`` or ``episodes`` as those have.
        options: Of training, as `Config` names them.
        further: It begins with the policy of the few demonstrations.
    """

    name: str
    data: str
    options: Mapping[str, Any] = field(default_factory=dict)
    further: bool = True


BEFORE = Variant('before', 'nothing', further=False)
WEIGHTED = {weight: {'weight': {'intervention': float(weight)}} for weight in (3, 10)}
DROPPED = {seconds: {'drop_before_takeover': float(seconds)} for seconds in (1, 2, 60)}
"""Up to all that the policy did in a run in which somebody took over."""
VARIANTS = (
    BEFORE,
    Variant('nothing_new', 'nothing'),
    Variant('demonstrations_steps', 'steps'),
    Variant('interventions_3', 'interventions', WEIGHTED[3]),
    Variant('interventions_1', 'interventions'),
    Variant('demonstrations_episodes', 'episodes'),
    Variant('interventions_3_drop_all', 'interventions', WEIGHTED[3] | DROPPED[60]),
    Variant('interventions_10', 'interventions', WEIGHTED[10]),
    Variant('interventions_3_drop_1', 'interventions', WEIGHTED[3] | DROPPED[1]),
    Variant('interventions_3_drop_2', 'interventions', WEIGHTED[3] | DROPPED[2]),
    Variant('interventions_1_drop_all', 'interventions', DROPPED[60]),
    Variant('interventions_only', 'interventions', {'only': 'intervention'}),
    Variant(
        'interventions_3_drop_all_afresh',
        'interventions',
        WEIGHTED[3] | DROPPED[60],
        further=False,
    ),
    Variant('demonstrations_steps_afresh', 'steps', further=False),
    Variant('demonstrations_episodes_afresh', 'episodes', further=False),
)


def write_file(out: Path) -> Path:
    """The robot file, with a leader arm whose joints count as the robot's own."""
    told = write_files(out / 'files', CELL)[ARM]
    content = yaml.safe_load(told.read_text())
    content['teleop'] = {
        kind: options | {'topic': LEADER} for kind, options in content['commands'].items()
    }
    text, file = yaml.safe_dump(content, sort_keys=False), out / 'led' / told.name
    # Several of these programs may run at once.
    if not file.is_file() or file.read_text() != text:
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    return file


def watch(out: Path, kind: str, seed: int, file: Path, policy: Path) -> list[Watched]:
    """All runs of one policy that a person watches; those that are there are kept."""
    folder = out / 'runs_watched' / f'seed={seed}'
    folder.mkdir(parents=True, exist_ok=True)
    notes = folder / 'watched.jsonl'
    robot, loaded = load_robot(file), load_policy(policy, threads=1)
    lines = notes.read_text().splitlines() if notes.is_file() else []
    watched = [Watched(**json.loads(line)) for line in lines]
    world = make_world(ARM, 'told')
    world.simulated.disturbance = SIMULATOR.disturbance
    settings = Settings(execute_steps=EXECUTED)
    for number in range(len(watched), RUNS):
        bag = folder / f'episode_{number:03d}'
        shutil.rmtree(bag, ignore_errors=True)

        def pilot_of(hears: Callable[[str, Any], None]) -> Pilot:
            return Pilot(world, robot, loaded, settings, hears)

        run_seed = FIRST_RUN + APART * seed + number
        watched.append(run_watched(pilot_of, kind, world, run_seed, bag, policy.parent.name))
        with notes.open('a') as lines_of:
            line = {name: getattr(watched[-1], name) for name in Watched.__slots__}
            lines_of.write(json.dumps(line) + '\n')
    return watched


def demonstrations(out: Path, seed: int) -> list[Path]:
    """The recordings of one seed: the few of the first policy, then new ones."""
    return record_arm(ARM, 'told', out / 'bags', BLOCK * (seed + 1))[BLOCK * seed :]


def as_many_steps(dataset: Path, wanted: int) -> int:
    """How many demonstrations of a dataset, after the few, have nearest to so many steps."""
    steps = [len(each.rows) for each in Batches(str(dataset)).episodes][FEW:]
    reached = np.abs(np.cumsum([0, *steps]) - wanted)
    return int(reached.argmin())


def make_dataset(out: Path, seed: int, data: str) -> tuple[Path, Path]:
    """The dataset of a way to train, and the robot file; the few demonstrations come first."""
    file = write_file(out)
    folder = out / 'data' / f'seed={seed}' / data
    if (folder / 'converted').exists():
        return folder / 'dataset', file
    bags = demonstrations(out, seed)
    recordings = bags[:FEW]
    if data == 'interventions':
        recordings += sorted((out / 'runs_watched' / f'seed={seed}').glob('episode_*'))
    elif data == 'episodes':
        recordings += bags[FEW : FEW + RUNS]
    elif data == 'steps':
        all_of_them, _ = make_dataset(out, seed, 'episodes')
        recordings += bags[FEW : FEW + as_many_steps(all_of_them, human_steps(out, seed))]
    shutil.rmtree(folder, ignore_errors=True)
    settings = ConvertSettings(rate_hz=RATE_HZ, image_size=(IMAGE_SIZE, IMAGE_SIZE))
    convert(folder / 'dataset', load_descriptions([file]), file.stem, recordings, settings)
    (folder / 'converted').touch()
    return folder / 'dataset', file


def human_steps(out: Path, seed: int) -> int:
    """Steps in which the person commanded, as the dataset says."""
    dataset, _ = make_dataset(out, seed, 'interventions')
    return int(read_control(dataset)['intervention'].sum())


def read_control(dataset: Path) -> dict[str, Any]:
    """The columns of a dataset that say who commanded."""
    import pyarrow.dataset as tables

    table = tables.dataset(dataset / 'data').to_table(['intervention', 'policy'])
    return {name: np.array(table[name].to_pylist()) for name in table.column_names}


def train_variant(out: Path, variant: Variant, seed: int) -> tuple[Run, Path]:
    """The finished training of one seed, and the robot file."""
    dataset, file = make_dataset(out, seed, variant.data)
    run = Run(out / 'runs' / f'{variant.name}_seed={seed}')
    if run.last.is_file():
        return run, file
    given = TOLD | {'seed': seed, 'threads': 1} | variant.options
    if variant.further:
        given = inherit_settings(out / 'runs' / f'{BEFORE.name}_seed={seed}', given | FURTHER)
    config = Config(dataset=str(dataset), **given)
    begun = run.path.is_dir()
    train(run.resume({}) if begun else config, run, report=lambda line: None)
    return run, file


def run_variant(out: Path, person: str, variant: Variant, seed: int, results: Results) -> None:
    """Train one seed, try it, and let a person watch the first policy; as far as not done."""
    key = variant.name
    if results.has(key, seed, ARM):
        return
    start_s = time.monotonic()
    run, file = train_variant(out, variant, seed)
    trained_s = time.monotonic() - start_s
    start_s = time.monotonic()
    lifted = attempt(ARM, file, run.last, CELL)
    line = {
        'study': 'interventions',
        'person': person,
        'key': key,
        'data': variant.data,
        'options': dict(variant.options),
        'further': variant.further,
        'seed': seed,
        'tried': ARM,
        'lifted': [int(each) for each in lifted],
        'rows': Batches(str(make_dataset(out, seed, variant.data)[0])).episodes[-1].stop,
        'training_s': round(trained_s, 1),
        'trials_s': round(time.monotonic() - start_s, 1),
    }
    if variant is BEFORE:
        watched = watch(out, person, seed, file, run.last)
        line['watched'] = [[w.reason, w.success, w.policy_steps, w.human_steps] for w in watched]
    results.add(line)
    print(key, seed, sum(lifted), line['training_s'], line['trials_s'], flush=True)


def wanted(names: Collection[str], seeds: Iterable[int]) -> Iterator[tuple[Variant, int]]:
    """All trainings, those first that the others need."""
    for variant, seed in product(VARIANTS, seeds):
        if not names or variant.name in names:
            yield variant, seed


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or '').splitlines()[0])
    parser.add_argument('--out', type=Path, required=True, help='folder of all that is made')
    names = [variant.name for variant in VARIANTS]
    parser.add_argument('--only', nargs='+', default=(), choices=names, help='ways to train (all)')
    parser.add_argument('--person', choices=PERSONS, default='led', help='(led)')
    parser.add_argument('--seeds', nargs='+', type=int, default=range(SEEDS), help='(0 1 2)')
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    arguments.out.mkdir(parents=True, exist_ok=True)
    results = Results(arguments.out / 'results.jsonl')
    for variant, seed in wanted(arguments.only, arguments.seeds):
        run_variant(arguments.out, arguments.person, variant, seed, results)
    return 0


if __name__ == '__main__':
    sys.exit(main())
