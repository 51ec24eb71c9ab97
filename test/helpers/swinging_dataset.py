"""A small dataset of arms whose joints have the values that a test gives, written by the real writer."""

from pathlib import Path

import numpy as np

from neuracore_ros.dataset.metadata import Episode, Metadata
from neuracore_ros.dataset.row import Row
from neuracore_ros.dataset.staging import EpisodeWriter
from neuracore_ros.dataset.writer import open_dataset
from neuracore_ros.description import DataType, Descriptions, embodiment

JOINTS, TARGETS = DataType.JOINT_POSITIONS, DataType.JOINT_TARGET_POSITIONS
IMAGES = DataType.RGB_IMAGES
RATE_HZ = 10.0
NAMES = {0: 'base', 1: 'elbow'}
SIDE = 32


def swing(steps=40, phase=0.0, spike=None):
    """Angles of both joints, (steps, 2); with a value of 30 rad of the second at one step."""
    times = np.arange(steps) / RATE_HZ
    angles = np.stack([np.sin(times + phase), 0.5 * np.cos(2 * times + phase)], axis=1)
    if spike is not None:
        angles[spike, 1] = 30.0
    return angles


def write(
    path: Path, episodes, has_camera=False, dropped=(), vocabulary=None, measured=(True, True)
) -> Path:
    """Episodes of (robot, angles (N, 2)); the camera's red grows with the step.

    A joint that is not measured is zero and not valid, as it would be if another tool wrote it.
    """
    robots = list(dict.fromkeys(robot for robot, _ in episodes))
    camera = {'RGB_IMAGES': {0: 'top'}} if has_camera else {}
    described = Descriptions(
        {robot: embodiment({'JOINT_POSITIONS': NAMES, **camera}) for robot in robots},
        {robot: embodiment({'JOINT_TARGET_POSITIONS': NAMES}) for robot in robots},
        vocabulary=vocabulary,
    )
    with open_dataset(path, Metadata(RATE_HZ, (SIDE, SIDE), described)) as writer:
        for number, (robot, angles) in enumerate(episodes):
            written = EpisodeWriter(writer.staging / 'episode', writer.metadata, 'swing')
            for row in _rows(np.asarray(angles, np.float32), has_camera, np.array(measured)):
                written.add(row)
            lost = {'RGB_IMAGES top: stale': dropped[number]} if number < len(dropped) else {}
            own = {reason: count for reason, count in lost.items() if count}
            episode = Episode(robot, f'bags/run_{number}', 0, len(angles), dropped=own)
            writer.commit(written.finish(), episode)
    return path


def _rows(angles, has_camera, measured):
    has = np.ones(2, bool)
    after = np.concatenate([angles[1:], angles[-1:]])
    for step, (now, then) in enumerate(zip(angles, after, strict=True)):
        image = np.full((1, SIDE, SIDE, 3), (min(6 * step, 240), 90, 60), np.uint8)
        yield Row(
            piece=0,
            tick_ns=step,
            inputs={JOINTS: now * measured, **({IMAGES: image} if has_camera else {})},
            input_valid={JOINTS: measured, **({IMAGES: np.ones(1, bool)} if has_camera else {})},
            outputs={TARGETS: then},
            output_valid={TARGETS: has},
            dropped={},
        )
