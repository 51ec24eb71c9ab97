"""Output that shows names of files, robots and joints as they are, and obeys none of them."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO, cast

# Of all that is not printed: what moves a cursor, names a window, breaks or turns around a line.
_CONTROLS = re.compile('[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]')


def escaped(text: str) -> str:
    """The text with escapes in place of all control characters but line break and tab."""
    return _CONTROLS.sub(lambda found: repr(found[0])[1:-1], text)


class EscapedOutput:
    """A stream to which control characters go as escapes, whoever writes them.

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
