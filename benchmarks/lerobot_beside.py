"""A stock LeRobot ACT beside ours, learnt from one dataset and judged by one code.

    python benchmarks/lerobot_beside.py --out FOLDER

The arms of the demo reach for a ball that only their cameras see: a Panda with two cameras and a
UR5 with one, 50 episodes each, in one dataset. Every policy takes as many steps of as many rows;
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
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from alignment import EPISODES, IMAGE_SIZE, RATE_HZ, bags, tried

from neuracore_ros.cli.main import main as neuracore_ros
from neuracore_ros.dataset.batches import Batches
from neuracore_ros.dataset.convert import convert
from neuracore_ros.dataset.metadata import load_metadata
from neuracore_ros.dataset.plan import Settings as Conversion
from neuracore_ros.description import DataType, load_robot
from neuracore_ros.description.cross_embodiment import load_descriptions
from neuracore_ros.description.shipped import shipped
from neuracore_ros.policy.load import load_policy
from neuracore_ros.training.config import Config
from neuracore_ros.training.loop import train
from neuracore_ros.training.run import Run
from neuracore_ros.training.splitting import split

ROBOTS = ('franka', 'ur5')
BATCH, CHUNK, SEED = 16, 20, 0
# Ours beside LeRobot's, in the widths of ours.
WIDTH, FEED_FORWARD, LAYERS = 256, 1024, 4
LEARNING_RATE = 1e-4
TIMED_STEPS = 8
# Every so many of the rows that were held back.
EVERY = 4
TARGETS = DataType.JOINT_TARGET_POSITIONS


@dataclass(frozen=True, slots=True)
class Policy:
    """One line of the table.

    Attributes:
        name: For people.
        kind: Of ours; '' is LeRobot's ACT.
    """

    name: str
    kind: str


POLICIES = (Policy('our mlp', 'mlp'), Policy('our act', 'act'), Policy('LeRobot ACT', ''))

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
    dataset, batch_size=asked['batch'], shuffle=True, num_workers=1, drop_last=True
)
preset = config.get_optimizer_preset()
optimizer = preset.build(policy.get_optim_params())
step, learnt_s, start = 0, 0.0, time.monotonic()
while step < asked['steps']:
    for batch in loader:
        begun = time.monotonic()
        loss, _ = policy.forward(before(batch))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(policy.parameters(), preset.grad_clip_norm)
        optimizer.step()
        optimizer.zero_grad()
        learnt_s += time.monotonic() - begun
        step += 1
        if step % 50 == 0:
            print(f'step {step}  loss {float(loss.detach()):.3f}', file=sys.stderr, flush=True)
        if step == asked['steps']:
            break
seconds = time.monotonic() - start
if asked['out']:
    for part in (policy, before, after):
        part.save_pretrained(asked['out'])
weights = sum(each.numel() for each in policy.parameters())
print(json.dumps({
    'steps_per_s': step / seconds, 'wait_percent': 100 * (1 - learnt_s / seconds),
    'million_weights': weights / 1e6,
}))
"""


def make_dataset(folder: Path) -> Path:
    """Record both robots and convert the recordings, unless that is done."""
    dataset = folder / 'dataset'
    if dataset.exists() and len(load_metadata(dataset).bags) == len(ROBOTS) * EPISODES:
        return dataset
    descriptions = load_descriptions([shipped(name) for name in ROBOTS])
    settings = Conversion(rate_hz=RATE_HZ, image_size=IMAGE_SIZE)
    for name in ROBOTS:
        convert(dataset, descriptions, name, bags(folder, name, seen=True), settings)
    return dataset


def train_ours(folder: Path, dataset: Path, kind: str, steps: int) -> dict[str, float]:
    """A run of ours; its policy file goes to FOLDER/<kind>.pt."""
    run = Run(folder / 'runs' / f'{kind}_{steps}')
    config = Config(
        dataset=str(dataset.absolute()),
        policy=kind,
        steps=steps,
        batch=BATCH,
        horizon=CHUNK,
        seed=SEED,
        threads=1,
        cache=str(folder / 'cache'),
    )
    start = time.monotonic()
    path = train(config, run)
    seconds = time.monotonic() - start
    last = run.metrics()[-1]
    shutil.copyfile(path, policy_file(folder, kind, steps))
    weights = sum(each.numel() for each in torch.jit.load(str(path)).parameters())
    return {
        'steps_per_s': last.get('steps_per_s', steps / seconds),
        'million_weights': weights / 1e6,
    }


def train_theirs(
    folder: Path, dataset: Path, python: str, steps: int, options: Mapping[str, Any], out: str
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
        'out': out,
    }
    run = subprocess.run(
        [python, '-c', LEROBOT, json.dumps(asked)],
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
    python = os.environ['NEURACORE_ROS_LEROBOT_PYTHON']
    checkpoint = folder / f'lerobot_{steps}'
    options = {
        'dim_model': WIDTH,
        'dim_feedforward': FEED_FORWARD,
        'n_encoder_layers': LAYERS,
        'optimizer_lr': LEARNING_RATE,
        'optimizer_lr_backbone': LEARNING_RATE,
    }
    found = train_theirs(folder, dataset, python, steps, options, str(checkpoint))
    out = policy_file(folder, policy.kind, steps)
    out.unlink(missing_ok=True)
    words = ['--from-lerobot', str(checkpoint), '--dataset', str(dataset), '--out', str(out)]
    if neuracore_ros(['export', *words]):
        raise SystemExit(1)
    stock = train_theirs(folder, dataset, python, TIMED_STEPS, {}, '')
    return found | {f'default_{key}': value for key, value in stock.items()}


def policy_file(folder: Path, kind: str, steps: int) -> Path:
    """Where a policy is."""
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
        found[robot] = np.nanmean(np.concatenate(errors), axis=0).round(5).tolist()
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


def table(results: Sequence[Mapping[str, Any]]) -> str:
    """The results as Markdown."""
    lines = [
        '| policy | steps | weights | steps/s | error Panda, UR5 [rad] | reached Panda, UR5 |',
        '| --- | --- | --- | --- | --- | --- |',
    ]
    for line in sorted(results, key=lambda line: (line['steps'], line['policy'])):
        errors = ', '.join(f'{np.mean(line["error_rad"][name]):.4f}' for name in ROBOTS)
        reached = ', '.join(f'{line["successes"][name]}' for name in ROBOTS)
        lines.append(
            f'| {line["policy"]} | {line["steps"]} | {line["million_weights"]:.1f} M '
            f'| {line["steps_per_s"]:.2f} | {errors} | {reached} of {line["trials"]} |'
        )
    return '\n'.join(lines)


def main() -> None:
    """Train and judge what is not judged yet."""
    parser = argparse.ArgumentParser(description=(__doc__ or '').partition('\n')[0])
    parser.add_argument('--out', type=Path, required=True, metavar='FOLDER')
    parser.add_argument('--steps', type=int, default=2000, help='of every policy')
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
        if not policy.kind and 'NEURACORE_ROS_LEROBOT_PYTHON' not in os.environ:
            print('lerobot is not there: name its interpreter by NEURACORE_ROS_LEROBOT_PYTHON')
            continue
        line: dict[str, Any] = {'policy': policy.name, 'steps': steps}
        line |= trained(folder, dataset, policy, steps)
        line |= judged(folder, dataset, policy, steps, arguments.trials)
        file.write_text(json.dumps(line, indent=1) + '\n')
        print(json.dumps(line), file=sys.stderr, flush=True)
    print(table([json.loads(file.read_text()) for file in sorted(folder.glob('*.json'))]))


if __name__ == '__main__':
    main()
