"""Lines for people: which number of a server's arrays is which slot."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from neuracore_ros.description import DataType, Robot
from neuracore_ros.policy.remote.server_columns import ReceivedColumn, SlotColumn
from neuracore_ros.policy.remote.server_file import ServerFile
from neuracore_ros.policy.remote.server_requests import (
    Keys,
    SentConstant,
    SentImage,
    SentText,
    shown,
)

# As slots are written below: ` <- RGB_IMAGES 1`.
_SLOT = re.compile(r' (<-|->) ([A-Z_0-9]+) ([0-9]{1,5})\b')


def slot_notes(
    file: ServerFile, names: Mapping[Keys, Sequence[str]] | None = None
) -> tuple[str, ...]:
    """A line for each number, image and text of both directions, and for what is executed.

    Args:
        file: The server file.
        names: Keys of an array -> the server's own names of its numbers, where they are known.
    """
    return (*_sent(file, names or {}), *_received(file, names or {}), *_executed(file))


def named_notes(notes: Sequence[str], robot: Robot) -> tuple[str, ...]:
    """The lines with the robot's own name of each slot, so that exchanged ones are seen."""
    return tuple(_SLOT.sub(partial(_named, robot), note, count=1) for note in notes)


def _named(robot: Robot, slot: re.Match[str]) -> str:
    arrow, kind, index = slot.groups()
    slots = robot.input if arrow == '<-' else robot.output
    names = slots.get(DataType(kind), {}) if kind in DataType.__members__ else {}
    name = names.get(int(index))
    return f'{slot[0]} (the robot has none)' if name is None else f"{slot[0]} '{name}'"


def _sent(file: ServerFile, names: Mapping[Keys, Sequence[str]]) -> Iterator[str]:
    for keys, part in file.send.items():
        if isinstance(part, SentImage):
            height, width = part.size
            yield f'{shown(keys)} <- RGB_IMAGES {part.index}, {width} x {height} px'
        elif isinstance(part, SentText):
            yield f'{shown(keys)} <- LANGUAGE {part.index}'
        elif isinstance(part, SentConstant):
            yield f'{shown(keys)} is always {part.value}'
        else:
            for place, column in enumerate(part):
                number = _number(keys, place, names)
                if isinstance(column, SlotColumn):
                    yield f'{number} <- {column}{_scaling(column)}'
                else:
                    yield f'{number} is always {column:g}'


def _received(file: ServerFile, names: Mapping[Keys, Sequence[str]]) -> Iterator[str]:
    for keys, columns in file.receive.items():
        for place, column in enumerate(columns):
            number = _number(keys, place, names)
            if column is None:
                yield f'{number} is not used'
            else:
                yield f'{number} -> {column}{_scaling(column)}{_mode(column)}'


def _executed(file: ServerFile) -> Iterator[str]:
    # Whoever executes all rows has no time for the next prediction: no advice for a robot.
    if file.execute is not None and file.execute < file.horizon:
        yield (
            f'its authors execute {file.execute} of {file.horizon} rows before they ask again: '
            f'execute_steps:={file.execute}'
        )


def _number(keys: Keys, place: int, names: Mapping[Keys, Sequence[str]]) -> str:
    own = names.get(keys, ())
    name = f" '{own[place]}'" if place < len(own) else ''
    return f'{shown(keys)}[{place}]{name}'


def _scaling(column: SlotColumn) -> str:
    if column.scale == 1.0 and column.offset == 0.0:
        return ''
    offset = f' {"+" if column.offset > 0 else "-"} {abs(column.offset):.6g}'
    return f', slot = {column.scale:.6g} * server{offset if column.offset else ""}'


def _mode(column: ReceivedColumn) -> str:
    threshold = '' if column.threshold is None else f', open above {column.threshold:g}'
    return (f', {column.mode}' if column.mode != 'absolute' else '') + threshold
