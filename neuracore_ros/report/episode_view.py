"""Traces and pictures of one episode as a page holds them, and the viewer that shows them."""

from __future__ import annotations

import base64
import html
import json
import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from neuracore_ros.report.html import data_uri

MOST_BYTES_OF_TRACES = 8_000_000
"""Of one page."""
MOST_POINTS = 400
"""Points of a line; one of more steps shows the least and largest value of each few of them."""
_FEWEST_POINTS = 60
# Levels of a line between its least and its largest value; one more stands for no value. More than
# the pixels of a chart, and so few that smooth motions take a byte a point and less.
_LEVELS = 4094
_BYTES_A_POINT = 1.6


@dataclass(frozen=True, slots=True)
class ShownLine:
    """One line of a chart: a name, and its P values over an episode, NaN where none is."""

    label: str
    values: NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class TimeChart:
    """Lines over time in one unit.

    Attributes:
        title: Plain.
        unit: Of all its lines; '' unknown or none.
        lines: With P values each.
        quantity: The label of the axis where there is no unit.
    """

    title: str
    unit: str
    lines: Sequence[ShownLine]
    quantity: str = 'value'


@dataclass(frozen=True, slots=True)
class Band:
    """A time that is shaded in every chart.

    Attributes:
        kind: ``start``, ``hold``, ``wait`` or ``human``: its colour.
        text: What it means, plain.
        first: Its first step.
        end: The step after its last one.
    """

    kind: str
    text: str
    first: int
    end: int


@dataclass(frozen=True, slots=True)
class CameraSheet:
    """Pictures of one camera, side by side in rows.

    Attributes:
        label: Plain.
        steps: The step of each picture, ascending.
        columns: Pictures of a row.
        size: (height, width) of each, [px].
        data: The file of all of them.
        kind: Its kind, such as ``webp``.
    """

    label: str
    steps: Sequence[int]
    columns: int
    size: tuple[int, int]
    data: bytes
    kind: str


@dataclass(frozen=True, slots=True)
class EpisodeView:
    """One episode, as the viewer shows it.

    Attributes:
        key: The part of the page's address behind ``#``.
        title: Plain.
        about: A line below it, plain.
        rate_hz: Steps a second.
        steps: Of the episode.
        charts: In their order.
        bands: What is shaded in all of them.
        cameras: Beside them.
        every: Steps from one of the P values of each line to the next.
    """

    key: str
    title: str
    about: str
    rate_hz: float
    steps: int
    charts: Sequence[TimeChart]
    bands: Sequence[Band] = ()
    cameras: Sequence[CameraSheet] = field(default=())
    every: float = 1.0

    def element(self, points: int = MOST_POINTS) -> str:
        """The HTML of its data, with at most so many points a line; the viewer reads it."""
        lines = [line.values for chart in self.charts for line in chart.lines]
        size = len(lines[0]) if lines else self.steps
        values, every = thinned(np.array(lines).reshape(len(lines), size), points)
        ranges, numbers = _packed(values)
        names = iter(ranges)
        data = {
            'title': self.title,
            'about': self.about,
            'rate': self.rate_hz,
            'steps': self.steps,
            'points': values.shape[1],
            'every': every * self.every,
            'charts': [
                {
                    'title': chart.title,
                    'unit': chart.unit,
                    'quantity': chart.quantity,
                    'lines': [
                        dict(zip(('low', 'high'), next(names), strict=True), label=line.label)
                        for line in chart.lines
                    ],
                }
                for chart in self.charts
            ],
            'bands': [
                {
                    'kind': band.kind,
                    'text': band.text,
                    'from': band.first / self.rate_hz,
                    'to': band.end / self.rate_hz,
                }
                for band in self.bands
            ],
            'cameras': [
                {
                    'label': camera.label,
                    'steps': list(camera.steps),
                    'columns': camera.columns,
                    'height': camera.size[0],
                    'width': camera.size[1],
                    'src': data_uri(camera.data, camera.kind),
                }
                for camera in self.cameras
            ],
            'numbers': numbers,
        }
        # No text of a robot ends the element.
        text = json.dumps(data, separators=(',', ':')).replace('<', '\\u003c')
        return f'<script type="application/json" id="data-{html.escape(self.key)}">{text}</script>'


