"""A layout as an SVG picture: a table for each DataType, coloured by what joints do."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from neuracore_ros.description.descriptions import Descriptions
from neuracore_ros.overview.palette import ROLES, style_sheet
from neuracore_ros.overview.survey import Survey, survey
from neuracore_ros.overview.table import (
    TableDrawing,
    bold_text,
    column_widths,
    doubt_mark,
    empty_box,
)
from neuracore_ros.overview.text import policy_line
from neuracore_ros.svg import picture, rectangle, text, text_width

_MARGIN = 28.0
_TITLE, _LINE = 18.0, 12.5
# Wider than this, inputs and outputs stand below each other.
_WIDEST = 1500.0


def draw(found: Survey, in_page: bool = False) -> str:
    """The SVG picture of a layout: a file, or a part of an HTML page, whose colours it follows."""
    widths = column_widths(found)
    tables = [TableDrawing(table, found, widths) for table in found.tables]
    inputs = [table for table in tables if table.table.role != 'output']
    outputs = [table for table in tables if table.table.role == 'output']
    columns = [inputs, outputs]
    if sum(_width(column) for column in columns) + 3 * _MARGIN > _WIDEST or not outputs:
        columns = [inputs + outputs]
    elements, top, right = _heading(found)
    x, bottom = _MARGIN, top
    for column in columns:
        y = top
        for table in column:
            elements += table.elements(x, y)
            y += table.height + 26
        x += _width(column) + _MARGIN
        bottom, right = max(bottom, y - 26), max(right, x - _MARGIN)
    legend, bottom, right = _legend(found, bottom + 26, right)
    width, height = right + _MARGIN, bottom + _MARGIN
    ground = rectangle(0, 0, width, height, 10, class_='ground')
    shapes = [style_sheet(in_page), ground, *elements, *legend]
    return picture(width, height, shapes, _title(found), class_='layout')


def layout_section(
    robots: Descriptions, heading: str = 'Which joint and camera sits at which index'
) -> str:
    """The part of a page about the joint or camera of each robot at each index."""
    found = survey(robots)
    warnings = ''.join(f'<li>{html.escape(text)}</li>' for text in found.warnings)
    return (
        f'<h2>{html.escape(heading)}</h2>\n'
        f'<div class="scroll" tabindex="0" role="region" aria-label="picture of the layout">'
        f'{draw(found, in_page=True)}</div>\n' + (f'<ul>{warnings}</ul>' if warnings else '')
    )


def _title(found: Survey) -> str:
    return f'Layout of {", ".join(column.robot for column in found.columns)}'


def _heading(found: Survey) -> tuple[list[str], float, float]:
    """The lines above the tables; the top of the tables, and the end of the longest line [px]."""
    y = _MARGIN + 14
    elements = [bold_text(_MARGIN, y, _title(found), _TITLE, class_='ink')]
    right = _MARGIN + text_width(_title(found), _TITLE, bold=True)
    for words, colour in _results(found):
        y += 22
        line = bold_text if colour == 'good' else text
        elements.append(line(_MARGIN, y, words, _LINE, class_=colour))
        right = max(right, _MARGIN + text_width(words, _LINE, bold=colour == 'good'))
    return elements, y + 20, right


def _results(found: Survey) -> Iterator[tuple[str, str]]:
    """The policy and the robots that fit it, in lines, each with its colour."""
    if found.policy is None:
        return
    line = policy_line(found.policy)
    yield line[0].upper() + line[1:], 'quiet'
    given = [column for column in found.columns if not column.is_trained]
    if fitting := [column.robot for column in given if not column.refusal]:
        yield f'{", ".join(fitting)} {"fits" if len(fitting) == 1 else "fit"}', 'good'
    for column in given:
        if column.refusal:
            yield f'Refused: {column.refusal}', 'refused'


def _width(tables: Sequence[TableDrawing]) -> float:
    return max((table.width for table in tables), default=0.0)


def _legend(found: Survey, top: float, right: float) -> tuple[list[str], float, float]:
    """The meaning of colours and marks; the end of its lines, below and on the right [px]."""
    elements: list[str] = []
    x, y = _MARGIN, top
    end = right
    for mark, words in _legend_entries(found):
        width = text_width(words, 12.0)
        if x > _MARGIN and x + 20 + width + 18 > right:
            x, y = _MARGIN, y + 22
        elements += [mark(x, y), text(x + 20, y + 11.5, words, class_='quiet')]
        end = max(end, x + 20 + width)
        x += 20 + width + 18
    return elements, y + 14 if elements else top - 26, end


def _legend_entries(found: Survey) -> Iterator[tuple[Callable[[float, float], str], str]]:
    """Each mark of the picture, to be drawn at (x, y), and its meaning."""
    rows = [row for table in found.tables for row in table.rows]
    cells = [cell for row in rows for cell in row.cells.values()]
    drawn = {cell.role for cell in cells}
    for role, colour in ROLES.items():
        if role in drawn:
            yield partial(_swatch, colour), str(role)
    if any(len(row.cells) < len(found.columns) for row in rows):
        yield lambda x, y: empty_box(x, y, 14, 14, 4), 'the robot has none'
    if any(cell.is_doubted for cell in cells):
        yield lambda x, y: doubt_mark(x + 7, y + 12, 'middle'), 'see the warnings'
    if any(cell.reach for cell in cells):
        yield partial(_bar, 'plain-bar', 2.0), 'range of a joint; tick: 0'
    if any(row.trained for row in rows):
        yield partial(_bar, 'trained', 7.0), 'range in training'


def _swatch(colour: str, x: float, y: float) -> str:
    ground = rectangle(x, y, 14, 14, 4, class_=colour)
    return ground + rectangle(x + 2, y + 3, 3, 8, 1.5, class_=f'{colour}-bar')


def _bar(colour: str, height: float, x: float, y: float) -> str:
    return rectangle(x, y + 7 - height / 2, 14, height, height / 2, class_=colour)
