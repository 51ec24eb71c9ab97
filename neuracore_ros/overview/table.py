"""One table of a layout's picture: a row for each index, a column for each robot."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from neuracore_ros.description.limits import Range
from neuracore_ros.overview.palette import ROLES
from neuracore_ros.overview.survey import LayoutCell, LayoutRow, LayoutTable, Survey
from neuracore_ros.overview.text import range_text, scale_text
from neuracore_ros.policy.compatibility import SlotCompatibility
from neuracore_ros.svg import rectangle, text, text_width

_DOT, _TIMES, _MINUS = '\N{MIDDLE DOT}', '\N{MULTIPLICATION SIGN}', '\N{MINUS SIGN}'
_GAP = 8.0
_TITLE, _NAME, _SMALL = 13.0, 12.0, 10.5
_INDEX_WIDTH, _LEAST_WIDTH, _LONGEST = 36.0, 96.0, 44
_TRAINED_WIDTH = 118.0
_ROW, _TALL_ROW = 26.0, 46.0
_HEAD = 50.0


def column_widths(found: Survey) -> list[float]:
    """The widths of the robots' columns, the same in every table [px]."""
    widths = []
    for column in found.columns:
        rows = [row for table in found.tables for row in table.rows]
        cells = [row.cells[column.robot] for row in rows if column.robot in row.cells]
        names = [text_width(_short(cell.name), _NAME, equal=True) + 38 for cell in cells]
        notes = [text_width(_note(cell), _SMALL) + 24 for cell in cells]
        title = text_width(_both_ends(column.robot), _NAME, bold=True) + 12
        widths.append(max(_LEAST_WIDTH, title, *names, *notes))
    return widths


@dataclass(frozen=True, slots=True)
class TableDrawing:
    """One DataType of a survey, to be drawn with robots' columns of such widths [px]."""

    table: LayoutTable
    found: Survey
    widths: Sequence[float]

    @property
    def _trained_width(self) -> float:
        return 0.0 if self.found.policy is None else _TRAINED_WIDTH

    @property
    def _index_width(self) -> float:
        names = [row.slot.name for row in self.table.rows if row.slot]
        longest = max((text_width(name, _NAME, equal=True) for name in names), default=-_GAP)
        return _INDEX_WIDTH + _GAP + longest

    @property
    def width(self) -> float:
        """The width of its columns, or of its title if that is wider [px]."""
        robots = sum(width + _GAP for width in self.widths)
        columns = self._index_width + self._trained_width + robots - _GAP
        kind, width = self._title_texts()
        title = text_width(kind, _TITLE, equal=True) + 12 + text_width(width, 12)
        return max(columns, title)

    @property
    def _row_height(self) -> float:
        cells = [cell for row in self.table.rows for cell in row.cells.values()]
        return _TALL_ROW if any(_note(c) or c.reach for c in cells) else _ROW

    @property
    def height(self) -> float:
        """The height of its rows with the heading [px]."""
        return _HEAD + len(self.table.folded()) * (self._row_height + 4) - 4

    def elements(self, x: float, y: float) -> Iterator[str]:
        """The table with its upper left corner at a place [px]."""
        kind, width = self._title_texts()
        yield bold_text(x, y + 13, kind, _TITLE, class_='ink mono')
        after = x + text_width(kind, _TITLE, equal=True) + 12
        yield text(after, y + 13, width, class_='quiet')
        left = x + self._index_width
        if self._trained_width:
            yield text(left, y + 38, 'trained', class_='quiet')
            left += self._trained_width
        for column, size in zip(self.found.columns, self.widths, strict=True):
            colour = 'refused' if column.refusal else 'quiet' if column.is_trained else 'ink'
            yield bold_text(left + 2, y + 38, _both_ends(column.robot), class_=colour)
            left += size + _GAP
        for number, (index, row) in enumerate(self.table.folded()):
            yield from self._row(x, y + _HEAD + number * (self._row_height + 4), index, row)

    def _title_texts(self) -> tuple[str, str]:
        return str(self.table.kind), f'{self.table.role}, width {self.table.width}'

    def _row(self, x: float, y: float, index: str, row: LayoutRow) -> Iterator[str]:
        middle = y + self._row_height / 2 + 4.5
        is_refused = any(c.compatibility is SlotCompatibility.REFUSED for c in row.cells.values())
        colour = 'refused' if is_refused else 'quiet'
        yield text(x + _INDEX_WIDTH - 10, middle, index, class_=colour, text_anchor='end')
        if row.slot and index.isdecimal():
            yield text(x + _INDEX_WIDTH, middle, row.slot.name, _NAME, class_=f'{colour} mono')
        left = x + self._index_width
        ends = [cell.reach for cell in row.cells.values()] + [row.trained]
        known = [each for each in ends if each is not None]
        scale = max((abs(end) for each in known for end in each), default=0.0)
        if self._trained_width:
            said = range_text(row.trained) if row.trained else 'yes' if row.is_trained else '-'
            yield text(left, middle, said, 11.5, class_='ink' if row.is_trained else 'faint')
            left += self._trained_width
        for column, width in zip(self.found.columns, self.widths, strict=True):
            box = left, y, width, self._row_height
            cell = row.cells.get(column.robot)
            yield from self._cell(box, cell, row, scale) if cell else [empty_box(*box, 6)]
            left += width + _GAP

    def _cell(
        self,
        box: tuple[float, float, float, float],
        cell: LayoutCell,
        row: LayoutRow,
        scale: float,
    ) -> Iterator[str]:
        x, y, width, height = box
        fill, ink = ROLES[cell.role] if cell.role else 'plain', 'ink'
        bar = f'{fill}-bar'
        if cell.compatibility in {SlotCompatibility.MASKED, SlotCompatibility.IGNORED}:
            fill, ink = 'ground', 'quiet'
        note = _note(cell)
        edge = f'{fill} {_edge(cell)}'.strip()
        reach = f'\nreaches {range_text(cell.reach)}' if cell.reach else ''
        yield rectangle(*box, 6, f'{cell.name}\n{note}{reach}', class_=edge)
        yield rectangle(x + 4, y + 5, 3, height - 10, 1.5, class_=bar)
        has_two_lines = height == _TALL_ROW and bool(note or cell.reach)
        name_y = y + 17 if has_two_lines else y + height / 2 + 4.5
        yield text(x + 14, name_y, _short(cell.name), _NAME, class_=f'{ink} mono')
        if cell.is_doubted:
            yield doubt_mark(x + width - 10, name_y, 'end')
        if note:
            colour = 'refused' if cell.compatibility is SlotCompatibility.REFUSED else 'quiet'
            yield text(x + 14, y + 30.5, note, _SMALL, class_=colour)
        if cell.reach and scale:
            place = x + 14, y + height - 6, width - 24
            yield from _range_bar(place, cell.reach, row.trained, scale, bar)


