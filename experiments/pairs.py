"""Measure whether episodes of two arms help more if the cube lay at the same places.

    python experiments/pairs.py --out FOLDER

The task, the files and the trials are those of `transfer.py`; the cube is told as three numbers. A
UR5e has few episodes, a Panda as many or more. *Paired*: each place of the cube in the UR5e's
episodes is one of the Panda's, too. *Unpaired*: none is. The UR5e's episodes are equal in both, so
are the number of the Panda's, the training and the trials; *alone*, there are none of the
Panda. Recordings name their pair in their notes, as `record --pair` does.

Each training, tried with one arm, is a line of ``FOLDER/results.jsonl``; what is there is not done
again. ``experiments/interventions_page.py`` writes the tables.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import torch
from lift import IMAGE_SIZE, RATE_HZ
from transfer import (
    EPISODES,
    PANDA,
    SEEDS,
    TOLD,
    UR5E,
    XARM7,
    Cell,
    Results,
    attempt,
    record_arm,
    write_files,
)

from neuracore_ros.convert.convert import convert
from neuracore_ros.convert.job import ConvertSettings
from neuracore_ros.description.descriptions import load_descriptions
from neuracore_ros.loading.batches import EpisodeRows
from neuracore_ros.training.config import Config
from neuracore_ros.training.loop import train
from neuracore_ros.training.run import Run
from neuracore_ros.training.splitting import split

KINDS = ('paired', 'unpaired', 'alone')
COUNTS = ((8, 8), (4, 16))
"""Episodes of the UR5e, and of the Panda."""
TRIED = {'joints': (UR5E,), 'hand': (UR5E, XARM7)}
BLOCK = 18
"""So far apart are the first places of two seeds."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One training.

    Attributes:
        slots: ``hand`` or ``joints``.
        kind: One of `KINDS`.
        few: Episodes of the UR5e.
        others: Episodes of the Panda.
        seed: Of places and training.
    """

    slots: str
    kind: str
    few: int
    others: int
    seed: int

    @property
    def trained(self) -> dict[str, int]:
        """Arm -> how many of its episodes are learnt from."""
        return {UR5E: self.few} | ({PANDA: self.others} if self.kind != 'alone' else {})

    @property
    def key(self) -> str:
        """One word that no other training has, but for its seed."""
        others = '' if self.kind == 'alone' else f'_panda={self.others}'
        return f'{self.slots}_{self.kind}_ur5e={self.few}{others}'

    @property
    def cell(self) -> Cell:
        """What `transfer.py` needs to know of it."""
        return Cell('pairs', self.slots, 'told', self.trained, TRIED[self.slots])

    def places(self) -> dict[str, list[int]]:
        """Arm -> places of the cube that are learnt from, as numbers of recordings."""
        first = BLOCK * self.seed
        order = [(first + n) % EPISODES for n in range(EPISODES)]
        begin = 0 if self.kind == 'paired' else self.few
        chosen = {UR5E: order[: self.few], PANDA: order[begin : begin + self.others]}
        return {arm: chosen[arm] for arm in self.trained}


def settings() -> Iterator[Setting]:
    """All trainings, the most telling first."""
    for (few, others), seed, slots in product(COUNTS, range(SEEDS), TRIED):
        for kind in KINDS:
            yield Setting(slots, kind, few, others, seed)


def with_held_back(places: dict[str, list[int]], seed: int) -> dict[str, list[int]]:
    """Add places where `train` holds episodes back, so that all chosen ones are learnt from.

    Held-back places are those that nobody learns from: they pair with nothing.
    """
    learnt = {place for own in places.values() for place in own}
    spare = [place for place in range(EPISODES) if place not in learnt]
    totals = {arm: len(own) for arm, own in places.items()}
    while True:
        numbers = iter(range(sum(totals.values())))
        rows = [
            EpisodeRows(next(numbers), arm, 0, 1) for arm in totals for _ in range(totals[arm])
        ]
        kept = {episode.number for episode in split(rows, seed).training}
        learns = {arm: sum(r.number in kept for r in rows if r.robot == arm) for arm in totals}
        if all(learns[arm] == len(places[arm]) for arm in totals):
            break
        totals = {arm: totals[arm] + (learns[arm] < len(places[arm])) for arm in totals}
    wanted = {arm: iter(own) for arm, own in places.items()}
    left = iter(spare)
    result: dict[str, list[int]] = {arm: [] for arm in totals}
    for row in rows:
        source = wanted[row.robot] if row.number in kept else left
        result[row.robot].append(next(source))
    return result


def make_dataset(out: Path, setting: Setting) -> tuple[Path, dict[str, Path]]:
    """Convert what a training needs; returns the dataset, and the robot file of each arm."""
    folder = out / 'data' / f'{setting.key}_seed={setting.seed}'
    files = write_files(out / setting.slots, setting.cell)
    descriptions = load_descriptions(list(files.values()))
    wanted = ConvertSettings(rate_hz=RATE_HZ, image_size=(IMAGE_SIZE, IMAGE_SIZE))
    done = folder / 'converted'
    if not done.exists():
        for arm, places in with_held_back(setting.places(), setting.seed).items():
            bags = record_arm(arm, 'told', out / 'bags' / arm)
            convert(
                folder / 'dataset',
                descriptions,
                files[arm].stem,
                [bags[place] for place in places],
                wanted,
            )
        done.touch()
    return folder / 'dataset', files


def run_setting(out: Path, setting: Setting, results: Results, tried: Sequence[str]) -> None:
    """Train, and try each arm, as far as that is not done."""
    left = [arm for arm in tried if not results.has(setting.key, setting.seed, arm)]
    if not left:
        return
    start_s = time.monotonic()
    data, files = make_dataset(out, setting)
    run = Run(out / 'runs' / f'{setting.key}_seed={setting.seed}')
    config = Config(dataset=str(data), seed=setting.seed, threads=1, **TOLD)
    if not run.last.is_file():
        begun = run.path.is_dir()
        train(run.resume({}) if begun else config, run, report=lambda line: None)
    trained_s = time.monotonic() - start_s
    for arm in left:
        start_s = time.monotonic()
        lifted = attempt(arm, files[arm], run.last, setting.cell)
        line = {
            'study': 'pairs',
            'key': setting.key,
            'slots': setting.slots,
            'kind': setting.kind,
            'trained': setting.trained,
            'seed': setting.seed,
            'tried': arm,
            'lifted': [int(each) for each in lifted],
            'training_s': round(trained_s, 1),
            'trials_s': round(time.monotonic() - start_s, 1),
        }
        results.add(line)
        print(setting.key, setting.seed, arm, sum(lifted), line['training_s'], flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or '').splitlines()[0])
    parser.add_argument('--out', type=Path, required=True, help='folder of all that is made')
    parser.add_argument('--only', default='', help='trainings with this in their key (all)')
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    arguments.out.mkdir(parents=True, exist_ok=True)
    results = Results(arguments.out / 'results.jsonl')
    for setting in settings():
        if arguments.only in setting.key:
            run_setting(arguments.out, setting, results, TRIED[setting.slots])
    return 0


if __name__ == '__main__':
    sys.exit(main())
