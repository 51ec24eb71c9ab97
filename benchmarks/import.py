"""Measure what a step of a LeRobot dataset costs `convert`, from the first episode to the last.

    python benchmarks/import.py --work DIR [--episodes 1000]

Two datasets with half of the episodes each, of 30 frames of two cameras at 96 x 96 in AV1, as
LeRobot writes them, become one: once with their frames copied, once with frames that are encoded
again, for which half the rate is asked, so that a step is every other frame. Where
NEURACORE_ROS_LEROBOT_PYTHON names an interpreter with lerobot, its own `aggregate_datasets` makes
one dataset of both; it joins whole files, and looks at no row and no frame. Everything runs in a
process of its own, on two processors, in turns. The memory is that of the process and its workers
together, the most in each quarter of the episodes; the time of a quarter is what its episodes
took. On two shared processors, a step with copied frames took 2.2 ms of processor time, one with
encoded frames 2.7 times as much, LeRobot's 0.02 times; the memory of the last quarter was 1.14
times that of the first. docs/lerobot_datasets.md has the figures.
"""

import argparse
import itertools
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / 'test'))

FRAMES, FPS, SIZE = 30, 30, 96
SCENES = 8
WORKERS = 2
QUARTERS = 4
JOINTS = [f'joint_{index}' for index in range(1, 7)]
SAMPLED_EVERY_S = 0.05

ROBOT = f"""
robot: arm
limits: {{{', '.join(f'{name}: {{position: none, velocity: 100.0}}' for name in JOINTS)}}}
input:
  JOINT_POSITIONS: [{', '.join(JOINTS)}]
  RGB_IMAGES: [front, wrist]
output:
  JOINT_TARGET_POSITIONS: [{', '.join(JOINTS)}]
sources:
  JOINT_POSITIONS: {{topic: observation.state}}
  RGB_IMAGES:
    front: {{topic: observation.images.front}}
    wrist: {{topic: observation.images.wrist}}
  JOINT_TARGET_POSITIONS: {{topic: action}}
commands: {{JOINT_TARGET_POSITIONS: {{topic: /arm/joint_trajectory}}}}
"""


