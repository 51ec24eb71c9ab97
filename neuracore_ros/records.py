"""Records: JSON objects, and what is built like them, whose values are checked as they are taken.

Every file that another program, an older version or a stranger may have written is read through
here: metadata of datasets, manifests, metrics, checkpoints, LeRobot's files.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from neuracore_ros.errors import UserError, quoted, shortened
from neuracore_ros.files import read_lines
from neuracore_ros.regular_file import read_bytes
from neuracore_ros.similar_names import did_you_mean

DEEPEST = 100
"""Objects and lists within each other; nothing that we read has ten."""
LONGEST_INTEGER = 4000
"""Digits of an integer; Python takes 300 more, and what has more is read as infinity."""
MOST = 10**12
"""The largest count of anything."""


@dataclass(frozen=True, slots=True)
class RecordOrigin:
    """The origin of a record, for messages.

    Attributes:
        file: Begins every message.
        kind: The class of the errors.
        advice: The correction of a wrong record; ends every message.
        keys: From the outermost record to this one.
    """

    file: str
    kind: type[UserError]
    advice: str = ''
    keys: tuple[str, ...] = ()

    @property
    def where(self) -> str:
        """The file, and the keys that lead to the record."""
        return ': '.join((self.file, *map(shortened, self.keys)))

    def error(self, text: str) -> UserError:
        """An error about this record."""
        return self.kind(f'{self.where}: {text}{self.advice and f"; {self.advice}"}')

    def within(self, key: str) -> RecordOrigin:
        """The origin of a value in this record."""
        return replace(self, keys=(*self.keys, key))


class Record:
    """An object with string keys, read by key."""

    def __init__(self, value: object, origin: RecordOrigin) -> None:
        """Take the object.

        Raises:
            UserError: It is no object, of the kind that the origin says; so do all methods.
        """
        if not isinstance(value, Mapping) or not {str}.issuperset(map(type, value)):
            raise origin.error(f'must be a JSON object, is {_shown(value)}')
        self._value: Mapping[str, Any] = value
        self._origin = origin

    @property
    def where(self) -> str:
        """The file, and the keys that lead here."""
        return self._origin.where

    def error(self, text: str) -> UserError:
        """An error about this record."""
        return self._origin.error(text)

    def wrong(self, key: str, must: str) -> UserError:
        """An error about a key: what it must be, and what it is."""
        return self.error(f'{shortened(key)} must be {must}, is {_shown(self._value.get(key))}')

    def has(self, key: str) -> bool:
        """True if a key is given."""
        return key in self._value

    def __iter__(self) -> Iterator[str]:
        """Iterate over the keys."""
        return iter(self._value)

    def values(self) -> Mapping[str, Any]:
        """The keys and their values, unchecked."""
        return self._value

    def value(self, key: str, **default: Any) -> Any:
        """The value of a key, whatever it is."""
        if key not in self._value:
            if 'default' in default:
                return default['default']
            there = shortened(', '.join(self._value), 200) or 'nothing'
            raise self.error(
                f"lacks '{key}'{did_you_mean(key, self._value) or '.'} It has: {there}"
            )
        return self._value[key]

    # Objects within

    def record(self, key: str, **default: Mapping[str, Any]) -> Record:
        """An object within."""
        return Record(self.value(key, **default), self._origin.within(key))

    def records(self) -> list[tuple[str, Record]]:
        """The keys and their values, each of which must be an object."""
        return [(key, self.record(key)) for key in self._value]

    def listed(self, key: str, **default: list[Any]) -> list[Record]:
        """A list of objects."""
        values = self.value(key, **default)
        if not isinstance(values, list):
            raise self.wrong(key, 'a list')
        return [
            Record(each, self._origin.within(f'{key}[{place}]'))
            for place, each in enumerate(values)
        ]

    # Numbers

    def integer(self, key: str, low: int = 0, high: int = MOST, **default: int) -> int:
        """An integer between bounds."""
        value = self.value(key, **default)
        if not is_integer(value) or not low <= value <= high:
            is_above = is_integer(value) and value > high
            bound = f'at most {high}' if is_above else f'at least {low}'
            raise self.wrong(key, f'an integer of {bound}')
        return int(value)

    def count(self, key: str, high: int = MOST, **default: int) -> int:
        """An integer of at least 1."""
        return self.integer(key, 1, high, **default)

    def number(
        self, key: str, low: float = -math.inf, high: float = math.inf, **default: float
    ) -> float:
        """A finite number between bounds."""
        value = as_float(self.value(key, **default))
        if value is None or not math.isfinite(value) or not low <= value <= high:
            bounds = {
                (-math.inf, math.inf): 'a finite number',
                (low, math.inf): f'a finite number of at least {low:g}',
            }
            raise self.wrong(key, bounds.get((low, high), f'a number from {low:g} to {high:g}'))
        return value

    def measured(self, key: str) -> float | None:
        """A number that is None where nothing was measured: missing, null or not finite."""
        value = self.value(key, default=None)
        number = as_float(value)
        if value is not None and number is None:
            raise self.wrong(key, 'a number or null')
        return number if number is not None and math.isfinite(number) else None

    def numbers(self, key: str, width: int) -> tuple[float, ...]:
        """One finite number per slot, NaN for null; nothing if the key is missing."""
        values = self.value(key, default=None)
        if values is None:
            return ()
        if not isinstance(values, list) or len(values) != width:
            raise self.wrong(key, f'a list of {width} numbers')
        found = [math.nan if each is None else as_float(each) for each in values]
        if any(each is None or math.isinf(each) for each in found):
            raise self.wrong(key, f'a list of {width} numbers, null where a slot has no value')
        return tuple(each for each in found if each is not None)

    def indices(self, key: str, width: int) -> tuple[int, ...]:
        """Slots of a width, ascending; all of them if the key is missing."""
        value = self.value(key, default=list(range(width)))
        if not isinstance(value, list) or not all(is_integer(i) and 0 <= i < width for i in value):
            raise self.wrong(key, f'a list of indices in 0..{width - 1}')
        return tuple(sorted(set(value)))

    def sizes(self, key: str, names: Sequence[str], high: int) -> tuple[int, ...]:
        """A list of integers from 1 to ``high``, one for each name."""
        values = self.value(key)
        if (
            not isinstance(values, list)
            or len(values) != len(names)
            or not all(is_integer(each) and 1 <= each <= high for each in values)
        ):
            raise self.wrong(key, f'[{", ".join(names)}], integers from 1 to {high}')
        return tuple(values)

    def counts(self, key: str) -> dict[str, int]:
        """Name -> an integer of at least 0; empty if the key is missing."""
        record = self.record(key, default={})
        return {name: record.integer(name) for name in record}

    # Others

    def flag(self, key: str) -> bool:
        """True or false; false if the key is missing."""
        value = self.value(key, default=False)
        if not isinstance(value, bool):
            raise self.wrong(key, 'true or false')
        return value

    def text(self, key: str, **default: str) -> str:
        """A text."""
        value = self.value(key, **default)
        if not isinstance(value, str):
            raise self.wrong(key, 'a text')
        return value

    def name(self, key: str) -> str:
        """A text that is not empty."""
        if not (value := self.text(key)).strip():
            raise self.wrong(key, 'a name')
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts; empty if the key is missing."""
        values = self.value(key, default=[])
        if not isinstance(values, list) or not all(isinstance(each, str) for each in values):
            raise self.wrong(key, 'a list of texts')
        return tuple(values)


