"""Capture of what C libraries write to stderr."""

from __future__ import annotations

import ctypes
import fcntl
import os
import sys
import threading
from collections.abc import Callable
from typing import TypeVar

_Result = TypeVar('_Result')


class CStderr:
    """Stream ``stderr`` of the C library, which libjpeg and libpng write to unasked.

    Only this stream is exchanged, not the file behind it: Python, and processes that are begun
    meanwhile, write where they did. Where the C library has no such variable, nothing is caught.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._file = -1
        try:
            library = ctypes.CDLL(None)
            self._stderr = ctypes.c_void_p.in_dll(library, 'stderr')
            file = os.memfd_create('stderr')
            fcntl.fcntl(file, fcntl.F_SETFL, os.O_APPEND)
            library.fdopen.restype = ctypes.c_void_p
            stream = library.fdopen(file, b'a')
            library.setvbuf(ctypes.c_void_p(stream), None, 2, ctypes.c_size_t(0))  # unbuffered
        except (AttributeError, OSError, TypeError, ValueError):
            return
        if stream:
            self._file, self._stream = file, stream

    def catch(self, work: Callable[[], _Result]) -> tuple[_Result, str]:
        """Return the result of some work, and what was written to the stream meanwhile."""
        if self._file < 0:
            return work(), ''
        with self._lock:
            before, self._stderr.value = self._stderr.value, self._stream
            try:
                result = work()
            finally:
                self._stderr.value = before
                text = self._taken()
        return result, text

    def _taken(self) -> str:
        size = os.fstat(self._file).st_size
        if not size:
            return ''
        data = os.pread(self._file, size, 0)
        os.ftruncate(self._file, 0)
        return data.decode(errors='replace')


def pass_on(lines: list[str]) -> None:
    """Write lines where they would have gone."""
    if lines and sys.stderr is not None:
        sys.stderr.write(''.join(f'{line}\n' for line in lines))
