"""Compare a stock LeRobot ACT with our policies, on one dataset and in the same trials.

    python experiments/lerobot_beside.py --out FOLDER

The arms of the demo reach for a ball that only their cameras see: a Panda with two cameras and a
UR5 with one, 50 episodes each, in one dataset. Every policy takes as many steps of as many rows,
ours with the defaults of `train` but for the rows of a batch;
then `neuracore_ros export` makes a policy file of LeRobot's checkpoint, and all files are judged
by the same rows that none has learnt from, and by the same trials in lockstep. LeRobot's ACT has
its own class, optimizer and loader; its widths are set to ours, and its learning rate to ten times
the default, since a few thousand steps on one processor are few. Its default size is timed, too.

NEURACORE_ROS_LEROBOT_PYTHON names an interpreter with lerobot; without it ours are judged alone.
What is done already is not done again.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from alignment import EPISODES, IMAGE_SIZE, RATE_HZ, bags, tried

from neuracore_ros.cli.main import main as neuracore_ros
from neuracore_ros.convert.convert import convert
from neuracore_ros.convert.job import ConvertSettings
from neuracore_ros.dataset.metadata import load_metadata
from neuracore_ros.description import DataType, load_robot
from neuracore_ros.description.descriptions import load_descriptions
from neuracore_ros.description.shipped import shipped
from neuracore_ros.loading.batches import Batches, Prefetch
from neuracore_ros.policy.load import load_policy
from neuracore_ros.training import loop
from neuracore_ros.training.config import Config
from neuracore_ros.training.run import Run
from neuracore_ros.training.splitting import split

ROBOTS = ('franka', 'ur5')
BATCH, CHUNK, SEED = 16, 20, 0
# LeRobot's ACT in the widths of ours.
OPTIONS = {
    'dim_model': 256,
    'dim_feedforward': 1024,
    'n_encoder_layers': 4,
    'optimizer_lr': 1e-4,
    'optimizer_lr_backbone': 1e-4,
}
TIMED_STEPS = 8
# Every so many of the rows that were held back.
EVERY = 4
TARGETS = DataType.JOINT_TARGET_POSITIONS
PYTHON = 'NEURACORE_ROS_LEROBOT_PYTHON'


@dataclass(frozen=True, slots=True)
class Policy:
    """One line of the table.

    Attributes:
        name: For people.
        kind: Of ours; '' is LeRobot's ACT.
    """

    name: str
    kind: str


POLICIES = (
    Policy('our mlp', 'mlp'),
    Policy('our act', 'act'),
    Policy('our diffusion', 'diffusion'),
    Policy('LeRobot ACT', ''),
)

LEROBOT = """
import json, os, sys, time
import torch
from lerobot.datasets.lerobot_dataset import LeRobotDataset
from lerobot.policies.act.configuration_act import ACTConfig
from lerobot.policies.factory import make_policy, make_pre_post_processors
from lerobot.utils.feature_utils import dataset_to_policy_features

asked = json.loads(sys.argv[1])
torch.manual_seed(asked['seed'])
torch.set_num_threads(1)
name, root, chunk = 'local/beside', asked['dataset'], asked['chunk']
meta = LeRobotDataset(name, root=root).meta
features = dataset_to_policy_features(meta.features)
config = ACTConfig(
    input_features={key: each for key, each in features.items() if key != 'action'},
    output_features={'action': features['action']},
    chunk_size=chunk,
    n_action_steps=chunk,
    pretrained_backbone_weights=None,
    device='cpu',
    push_to_hub=False,
    **asked['options'],
)
policy = make_policy(config, ds_meta=meta).train()
before, after = make_pre_post_processors(config, dataset_stats=meta.stats)
dataset = LeRobotDataset(
    name,
    root=root,
    episodes=asked['episodes'],
    delta_timestamps={'action': [k / meta.fps for k in range(chunk)]},
)
loader = torch.utils.data.DataLoader(
    dataset,
    batch_size=asked['batch'],
    shuffle=True,
    num_workers=asked['workers'],
    drop_last=True,
)
preset = config.get_optimizer_preset()
optimizer = preset.build(policy.get_optim_params())
step, learnt_s, start, used_s = 0, 0.0, time.monotonic(), time.process_time()
waited_s, asked_for = 0.0, start
while step < asked['steps']:
    for batch in loader:
        waited_s += time.monotonic() - asked_for
        begun = time.process_time()
        loss, _ = policy.forward(before(batch))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(policy.parameters(), preset.grad_clip_norm)
        optimizer.step()
        optimizer.zero_grad()
        learnt_s += time.process_time() - begun
        step += 1
        if step % 50 == 0:
            print(f'step {step}  loss {float(loss.detach()):.3f}', file=sys.stderr, flush=True)
        asked_for = time.monotonic()
        if step == asked['steps']:
            break
