"""Tables of LeRobot datasets, opened with bounds: a few bytes of one may stand for gigabytes."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from neuracore_ros.errors import BagError, shortened
from neuracore_ros.regular_file import require_regular

BROKEN = (
    pa.ArrowException,
    *(OSError, EOFError, ValueError, TypeError, LookupError, ArithmeticError),
)
"""What libraries raise of files that hold other values than they should."""

# How a file begins that git clone left without its content.
_LFS = b'version https://git-lfs'
# Pages of a column are read so many bytes at a time, not a whole group of rows.
_BUFFER = 1 << 20
# Tables whose description is kept; one with thousands of groups takes longer to read than a row.
_KEPT = 4


@contextmanager
def reading(file: Path) -> Iterator[None]:
    """A block that reads a file of a dataset.

    Raises:
        BagError: It is missing or damaged.
    """
    try:
        yield
    except BROKEN as error:
        raise BagError(damage(file, error)) from error


def damage(file: Path, error: Exception) -> str:
    """The damage of a file of a dataset, in one line."""
    try:
        with file.open('rb') as opened:
            is_pointer = opened.read(len(_LFS)) == _LFS
    except OSError:
        is_pointer = False
    if is_pointer:
        return f'{file}: is a pointer of Git LFS, and not the file: run git lfs pull there'
    return f'{file}: missing or damaged: {reason(error)}'


def reason(error: Exception) -> str:
    """The reason for which a file cannot be read, in one line."""
    lines = str(getattr(error, 'strerror', None) or error).strip().splitlines()
    return shortened(lines[0].rstrip('.') if lines else type(error).__name__, 200)


@contextmanager
def open_table(path: Path) -> Iterator[pq.ParquetFile]:
    """A table to read; its checksums are compared, where it has some.

    Raises:
        OSError, pa.ArrowException: It is missing, or what is read of it is damaged.
    """
    require_regular(path)
    stat = path.stat()
    with pq.ParquetFile(
        path,
        metadata=_metadata(path, stat.st_size, stat.st_mtime_ns),
        buffer_size=_BUFFER,
        pre_buffer=False,
        page_checksum_verification=True,
    ) as table:
        yield table


@lru_cache(maxsize=_KEPT)
def _metadata(path: Path, size: int, mtime_ns: int) -> Any:
    return pq.read_metadata(path)


def require_sound(table: pq.ParquetFile, group: int, columns: Collection[str], most: int) -> None:
    """Check that columns of a group of rows can be read, and have at most so many values each.

    Raises:
        OSError, pa.ArrowException, ValueError: They cannot, or have more.
    """
    metadata = table.metadata
    places = [
        place
        for place in range(metadata.num_columns)
        # Of a list, the path goes on after the column's name.
        if any(
            table.schema.column(place).path == name
            or table.schema.column(place).path.startswith(f'{name}.')
            for name in columns
        )
    ]
    # A damaged description ends the process when it is asked for; here it raises an error. No
    # row at a time: columns are opened, and nothing is read of them.
    next(table.reader.iter_batches(0, [group], column_indices=places, use_threads=False), None)
    found = metadata.row_group(group)
    if any(found.column(place).num_values > most for place in places):
        raise ValueError(f'a column has more than {most} values')
