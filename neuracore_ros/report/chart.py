"""Curve charts as SVG, for pages that need no plotting library to be written or read."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neuracore_ros.report.page_colours import COLOURS
from neuracore_ros.svg import curve, picture, text

Curve = Sequence[tuple[float, float]]
"""Points (x, y) of one curve, x ascending."""

_WIDTH, _HEIGHT = 720, 320
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 150, 16, 48
# Classes of the page's style sheet, which has them for light and dark ground.
_COLOURS = 7
_LABEL_HEIGHT = 14.0


@dataclass(frozen=True, slots=True)
class AxisScale:
    """The places of values along an axis.

    Attributes:
        place: Value -> position.
        ticks: (lowest, highest position) -> round values between them.
        holds: Value -> True if it has a position.
    """

    place: Callable[[float], float]
    ticks: Callable[[float, float], list[float]]
    holds: Callable[[float], bool]


def _round_values(low: float, high: float) -> list[float]:
    step = 10.0 ** math.floor(math.log10(max(high - low, 1e-9)))
    step *= next(part for part in (0.2, 0.5, 1.0, 2.0) if (high - low) / (step * part) <= 7)
    first = math.ceil(low / step - 1e-9)
    return [round(step * n, 12) for n in range(first, math.floor(high / step + 1e-9) + 1)]


def _round_powers(low: float, high: float) -> list[float]:
    decades = range(math.floor(low), math.ceil(high) + 1)
    values = [digit * 10.0**decade for decade in decades for digit in (1, 2, 5)]
    return [value for value in values if low <= math.log10(value) <= high]


LINEAR = AxisScale(lambda y: y, _round_values, math.isfinite)
LOGARITHMIC = AxisScale(math.log10, _round_powers, lambda y: math.isfinite(y) and y > 0.0)


def over_time(values: NDArray[np.floating], rate_hz: float) -> Curve:
    """Points in time [s] of values (N,) of steps."""
    return [(step / rate_hz, float(value)) for step, value in enumerate(values)]


def line_chart(
    lines: Mapping[str, Curve], x_label: str, y_label: str, scale: AxisScale = LOGARITHMIC
) -> str:
    """Curves by name over one pair of axes, without points that the scale of y does not hold.

    HTML for a page, whose colours it has.
    """
    drawn = _drawn(lines, x_label, y_label, scale)
    if not drawn:
        return '<p>No curve was recorded.</p>'
    # A narrow screen scrolls it: scaled down, nobody could read it.
    return f'<div class="scroll" tabindex="0" role="region" aria-label="chart">{drawn}</div>'


def line_picture(
    lines: Mapping[str, Curve], x_label: str, y_label: str, scale: AxisScale = LOGARITHMIC
) -> str:
    """The same as an SVG file, in light colours; empty where there is no point."""
    rules = [f'.grid {{ stroke: {COLOURS["line"][0]} }}', 'text { font-family: sans-serif }']
    for name in (f'colour{n}' for n in range(_COLOURS)):
        colour = COLOURS[name][0]
        rules += [f'.{name} {{ stroke: {colour} }}']
        rules += [f'text.{name} {{ fill: {colour}; stroke: none }}']
    sheet = f'<style>text {{ fill: {COLOURS["quiet"][0]} }} {" ".join(rules)}</style>'
    return _drawn(lines, x_label, y_label, scale, sheet)


def _drawn(
    lines: Mapping[str, Curve], x_label: str, y_label: str, scale: AxisScale, sheet: str = ''
) -> str:
    kept = {name: [(x, y) for x, y in line if scale.holds(y)] for name, line in lines.items()}
    points = [point for line in kept.values() for point in line]
    if not points:
        return ''
    x_most = max(x for x, _ in points) or 1.0
    heights = [scale.place(y) for _, y in points]
    margin = 0.05 * (max(heights) - min(heights)) or 0.05
    low, high = min(heights) - margin, max(heights) + margin

    def place(x: float, y: float) -> tuple[float, float]:
        across = _LEFT + x / x_most * (_WIDTH - _LEFT - _RIGHT)
        down = _TOP + (high - scale.place(y)) / (high - low) * (_HEIGHT - _TOP - _BOTTOM)
        return across, down

    elements = [sheet] * bool(sheet)
    for y in scale.ticks(low, high):
        _, down = place(0.0, y)
        elements.append(curve([(_LEFT, down), (_WIDTH - _RIGHT, down)], class_='grid'))
        elements.append(text(_LEFT - 8, down + 4, f'{y:g}', text_anchor='end'))
    for x in _round_values(0.0, x_most):
        across, _ = place(x, points[0][1])
        elements.append(text(across, _HEIGHT - _BOTTOM + 20, f'{x:g}', text_anchor='middle'))
    drawn = [
        (name, f'colour{n % _COLOURS}', [place(*point) for point in line])
        for n, (name, line) in enumerate(kept.items())
        if line
    ]
    labels = _apart([line[-1][1] for _, _, line in drawn])
    for (name, colour, line), label in zip(drawn, labels, strict=True):
        # One point has no length: it is drawn by the round ends of its line.
        width, course = ('6', [*line, *line]) if len(line) == 1 else ('1.5', line)
        ends = {'stroke_linejoin': 'round', 'stroke_linecap': 'round'}
        elements.append(curve(course, class_=colour, stroke_width=width, **ends))
        elements.append(text(line[-1][0] + 8, label + 4, name, class_=colour))
    middle, turned = (_LEFT + _WIDTH - _RIGHT) / 2, (_TOP + _HEIGHT - _BOTTOM) / 2
    upright = f'translate(16 {turned:g}) rotate(-90)'
    elements.append(text(middle, _HEIGHT - 10, x_label, text_anchor='middle'))
    elements.append(text(0, 0, y_label, text_anchor='middle', transform=upright))
    title = f'{y_label} by {x_label}: {", ".join(name for name, _, _ in drawn)}'
    return picture(_WIDTH, _HEIGHT, elements, title, class_='plot')


def _apart(wanted: Sequence[float]) -> list[float]:
    """Heights of labels as near to the wanted ones as they can be read side by side."""
    order = sorted(range(len(wanted)), key=lambda n: wanted[n])
    found = [0.0] * len(wanted)
    before = -math.inf
    for n in order:
        before = found[n] = max(wanted[n], before + _LABEL_HEIGHT)
    # Labels below the bottom move up again.
    limit = float(_HEIGHT - _BOTTOM)
    for n in reversed(order):
        limit = found[n] = min(found[n], limit)
        limit -= _LABEL_HEIGHT
    return found
