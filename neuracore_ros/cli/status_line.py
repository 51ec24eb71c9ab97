"""A line that is renewed while something goes on: in place on a terminal, else now and then."""

import shutil
import time
from typing import TextIO

from neuracore_ros.cli.terminal import control, escaped

TERMINAL_EVERY_S = 0.2
LOG_EVERY_S = 15.0


class StatusLine:
    """One such line.

    Args:
        stream: Where it is shown.
        logs: Whether it is shown now and then where no terminal is, too.
    """

    def __init__(self, stream: TextIO, logs: bool = True) -> None:
        self._stream = control(stream)
        self._logs = logs
        self._on_terminal = stream.isatty()
        self._every_s = TERMINAL_EVERY_S if self._on_terminal else LOG_EVERY_S
        self._next_s = time.monotonic() + self._every_s

    def update(self, text: str) -> None:
        """Show how far it is, unless that was shown a moment ago."""
        now_s = time.monotonic()
        if now_s < self._next_s or not (self._on_terminal or self._logs):
            return
        self._next_s = now_s + self._every_s
        if self._on_terminal:
            self.clear()
            width = shutil.get_terminal_size().columns - 1
            print(escaped(text)[:width], end='', file=self._stream, flush=True)
        else:
            print(escaped(text), file=self._stream, flush=True)

    def clear(self) -> None:
        """Make room for other lines; leave the terminal tidy."""
        if self._on_terminal:
            print('\r\033[K', end='', file=self._stream, flush=True)
