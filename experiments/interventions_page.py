"""Writes what `interventions.py` and `pairs.py` found into pages, between markers of their own.

    python experiments/interventions_page.py experiments/interventions.jsonl \
        --into docs/interventions.md
    python experiments/interventions_page.py experiments/pairs.jsonl --into docs/alignment.md

Rates stand with exact binomial intervals of 95 % (Clopper & Pearson 1934) of all trials of a cell,
with the count of each training, and with the standard deviation between trainings; a difference is
the mean of those of equal seeds, with its standard error. It draws
``pictures/interventions.svg``, too, beside the page.
"""

from __future__ import annotations

import argparse
import json
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from alignment_page import put, table
from transfer import PANDA, UR5E

from neuracore_ros.svg import curve, picture, rectangle, text

LEVEL = 0.95
RUNS = '20 runs, '
DATA = {
    'before': 'before: 10 demonstrations',
    'nothing_new': 'trained further on the same',
    'interventions_1': '20 runs with interventions',
    'interventions_3': RUNS + '`--weight intervention=3`',
    'interventions_10': RUNS + '`--weight intervention=10`',
    'interventions_3_drop_1': RUNS + '`--weight intervention=3 --drop-before-takeover 1`',
    'interventions_3_drop_2': RUNS + '`--weight intervention=3 --drop-before-takeover 2`',
    'interventions_3_drop_all': RUNS + '`--weight intervention=3 --drop-before-takeover 60`',
    'interventions_1_drop_all': RUNS + '`--drop-before-takeover 60`',
    'interventions_only': RUNS + '`--only intervention`',
    'interventions_3_drop_all_afresh': (
        RUNS + '`--weight intervention=3 --drop-before-takeover 60`, without `--init`'
    ),
    'demonstrations_steps': 'new demonstrations, as many steps',
    'demonstrations_episodes': '20 new demonstrations',
    'demonstrations_steps_afresh': 'new demonstrations, as many steps, without `--init`',
    'demonstrations_episodes_afresh': '20 new demonstrations, without `--init`',
}
DIRECT = '; driven directly'
KINDS = ('paired', 'unpaired')
MARKS = {
    study: (f'<!-- results of {study} -->', f'<!-- end of results of {study} -->')
    for study in ('interventions', 'pairs')
}

COLOURS = {(False, False): '#8a93a3', (True, False): '#0072b2', (False, True): '#d55e00'}
"""Of neither, of demonstrations, and of interventions."""

Counts = Mapping[int, tuple[int, int]]
"""Seed -> (lifted, tried)."""


def exact(successes: int, trials: int) -> tuple[float, float]:
    """The ends of the exact interval of a rate, in percent."""

    def at_least(rate: float, count: int) -> float:
        terms = (
            math.comb(trials, k) * rate**k * (1 - rate) ** (trials - k)
            for k in range(count, trials + 1)
        )
        return sum(terms)

    def rate_at(chance: float, count: int) -> float:
        """The rate at which ``count`` or more come with this chance."""
        low, high = 0.0, 1.0
        for _ in range(40):
            middle = (low + high) / 2
            low, high = (middle, high) if at_least(middle, count) < chance else (low, middle)
        return low

    rest = (1 - LEVEL) / 2
    least = 0.0 if successes == 0 else rate_at(rest, successes)
    most = 1.0 if successes == trials else rate_at(1 - rest, successes + 1)
    return 100 * least, 100 * most


def rate(counts: Counts) -> str:
    """A cell of a table: the rate of all trials, and of each training."""
    if not counts:
        return ''
    lifted, tried = (sum(column) for column in zip(*counts.values(), strict=True))
    low, high = exact(lifted, tried)
    each = ', '.join(str(counts[seed][0]) for seed in sorted(counts))
    return f'**{100 * lifted / tried:.0f} %** ({low:.0f} to {high:.0f}): {each}'


def spread(counts: Counts) -> str:
    """The standard deviation between trainings, in percent."""
    rates = [100 * lifted / tried for lifted, tried in counts.values()]
    return f'{np.std(rates, ddof=1):.0f}' if len(rates) > 1 else ''


def difference(counts: Counts, others: Counts) -> str:
    """How much more of the same seeds, in percent, and the standard error of the mean."""
    seeds = sorted(set(counts) & set(others))
    if not seeds or counts is others:
        return ''
    more = [100 * (counts[s][0] / counts[s][1] - others[s][0] / others[s][1]) for s in seeds]
    if len(more) < 2:
        return f'{more[0]:+.0f}'
    return f'{np.mean(more):+.0f} ± {np.std(more, ddof=1) / math.sqrt(len(more)):.0f}'


def found(runs: Iterable[Mapping[str, Any]], *names: str) -> dict[tuple[Any, ...], Counts]:
    """The values of these names -> what each seed lifted."""
    cells: dict[tuple[Any, ...], dict[int, tuple[int, int]]] = defaultdict(dict)
    for run in runs:
        count = sum(run['lifted']), len(run['lifted'])
        cells[tuple(run[name] for name in names)][run['seed']] = count
    # What was not run with every seed is not compared with what was.
    seeds = max(map(len, cells.values()))
    return {key: counts for key, counts in cells.items() if len(counts) == seeds}


