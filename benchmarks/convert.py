"""Measure the cost of `convert`, compared with a loop that only reads.

    python benchmarks/convert.py --work DIR

The recording has two 640 x 480 rgb8 cameras at 30 Hz, joints at 100 Hz and commands at 50 Hz, in
MCAP: 1.1 GB for 20 s. The floor is a bare loop of rosbags that reads and deserialises the same
messages, and does nothing with them. Everything runs in a process of its own, in turns, from a
warm disk cache; a ratio is the median over the rounds, and its seconds leave the imports out.
Where NEURACORE_ROS_LEROBOT_PYTHON names an interpreter, LeRobot's own writer stores as many steps.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

SECOND_NS = 1_000_000_000
START_NS = 1_700_000_000 * SECOND_NS
JOINTS = [f'joint_{index}' for index in range(1, 7)]
CAMERAS = ['/left/image_raw', '/right/image_raw']
RATES_HZ = {'/joint_states': 100, '/arm/joint_trajectory': 50, **dict.fromkeys(CAMERAS, 30)}
SECONDS = 20
LONG = 10
SMALL_BAGS = 100
SMALL_SECONDS = 0.5
STEPS_HZ = 30
SIZE = 224

ROBOT = f"""
robot: arm
limits: {{{', '.join(f'{name}: {{position: none, velocity: 3.0}}' for name in JOINTS)}}}
input:
  JOINT_POSITIONS: [{', '.join(JOINTS)}]
  RGB_IMAGES: [left, right]
output:
  JOINT_TARGET_POSITIONS: [{', '.join(JOINTS)}]
sources:
  JOINT_POSITIONS: {{topic: /joint_states}}
  RGB_IMAGES: {{left: {{topic: {CAMERAS[0]}}}, right: {{topic: {CAMERAS[1]}}}}}
  JOINT_TARGET_POSITIONS: {{topic: /arm/joint_trajectory}}