def make_datasets(work: Path, episodes: int) -> list[Path]:
    """Write both sources, unless they are there."""
    import numpy as np

    from helpers.lerobot_datasets import write_lerobot

    def numbers(shift: int, half: int) -> Any:
        def row(episode: int, k: int) -> Any:
            phase = 7 * episode + 13 * half
            return np.sin((k + shift) / 15 + phase + np.arange(6)).astype(np.float32)

        return row

    made = []
    for half in (0, 1):
        folder = work / f'source_{episodes}_{half}'
        if not folder.exists():
            partial = folder.with_name(f'partial_{folder.name}')
            shutil.rmtree(partial, ignore_errors=True)
            write_lerobot(
                partial,
                lengths=[FRAMES] * (episodes // 2),
                fps=FPS,
                joints=JOINTS,
                numbers=(numbers(0, half), numbers(1, half)),
                size=(SIZE, SIZE),
                codec='libsvtav1',
                scenes=SCENES,
            )
            partial.rename(folder)
        made.append(folder)
    return made


def convert(work: Path, sources: list[Path], rate_hz: int) -> dict[str, Any]:
    """Convert both, in this process and its workers."""
    from neuracore_ros.bags.expansion import expanded
    from neuracore_ros.convert.convert import convert as convert_bags
    from neuracore_ros.convert.job import ConvertSettings
    from neuracore_ros.description import load_descriptions

    robot = work / 'arm.yaml'
    robot.write_text(ROBOT)
    dataset = work / f'imported_{rate_hz}'
    shutil.rmtree(dataset, ignore_errors=True)
    settings = ConvertSettings(rate_hz=rate_hz, image_size=(SIZE, SIZE), workers=WORKERS)
    bags = expanded(sources)
    watch = Watch()
    result = convert_bags(
        dataset,
        load_descriptions([robot]),
        'arm',
        bags,
        settings,
        reported=lambda _: watch.done(),
    )
    figures = watch.end()
    assert not result.failed, result.to_json()
    figures['steps'] = sum(each.steps for each in result.bags)
    shutil.rmtree(dataset)
    return figures


class Watch:
    """Watches the time and the memory of this process and its children, episode by episode."""

    def __init__(self) -> None:
        self._start_s = time.perf_counter()
        self._done_s: list[float] = []
        self._memory: list[tuple[int, float]] = []
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def done(self) -> None:
        """Note that one more episode is in the dataset."""
        self._done_s.append(time.perf_counter())

    def end(self) -> dict[str, Any]:
        """What was seen: seconds of all and of each quarter, and its largest memory [MB]."""
        seconds = time.perf_counter() - self._start_s
        self._is_over.set()
        self._thread.join()
        count = len(self._done_s)
        ends = [count * quarter // QUARTERS for quarter in range(QUARTERS + 1)]
        # The first episode waits for the workers to start.
        times_s = [self._done_s[0], *self._done_s]
        return {
            'seconds': seconds,
            'cpu_seconds': cpu_s(),
            'quarter_seconds': [
                times_s[end] - times_s[begin] for begin, end in itertools.pairwise(ends)
            ],
            'quarter_mb': [
                max((mb for done, mb in self._memory if begin <= done < end), default=0.0)
                for begin, end in itertools.pairwise(ends)
            ],
        }

    def _run(self) -> None:
        while not self._is_over.wait(SAMPLED_EVERY_S):
            self._memory.append((len(self._done_s), resident_mb()))


def resident_mb() -> float:
    """Memory of this process and its children that no other process has, too."""
    children = Path(f'/proc/self/task/{os.getpid()}/children').read_text().split()
    return sum(_private_mb(process) for process in ['self', *children])


def _private_mb(process: str) -> float:
    try:
        status = Path(f'/proc/{process}/status').read_text()
        return int(status.partition('RssAnon:')[2].split()[0]) / 1024
    except (OSError, IndexError):  # it has just ended
        return 0.0


def cpu_s() -> float:
    """Processor time of this process and of its children that have ended [s]."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


LEROBOT = """
import json, os, sys, time
from pathlib import Path
from lerobot.datasets.aggregate import aggregate_datasets
from lerobot.datasets.lerobot_dataset import LeRobotDatasetMetadata

*sources, target = map(Path, sys.argv[1:])
names = [f'local/source_{k}' for k in range(len(sources))]
before = os.times()
start = time.perf_counter()
aggregate_datasets(names, 'local/target', roots=sources, aggr_root=target)
seconds = time.perf_counter() - start
used = [end - begin for begin, end in zip(before[:4], os.times()[:4])]
steps = LeRobotDatasetMetadata('local/target', root=target).total_frames
print(json.dumps({'seconds': seconds, 'cpu_seconds': sum(used), 'steps': steps}))
"""


def lerobot(work: Path, sources: list[Path], interpreter: str) -> dict[str, Any]:
    """LeRobot's own aggregation of both."""
    target = work / 'aggregated'
    shutil.rmtree(target, ignore_errors=True)
    run = subprocess.run(
        [interpreter, '-P', '-c', LEROBOT, *map(str, [*sources, target])],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=True,
        env={**os.environ, 'HF_HUB_OFFLINE': '1'},
    )
    shutil.rmtree(target)
    found: dict[str, Any] = json.loads(run.stdout.splitlines()[-1])
    return found


def alone(work: Path, episodes: int, rate_hz: int) -> dict[str, Any]:
    """Convert in a process of its own."""
    words = ['--work', work, '--episodes', episodes, '--alone', rate_hz]
    run = subprocess.run(
        [sys.executable, __file__, *map(str, words)],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(run.stdout.splitlines()[-1])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or '').partition('\n')[0])
    parser.add_argument('--work', type=Path, required=True, help='folder for what is written')
    parser.add_argument('--episodes', type=int, default=1000)
    parser.add_argument('--json', action='store_true')
    parser.add_argument('--alone', type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    work, episodes = arguments.work, arguments.episodes
    work.mkdir(parents=True, exist_ok=True)
    sources = make_datasets(work, episodes)
    if arguments.alone:
        print(json.dumps(convert(work, sources, arguments.alone)))
        return
    found = {
        'frames copied': alone(work, episodes, FPS),
        'frames encoded again': alone(work, episodes, FPS // 2),
    }
    if interpreter := os.environ.get('NEURACORE_ROS_LEROBOT_PYTHON'):
        found['LeRobot aggregates'] = lerobot(work, sources, interpreter)
    first = found['frames copied']
    for each in found.values():
        each['ms_per_step'] = 1000 * each['seconds'] / each['steps']
        each['cpu_ms_per_step'] = 1000 * each['cpu_seconds'] / each['steps']
        each['ratio'] = each['ms_per_step'] / (1000 * first['seconds'] / first['steps'])
    if arguments.json:
        print(json.dumps(found, indent=1))
        return
    for name, each in found.items():
        numbers = '  '.join(
            f'{key} {each[key]:7.2f}' for key in ('ms_per_step', 'cpu_ms_per_step', 'ratio')
        )
        print(f'{name:22}{numbers}  ({each["steps"]} steps)')
        for key in ('quarter_seconds', 'quarter_mb'):
            if key in each:
                print(f'{"":22}{key}  ' + '  '.join(f'{value:7.1f}' for value in each[key]))


if __name__ == '__main__':
    main()
