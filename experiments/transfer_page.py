"""Writes what `experiments/transfer.py` found into a page, between markers of its own.

    python experiments/transfer_page.py RESULTS.jsonl [NODE.jsonl] --into docs/alignment.md

Rates stand with intervals of 95 % (Wilson 1927) of all trials of a cell, and with the number of
cubes that each training lifted.
"""

from __future__ import annotations

import argparse
import json
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from alignment_page import put, table
from transfer import EXECUTED, IIWA, JACO, KINOVA3, MANY, PANDA, SAWYER, UR5E, XARM7

TITLES = {
    'told_zero': 'Trained on one arm: told where the cube is',
    'told_others': 'The same training, with the other arms',
    'seen': 'Trained on one arm: the camera sees the cube',
    'told_few': 'Five episodes of the new arm',
    'few_as_before': 'Five episodes of the new arm, trained and executed as before',
    'told_counts': 'Two and ten episodes of the new arm',
    'told_many': 'Trained on more arms: told where the cube is',
    'seen_many': 'Trained on five arms: the camera sees the cube',
    'details': 'One thing done otherwise, told where the cube is',
}
DETAILS = {
    'raw_frames': "the maker's axes of the flange, not turned to the fingers",
    'measured_next': 'act by the pose that was measured a step later',
    'measured_gripper': 'measured opening of the gripper',
}
PLACES = {
    'told': '',
    'crop': 'picture cropped to the table',
    'whole': 'whole picture',
    'masked': 'whole picture, arm painted grey',
}
ORDER = [name.removeprefix('lift_') for name in (PANDA, UR5E, XARM7, KINOVA3, IIWA, SAWYER, JACO)]
WORDS = {
    'statistics': 'pooled statistics',
    'relative': '`--relative`',
    'augment': '`--augment`',
}
BEGIN, END = '<!-- results of transfer -->', '<!-- end of results of transfer -->'
Z = 1.959964


def wilson(successes: int, trials: int) -> tuple[float, float]:
    """The ends of the interval of 95 % of a rate, in percent."""
    rate, spread = successes / trials, Z**2 / trials
    middle = (rate + spread / 2) / (1 + spread)
    half = Z * math.sqrt(rate * (1 - rate) / trials + spread / trials / 4) / (1 + spread)
    return 100 * max(0.0, middle - half), 100 * min(1.0, middle + half)


def text(counts: Sequence[tuple[int, int]]) -> str:
    """A cell of a table, from the (lifted, tried) of each training."""
    if not counts:
        return ''
    lifted, tried = (sum(column) for column in zip(*counts, strict=True))
    low, high = wilson(lifted, tried)
    each = ', '.join(str(count) for count, _ in counts)
    return f'**{100 * lifted / tried:.0f} %** ({low:.0f} to {high:.0f}): {each}'


def row_of(run: Mapping[str, Any]) -> str:
    """The name of a run's row."""
    arms = {arm.removeprefix('lift_'): count for arm, count in run['trained'].items()}
    counts = set(arms.values())
    if len(arms) > 3 and len(counts) == 1:
        trained = f'{len(arms)} arms, {counts.pop()} each'
    else:
        trained = ' and '.join(f'{count} {arm}' for arm, count in arms.items())
    # Where nobody has episodes of the arm that is tried, statistics can only be pooled.
    options = {k: v for k, v in run['options'].items() if k != 'statistics' or len(arms) == 2}
    words = [
        'poses' if run['slots'] == 'hand' else 'joints',
        PLACES[run['place']],
        DETAILS.get(run['detail'], run['detail']),
        *(WORDS.get(k, f'`--{k} {v}`') for k, v in options.items()),
        '' if run.get('executed', EXECUTED) == EXECUTED else f'{run["executed"]} executed',
        'hand 20 cm higher at the start' if run.get('start') else '',
        trained,
    ]
    return '; '.join(filter(None, words))


def study(runs: Iterable[Mapping[str, Any]]) -> str:
    """One table: a row per training, a column per arm."""
    found: dict[str, dict[str, list[tuple[int, int]]]] = defaultdict(lambda: defaultdict(list))
    columns: dict[str, None] = {}
    for run in runs:
        arm = run['tried'].removeprefix('lift_')
        is_known = run['trained'].get(run['tried'], 0) >= MANY
        columns[arm] = None
        count = sum(run['lifted']), len(run['lifted'])
        found[row_of(run)][arm].append(count)
        found[row_of(run)][f'{arm} known'] = [(1, 1)] if is_known else []
    columns = {arm: None for arm in ORDER if arm in columns}
    rows = []
    for name, cells in found.items():
        row = [name]
        for arm in columns:
            cell = text(cells.get(arm, []))
            row.append(f'{cell} (trained on)' if cell and cells[f'{arm} known'] else cell)
        rows.append(row)
    return table(['slots; trained on', *columns], rows)


def node(trials: Sequence[Mapping[str, Any]]) -> str:
    """The trials of the node."""
    found: dict[tuple[str, str], list[bool]] = defaultdict(list)
    for trial in trials:
        place = 'told' if '_told_' in trial['key'] else PLACES['crop']
        start = '; hand 20 cm higher at the start' if trial.get('start') else ''
        found[place + start, trial['robot'].removeprefix('lift_')].append(trial['success'])
    rows = [
        [place, arm, text([(sum(successes), len(successes))])]
        for (place, arm), successes in found.items()
    ]
    return table(['the cube', 'arm', 'lifted'], rows)


def main() -> None:
    """Replace the results in the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or '').partition('\n')[0])
    parser.add_argument('results', type=Path)
    parser.add_argument('node', type=Path, nargs='?')
    parser.add_argument('--into', type=Path, required=True, metavar='PAGE')
    arguments = parser.parse_args()
    runs = [json.loads(line) for line in arguments.results.read_text().splitlines()]
    parts = []
    for name, title in TITLES.items():
        own = [run for run in runs if run['study'] == name]
        if own:
            parts += [f'### {title}\n', study(own)]
    if arguments.node:
        trials = [json.loads(line) for line in arguments.node.read_text().splitlines()]
        parts += ['### Through the node, at real time\n', node(trials)]
    put(arguments.into, (BEGIN, END), parts)


if __name__ == '__main__':
    main()
