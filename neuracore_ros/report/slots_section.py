"""Range, spread, limits and outliers of every slot of every robot, as tables."""

from __future__ import annotations

import html
import math
from collections.abc import Collection, Iterator, Mapping

import numpy as np

from neuracore_ros.report import html as page
from neuracore_ros.report.slot_figures import PERCENTILES, FiguredColumn, SlotFigures

# So much of the time at a limit is told in red.
_OFTEN = 0.05


def slots_section(
    figures: Mapping[str, SlotFigures], has_limits: bool, shown: Collection[int] = ()
) -> Iterator[str]:
    """HTML about the slots of each robot.

    Args:
        figures: By robot.
        has_limits: Whether any robot file was given.
        shown: Numbers of the episodes that the viewer of the page shows.
    """
    yield '<h2>Slots: range, spread and outliers</h2>'
    if not has_limits:
        yield (
            '<p class="note">A dataset has no limits: give robot files as well for them '
            '(<code>neuracore_ros report DATASET ROBOT.yaml</code>).</p>'
        )
    for robot, found in figures.items():
        yield f'<h3>{html.escape(robot)}</h3>'
        yield _table(robot, found, shown)


def _table(robot: str, found: SlotFigures, shown: Collection[int]) -> str:
    percents = [f'{percent} %' if percent != 50 else 'median' for percent in PERCENTILES]
    head = [
        'slot',
        'vocabulary',
        'name',
        'role',
        'unit',
        'outliers',
        'most in',
        'at limit',
        'limit',
    ]
    head += ['min', *percents, 'max', 'spread', 'fastest', 'in episode']
    kinds = [''] * 5 + ['number'] * 12
    rows = (_row(found, place, column, shown) for place, column in enumerate(found.columns))
    return page.table(*page.without_empty(head, kinds, rows), f'slots of {robot}')


def _row(
    found: SlotFigures, place: int, column: FiguredColumn, shown: Collection[int]
) -> tuple[object, ...]:
    outliers = found.outliers[:, place]
    fastest = found.fastest[:, place]
    share = found.at_limit[place]
    speed = int(np.nanargmax(fastest)) if np.isfinite(fastest).any() else None
    unit = _per_second(column.unit)
    per_second = '' if speed is None else f'{_figure(fastest[speed])} {unit}'.strip()
    limit = column.limit
    return (
        f'{column.data_type.value} {column.index} {column.component}'.strip(),
        *(column.meaning, column.name, column.role, column.unit),
        page.cell(outliers.sum(), 'number bad') if outliers.any() else 0,
        _link(found.episodes[int(outliers.argmax())], shown) if outliers.any() else '',
        page.cell(f'{share:.1%}', 'number bad' if share > _OFTEN else 'number')
        if math.isfinite(share)
        else '',
        f'{limit[0]:.4g} to {limit[1]:.4g}' if limit else '',
        _figure(found.minimum[place]),
        *(_figure(each) for each in found.percentiles[:, place]),
        _figure(found.maximum[place]),
        _figure(found.spread[place]),
        per_second,
        '' if speed is None else _link(found.episodes[speed], shown),
    )


def _link(number: int, shown: Collection[int]) -> page.Cell:
    if number not in shown:
        return page.cell(number, 'number')
    return page.Cell(f'<td class="number"><a href="#episode-{number}">{number}</a></td>')


def _per_second(unit: str) -> str:
    one = unit.partition(',')[0]
    # Of speeds, accelerations.
    each = (f'{unit}2' if unit.endswith('/s') else f'{unit}/s' for unit in one.split(' or '))
    return ' or '.join(each) if one else ''


def _figure(value: float) -> str:
    """Four digits that count; nothing where there is no value."""
    return f'{value:.4g}' if math.isfinite(value) else ''
