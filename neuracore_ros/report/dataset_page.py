"""A page about a dataset: its content, and the reasons of dropped steps."""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import MappingProxyType

from neuracore_ros.dataset.metadata import Metadata, StreamSummary, load_metadata
from neuracore_ros.description import Robot
from neuracore_ros.errors import DatasetError, quoted
from neuracore_ros.overview.picture import layout_section
from neuracore_ros.progress import StepProgressCallback
from neuracore_ros.report import html as page
from neuracore_ros.report.drivers_section import drivers_section
from neuracore_ros.report.episodes_section import EpisodesSection, pictured, ranked
from neuracore_ros.report.pairs_section import pairs_section
from neuracore_ros.report.slot_figures import SlotFigures, slot_figures
from neuracore_ros.report.slots_section import slots_section
from neuracore_ros.wording import counted, counts

NO_ROBOTS: Mapping[str, Robot] = MappingProxyType({})
SHOWN = 4
"""Episodes of each robot with pictures."""


def write_dataset_page(
    path: Path,
    dataset: Path,
    shown: int = SHOWN,
    robots: Mapping[str, Robot] = NO_ROBOTS,
    chosen: Sequence[int] = (),
    progress: StepProgressCallback = lambda what, part: None,
) -> EpisodesSection:
    """Write the page: what is in a dataset, and every episode of it as far as they fit.

    Args:
        path: Of the page.
        dataset: The folder.
        shown: So many episodes of each robot have pictures.
        robots: Robot files by name, for limits; some, or none.
        chosen: Numbers of episodes that have traces and pictures whatever else has.
        progress: Called as episodes are read, and read again to be drawn.

    Returns:
        The section of episodes, which says what is shown of them.

    Raises:
        DatasetError: It is no dataset, has no episode or not such a one, or is damaged.
    """
    metadata = load_metadata(dataset)
    count = len(metadata.episodes)
    if not count:
        raise DatasetError(f'{dataset}: has no episodes; add some with: neuracore_ros convert')
    if wrong := [number for number in chosen if number >= count]:
        raise DatasetError(f'{dataset}: has no episode {wrong[0]}; it has {count}, from 0 on')
    known = metadata.descriptions.input
    if robots and not robots.keys() & known.keys():
        first = quoted(next(iter(robots)))
        raise DatasetError(f'{dataset}: has no robot {first}; it has: {", ".join(known)}')
    figures = slot_figures(dataset, metadata, robots, partial(progress, 'read'))
    order = ranked(metadata, figures)
    wanted = [*chosen, *pictured(metadata, order, shown)]
    episodes = EpisodesSection(
        dataset, metadata, order, wanted, figures, partial(progress, 'drawn')
    )
    name = dataset.resolve().name
    sections = _sections(dataset, name, metadata, figures, bool(robots), episodes)
    page.write_page(path, f'{name}: dataset', sections, has_episodes=bool(episodes.with_traces))
    return episodes


def _sections(
    dataset: Path,
    name: str,
    metadata: Metadata,
    figures: Mapping[str, SlotFigures],
    has_limits: bool,
    section: EpisodesSection,
) -> Iterator[str]:
    steps = sum(episode.steps for episode in metadata.episodes)
    height, width = metadata.image_size
    episodes = counted(len(metadata.episodes), 'episode')
    recordings = counted(len(metadata.bags), 'recording')
    yield f'<h1>{html.escape(name)}</h1>'
    yield (
        f'<p class="lead">{episodes}, {counted(steps, "step")}, '
        f'{steps / metadata.rate_hz / 60:.1f} minutes at {metadata.rate_hz:g} Hz; images '
        f'{width} x {height} px.</p>'
    )
    yield '<h2>Robots</h2>'
    yield _robots(metadata)
    yield layout_section(metadata.descriptions)
    yield from slots_section(figures, has_limits, {*section.with_traces})
    yield from section.sections()
    yield from drivers_section(dataset, metadata)
    yield from pairs_section(metadata.episodes)
    yield '<h2>Streams</h2>'
    yield _streams(metadata)
    yield '<h2>What was dropped, and why</h2>'
    yield _dropped(metadata)
    yield page.folded(f'All {recordings}', _recordings(metadata))


def _robots(metadata: Metadata) -> str:
    rows = []
    for robot in metadata.descriptions.input:
        mine = [episode for episode in metadata.episodes if episode.robot == robot]
        steps = sum(episode.steps for episode in mine)
        rows.append((robot, len(mine), steps, f'{steps / metadata.rate_hz:.1f} s'))
    kinds = ['', 'number', 'number', 'number']
    return page.table(['robot', 'episodes', 'steps', 'duration'], kinds, rows)


