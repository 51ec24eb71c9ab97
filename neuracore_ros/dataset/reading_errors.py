"""One error for files of a dataset that are missing or damaged, whichever library finds it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
import pyarrow as pa

from neuracore_ros.dataset.metadata import AFRESH
from neuracore_ros.errors import DatasetError, shortened
from neuracore_ros.regular_file import require_regular

# What libraries raise of files that hold other values, or values of other types, than they should.
_BROKEN = (
    *(OSError, EOFError, LookupError, ValueError, TypeError, AttributeError, ArithmeticError),
    *(av.FFmpegError, pa.ArrowException),
)


@contextmanager
def reading_errors(file: Path) -> Iterator[None]:
    """Read a file within.

    Raises:
        DatasetError: It is missing or damaged.
    """
    try:
        require_regular(file)
        yield
    except _BROKEN as error:
        why = shortened(str(getattr(error, 'strerror', None) or error).rstrip('.'), 200)
        raise DatasetError(f'{file}: missing or damaged: {why}; {AFRESH}') from error
