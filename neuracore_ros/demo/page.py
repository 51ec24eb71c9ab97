"""One self-contained HTML page of a demo: layout, training curves, trials."""

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from neuracore_ros.demo.slots import DRIVERS, TRAINED_ON
from neuracore_ros.demo.trials import TrialResult
from neuracore_ros.description.descriptions import Descriptions
from neuracore_ros.overview.picture import layout_section
from neuracore_ros.report import html as page
from neuracore_ros.report.chart import Curve, line_chart
from neuracore_ros.wording import counted

_SHOWN = 4


@dataclass(frozen=True, slots=True)
class Score:
    """The result of all trials of one robot with one driver."""

    trials: int
    successes: int
    median_cm: float


def score(trials: Sequence[TrialResult]) -> Score | None:
    """Successes and the median final distance [cm]; None where there was no trial."""
    if not trials:
        return None
    middle = median(trial.distance_m for trial in trials)
    return Score(len(trials), sum(trial.success for trial in trials), 100 * middle)


def write_page(
    path: Path,
    layouts: Mapping[str, Descriptions],
    trials: Sequence[TrialResult],
    curves: Mapping[str, Curve],
    pictures: Path,
) -> None:
    """Write the page.

    Args:
        path: Of the page.
        layouts: Heading -> the robots of each kind of slots.
        trials: In the order in which they are shown.
        curves: Of both trainings.
        pictures: Folder with ``<robot>_<driver>_<seed>_start.png`` and ``_end.png``.
    """
    learnt_from = ' and '.join(TRAINED_ON)
    sections = [
        '<h1>An arm that was never trained on</h1>',
        f'<p class="lead">The same recordings of {html.escape(learnt_from)} were converted twice: '
        'to joint slots, in which joints that do the same share an index, and to pose slots, '
        'which say where the hand is. A policy was trained of each, and drove every arm through '
        'the real node. Only the cameras show the ball.</p>',
        '<h2>Closed-loop trials</h2>',
        _score_table(trials),
        page.folded(f'All {counted(len(trials), "trial")}', _trial_table(trials)),
    ]
    sections += [layout_section(robots, heading) for heading, robots in layouts.items()]
    sections += [
        '<h2>Training</h2>',
        line_chart(curves, 'step', 'L1 error, in standard deviations'),
        *_galleries(trials, pictures),
    ]
    page.write_page(path, 'neuracore_ros demo', sections)


def score_rows(trials: Sequence[TrialResult]) -> list[tuple[str, list[Score | None]]]:
    """Robot -> scores in the order of :data:`DRIVERS`."""
    robots = list(dict.fromkeys(trial.robot for trial in trials))
    return [
        (
            robot,
            [score([t for t in trials if (t.robot, t.driver) == (robot, d)]) for d in DRIVERS],
        )
        for robot in robots
    ]


def _score_table(trials: Sequence[TrialResult]) -> str:
    head = [text for title in DRIVERS.values() for text in (title, 'final distance')]
    rows = []
    for robot, scores in score_rows(trials):
        note = '' if robot in TRAINED_ON else ' (never trained on)'
        cells = [f'{robot}{note}']
        for entry in scores:
            if entry is None:
                cells += ['', '']
                continue
            kind = 'number good' if entry.successes >= 0.8 * entry.trials else 'number'
            cells.append(page.cell(f'{entry.successes} of {entry.trials}', kind))
            cells.append(f'{entry.median_cm:.1f} cm')
        rows.append(cells)
    return page.table(['', *head], ['', *['number'] * len(head)], rows)


def _trial_table(trials: Sequence[TrialResult]) -> str:
    """Every trial, the farthest from its ball at the end first."""
    rows = [
        (
            *(trial.robot, DRIVERS[trial.driver], trial.seed),
            *(f'{100 * distance:.1f} cm' for distance in (trial.start_m, trial.distance_m)),
            page.cell('reached', 'good') if trial.success else page.cell('missed', 'bad'),
            page.cell(trial.rejected, 'number bad') if trial.rejected else 0,
        )
        for trial in _worst_first(trials)
    ]
    head = ['robot', 'driver', 'trial', 'distance at the start', 'at the end', '', 'rejected']
    return page.table(head, ['', '', *['number'] * 3, '', 'number'], rows, 'every trial')


def _worst_first(trials: Sequence[TrialResult]) -> list[TrialResult]:
    return sorted(trials, key=lambda trial: -trial.distance_m)


def _galleries(trials: Sequence[TrialResult], pictures: Path) -> list[str]:
    sections = []
    for robot in dict.fromkeys(trial.robot for trial in trials):
        for driver in DRIVERS:
            mine = [t for t in trials if (t.robot, t.driver) == (robot, driver)]
            figures = ''.join(_figure(trial, pictures) for trial in _worst_first(mine)[:_SHOWN])
            if figures:
                which = f', the {_SHOWN} worst of {len(mine)}' if len(mine) > _SHOWN else ''
                sections.append(
                    f'<h2>{html.escape(robot)}, {DRIVERS[driver]}: start and end{which}</h2>'
                    f'<div class="gallery">{figures}</div>'
                )
    return sections


def _figure(trial: TrialResult, pictures: Path) -> str:
    images = []
    for moment in ('start', 'end'):
        file = pictures / f'{trial.robot}_{trial.driver}_{trial.seed}_{moment}.png'
        if file.is_file():
            alt = f'{moment} of trial {trial.seed} of {trial.robot}'
            images.append(page.image(file.read_bytes(), 'png', alt))
    word = 'reached' if trial.success else 'missed'
    return (
        f'<figure><div>{"".join(images)}</div><figcaption>trial {trial.seed}: '
        f'{100 * trial.start_m:.0f} cm &rarr; {100 * trial.distance_m:.1f} cm, '
        f'<b class="{word}">{word}</b></figcaption></figure>'
    )
