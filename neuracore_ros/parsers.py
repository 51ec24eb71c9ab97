"""Parsers of one word of a command line or a configuration; a ValueError says what is wrong."""

import math
import re
from collections.abc import Callable
from typing import Any, TypeVar

from neuracore_ros.errors import quoted, shortened
from neuracore_ros.similar_names import known_names

Number = TypeVar('Number', int, float)

Parse = Callable[[str], Any]
"""Makes a value of a word."""


def switch(text: str) -> bool:
    """True or false, written so."""
    if text not in ('true', 'false'):
        raise ValueError(f'{quoted(text)} is neither true nor false')
    return text == 'true'


def one_of(*choices: str) -> Parse:
    """A parser of one of several words."""

    def parse(text: str) -> str:
        if text not in choices:
            raise ValueError(f'{quoted(text)} is unknown{known_names(text, choices)}')
        return text

    return parse


def as_number(text: str) -> float:
    """A number.

    Raises:
        ValueError: It is none; suggests a correction.
    """
    return _converted(text, float, 'number', r'-?\d+,\d+', '.')


def whole(least: int, most: int = 10**12) -> Parse:
    """A parser of integers from ``least`` to ``most``."""

    def parse(text: str) -> int:
        number = _converted(text, int, 'whole number', r'-?\d{1,3}(,\d{3})+', '')
        if number < least:
            raise ValueError(f'{shortened(text)} is not at least {least}')
        if number > most:
            raise ValueError(f'{shortened(text)} is above {most}')
        return number

    return parse


def real(above: float = -math.inf, least: float = -math.inf, below: float = math.inf) -> Parse:
    """A parser of finite numbers above one, of at least another, and below a third."""

    def parse(text: str) -> float:
        number = as_number(text)
        if not math.isfinite(number):
            raise ValueError(f'{shortened(text)} is not finite')
        if number <= above:
            raise ValueError(f'{shortened(text)} is not above {above:g}')
        if number < least:
            raise ValueError(f'{shortened(text)} is not at least {least:g}')
        if number >= below:
            raise ValueError(f'{shortened(text)} is not below {below:g}')
        return number

    return parse


def _converted(text: str, kind: type[Number], noun: str, with_comma: str, instead: str) -> Number:
    """A number; the error suggests what stands in place of the commas of another notation."""
    try:
        return kind(text)
    except ValueError:
        is_clear = re.fullmatch(with_comma, text)
        hint = f': write {shortened(text).replace(",", instead)}' if is_clear else ''
        raise ValueError(f'{quoted(text)} is no {noun}{hint}') from None
