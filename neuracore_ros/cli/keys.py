"""Single keys from a terminal, without waiting for Enter."""

from __future__ import annotations

import os
import select
from contextlib import AbstractContextManager
from typing import Any, TextIO


class Keys(AbstractContextManager['Keys']):
    """Reads keys of a terminal; of anything else, none.

    Args:
        stream: Standard input.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream if stream.isatty() else None
        self._before: list[Any] = []

    def __enter__(self) -> Keys:
        if self._stream is not None:
            import termios
            import tty

            self._before = termios.tcgetattr(self._stream)
            # Unlike raw mode, this leaves Ctrl-C to be a signal.
            tty.setcbreak(self._stream)
        return self

    def __exit__(self, *_: object) -> None:
        if self._stream is not None:
            import termios

            termios.tcsetattr(self._stream, termios.TCSADRAIN, self._before)

    def pressed(self) -> str:
        """The key that was pressed next, in lower case; empty if none was."""
        if self._stream is None or not select.select([self._stream], [], [], 0.0)[0]:
            return ''
        # Not through the stream, which would read ahead of what select sees.
        key = os.read(self._stream.fileno(), 1).decode('ascii', 'replace').lower()
        # Nobody presses keys any more once the terminal is closed.
        if not key:
            self._stream = None
        return key
