"""Paired episodes of a dataset: a table of labels and robots, and what is still missing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from neuracore_ros.dataset.metadata import Episode
from neuracore_ros.pairs import in_order, in_ranges
from neuracore_ros.report import html as page
from neuracore_ros.wording import counted

# So many labels are shown at once; more are shown when their title is clicked.
_OPEN = 20


def pairs_section(episodes: Sequence[Episode]) -> Iterator[str]:
    """HTML about the pairs of a dataset; nothing where no episode has a label.

    A pair is complete if every robot that has labels has an episode of this one.
    """
    numbers: dict[str, dict[str, list[int]]] = {}
    for number, episode in enumerate(episodes):
        if episode.pair:
            numbers.setdefault(episode.pair, {}).setdefault(episode.robot, []).append(number)
    if not numbers:
        return
    robots = list(dict.fromkeys(each.robot for each in episodes))
    paired = [robot for robot in robots if any(robot in found for found in numbers.values())]
    labels = in_order(numbers)
    complete = {
        label for label in labels if len(paired) > 1 and len(numbers[label]) == len(paired)
    }
    yield '<h2>Pairs</h2>'
    yield f'<p>{_summary(len(labels), len(complete), paired)}</p>'
    yield _robots(episodes, robots, labels, numbers)
    rows = (
        (
            label,
            *(', '.join(map(str, numbers[label].get(robot, ()))) for robot in paired),
            page.cell('complete', 'good') if label in complete else page.cell('incomplete', 'bad'),
        )
        for label in labels
    )
    head = ['pair', *(f'{robot}: episodes' for robot in paired), '']
    table = page.table(head, ['', *[''] * len(paired), ''], rows)
    if len(labels) <= _OPEN:
        yield f'<h3>Episodes of each pair</h3>{table}'
    else:
        yield page.folded(f'All {len(labels)} pairs', table)


def _summary(labels: int, complete: int, paired: Sequence[str]) -> str:
    if len(paired) == 1:
        return (
            f'{counted(labels, "label")}, of one robot only: no pair is complete before another '
            'robot has recorded its labels.'
        )
    every = {2: 'both robots'}.get(len(paired), f'all {len(paired)} robots')
    pairs = f'{complete} of {counted(labels, "pair")} {"is" if complete == 1 else "are"}'
    return (
        f'{pairs} complete: {every} that record pairs have an episode of that label, with the '
        'same task and places of things.'
    )


def _robots(
    episodes: Sequence[Episode],
    robots: Sequence[str],
    labels: Sequence[str],
    numbers: dict[str, dict[str, list[int]]],
) -> str:
    """What each robot has of the labels, and what it lacks."""
    paired = Counter(episode.robot for episode in episodes if episode.pair)
    unpaired = Counter(episode.robot for episode in episodes if not episode.pair)
    rows = []
    for robot in robots:
        missing = [label for label in labels if robot not in numbers[label]]
        lacks = in_ranges(missing) if paired[robot] else ''
        has = len(labels) - len(missing)
        rows.append((robot, has, lacks, paired[robot], unpaired[robot] or ''))
    head = ['robot', 'labels', 'labels that it lacks', 'paired episodes', 'unpaired episodes']
    return page.table(head, ['', 'number', 'long bad', 'number', 'number'], rows)
