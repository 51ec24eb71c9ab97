"""Every replayed recording in a table, the worst first, and the viewer that shows its traces."""

from __future__ import annotations

import html
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from neuracore_ros.evaluation.evaluate import Case
from neuracore_ros.evaluation.recording_traces import RecordingTraces
from neuracore_ros.evaluation.summary import shown
from neuracore_ros.report import html as page
from neuracore_ros.report.episode_view import (
    MOST_BYTES_OF_TRACES,
    EpisodeView,
    ShownLine,
    TimeChart,
    points_within,
    viewer,
)


@dataclass(frozen=True, slots=True)
class ComparedRecording:
    """One recording of one robot, with every policy.

    Attributes:
        key: Of its place in the viewer.
        cases: The policies on this robot.
        runs: What each of them did.
    """

    key: str
    cases: tuple[Case, ...]
    runs: tuple[RecordingTraces, ...]

    @property
    def error(self) -> float:
        """The largest of the policies; infinite where one of them cannot be compared."""
        return max(math.inf if math.isnan(run.error) else run.error for run in self.runs)

    @property
    def lines(self) -> int:
        """The number of lines in its charts."""
        return len(self.cases[0].figures.columns) * (1 + len(self.runs) + (len(self.runs) == 1))

    def view(self) -> EpisodeView:
        """Its traces and pictures; phases are those of the first policy."""
        case, run = self.cases[0], self.runs[0]
        errors = (
            f'{one.policy}: error {shown(each.error, f" {case.figures.unit}")}'
            for one, each in zip(self.cases, self.runs, strict=True)
        )
        shades = f'; shaded: {case.policy}' if len(self.cases) > 1 and run.bands else ''
        return EpisodeView(
            key=self.key,
            title=f'{case.robot}, {run.name}',
            about=f'{"; ".join(errors)}{shades}',
            rate_hz=case.rate_hz,
            steps=run.steps,
            every=run.every,
            charts=[self._chart(number) for number in range(len(case.figures.columns))],
            bands=run.bands,
            cameras=run.cameras,
        )

    def _chart(self, number: int) -> TimeChart:
        """The recorded command, and each policy's newest prediction of it."""
        column, run = self.cases[0].figures.columns[number], self.runs[0]
        lines = [ShownLine('commanded', run.commanded[:, number])]
        for case, own in zip(self.cases, self.runs, strict=True):
            lines.append(ShownLine(case.policy, own.wanted[:, number]))
        if len(self.cases) == 1:
            lines.append(ShownLine('executed', run.executed[:, number]))
        return TimeChart(column.label, _UNITS.get(column.unit, column.unit), lines)


_UNITS = {'open': 'open, 0 to 1'}


def recordings_section(cases: Sequence[Case]) -> Iterator[str]:
    """HTML about every recording: a table, the viewer, and what it shows as far as that fits."""
    found = sorted(_compared(cases), key=lambda each: -each.error)
    order = found[: page.MOST_ROWS]
    points = points_within(MOST_BYTES_OF_TRACES, sum(each.lines for each in order))
    elements: dict[str, str] = {}
    left = MOST_BYTES_OF_TRACES
    for each in order:
        if not each.runs[0].steps:
            continue
        view = each.view()
        element = view.element(points)
        left -= len(element) - sum(len(camera.data) * 4 // 3 for camera in view.cameras)
        if left < 0:
            break
        elements[each.key] = element
    yield '<h2>Recordings, the worst first</h2>'
    yield f'<p class="note">{" ".join(_notes(found, elements, points))}</p>'
    yield (
        '<div class="finder" hidden><label>Find <input type="search" data-filters="recordings" '
        'placeholder="robot, recording"></label><span id="recordings-count" role="status"></span>'
        '</div>'
    )
    yield _table(order, elements)
    if elements:
        yield viewer(next(iter(elements)), 'recording')
        words = ['commanded', 'executed', 'start gate', 'held', 'waiting', 'seam', 'jerk']
        yield page.explained(words)
        yield from elements.values()


def _compared(cases: Sequence[Case]) -> Iterator[ComparedRecording]:
    by_robot: dict[str, list[Case]] = {}
    for case in cases:
        by_robot.setdefault(case.robot, []).append(case)
    number = 0
    for own in by_robot.values():
        for runs in zip(*(case.recordings for case in own), strict=True):
            yield ComparedRecording(f'recording-{number}', tuple(own), runs)
            number += 1


def _notes(
    order: Sequence[ComparedRecording], elements: dict[str, str], points: int
) -> Iterator[str]:
    yield (
        'In each chart: what was commanded in the recording, what the newest prediction wanted '
        'at that time, and, of one policy, what the node would have sent.'
    )
    if any(each.runs[0].cameras for each in order):
        yield 'Pictures are what the policy saw each time it was asked.'
    if without := len(order) - len(elements):
        yield (
            f'{without} others have no traces here, so that the page stays small: evaluate them '
            'alone (<code>--episodes N,N-N</code> of a dataset).'
        )
    if len(order) > page.MOST_ROWS:
        yield f'The table lists the first {page.MOST_ROWS} of {len(order)}.'
    if max((each.runs[0].steps for each in order), default=0) > points:
        yield (
            f'A line has about {points} points: of a recording with more steps, the least and '
            'the largest value of each few.'
        )


def _table(order: Sequence[ComparedRecording], elements: dict[str, str]) -> str:
    policies = list(dict.fromkeys(case.policy for each in order for case in each.cases))
    several = len(policies) > 1
    rows = []
    for each in order:
        name = html.escape(each.runs[0].name)
        link = f'<a href="#{each.key}">{name}</a>' if each.key in elements else name
        unit = each.cases[0].figures.unit
        own = {case.policy: run for case, run in zip(each.cases, each.runs, strict=True)}
        counts = (
            sum(run.holds for run in each.runs),
            sum(run.late for run in each.runs),
            sum(run.clamps for run in each.runs),
        )
        rows.append(
            (
                page.Cell(f'<td class="long">{link}</td>'),
                each.cases[0].robot,
                *(shown(own[policy].error, f' {unit}') for policy in policies),
                *(page.cell(count, 'number bad' if count else 'number') for count in counts),
                each.runs[0].steps,
                'pictures' if each.runs[0].cameras else '',
            )
        )
    errors = [f'error of {policy}' for policy in policies] if several else ['error']
    head = ['recording', 'robot', *errors, 'holds', 'late', 'clamps', 'steps', 'shown']
    kinds = ['long', '', *['number'] * (len(errors) + 4), '']
    return page.table(head, kinds, rows, 'every recording', 'recordings')
