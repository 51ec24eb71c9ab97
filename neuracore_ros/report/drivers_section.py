"""Drivers of a dataset's episodes: its policies, or a human in their place, step by step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from neuracore_ros import svg
from neuracore_ros.dataset.control_columns import ControlColumns
from neuracore_ros.dataset.metadata import Episode, Metadata
from neuracore_ros.durations import SECOND_NS
from neuracore_ros.loading.reading import read_control
from neuracore_ros.report import html as page
from neuracore_ros.wording import spans

POLICY, HUMAN, OTHER, NOBODY = 'policy', 'human', 'demonstration', 'nobody'
# Classes of the page's style sheet.
_COLOURS = {POLICY: 'fill0', HUMAN: 'fill1', OTHER: 'fill-quiet', NOBODY: 'fill-edge'}
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
    rate_hz = metadata.rate_hz
    attempts = [
        Attempt.of(
            numbers,
            [episodes[n] for n in numbers],
            [_drivers(read_control(dataset, metadata, n), episodes[n]) for n in numbers],
            rate_hz,
        )
        for numbers in _attempts(episodes)
    ]
    yield '<h2>Who drove</h2>'
    yield f'<p>{_summary(attempts, rate_hz)}</p>'
    yield _totals(attempts)
    longest = max(len(attempt.drivers) for attempt in attempts)
    rows = (
        (
            *(attempt.numbers, attempt.robot, _bar(attempt.drivers, longest, rate_hz)),
            *(attempt.policy, attempt.takeovers or ''),
            page.cell('yes', 'good') if attempt.is_success else '',
            attempt.pair,
        )
        for attempt in attempts
    )
    head = ['episodes', 'robot', 'who commanded', 'policy', 'interventions', 'success', 'pair']
    table = page.table(head, ['', '', '', '', 'number', '', ''], rows)
    if len(attempts) <= _OPEN:
        yield f'<h3>Episode by episode</h3>{_legend()}{table}'
    else:
        yield page.folded(f'All {len(attempts)} attempts', _legend() + table)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt at the task: an episode, or those that it was cut into.

    Attributes:
        numbers: Of its episodes, as text.
        robot: Whose it is.
        policy: The policies that commanded in it, joined by commas; '' none.
        is_success: Whether it was marked as one.
        pair: Its label; '' none.
        drivers: The driver of each step, also of those between its episodes.
    """

    numbers: str
    robot: str
    policy: str
    is_success: bool
    pair: str
    drivers: Sequence[str]

    @classmethod
    def of(
        cls,
        numbers: Sequence[int],
        episodes: Sequence[Episode],
        drivers: Sequence[Sequence[str]],
        rate_hz: float,
    ) -> Attempt:
        """Join the episodes of an attempt, which follow each other in time."""
        joined: list[str] = []
        for episode, own in zip(episodes, drivers, strict=True):
            since_s = (episode.start_ns - episodes[0].start_ns) / SECOND_NS
            joined += [NOBODY] * (round(since_s * rate_hz) - len(joined))
            joined += own
        first = episodes[0]
        policies = dict.fromkeys(episode.policy for episode in episodes if episode.policy)
        return cls(
            spans(numbers),
            first.robot,
            ', '.join(policies),
            any(episode.is_success for episode in episodes),
            first.pair,
            joined,
        )

    @property
    def takeovers(self) -> int:
        """Number of takeovers by a human; a pause within one ends none."""
        runs = [who for who, _ in groupby(each for each in self.drivers if each != NOBODY)]
        return runs.count(HUMAN)


def _attempts(episodes: Sequence[Episode]) -> list[list[int]]:
    """Numbers of the episodes of each attempt, in the order of their times."""
    found: dict[object, list[int]] = {}
    for number, episode in enumerate(episodes):
        recording = episode.fingerprint or episode.bag
        key = (episode.robot, recording, episode.attempt_ns) if episode.attempt_ns else number
        found.setdefault(key, []).append(number)
    return [sorted(numbers, key=lambda n: episodes[n].start_ns) for numbers in found.values()]


def _drivers(control: ControlColumns | None, episode: Episode) -> list[str]:
    """The driver of each step."""
    if control is None:
        return [OTHER] * episode.steps
    return [
        HUMAN if is_human else POLICY if policy else OTHER
        for is_human, policy in zip(control.intervention.tolist(), control.policies, strict=True)
    ]


def _summary(attempts: Sequence[Attempt], rate_hz: float) -> str:
    steps = {who: sum(each.drivers.count(who) for each in attempts) for who in _COLOURS}
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
    swatch = (
        '<svg width="14" height="14" aria-hidden="true"><rect width="14" height="14" class="{}"/>'
    )
    parts = (f'<li>{swatch.format(colour)}</svg> {who}</li>' for who, colour in _COLOURS.items())
    return f'<ul class="keys">{"".join(parts)}</ul>'


def _minutes(steps: int, rate_hz: float) -> str:
    seconds = steps / rate_hz
    return f'{seconds:.0f} s' if seconds < 2 * 60 else f'{seconds / 60:.1f} minutes'


def _totals(attempts: Sequence[Attempt]) -> str:
    """Each policy: how often its attempts succeed, and how often without a human."""
    rows = []
    for policy in dict.fromkeys(attempt.policy for attempt in attempts):
        own = [attempt for attempt in attempts if attempt.policy == policy]
        done = [attempt for attempt in own if attempt.is_success]
        alone = [attempt for attempt in done if HUMAN not in attempt.drivers]
        human = sum(attempt.drivers.count(HUMAN) for attempt in own)
        steps = sum(len(attempt.drivers) - attempt.drivers.count(NOBODY) for attempt in own)
        taken = sum(attempt.takeovers for attempt in own)
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
    head = ['policy', 'attempts', 'successes', 'without a human', 'interventions']
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
                place * scale, 0, steps * scale, _HEIGHT, hint=words[-1], class_=_COLOURS[who]
            )
        )
        place += steps
    return page.Cell(f'<td>{svg.picture(_WIDTH, _HEIGHT, parts, ", then ".join(words))}</td>')
