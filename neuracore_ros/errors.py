"""Errors that a user can correct, each in one line, and how they quote values."""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from neuracore_ros.similar_names import similar_file

VALUE_LENGTH = 60
"""Most characters of a file's value that a message quotes.

Messages of the node are published on ``/rosout``: a value may be a whole file that is none of
the reader's business.
"""
MESSAGE_LENGTH = 1200
"""Most characters of a message."""


def printable(text: str) -> str:
    """The text in one line, with what cannot be printed escaped."""
    if text.isprintable():
        return text
    return ''.join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def shortened(text: str, length: int = VALUE_LENGTH) -> str:
    """The first printable characters of a text; ``...`` stands for the rest."""
    shown = printable(text[: length + 1])
    return shown if len(shown) <= length and len(text) <= length else f'{shown[: length - 3]}...'


def quoted(value: object, mark: str = "'") -> str:
    """A value of a file for a message: one short line, as JSON has it; text between marks."""
    if isinstance(value, str):
        return f'{mark}{shortened(value)}{mark}'
    if isinstance(value, Mapping):
        return f'an object ({shortened(", ".join(map(str, value)))})' if value else '{}'
    if isinstance(value, list | tuple):
        is_flat = not any(isinstance(each, Mapping | list | tuple) for each in value)
        text = f'[{", ".join(quoted(each, mark) for each in value)}]' if is_flat else ''
        return text if 0 < len(text) <= VALUE_LENGTH else f'a list of {len(value)}'
    if value is None or isinstance(value, bool):
        return 'null' if value is None else str(value).lower()
    if isinstance(value, int) and value.bit_length() > 4 * VALUE_LENGTH:
        # Python refuses to write one of thousands of digits.
        return f'an integer of about {value.bit_length() * math.log10(2):.0f} digits'
    if isinstance(value, bytes | bytearray):
        # Of many megabytes, four times as many would be written.
        value = bytes(value[: VALUE_LENGTH + 1])
    return shortened(str(value))


def without_numbers(text: str) -> str:
    """A message with ``#`` for each number, to count those that differ in numbers alone as one."""
    return re.sub(r'(?<![\w.])-?\d+(\.\d+)?(?!\w)', '#', text)


def unreadable(path: Path, error: OSError, endings: Collection[str] = ()) -> str:
    """The reason why a file cannot be read, and a file of such an ending or name beside it."""
    if isinstance(error, FileNotFoundError):
        if not path.parent.is_dir():
            return f'{path}: no such file: there is no folder {path.parent}'
        return f'{path}: no such file{similar_file(path, endings)}'
    if isinstance(error, IsADirectoryError):
        inside = sorted(each for each in path.iterdir() if each.suffix in endings)
        return f'{path}: is a folder; give a file' + (f' in it: {inside[0]}' if inside else '')
    return f'{path}: cannot be read: {error.strerror}'


def one_line(text: str) -> str:
    """A message as it may be shown to anybody: printable, and not endless."""
    end = 200
    if len(text) > MESSAGE_LENGTH:
        text = f'{text[: MESSAGE_LENGTH - end]} ... {text[-end:]}'
    return printable(text)


class UserError(Exception):
    """An error that the user can correct; its text is one line that says how.

    The command line prints it without a traceback and exits with 1. Line breaks and other
    characters that cannot be printed, which names in files may hold, are escaped, and of a text
    beyond all measure the middle is left out.
    """

    def __init__(self, text: str) -> None:
        super().__init__(one_line(text))


class DescriptionError(UserError):
    """A robot, cross-embodiment or layout description is wrong."""


class DescriptionWarning(UserWarning):
    """A description is valid, but probably not as its author intended."""

    def __init__(self, text: str) -> None:
        super().__init__(one_line(text))


class ObservationError(UserError):
    """A message cannot become part of an observation: encoding, size, field or name."""


class UnreachableError(UserError):
    """A pose that a chain is sent to cannot be reached, or not in time."""


class PolicyError(UserError):
    """A policy file is not one, or does not fit the robot."""


class WireError(PolicyError):
    """A policy server cannot be reached, or does not answer as it must."""


class BagError(UserError):
    """A recording cannot be read, or lacks what the robot file declares."""


class DatasetError(UserError):
    """A dataset is not one, or what is added to it does not fit."""


class TrainingError(UserError):
    """A training run cannot begin, go on, or be resumed."""


class WriteError(UserError):
    """A file or a folder cannot be written.

    Attributes:
        path: The file or folder.
        reason: The cause, in words.
    """

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f'{path}: cannot be written: {reason}')
        self.path = path
        self.reason = reason

    def __reduce__(self) -> tuple[type[WriteError], tuple[Path, str]]:
        return WriteError, (self.path, self.reason)


@contextmanager
def collect_warnings() -> Iterator[list[str]]:
    """Collect the description warnings of a block; the list has them when the block has ended."""
    texts: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always', DescriptionWarning)
        yield texts
    texts += dict.fromkeys(str(warning.message) for warning in caught)