def watched(runs: Iterable[Mapping[str, Any]]) -> str:
    """What the person did, a row a seed."""
    rows = []
    for run in runs:
        if 'watched' not in run:
            continue
        reasons = [reason for reason, *_ in run['watched'] if reason]
        why = ', '.join(f'{reasons.count(reason)} {reason}' for reason in sorted({*reasons}))
        policy, human = (sum(each[n] for each in run['watched']) for n in (2, 3))
        lifted = sum(each[1] for each in run['watched'])
        tried = len(run['watched'])
        rows.append(
            [
                f'{run["seed"]}, {run["person"]}',
                f'{len(reasons)} of {tried} ({why})',
                f'{lifted} of {tried}',
                str(policy),
                str(human),
            ]
        )
    head = [
        'seed, person',
        'taken over',
        'lifted in the end',
        "the policy's steps",
        "the human's steps",
    ]
    return table(head, rows)


def interventions(runs: Sequence[Mapping[str, Any]]) -> list[str]:
    """The tables of `interventions.py`."""
    cells = named_cells(runs)
    steps: dict[str, list[int]] = defaultdict(list)
    for run in runs:
        steps[name_of(run)].append(run['rows'])
    more = cells.get(DATA['nothing_new'], {})
    rows = [
        [
            name,
            f'{np.mean(steps[name]):.0f}',
            rate(counts),
            spread(counts),
            difference(counts, more),
        ]
        for name, counts in cells.items()
    ]
    head = ['trained on', 'rows of the dataset', 'lifted', 'spread', 'more than without new data']
    return [watched(runs), table(head, rows)]


def name_of(run: Mapping[str, Any]) -> str:
    """The name of a run's row."""
    return DATA[run['key']] + (DIRECT if run['person'] == 'direct' else '')


def named_cells(runs: Sequence[Mapping[str, Any]]) -> dict[str, Counts]:
    """Name of a row -> what each seed lifted; in the order of the table."""
    # Whoever takes over, these are equal.
    equal = {'nothing', 'episodes'}
    own = [run for run in runs if not (run['person'] == 'direct' and run['data'] in equal)]
    named = [{**run, 'name': name_of(run)} for run in own]
    cells = {name: counts for (name,), counts in found(named, 'name').items()}
    order = [name + ending for ending in ('', DIRECT) for name in DATA.values()]
    return {name: cells[name] for name in order if name in cells}


def pairs(runs: Sequence[Mapping[str, Any]]) -> list[str]:
    """The table of `pairs.py`."""
    named = [
        {**run, 'few': run['trained'][UR5E], 'others': run['trained'].get(PANDA)} for run in runs
    ]
    cells = found(named, 'slots', 'few', 'others', 'kind', 'tried')
    rows = []
    for slots, few, others, _, arm in (key for key in cells if key[3] == 'paired'):
        of = {kind: cells.get((slots, few, others, kind, arm), {}) for kind in KINDS}
        alone = cells.get((slots, few, None, 'alone', arm), {})
        row = 'poses' if slots == 'hand' else slots, f'{few} and {others}', arm[len('lift_') :]
        paired, unpaired = of['paired'], of['unpaired']
        gain = difference(paired, unpaired)
        rows.append([*row, rate(paired), rate(unpaired), gain, rate(alone)])
    head = ['slots', 'episodes of UR5e and Panda', 'tried', 'paired', 'unpaired']
    return [table([*head, 'paired is better by', 'UR5e alone'], rows)]


def chart(runs: Sequence[Mapping[str, Any]]) -> str:
    """Each way to train: every training a dot, the interval of all trials a bar, as SVG."""
    cells = named_cells(runs)
    left, width, row, top = 470.0, 300.0, 26.0, 12.0
    bottom = top + row * len(cells)

    def across(percent: float) -> float:
        return left + width * percent / 100

    elements = []
    for percent in range(0, 101, 20):
        line = [(across(percent), top), (across(percent), bottom)]
        elements.append(curve(line, stroke='#8884'))
        elements.append(text(across(percent), bottom + 18, f'{percent}', text_anchor='middle'))
    for n, (name, counts) in enumerate(cells.items()):
        middle = top + row * (n + 0.5)
        words = name.replace('`', '')
        elements.append(text(left - 12, middle + 4, words, text_anchor='end'))
        lifted, tried = (sum(column) for column in zip(*counts.values(), strict=True))
        low, high = map(across, exact(lifted, tried))
        colour = COLOURS['new demonstrations' in name, 'runs' in name]
        bar = low, middle - 4, high - low, 8
        elements.append(rectangle(*bar, 4, fill=colour, fill_opacity='0.35'))
        elements += [
            rectangle(across(100 * part / whole) - 3, middle - 3, 6, 6, 3, fill=colour)
            for part, whole in counts.values()
        ]
    words = 'cubes lifted [%]; dots: trainings, bars: 95 % of all trials'
    elements.append(text(across(50), bottom + 36, words, text_anchor='middle'))
    font = {'font_family': 'system-ui, sans-serif', 'fill': '#6b7485'}
    title = 'Cubes lifted after each way to train'
    return picture(left + width + 20, bottom + 46, elements, title, **font)


def main() -> None:
    """Replace the results in the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or '').partition('\n')[0])
    parser.add_argument('results', type=Path)
    parser.add_argument('--into', type=Path, required=True, metavar='PAGE')
    arguments = parser.parse_args()
    runs = [json.loads(line) for line in arguments.results.read_text().splitlines()]
    study = runs[0]['study']
    write = {'interventions': interventions, 'pairs': pairs}[study]
    put(arguments.into, MARKS[study], write(runs))
    if study == 'interventions':
        (arguments.into.parent / 'pictures' / 'interventions.svg').write_text(chart(runs))


if __name__ == '__main__':
    main()
