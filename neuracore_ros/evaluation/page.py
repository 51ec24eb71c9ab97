"""The self-contained HTML page of an evaluation."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from neuracore_ros.evaluation.evaluate import Case, Evaluation
from neuracore_ros.evaluation.recordings_section import recordings_section
from neuracore_ros.evaluation.summary import pose_error, shown
from neuracore_ros.overview.picture import layout_section
from neuracore_ros.report import html as page
from neuracore_ros.report.chart import LINEAR, line_chart, over_time
from neuracore_ros.runner.state import percentile

_BAR_WIDTH = 70


def write_evaluation_page(path: Path, result: Evaluation) -> None:
    """Write the page of an evaluation."""
    page.write_page(path, 'neuracore_ros evaluate', _sections(result), has_episodes=True)


def _sections(result: Evaluation) -> Iterator[str]:
    robots = list(dict.fromkeys(case.robot for case in result.cases))
    yield '<h1>What the policy would have done</h1>'
    yield (
        f'<p class="lead">Recordings, replayed through the runner of the node: '
        f'{html.escape(result.note)}. Errors are absolute and count valid entries only; joints in '
        'rad (m where they slide), grippers in parts of their range, poses in cm and degrees. One '
        'spread is the standard '
        'deviation of what was commanded.</p>'
    )
    yield _errors(result.cases)
    yield '<h2>How the node would have fared</h2>'
    yield _conduct(result.cases)
    yield from recordings_section(result.cases)
    for robot in robots:
        yield from _robot(robot, [case for case in result.cases if case.robot == robot])
    yield layout_section(result.descriptions)


def _errors(cases: Sequence[Case]) -> str:
    has_poses = any(case.figures.of_poses for case in cases)
    head = ['policy', 'robot', 'error', *['poses'] * has_poses, 'in spreads', 'executed']
    head += ['predictions', 'latency p50', 'p99']
    rows = []
    for case in cases:
        found = case.figures
        rows.append(
            (
                *(case.policy, case.robot),
                shown(found.mean, f' {found.unit}'),
                *([pose_error(found.of_poses)] if has_poses else []),
                shown(found.mean_normalised),
                shown(found.mean_executed, f' {found.unit}'),
                found.predictions,
                *(shown(percentile(found.latencies_ms, part), ' ms') for part in (50, 99)),
            )
        )
    return page.table(head, ['', '', *['number'] * (len(head) - 2)], rows)


def _conduct(cases: Sequence[Case]) -> str:
    head = ['policy', 'robot', 'steps', 'usable', 'running', 'holds', 'late', 'clamps']
    rows = []
    for case in cases:
        found = case.figures
        shares = (found.coverage, found.running / max(found.ticks, 1))
        counts = (sum(found.holds.values()), found.late, found.clamps)
        rows.append(
            (
                *(case.policy, case.robot, found.ticks),
                *(f'{share:.1%}' for share in shares),
                *(page.cell(count, 'number bad' if count else 'number') for count in counts),
                shown(percentile(found.seams_rad, 99), ' rad'),
            )
        )
    return page.table([*head, 'seam p99'], ['', '', *['number'] * 7], rows)


def _robot(robot: str, cases: Sequence[Case]) -> Iterator[str]:
    yield f'<h2>{html.escape(robot)}: error over the horizon</h2>'
    yield line_chart(
        {case.policy: over_time(case.figures.by_step, case.rate_hz) for case in cases},
        'ahead of the observation [s]',
        f'error [{cases[0].figures.unit}]',
        LINEAR,
    )
    yield f'<h2>{html.escape(robot)}: error of each joint</h2>'
    yield _joints(cases)
    if any(case.figures.holds for case in cases):
        yield f'<h2>{html.escape(robot)}: why it would have been held</h2>'
        yield _holds(cases)
    for text in dict.fromkeys(text for case in cases for text in case.warnings):
        yield f'<p>{html.escape(text)}</p>'


def _joints(cases: Sequence[Case]) -> str:
    head = ['joint', 'vocabulary', 'policy', 'error', '']
    head += ['in spreads', 'largest', 'executed', 'spread']
    found = [case.figures for case in cases]
    most = max(float(np.nan_to_num(figures.by_slot).max()) for figures in found) or 1.0
    rows = []
    for place, slot in enumerate(found[0].slots):
        for case in cases:
            own = case.figures
            rows.append(
                (
                    *(slot.label, slot.meaning, case.policy),
                    shown(own.by_slot[place], f' {slot.unit}'),
                    _bar(own.by_slot[place] / most),
                    *(shown(each[place]) for each in (own.normalised, own.largest)),
                    *(shown(each[place]) for each in (own.executed, own.spread)),
                )
            )
    return page.table(*page.without_empty(head, ['', '', '', *['number'] * 6], rows))


def _bar(part: float) -> page.Cell:
    width = _BAR_WIDTH * float(np.nan_to_num(part))
    return page.Cell(
        f'<td><svg width="{_BAR_WIDTH}" height="12" style="max-width: none" aria-hidden="true">'
        f'<rect width="{width:.1f}" height="12" class="fill0"/></svg></td>'
    )


def _holds(cases: Sequence[Case]) -> str:
    rows = [
        (case.policy, case.figures.first_holds[reason], count)
        for case in cases
        for reason, count in case.figures.holds.items()
    ]
    kinds = ['', 'long', 'number bad']
    return page.table(['policy', 'reason, at first', 'times'], kinds, rows)
