"""A survey as a picture: a table for each DataType, coloured by what joints do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from neuracore_ros.description.alignment import Range
from neuracore_ros.drafting.roles import Role
from neuracore_ros.errors import UserError
from neuracore_ros.overview.scene import Box, Colour, Scene, Words, width_of
from neuracore_ros.overview.survey import Block, Cell, Row, Survey
from neuracore_ros.overview.svg import svg
from neuracore_ros.overview.text import policy_line, range_text, sense_text
from neuracore_ros.policy.standing import Standing

_GROUND = Colour('#ffffff', '#14181f')
_INK = Colour('#1d2430', '#e7ebf2')
_QUIET = Colour('#667085', '#98a2b3')
_FAINT = Colour('#cfd6e1', '#3a4352')
_TRAINED = Colour('#c3ccd9', '#4a5568')
_PLAIN = Colour('#edf1f7', '#232b38')
_PLAIN_EDGE = Colour('#8fa3bf', '#7388a8')
_DOUBT = Colour('#c2660a', '#f5a34a')
_REFUSED = Colour('#b42318', '#f97066')
_GOOD = Colour('#14713d', '#4ccb86')

# Role -> its ground and its edge; what may share a slot has one colour.
_SWING = Colour('#e4efd5', '#2b3a1f'), Colour('#7ba23f', '#8fbd4c')
_ROLES: dict[Role, tuple[Colour, Colour]] = {
    Role.SLIDE: (Colour('#f3ead0', '#3b3420'), Colour('#b08d2e', '#c7a548')),
    Role.BASE_YAW: (Colour('#dde7f8', '#1f2f4a'), Colour('#4b7bd0', '#6b9bf0')),
    Role.SHOULDER_PITCH: (Colour('#d5eeea', '#17383a'), Colour('#2a9d8f', '#45bfb0')),
    Role.UPPER_ARM_ROLL: (Colour('#e9e0f5', '#32274a'), Colour('#8f67c9', '#ab87e2')),
    Role.ELBOW_PITCH: (Colour('#fde6cf', '#452d17'), Colour('#e08a2e', '#eda04d')),
    Role.FOREARM_ROLL: _SWING,
    Role.WRIST_YAW: _SWING,
    Role.WRIST_PITCH: (Colour('#f9dbe0', '#4a222c'), Colour('#d1586f', '#e57f93')),
    Role.FLANGE_ROLL: (Colour('#e3e5ea', '#2e333d'), Colour('#737b8c', '#98a1b3')),
}

_DOT, _TIMES, _MINUS = '\N{MIDDLE DOT}', '\N{MULTIPLICATION SIGN}', '\N{MINUS SIGN}'
_MARGIN, _GAP = 28.0, 8.0
_NAME, _SMALL = 12.0, 10.5
_INDEX_WIDTH, _LEAST_WIDTH, _LONGEST = 36.0, 96.0, 44
_TRAINED_WIDTH = 118.0
_ROW, _TALL_ROW = 26.0, 46.0
_HEAD = 50.0
# Wider than this, inputs and outputs stand below each other.
_WIDEST = 1500.0


def save(found: Survey, path: Path) -> None:
    """Write a picture, wholly or not at all: ``.svg``, or ``.png``, which needs Pillow.

    Raises:
        UserError: It cannot be written, or Pillow is missing.
    """
    scene = draw(found)
    partial = path.with_name(f'.{path.name}.partial')
    try:
        if path.suffix.lower() == '.png':
            from neuracore_ros.overview.png import write_png

            write_png(scene, partial)
        else:
            partial.write_text(svg(scene), encoding='utf-8')
        partial.replace(path)
    except OSError as error:
        raise UserError(f'{path}: cannot be written: {error.strerror or error}') from error
    finally:
        partial.unlink(missing_ok=True)


def draw(found: Survey) -> Scene:
    """The picture of a survey."""
    widths = _widths(found)
    tables = [_Table(block, found, widths) for block in found.blocks]
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
    return Scene(right + _MARGIN, bottom + _MARGIN, _title(found), _GROUND, shapes)


def _widths(found: Survey) -> list[float]:
    """Of the robots' columns, the same in every table."""
    widths = []
    for column in found.columns:
        rows = [row for block in found.blocks for row in block.rows]
        cells = [row.cells[column.robot] for row in rows if column.robot in row.cells]
        names = [width_of(_short(cell.name), _NAME, equal=True) + 38 for cell in cells]
        notes = [width_of(_note(cell), _SMALL) + 24 for cell in cells]
        title = width_of(_short(column.robot), _NAME) + 24
        widths.append(max(_LEAST_WIDTH, title, *names, *notes))
    return widths