commands: {{JOINT_TARGET_POSITIONS: {{topic: /arm/joint_trajectory}}}}
"""


def pictures() -> list[np.ndarray[Any, Any]]:
    """One second of a scene: a textured wall, a thing that moves, and the noise of a sensor."""
    random = np.random.default_rng(0)
    coarse = random.integers(40, 200, (12, 16, 3))
    wall = np.kron(coarse, np.ones((40, 40, 1))) + random.normal(0, 8, (480, 640, 1))
    scene = []
    for k in range(30):
        image = wall.copy()
        left = 20 + 16 * k
        image[160:320, left : left + 120] = (210, 60, 40)
        image += random.normal(0, 2, image.shape)
        scene.append(image.clip(0, 255).astype(np.uint8).reshape(-1))
    return scene


def make_bag(path: Path, seconds: float, offset_s: float = 0.0) -> Path:
    """Write a recording, unless it is there."""
    if path.exists():
        return path
    from rosbags.rosbag2 import StoragePlugin, Writer
    from rosbags.typesys import Stores, get_typestore

    types = get_typestore(Stores.ROS2_JAZZY)
    scene = pictures()
    partial = path.with_name(f'partial-{path.name}') / path.name
    shutil.rmtree(partial.parent, ignore_errors=True)
    partial.parent.mkdir(parents=True)
    with Writer(partial, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        connections = {}
        for stamp_ns, topic, count in sorted(_schedule(seconds, offset_s)):
            message = _message(types.types, topic, count, stamp_ns, scene)
            kind = message.__msgtype__
            if topic not in connections:
                connections[topic] = writer.add_connection(topic, kind, typestore=types)
            writer.write(connections[topic], stamp_ns, types.serialize_cdr(message, kind))
    partial.rename(path)
    partial.parent.rmdir()
    return path


def _schedule(seconds: float, offset_s: float) -> Iterator[tuple[int, str, int]]:
    for topic, rate_hz in RATES_HZ.items():
        for count in range(round(seconds * rate_hz)):
            yield START_NS + round((offset_s + count / rate_hz) * SECOND_NS), topic, count


def _message(types: Any, topic: str, count: int, stamp_ns: int, scene: Any) -> Any:
    stamp = types['builtin_interfaces/msg/Time'](*divmod(stamp_ns, SECOND_NS))
    header = types['std_msgs/msg/Header'](stamp, '')
    if topic in CAMERAS:
        data = scene[(count + 7 * CAMERAS.index(topic)) % len(scene)]
        return types['sensor_msgs/msg/Image'](header, 480, 640, 'rgb8', 0, 1920, data)
    values = np.sin(count / RATES_HZ[topic] + np.arange(len(JOINTS)))
    none = np.zeros(0)
    if topic == '/joint_states':
        return types['sensor_msgs/msg/JointState'](header, JOINTS, values, values, none)
    ahead = types['builtin_interfaces/msg/Duration'](0, SECOND_NS // 10)
    point = types['trajectory_msgs/msg/JointTrajectoryPoint'](values, none, none, none, ahead)
    return types['trajectory_msgs/msg/JointTrajectory'](header, JOINTS, [point])


def read(bags: list[Path], _: Path, __: int) -> float:
    """The floor: read and deserialise; nothing else."""
    from rosbags.rosbag2 import Reader
    from rosbags.typesys import Stores, get_typestore

    types = get_typestore(Stores.ROS2_JAZZY)
    start = time.perf_counter()
    for bag in bags:
        with Reader(bag) as reader:
            wanted = [c for c in reader.connections if c.topic in RATES_HZ]
            for connection, _, data in reader.messages(connections=wanted):
                types.deserialize_cdr(data, connection.msgtype)
    return time.perf_counter() - start


def convert(bags: list[Path], work: Path, workers: int) -> float:
    """Everything: read, resample, resize, encode, write."""
    from neuracore_ros.convert.convert import convert as convert_bags
    from neuracore_ros.convert.job import ConvertSettings
    from neuracore_ros.description import load_descriptions

    robot = work / 'arm.yaml'
    robot.write_text(ROBOT)
    dataset = Path(tempfile.mkdtemp(dir=work)) / 'dataset'
    options = {'workers': workers} if workers > 1 else {}
    settings = ConvertSettings(rate_hz=STEPS_HZ, image_size=(SIZE, SIZE), **options)
    start = time.perf_counter()
    result = convert_bags(dataset, load_descriptions([robot]), 'arm', bags, settings)
    seconds = time.perf_counter() - start
    assert not result.failed, result.to_json()
    shutil.rmtree(dataset.parent)
    return seconds


LEROBOT = f"""
import sys, time
import numpy as np
from lerobot.datasets.lerobot_dataset import LeRobotDataset

names = ['height', 'width', 'channels']
image = {{'dtype': 'video', 'shape': ({SIZE}, {SIZE}, 3), 'names': names}}
joints = {{'dtype': 'float32', 'shape': (6,), 'names': None}}
features = {{'observation.images.left': image, 'observation.images.right': image,
            'observation.state': joints, 'action': joints}}
scene = np.load(sys.argv[1])
start = time.perf_counter()
dataset = LeRobotDataset.create('local/benchmark', {STEPS_HZ}, features, root=sys.argv[2])
for k in range(int(sys.argv[3])):
    vector = np.full(6, k, np.float32)
    dataset.add_frame({{'observation.images.left': scene[k % 30],
                       'observation.images.right': scene[(k + 7) % 30],
                       'observation.state': vector, 'action': vector, 'task': 'move'}})
dataset.save_episode()
getattr(dataset, 'finalize', lambda: None)()
print(time.perf_counter() - start)
"""


def lerobot(work: Path, interpreter: str) -> dict[str, float]:
    """LeRobot's writer on frames that are resized already, seconds."""
    import cv2

    images = [cv2.resize(flat.reshape(480, 640, 3), (SIZE, SIZE)) for flat in pictures()]
    folder = Path(tempfile.mkdtemp(dir=work))
    np.save(folder / 'scene.npy', np.stack(images))
    arguments = [str(folder / 'scene.npy'), str(folder / 'dataset'), str(SECONDS * STEPS_HZ)]
    run = subprocess.run(
        [interpreter, '-c', LEROBOT, *arguments], capture_output=True, text=True, check=False
    )
    shutil.rmtree(folder)
    if run.returncode:
        return {'failed': 1.0}
    return {'seconds': float(run.stdout.split()[-1])}