def bold_text(x: float, y: float, words: str, size: float = 12.0, **attributes: str) -> str:
    """A line of bold text."""
    return text(x, y, words, size, font_weight='600', **attributes)


def empty_box(x: float, y: float, width: float, height: float, radius: float) -> str:
    """The place of a slot that a robot does not have."""
    return rectangle(
        x, y, width, height, radius, class_='faint-edge', fill='none', stroke_dasharray='3 3'
    )


def doubt_mark(x: float, y: float, anchor: str) -> str:
    """The mark of a slot of which a warning speaks."""
    return bold_text(x, y, '!', 13, class_='doubt', text_anchor=anchor)


def _range_bar(
    place: tuple[float, float, float], ends: Range, trained: Range | None, scale: float, bar: str
) -> Iterator[str]:
    """The range of a joint before that of training, from -scale to scale; a tick at zero."""
    x, y, width = place

    def segment(part: Range, height: float, colour: str) -> str:
        start, length = (part[0] + scale) / 2 / scale * width, (part[1] - part[0]) / 2 / scale
        long = max(length * width, 2.0)
        return rectangle(x + start, y - height / 2, long, height, height / 2, class_=colour)

    if trained is not None:
        yield segment(trained, 7, 'trained')
    yield rectangle(x + width / 2 - 0.5, y - 4, 1, 8, class_='quiet')
    yield segment(ends, 2.5, bar)


def _edge(cell: LayoutCell) -> str:
    if cell.compatibility is SlotCompatibility.REFUSED:
        return 'refused-edge'
    if cell.is_doubted:
        return 'doubt-edge'
    return 'faint-edge' if cell.compatibility is not SlotCompatibility.FITS else ''


def _note(cell: LayoutCell) -> str:
    """The line below a name: role, scale, offset, and compatibility with the policy."""
    sense = scale_text(cell).replace('x ', f'{_TIMES} ').replace('-', _MINUS)
    notes = [str(cell.role) if cell.role else '', sense, cell.treatment]
    if cell.compatibility is not SlotCompatibility.FITS:
        notes.append(str(cell.compatibility))
    return f'  {_DOT}  '.join(filter(None, notes))


def _both_ends(name: str) -> str:
    """A robot's name: those of one family begin alike, and differ at their end."""
    half = (_LONGEST - 1) // 2
    return name if len(name) <= _LONGEST else f'{name[:half]}…{name[-half:]}'


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST else f'{name[: _LONGEST - 1]}…'
