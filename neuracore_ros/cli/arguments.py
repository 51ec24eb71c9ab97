"""Words of a command line that several verbs take, as numbers; wrong ones end with status 2."""

import argparse
from collections.abc import Callable
from typing import TypeVar

from neuracore_ros.bounds import MAX_RATE_HZ, MAX_SIDE_PX, MIN_RATE_HZ
from neuracore_ros.training.settings import as_number, whole

Parsed = TypeVar('Parsed')

BY_CLOCK = (
    'read bags that were recorded without it by the /clock in them, as if they had been recorded '
    'with it'
)
OR_SHIPPED = ', or the name of a shipped one, such as ur5'
"""Of a robot file, for ``--help``; its type is `description.shipped.robot_file`."""


def reasoned(parse: Callable[[str], Parsed]) -> Callable[[str], Parsed]:
    """Such that argparse gives the reason of a ValueError, which it takes from no other kind."""

    def parsed(text: str) -> Parsed:
        try:
            return parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return parsed


def not_empty(parse: Callable[[str], Parsed]) -> Callable[[str], Parsed]:
    """Takes no empty text, which would be the folder of the shell."""

    def parsed(text: str) -> Parsed:
        if not text:
            raise argparse.ArgumentTypeError('is empty: is a variable of the shell not set?')
        return parse(text)

    return parsed


def words(text: str) -> str:
    """What is said to a policy or written into a bag, which is UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        shown = text.encode('utf-8', 'surrogateescape').decode('utf-8', 'backslashreplace')
        raise argparse.ArgumentTypeError(
            f"'{shown}' is not UTF-8 at letter {error.start}: is the terminal, or LANG, another?"
        ) from error
    return text


number = reasoned(as_number)
"""A number; whoever takes it says what lies too far."""

count, natural = reasoned(whole(1)), reasoned(whole(0))
"""An integer of at least 1; of at least 0."""


def between(low: float, high: float) -> Callable[[str], float]:
    """Takes numbers from ``low`` to ``high``."""

    def parse(text: str) -> float:
        if not low <= (value := number(text)) <= high:
            raise argparse.ArgumentTypeError(f'{text} is not between {low:g} and {high:g}')
        return value

    return parse


def positive(text: str) -> float:
    """A number above 0; below 1e9, so that seconds become nanoseconds."""
    if not 0.0 < (value := number(text)) < 1e9:
        raise argparse.ArgumentTypeError(f'{text} is not above 0, or not below 1e9')
    return value


def rate(text: str) -> float:
    """Steps or messages per second, [Hz]."""
    if not MIN_RATE_HZ <= (rate_hz := number(text)) <= MAX_RATE_HZ:
        raise argparse.ArgumentTypeError(
            f'{text} is not between {MIN_RATE_HZ:g} and {MAX_RATE_HZ:g} Hz'
        )
    return rate_hz


def image_size(text: str) -> tuple[int, int]:
    """``224`` or ``320x240`` (width, height) as (height, width), [px]."""
    try:
        width, height = (int(part) for part in (text.split('x') if 'x' in text else (text, text)))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f'{text} is neither 224 nor 320x240') from error
    if not (1 <= width <= MAX_SIDE_PX and 1 <= height <= MAX_SIDE_PX):
        raise argparse.ArgumentTypeError(f'{text}: sides are from 1 to {MAX_SIDE_PX}')
    return height, width
