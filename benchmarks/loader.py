"""Measure random batches of a dataset, compared with LeRobot's loader.

    python benchmarks/loader.py

The dataset is made first: two robots by turns, two cameras at 224, pictures that move.
A batch is 64 rows from anywhere: images, joints, and chunks of 50 steps. Everything runs in a
process of its own, in turns; a ratio is that of one turn, and the median over the rounds counts.
On a machine that has other work, a ratio of seconds favours who has more processes: then that of
processor seconds, beside LeRobot without workers, says more.
Where NEURACORE_ROS_LEROBOT_PYTHON names an interpreter with lerobot, its own DataLoader reads the
same dataset with 0, 1 and 2 workers, and its best counts. Its decoder is torchcodec where that
finds FFmpeg (LD_LIBRARY_PATH), else pyav.

Wait is the part of a training step for which the trainer waits for its batch.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

SIZE, SMALL = 224, 64
RATE_HZ = 20.0
EPISODE_STEPS = 150
BATCH, CHUNK = 64, 50
WORKERS = (0, 1, 2)
JOINTS = {
    'panda': {index: f'panda_joint{index + 1}' for index in range(7)},
    'ur5': dict(enumerate(('pan', 'lift', 'elbow', 'wrist_1', 'wrist_2'))) | {6: 'wrist_3'},
}
CAMERAS = {0: 'wrist', 1: 'overhead'}
# What the trainer is asked for: kind of policy, dataset, rows of a step, steps.
TRAININGS = {
    'mlp at 64 px': ('mlp', SMALL, 64, 60),
    'act at 224 px': ('act', SIZE, 8, 12),
}


def make_dataset(path: Path, steps: int, size: int) -> Path:
    """Write a dataset, unless it is there."""
    from neuracore_ros.dataset.metadata import Episode, Metadata
    from neuracore_ros.dataset.row import Row
    from neuracore_ros.dataset.staging import EpisodeWriter
    from neuracore_ros.dataset.writer import open_dataset
    from neuracore_ros.description import DataType, Descriptions, embodiment

    joints, targets = DataType.JOINT_POSITIONS, DataType.JOINT_TARGET_POSITIONS
    images = DataType.RGB_IMAGES
    described = Descriptions(
        {
            robot: embodiment({joints.value: slots, images.value: CAMERAS})
            for robot, slots in JOINTS.items()
        },
        {robot: embodiment({targets.value: slots}) for robot, slots in JOINTS.items()},
    )
    if path.exists():
        return path
    partial = path.with_name(f'partial-{path.name}')
    shutil.rmtree(partial, ignore_errors=True)
    random = np.random.default_rng(0)
    with open_dataset(partial, Metadata(RATE_HZ, (size, size), described)) as writer:
        for number in range(max(2, steps // EPISODE_STEPS)):
            robot = tuple(JOINTS)[number % 2]
            has = np.isin(np.arange(7), list(JOINTS[robot]))
            angles, speeds = random.uniform(-1, 1, 7), random.normal(0, 0.1, 7)
            pictures = [scene(random, size) for _ in CAMERAS]
            folder = writer.staging / 'episode'
            written = EpisodeWriter(folder, writer.metadata, 'push the block')
            for step in range(EPISODE_STEPS):
                after = angles + speeds
                row = {
                    joints: np.where(has, angles, 0).astype(np.float32),
                    images: np.stack([picture(step) for picture in pictures]),
                }
                asked = {targets: np.where(has, after, 0).astype(np.float32)}
                valid = {joints: has, images: np.ones(len(CAMERAS), bool)}
                written.add(Row(0, step, row, valid, asked, {targets: has}, {}))
                angles, speeds = after, 0.9 * speeds + random.normal(0, 0.03, 7)
            writer.commit(written.finish(), Episode(robot, f'bag_{number}', 0, EPISODE_STEPS))
    partial.rename(path)
    return path


def scene(random: np.random.Generator, size: int) -> Callable[[int], Any]:
    """A soft background, a block that moves, and the noise of a sensor."""
    import cv2

    coarse = random.integers(40, 200, (9, 9, 3)).astype(np.uint8)
    wall = cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC).astype(np.int16)
    noise = random.integers(-3, 4, (7, size, size, 1), dtype=np.int16)
    phases, block = random.uniform(0, 6, 2), size // 6

    def picture(step: int) -> Any:
        image = (wall + noise[step % len(noise)]).clip(0, 255).astype(np.uint8)
        top, left = ((0.5 + 0.45 * np.sin(step / 15 + phases)) * (size - block)).astype(int)
        image[top : top + block, left : left + block] = (210, 60, 40)
        return image

    return picture


def ours(dataset: Path, cache: Path | None, batches: int, is_cold: bool) -> dict[str, float]:
    """Samples per second: of rows from anywhere, and of robots that are drawn alike."""
    from neuracore_ros.loading.batches import Batches, Prefetch
    from neuracore_ros.training.sampling import draw, rows_by_robot

    start = time.perf_counter()
    data = Batches(dataset, cache)
    opened = time.perf_counter() - start
    rows = data.episodes[-1].stop
    robots = list(rows_by_robot(data.episodes).values())
    if is_cold and cache is not None:
        forget(cache)

    def anywhere(step: int) -> Any:
        random = np.random.default_rng(step)
        return data.take(random.integers(rows, size=BATCH), 1, CHUNK)

    def balanced(step: int) -> Any:
        return data.take(draw(robots, BATCH, np.random.default_rng(step)), 1, CHUNK)

    found = {'open_s': opened}
    for name, make in {'samples_per_s': anywhere, 'balanced_per_s': balanced}.items():
        if is_cold and name != 'samples_per_s':
            continue  # It would read what the first one has warmed.
        with Prefetch(make) as ahead:
            if not is_cold:
                next(ahead)
            start, used = time.perf_counter(), time.process_time()
            for _ in range(batches):
                batch = next(ahead)
            found[name] = batches * BATCH / (time.perf_counter() - start)
            found.setdefault('per_cpu_s', batches * BATCH / (time.process_time() - used))
        assert len(batch.robot) == BATCH
    return found | {'peak_mb': peak_mb()}


def forget(folder: Path) -> None:
    """Have the system drop a folder's files from its memory."""
    for path in folder.iterdir():
        with path.open('rb') as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def decode_once(dataset: Path, cache: Path) -> dict[str, float]:
    """Measure the first run on a dataset, which decodes the videos."""
    from neuracore_ros.loading.batches import Batches

    shutil.rmtree(cache, ignore_errors=True)
    start = time.perf_counter()
    data = Batches(dataset, cache)
    seconds = time.perf_counter() - start
    images = data.episodes[-1].stop * len(CAMERAS)
    stored = sum(path.stat().st_size for path in cache.iterdir())
    return {
        'seconds': seconds,
        'images_per_s': images / seconds,
        'stored_mb': stored / 1e6,
        'dataset_mb': sum(path.stat().st_size for path in dataset.rglob('*.mp4')) / 1e6,
        'peak_mb': peak_mb(),
    }


