"""The preparation of a policy from a dataset: its manifest, its statistics, its first weights."""

from __future__ import annotations

import platform
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import torch

import neuracore_ros
from neuracore_ros.arrays import Array, BoolArray, Float32Array, IntArray
from neuracore_ros.description import DataType, EmbodimentDescription
from neuracore_ros.description.data_type import TEXT_BYTES
from neuracore_ros.errors import TrainingError, shortened
from neuracore_ros.loading.batches import Batches, EpisodeRows
from neuracore_ros.policy.manifest import Embodiment, InputSlots, Manifest, OutputSlots
from neuracore_ros.training.chunk_policy import ChunkPolicy, RobotIdentification, Unmasked
from neuracore_ros.training.config import QUATERNIONS, Config
from neuracore_ros.training.image_encoder import CameraEncoder
from neuracore_ros.training.normalise import Normalisation, Scale, bases, is_shared, scale_of
from neuracore_ros.training.policies import build
from neuracore_ros.training.pose_numbers import numbers_of, relative_to
from neuracore_ros.training.sampling import rows_by_robot, with_padding

Scales = dict[DataType, Scale]

# Chunks overlap: so many have the statistics of a large dataset.
MOST_CHUNKS = 20_000


def make_manifest(data: Batches, episodes: Sequence[EpisodeRows], config: Config) -> Manifest:
    """The manifest of a policy that learns from these episodes alone."""
    rows = np.concatenate([episode.rows for episode in episodes])
    values, valid = data.numbers(rows, 1), data.valid(rows)
    targets, target_valid = data.targets(rows, 1)
    described = data.metadata.descriptions
    inputs = {}
    for kind, width in data.input_layout.widths.items():
        ranges = _ranges(kind, values[kind], valid[kind]) if kind.is_numeric else {}
        size = data.metadata.image_size if kind.is_image else None
        length = TEXT_BYTES if kind is DataType.LANGUAGE else None
        inputs[kind] = InputSlots(
            width, _trained(valid[kind]), image_size=size, length=length, **ranges
        )
    outputs = {}
    for kind, width in data.output_layout.widths.items():
        mask = target_valid[kind][:, 0]
        outputs[kind] = OutputSlots(width, _trained(mask), **_ranges(kind, targets[kind], mask))
    robots = tuple(dict.fromkeys(episode.robot for episode in episodes))
    return Manifest(
        input=inputs,
        output=outputs,
        rate_hz=data.metadata.rate_hz,
        horizon=config.horizon,
        observation_steps=config.observation_steps,
        robots={
            robot: Embodiment(
                _only(described.input[robot], inputs),
                _only(described.output[robot], outputs),
                described.treated(robot),
            )
            for robot in robots
        },
        versions={
            'neuracore_ros': neuracore_ros.__version__,
            'torch': str(torch.__version__),
            'numpy': np.__version__,
            'python': platform.python_version(),
        },
        dataset=data.path.resolve().name,
        robot_index=(
            {robot: i for i, robot in enumerate(robots)}
            if _asks_robot(config, {*data.input_layout.numeric, *outputs})
            else {}
        ),
        vocabulary=described.vocabulary,
    )


def _asks_robot(config: Config, kinds: Collection[DataType]) -> bool:
    """True if the policy reads the number of its robot."""
    own = config.number_format == QUATERNIONS or not all(map(is_shared, kinds))
    return config.embedding == 'robot' or (config.statistics == 'per-robot' and own)


def measure(
    data: Batches, episodes: Sequence[EpisodeRows], manifest: Manifest, config: Config
) -> Normalisation:
    """Measure the statistics of inputs, and of chunks relative to what they are predicted from.

    Where every robot has its own, a slot that it does not have takes those of all robots; so does
    what means the same on every robot.
    """
    relative = bases(manifest) if config.relative else {}

    def scales(rows: IntArray) -> tuple[Scales, Scales]:
        return _scales(data, rows, manifest.horizon, relative, config)

    by_robot = rows_by_robot(episodes)
    inputs, outputs = scales(np.concatenate(list(by_robot.values())))
    if config.statistics == 'per-robot':
        # Of a robot that is known from another run alone, there is nothing to measure here.
        own = [
            scales(by_robot[robot]) if robot in by_robot else (inputs, outputs)
            for robot in manifest.robot_index
        ]
        inputs = _beside(inputs, [mine for mine, _ in own], config)
        outputs = _beside(outputs, [mine for _, mine in own], config)
    return Normalisation(inputs, outputs, relative)


def _beside(pooled: Scales, own: Sequence[Scales], config: Config) -> Scales:
    """The scales of all robots, and where they differ by their meaning, those of each beside."""
    return {
        kind: scale
        if config.number_format != QUATERNIONS and is_shared(kind)
        else scale.beside([each[kind] for each in own])
        for kind, scale in pooled.items()
    }


