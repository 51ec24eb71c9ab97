"""Measure what it costs to serve a LeRobot policy: beside LeRobot's own inference, in turns.

    ~/lerobot/bin/python benchmarks/lerobot_serving.py [--requests 40] [--height 240] [--width 320]

It runs in the environment that has lerobot (docs/lerobot.md), and writes an ACT policy of
LeRobot's own size with random weights. One request after the other goes to each of these:

- LeRobot's own parts: preprocessor, `predict_action_chunk`, postprocessor;
- the policy in this process, with the map to slots and all checks of `Policy`;
- `serve --lerobot` in a process of its own, through the client of the node.

The last column is the median of the differences to LeRobot's own parts in the same turn.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from lerobot.configs.types import FeatureType, PolicyFeature
from lerobot.policies.act.configuration_act import ACTConfig
from lerobot.policies.act.modeling_act import ACTPolicy
from lerobot.policies.factory import make_pre_post_processors

from neuracore_ros.description import DataType
from neuracore_ros.policy.load import load_policy
from neuracore_ros.serving.lerobot.checkpoint import read_lerobot_checkpoint
from neuracore_ros.serving.lerobot.drafted_map import LerobotWiring
from neuracore_ros.serving.lerobot.inference import LerobotPolicy
from neuracore_ros.serving.lerobot.loading import LerobotOptions
from neuracore_ros.serving.lerobot.names import LerobotNames
from neuracore_ros.serving.lerobot.source import LerobotSource

JOINTS = 6
COLUMNS = [f'JOINT_POSITIONS.{index}' for index in range(JOINTS)]
TARGETS = [f'JOINT_TARGET_POSITIONS.{index}' for index in range(JOINTS)]
CAMERAS = [f'observation.images.rgb_{index}' for index in range(2)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--requests', type=int, default=40)
    parser.add_argument('--height', type=int, default=240, help='of an image [px]')
    parser.add_argument('--width', type=int, default=320, help='of an image [px]')
    parser.add_argument('--small', action='store_true', help='hardly any network')
    parser.add_argument('--threads', type=int, default=1)
    parser.add_argument('--device', default='cpu')
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        write_act(Path(folder), (arguments.height, arguments.width), arguments.small)
        measure(Path(folder), arguments)


def write_act(folder, size, is_small):
    """Write an ACT policy of LeRobot's defaults, 52 million random weights, or a small one."""
    small = {'dim_model': 32, 'n_heads': 2, 'dim_feedforward': 32, 'n_encoder_layers': 1}
    torch.manual_seed(0)
    config = ACTConfig(
        input_features={
            'observation.state': PolicyFeature(FeatureType.STATE, (JOINTS,)),
            **{key: PolicyFeature(FeatureType.VISUAL, (3, *size)) for key in CAMERAS},
        },
        output_features={'action': PolicyFeature(FeatureType.ACTION, (JOINTS,))},
        pretrained_backbone_weights=None,
        device='cpu',
        push_to_hub=False,
        **(small if is_small else {}),
    )
    shapes = {'observation.state': (JOINTS,), 'action': (JOINTS,)}
    shapes |= dict.fromkeys(CAMERAS, (3, 1, 1))
    statistics = {
        key: {'mean': torch.zeros(shape), 'std': torch.ones(shape)}
        for key, shape in shapes.items()
    }
    for part in (ACTPolicy(config), *make_pre_post_processors(config, dataset_stats=statistics)):
        part.save_pretrained(folder)


def measure(folder, arguments):
    """Print a table of all three."""
    names = LerobotNames(tuple(COLUMNS), tuple(TARGETS), 30.0)
    options = LerobotOptions(arguments.device, arguments.threads)
    source = LerobotSource(folder, LerobotWiring(names), options=options)
    here = source.load()
    model = LerobotPolicy(read_lerobot_checkpoint(folder), options)
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (2, arguments.height, arguments.width, 3), np.uint8)
    joints = rng.normal(size=JOINTS).astype(np.float32)
    raw = {'observation.state': joints, **dict(zip(CAMERAS, images, strict=True))}
    inputs = {DataType.JOINT_POSITIONS: joints[None], DataType.RGB_IMAGES: images[None]}
    valid = {
        DataType.JOINT_POSITIONS: np.ones(JOINTS, bool),
        DataType.RGB_IMAGES: np.ones(2, bool),
    }
    with served(folder, arguments) as address:
        there = load_policy(address)
        asked = {
            "LeRobot's own parts": lambda: model.ask(raw),
            'in this process': lambda: here.predict(inputs, valid),
            'served': lambda: there.predict(inputs, valid),
        }
        taken_ms = {name: [] for name in asked}
        for number in range(arguments.requests + 3):
            for name, ask in asked.items():
                start = time.perf_counter()
                ask()
                if number >= 3:
                    taken_ms[name].append(1e3 * (time.perf_counter() - start))
        chunks = [each.predict(inputs, valid) for each in (here, there)]
    same = max(np.abs(chunks[0][kind] - chunks[1][kind]).max() for kind in chunks[0])
    first = np.array(taken_ms["LeRobot's own parts"])
    print(f'{"":24}{"p50":>9}{"p99":>9}{"more":>9}   [ms]')
    for name, taken in taken_ms.items():
        middle, more = np.median(taken), np.median(np.array(taken) - first)
        print(f'{name:24}{middle:9.1f}{np.percentile(taken, 99):9.1f}{more:9.1f}')
    print(f'largest difference between the last two: {same:g}')


@contextmanager
def served(folder, arguments):
    """The address of a server in a process of its own."""
    command = [sys.executable, '-m', 'neuracore_ros.cli.main', 'serve', '--port', '0', '--json']
    command += ['--lerobot', str(folder), '--state', ','.join(COLUMNS), '--rate-hz', '30']
    command += ['--action', ','.join(TARGETS), '--threads', str(arguments.threads)]
    command += ['--device', arguments.device]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            yield json.loads(process.stdout.readline())['address']
        finally:
            process.kill()


if __name__ == '__main__':
    main()
