"""Building blocks of HTML pages, and the frame around them."""

import base64
import html
from collections.abc import Iterable, Sequence
from pathlib import Path

from neuracore_ros.files import write_whole

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem;
  color: #1d2430; background: #fff; }
h1 { font-size: 1.6rem; margin-bottom: .2rem; } h2 { font-size: 1.15rem; margin-top: 2.2rem; }
h3 { font-size: 1rem; margin: 1.6rem 0 .3rem; }
p.lead { color: #596273; margin-top: 0; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .8rem; text-align: left; white-space: nowrap;
  border-bottom: 1px solid #e3e7ee; }
th { font-weight: 600; color: #596273; } td.number { text-align: right; }
td.long { white-space: normal; min-width: 18rem; }
td.empty { color: #b3bac6; } td.good { color: #14713d; font-weight: 600; }
td.bad { color: #a8322a; }
.gallery { display: grid; gap: 1rem;
  grid-template-columns: repeat(auto-fill, minmax(14rem, 1fr)); }
.sheet { width: 100%; border-radius: 3px; display: block; }
figure { margin: 0; } figure div { display: flex; gap: .3rem; }
figure div img { width: 50%; border-radius: 3px; }
figcaption { font-size: .85rem; color: #596273; }
figcaption b.reached { color: #14713d; } figcaption b.missed { color: #a8322a; }
summary { cursor: pointer; color: #2563c9; margin-top: .8rem; }
svg { max-width: 100%; height: auto; } .scroll { overflow-x: auto; }
.scroll svg { max-width: none; }
"""


def write_page(path: Path, title: str, sections: Iterable[str]) -> None:
    """Write one page with a plain title and sections of HTML, wholly or not at all.

    Raises:
        WriteError: It cannot be written there.
    """
    body = '\n'.join(sections)
    write_whole(
        path,
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{html.escape(title)}</title><style>{_STYLE}</style></head>\n<body>\n{body}\n'
        '</body></html>\n',
    )


class Cell(str):
    """The HTML of one cell of a table."""

    __slots__ = ()


def cell(text: object, kind: str = '') -> Cell:
    """One cell of a table.

    Args:
        text: Plain; an empty text is shown as a dash.
        kind: ``number``, ``good``, ``bad``, ``long``; several with spaces between.
    """
    shown = html.escape(str(text))
    if not shown:
        return Cell('<td class="empty">-</td>')
    return Cell(f'<td class="{kind}">{shown}</td>' if kind else f'<td>{shown}</td>')


def table(head: Sequence[str], kinds: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table.

    Args:
        head: Plain texts.
        kinds: The kind of each column: see :func:`cell`.
        rows: Plain values; or cells, which may be of another kind than their column.
    """
    top = ''.join(f'<th>{html.escape(text)}</th>' for text in head)
    lines = ''
    for row in rows:
        cells = (
            value if isinstance(value, Cell) else cell(value, kind)
            for value, kind in zip(row, kinds, strict=True)
        )
        lines += f'<tr>{"".join(cells)}</tr>'
    return f'<div class="scroll"><table><tr>{top}</tr>{lines}</table></div>'


def folded(title: str, content: str) -> str:
    """Content that is shown when its title is clicked."""
    return f'<details><summary>{html.escape(title)}</summary>{content}</details>'


def image(data: bytes, kind: str, alt: str, style: str = '') -> str:
    """A picture inside the page, of a file's bytes and kind: ``png`` or ``jpeg``."""
    encoded = base64.b64encode(data).decode()
    chosen = f' class="{style}"' if style else ''
    return f'<img{chosen} alt="{html.escape(alt)}" src="data:image/{kind};base64,{encoded}">'
