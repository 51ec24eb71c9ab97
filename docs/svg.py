"""A sheet to draw on; what is drawn is an SVG that needs nothing from elsewhere."""

import base64
import html
from pathlib import Path

INK, PALE, LINE = '#1f2933', '#66717d', '#9aa5b1'
# Told apart by people who see few colours: after Wong, Nature Methods 8 (2011).
BLUE, ORANGE, GREEN, PINK = '#0072b2', '#d55e00', '#009e73', '#cc79a7'
LIGHT = {BLUE: '#dcebf5', ORANGE: '#fbe6d9', GREEN: '#d9f0e8', PINK: '#f6e6ef', INK: '#eef0f2'}


class Sheet:
    """One picture, on white whatever the page's colour is. Lengths are in px."""

    def __init__(self, width: float, height: float, title: str) -> None:
        self._parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" '
            f'width="{width:g}" role="img" font-family="Helvetica, Arial, sans-serif">',
            f'<title>{html.escape(title)}</title>',
            '<defs><pattern id="none" width="6" height="6" patternUnits="userSpaceOnUse" '
            'patternTransform="rotate(45)"><path d="M0 0V6" stroke="#d5dae0" '
            'stroke-width="3"/></pattern></defs>',
            f'<rect width="{width:g}" height="{height:g}" rx="8" fill="#ffffff"/>',
        ]
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
        """Draw a rectangle; ``fill`` may be ``url(#none)``, for what is not there."""
        dashes = ' stroke-dasharray="5 4"' if dashed else ''
        self._parts.append(
            f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="4" '
            f'fill="{fill or LIGHT[colour]}" stroke="{colour}"{dashes}/>'
        )

    def image(
        self, x: float, y: float, width: float, height: float, png: bytes, colour: str
    ) -> None:
        """Place a PNG, with a border."""
        data = base64.b64encode(png).decode()
        place = f'x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}"'
        self._parts.append(
            f'<image {place} preserveAspectRatio="none" href="data:image/png;base64,{data}"/>'
            f'<rect {place} fill="none" stroke="{colour}"/>'
        )

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
        weight = ' font-weight="bold"' if bold else ''
        if halo:
            weight += ' stroke="#ffffff" stroke-width="5" paint-order="stroke"'
        self._parts.append(
            f'<text x="{x:g}" y="{y:g}" font-size="{size:g}" fill="{colour}" '
            f'text-anchor="{anchor}"{weight}>{html.escape(words)}</text>'
        )

    def line(
        self,
        points: list[tuple[float, float]],
        colour: str = LINE,
        width: float = 1.0,
        dashed: bool = False,
        arrow: bool = False,
    ) -> None:
        """Draw a line through points."""
        path = ' '.join(f'{x:g},{y:g}' for x, y in points)
        dashes = ' stroke-dasharray="4 4"' if dashed else ''
        end = f' marker-end="url(#{self._head(colour)})"' if arrow else ''
        self._parts.append(
            f'<polyline points="{path}" fill="none" stroke="{colour}" '
            f'stroke-width="{width:g}"{dashes}{end}/>'
        )

    def dot(self, x: float, y: float, radius: float, colour: str, filled: bool = True) -> None:
        """Draw a circle."""
        fill = colour if filled else '#ffffff'
        self._parts.append(
            f'<circle cx="{x:g}" cy="{y:g}" r="{radius:g}" fill="{fill}" stroke="{colour}"/>'
        )

    def save(self, path: Path) -> None:
        """Write the picture."""
        path.write_text('\n'.join([*self._parts, '</svg>', '']), encoding='utf-8')

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
