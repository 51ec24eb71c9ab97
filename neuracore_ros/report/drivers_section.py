"""Drivers of a dataset's episodes: its policies, or a human in their place, step by step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from neuracore_ros import svg
from neuracore_ros.dataset.control_columns import ControlColumns
from neuracore_ros.dataset.metadata import Episode, Metadata
from neuracore_ros.loading.reading import read_control
from neuracore_ros.report import html as page

POLICY, HUMAN, OTHER = 'policy', 'human', 'demonstration'
_COLOURS = {POLICY: '#2563c9', HUMAN: '#e08a1e', OTHER: '#c3cad6'}
_WIDTH, _HEIGHT = 260.0, 14.0
# So many episodes are shown at once; more are shown when their title is clicked.
_OPEN = 20


def drivers_section(dataset: Path, metadata: Metadata) -> Iterator[str]:
    """HTML about who commanded in each episode; nothing for demonstrations alone.

    Raises:
        DatasetError: A table is damaged.
    """
    episodes = metadata.episodes
    if not any(episode.policy or episode.interventions for episode in episodes):
        return
    drivers = [
        _drivers(read_control(dataset, metadata, number), episode)
        for number, episode in enumerate(episodes)
    ]
    yield '<h2>Who drove</h2>'
    yield f'<p>{_summary(drivers, metadata.rate_hz)}</p>'
    yield _totals(episodes, drivers)
    longest = max(episode.steps for episode in episodes)
    rows = (
        (
            *(number, episode.robot, _bar(drivers[number], longest, metadata.rate_hz)),
            *(episode.policy, episode.interventions or ''),
            page.cell('yes', 'good') if episode.is_success else '',
            episode.pair,
        )
        for number, episode in enumerate(episodes)
    )
    head = ['episode', 'robot', 'who commanded', 'policy', 'interventions', 'success', 'pair']
    table = page.table(head, ['number', '', '', '', 'number', '', ''], rows)
    if len(episodes) <= _OPEN:
        yield f'<h3>Episode by episode</h3>{_legend()}{table}'
    else:
        yield page.folded(f'All {len(episodes)} episodes', _legend() + table)


def _drivers(control: ControlColumns | None, episode: Episode) -> list[str]:
    """The driver of each step."""
    if control is None:
        return [OTHER] * episode.steps
    return [
        HUMAN if is_human else POLICY if policy else OTHER
        for is_human, policy in zip(control.intervention.tolist(), control.policies, strict=True)
    ]


def _summary(drivers: Sequence[Sequence[str]], rate_hz: float) -> str:
    steps = {who: sum(each.count(who) for each in drivers) for who in _COLOURS}
    driven = steps[POLICY] + steps[HUMAN]
    text = (
        f'Policies commanded {_minutes(steps[POLICY], rate_hz)}, and a human in their place '
        f'{_minutes(steps[HUMAN], rate_hz)} ({steps[HUMAN] / max(driven, 1):.0%} of both).'
    )
    if steps[OTHER]:
        text += f' The other {_minutes(steps[OTHER], rate_hz)} are demonstrations.'
    return text


def _legend() -> str:
    """The meaning of the colours of the bars."""
    parts = []
    for place, (who, colour) in enumerate(_COLOURS.items()):
        parts.append(svg.rectangle(place * 140, 2, 14, 14, fill=colour))
        parts.append(svg.text(place * 140 + 20, 14, who, size=14, fill='currentColor'))
    return svg.picture(420, 18, parts, 'colours of the bars')


def _minutes(steps: int, rate_hz: float) -> str:
    seconds = steps / rate_hz
    return f'{seconds:.0f} s' if seconds < 2 * 60 else f'{seconds / 60:.1f} minutes'


def _totals(episodes: Sequence[Episode], drivers: Sequence[Sequence[str]]) -> str:
    """Each policy: how often its episodes succeed, and how often without a human."""
    rows = []
    for policy in dict.fromkeys(episode.policy for episode in episodes):
        own = [n for n, episode in enumerate(episodes) if episode.policy == policy]
        done = [n for n in own if episodes[n].is_success]
        alone = [n for n in done if not episodes[n].interventions]
        human = sum(drivers[n].count(HUMAN) for n in own)
        steps = sum(len(drivers[n]) for n in own)
        taken = sum(episodes[n].interventions for n in own)
        rows.append(
            (
                policy or ('no policy' if taken else 'demonstrations'),
                len(own),
                f'{len(done)} ({len(done) / len(own):.0%})',
                f'{len(alone)} ({len(alone) / len(own):.0%})' if policy else '',
                taken or '',
                f'{human / steps:.0%}' if human else '',
            )
        )
    head = ['policy', 'episodes', 'successes', 'without a human', 'interventions']
    return page.table([*head, 'steps of a human'], ['long', *['number'] * 5], rows)


def _bar(drivers: Sequence[str], longest: int, rate_hz: float) -> page.Cell:
    """A bar as long as the episode is, coloured by who commanded."""
    scale = _WIDTH / longest
    place, parts, words = 0, [], []
    for who, run in groupby(drivers):
        steps = len(list(run))
        words.append(f'{who} {steps / rate_hz:.1f} s')
        parts.append(
            svg.rectangle(
                place * scale, 0, steps * scale, _HEIGHT, hint=words[-1], fill=_COLOURS[who]
            )
        )
        place += steps
    return page.Cell(f'<td>{svg.picture(_WIDTH, _HEIGHT, parts, ", then ".join(words))}</td>')
