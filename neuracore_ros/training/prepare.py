"""From a dataset to what a policy is built from: its manifest and its statistics."""

from __future__ import annotations

import platform
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

import neuracore_ros
from neuracore_ros.dataset.batches import Batches, Episode
from neuracore_ros.description import DataType
from neuracore_ros.description.data_type import TEXT_BYTES
from neuracore_ros.policy.manifest import Embodiment, InputSlots, Manifest, OutputSlots
from neuracore_ros.training.normalise import (
    SlotStatistics,
    Statistics,
    base_kind,
    slot_statistics,
)

IntArray = NDArray[np.int64]

# Chunks overlap: of a large dataset, this many tell its statistics as well as all.
MOST_CHUNKS = 20_000


def make_manifest(
    data: Batches, episodes: Sequence[Episode], horizon: int, observation_steps: int
) -> Manifest:
    """Describe a policy that learns from these episodes.

    Args:
        data: The dataset.
        episodes: Those that are learnt from; the others count for nothing.
        horizon: H, steps.
        observation_steps: T, steps.
    """
    rows = np.concatenate([episode.rows for episode in episodes])
    values, valid = data.numbers(rows, 1), data.valid(rows)
    targets, target_valid = data.targets(rows, 1)
    described = data.metadata.descriptions
    inputs: dict[DataType, InputSlots] = {}
    for kind, width in data.metadata.input_layout.widths.items():
        trained = _trained(valid[kind])
        if kind.is_image:
            inputs[kind] = InputSlots(width, trained, image_size=data.metadata.image_size)
        elif kind is DataType.LANGUAGE:
            inputs[kind] = InputSlots(width, trained, length=TEXT_BYTES)
        elif kind.is_pose:
            inputs[kind] = InputSlots(width, trained)
        else:
            found = SlotStatistics.of(values[kind][:, 0], valid[kind])
            lowest, highest = found.minimum.tolist(), found.maximum.tolist()
            inputs[kind] = InputSlots(width, trained, tuple(lowest), tuple(highest))
    outputs = {}
    for kind, width in data.metadata.output_layout.widths.items():
        mask = target_valid[kind][:, 0]
        found = SlotStatistics.of(targets[kind][:, 0], mask)
        lowest, highest = found.minimum.tolist(), found.maximum.tolist()
        outputs[kind] = OutputSlots(width, _trained(mask), tuple(lowest), tuple(highest))
    return Manifest(
        input=inputs,
        output=outputs,
        rate_hz=data.metadata.rate_hz,
        horizon=horizon,
        observation_steps=observation_steps,
        robots={
            robot: Embodiment(described.input[robot], described.output[robot])
            for robot in dict.fromkeys(episode.robot for episode in episodes)
        },
        versions={
            'neuracore_ros': neuracore_ros.__version__,
            'torch': str(torch.__version__),
            'numpy': np.__version__,
            'python': platform.python_version(),
        },
        dataset=data.path.resolve().name,
    )


def measure(data: Batches, episodes: Sequence[Episode], manifest: Manifest) -> Statistics:
    """Statistics of the inputs, and of the chunks relative to what they are predicted from."""
    rows = np.concatenate([episode.rows for episode in episodes])
    if len(rows) > MOST_CHUNKS:
        rows = rows[np.linspace(0, len(rows) - 1, MOST_CHUNKS).astype(np.int64)]
    values, valid = data.numbers(rows, 1), data.valid(rows)
    targets, target_valid = data.targets(rows, manifest.horizon)
    outputs = {}
    for kind, chunks in targets.items():
        base = base_kind(kind, manifest.input_layout)
        if base is not None:
            shared = min(chunks.shape[2], values[base].shape[2])
            now = np.where(valid[base][:, None], values[base], 0)[..., :shared]
            chunks[..., :shared] -= now
        outputs[kind] = SlotStatistics.of(chunks, target_valid[kind])
    return Statistics(
        {kind: slot_statistics(kind, array[:, 0], valid[kind]) for kind, array in values.items()},
        outputs,
    )


def _trained(valid: NDArray[np.bool_]) -> tuple[int, ...]:
    return tuple(int(index) for index in np.flatnonzero(valid.any(0)))
