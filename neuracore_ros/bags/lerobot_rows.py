"""The rows of one episode in a table of a LeRobot dataset, read block by block."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from neuracore_ros.arrays import Array, BoolArray
from neuracore_ros.regular_file import require_regular

EPISODE = 'episode_index'
# Rows in memory at once: numbers are small, and of images only a few are kept.
_BLOCK, _IMAGE_BLOCK = 4096, 16
# Pages of a column are read so many bytes at a time, not a whole group of rows.
_BUFFER = 1 << 20


def columns_of(table: Path) -> frozenset[str]:
    """The columns of a table.

    Raises:
        OSError, pa.ArrowException: It is missing or damaged.
    """
    require_regular(table)
    with pq.ParquetFile(table) as file:
        return frozenset(file.schema_arrow.names)


def blocks(
    table: Path, number: int | None, columns: Collection[str], has_images: bool
) -> Iterator[pa.RecordBatch]:
    """The rows of an episode, some at a time; only their groups of rows are read.

    Args:
        table: The file.
        number: Of the episode, where the table has several; None: the table is the episode.
        columns: What is read.
        has_images: Some of the columns hold images.

    Raises:
        OSError, pa.ArrowException: It is missing or damaged; rows before that were given.
    """
    require_regular(table)
    wanted = [*dict.fromkeys([*columns, *([] if number is None else [EPISODE])])]
    with pq.ParquetFile(table, buffer_size=_BUFFER, pre_buffer=False) as file:
        size = _IMAGE_BLOCK if has_images else _BLOCK
        groups = list(_groups(file.metadata, number))
        if not groups:
            return
        for batch in file.iter_batches(size, groups, wanted):
            if number is None:
                yield batch
                continue
            places = np.flatnonzero(batch[EPISODE].to_numpy(zero_copy_only=False) == number)
            if len(places) == len(batch):
                yield batch
            elif len(places):
                yield batch.take(pa.array(places))


def _groups(metadata: Any, number: int | None) -> Iterator[int]:
    """The groups of rows that may have some of an episode."""
    place = next(
        (i for i in range(metadata.num_columns) if metadata.schema.column(i).path == EPISODE), None
    )
    for group in range(metadata.num_row_groups):
        found = None
        if number is not None and place is not None:
            found = metadata.row_group(group).column(place).statistics
        if found is None or not found.has_min_max or found.min <= number <= found.max:
            yield group


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
