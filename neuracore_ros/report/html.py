"""Building blocks of HTML pages, and the frame around them."""

import base64
import hashlib
import html
from collections.abc import Iterable, Sequence
from importlib.resources import files
from itertools import islice
from pathlib import Path

from neuracore_ros.files import whole_path
from neuracore_ros.report.glossary import GLOSSARY, word_of, words_of
from neuracore_ros.report.page_colours import page_colours

_ASSETS = files('neuracore_ros.report') / 'assets'
# More rows than these scroll within the table; and more than those are left out.
_TALL = 30
MOST_ROWS = 2000
"""Rows of a table, so that a page of many recordings stays small."""


def write_page(
    path: Path, title: str, sections: Iterable[str], has_episodes: bool = False
) -> None:
    """Write one page with a plain title and sections of HTML, wholly or not at all.

    It asks for nothing from elsewhere, and browsers hold it to that: no script runs but its own.

    Args:
        path: Of the page.
        title: Plain.
        sections: Written one after the other, so that no page is in memory as a whole.
        has_episodes: Whether there is a `viewer` among them.

    Raises:
        WriteError: It cannot be written there.
    """
    names = ['uPlot.iife.min.js', 'episodes.js'] if has_episodes else []
    scripts = [asset(name) for name in ('page.js', *names)]
    sheets = [page_colours(), asset('page.css')]
    if has_episodes:
        sheets += [asset('uPlot.min.css'), asset('episodes.css')]
    hashes = ' '.join(f"'sha256-{_digest(script)}'" for script in scripts)
    policy = (
        f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src {hashes}; "
        "base-uri 'none'; form-action 'none'"
    )
    with whole_path(path) as partial, partial.open('wb') as file:

        def write(*lines: str) -> None:
            # What UTF-8 cannot hold, a byte of a path that is none, is escaped.
            file.writelines(f'{line}\n'.encode('utf-8', 'backslashreplace') for line in lines)

        write(
            '<!doctype html>',
            '<html lang="en"><head><meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f'<title>{html.escape(title)}</title>',
            *(f'<style>\n{sheet}</style>' for sheet in sheets),
            '</head>\n<body>',
            '<header class="bar"><button type="button" id="theme" hidden></button></header><main>',
        )
        for section in sections:
            write(section)
        write('</main>')
        if has_episodes:
            # Its licence goes where the library goes.
            write(f'<!-- uPlot\n{asset("uPlot.LICENSE")}\n-->')
        write(*(f'<script>{script}</script>' for script in scripts), '</body></html>')


def asset(name: str) -> str:
    """The text of one of the files that pages are made of."""
    return (_ASSETS / name).read_text('utf-8')


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


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
        number = ' number' * ('number' in kind.split())
        return Cell(f'<td class="empty{number}">-</td>')
    return Cell(f'<td class="{kind}">{shown}</td>' if kind else f'<td>{shown}</td>')


def table(
    head: Sequence[str],
    kinds: Sequence[str],
    rows: Iterable[Sequence[object]],
    name: str = '',
    opens: str = '',
) -> str:
    """A table that can be sorted, and below it what its words mean.

    Args:
        head: Plain texts.
        kinds: The kind of each column: see :func:`cell`.
        rows: Plain values; or cells, which may be of another kind than their column.
        name: For readers who do not see it; by default its first heading.
        opens: Id of a table whose links open an episode in the `viewer`; '' of others.
    """
    top = ''.join(_heading(text, kind) for text, kind in zip(head, kinds, strict=True))
    lines = []
    remaining = iter(rows)
    for row in islice(remaining, MOST_ROWS):
        cells = (
            value if isinstance(value, Cell) else cell(value, kind)
            for value, kind in zip(row, kinds, strict=True)
        )
        lines.append(f'<tr>{"".join(cells)}</tr>')
    marks = ' class="sortable"' if len(lines) > 1 else ''
    marks += f' id="{opens}" data-opens' if opens else ''
    style = 'scroll tall' if len(lines) > _TALL else 'scroll'
    left_out = sum(1 for _ in remaining)
    note = f'<p class="note">{left_out} more rows are left out, so that the page stays small.</p>'
    label = html.escape(name or f'table: {", ".join(filter(None, head[:3]))}')
    return (
        f'<div class="{style}" tabindex="0" role="region" aria-label="{label}"><table{marks}>'
        f'<thead><tr>{top}</tr></thead><tbody>{"".join(lines)}</tbody></table></div>'
        f'{note if left_out else ""}{explained(words_of(head))}'
    )


def without_empty(
    head: Sequence[str], kinds: Sequence[str], rows: Iterable[Sequence[object]]
) -> tuple[list[str], list[str], list[list[object]]]:
    """Head, kinds and rows of a table without the columns that say nothing in any row."""
    rows = list(rows)
    columns = [
        [title, kind, *values]
        for title, kind, *values in zip(head, kinds, *rows, strict=True)
        if not rows or any(value != '' for value in values)
    ]
    found, styles, *lines = map(list, zip(*columns, strict=True))
    return [str(each) for each in found], [str(each) for each in styles], lines


def _heading(text: str, kind: str) -> str:
    shown, word = html.escape(text), word_of(text)
    if word:
        shown = f'<abbr title="{html.escape(GLOSSARY[word])}">{shown}</abbr>'
    number = ' class="number"' if 'number' in kind.split() else ''
    return f'<th scope="col"{number}>{shown}</th>' if text else f'<td{number}></td>'


def explained(words: Sequence[str]) -> str:
    """The meaning of words of the glossary, which a click shows; nothing without words."""
    if not words:
        return ''
    parts = ''.join(
        f'<dt>{html.escape(word)}</dt><dd>{html.escape(GLOSSARY[word])}</dd>' for word in words
    )
    return (
        f'<details class="words"><summary>What the words mean</summary><dl>{parts}</dl></details>'
    )


def folded(title: str, content: str) -> str:
    """Content that is shown when its title is clicked."""
    return f'<details><summary>{html.escape(title)}</summary>{content}</details>'


def image(data: bytes, kind: str, alt: str, style: str = '') -> str:
    """A picture inside the page, of a file's bytes and kind: ``png`` or ``jpeg``."""
    chosen = f' class="{style}"' if style else ''
    return f'<img{chosen} alt="{html.escape(alt)}" src="{data_uri(data, kind)}">'


def data_uri(data: bytes, kind: str) -> str:
    """The bytes of a picture of this kind, in the place of its address."""
    return f'data:image/{kind};base64,{base64.b64encode(data).decode()}'
