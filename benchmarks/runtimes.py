"""Measure each runtime and TorchScript in turns, on a model of the size of LeRobot's ACT, or ours.

LeRobot's: ResNet-18 for two cameras of 224 x 224, 4 + 1 transformer layers of width 512, 100
actions a chunk. Ours: two cameras of 64 x 64, the defaults of `train`, 20 actions a chunk. Random
weights. Only the ratios mean anything on a machine that does other things, too.

    python benchmarks/runtimes.py [--model act] [--threads 1] [--runs 40] [--json]
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from neuracore_ros.description import DataType
from neuracore_ros.errors import PolicyError
from neuracore_ros.policy import torchscript
from neuracore_ros.policy.load import load_policy
from neuracore_ros.policy.manifest import InputSlots, Manifest, OutputSlots
from neuracore_ros.policy.policy import Policy
from neuracore_ros.training.config import KINDS, NetworkOptions
from neuracore_ros.training.graph import write_onnx, write_openvino, write_pt2
from neuracore_ros.training.lerobot_act import ActNetwork, ActShape, Affine, LerobotAct
from neuracore_ros.training.normalise import Normalisation
from neuracore_ros.training.policies import build

JOINTS, IMAGES = DataType.JOINT_POSITIONS, DataType.RGB_IMAGES
TARGETS = DataType.JOINT_TARGET_POSITIONS
SIZE, WIDTH, CAMERAS, HORIZON = (224, 224), 7, 2, 100

# Runtime and precision; the first is what the others are compared with.
WAYS = (
    ('policy.pt', 'float32'),
    ('policy.pt', 'bfloat16'),
    ('policy.onnx', 'float32'),
    ('policy.xml', 'float32'),
    ('policy.xml', 'bfloat16'),
    ('policy.pt2', 'float32'),
    ('policy.pt2', 'bfloat16'),
)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--model', choices=('lerobot', *KINDS), default='lerobot')
    parser.add_argument('--threads', type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument('--runs', type=int, default=40)
    parser.add_argument('--json', action='store_true')
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        module, manifest = act() if arguments.model == 'lerobot' else ours(arguments.model)
        policies, loading_s = load(Path(folder), arguments.threads, module, manifest)
        results = measure(policies, arguments.runs)
    for name, row in results.items():
        row['loading_s'] = loading_s[name]
    if arguments.json:
        print(json.dumps({'threads': arguments.threads, 'results': results}, indent=2))
        return
    print(f'{arguments.threads} threads, {arguments.runs} runs in turns')
    heads = 'p50 ms', 'ratio', 'best ms', 'ratio', 'difference', 'load s'
    print(f'{"way":24}' + ''.join(f'{head:>11}' for head in heads))
    for name, row in results.items():
        print(
            f'{name:24}{row["p50_ms"]:11.1f}{row["ratio"]:11.2f}{row["best_ms"]:11.1f}'
            f'{row["best_ratio"]:11.2f}{row["difference"]:11.1e}{row["loading_s"]:11.2f}'
        )


def load(folder: Path, threads: int, module: torch.nn.Module, manifest: Manifest):
    torchscript.save(module, manifest, folder / 'policy.pt')
    write_onnx(module, manifest, folder / 'policy.onnx')
    write_openvino(module, manifest, folder / 'policy.xml')
    write_pt2(module, manifest, folder / 'policy.pt2')
    policies, loading_s = {}, {}
    for file, precision in WAYS:
        name = f'{Path(file).suffix} {precision}'
        start = time.perf_counter()
        try:
            policies[name] = load_policy(folder / file, threads=threads, precision=precision)
        except PolicyError as error:
            print(f'{name}: {error}')
        else:
            loading_s[name] = time.perf_counter() - start
    return policies, loading_s


def ours(kind: str, **options: int) -> tuple[torch.nn.Module, Manifest]:
    torch.manual_seed(0)
    manifest = manifest_of((64, 64), 20)
    module = build(kind, manifest, Normalisation.none(manifest), NetworkOptions(**options))
    return module.eval(), replace(manifest, inpaint=module.inpaints)


def act() -> tuple[torch.nn.Module, Manifest]:
    torch.manual_seed(0)
    manifest = manifest_of(SIZE, HORIZON)
    network = ActNetwork(ActShape(WIDTH, CAMERAS, SIZE, WIDTH, HORIZON))
    network.backbone.fuse()
    one = Affine(torch.zeros(WIDTH), torch.ones(WIDTH), 0.0)
    colours = Affine(
        torch.tensor([0.485, 0.456, 0.406])[:, None, None],
        torch.tensor([0.229, 0.224, 0.225])[:, None, None],
        0.0,
    )
    columns = range(WIDTH)
    module = LerobotAct(network, manifest, columns, range(CAMERAS), columns, one, colours, one)
    return module.eval(), manifest


def manifest_of(size: tuple[int, int], horizon: int) -> Manifest:
    return Manifest(
        input={
            JOINTS: InputSlots(WIDTH, tuple(range(WIDTH))),
            IMAGES: InputSlots(CAMERAS, tuple(range(CAMERAS)), image_size=size),
        },
        output={TARGETS: OutputSlots(WIDTH, tuple(range(WIDTH)))},
        rate_hz=20.0,
        horizon=horizon,
    )


def measure(policies: dict[str, Policy], runs: int) -> dict[str, dict[str, float]]:
    rng = np.random.default_rng(0)
    shape = next(iter(policies.values())).manifest.input_shape(IMAGES)
    inputs = {
        JOINTS: rng.normal(size=(1, WIDTH)).astype(np.float32),
        IMAGES: rng.integers(0, 256, shape, np.uint8),
    }
    valid = {JOINTS: np.ones(WIDTH, bool), IMAGES: np.ones(CAMERAS, bool)}
    taken_ms = {name: [] for name in policies}
    chunks = {}
    for policy in policies.values():
        policy.warm_up()
    for _ in range(runs):
        for name, policy in policies.items():
            start = time.perf_counter()
            chunks[name] = policy.predict(inputs, valid)[TARGETS]
            taken_ms[name].append(1e3 * (time.perf_counter() - start))
    first = next(iter(policies))
    p50 = {name: statistics.median(times) for name, times in taken_ms.items()}
    best = {name: min(times) for name, times in taken_ms.items()}
    return {
        name: {
            'p50_ms': p50[name],
            'ratio': p50[name] / p50[first],
            'best_ms': best[name],
            'best_ratio': best[name] / best[first],
            'difference': float(np.abs(chunks[name] - chunks[first]).max()),
        }
        for name in policies
    }


if __name__ == '__main__':
    main()
