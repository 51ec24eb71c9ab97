"""One process at a time may add to a dataset."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from neuracore_ros.errors import DatasetError

LOCK_PATH = Path('.neuracore_ros.lock')


@contextmanager
def locked(root: Path) -> Iterator[None]:
    """Hold the dataset's lock, which the system releases however the process ends.

    Raises:
        DatasetError: Another process has it.
    """
    with _lock(root) as lock:
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def _lock(root: Path) -> TextIO:
    path = root / LOCK_PATH
    while True:
        root.mkdir(parents=True, exist_ok=True)
        lock = path.open('a+')
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.seek(0)
            owner = lock.read().strip() or 'unknown'
            lock.close()
            raise DatasetError(
                f'{root}: another convert (process {owner}) is adding to it; '
                'wait for it, or convert into another dataset'
            ) from error
        # A run that ends without an episode deletes its lock: maybe this one, just now.
        if path.exists() and os.path.samestat(os.fstat(lock.fileno()), path.stat()):
            return lock
        lock.close()
