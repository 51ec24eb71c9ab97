"""The ranges of a policy's training, of its checkpoint's statistics, in a robot's slots."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from neuracore_ros.arrays import Array
from neuracore_ros.description import DataType
from neuracore_ros.errors import PolicyError
from neuracore_ros.policy.manifest import Manifest
from neuracore_ros.policy.policy import last_line
from neuracore_ros.policy.remote.server_columns import ReceivedColumn, SlotColumn
from neuracore_ros.policy.remote.server_file import ServerFile
from neuracore_ros.serving.lerobot.checkpoint import ACTION, LerobotCheckpoint

# It makes differences of what is predicted, and so of what the statistics are of.
_RELATIVE = 'relative_actions_processor'


def with_ranges(manifest: Manifest, checkpoint: LerobotCheckpoint, file: ServerFile) -> Manifest:
    """The manifest with least and largest values of training, where the checkpoint knows them.

    Raises:
        PolicyError: Its statistics are damaged.
    """
    statistics = _statistics(checkpoint)
    sent = _sent(file, statistics)
    received = [] if _RELATIVE in checkpoint.before else _received(file, statistics)
    return replace(
        manifest,
        input={kind: _ranged(kind, slots, sent) for kind, slots in manifest.input.items()},
        output={kind: _ranged(kind, slots, received) for kind, slots in manifest.output.items()},
    )


_Range = tuple[SlotColumn, float, float]
"""A column, and its least and largest value in training, in LeRobot's sense."""


def _sent(file: ServerFile, statistics: Mapping[str, Array]) -> list[_Range]:
    return [
        each
        for keys, part in file.send.items()
        if isinstance(part, tuple) and len(keys) == 1
        for each in _ranges(part, keys[0], statistics)
    ]


def _received(file: ServerFile, statistics: Mapping[str, Array]) -> list[_Range]:
    # The answer is one array, whatever the file calls it.
    return [
        each
        for columns in file.receive.values()
        for each in _ranges(columns, ACTION, statistics)
        if isinstance(each[0], ReceivedColumn) and each[0].mode == 'absolute'
    ]


def _ranges(
    columns: Iterable[object], feature: str, statistics: Mapping[str, Array]
) -> Iterator[_Range]:
    least, most = (statistics.get(f'{feature}.{name}') for name in ('min', 'max'))
    columns = list(columns)
    if least is None or most is None or not (least.size == most.size == len(columns)):
        return
    ends = zip(columns, least.ravel().tolist(), most.ravel().tolist(), strict=True)
    for column, low, high in ends:
        if isinstance(column, SlotColumn) and math.isfinite(low) and math.isfinite(high):
            yield column, low, high


def _ranged(kind: DataType, slots: Any, ranges: Iterable[_Range]) -> Any:
    """Slots with the ranges of their columns, in the slots' sense."""
    if kind.is_pose or not kind.is_numeric:
        return slots
    low, high = np.full(slots.width, math.nan), np.full(slots.width, math.nan)
    for column, least, most in ranges:
        if column.kind is kind:
            ends = sorted(column.scale * end + column.offset for end in (least, most))
            low[column.index], high[column.index] = ends
    if np.isnan(low).all():
        return slots
    return replace(slots, minimum=tuple(low.tolist()), maximum=tuple(high.tolist()))


def _statistics(checkpoint: LerobotCheckpoint) -> Mapping[str, Array]:
    """Least and largest values of training, by feature and statistic."""
    if checkpoint.statistics is None:
        return {}
    from safetensors.numpy import load_file

    try:
        found: Mapping[str, Array] = load_file(checkpoint.statistics)
    except Exception as error:  # The binding's own kind, which is no documented one.
        raise PolicyError(f'{checkpoint.statistics}: is damaged ({last_line(error)})') from error
    return found
