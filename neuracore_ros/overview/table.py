"""One table of the picture: a row for each index, a column for each robot."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from neuracore_ros.description.limits import Range
from neuracore_ros.overview.palette import (
    DOUBT,
    FAINT,
    GROUND,
    INK,
    PLAIN,
    PLAIN_EDGE,
    QUIET,
    REFUSED,
    ROLES,
    TRAINED,
)
from neuracore_ros.overview.scene import Box, Colour, Words, width_of
from neuracore_ros.overview.survey import Block, Cell, Row, Survey
from neuracore_ros.overview.text import range_text, sense_text
from neuracore_ros.policy.standing import Standing

_DOT, _TIMES, _MINUS = '\N{MIDDLE DOT}', '\N{MULTIPLICATION SIGN}', '\N{MINUS SIGN}'
_GAP = 8.0
_NAME, _SMALL = 12.0, 10.5
_INDEX_WIDTH, _LEAST_WIDTH, _LONGEST = 36.0, 96.0, 44
_TRAINED_WIDTH = 118.0
_ROW, _TALL_ROW = 26.0, 46.0
_HEAD = 50.0


def column_widths(found: Survey) -> list[float]:
    """Of the robots' columns, the same in every table."""
    widths = []
    for column in found.columns:
        rows = [row for block in found.blocks for row in block.rows]
        cells = [row.cells[column.robot] for row in rows if column.robot in row.cells]
        names = [width_of(_short(cell.name), _NAME, equal=True) + 38 for cell in cells]
        notes = [width_of(_note(cell), _SMALL) + 24 for cell in cells]
        title = width_of(_both_ends(column.robot), _NAME, bold=True) + 12
        widths.append(max(_LEAST_WIDTH, title, *names, *notes))
    return widths


@dataclass(frozen=True, slots=True)
class Table:
    """One DataType, to be drawn.

    Attributes:
        block: Its rows.
        found: The survey that it is part of.
        widths: Of the robots' columns [px].
    """

    block: Block
    found: Survey
    widths: Sequence[float]

    @property
    def _trained_width(self) -> float:
        return 0.0 if self.found.policy is None else _TRAINED_WIDTH

    @property
    def width(self) -> float:
        """Of all columns, or of the title where that is wider [px]."""
        robots = sum(width + _GAP for width in self.widths)
        columns = _INDEX_WIDTH + self._trained_width + robots - _GAP
        return max(columns, *(words.x + words.width for words in self._title(0.0, 0.0)))

    @property
    def _row_height(self) -> float:
        cells = [cell for row in self.block.rows for cell in row.cells.values()]
        return _TALL_ROW if any(_note(c) or c.reach for c in cells) else _ROW

    @property
    def height(self) -> float:
        """Of all rows, with their heading [px]."""
        return _HEAD + len(self.block.folded()) * (self._row_height + 4) - 4

    def shapes(self, x: float, y: float) -> Iterator[Box | Words]:
        """The table with its upper left corner at a place [px]."""
        yield from self._title(x, y)
        left = x + _INDEX_WIDTH
        if self._trained_width:
            yield Words(left, y + 38, 'trained', QUIET, 12)
            left += self._trained_width
        for column, size in zip(self.found.columns, self.widths, strict=True):
            colour = QUIET if column.is_trained else INK
            colour = REFUSED if column.refusal else colour
            yield Words(left + 2, y + 38, _both_ends(column.robot), colour, 12, bold=True)
            left += size + _GAP
        for number, (index, row) in enumerate(self.block.folded()):
            yield from self._row(x, y + _HEAD + number * (self._row_height + 4), index, row)

    def _title(self, x: float, y: float) -> tuple[Words, Words]:
        width = f'{self.block.role}, width {self.block.width}'
        kind = Words(x, y + 13, str(self.block.kind), INK, 13, bold=True, equal=True)
        return kind, Words(x + kind.width + 12, y + 13, width, QUIET, 12)

    def _row(self, x: float, y: float, index: str, row: Row) -> Iterator[Box | Words]:
        middle = y + self._row_height / 2 + 4.5
        is_refused = any(c.standing is Standing.REFUSED for c in row.cells.values())
        colour = REFUSED if is_refused else QUIET
        yield Words(x + _INDEX_WIDTH - 10, middle, index, colour, 12, anchor='end')
        left = x + _INDEX_WIDTH
        ends = [cell.reach for cell in row.cells.values()] + [row.trained]
        known = [each for each in ends if each is not None]
        scale = max((abs(end) for each in known for end in each), default=0.0)
        if self._trained_width:
            text = range_text(row.trained) if row.trained else 'yes' if row.is_trained else '-'
            yield Words(left, middle, text, INK if row.is_trained else FAINT, 11.5)
            left += self._trained_width
        for column, width in zip(self.found.columns, self.widths, strict=True):
            box = left, y, width, self._row_height
            cell = row.cells.get(column.robot)
            if cell is None:
                yield Box(*box, 6, None, FAINT, dashed=True)
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
        fill, edge = ROLES[cell.role] if cell.role else (PLAIN, PLAIN_EDGE)
        ink = INK
        if cell.standing in {Standing.MASKED, Standing.IGNORED}:
            fill, ink = GROUND, QUIET
        stroke = _frame(cell)
        yield Box(x, y, width, height, 6, fill, stroke, 1.5, hint=_hint(cell))
        yield Box(x + 4, y + 5, 3, height - 10, 1.5, edge)
        is_tall = height == _TALL_ROW
        name_y = y + 17 if is_tall and (_note(cell) or cell.reach) else y + height / 2 + 4.5
        yield Words(x + 14, name_y, _short(cell.name), ink, _NAME, equal=True)
        if cell.is_doubted:
            yield Words(x + width - 10, name_y, '!', DOUBT, 13, bold=True, anchor='end')
        if note := _note(cell):
            colour = REFUSED if cell.standing is Standing.REFUSED else QUIET
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
        yield segment(trained, 7, TRAINED)
    yield Box(x + width / 2 - 0.5, y - 4, 1, 8, 0, QUIET)
    yield segment(ends, 2.5, colour)


def _frame(cell: Cell) -> Colour | None:
    if cell.standing is Standing.REFUSED:
        return REFUSED
    if cell.is_doubted:
        return DOUBT
    return FAINT if cell.standing is not Standing.FITS else None


def _note(cell: Cell) -> str:
    """Below a name: what the joint does, what is done to it, how it stands beside the policy."""
    sense = sense_text(cell).replace('x ', f'{_TIMES} ').replace('-', _MINUS)
    notes = [str(cell.role) if cell.role else '', sense]
    if cell.standing is not Standing.FITS:
        notes.append(str(cell.standing))
    return f'  {_DOT}  '.join(filter(None, notes))


def _hint(cell: Cell) -> str:
    ends = f'\nreaches {range_text(cell.reach)}' if cell.reach else ''
    return f'{cell.name}\n{_note(cell)}{ends}'


def _both_ends(name: str) -> str:
    """A robot's name: those of one family begin alike, and differ at their end."""
    half = (_LONGEST - 1) // 2
    return name if len(name) <= _LONGEST else f'{name[:half]}…{name[-half:]}'


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST else f'{name[: _LONGEST - 1]}…'