def assemble(config: Config, manifest: Manifest, statistics: Normalisation) -> ChunkPolicy:
    """Build the untrained policy of a run.

    Raises:
        TrainingError: The manifest is none that training wrote.
    """
    index = manifest.robot_index
    if sorted(index.values()) != list(range(len(index))) or index.keys() - manifest.robots.keys():
        raise TrainingError(
            f"the manifest's robot_index is {shortened(str(dict(index)))}; training numbers "
            'robots from 0 on, and describes each: the file is damaged, or is none of a run'
        )
    policy = build(config.policy, manifest, statistics, config)
    if not config.mask_padding:
        policy = Unmasked(policy)
    return RobotIdentification(policy, manifest) if manifest.robot_index else policy


def _scales(
    data: Batches,
    rows: IntArray,
    horizon: int,
    relative: Mapping[DataType, DataType],
    config: Config,
) -> tuple[Scales, Scales]:
    """The scales of inputs and outputs at these rows."""
    if len(rows) > MOST_CHUNKS:
        rows = rows[np.linspace(0, len(rows) - 1, MOST_CHUNKS).astype(np.int64)]
    values, valid = data.numbers(rows, 1), data.valid(rows)
    targets, target_valid = data.targets(rows, horizon)
    if not config.mask_padding:
        valid, target_valid = with_padding(valid, target_valid)
    outputs = {}
    for kind, chunks in targets.items():
        if kind in relative:
            base = relative[kind]
            shared = min(chunks.shape[2], values[base].shape[2])
            has = valid[base].reshape(-1, 1, valid[base].shape[1], *(1,) * kind.is_pose)
            now = np.where(has, values[base], 0)[:, :, :shared]
            chunks[:, :, :shared] = _differences(kind, now, chunks[:, :, :shared])
        outputs[kind] = _scale(kind, chunks, target_valid[kind], config)
    inputs = {
        kind: _scale(kind, array[:, 0], valid[kind], config) for kind, array in values.items()
    }
    return inputs, outputs


def _differences(kind: DataType, base: Array, chunks: Array) -> Array:
    """Chunks (B, H, W) or (B, H, W, 7) relative to what is measured, (B, 1, W) or (B, 1, W, 7)."""
    if not kind.is_pose:
        return chunks - base
    return relative_to(torch.from_numpy(base), torch.from_numpy(chunks)).numpy()


def _scale(kind: DataType, values: Array, valid: BoolArray, config: Config) -> Scale:
    if kind.is_pose and config.number_format != QUATERNIONS:
        values = numbers_of(torch.from_numpy(values)).numpy()
    return scale_of(kind, values, valid, config.normalise)


def _only(
    description: EmbodimentDescription, kinds: Collection[DataType]
) -> EmbodimentDescription:
    return {kind: slots for kind, slots in description.items() if kind in kinds}


def _ranges(kind: DataType, values: Float32Array, valid: BoolArray) -> dict[str, Any]:
    """Least and largest valid value of each slot, NaN where there is none; of poses by position.

    Args:
        kind: The DataType.
        values: One step of each row, (N, 1, W) or (N, 1, W, 7).
        valid: Shape (N, W).
    """
    first = values[:, 0, :, :3] if kind.is_pose else values[:, 0, :, None]
    known = np.where(valid[..., None], first, np.nan).reshape(len(valid), -1)
    ends = [tuple(end(known, axis=0).tolist()) for end in (np.fmin.reduce, np.fmax.reduce)]
    names = ('min_xyz', 'max_xyz') if kind.is_pose else ('minimum', 'maximum')
    return dict(zip(names, ends, strict=True))


def _trained(valid: BoolArray) -> tuple[int, ...]:
    return tuple(int(index) for index in np.flatnonzero(valid.any(0)))


ROWS = 32
"""Rows of each robot that features are measured on."""


def init_image_statistics(
    policy: ChunkPolicy, data: Batches, episodes: Sequence[EpisodeRows]
) -> None:
    """Normalise the features of every untrained image encoder by a sample of the episodes."""
    views = [each for each in policy.modules() if isinstance(each, CameraEncoder)]
    if not views:
        return
    own = rows_by_robot(episodes).values()
    some = [rows[np.linspace(0, len(rows) - 1, ROWS).astype(np.int64)] for rows in own]
    batch = data.take(np.unique(np.concatenate(some)), 1, 1)
    inputs = {kind.value: torch.from_numpy(each) for kind, each in batch.inputs.items()}
    valid = {kind.value: torch.from_numpy(each) for kind, each in batch.valid.items()}
    for view in views:
        view.measure(inputs, valid)
