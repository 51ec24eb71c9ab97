"""Copies of files, byte for byte.

They are no links: a file with two names changes, and decays, for both datasets at once. Where the
file system can (btrfs, XFS), both share their blocks on the disk until one of them is written to.
"""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path
from typing import BinaryIO

from neuracore_ros.dataset.reading_errors import reading_errors
from neuracore_ros.files import whole_file, writing
from neuracore_ros.regular_file import open_regular

_PIECE = 1 << 30
# Of a kernel or file systems that cannot copy by themselves.
_CANNOT = {errno.ENOSYS, errno.EXDEV, errno.EINVAL, errno.EOPNOTSUPP, errno.EPERM, errno.EBADF}


def copy_file(source: Path, target: Path, scratch: Path) -> None:
    """Copy a file; it gets its name when all of it is on the disk.

    Args:
        source: What is copied.
        target: Replaced if it exists.
        scratch: A folder of the same file system for what is not whole yet.

    Raises:
        DatasetError: The source cannot be read.
        WriteError: The disk takes no more.
    """
    with reading_errors(source):
        file = open_regular(source)
    with file, whole_file(target, scratch) as copy, writing(target):
        if not _copied_by_kernel(file, copy):
            shutil.copyfileobj(file, copy)


def _copied_by_kernel(source: BinaryIO, target: BinaryIO) -> bool:
    """True if the system has copied everything, sharing blocks where it can."""
    if not hasattr(os, 'copy_file_range'):
        return False
    try:
        while os.copy_file_range(source.fileno(), target.fileno(), _PIECE):
            pass
    except OSError as error:
        if error.errno not in _CANNOT or target.tell():
            raise
        return False
    # Some file systems claim the end of a file that has not begun.
    return os.fstat(target.fileno()).st_size == os.fstat(source.fileno()).st_size