def wait(dataset: Path, cache: Path, policy: str, batch: int, steps: int) -> dict[str, float]:
    """Measure the share of time that the real trainer waits for batches."""
    from neuracore_ros.loading.batches import Prefetch
    from neuracore_ros.training import loop
    from neuracore_ros.training.config import Config
    from neuracore_ros.training.run import Run

    os.environ['NEURACORE_ROS_CACHE'] = str(cache)
    times: list[tuple[float, float]] = []

    class Timed(Prefetch[Any]):
        """Notes when a batch was asked for, and when it came."""

        def __next__(self) -> Any:
            asked = time.perf_counter()
            made = super().__next__()
            times.append((asked, time.perf_counter()))
            return made

    loop.Prefetch = Timed  # type: ignore[misc]
    with tempfile.TemporaryDirectory() as folder:
        config = Config(
            dataset=str(dataset), policy=policy, batch=batch, steps=steps, horizon=CHUNK, threads=1
        )
        loop.train(config, Run(Path(folder)), lambda _: None)
    # The first batch has nobody to make it while something is learnt.
    warm = times[1:]
    waited = sum(came - asked for asked, came in warm[:-1])
    whole = warm[-1][0] - warm[0][0]
    return {'wait_percent': 100 * waited / whole, 'steps_per_s': (len(warm) - 1) / whole}


LEROBOT = """
import json, sys, time
import torch
from lerobot.datasets.lerobot_dataset import LeRobotDataset

root, batch, chunk, workers, batches = sys.argv[1], *map(int, sys.argv[2:])
fps = LeRobotDataset('local/benchmark', root=root).meta.fps
ahead = {'action': [k / fps for k in range(chunk)]}
dataset = LeRobotDataset('local/benchmark', root=root, delta_timestamps=ahead)
loader = torch.utils.data.DataLoader(dataset, batch_size=batch, shuffle=True, num_workers=workers)
items = iter(loader)
next(items)
start, used = time.perf_counter(), time.process_time()
for _ in range(batches):
    item = next(items)
seconds, used = time.perf_counter() - start, time.process_time() - used
assert item['action'].shape[:2] == (batch, chunk)
is_torchcodec = dataset._video_backend == 'torchcodec'
found = {'samples_per_s': batches * batch / seconds, 'torchcodec': is_torchcodec}
if not workers:
    found['per_cpu_s'] = batches * batch / used
print(json.dumps(found))
"""


def lerobot(dataset: Path, interpreter: str, workers: int, batches: int) -> dict[str, float]:
    """LeRobot's own dataset in torch's loader."""
    numbers = map(str, (BATCH, CHUNK, workers, batches))
    with tempfile.TemporaryDirectory() as home:
        run = subprocess.run(
            [interpreter, '-c', LEROBOT, str(dataset), *numbers],
            env={**os.environ, 'HF_HUB_OFFLINE': '1', 'HF_HOME': home},
            capture_output=True,
            text=True,
            check=False,
        )
    if run.returncode:
        raise SystemExit(f'lerobot failed:\n{run.stderr}')
    measured: dict[str, float] = json.loads(run.stdout.splitlines()[-1])
    return measured


