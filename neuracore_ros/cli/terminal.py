"""The terminal: output that obeys no name of a file or robot, a status line, and single keys."""

from __future__ import annotations

import io
import os
import re
import select
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, TextIO, cast

from neuracore_ros.errors import printable

TERMINAL_EVERY_S = 0.2
LOG_EVERY_S = 15.0
ESCAPE = b'\x1b'

# Characters that move a cursor, name a window, or break or reverse a line.
_CONTROLS = re.compile('[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]')


def escaped(text: str) -> str:
    """The text with escapes in place of all control characters but line break and tab."""
    return _CONTROLS.sub(lambda found: repr(found[0])[1:-1], text)


def print_warnings(texts: Iterable[str]) -> None:
    """Print each warning once and in one line, on standard error; names may hold anything."""
    for text in dict.fromkeys(map(printable, texts)):
        print(f'warning: {text}', file=sys.stderr)


class EscapedOutput:
    """A stream to which control characters go as escapes, from any writer.

    It is no stream of Python's own, which would close the other one when it is given up.

    Attributes:
        raw: The stream itself, for what does control the terminal.
    """

    def __init__(self, raw: TextIO) -> None:
        self.raw = raw

    def write(self, text: str) -> int:
        """Write the text with escapes."""
        return self.raw.write(escaped(text))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.raw, name)


def control(stream: TextIO) -> TextIO:
    """The stream that obeys control characters, for those of this package."""
    return stream.raw if isinstance(stream, EscapedOutput) else stream


@contextmanager
def escaped_output() -> Iterator[None]:
    """A block whose output to the terminal has no control characters of names."""
    before = sys.stdout, sys.stderr
    for stream in before:
        # A terminal that cannot show a letter of a name shows its number.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors='backslashreplace')
    sys.stdout, sys.stderr = (cast(TextIO, EscapedOutput(control(stream))) for stream in before)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


class StatusLine:
    """A line that is renewed while something goes on: in place on a terminal, else now and then.

    Args:
        stream: Its output.
        logs: True prints it to a log, too, more seldom than to a terminal.
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


@contextmanager
def single_keys(stream: TextIO) -> Iterator[Callable[[], str]]:
    """A function that gives the next key of a terminal without waiting for Enter, else ''."""
    if not stream.isatty():
        yield str
        return
    import termios
    import tty

    before = termios.tcgetattr(stream)
    # Unlike raw mode, this leaves Ctrl-C to be a signal.
    tty.setcbreak(stream)
    single = termios.tcgetattr(stream)
    # Ctrl-S would hold the output, and with it whoever writes, until Ctrl-Q.
    single[0] &= ~termios.IXON
    termios.tcsetattr(stream, termios.TCSADRAIN, single)
    try:
        yield partial(_pressed, stream)
    finally:
        with suppress(termios.error):  # The terminal may be closed.
            termios.tcsetattr(stream, termios.TCSADRAIN, before)


def _pressed(stream: TextIO) -> str:
    if not select.select([stream], [], [], 0.0)[0]:
        return ''
    # Not through the stream, which would read ahead of what select sees.
    key = os.read(stream.fileno(), 1)
    if key == ESCAPE:
        # An arrow is three characters, of which the last would be a key of its own.
        while select.select([stream], [], [], 0.0)[0] and os.read(stream.fileno(), 1):
            pass
        return ''
    return key.decode('ascii', 'replace').lower()