seconds, used_s = time.monotonic() - start, time.process_time() - used_s
if asked['out']:
    for part in (policy, before, after):
        part.save_pretrained(asked['out'])
weights = sum(each.numel() for each in policy.parameters())
print(json.dumps({
    'steps_per_s': step / seconds, 'data_wait': waited_s / seconds,
    'million_weights': weights / 1e6,
    'cpu_s': used_s / step, 'learning_cpu_s': learnt_s / step,
}))
"""


def make_dataset(folder: Path) -> Path:
    """Record both robots and convert the recordings, unless that is done."""
    dataset = folder / 'dataset'
    if dataset.exists() and len(load_metadata(dataset).bags) == len(ROBOTS) * EPISODES:
        return dataset
    descriptions = load_descriptions([shipped(name) for name in ROBOTS])
    settings = ConvertSettings(rate_hz=RATE_HZ, image_size=IMAGE_SIZE)
    for name in ROBOTS:
        convert(dataset, descriptions, name, bags(folder, name, seen=True), settings)
    return dataset


def config(folder: Path, dataset: Path, kind: str, steps: int) -> Config:
    """Arguments of `train` for a run of ours."""
    return Config(
        dataset=str(dataset.absolute()),
        policy=kind,
        steps=steps,
        batch=BATCH,
        horizon=CHUNK,
        seed=SEED,
        threads=1,
        cache=str(folder / 'cache'),
    )


def train_ours(folder: Path, dataset: Path, kind: str, steps: int) -> dict[str, float]:
    """A run of ours; goes on with one that was stopped."""
    run = Run(folder / 'runs' / f'{kind}_{steps}')
    path = loop.train(config(folder, dataset, kind, steps), run)
    shutil.copyfile(path, policy_file(folder, kind, steps))
    last = run.metrics()[-1]
    return {name: last[name] for name in ('steps_per_s', 'data_wait')}


def count_weights(path: Path) -> float:
    """In millions, of a policy file."""
    return sum(each.numel() for each in torch.jit.load(str(path)).parameters()) / 1e6


def train_theirs(
    folder: Path, dataset: Path, steps: int, options: Mapping[str, Any], out: str, workers: int
) -> dict[str, float]:
    """LeRobot's ACT on the same episodes."""
    training = [episode.number for episode in split(Batches(dataset).episodes, SEED).training]
    asked = {
        'dataset': str(dataset),
        'episodes': training,
        'chunk': CHUNK,
        'batch': BATCH,
        'steps': steps,
        'seed': SEED,
        'options': options,
        'workers': workers,
        'out': out,
    }
    run = subprocess.run(
        [os.environ[PYTHON], '-c', LEROBOT, json.dumps(asked)],
        env={**os.environ, 'HF_HUB_OFFLINE': '1', 'HF_HOME': str(folder / 'hub')},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    measured: dict[str, float] = json.loads(run.stdout.splitlines()[-1])
    return measured


def trained(folder: Path, dataset: Path, policy: Policy, steps: int) -> dict[str, float]:
    """Train one policy; figures of its training."""
    if policy.kind:
        return train_ours(folder, dataset, policy.kind, steps)
    checkpoint = folder / f'lerobot_{steps}'
    found = train_theirs(folder, dataset, steps, OPTIONS, str(checkpoint), workers=1)
    out = policy_file(folder, policy.kind, steps)
    out.unlink(missing_ok=True)
    words = ['--from-lerobot', str(checkpoint), '--dataset', str(dataset), '--out', str(out)]
    if neuracore_ros(['export', *words]):
        raise SystemExit(1)
    return found


def speeds(folder: Path, dataset: Path) -> dict[str, dict[str, float]]:
    """Policy -> processor seconds of a step, whatever else the machine does; and weights."""
    found = {each.name: time_ours(folder, dataset, each.kind) for each in POLICIES if each.kind}
    if PYTHON in os.environ:
        for name, options in {'LeRobot ACT': OPTIONS, 'LeRobot ACT, as it comes': {}}.items():
            found[name] = train_theirs(folder, dataset, TIMED_STEPS, options, '', workers=0)
    return found


def time_ours(folder: Path, dataset: Path, kind: str) -> dict[str, float]:
    """A few steps of ours; loading is part of them, and of the threads that do it."""
    asked: list[tuple[float, float, float]] = []

    class Timed(Prefetch[Any]):
        """Notes the clock and what was used of the processor when a batch was asked for."""

        def __next__(self) -> Any:
            asked_s = time.monotonic()
            batch = super().__next__()
            asked.append((asked_s, time.process_time(), time.monotonic() - asked_s))
            return batch

    plain = loop.Prefetch
    loop.Prefetch = Timed  # type: ignore[misc]
    with tempfile.TemporaryDirectory() as temporary:
        path = loop.train(config(folder, dataset, kind, TIMED_STEPS + 2), Run(Path(temporary)))
        weights = count_weights(path)
    loop.Prefetch = plain  # type: ignore[misc]
    # Not the first one, which finds nothing warm.
    seconds = asked[-1][0] - asked[1][0]
    return {
        'cpu_s': (asked[-1][1] - asked[1][1]) / TIMED_STEPS,
        'steps_per_s': TIMED_STEPS / seconds,
        'data_wait': sum(waited_s for _, _, waited_s in asked[1:-1]) / seconds,
        'million_weights': weights,
    }


def policy_file(folder: Path, kind: str, steps: int) -> Path:
    """Name the file of a policy."""
    return folder / f'{kind or "lerobot"}_{steps}.pt'


def error_rad(path: Path, dataset: Path) -> dict[str, list[float]]:
    """Robot -> mean distance to what was recorded, of each joint that it has, base to tool.

    Over all steps of a chunk within the episode, at rows that were held back.
    """
    data = Batches(dataset)
    found = {}
    for robot in ROBOTS:
        policy = load_policy(path, threads=1, robot=robot)
        held = [each.rows for each in split(data.episodes, SEED).validation if each.robot == robot]
        batch = data.take(np.concatenate(held)[::EVERY], 1, CHUNK)
        slots = sorted(data.metadata.descriptions.output[robot][TARGETS])
        errors = []
        for row in range(len(batch.robot)):
            inputs = {kind: array[row] for kind, array in batch.inputs.items()}
            valid = {kind: mask[row] for kind, mask in batch.valid.items()}
            chunk = policy.predict(inputs, valid)[TARGETS][:CHUNK]
            away = np.abs(chunk - batch.targets[TARGETS][row])
            errors.append(np.where(batch.target_valid[TARGETS][row], away, np.nan)[:, slots])
        found[robot] = (
            np.nanmean(np.concatenate(errors, dtype=np.float64), axis=0).round(5).tolist()
        )
    return found


def judged(folder: Path, dataset: Path, policy: Policy, steps: int, trials: int) -> dict[str, Any]:
    """Error and trials of one policy file."""
    path = policy_file(folder, policy.kind, steps)
    robots = [load_robot(shipped(name)) for name in ROBOTS]
    ends = {robot.name: tried(path, robot, trials, seen=True) for robot in robots}
    return {
        'error_rad': error_rad(path, dataset),
        'successes': {name: sum(end <= 1.0 for end in found) for name, found in ends.items()},
        'median_tolerances': {name: float(np.median(found)) for name, found in ends.items()},
        'trials': trials,
    }


def interval(successes: int, trials: int) -> str:
    """Ends of the interval of a success rate that holds 95 %, in percent (Wilson 1927)."""
    z, rate = 1.96, successes / trials
    centre = rate + z**2 / (2 * trials)
    reach = z * math.sqrt(rate * (1 - rate) / trials + (z / trials) ** 2 / 4)
    low, high = (100 * (centre + side * reach) / (1 + z**2 / trials) for side in (-1, 1))
    return f'{low:.0f} to {high:.0f}'


def table(results: Sequence[Mapping[str, Any]], speed: Mapping[str, Mapping[str, float]]) -> str:
    """The results as Markdown."""
    lines = [
        '| policy | steps | error Panda, UR5 [rad] | Panda reaches [%] | UR5 reaches [%] |',
        '| --- | --- | --- | --- | --- |',
    ]
    for line in sorted(results, key=lambda line: (line['steps'], line['policy'])):
        errors = ', '.join(f'{np.mean(line["error_rad"][name]):.3f}' for name in ROBOTS)
        reached = [
            f'{100 * count / line["trials"]:.0f} ({interval(count, line["trials"])})'
            for count in (line['successes'][name] for name in ROBOTS)
        ]
        lines.append(f'| {line["policy"]} | {line["steps"]} | {errors} | {" | ".join(reached)} |')
    lines += ['', '| policy | weights | processor s a step | steps/s | waits for data |']
    lines.append('| --- | --- | --- | --- | --- |')
    for name, found in speed.items():
        lines.append(
            f'| {name} | {found["million_weights"]:.1f} M | {found["cpu_s"]:.2f} | '
            f'{found["steps_per_s"]:.1f} | {100 * found["data_wait"]:.0f} % |'
        )
    return '\n'.join(lines)


def main() -> None:
    """Train and judge what is not judged yet."""
    parser = argparse.ArgumentParser(description=(__doc__ or '').partition('\n')[0])
    parser.add_argument('--out', type=Path, required=True, metavar='FOLDER')
    parser.add_argument('--steps', type=int, default=1500, help='of every policy')
    parser.add_argument('--trials', type=int, default=50, help='of every robot')
    parser.add_argument('--policy', choices=[each.name for each in POLICIES], action='append')
    arguments = parser.parse_args()
    folder, steps = arguments.out, arguments.steps
    folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    dataset = make_dataset(folder)
    for policy in POLICIES:
        file = policy_file(folder, policy.kind, steps).with_suffix('.json')
        if file.exists() or policy.name not in (arguments.policy or [policy.name]):
            continue
        if not policy.kind and PYTHON not in os.environ:
            print(f'lerobot is not there: name its interpreter by {PYTHON}')
            continue
        line: dict[str, Any] = {'policy': policy.name, 'steps': steps}
        line |= trained(folder, dataset, policy, steps)
        line |= judged(folder, dataset, policy, steps, arguments.trials)
        file.write_text(json.dumps(line, indent=1) + '\n')
        print(json.dumps(line), file=sys.stderr, flush=True)
    file = folder / 'speed.json'
    if not file.exists():
        file.write_text(json.dumps(speeds(folder, dataset), indent=1) + '\n')
    lines = [json.loads(each.read_text()) for each in folder.glob('*_*.json')]
    print(table(lines, json.loads(file.read_text())))


if __name__ == '__main__':
    main()