def read_record(path: Path, kind: type[UserError]) -> Record:
    """Read a file that is one JSON object.

    Raises:
        OSError: It is missing, or cannot be read.
        UserError: It is no JSON object; of that kind.
    """
    return parse_record(read_bytes(path), RecordOrigin(str(path), kind))


def read_record_lines(path: Path, kind: type[UserError]) -> Iterator[tuple[Record, bytes]]:
    """Read a file with a JSON object on each line; one that was cut off at its end is left out.

    Yields:
        Each object, and its line; none where there is no file.

    Raises:
        OSError: It cannot be read.
        UserError: A line is no JSON object; of that kind.
    """
    for number, line in enumerate(read_lines(path), 1):
        if line.strip():
            origin = RecordOrigin(f'{path}:{number}', kind, 'delete that line')
            yield parse_record(line, origin), line


def parse_record(text: str | bytes, origin: RecordOrigin, what: str = '') -> Record:
    """Parse one JSON object; ``what`` names in an error what is not the whole file.

    Raises:
        UserError: It is no UTF-8, no JSON, no object, nested beyond measure, or gives a key twice.
    """
    subject = f'{what} ' if what else ''
    try:
        whole = text if isinstance(text, str) else text.decode('utf-8-sig')
        value = json.loads(
            whole, object_pairs_hook=_unique(origin), parse_int=_integer, parse_constant=float
        )
    except UnicodeDecodeError as error:
        raise origin.error(f'{subject}is not text in UTF-8 (byte {error.start})') from error
    except json.JSONDecodeError as error:
        raise origin.error(
            f'{subject}is not JSON: {error.msg}, line {error.lineno} column {error.colno}'
        ) from error
    except RecursionError as error:
        raise origin.error(f'{subject}is nested too deeply') from error
    if _is_deep(value):
        raise origin.error(f'{subject}is nested too deeply')
    return Record(value, origin)


def _shown(value: object) -> str:
    return quoted(value, mark='"')


def is_integer(value: object) -> bool:
    """True for an integer of JSON; in Python, a boolean is one, too."""
    return isinstance(value, int) and not isinstance(value, bool)


def as_float(value: object) -> float | None:
    """The number that JSON has here, infinite where no float is so large; None for no number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _integer(text: str) -> int | float:
    return int(text) if len(text) <= LONGEST_INTEGER else float(text)


def _unique(origin: RecordOrigin) -> Callable[[list[tuple[str, Any]]], dict[str, Any]]:
    """Makes an object of its pairs; JSON itself would take the last of two equal keys."""

    def made(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            twice = Counter(key for key, _ in pairs).most_common(1)[0][0]
            raise origin.error(f'the key {_shown(twice)} is given twice')
        return found

    return made


def _is_deep(value: object) -> bool:
    """True if recursion through the value could exhaust the stack."""
    layer = [value]
    for _ in range(DEEPEST):
        layer = [
            inner
            for each in layer
            if isinstance(each, dict | list)
            for inner in (each.values() if isinstance(each, dict) else each)
        ]
        if not layer:
            return False
    return True
