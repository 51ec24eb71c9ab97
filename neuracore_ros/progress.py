"""Callbacks by which long work says how far it is."""

from collections.abc import Callable

ProgressCallback = Callable[[float], None]
"""Takes the part of a recording that is done (0..1)."""

BagProgressCallback = Callable[[int, float], None]
"""Takes the place of a recording among all, and the part of it that is done (0..1)."""

StepProgressCallback = Callable[[str, float], None]
"""Takes the name of what is being done, and the part of everything that is done (0..1)."""

NoticeCallback = Callable[[str], None]
"""Takes a line for people."""
