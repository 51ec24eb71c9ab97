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
from pathlib import Path
from typing import Any, TextIO, cast

from neuracore_ros.errors import printable

TERMINAL_EVERY_S = 0.2
LOG_EVERY_S = 15.0
SEQUENCE_S = 0.05
"""The characters of one key that is a sequence, such as an arrow, come within this [s]."""

# An arrow or a function key, or a key with Alt. A space is part of none: it may stop a robot.
_SEQUENCE = re.compile(rb'\x1b(\[(\[[A-E]|[0-?]*[!-/]*[@-Z\\-~])|O[0-9;]*[@-~]|[^\[O \x1b])')
_BEGINNING = re.compile(rb'\x1b(\[\[?|\[[0-?]*[!-/]*|O[0-9;]*)?')

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
    # What the caller has closed, as `>&-` does, Python does not have.
    streams = [control(each) if each else _nowhere('w') for each in before]
    sys.stdin = sys.stdin or _nowhere('r')
    for stream in streams:
        # A terminal that cannot show a letter of a name shows its number.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors='backslashreplace')
    sys.stdout, sys.stderr = (cast(TextIO, EscapedOutput(stream)) for stream in streams)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


def _nowhere(mode: str) -> TextIO:
    return cast(TextIO, Path(os.devnull).open(mode))


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
    # Ctrl-C would discard the keys before it, of which one may stop a robot.
    single[3] |= termios.NOFLSH
    termios.tcsetattr(stream, termios.TCSADRAIN, single)
    try:
        yield _Keyboard(stream).next_key
    finally:
        with suppress(termios.error):  # The terminal may be closed.
            termios.tcsetattr(stream, termios.TCSADRAIN, before)


class _Keyboard:
    """Keys of a terminal, one at a time; what an arrow sends is none."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._unread = b''
        self._read_s = 0.0

    def next_key(self) -> str:
        """The next key; '' if there is none now."""
        is_late = time.monotonic() - self._read_s > SEQUENCE_S
        if is_late and _BEGINNING.fullmatch(self._unread):
            self._unread = b''  # It was the key Escape itself: nothing has followed.
        if select.select([self._stream], [], [], 0.0)[0]:
            # Not through the stream, which would read ahead of what select sees.
            self._unread += os.read(self._stream.fileno(), 4096)
            self._read_s = time.monotonic()
        while found := _SEQUENCE.match(self._unread):
            self._unread = self._unread[found.end() :]
        if _BEGINNING.fullmatch(self._unread):
            return ''
        key, self._unread = self._unread[:1], self._unread[1:]
        return key.decode('ascii', 'replace').lower()
