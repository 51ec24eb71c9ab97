"""One self-contained HTML page of a demo: layout, training curves, trials."""

import base64
import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from neuracore_ros.demo.chart import Line, line_chart
from neuracore_ros.demo.trials import Trial
from neuracore_ros.description.cross_embodiment import Descriptions
from neuracore_ros.description.embodiment import CrossEmbodimentDescription
from neuracore_ros.description.layout import Layout

DRIVERS = ('expert', 'untrained', 'trained')
_SHOWN = 4

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem;
  color: #1d2430; background: #fff; }
h1 { font-size: 1.6rem; margin-bottom: .2rem; } h2 { font-size: 1.15rem; margin-top: 2.2rem; }
p.lead { color: #596273; margin-top: 0; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .8rem; text-align: left; white-space: nowrap;
  border-bottom: 1px solid #e3e7ee; }
th { font-weight: 600; color: #596273; } td.number { text-align: right; }
td.empty { color: #b3bac6; } td.good { color: #14713d; font-weight: 600; }
.gallery { display: grid; gap: 1rem;
  grid-template-columns: repeat(auto-fill, minmax(14rem, 1fr)); }
figure { margin: 0; } figure div { display: flex; gap: .3rem; }
figure img { width: 50%; border-radius: 3px; }
figcaption { font-size: .85rem; color: #596273; }
figcaption b.reached { color: #14713d; } figcaption b.missed { color: #a8322a; }
svg { max-width: 100%; height: auto; } .scroll { overflow-x: auto; }
"""


@dataclass(frozen=True, slots=True)
class Score:
    """All trials of one robot with one driver."""

    trials: int
    successes: int
    median_cm: float


def score(trials: Sequence[Trial]) -> Score | None:
    """Successes and the median final distance [cm]; None where there was no trial."""
    if not trials:
        return None
    ordered = sorted(trial.distance_m for trial in trials)
    middle = len(ordered) // 2
    median = (ordered[middle] + ordered[~middle]) / 2
    return Score(len(trials), sum(trial.success for trial in trials), 100 * median)


def write_page(
    path: Path,
    descriptions: Descriptions,
    trained_on: Sequence[str],
    trials: Sequence[Trial],
    curves: Mapping[str, Line],
    pictures: Path,
) -> None:
    """Write the page.

    Args:
        path: Where.
        descriptions: Of all robots that were driven.
        trained_on: Those of them that the policy was trained on.
        trials: Of all robots and drivers.
        curves: Name -> training curve.
        pictures: Folder with ``<robot>_<driver>_<seed>_start.png`` and ``_end.png``.
    """
    robots = ' and '.join(trained_on)
    sections = [
        '<h1>One policy, several robots</h1>',
        f'<p class="lead">One policy was trained on {html.escape(robots)}, from episodes recorded '
        'over ROS 2, and drove each robot through the real node. The target is seen only in the '
        'cameras.</p>',
        '<h2>Closed-loop trials</h2>',
        _score_table(trials, trained_on),
        '<h2>Which joint sits where: input</h2>',
        _layout_tables(descriptions.input, descriptions.input_layout),
        '<h2>Which joint sits where: output</h2>',
        _layout_tables(descriptions.output, descriptions.output_layout),
        '<h2>Training</h2>',
        line_chart(curves, 'step', 'L1 error, in standard deviations'),
        *_galleries(trials, pictures),
    ]
    body = '\n'.join(sections)
    path.write_text(
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>neuracore_ros demo</title><style>{_STYLE}</style></head>\n<body>\n{body}\n'
        '</body></html>\n',
        encoding='utf-8',
    )


def score_rows(trials: Sequence[Trial]) -> list[tuple[str, list[Score | None]]]:
    """Robot -> scores in the order of :data:`DRIVERS`."""
    robots = list(dict.fromkeys(trial.robot for trial in trials))
    return [
        (
            robot,
            [score([t for t in trials if (t.robot, t.driver) == (robot, d)]) for d in DRIVERS],
        )
        for robot in robots
    ]


def _score_table(trials: Sequence[Trial], trained_on: Sequence[str]) -> str:
    head = ''.join(f'<th>{driver}</th><th>final distance</th>' for driver in DRIVERS)
    rows = []
    for robot, scores in score_rows(trials):
        note = '' if robot in trained_on else ' (never trained on)'
        cells = [f'<td>{html.escape(robot)}{note}</td>']
        for entry in scores:
            if entry is None:
                cells.append('<td class="empty">-</td><td class="empty">-</td>')
                continue
            kind = 'number good' if entry.successes >= 0.8 * entry.trials else 'number'
            cells.append(
                f'<td class="{kind}">{entry.successes} of {entry.trials}</td>'
                f'<td class="number">{entry.median_cm:.1f} cm</td>'
            )
        rows.append(f'<tr>{"".join(cells)}</tr>')
    return f'<div class="scroll"><table><tr><th></th>{head}</tr>{"".join(rows)}</table></div>'


def _layout_tables(robots: CrossEmbodimentDescription, layout: Layout) -> str:
    tables = []
    for kind, width in layout.widths.items():
        head = ''.join(f'<th>{html.escape(robot)}</th>' for robot in robots)
        rows = [f'<tr><th>{kind}</th>{head}</tr>']
        for index in range(width):
            cells = [f'<td class="number">{index}</td>']
            for description in robots.values():
                name = description.get(kind, {}).get(index)
                cells.append(
                    f'<td>{html.escape(name)}</td>' if name else '<td class="empty">-</td>'
                )
            rows.append(f'<tr>{"".join(cells)}</tr>')
        tables.append(f'<div class="scroll"><table>{"".join(rows)}</table></div>')
    return '<br>'.join(tables)


def _galleries(trials: Sequence[Trial], pictures: Path) -> list[str]:
    sections = []
    for robot in dict.fromkeys(trial.robot for trial in trials):
        for driver in DRIVERS:
            mine = [t for t in trials if (t.robot, t.driver) == (robot, driver)][:_SHOWN]
            figures = ''.join(_figure(trial, pictures) for trial in mine)
            if figures:
                sections.append(
                    f'<h2>{html.escape(robot)}, {driver}: start and end</h2>'
                    f'<div class="gallery">{figures}</div>'
                )
    return sections


def _figure(trial: Trial, pictures: Path) -> str:
    images = []
    for moment in ('start', 'end'):
        file = pictures / f'{trial.robot}_{trial.driver}_{trial.seed}_{moment}.png'
        if file.is_file():
            data = base64.b64encode(file.read_bytes()).decode()
            images.append(f'<img alt="{moment}" src="data:image/png;base64,{data}">')
    word = 'reached' if trial.success else 'missed'
    return (
        f'<figure><div>{"".join(images)}</div><figcaption>trial {trial.seed}: '
        f'{100 * trial.start_m:.0f} cm &rarr; {100 * trial.distance_m:.1f} cm, '
        f'<b class="{word}">{word}</b></figcaption></figure>'
    )
