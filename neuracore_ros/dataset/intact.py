"""Files of a dataset that are missing or damaged, whichever library stumbles over them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
import pyarrow as pa

from neuracore_ros.dataset.metadata import AFRESH
from neuracore_ros.errors import DatasetError
from neuracore_ros.regular_file import require_regular

_BROKEN = (OSError, EOFError, LookupError, ValueError, av.FFmpegError, pa.ArrowException)


@contextmanager
def intact(file: Path) -> Iterator[None]:
    """Read a file within.

    Raises:
        DatasetError: It is missing or damaged.
    """
    try:
        require_regular(file)
        yield
    except _BROKEN as error:
        why = str(getattr(error, 'strerror', None) or error).rstrip('.')
        raise DatasetError(f'{file}: missing or damaged: {why}; {AFRESH}') from error
