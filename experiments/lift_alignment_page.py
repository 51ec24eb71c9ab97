"""Writes what `experiments/lift_alignment.py` found into a page, between markers of its own.

    python experiments/lift_alignment_page.py RESULTS.jsonl --into docs/alignment.md

Intervals are those of `experiments/alignment_page.py`.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from alignment_page import cell_of, put, study

TITLES = {
    'told': 'The place of the cube, as numbers',
    'seen': 'The place of the cube, from two cameras',
    'full': 'Both with all their episodes, from two cameras',
}
BEGIN, END = '<!-- results in physics -->', '<!-- end of results in physics -->'


def cells(runs: Iterable[Mapping[str, Any]]) -> dict[tuple[str, ...], list[list[bool]]]:
    """(study, who, count, robot) -> whether each trial lifted, seed by seed."""
    found: dict[tuple[str, ...], list[list[bool]]] = defaultdict(list)
    for run in runs:
        found[cell_of(run, run['tried'])].append(run['lifted'])
    return found


def seeds(runs: Iterable[Mapping[str, Any]]) -> str:
    """Count the trainings and trials of a table."""
    counts = Counter(str([run['alignment'], run['options'], run['episodes']]) for run in runs)
    least, most = min(counts.values()), max(counts.values())
    return f'{least}' if least == most else f'{least} to {most}'


def main() -> None:
    """Replace the results in the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or '').partition('\n')[0])
    parser.add_argument('results', type=Path)
    parser.add_argument('--into', type=Path, required=True, metavar='PAGE')
    arguments = parser.parse_args()
    runs = [json.loads(line) for line in arguments.results.read_text().splitlines()]
    found = cells(runs)
    parts = [
        'Cubes lifted, in percent, with 95 % intervals. *Pooled* stands for '
        '`--statistics pooled`; without it they are per robot.\n'
    ]
    for name, title in TITLES.items():
        own = [run for run in runs if run['name'] == name]
        if own:
            trials = len(own[0]['lifted'])
            parts += [
                f'### {title}\n',
                f'Trainings per cell: {seeds(own)}; trials of each: {trials}.\n',
            ]
            parts.append(study(found, name))
    put(arguments.into, (BEGIN, END), parts)


if __name__ == '__main__':
    main()