@dataclass(frozen=True, slots=True)
class _Table:
    block: Block
    found: Survey
    widths: Sequence[float]

    @property
    def trained_width(self) -> float:
        return 0.0 if self.found.policy is None else _TRAINED_WIDTH

    @property
    def width(self) -> float:
        robots = sum(width + _GAP for width in self.widths)
        return _INDEX_WIDTH + self.trained_width + robots - _GAP

    @property
    def row_height(self) -> float:
        cells = [cell for row in self.block.rows for cell in row.cells.values()]
        return _TALL_ROW if any(_note(c) or c.reach for c in cells) else _ROW

    @property
    def height(self) -> float:
        return _HEAD + len(self.block.folded()) * (self.row_height + 4) - 4

    def shapes(self, x: float, y: float) -> Iterator[Box | Words]:
        width = f'{self.block.role}, width {self.block.width}'
        kind = Words(x, y + 13, str(self.block.kind), _INK, 13, bold=True, equal=True)
        yield kind
        yield Words(x + kind.width + 12, y + 13, width, _QUIET, 12)
        left = x + _INDEX_WIDTH
        if self.trained_width:
            yield Words(left, y + 38, 'trained', _QUIET, 12)
            left += self.trained_width
        for column, size in zip(self.found.columns, self.widths, strict=True):
            colour = _QUIET if column.is_trained else _INK
            colour = _REFUSED if column.refusal else colour
            yield Words(left + 2, y + 38, _short(column.robot), colour, 12, bold=True)
            left += size + _GAP
        for number, (index, row) in enumerate(self.block.folded()):
            yield from self._row(x, y + _HEAD + number * (self.row_height + 4), index, row)

    def _row(self, x: float, y: float, index: str, row: Row) -> Iterator[Box | Words]:
        middle = y + self.row_height / 2 + 4.5
        is_refused = any(c.standing is Standing.REFUSED for c in row.cells.values())
        colour = _REFUSED if is_refused else _QUIET
        yield Words(x + _INDEX_WIDTH - 10, middle, index, colour, 12, anchor='end')
        left = x + _INDEX_WIDTH
        ends = [cell.reach for cell in row.cells.values()] + [row.trained]
        known = [each for each in ends if each is not None]
        scale = max((abs(end) for each in known for end in each), default=0.0)
        if self.trained_width:
            text = range_text(row.trained) if row.trained else 'yes' if row.is_trained else '-'
            yield Words(left, middle, text, _INK if row.is_trained else _FAINT, 11.5)
            left += self.trained_width
        for column, width in zip(self.found.columns, self.widths, strict=True):
            box = left, y, width, self.row_height
            cell = row.cells.get(column.robot)
            if cell is None:
                yield Box(*box, 6, None, _FAINT, dashed=True)
            else:
                yield from self._cell(box, cell, row, scale, column.is_trained)
            left += width + _GAP

    def _cell(
        self,
        box: tuple[float, float, float, float],
        cell: Cell,
        row: Row,
        scale: float,
        is_trained: bool,
    ) -> Iterator[Box | Words]:
        x, y, width, height = box
        fill, edge = _ROLES[cell.role] if cell.role else (_PLAIN, _PLAIN_EDGE)
        ink = _INK
        if cell.standing in {Standing.MASKED, Standing.IGNORED}:
            fill, ink = _GROUND, _QUIET
        stroke = _frame(cell)
        yield Box(x, y, width, height, 6, fill, stroke, 1.5, hint=_hint(cell))
        yield Box(x + 4, y + 5, 3, height - 10, 1.5, edge)
        is_tall = height == _TALL_ROW
        name_y = y + 17 if is_tall and (_note(cell) or cell.reach) else y + height / 2 + 4.5
        yield Words(x + 14, name_y, _short(cell.name), ink, _NAME, equal=True)
        if cell.is_doubted:
            yield Words(x + width - 10, name_y, '!', _DOUBT, 13, bold=True, anchor='end')
        if note := _note(cell):
            colour = _REFUSED if cell.standing is Standing.REFUSED else _QUIET
            yield Words(x + 14, y + 30.5, note, colour, _SMALL)
        if cell.reach and scale:
            yield from _bar(
                (x + 14, y + height - 6, width - 24), cell.reach, row.trained, scale, edge
            )


