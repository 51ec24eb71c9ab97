"""The log of a server: one line for each client, on standard error."""

from __future__ import annotations

import sys
from contextlib import suppress


def print_line(line: str) -> None:
    """Print a line on standard error, at once, if anybody takes it."""
    # A log on a full disk, or whose reader has ended, is no reason to brake a robot.
    with suppress(OSError, ValueError):
        print(line, file=sys.stderr, flush=True)