def alone(what: str, bags: list[Path], work: Path, workers: int = 1) -> dict[str, float]:
    """Measure in a process of its own: seconds, and the largest resident memory [MB]."""
    command = [sys.executable, __file__, '--work', str(work), '--workers', str(workers)]
    run = subprocess.run(
        [*command, '--alone', what, *map(str, bags)], check=True, stdout=subprocess.PIPE, text=True
    )
    measured: dict[str, float] = json.loads(run.stdout.splitlines()[-1])
    return measured


def in_turns(rounds: int, turns: dict[str, tuple[Any, ...]]) -> dict[str, dict[str, float]]:
    """Medians of each, and of its ratio to the first one of the same round."""
    found: dict[str, list[dict[str, float]]] = {name: [] for name in turns}
    for _ in range(rounds):
        for name, arguments in turns.items():
            found[name].append(alone(*arguments))
    first = next(iter(found.values()))
    medians = {}
    for name, measured in found.items():
        ratios = [m['seconds'] / f['seconds'] for m, f in zip(measured, first, strict=True)]
        medians[name] = {
            'seconds': statistics.median(m['seconds'] for m in measured),
            'cpu_seconds': statistics.median(m['cpu_seconds'] for m in measured),
            'peak_mb': max(m['peak_mb'] for m in measured),
            'ratio': statistics.median(ratios),
            'ratio_least': min(ratios),
            'ratio_most': max(ratios),
        }
    return medians


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or '').partition('\n')[0])
    parser.add_argument('--work', type=Path, required=True, help='folder for what is written')
    parser.add_argument('--rounds', type=int, default=5)
    parser.add_argument('--long', action='store_true', help='also a bag ten times as long')
    parser.add_argument(
        '--small', action='store_true', help='also many small bags, 1 and 2 workers'
    )
    parser.add_argument('--json', action='store_true')
    parser.add_argument('--workers', type=int, default=1, help=argparse.SUPPRESS)
    parser.add_argument('--alone', choices=['read', 'convert'], help=argparse.SUPPRESS)
    parser.add_argument('bags', type=Path, nargs='*', help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    work = arguments.work
    if arguments.alone:
        seconds = globals()[arguments.alone](arguments.bags, work, arguments.workers)
        figures = {'seconds': seconds, 'cpu_seconds': cpu_s(), 'peak_mb': peak_mb()}
        print(json.dumps(figures))
        return
    work.mkdir(parents=True, exist_ok=True)
    bag = [make_bag(work / 'recording', SECONDS)]
    figures = in_turns(
        arguments.rounds,
        {'bare read loop': ('read', bag, work), 'convert': ('convert', bag, work)},
    )
    if arguments.long:
        long = [make_bag(work / 'long', SECONDS * LONG)]
        turns = {'bare loop, long': ('read', long, work), 'convert, long': ('convert', long, work)}
        figures |= in_turns(1, turns)
    if arguments.small:
        small = [
            make_bag(work / 'small' / f'bag_{k:03d}', SMALL_SECONDS, 10.0 * k)
            for k in range(SMALL_BAGS)
        ]
        name = f'{SMALL_BAGS} bags of {SMALL_SECONDS:g} s'
        turns = {
            f'{name}, {workers} workers': ('convert', small, work, workers) for workers in (1, 2)
        }
        figures |= in_turns(arguments.rounds, turns)
    if interpreter := os.environ.get('NEURACORE_ROS_LEROBOT_PYTHON'):
        figures['LeRobot writes as many steps'] = lerobot(work, interpreter)
    if arguments.json:
        print(json.dumps(figures, indent=1))
        return
    for name, figure in figures.items():
        print(f'{name:32}' + '  '.join(f'{key} {value:8.2f}' for key, value in figure.items()))


def cpu_s() -> float:
    """Processor time of this program and its children, imports included [s]."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def peak_mb() -> float:
    """Largest resident memory of this program alone; getrusage would count its parent's, too."""
    status = Path('/proc/self/status').read_text()
    return int(status.partition('VmHWM:')[2].split()[0]) / 1024


if __name__ == '__main__':
    main()