def alone(what: str, *words: object) -> dict[str, float]:
    """Measure in a process of its own."""
    run = subprocess.run(
        [sys.executable, __file__, '--alone', what, *map(str, words)],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    measured: dict[str, float] = json.loads(run.stdout.splitlines()[-1])
    return measured


def measure(what: str, words: list[str]) -> dict[str, float]:
    """Run the measurement that :func:`alone` asks another process for."""
    dataset, cache = Path(words[0]), Path(words[1])
    if what == 'decode_once':
        return decode_once(dataset, cache)
    if what == 'wait':
        return wait(dataset, cache, words[2], int(words[3]), int(words[4]))
    stored = None if what == 'each_time' else cache
    return ours(dataset, stored, int(words[2]), is_cold=what == 'cold')


@contextmanager
def work_folder(named: Path | None) -> Iterator[Path]:
    """A folder that stays if it was named."""
    if named is not None:
        named.mkdir(parents=True, exist_ok=True)
        yield named
        return
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or '').partition('\n')[0])
    parser.add_argument('--work', type=Path, help='folder for what is written; else a new one')
    parser.add_argument('--steps', type=int, default=3000, help='of the dataset')
    parser.add_argument('--batches', type=int, default=100, help='of each measurement of ours')
    parser.add_argument('--lerobot-batches', type=int, default=6)
    parser.add_argument('--rounds', type=int, default=3)
    parser.add_argument('--loaders-only', action='store_true', help='train nothing')
    parser.add_argument('--json', action='store_true')
    parser.add_argument('--alone', help=argparse.SUPPRESS)
    parser.add_argument('words', nargs='*', help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.alone:
        print(json.dumps(measure(arguments.alone, arguments.words)))
        return
    figures: dict[str, dict[str, float]] = {}
    with work_folder(arguments.work) as work:
        for name, figure in benchmark(work, arguments):
            figures[name] = figure
            words = '  '.join(f'{key} {value:9.2f}' for key, value in figure.items())
            print(
                f'{name:32}{words}', file=sys.stderr if arguments.json else sys.stdout, flush=True
            )
    if arguments.json:
        print(json.dumps(figures, indent=1))
    if 'ratio' not in figures:
        print('lerobot is not there: name its interpreter by NEURACORE_ROS_LEROBOT_PYTHON')


def benchmark(work: Path, arguments: argparse.Namespace) -> Iterator[tuple[str, dict[str, float]]]:
    """Names and figures, as they come."""
    dataset = make_dataset(work / 'loader', arguments.steps, SIZE)
    small = make_dataset(work / 'small', arguments.steps, SMALL)
    cache, batches = work / 'cache', arguments.batches
    interpreter = os.environ.get('NEURACORE_ROS_LEROBOT_PYTHON')
    yield 'decode once', alone('decode_once', dataset, cache)
    warm: list[dict[str, float]] = []
    theirs: dict[int, list[dict[str, float]]] = {workers: [] for workers in WORKERS}
    ratios, cpu_ratios = [], []
    for _ in range(arguments.rounds):
        warm.append(alone('warm', dataset, cache, batches))
        if interpreter is None:
            continue
        for workers, rates in theirs.items():
            rates.append(lerobot(dataset, interpreter, workers, arguments.lerobot_batches))
        best = max(rates[-1]['samples_per_s'] for rates in theirs.values())
        ratios.append(warm[-1]['samples_per_s'] / best)
        cpu_ratios.append(warm[-1]['per_cpu_s'] / theirs[0][-1]['per_cpu_s'])
    yield 'ours, stored', medians(warm)
    for workers, rates in theirs.items():
        if rates:
            yield f'lerobot, {workers} workers', medians(rates)
    for name, found in {'ratio': ratios, 'ratio of processor seconds': cpu_ratios}.items():
        if found:
            middle = statistics.median(found)
            yield name, {'median': middle, 'least': min(found), 'most': max(found)}
    yield 'ours, stored, disk cold', alone('cold', dataset, cache, batches)
    yield 'ours, decoded each time', alone('each_time', dataset, cache, max(1, batches // 10))
    if arguments.loaders_only:
        return
    for name, (policy, size, batch, steps) in TRAININGS.items():
        data = dataset if size == SIZE else small
        yield f'train {name}', alone('wait', data, cache, policy, batch, steps)


def medians(found: list[dict[str, float]]) -> dict[str, float]:
    """Take the median of each figure."""
    return {key: statistics.median(each[key] for each in found) for key in found[0]}


def peak_mb() -> float:
    """Largest resident memory of this program alone; getrusage would count its parent's, too."""
    status = Path('/proc/self/status').read_text()
    return int(status.partition('VmHWM:')[2].split()[0]) / 1024


if __name__ == '__main__':
    main()
