"""The parts of a request to a server: arrays of slots, images, texts and constants."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from neuracore_ros.bounds import MAX_SIDE_PX
from neuracore_ros.description import DataType
from neuracore_ros.description.routes import parse_flag
from neuracore_ros.policy.remote.server_columns import SentColumns, parse_sent
from neuracore_ros.similar_names import did_you_mean
from neuracore_ros.yaml_value import YamlValue

CONSTANT = 'constant'
LAYOUTS = ('hwc', 'chw')
IMAGE_OPTIONS = ('size', 'layout', 'turn', 'optional')
"""Of an image, beside its DataType."""

_TURNS = ('0', '180')
_PIXELS = re.compile(r'[1-9][0-9]{0,4}')
_INTEGER = re.compile(r'[-+]?(0|[1-9][0-9]{0,17})')


@dataclass(frozen=True, slots=True)
class SentImage:
    """A camera's newest image, uint8.

    Attributes:
        index: Of RGB_IMAGES.
        size: (height, width) that the server wants, [px].
        layout: 'hwc' (height, width, 3), or 'chw' (3, height, width).
        is_turned: By 180 degrees.
        optional: Not sent where the robot has no such camera; else the robot is refused.
    """

    index: int
    size: tuple[int, int]
    layout: str = LAYOUTS[0]
    is_turned: bool = False
    optional: bool = False


@dataclass(frozen=True, slots=True)
class SentText:
    """The text that says what the robot is to do.

    Attributes:
        index: Of LANGUAGE.
        optional: Not sent where the robot has none; else the robot is refused.
    """

    index: int = 0
    optional: bool = False


@dataclass(frozen=True, slots=True)
class SentConstant:
    """A value that every request has.

    Attributes:
        value: A text, a number, a truth value, or a vector, which is sent as float32.
    """

    value: str | int | float | bool | tuple[float, ...]


SentPart: TypeAlias = SentColumns | SentImage | SentText | SentConstant
"""What stands at one key of a request."""
Keys: TypeAlias = tuple[str, ...]
"""The nested keys that lead to a part of a message."""


def parse_send(value: YamlValue) -> Iterator[tuple[Keys, SentPart]]:
    """Read ``send`` of a server file, nested as the server's keys are.

    Raises:
        DescriptionError: An unknown key or DataType, or a wrong value.
    """
    yield from _parse(value, (), 'send')


def shown(keys: Keys) -> str:
    """Nested keys for people; of a server's keys, some hold dots and some slashes."""
    return ': '.join(keys)


def _parse(value: YamlValue, keys: Keys, what: str) -> Iterator[tuple[Keys, SentPart]]:
    pairs = value.mapping(what)
    if not pairs:
        raise value.error(f'{what}: is empty')
    for text, (key, inner) in pairs.items():
        here = f'{what}: {key.string(what)}'
        if isinstance(inner.content, list):
            yield (*keys, text), parse_sent(inner, here)
        elif inner.content == DataType.LANGUAGE.value:
            yield (*keys, text), SentText()
        elif isinstance(inner.content, str):
            raise inner.error(
                f'{here} must be a list of columns, {{RGB_IMAGES: 0, size: [...]}}, LANGUAGE or '
                f'{{constant: ...}}, not {inner}{_likely(text, inner.content)}'
            )
        elif is_part := _part_name(inner):
            yield (*keys, text), _parse_part(inner, is_part, here)
        else:
            yield from _parse(inner, (*keys, text), here)


def _likely(*words: str) -> str:
    """The DataType that one of two words was meant to be."""
    if named := next((word for word in words if word in DataType.__members__), ''):
        kind = DataType(named)
        return f': write [{{{kind}: 0}}]' if kind.is_numeric else ''
    hints = (did_you_mean(word.upper(), DataType.__members__) for word in words)
    return next(filter(None, hints), '')


def _part_name(value: YamlValue) -> str:
    """The key that makes a mapping a part, and no further nesting; '' without."""
    keys = value.mapping('a part of send')
    return next((key for key in keys if key == CONSTANT or key in DataType.__members__), '')


def _parse_part(value: YamlValue, name: str, what: str) -> SentPart:
    if name == CONSTANT:
        return SentConstant(_constant(value.fields(what, (CONSTANT,))[CONSTANT], what))
    kind = DataType(name)
    if kind.is_numeric:
        raise value.error(f'{what}: columns stand in a list: write [{{{name}: ...}}]')
    if kind is DataType.LANGUAGE:
        options = value.fields(what, (name, 'optional'))
        return SentText(options[name].index(), _flag(options.get('optional'), what))
    if kind is not DataType.RGB_IMAGES:
        raise value.error(f'{what}: {kind} cannot be sent; RGB_IMAGES and LANGUAGE can')
    options = value.fields(what, (name, *IMAGE_OPTIONS))
    if 'size' not in options:
        raise value.error(f'{what}: add size: [height, width] in pixels, as the server wants it')
    layout, turn = options.get('layout'), options.get('turn')
    return SentImage(
        options[name].index(),
        _size(options['size'], what),
        layout.choice(f'{what}: layout', LAYOUTS) if layout else LAYOUTS[0],
        turn is not None and turn.choice(f'{what}: turn', _TURNS) == _TURNS[1],
        _flag(options.get('optional'), what),
    )


def _flag(value: YamlValue | None, what: str) -> bool:
    return value is not None and parse_flag(value, f'{what}: optional')


def _size(value: YamlValue, what: str) -> tuple[int, int]:
    sides = [str(each.content) for each in value.elements(f'{what}: size, [height, width],')]
    if len(sides) != 2 or not all(map(_PIXELS.fullmatch, sides)):
        raise value.error(f'{what}: size must be [height, width], two integers in pixels')
    height, width = map(int, sides)
    if max(height, width) > MAX_SIDE_PX:
        raise value.error(f'{what}: size [{height}, {width}] is beyond {MAX_SIDE_PX} px')
    return height, width


def _constant(value: YamlValue, what: str) -> str | int | float | bool | tuple[float, ...]:
    if isinstance(value.content, list):
        if not value.content:
            raise value.error(f'{what}: constant is empty')
        return tuple(each.number(f'{what}: constant') for each in value.content)
    if isinstance(value.content, tuple):
        raise value.error(f'{what}: constant must be one value, or a list of numbers')
    if value.textual:
        value.require_printable(f'{what}: constant')
        return value.content
    if value.content in ('true', 'false'):
        return value.content == 'true'
    if _INTEGER.fullmatch(value.content):
        return int(value.content)
    return value.number(f'{what}: constant, if it is not quoted,')
