"""Writes tables of what `experiments/alignment.py` found into a page, and draws its picture.

    python experiments/alignment_page.py RESULTS.jsonl --into docs/alignment.md

Intervals hold 95 % of 10,000 bootstrap samples that draw seeds first and then trials of each
(Efron & Tibshirani 1993, chapter 8): trials of one training are no independent ones.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from neuracore_ros.report.chart import LINEAR, line_picture

SAMPLES = 10_000
NAMES = {
    'scrambled': 'scrambled',
    'order': 'by order',
    'meaning': 'by meaning',
    'meaning+sign': 'by meaning, and sign',
    'meaning+sign+zero': 'by meaning, sign and zero',
}

TITLES = {
    'ur5 beside franka': 'A UR5 with few episodes, beside 50 of a Panda',
    'absolute': 'The same with `--absolute`, the default',
    'franka beside ur5': 'A Panda with few episodes, beside 50 of a UR5',
    'full': 'Both with 50 episodes, in one policy',
    'third': 'An SO-100, beside 50 episodes of each of the others',
    'options': 'Other choices, with joints aligned by meaning and sign',
    'seen': 'With cameras',
}
BEGIN, END = '<!-- results -->', '<!-- end of results -->'

Cell = Sequence[Sequence[bool]]
"""Success of every trial, seed by seed."""


def interval(cell: Cell) -> tuple[float, float, float]:
    """Success rate and the ends of its interval, in percent."""
    rng = np.random.default_rng(0)
    rates = np.array([np.mean(trials) for trials in cell])
    counts = np.array([len(trials) for trials in cell])
    seeds = rng.integers(len(cell), size=(SAMPLES, len(cell)))
    drawn = rng.binomial(counts[seeds], rates[seeds]) / counts[seeds]
    low, high = np.percentile(drawn.mean(1), [2.5, 97.5])
    return 100 * float(rates.mean()), 100 * float(low), 100 * float(high)


def text(cell: Cell | None) -> str:
    """A cell of a table."""
    if not cell:
        return ''
    rate, low, high = interval(cell)
    return f'{rate:.0f} ({low:.0f} to {high:.0f})'


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [head, ['---'] * len(head), *rows]
    return '\n'.join(f'| {" | ".join(line)} |' for line in lines) + '\n'


def cells(runs: Iterable[Mapping[str, Any]]) -> dict[tuple[str, ...], list[list[bool]]]:
    """(study, who, count, robot) -> success of every trial, seed by seed."""
    found: dict[tuple[str, ...], list[list[bool]]] = defaultdict(list)
    for run in runs:
        for robot, distances in run['distances'].items():
            found[cell_of(run, robot)].append([d <= 1.0 for d in distances])
    return found


def cell_of(run: Mapping[str, Any], robot: str) -> tuple[str, str, str, str]:
    """(study, who, count, robot) of the trials of a robot."""
    episodes = run['episodes']
    beside = any(count for name, count in episodes.items() if name != robot)
    options = ', '.join(f'{k}={v}' for k, v in sorted(run['options'].items()))
    who = f'{run["alignment"]}|{options}' if beside else 'alone|'
    return run['name'], who, str(episodes.get(robot, 0)), robot


def put(page: Path, between: tuple[str, str], parts: Iterable[str]) -> None:
    """Replace what stands between two marks of a page."""
    begin, end = between
    before, _, rest = page.read_text().partition(begin)
    _, _, after = rest.partition(end)
    page.write_text('\n'.join([f'{before}{begin}\n', *parts, f'{end}{after}']))


def called(who: str) -> str:
    """Name a row."""
    alignment, _, written = who.partition('|')
    options = [option for option in written.split(', ') if option]
    words = {'statistics=per-robot': '', 'statistics=pooled': 'pooled', 'relative=False': ''}
    options = [word for option in options if (word := words.get(option, option))]
    return '; '.join([NAMES.get(alignment, alignment), *options])


def _place(who: str) -> tuple[bool, int]:
    alignment, _, options = who.partition('|')
    return 'pooled' in options, ['alone', *NAMES].index(alignment)


def study(found: Mapping[tuple[str, ...], Cell], name: str) -> str:
    """One table: a row per alignment and options, a column per count and robot."""
    keys = [key for key in found if key[0] == name]
    columns = sorted({(key[3], int(key[2])) for key in keys})
    rows = sorted({key[1] for key in keys}, key=lambda who: (*_place(who), who))
    head = ['trained on', *(f'{robot}, {count} episodes' for robot, count in columns)]
    body = [
        [called(who), *(text(found.get((name, who, str(n), robot))) for robot, n in columns)]
        for who in rows
    ]
    return table(head, body)


def picture(found: Mapping[tuple[str, ...], Cell]) -> str:
    """Success over episodes of the scarce robot, as SVG."""
    shown = {'alone|': 'alone'}
    shown |= {
        f'{alignment}|statistics=per-robot': NAMES[alignment]
        for alignment in ('scrambled', 'order', 'meaning', 'meaning+sign')
    }
    lines = {}
    for who, label in shown.items():
        points = sorted(
            (int(count), interval(cell)[0])
            for (name, row, count, _), cell in found.items()
            if name == 'ur5 beside franka' and row == who
        )
        lines[label] = [(float(count), rate) for count, rate in points]
    across = 'episodes of the UR5, beside 50 of the Panda'
    return line_picture(lines, across, 'success [%]', LINEAR)


def main() -> None:
    """Replace the results in the page, and the picture that it shows."""
    parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
    parser.add_argument('results', type=Path)
    parser.add_argument('--into', type=Path, required=True, metavar='PAGE')
    arguments = parser.parse_args()
    runs = [json.loads(line) for line in arguments.results.read_text().splitlines()]
    seeds = {run['seed'] for run in runs}
    # What was not run with every seed is not compared with what was.
    found = {key: cell for key, cell in cells(runs).items() if len(cell) == len(seeds)}
    parts = [
        f'Success in percent with 95 % intervals, {len(seeds)} seeds of '
        f'{runs[0]["trials"]} trials each. *Pooled* stands for `--statistics pooled`; without it '
        'they are per robot.\n'
    ]
    there = dict.fromkeys(key[0] for key in found)
    for name in sorted(there, key=[*TITLES].index):
        parts += [f'### {TITLES[name]}\n', study(found, name)]
    put(arguments.into, (BEGIN, END), parts)
    pictures = arguments.into.parent / 'pictures'
    (pictures / 'alignment.svg').write_text(picture(found) + '\n')


if __name__ == '__main__':
    main()
