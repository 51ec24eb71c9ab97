"""A scene as SVG: text that can be found and copied, and colours that follow the reader's."""

from __future__ import annotations

import html

from neuracore_ros.errors import printable
from neuracore_ros.overview.scene import Box, Colour, Scene, Words

_SANS = "system-ui, 'Segoe UI', 'DejaVu Sans', Helvetica, Arial, sans-serif"
_EQUAL = "ui-monospace, 'DejaVu Sans Mono', 'Liberation Mono', Menlo, Consolas, monospace"


def svg(scene: Scene) -> str:
    """The text of an SVG file; it can also stand within a page."""
    colours = _Colours()
    ground = Box(0, 0, scene.width, scene.height, 10, scene.ground)
    shapes = [
        _box(s, colours) if isinstance(s, Box) else _words(s, colours)
        for s in (ground, *scene.shapes)
    ]
    size = f'{scene.width:g} {scene.height:g}'
    width, height = size.split()
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size}" width="{width}" '
        f'height="{height}" role="img" class="layout">\n'
        f'<title>{_escaped(scene.title)}</title>\n<style>\n{colours.style()}</style>\n'
        + '\n'.join(shapes)
        + '\n</svg>\n'
    )


class _Colours:
    """The colours of a drawing, each as a class of the style sheet."""

    def __init__(self) -> None:
        self._names: dict[tuple[str, Colour], str] = {}

    def name(self, what: str, colour: Colour) -> str:
        """The class that gives ``fill`` or ``stroke`` a colour."""
        return self._names.setdefault((what, colour), f'{what[0]}{len(self._names)}')

    def style(self) -> str:
        light = [f'.layout .{n} {{ {w}: {c.light} }}' for (w, c), n in self._names.items()]
        dark = [f'.layout .{n} {{ {w}: {c.dark} }}' for (w, c), n in self._names.items()]
        fonts = [
            f'.layout text {{ font-family: {_SANS}; white-space: pre }}',
            f'.layout .mono {{ font-family: {_EQUAL} }}',
        ]
        at_night = ['@media (prefers-color-scheme: dark) {', *dark, '}']
        return '\n'.join([*fonts, *light, *at_night]) + '\n'


def _escaped(text: str) -> str:
    """The text as XML has it, which knows no control characters."""
    return html.escape('\n'.join(map(printable, text.split('\n'))))


def _box(box: Box, colours: _Colours) -> str:
    classes, more = [], ''
    if box.fill is not None:
        classes.append(colours.name('fill', box.fill))
    else:
        more += ' fill="none"'
    if box.stroke is not None:
        classes.append(colours.name('stroke', box.stroke))
        more += f' stroke-width="{box.thickness:g}"'
    if box.dashed:
        more += ' stroke-dasharray="3 3"'
    place = f'x="{box.x:g}" y="{box.y:g}" width="{box.width:g}" height="{box.height:g}"'
    inside = f'<title>{_escaped(box.hint)}</title>' if box.hint else ''
    return f'<rect {place} rx="{box.radius:g}" class="{" ".join(classes)}"{more}>{inside}</rect>'


def _words(words: Words, colours: _Colours) -> str:
    classes = [colours.name('fill', words.colour), *(['mono'] if words.equal else [])]
    more = ' font-weight="600"' if words.bold else ''
    more += f' text-anchor="{words.anchor}"' if words.anchor != 'start' else ''
    return (
        f'<text x="{words.x:g}" y="{words.y:g}" font-size="{words.size:g}" '
        f'class="{" ".join(classes)}"{more}>{_escaped(words.text)}</text>'
    )
