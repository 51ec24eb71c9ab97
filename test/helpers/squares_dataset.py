"""A small dataset of two unlike robots, written by the real writer."""

from pathlib import Path

import numpy as np

from neuracore_ros.dataset.metadata import Episode, Metadata
from neuracore_ros.dataset.row import Row
from neuracore_ros.dataset.staging import EpisodeWriter
from neuracore_ros.dataset.writer import open_dataset
from neuracore_ros.description import DataType, Descriptions, embodiment

JOINTS = DataType.JOINT_POSITIONS
TARGETS = DataType.JOINT_TARGET_POSITIONS
IMAGES = DataType.RGB_IMAGES

# Both look from above (camera 1); only the long arm has a hand camera, and joint 1.
ROBOTS = {
    'long': {'joints': {0: 'base', 1: 'elbow', 2: 'wrist'}, 'cameras': {0: 'hand', 1: 'top'}},
    'short': {'joints': {0: 'pan', 2: 'roll'}, 'cameras': {1: 'over'}},
}
SIZE = 32
SLOTS = 3
STEPS = 16


def described() -> Descriptions:
    inputs = {
        name: embodiment({'JOINT_POSITIONS': robot['joints'], 'RGB_IMAGES': robot['cameras']})
        for name, robot in ROBOTS.items()
    }
    outputs = {
        name: embodiment({'JOINT_TARGET_POSITIONS': robot['joints']})
        for name, robot in ROBOTS.items()
    }
    return Descriptions(inputs, outputs)


def rows(robot: str, rng: np.random.Generator):
    """Joints that go a third of the way, each step, to where a bright square is."""
    joints = np.zeros(SLOTS, np.float32)
    has_joint = np.isin(np.arange(SLOTS), list(ROBOTS[robot]['joints']))
    has_camera = np.isin(np.arange(2), list(ROBOTS[robot]['cameras']))
    joints[has_joint] = rng.uniform(-1, 1, has_joint.sum())
    row, column = rng.integers(2, SIZE - 8, 2)
    places = np.resize([row / SIZE, column / SIZE, -row / SIZE], SLOTS)
    goal = np.where(has_joint, places, 0)
    images = np.zeros((2, SIZE, SIZE, 3), np.uint8)
    images[has_camera, row : row + 6, column : column + 6] = 255
    for step in range(STEPS):
        target = (joints + (goal - joints) / 3).astype(np.float32)
        yield Row(
            piece=0,
            tick_ns=step,
            inputs={JOINTS: joints, IMAGES: images},
            input_valid={JOINTS: has_joint, IMAGES: has_camera},
            outputs={TARGETS: target},
            output_valid={TARGETS: has_joint},
            dropped={},
        )
        joints = target


def write(path: Path, episodes: dict[str, int]) -> Path:
    rng = np.random.default_rng(0)
    with open_dataset(path, Metadata(8.0, (SIZE, SIZE), described())) as writer:
        for robot, count in episodes.items():
            for _ in range(count):
                written = EpisodeWriter(
                    writer.staging / 'episode', writer.metadata, 'go to the square'
                )
                for row in rows(robot, rng):
                    written.add(row)
                writer.commit(written.finish(), Episode(robot, 'bag', 0, STEPS))
    return path
