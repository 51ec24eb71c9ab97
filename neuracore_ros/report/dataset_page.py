"""A page about a dataset: its content, and the reasons of dropped steps."""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

from neuracore_ros.dataset import lerobot
from neuracore_ros.dataset.metadata import Metadata, StreamSummary, load_metadata
from neuracore_ros.description import DataType
from neuracore_ros.errors import DatasetError
from neuracore_ros.loading.reading import read_columns, read_frames
from neuracore_ros.overview.picture import layout_section
from neuracore_ros.report import html as page
from neuracore_ros.report.chart import LINEAR, Curve, line_chart, over_time
from neuracore_ros.report.drivers_section import drivers_section
from neuracore_ros.report.pairs_section import pairs_section
from neuracore_ros.report.traces import Trace, episode_traces
from neuracore_ros.wording import counted, counts

SHOWN = 4
"""Episodes of each robot with traces and pictures, spread over all of them."""
_FRAMES, _FRAME_HEIGHT = 8, 120
_JPEG = [cv2.IMWRITE_JPEG_QUALITY, 80]


def write_dataset_page(path: Path, dataset: Path, shown: int = SHOWN) -> int:
    """Write the page, on which some episodes of each robot have traces and pictures.

    Returns:
        The number of these episodes.

    Raises:
        DatasetError: It is no dataset, has no episode, or is damaged.
    """
    metadata = load_metadata(dataset)
    if not metadata.episodes:
        raise DatasetError(f'{dataset}: has no episodes; add some with: neuracore_ros convert')
    chosen = _chosen(metadata, shown)
    name = dataset.resolve().name
    page.write_page(path, f'{name}: dataset', _sections(dataset, name, metadata, chosen))
    return len(chosen)


def _sections(
    dataset: Path, name: str, metadata: Metadata, chosen: Sequence[int]
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
    yield from drivers_section(dataset, metadata)
    yield from pairs_section(metadata.episodes)
    yield '<h2>Streams</h2>'
    yield _streams(metadata)
    yield '<h2>What was dropped, and why</h2>'
    yield _dropped(metadata)
    yield page.folded(f'All {recordings}', _recordings(metadata))
    yield page.folded(f'All {episodes}', _episodes(metadata))
    for number in chosen:
        yield from _episode(dataset, metadata, number)


def _chosen(metadata: Metadata, shown: int) -> list[int]:
    """Numbers of some episodes of each robot, spread evenly."""
    by_robot: dict[str, list[int]] = {}
    for number, episode in enumerate(metadata.episodes):
        by_robot.setdefault(episode.robot, []).append(number)
    found = []
    for numbers in by_robot.values():
        places = np.linspace(0, len(numbers) - 1, min(shown, len(numbers))).round().astype(int)
        found += [numbers[place] for place in places]
    return found


# Tables


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


def _episodes(metadata: Metadata) -> str:
    rows = [
        (
            *(number, episode.robot, episode.pair, episode.bag, episode.outcome, episode.steps),
            f'{episode.steps / metadata.rate_hz:.1f} s',
            _counts(episode.dropped),
        )
        for number, episode in enumerate(metadata.episodes)
    ]
    head = ['episode', 'robot', 'pair', 'recording', 'outcome', 'steps', 'duration']
    kinds = ['number', '', '', 'long', '', 'number', 'number', 'long bad']
    return page.table([*head, 'dropped before it (ticks)'], kinds, rows)


def _counts(counter: Mapping[str, int]) -> str:
    return counts(counter) if counter else ''


# One episode


def _episode(dataset: Path, metadata: Metadata, number: int) -> Iterator[str]:
    episode = metadata.episodes[number]
    described = metadata.descriptions
    yield f'<h2>Episode {number}: {html.escape(episode.robot)}</h2>'
    for index, name in described.input[episode.robot].get(DataType.RGB_IMAGES, {}).items():
        yield f'<h3>RGB_IMAGES {index}: {html.escape(name)}</h3>'
        yield _contact_sheet(dataset, metadata, number, lerobot.camera_key(index), name)
    columns = read_columns(dataset, metadata, number)
    for role, shown in episode_traces(metadata, number, columns).items():
        yield from _charts(role, shown, metadata.rate_hz)


def _contact_sheet(dataset: Path, metadata: Metadata, number: int, camera: str, name: str) -> str:
    """Frames side by side, from the first to the last."""
    frames = []
    for frame in read_frames(dataset, metadata, number, camera, _FRAMES):
        width = round(frame.shape[1] * _FRAME_HEIGHT / frame.shape[0])
        frames.append(cv2.resize(frame, (width, _FRAME_HEIGHT), interpolation=cv2.INTER_AREA))
    sheet = cv2.cvtColor(np.hstack(frames), cv2.COLOR_RGB2BGR)
    encoded = cv2.imencode('.jpg', sheet, _JPEG)[1]
    return page.image(encoded.tobytes(), 'jpeg', f'{name}, first to last step', 'sheet')


def _charts(role: str, shown: Sequence[Trace], rate_hz: float) -> Iterator[str]:
    """One chart for each DataType; of poses, one of positions and one of rotations."""
    charts: dict[tuple[DataType, str], dict[str, Curve]] = {}
    for trace in shown:
        lines = charts.setdefault((trace.data_type, trace.part), {})
        lines[trace.label] = over_time(trace.values, rate_hz)
    for (kind, part), lines in charts.items():
        yield f'<h3>{role} {kind}{part and ": " + part}</h3>'
        yield line_chart(lines, 'time [s]', 'm' if part == 'position' else '', LINEAR)