def _streams(metadata: Metadata) -> str:
    """Every stream of every robot, over its recordings: the worst ages, the sum of the losses."""
    together: dict[tuple[str, str, str, int], list[StreamSummary]] = {}
    for bag in metadata.bags:
        # Several DataTypes may read one topic; each is a stream of its own.
        for place, stream in enumerate(bag.streams):
            key = bag.robot, stream.topic, stream.role, place
            together.setdefault(key, []).append(stream)
    if not together:
        return '<p>These recordings were converted before streams were noted.</p>'
    rows = []
    for (robot, topic, role, _), streams in together.items():
        refused: Counter[str] = Counter()
        for stream in streams:
            refused.update(stream.drops)
        rows.append(
            (
                *(robot, topic, role),
                ', '.join(streams[0].names),
                sum(stream.samples for stream in streams),
                _span([stream.rate_hz for stream in streams]) + _slowest(streams),
                _worst(stream.age_s_p50 for stream in streams),
                _worst(stream.age_s_p95 for stream in streams),
                _worst(stream.age_s_max for stream in streams),
                _worst(stream.longest_gap_s for stream in streams),
                _counts(refused),
            )
        )
    head = ['robot', 'topic', 'role', 'names', 'samples', 'Hz', 'age p50', 'p95', 'max']
    kinds = ['', '', '', 'long', *['number'] * 6, 'bad']
    return page.table([*head, 'longest gap', 'messages refused'], kinds, rows)


def _span(rates: Sequence[float]) -> str:
    """The lowest and the highest, once if they look the same."""
    return ' to '.join(dict.fromkeys(f'{rate:.1f}' for rate in (min(rates), max(rates))))


def _slowest(streams: Sequence[StreamSummary]) -> str:
    """The names that set the rate; of recordings converted before, none was noted."""
    names = dict.fromkeys(stream.slowest for stream in streams if stream.slowest)
    return f' ({", ".join(names)})' if names else ''


def _worst(figures_s: Iterable[float | None]) -> str:
    """The largest figure over all recordings, in milliseconds."""
    known = [figure for figure in figures_s if figure is not None]
    return f'{1e3 * max(known):.0f} ms' if known else ''


def _dropped(metadata: Metadata) -> str:
    """Each reason, over all recordings of a robot."""
    ticks: Counter[tuple[str, str]] = Counter()
    bags: Counter[tuple[str, str]] = Counter()
    for bag in metadata.bags:
        reasons = dict(bag.dropped)
        if bag.short_steps:
            reasons['piece shorter than --min-steps'] = bag.short_steps
        for reason, count in reasons.items():
            ticks[bag.robot, reason] += count
            bags[bag.robot, reason] += 1
    if not ticks:
        return '<p>Nothing: every tick of every recording is a step of an episode.</p>'
    rows = [(*key, count, bags[key]) for key, count in ticks.most_common()]
    kinds = ['', 'long', 'number bad', 'number']
    return page.table(['robot', 'reason', 'ticks', 'in recordings'], kinds, rows)


def _recordings(metadata: Metadata) -> str:
    kept: Counter[tuple[str, str]] = Counter()
    for episode in metadata.episodes:
        kept[episode.robot, episode.fingerprint] += episode.steps
    removed: dict[tuple[str, str], list[int]] = {}
    for episode in metadata.removed:
        removed.setdefault((episode.robot, episode.fingerprint), []).append(episode.steps)
    rows = [
        (
            *(bag.robot, bag.bag, bag.ticks, kept[bag.robot, bag.fingerprint]),
            _counts(bag.dropped),
            f'{bag.short_steps} steps in {bag.short_pieces}' if bag.short_pieces else '',
            _removed(removed.get((bag.robot, bag.fingerprint), ())),
            '; '.join(bag.losses),
        )
        for bag in metadata.bags
    ]
    head = ['robot', 'recording', 'ticks', 'kept', 'dropped for (ticks)', 'short pieces']
    head += ['removed by edit', 'lost']
    kinds = ['', 'long', 'number', 'number', 'long bad', '', '', 'long bad']
    return page.table(head, kinds, rows)


def _removed(steps: Sequence[int]) -> str:
    return f'{sum(steps)} steps in {counted(len(steps), "episode")}' if steps else ''


def _counts(counter: Mapping[str, int]) -> str:
    return counts(counter) if counter else ''