def viewer(first: str, what: str = 'episode') -> str:
    """The HTML of the viewer, which begins with the episode of this key."""
    return (
        f'<section id="viewer" class="viewer" data-first="{html.escape(first)}" '
        f'aria-label="{what}" hidden>'
        '<h2 data-part="title" tabindex="-1"></h2><p class="note" data-part="about"></p>'
        '<div class="steer"><div class="controls">'
        f'<button type="button" data-part="previous" aria-label="Previous {what} of the table">'
        '&larr;</button>'
        f'<button type="button" data-part="next" aria-label="Next {what} of the table">&rarr;'
        '</button><button type="button" data-part="play">Play</button>'
        '<input type="range" data-part="slider" min="0" step="1" value="0" '
        f'aria-label="Time in the {what}">'
        '<output data-part="clock" aria-live="off"></output></div>'
        '<div class="cameras" data-part="cameras"></div></div>'
        '<ul class="bands" data-part="bands"></ul>'
        '<div class="charts" data-part="charts"></div></section>'
        '<noscript><p>Traces and pictures need JavaScript; the tables do not.</p></noscript>'
    )


def points_within(most_bytes: int, lines: int) -> int:
    """Points a line with which so many lines take about so many bytes of a page."""
    wanted = math.floor(most_bytes / (_BYTES_A_POINT * max(lines, 1)))
    return min(max(wanted, _FEWEST_POINTS), MOST_POINTS)


def thinned(values: NDArray[np.floating], points: int) -> tuple[NDArray[np.floating], float]:
    """The lines (L, N) with at most about so many points each, and no peak lost.

    Returns:
        Lines (L, P): the least and the largest value of each few steps, in their order; and the
        steps from one point to the next.
    """
    count, steps = values.shape
    if steps <= points:
        return values, 1.0
    few = math.ceil(2 * steps / points)
    groups = math.ceil(steps / few)
    padded = np.full((count, groups * few), np.nan)
    padded[:, :steps] = values
    grouped = padded.reshape(count, groups, few)
    known = np.isfinite(grouped)
    places = np.stack(
        [
            np.where(known, grouped, np.inf).argmin(axis=2),
            np.where(known, grouped, -np.inf).argmax(axis=2),
        ],
        axis=2,
    )
    found = np.take_along_axis(grouped, np.sort(places, axis=2), axis=2)
    return found.reshape(count, 2 * groups), few / 2


def _packed(values: NDArray[np.floating]) -> tuple[list[tuple[float, float]], str]:
    """The range of each line, and all lines (L, P) as the viewer unpacks them."""
    known = np.isfinite(values)
    some = known.any(axis=1, keepdims=True)
    low = np.where(known, values, np.inf).min(axis=1, keepdims=True, initial=np.inf)
    high = np.where(known, values, -np.inf).max(axis=1, keepdims=True, initial=-np.inf)
    low, high = np.where(some, low, 0.0), np.where(some, high, 0.0)
    span = np.where(high > low, high - low, 1.0)
    codes = np.full(values.shape, _LEVELS + 1, np.uint16)
    codes[known] = np.round(_LEVELS * (np.where(known, values, low) - low) / span)[known]
    apart = np.diff(codes, axis=1, prepend=np.uint16(0)).astype('<u2')
    # Bytes of one kind compress better side by side.
    planes = apart.reshape(-1).view(np.uint8).reshape(-1, 2).T.tobytes()
    ranges = [(float(a), float(b)) for a, b in zip(low[:, 0], high[:, 0], strict=True)]
    return ranges, base64.b64encode(zlib.compress(planes, 9)).decode()
