"""The columns of a server's arrays: which slot, or which number of a pose, each one is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sized
from dataclasses import dataclass
from typing import TypeAlias

from neuracore_ros.description import DataType
from neuracore_ros.description.routes import parse_positive, parse_scale
from neuracore_ros.policy.remote.pose_numbers import ANGULAR, PARTS, POSITION
from neuracore_ros.similar_names import did_you_mean, known_names
from neuracore_ros.yaml_value import YamlValue

UNUSED = 'unused'
"""A received column that nobody reads; ``null``, too."""
MODES = ('absolute', 'relative', 'velocity')
SENT_OPTIONS = ('scale', 'offset', 'part', 'around')
"""Of a column that is sent, beside its DataType."""
RECEIVED_OPTIONS = ('scale', 'offset', 'part', 'mode', 'clip', 'within', 'threshold')
"""Of a column that is received."""

_NULLS = ('null', '~', '')
# Of an array; a humanoid's have some sixty.
_MOST_COLUMNS = 4096


@dataclass(frozen=True, slots=True)
class SlotColumn:
    """A column that is a number of a slot; slot = scale * server + offset.

    Attributes:
        kind: The DataType.
        index: Of the slot.
        number: Of a pose, such as ``qw``; '' where the slot is one number.
        scale: Never 0.
        offset: In the sense of the slot.
    """

    kind: DataType
    index: int
    number: str = ''
    scale: float = 1.0
    offset: float = 0.0

    def __str__(self) -> str:
        return f'{self.kind} {self.index}' + (f' {self.number}' if self.number else '')


@dataclass(frozen=True, slots=True)
class SentColumn(SlotColumn):
    """A column of an array that is sent.

    Attributes:
        around: Of the rotation vectors of one rotation, the one nearest this one is sent [rad];
            None: the shortest.
    """

    around: tuple[float, ...] | None = None


@dataclass(frozen=True, slots=True)
class ReceivedColumn(SlotColumn):
    """A column of an array that is received.

    Attributes:
        mode: 'absolute'; 'relative' to what is measured; or 'velocity': added up, step by step,
            from what is measured.
        clip: Least and most that is taken of the server's value.
        within: Where a value of the array is beyond it, all such columns of the row are divided
            by one factor; None: nothing is.
        threshold: Of an opening: above it the gripper is opened, below it is closed; None: it is
            taken as it is.
    """

    mode: str = 'absolute'
    clip: tuple[float, float] | None = None
    within: float | None = None
    threshold: float | None = None


SentColumns: TypeAlias = tuple[SentColumn | float, ...]
"""The columns of an array that is sent; a number is sent as it is."""
ReceivedColumns: TypeAlias = tuple[ReceivedColumn | None, ...]
"""The columns of an array that is received; None: unused."""


def parse_sent(value: YamlValue, what: str) -> SentColumns:
    """Read the list of columns of an array that is sent.

    Raises:
        DescriptionError: An entry is none, or stands there twice.
    """
    columns: list[SentColumn | float] = []
    places: dict[SlotColumn, YamlValue] = {}
    for entry in _entries(value, what):
        _require_few(columns, value, what)
        if entry.is_scalar():
            columns.append(entry.number(f'{what}: a number that is always sent'))
            continue
        kind, options = _entry(entry, what, SENT_OPTIONS)
        scale, offset, numbers = _scaling(kind, options, what, is_change=False)
        around = _around(options, numbers, what)
        for index in _indices(options[kind.value], kind):
            for number in numbers:
                column = SentColumn(kind, index, number, scale, offset, around)
                _require_once(column, column, entry, places, what)
                columns.append(column)
    _require_few(columns, value, what)
    return tuple(columns)


def parse_received(value: YamlValue, what: str) -> ReceivedColumns:
    """Read the list of columns of an array that is received.

    Raises:
        DescriptionError: An entry is none, or its slot stands there twice.
    """
    columns: list[ReceivedColumn | None] = []
    places: dict[SlotColumn, YamlValue] = {}
    for entry in _entries(value, what):
        _require_few(columns, value, what)
        if entry.is_scalar() and (entry.content == UNUSED or _is_null(entry)):
            columns.append(None)
            continue
        kind, options = _entry(entry, what, RECEIVED_OPTIONS)
        if not kind.is_commandable:
            raise entry.error(
                f'{what}: {kind} cannot be commanded. Known: {", ".join(_commandable())}'
            )
        mode = options['mode'].choice(f'{what}: mode', MODES) if 'mode' in options else MODES[0]
        if mode != 'absolute' and not (kind.is_position or kind.is_pose):
            raise options['mode'].error(
                f'{what}: mode {mode} is of positions and poses; {kind} has none: remove mode'
            )
        scale, offset, numbers = _scaling(kind, options, what, is_change=mode != 'absolute')
        clip, within, threshold = _bounds(kind, mode, options, what)
        for index in _indices(options[kind.value], kind):
            for number in numbers:
                column = ReceivedColumn(
                    kind, index, number, scale, offset, mode, clip, within, threshold
                )
                _require_once(column, SlotColumn(kind, index, number), entry, places, what)
                columns.append(column)
    _require_few(columns, value, what)
    if not any(columns):
        raise value.error(f'{what}: has no column that is used: leave the array out')
    return tuple(columns)


def _entries(value: YamlValue, what: str) -> Iterator[YamlValue]:
    entries = value.elements(f'{what}, columns such as {{JOINT_POSITIONS: 0}},')
    if not entries:
        raise value.error(f'{what}: has no columns')
    yield from entries


def _entry(
    entry: YamlValue, what: str, allowed: tuple[str, ...]
) -> tuple[DataType, dict[str, YamlValue]]:
    """The DataType of an entry and all its values."""
    if not entry.is_mapping():
        also = f', null or {UNUSED}' if 'mode' in allowed else ' or a number'
        hint = did_you_mean(str(entry.content), [UNUSED]) if 'mode' in allowed else ''
        raise entry.error(f'{what}: a column is {{DataType: index, ...}}{also}, not {entry}{hint}')
    keys = entry.mapping(f'{what}: a column')
    kinds = [key for key in keys if key in DataType.__members__]
    if len(kinds) != 1:
        strange = next((key for key in keys if key not in (*allowed, *kinds)), '')
        found = ' and '.join(kinds) if kinds else 'none'
        hint = '.' if kinds else known_names(strange.upper(), _numeric())
        raise entry.error(f'{what}: a column names one DataType, not {found}{hint}')
    kind = DataType(kinds[0])
    if not kind.is_numeric:
        raise entry.error(f'{what}: {kind} is no number, and no column of an array')
    return kind, entry.fields(f'{what}: a column', (kind.value, *allowed))


def _indices(value: YamlValue, kind: DataType) -> list[int]:
    """One index, or a list of them: a column for each."""
    if not isinstance(value.content, list):
        return [value.index()]
    if not value.content:
        raise value.error(f'{kind} names no index')
    return [each.index() for each in value.content]


def _scaling(
    kind: DataType, options: Mapping[str, YamlValue], what: str, is_change: bool
) -> tuple[float, float, tuple[str, ...]]:
    """Scale and offset of an entry, and its numbers of a pose, or the one of another slot."""
    scale = parse_scale(options['scale'], f'{what}: scale') if 'scale' in options else 1.0
    offset = options['offset'].number(f'{what}: offset') if 'offset' in options else 0.0
    part = options.get('part')
    if not kind.is_pose:
        if part is not None:
            raise part.error(f'{what}: {kind} is one number, and has no part: remove part')
        return scale, offset, ('',)
    if part is None:
        raise options[kind.value].error(
            f'{what}: {kind} has several numbers: add part. Known: {", ".join(PARTS)}'
        )
    numbers = PARTS[part.choice(f'{what}: part', PARTS)]
    if not set(numbers) <= {*POSITION, *ANGULAR} and 'scale' in options:
        raise options['scale'].error(f'{what}: {part} has no unit: remove scale')
    if len(numbers) > 1 and 'offset' in options and not is_change:
        raise options['offset'].error(
            f'{what}: one offset is of one number: write the parts x, y and z apart; a rotation '
            'has none: turn the frames of its chain'
        )
    return scale, offset, numbers


def _around(
    options: Mapping[str, YamlValue], numbers: tuple[str, ...], what: str
) -> tuple[float, ...] | None:
    value = options.get('around')
    if value is None:
        return None
    if numbers != PARTS['axis_angle']:
        raise value.error(f'{what}: around is of part axis_angle: remove it')
    elements = value.elements(f'{what}: around, a rotation vector [x, y, z] in rad,')
    if len(elements) != len(numbers):
        raise value.error(f'{what}: around has {len(elements)} numbers; it needs {len(numbers)}')
    return tuple(each.number(f'{what}: around') for each in elements)


def _bounds(
    kind: DataType, mode: str, options: Mapping[str, YamlValue], what: str
) -> tuple[tuple[float, float] | None, float | None, float | None]:
    """Clip, within and threshold of an entry."""
    clip = within = threshold = None
    if (value := options.get('clip')) is not None:
        ends = value.elements(f'{what}: clip, [least, most] of what the server sends,')
        numbers = [each.number(f'{what}: clip') for each in ends]
        if len(numbers) != 2 or numbers[0] >= numbers[1]:
            raise value.error(f'{what}: clip must be [least, most] of what the server sends')
        clip = numbers[0], numbers[1]
    if (value := options.get('within')) is not None:
        within = parse_positive(value, f'{what}: within')
        if mode == 'absolute' and (kind.is_position or kind.is_pose):
            raise value.error(
                f'{what}: within is of velocities and differences; absolute positions are not '
                'scaled down: remove within, or add mode'
            )
    if (value := options.get('threshold')) is not None:
        if not kind.is_gripper:
            raise value.error(
                f'{what}: threshold is of an opening, which is 0 or 1; {kind} is none: remove it'
            )
        if mode != 'absolute':
            raise value.error(f'{what}: a gripper is not opened by mode {mode} and a threshold')
        threshold = value.number(f'{what}: threshold')
        if not 0.0 < threshold < 1.0:
            raise value.error(f'{what}: threshold is of the opening, between 0 and 1, not {value}')
    return clip, within, threshold


def _require_once(
    column: SlotColumn,
    key: SlotColumn,
    entry: YamlValue,
    places: dict[SlotColumn, YamlValue],
    what: str,
) -> None:
    if key in places:
        raise entry.error(
            f'{what}: {column} stands there twice (first on line {places[key].line})'
        )
    places[key] = entry


def _require_few(columns: Sized, value: YamlValue, what: str) -> None:
    if len(columns) > _MOST_COLUMNS:
        raise value.error(f'{what}: has more than {_MOST_COLUMNS} columns')


def _is_null(entry: YamlValue) -> bool:
    return not entry.textual and entry.content in _NULLS


def _numeric() -> list[str]:
    return [kind.value for kind in DataType if kind.is_numeric]


def _commandable() -> list[str]:
    return [kind.value for kind in DataType if kind.is_commandable]
