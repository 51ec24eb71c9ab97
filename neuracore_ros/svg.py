"""Elements of SVG pictures as text: no drawing library is needed to write or to read them."""

from __future__ import annotations

import html
import unicodedata
from collections.abc import Iterable

from neuracore_ros.errors import printable

# Width of a letter in sizes of its font: in a font of equal letters; on average in another one,
# and in a bold one, of the widest fonts that readers have.
_EQUAL_LETTER, _LETTER, _BOLD_LETTER = 0.602, 0.56, 0.69


def picture(
    width: float, height: float, elements: Iterable[str], title: str = '', **attributes: str
) -> str:
    """A whole picture of a size [px], the lowest element first: a file, or a part of a page.

    The title describes it for readers who cannot see it.
    """
    size = f'viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}"'
    heading = [f'<title>{escaped(title)}</title>'] if title else []
    return '\n'.join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img"{_written(attributes)}>',
            *heading,
            *elements,
            '</svg>\n',
        ]
    )


def rectangle(
    x: float,
    y: float,
    width: float,
    height: float,
    radius: float = 0.0,
    hint: str = '',
    **attributes: str,
) -> str:
    """A rectangle with round corners [px]; the hint is shown under the pointer."""
    place = f'x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="{radius:g}"'
    inside = f'<title>{escaped(hint)}</title>' if hint else ''
    return f'<rect {place}{_written(attributes)}>{inside}</rect>'


def text(x: float, y: float, words: str, size: float = 12.0, **attributes: str) -> str:
    """One line of text, from x along the base line y [px]; ``text_anchor`` centres or ends it."""
    place = f'x="{x:g}" y="{y:g}" font-size="{size:g}"'
    return f'<text {place}{_written(attributes)}>{escaped(words)}</text>'


def curve(points: Iterable[tuple[float, float]], **attributes: str) -> str:
    """Straight lines from point to point (x, y) [px]."""
    path = ' '.join(f'{x:.1f},{y:.1f}' for x, y in points)
    return f'<polyline points="{path}" fill="none"{_written(attributes)}/>'


def text_width(words: str, size: float, equal: bool = False, bold: bool = False) -> float:
    """The approximate width of a text [px]; a Chinese letter counts twice."""
    letters = sum(2 if unicodedata.east_asian_width(letter) in 'WF' else 1 for letter in words)
    return letters * size * (_EQUAL_LETTER if equal else _BOLD_LETTER if bold else _LETTER)


def escaped(words: str) -> str:
    """The text as XML has it, in which there are no control characters."""
    return html.escape('\n'.join(map(printable, words.split('\n'))))


def _written(attributes: dict[str, str]) -> str:
    """The attributes; ``class_`` and ``text_anchor`` are Python's ways to spell theirs."""
    return ''.join(
        f' {name.rstrip("_").replace("_", "-")}="{html.escape(value)}"'
        for name, value in attributes.items()
    )
