"""Measure the page of `report`: its size, the time to build it, and the memory that takes.

    python benchmarks/pages.py [--episodes 50 1000] [--steps 200] [--data FOLDER]

Datasets of two robots of seven joints, a gripper and a camera are written first, or taken from the
folder; one episode in fifty has a spike. Each page is built in a process of its own. Only the
ratios mean anything, and sizes.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from neuracore_ros.dataset.metadata import Episode, Metadata
from neuracore_ros.dataset.row import Row
from neuracore_ros.dataset.staging import EpisodeWriter
from neuracore_ros.dataset.writer import open_dataset
from neuracore_ros.description import DataType, Descriptions, embodiment

JOINTS, TARGETS = DataType.JOINT_POSITIONS, DataType.JOINT_TARGET_POSITIONS
OPENING = DataType.PARALLEL_GRIPPER_OPEN_AMOUNTS
TOLD = DataType.PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS
CAMERA = DataType.RGB_IMAGES
RATE_HZ, SIDE = 20.0, 96
NAMES = {robot: {n: f'{robot}_joint_{n + 1}' for n in range(7)} for robot in ('franka', 'ur5')}
BUILD = """
import json, resource, sys, time
from pathlib import Path
from neuracore_ros.report.dataset_page import write_dataset_page
start = time.perf_counter()
write_dataset_page(Path(sys.argv[2]), Path(sys.argv[1]))
most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps([time.perf_counter() - start, most]))
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--episodes', type=int, nargs='+', default=[50, 1000])
    parser.add_argument('--steps', type=int, default=200)
    parser.add_argument('--data', type=Path, help='keeps the datasets for the next time')
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = arguments.data or Path(scratch)
        print(f'{"episodes":>8}{"seconds":>9}{"MB of memory":>14}{"MB of page":>12}{"traces":>8}')
        for count in arguments.episodes:
            dataset = folder / f'{count}x{arguments.steps}'
            if not dataset.exists():
                write(dataset, count, arguments.steps)
            page = Path(scratch) / f'{count}.html'
            words = [sys.executable, '-c', BUILD, str(dataset), str(page)]
            done = subprocess.run(words, stdout=subprocess.PIPE, check=True)
            seconds, memory = json.loads(done.stdout)
            shown = len(set(re.findall(r'id="data-episode-(\d+)"', page.read_text())))
            size = page.stat().st_size / 1e6
            print(f'{count:8}{seconds:9.1f}{memory:14.0f}{size:12.2f}{shown:8}', flush=True)


def write(dataset, count, steps):
    """Write a dataset whose robots swing about, each episode otherwise."""
    inputs = {'PARALLEL_GRIPPER_OPEN_AMOUNTS': {0: 'hand'}, 'RGB_IMAGES': {0: 'top'}}
    outputs = {'PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS': {0: 'hand'}}
    descriptions = Descriptions(
        {r: embodiment({'JOINT_POSITIONS': names, **inputs}) for r, names in NAMES.items()},
        {
            r: embodiment({'JOINT_TARGET_POSITIONS': names, **outputs})
            for r, names in NAMES.items()
        },
    )
    rng = np.random.default_rng(0)
    with open_dataset(dataset, Metadata(RATE_HZ, (SIDE, SIDE), descriptions)) as writer:
        for number in range(count):
            written = EpisodeWriter(writer.staging / 'episode', writer.metadata, 'swing')
            for row in rows(rng, steps, spike=number % 50 == 7):
                written.add(row)
            robot = list(NAMES)[number % 2]
            writer.commit(written.finish(), Episode(robot, f'bags/run_{number:04}', 0, steps))


def rows(rng, steps, spike):
    """Sine waves with noise, an opening that closes once, and a spot that follows two joints."""
    times = np.arange(steps + 1) / RATE_HZ
    phases, speeds = rng.uniform(0, 6, 7), rng.uniform(0.2, 1.0, 7)
    angles = 0.8 * np.sin(times[:, None] * speeds + phases) + rng.normal(0, 1e-3, (steps + 1, 7))
    opening = np.where(times > times[-1] * rng.uniform(0.3, 0.7), 0.0, 1.0)
    if spike:
        angles[steps // 2, 3] = 40.0
    every, one = np.ones(7, bool), np.ones(1, bool)
    for k in range(steps):
        image = np.full((1, SIDE, SIDE, 3), (40, 60, 80), np.uint8)
        x, y = (int(SIDE * (0.5 + 0.4 * np.clip(angles[k, n], -1, 1))) for n in (0, 1))
        image[0, max(y - 8, 0) : y + 8, max(x - 8, 0) : x + 8] = (230, 160, 40)
        yield Row(
            piece=0,
            tick_ns=k,
            inputs={
                JOINTS: angles[k].astype(np.float32),
                OPENING: opening[k : k + 1].astype(np.float32),
                CAMERA: image,
            },
            input_valid={JOINTS: every, OPENING: one, CAMERA: one},
            outputs={
                TARGETS: angles[k + 1].astype(np.float32),
                TOLD: opening[k + 1 : k + 2].astype(np.float32),
            },
            output_valid={TARGETS: every, TOLD: one},
            dropped={},
        )


if __name__ == '__main__':
    main()
