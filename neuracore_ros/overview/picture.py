"""A survey as a picture: a table for each DataType, coloured by what joints do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from neuracore_ros.files import whole_file, write_whole
from neuracore_ros.overview.palette import (
    DOUBT,
    FAINT,
    GOOD,
    GROUND,
    INK,
    PLAIN_EDGE,
    QUIET,
    REFUSED,
    ROLES,
    TRAINED,
)
from neuracore_ros.overview.scene import Box, Scene, Words, width_of
from neuracore_ros.overview.survey import Survey
from neuracore_ros.overview.svg import svg
from neuracore_ros.overview.table import Table, column_widths
from neuracore_ros.overview.text import policy_line

_MARGIN = 28.0
# Wider than this, inputs and outputs stand below each other.
_WIDEST = 1500.0


def save(found: Survey, path: Path) -> None:
    """Write a picture, wholly or not at all: ``.svg``, or ``.png``, which needs Pillow.

    Raises:
        WriteError: It cannot be written.
        ModuleNotFoundError: Pillow is missing.
    """
    scene = draw(found)
    if path.suffix.lower() != '.png':
        write_whole(path, svg(scene))
        return
    from neuracore_ros.overview.png import write_png

    with whole_file(path) as file:
        write_png(scene, file)


def draw(found: Survey) -> Scene:
    """The picture of a survey."""
    widths = column_widths(found)
    tables = [Table(block, found, widths) for block in found.blocks]
    inputs = [table for table in tables if table.block.role != 'output']
    outputs = [table for table in tables if table.block.role == 'output']
    columns = [inputs, outputs]
    if sum(_width(column) for column in columns) + 3 * _MARGIN > _WIDEST or not outputs:
        columns = [inputs + outputs]
    heading = list(_heading(found))
    top = max((words.y for words in heading), default=_MARGIN) + 20
    shapes: list[Box | Words] = list(heading)
    x, bottom, right = _MARGIN, top, _MARGIN
    for column in columns:
        y = top
        for table in column:
            shapes += table.shapes(x, y)
            y += table.height + 26
        x += _width(column) + _MARGIN
        bottom, right = max(bottom, y - 26), max(right, x - _MARGIN)
    right = max(right, *(words.x + words.width for words in heading))
    legend, bottom = _legend(found, bottom + 26, right)
    shapes += legend
    right = max([right, *(s.x + s.width for s in legend if isinstance(s, Words))])
    return Scene(right + _MARGIN, bottom + _MARGIN, _title(found), GROUND, shapes)


def _title(found: Survey) -> str:
    return f'Layout of {", ".join(column.robot for column in found.columns)}'


def _heading(found: Survey) -> Iterator[Words]:
    y = _MARGIN + 14
    yield Words(_MARGIN, y, _title(found), INK, 18, bold=True)
    if found.policy is not None:
        y += 22
        text = policy_line(found.policy)
        yield Words(_MARGIN, y, text[0].upper() + text[1:], QUIET, 12.5)
    given = [c for c in found.columns if found.policy is not None and not c.is_trained]
    if fitting := [column.robot for column in given if not column.refusal]:
        y += 22
        fit = 'fits' if len(fitting) == 1 else 'fit'
        yield Words(_MARGIN, y, f'{", ".join(fitting)} {fit}', GOOD, 12.5, bold=True)
    for column in given:
        if column.refusal:
            y += 22
            yield Words(_MARGIN, y, f'Refused: {column.refusal}', REFUSED, 12.5)


def _width(tables: Sequence[Table]) -> float:
    return max((table.width for table in tables), default=0.0)


def _legend(found: Survey, top: float, right: float) -> tuple[list[Box | Words], float]:
    """What colours and marks mean, in lines; and where they end."""
    cells = [cell for block in found.blocks for row in block.rows for cell in row.cells.values()]
    rows = [row for block in found.blocks for row in block.rows]
    seen = {cell.role for cell in cells}
    parts: list[tuple[Box | Words, str]] = []
    for role, (fill, edge) in ROLES.items():
        if role in seen:
            parts.append((Box(0, 0, 14, 14, 4, fill, edge), str(role)))
    if any(len(row.cells) < len(found.columns) for row in rows):
        parts.append((Box(0, 0, 14, 14, 4, None, FAINT, dashed=True), 'the robot has none'))
    if any(cell.is_doubted for cell in cells):
        parts.append(
            (Words(7, 12, '!', DOUBT, 13, bold=True, anchor='middle'), 'see the warnings')
        )
    if any(cell.reach for cell in cells):
        parts.append((Box(0, 6, 14, 2, 1, PLAIN_EDGE), 'what a joint reaches; tick: 0'))
    if any(row.trained for row in rows):
        parts.append((Box(0, 3.5, 14, 7, 3.5, TRAINED), 'what training saw'))
    shapes: list[Box | Words] = []
    x, y = _MARGIN, top
    for mark, text in parts:
        length = 20 + width_of(text, 12) + 18
        if x > _MARGIN and x + length > right:
            x, y = _MARGIN, y + 22
        shapes += [_moved(mark, x, y), Words(x + 20, y + 11.5, text, QUIET, 12)]
        x += length
    return shapes, y + 14 if parts else top - 26


def _moved(shape: Box | Words, x: float, y: float) -> Box | Words:
    return replace(shape, x=shape.x + x, y=shape.y + y)
