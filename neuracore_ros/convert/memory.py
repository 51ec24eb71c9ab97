"""Memory that a recording no longer needs goes back to the system."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any


def _trim() -> Callable[[int], Any] | None:
    """The ``malloc_trim`` of glibc; None where the C library (musl, macOS) has none."""
    try:
        found: Callable[[int], Any] = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):
        return None
    return found


_TRIM = _trim()


def give_back() -> None:
    """Give freed memory back.

    Each codec thread of a recording leaves an arena with holes, which glibc keeps: a process that
    converts a hundred recordings grew. Fewer arenas (M_ARENA_MAX) were measured to grow likewise.
    """
    if _TRIM is not None:
        _TRIM(0)
