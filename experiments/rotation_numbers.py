"""Compare the numbers by which a policy reads and predicts rotations.

    python experiments/rotation_numbers.py [--episodes 300] [--steps 2000] [--seeds 2]
        [--forms six relative signed either] [--json]

An arm goes a third of the way to a told pose at each step (`test/helpers/pose_reaching.py`). The
same episodes are learnt by `mlp` in four ways: `six`, as the package does, two columns of the
matrix; `relative`, the same, as motions from the measured pose (`--relative`); `signed`, four raw
numbers, of the two quaternions of a rotation always the one that the package takes; `either`, four
raw numbers of either sign, at random, as recordings may hold them. `down` turns a tool up to 57
degrees about each axis from pointing down; `any` is any rotation.

Printed are the mean errors of the next pose on 40 other episodes.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from neuracore_ros.cli.main import main as neuracore_ros
from neuracore_ros.dataset.metadata import Episode, Metadata
from neuracore_ros.dataset.row import Row
from neuracore_ros.dataset.staging import EpisodeWriter
from neuracore_ros.dataset.writer import open_dataset
from neuracore_ros.description import DataType, Descriptions
from neuracore_ros.kinematics.rotations import angles_between, signed
from neuracore_ros.loading.batches import Batches
from neuracore_ros.policy.load import load_policy

# The dataset that the tests of training use, too.
sys.path.append(str(Path(__file__).resolve().parents[1] / 'test'))
from helpers.pose_reaching import GOAL, GRIP, HAND, STEPS, described, rows

NUMBERS = DataType.CUSTOM_1D
FORMS = ('six', 'relative', 'signed', 'either')
POSES = FORMS[:2]
TURNS = {'down': 1.0, 'any': math.pi}
TESTED = 40


def write(path: Path, form: str, turn: float, episodes: int, seed: int) -> Path:
    """Write episodes of one arm, as poses or as seven raw numbers each."""
    rng = np.random.default_rng(seed)
    robots = described(['one'])
    if form not in POSES:
        inputs = {NUMBERS: {index: f'in_{index}' for index in range(14)}}
        outputs = {NUMBERS: {index: f'out_{index}' for index in range(7)}}
        robots = Descriptions({'one': inputs}, {'one': {**outputs, GRIP: {0: 'fingers'}}})
    with open_dataset(path, Metadata(10.0, (8, 8), robots)) as writer:
        for _ in range(episodes):
            written = EpisodeWriter(writer.staging / 'episode', writer.metadata, 'go there')
            for row in rows('one', {HAND: 1, GOAL: 1, GRIP: 1}, rng, turn):
                written.add(row if form in POSES else _raw(row, form))
            writer.commit(written.finish(), Episode('one', 'bag', 0, STEPS))
    return path


def _raw(row: Row, form: str) -> Row:
    """The same row, its poses as numbers without a meaning."""

    def flat(*poses: np.ndarray) -> np.ndarray:
        both = np.concatenate(poses).astype(float)
        if form == 'signed':
            both[:, 3:] = signed(both[:, 3:])
        return both.reshape(-1).astype(np.float32)

    return replace(
        row,
        inputs={NUMBERS: flat(row.inputs[HAND], row.inputs[GOAL])},
        input_valid={NUMBERS: np.ones(14, bool)},
        outputs={NUMBERS: flat(row.outputs[HAND]), GRIP: row.outputs[GRIP]},
        output_valid={NUMBERS: np.ones(7, bool), GRIP: row.output_valid[GRIP]},
    )


def errors(policy: Path, form: str, dataset: Path) -> tuple[float, float]:
    """Mean distance [cm] and angle [degrees] of the next pose."""
    kind = HAND if form in POSES else NUMBERS
    loaded, data = load_policy(policy), Batches(dataset)
    batch = data.take(np.arange(data.episodes[-1].stop), 1, 1)
    found, wanted = [], batch.targets[kind].reshape(-1, 7)
    for row in range(len(wanted)):
        inputs = {each: values[row] for each, values in batch.inputs.items()}
        valid = {each: mask[row] for each, mask in batch.valid.items()}
        found.append(loaded.predict(inputs, valid)[kind][0].reshape(7))
    poses = np.array(found, float)
    poses[:, 3:] /= np.linalg.norm(poses[:, 3:], axis=1)[:, None]
    far = np.linalg.norm(poses[:, :3] - wanted[:, :3], axis=1).mean()
    return 100 * far, math.degrees(angles_between(poses[:, 3:], wanted[:, 3:]).mean())


def measure(arguments: argparse.Namespace) -> Iterator[dict[str, object]]:
    """One result for each range of rotations, form and seed."""
    for name, turn in TURNS.items():
        for seed in range(arguments.seeds):
            for form in arguments.forms:
                with tempfile.TemporaryDirectory() as folder:
                    learnt = write(Path(folder, 'learnt'), form, turn, arguments.episodes, seed)
                    other = write(Path(folder, 'other'), form, turn, TESTED, 1000 + seed)
                    run = Path(folder, 'run')
                    words = ['train', str(learnt), '--out', str(run), '--horizon', '5']
                    words += ['--steps', str(arguments.steps), '--seed', str(seed)]
                    words += ['--relative'] * (form == 'relative')
                    if neuracore_ros([*words, '--threads', '1', '--device', 'cpu']):
                        raise SystemExit(1)
                    far, turned = errors(run / 'last.pt', form, other)
                yield {'range': name, 'seed': seed, 'form': form, 'cm': far, 'deg': turned}


def main() -> None:
    """Measure, and print a line for each form."""
    parser = argparse.ArgumentParser(description=(__doc__ or '').splitlines()[0])
    parser.add_argument('--episodes', type=int, default=300)
    parser.add_argument('--steps', type=int, default=2000)
    parser.add_argument('--seeds', type=int, default=2)
    parser.add_argument('--forms', nargs='+', choices=FORMS, default=FORMS)
    parser.add_argument('--json', action='store_true', help='each result as a line')
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    found = []
    for one in measure(arguments):
        found.append(one)
        if arguments.json:
            print(json.dumps(one), flush=True)
    for name in TURNS:
        for form in arguments.forms:
            own = [one for one in found if (one['range'], one['form']) == (name, form)]
            far, turned = (np.mean([one[unit] for one in own]) for unit in ('cm', 'deg'))
            print(f'{name:5} {form:9} {far:6.2f} cm {turned:6.2f} degrees')


if __name__ == '__main__':
    main()
