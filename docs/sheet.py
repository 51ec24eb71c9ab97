"""A sheet to draw the pictures of the documentation on."""

import base64
from pathlib import Path

from neuracore_ros.svg import curve, picture, rectangle, text

INK, PALE, LINE = '#1f2933', '#66717d', '#9aa5b1'
# People who see few colours can tell these apart: after Wong, Nature Methods 8 (2011).
BLUE, ORANGE, GREEN, PINK = '#0072b2', '#d55e00', '#009e73', '#cc79a7'
LIGHT = {BLUE: '#dcebf5', ORANGE: '#fbe6d9', GREEN: '#d9f0e8', PINK: '#f6e6ef', INK: '#eef0f2'}
NOT_THERE = 'url(#none)'
"""Fill of a box that stands for nothing: hatched."""
HATCHED = (
    '<defs><pattern id="none" width="6" height="6" patternUnits="userSpaceOnUse" '
    'patternTransform="rotate(45)"><path d="M0 0V6" stroke="#d5dae0" stroke-width="3"/>'
    '</pattern></defs>'
)


class Sheet:
    """One picture, on white whatever the page's colour is. Lengths are in px."""

    def __init__(self, width: float, height: float, title: str) -> None:
        self._size, self._title = (width, height), title
        self._parts = [HATCHED, rectangle(0, 0, width, height, 8, fill='#ffffff')]
        self._heads: set[str] = set()

    def box(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        colour: str = INK,
        fill: str | None = None,
        dashed: bool = False,
    ) -> None:
        """Draw a rectangle."""
        dashes = {'stroke_dasharray': '5 4'} if dashed else {}
        fill = fill or LIGHT[colour]
        self._parts.append(rectangle(x, y, width, height, 4, fill=fill, stroke=colour, **dashes))

    def image(
        self, x: float, y: float, width: float, height: float, png: bytes, colour: str
    ) -> None:
        """Place a PNG, with a border."""
        data = base64.b64encode(png).decode()
        place = f'x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}"'
        self._parts += [
            f'<image {place} preserveAspectRatio="none" href="data:image/png;base64,{data}"/>',
            rectangle(x, y, width, height, fill='none', stroke=colour),
        ]

    def text(
        self,
        x: float,
        y: float,
        words: str,
        size: float = 13,
        colour: str = INK,
        anchor: str = 'middle',
        bold: bool = False,
        halo: bool = False,
    ) -> None:
        """Write one line; y is its baseline. A halo keeps it readable on lines."""
        style = {'font_weight': 'bold'} if bold else {}
        if halo:
            style |= {'stroke': '#ffffff', 'stroke_width': '5', 'paint_order': 'stroke'}
        self._parts.append(text(x, y, words, size, fill=colour, text_anchor=anchor, **style))

    def line(
        self,
        points: list[tuple[float, float]],
        colour: str = LINE,
        width: float = 1.0,
        dashed: bool = False,
        arrow: bool = False,
    ) -> None:
        """Draw a line through points."""
        style = {'stroke': colour, 'stroke_width': f'{width:g}'}
        if dashed:
            style['stroke_dasharray'] = '4 4'
        if arrow:
            style['marker_end'] = f'url(#{self._head(colour)})'
        self._parts.append(curve(points, **style))

    def dot(self, x: float, y: float, radius: float, colour: str, filled: bool = True) -> None:
        """Draw a circle."""
        fill = colour if filled else '#ffffff'
        self._parts.append(
            f'<circle cx="{x:g}" cy="{y:g}" r="{radius:g}" fill="{fill}" stroke="{colour}"/>'
        )

    def save(self, path: Path) -> None:
        """Write the picture."""
        font = 'Helvetica, Arial, sans-serif'
        drawn = picture(*self._size, self._parts, self._title, font_family=font)
        path.write_text(drawn, encoding='utf-8')

    def _head(self, colour: str) -> str:
        name = f'head-{colour[1:]}'
        if name not in self._heads:
            self._heads.add(name)
            self._parts.append(
                f'<defs><marker id="{name}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" '
                f'markerHeight="8" orient="auto"><path d="M0 0L8 4L0 8z" fill="{colour}"/>'
                '</marker></defs>'
            )
        return name
