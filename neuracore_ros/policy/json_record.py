"""A JSON object whose values are checked as they are taken."""

from __future__ import annotations

import json
import math
from typing import Any

from neuracore_ros.errors import PolicyError, meant


class JsonRecord:
    """A JSON object whose values are checked as they are taken, by their path."""

    def __init__(self, value: Any, where: str) -> None:
        if not isinstance(value, dict):
            raise PolicyError(f'{where}: must be a JSON object, is {_short(value)}')
        self._value = value
        self.where = where

    def value(self, key: str, **default: Any) -> Any:
        """The value of a key."""
        if key not in self._value:
            if 'default' in default:
                return default['default']
            there = ', '.join(self._value) or 'nothing'
            raise PolicyError(
                f"{self.where}: lacks '{key}'{meant(key, self._value) or '.'} It has: {there}"
            )
        return self._value[key]

    def has(self, key: str) -> bool:
        """Whether a key is given."""
        return key in self._value

    def items(self) -> list[tuple[str, Any]]:
        """All keys and values."""
        return list(self._value.items())

    def record(self, key: str, optional: bool = False) -> JsonRecord:
        """An object within."""
        default: dict[str, Any] = {'default': {}} if optional else {}
        return JsonRecord(self.value(key, **default), f'{self.where}: {key}')

    def records(self) -> list[tuple[str, JsonRecord]]:
        """All values, each an object."""
        return [(key, JsonRecord(value, f'{self.where}: {key}')) for key, value in self.items()]

    def fail(self, key: str, must: str) -> PolicyError:
        """What is wrong with a key, and what it must be."""
        return PolicyError(
            f'{self.where}: {key} must be {must}, is {_short(self._value.get(key))}'
        )

    def count(self, key: str, **default: int) -> int:
        """An integer of at least 1."""
        value = self.value(key, **default)
        if not is_integer(value) or value < 1:
            raise self.fail(key, 'an integer of at least 1')
        return int(value)

    def positive(self, key: str) -> float:
        """A finite number above 0."""
        value = self.value(key)
        if not _is_number(value) or not 0 < value < math.inf:
            raise self.fail(key, 'a number above 0')
        return float(value)

    def flag(self, key: str) -> bool:
        """True or false; false if the key is missing."""
        value = self.value(key, default=False)
        if not isinstance(value, bool):
            raise self.fail(key, 'true or false')
        return value

    def indices(self, key: str, width: int) -> tuple[int, ...]:
        """Slots of a width, ascending; all of them if the key is missing."""
        value = self.value(key, default=list(range(width)))
        if not isinstance(value, list) or not all(is_integer(i) and 0 <= i < width for i in value):
            raise self.fail(key, f'a list of indices in 0..{width - 1}')
        return tuple(sorted(set(value)))

    def numbers(self, key: str, width: int) -> tuple[float, ...]:
        """One number per slot, NaN for null; nothing if the key is missing."""
        value = self.value(key, default=None)
        if value is None:
            return ()
        if not isinstance(value, list) or len(value) != width:
            raise self.fail(key, f'a list of {width} numbers')
        if not all(number is None or _is_number(number) for number in value):
            raise self.fail(key, f'a list of {width} numbers, null where a slot has no value')
        return tuple(math.nan if number is None else float(number) for number in value)


def is_integer(value: Any) -> bool:
    """Whether JSON has an integer here; Python takes true for one."""
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else f'{text[:57]}...'