def _bar(
    place: tuple[float, float, float],
    ends: Range,
    trained: Range | None,
    scale: float,
    colour: Colour,
) -> Iterator[Box]:
    """What a joint reaches, before what training saw, from -scale to scale; a tick at zero."""
    x, y, width = place

    def segment(part: Range, height: float, fill: Colour) -> Box:
        start, length = (part[0] + scale) / 2 / scale * width, (part[1] - part[0]) / 2 / scale
        return Box(x + start, y - height / 2, max(length * width, 2.0), height, height / 2, fill)

    if trained is not None:
        yield segment(trained, 7, _TRAINED)
    yield Box(x + width / 2 - 0.5, y - 4, 1, 8, 0, _QUIET)
    yield segment(ends, 2.5, colour)


def _frame(cell: Cell) -> Colour | None:
    if cell.standing is Standing.REFUSED:
        return _REFUSED
    if cell.is_doubted:
        return _DOUBT
    return _FAINT if cell.standing is not Standing.FITS else None


def _note(cell: Cell) -> str:
    """Below a name: what the joint does, what is done to it, how it stands beside the policy."""
    notes = [str(cell.role) if cell.role else '', sense_text(cell)]
    if cell.standing is not Standing.FITS:
        notes.append(str(cell.standing))
    text = f'  {_DOT}  '.join(filter(None, notes))
    return text.replace('x -', f'{_TIMES} {_MINUS}').replace('- ', f'{_MINUS} ')


def _hint(cell: Cell) -> str:
    ends = f'\nreaches {range_text(cell.reach)}' if cell.reach else ''
    return f'{cell.name}\n{_note(cell)}{ends}'


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST else f'{name[: _LONGEST - 1]}…'


def _title(found: Survey) -> str:
    return f'Layout of {", ".join(column.robot for column in found.columns)}'


def _heading(found: Survey) -> Iterator[Words]:
    y = _MARGIN + 14
    yield Words(_MARGIN, y, _title(found), _INK, 18, bold=True)
    if found.policy is not None:
        y += 22
        text = policy_line(found.policy)
        yield Words(_MARGIN, y, text[0].upper() + text[1:], _QUIET, 12.5)
    given = [c for c in found.columns if found.policy is not None and not c.is_trained]
    if fitting := [column.robot for column in given if not column.refusal]:
        y += 22
        fit = 'fits' if len(fitting) == 1 else 'fit'
        yield Words(_MARGIN, y, f'{", ".join(fitting)} {fit}', _GOOD, 12.5, bold=True)
    for column in given:
        if column.refusal:
            y += 22
            yield Words(_MARGIN, y, f'Refused: {column.refusal}', _REFUSED, 12.5)


def _width(tables: Sequence[_Table]) -> float:
    return max((table.width for table in tables), default=0.0)


def _legend(found: Survey, top: float, right: float) -> tuple[list[Box | Words], float]:
    """What colours and marks mean, in lines; and where they end."""
    cells = [cell for block in found.blocks for row in block.rows for cell in row.cells.values()]
    rows = [row for block in found.blocks for row in block.rows]
    seen = {cell.role for cell in cells}
    parts: list[tuple[Box | Words, str]] = []
    for role, (fill, edge) in _ROLES.items():
        if role in seen:
            parts.append((Box(0, 0, 14, 14, 4, fill, edge), str(role)))
    if any(len(row.cells) < len(found.columns) for row in rows):
        parts.append((Box(0, 0, 14, 14, 4, None, _FAINT, dashed=True), 'the robot has none'))
    if any(cell.is_doubted for cell in cells):
        parts.append(
            (Words(7, 12, '!', _DOUBT, 13, bold=True, anchor='middle'), 'see the warnings')
        )
    if any(cell.reach for cell in cells):
        parts.append((Box(0, 6, 14, 2, 1, _PLAIN_EDGE), 'what a joint reaches; tick: 0'))
    if any(row.trained for row in rows):
        parts.append((Box(0, 3.5, 14, 7, 3.5, _TRAINED), 'what training saw'))
    shapes: list[Box | Words] = []
    x, y = _MARGIN, top
    for mark, text in parts:
        length = 20 + width_of(text, 12) + 18
        if x > _MARGIN and x + length > right:
            x, y = _MARGIN, y + 22
        shapes += [_moved(mark, x, y), Words(x + 20, y + 11.5, text, _QUIET, 12)]
        x += length
    return shapes, y + 14 if parts else top - 26


def _moved(shape: Box | Words, x: float, y: float) -> Box | Words:
    return replace(shape, x=shape.x + x, y=shape.y + y)
