"""The rows of one episode in a table of a LeRobot dataset, read block by block."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from neuracore_ros.arrays import Array, BoolArray
from neuracore_ros.bags.lerobot_dataset import RowsPart
from neuracore_ros.bags.lerobot_info import MOST_WIDTH
from neuracore_ros.bags.lerobot_tables import open_table, require_sound

EPISODE = 'episode_index'
# Rows in memory at once: numbers are small, and of images only a few are kept.
_BLOCK, _IMAGE_BLOCK = 1024, 8


def columns_of(table: Path) -> frozenset[str]:
    """The columns of a table.

    Raises:
        OSError, pa.ArrowException: It is missing or damaged.
    """
    with open_table(table) as file:
        return frozenset(file.schema_arrow.names)


def blocks(part: RowsPart, columns: Collection[str], has_images: bool) -> Iterator[pa.RecordBatch]:
    """The rows of an episode in blocks; only the row groups of the table that hold them are read.

    Raises:
        OSError, pa.ArrowException, ValueError: The table is missing or damaged; rows before that
            were given.
    """
    size = _IMAGE_BLOCK if has_images else _BLOCK
    wanted = [*dict.fromkeys([*columns, *([] if part.number is None else [EPISODE])])]
    with open_table(part.table) as table:
        counts = [table.metadata.row_group(k).num_rows for k in range(table.num_row_groups)]
        groups = _overlapping(counts, part)
        left = part.count
        for group in groups:
            require_sound(table, group, wanted, counts[group] * MOST_WIDTH)
            for batch in table.iter_batches(size, [group], wanted, use_threads=False):
                found = batch if part.number is None else _of_episode(batch, part.number)
                if len(found):
                    left -= len(found)
                    yield found
                elif left < part.count:
                    return
    if left == part.count and len(groups) < len(counts):
        # The list of episodes does not fit the table; the table itself says whose a row is.
        yield from blocks(replace(part, first=None), columns, has_images)


def _overlapping(counts: list[int], part: RowsPart) -> list[int]:
    """The groups of rows that have some of an episode, by where its rows should be."""
    ends = np.cumsum(counts)
    if part.number is None or part.first is None:
        return [*range(len(counts))]
    starts = ends - counts
    return [*map(int, np.flatnonzero((ends > part.first) & (starts < part.first + part.count)))]


def _of_episode(batch: pa.RecordBatch, number: int) -> pa.RecordBatch:
    places = np.flatnonzero(batch[EPISODE].to_numpy(zero_copy_only=False) == number)
    if not len(places):
        return batch.slice(0, 0)
    # Rows of an episode follow each other: a slice copies no image.
    first, last = int(places[0]), int(places[-1])
    found = batch.slice(first, last + 1 - first)
    return found if len(places) == len(found) else batch.take(pa.array(places))


def vectors(column: pa.Array, width: int) -> tuple[Array, BoolArray]:
    """Numbers of a column, as they are stored, and which rows have as many as they should.

    Returns:
        Shape (N, W), NaN for null in floating point; and shape (N,).
    """
    kind = column.type
    if isinstance(kind, pa.ExtensionType):
        column = column.storage
        kind = column.type
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        lengths = pc.fill_null(pc.list_value_length(column), -1)
        whole = np.asarray(lengths) == width
        flat = column.filter(pa.array(whole)).flatten() if not whole.all() else column.flatten()
    else:
        whole = np.asarray(column.is_valid()) if width == 1 else np.zeros(len(column), bool)
        flat = column.filter(pa.array(whole))
    if not _is_number(flat.type):
        return np.zeros((len(column), width)), np.zeros(len(column), bool)
    values = np.zeros((len(column), width), _dtype(flat))
    values[whole] = flat.to_numpy(zero_copy_only=False).reshape(-1, width)
    return values, whole


def _is_number(kind: pa.DataType) -> bool:
    is_kind = (pa.types.is_floating, pa.types.is_integer, pa.types.is_boolean)
    return any(each(kind) for each in is_kind)


def _dtype(flat: pa.Array) -> Any:
    # Integers with a null among them become floating point, with NaN.
    return flat.slice(0, 1).to_numpy(zero_copy_only=False).dtype if not flat.null_count else float
