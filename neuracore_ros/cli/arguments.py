"""Arguments that several verbs take; wrong ones end with status 2."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from neuracore_ros.bounds import MAX_RATE_HZ, MAX_SIDE_PX, MIN_RATE_HZ
from neuracore_ros.description.shipped import robot_file
from neuracore_ros.given_path import given_path
from neuracore_ros.pairs import pair_labels
from neuracore_ros.parsers import as_number, real, whole
from neuracore_ros.policy.address import is_address

Parsed = TypeVar('Parsed')

BY_CLOCK = 'take the times of a bag from the /clock in it, if it was recorded without this option'
OWN_NAMESPACE = 'namespace of topics without a leading slash'
RECORDED_NAMESPACE = 'namespace in which topics without a leading slash were recorded'
OR_SHIPPED = ', or the name of a shipped one such as ur5'
"""A part of the help of robot files, whose type is `description.shipped.robot_file`."""
POLICY = (
    'policy: a file (.pt, .onnx, .xml, .pt2), the address of a server (ws://...) or a server file'
)
"""Help of a policy, whose type is `policy.address.path_or_address`."""


_MOST_EPISODES = 10_000_000


def any_file(text: str) -> Path | str:
    """The address of a server as it is written; the path of any other file, shipped ones too."""
    return text if is_address(text) else robot_file(text)


def reasoned(parse: Callable[[str], Parsed]) -> Callable[[str], Parsed]:
    """A parser for argparse that shows the reason of a ValueError."""

    def parsed(text: str) -> Parsed:
        try:
            return parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return parsed


def not_empty(parse: Callable[[str], Parsed]) -> Callable[[str], Parsed]:
    """A parser that refuses an empty text, which would be the current folder."""

    def parsed(text: str) -> Parsed:
        if not text:
            raise argparse.ArgumentTypeError('is empty: is a variable of the shell not set?')
        return parse(text)

    return parsed


def episode_numbers(text: str) -> list[int]:
    """Numbers of episodes: ``3,5-7`` as 3, 5, 6, 7."""
    found: list[int] = []
    for word in text.split(','):
        first, _, last = word.partition('-')
        if not first.isdecimal() or not (last or first).isdecimal():
            raise argparse.ArgumentTypeError(f"'{text}' is no list of episodes such as 3,5-7")
        low, high = int(first), int(last or first)
        if not low <= high < _MOST_EPISODES:
            raise argparse.ArgumentTypeError(f'{word}: a range counts up, such as 3-5')
        found += range(low, high + 1)
    return found


def named_file(text: str) -> tuple[str, Path]:
    """``ROBOT=FILE``: a robot and a file that belongs to it."""
    name, equals, path = text.partition('=')
    if not (name and equals and path):
        raise argparse.ArgumentTypeError(f"'{text}' is not ROBOT=FILE, such as ur5=ur5.urdf")
    return name, given_path(path)


def add_urdfs(parser: argparse.ArgumentParser, use: str) -> None:
    """Declare ``--urdf ROBOT=FILE``, and its use in words that follow 'to'."""
    parser.add_argument(
        '--urdf',
        action='append',
        default=[],
        type=named_file,
        metavar='ROBOT=FILE',
        help='URDF of a robot whose file names none and has none of its name beside it, to '
        f'{use} (may be repeated)',
    )


def words(text: str) -> str:
    """A task for a policy or a bag, which is text in UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        shown = text.encode('utf-8', 'surrogateescape').decode('utf-8', 'backslashreplace')
        raise argparse.ArgumentTypeError(
            f"'{shown}' is not UTF-8 at letter {error.start}: is the terminal, or LANG, another?"
        ) from error
    return text


def wanted_pairs(arguments: argparse.Namespace) -> tuple[str, ...]:
    """The labels of ``--pair``, in order; a wrong one ends with status 2."""
    try:
        return pair_labels(arguments.pair or ())
    except ValueError as error:
        arguments.wrong_usage(f'--pair: {error}')
        raise


count, natural = reasoned(whole(1)), reasoned(whole(0))
"""An integer of at least 1; of at least 0."""

port = reasoned(whole(0, 65535))
"""A port of TCP; 0 is any free one."""

positive = reasoned(real(above=0.0, below=1e9))
"""A number above 0; below 1e9, so that seconds become nanoseconds."""


def between(low: float, high: float, unit: str = '') -> Callable[[str], float]:
    """A parser of numbers from ``low`` to ``high``."""

    def parse(text: str) -> float:
        if not low <= (value := as_number(text)) <= high:
            raise ValueError(f'{text} is not between {low:g} and {high:g}{unit}')
        return value

    return reasoned(parse)


rate = between(MIN_RATE_HZ, MAX_RATE_HZ, ' Hz')
"""Steps or messages per second [Hz]."""


def image_size(text: str) -> tuple[int, int]:
    """``224`` or ``320x240`` (width, height) as (height, width), [px]."""
    try:
        width, height = (int(part) for part in (text.split('x') if 'x' in text else (text, text)))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f'{text} is neither 224 nor 320x240') from error
    if not (1 <= width <= MAX_SIDE_PX and 1 <= height <= MAX_SIDE_PX):
        raise argparse.ArgumentTypeError(f'{text}: sides are from 1 to {MAX_SIDE_PX}')
    return height, width
