"""Pieces of HTML for the page's panels; names of files stand in them as text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from neuracore_ros.errors import printable

# Colours that are read on white and on viser's dark grey alike.
_AMBER, _RED, _GREEN, _GREY = '#c25e00', '#d6453d', '#2f9e44', '#868e96'
_BOX = 'margin:0 0.75em 0.5em;font-size:0.85em;line-height:1.4'


def line(text: str) -> str:
    """A paragraph."""
    return f'<div style="{_BOX}">{text_of(text)}</div>'


def grey(text: str) -> str:
    """A paragraph of an explanation."""
    return f'<div style="{_BOX};color:{_GREY}">{text_of(text)}</div>'


def listed(texts: Iterable[str]) -> str:
    """A list of lines."""
    items = ''.join(f'<li>{text_of(text)}</li>' for text in texts)
    return f'<ul style="{_BOX};padding-left:1.2em">{items}</ul>'


def head(text: str) -> str:
    """A heading of a part of a list."""
    return f'<h3 style="{_BOX};font-weight:600">{text_of(text)}</h3>'


def warnings(texts: Iterable[str]) -> str:
    """A list of warnings, each with a bar at its left; empty of none."""
    return ''.join(
        f'<div role="note" style="{_BOX};border-left:3px solid {_AMBER};padding-left:0.6em">'
        f'<b>Warning.</b> {text_of(text)}</div>'
        for text in texts
    )


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], marked: Iterable[bool]) -> str:
    """A table with a head; marked rows are in the colour of a warning."""
    head = ''.join(
        f'<th scope="col" style="{_cell(i)};color:{_GREY}">{text_of(each)}</th>'
        for i, each in enumerate(heads)
    )
    body = ''
    for row, is_marked in zip(rows, marked, strict=True):
        colour = f';color:{_AMBER}' if is_marked else ''
        cells = ''.join(
            f'<td style="{_cell(i)}">{text_of(each)}</td>' for i, each in enumerate(row)
        )
        body += f'<tr style="border-top:1px solid rgba(134,142,150,0.35){colour}">{cells}</tr>'
    return (
        f'<div style="{_BOX};overflow-x:auto"><table style="border-collapse:collapse;width:100%">'
        f'<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
    )


def diff(lines: Iterable[str]) -> str:
    """The lines of a unified diff: what goes in red, what comes in green."""
    colours = {'+': _GREEN, '-': _RED, '@': _GREY}
    shown = ''.join(
        f'<div style="color:{colours.get(each[:1], "inherit")}">{text_of(each) or "&nbsp;"}</div>'
        for each in lines
    )
    style = 'font-family:monospace;white-space:pre;overflow-x:auto'
    return f'<div style="{_BOX};{style}" tabindex="0" aria-label="Changed lines">{shown}</div>'


def text_of(text: str) -> str:
    """Text for HTML: no tag, no control character."""
    return escape(printable(text))


def _cell(column: int) -> str:
    align = 'left' if column < 2 else 'right'
    return f'text-align:{align};padding:0.15em 0.4em 0.15em 0;font-weight:inherit'
