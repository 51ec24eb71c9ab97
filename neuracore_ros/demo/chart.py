"""A line chart as SVG, for a page that needs no plotting library to be written or read."""

import html
import math
from collections.abc import Mapping, Sequence

Line = Sequence[tuple[float, float]]
"""Points (x, y) of one curve, x ascending."""

_WIDTH, _HEIGHT = 720, 320
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 120, 16, 48
_COLOURS = ('#2563c9', '#d1611f', '#14713d', '#8a3fb0')


def line_chart(lines: Mapping[str, Line], x_label: str, y_label: str) -> str:
    """Draw curves over one pair of axes; y is logarithmic.

    Args:
        lines: Name -> points; points whose y is not positive are left out.
        x_label: Below the x axis.
        y_label: Beside the y axis.
    """
    kept = {name: [(x, y) for x, y in line if y > 0.0] for name, line in lines.items()}
    points = [point for line in kept.values() for point in line]
    if not points:
        return '<p>No curve was recorded.</p>'
    x_most = max(x for x, _ in points) or 1.0
    low = math.log10(min(y for _, y in points)) - 0.05
    high = math.log10(max(y for _, y in points)) + 0.05

    def place(x: float, y: float) -> tuple[float, float]:
        across = _LEFT + x / x_most * (_WIDTH - _LEFT - _RIGHT)
        down = _TOP + (high - math.log10(y)) / (high - low) * (_HEIGHT - _TOP - _BOTTOM)
        return across, down

    parts = [
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" height="{_HEIGHT}" role="img" '
        'font-family="system-ui, sans-serif" font-size="12" fill="#596273">'
    ]
    for y in _ticks(low, high):
        _, down = place(0.0, y)
        parts.append(
            f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{down:.1f}" y2="{down:.1f}" '
            f'stroke="#e3e7ee"/><text x="{_LEFT - 8}" y="{down + 4:.1f}" text-anchor="end">'
            f'{y:g}</text>'
        )
    for fraction in (0.0, 0.25, 0.5, 0.75, 1.0):
        across, _ = place(fraction * x_most, 10**high)
        parts.append(
            f'<text x="{across:.1f}" y="{_HEIGHT - _BOTTOM + 20}" text-anchor="middle">'
            f'{fraction * x_most:.0f}</text>'
        )
    for (name, line), colour in zip(kept.items(), _COLOURS, strict=False):
        if not line:
            continue
        path = ' '.join(f'{x:.1f},{y:.1f}' for x, y in (place(*point) for point in line))
        across, down = place(*line[-1])
        parts.append(
            f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2" '
            f'stroke-linejoin="round"/><text x="{across + 8:.1f}" y="{down + 4:.1f}" '
            f'fill="{colour}">{html.escape(name)}</text>'
        )
    parts.append(
        f'<text x="{(_LEFT + _WIDTH - _RIGHT) / 2}" y="{_HEIGHT - 10}" text-anchor="middle">'
        f'{html.escape(x_label)}</text><text transform="translate(16 '
        f'{(_TOP + _HEIGHT - _BOTTOM) / 2}) rotate(-90)" text-anchor="middle">'
        f'{html.escape(y_label)}</text></svg>'
    )
    return ''.join(parts)


def _ticks(low: float, high: float) -> list[float]:
    """Round values between 10**low and 10**high."""
    decades = range(math.floor(low), math.ceil(high) + 1)
    values = [digit * 10.0**decade for decade in decades for digit in (1, 2, 5)]
    return [value for value in values if low <= math.log10(value) <= high]
