"""Files of a dataset that are missing or damaged, whichever library stumbles over them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
import pyarrow as pa

from neuracore_ros.errors import DatasetError

_BROKEN = (OSError, EOFError, LookupError, ValueError, av.FFmpegError, pa.ArrowException)


@contextmanager
def intact(file: Path) -> Iterator[None]:
    """Read a file within.

    Raises:
        DatasetError: It is missing or damaged.
    """
    try:
        yield
    except _BROKEN as error:
        why = getattr(error, 'strerror', None) or error
        raise DatasetError(
            f'{file}: missing or damaged: {why}; copy the dataset again, or convert its '
            'recordings into a new one'
        ) from error
