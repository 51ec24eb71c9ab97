"""Every episode of a dataset in a table, the most doubtful first, and the viewer beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np

from neuracore_ros.dataset.metadata import Metadata
from neuracore_ros.description import DataType
from neuracore_ros.loading.reading import read_columns, read_control
from neuracore_ros.progress import ProgressCallback
from neuracore_ros.report import html as page
from neuracore_ros.report.episode_cameras import episode_cameras
from neuracore_ros.report.episode_view import (
    MOST_BYTES_OF_TRACES,
    Band,
    CameraSheet,
    EpisodeView,
    ShownLine,
    TimeChart,
    points_within,
    viewer,
)
from neuracore_ros.report.slot_figures import SlotFigures
from neuracore_ros.report.traces import episode_traces
from neuracore_ros.wording import counted, counts

MOST_BYTES_OF_PICTURES = 12_000_000


@dataclass(frozen=True, slots=True)
class RankedEpisode:
    """One episode, and how doubtful it is.

    Attributes:
        number: In the dataset.
        outliers: Values of it that lie far outside of those of the robot's other episodes.
        dropped: Ticks before it of which no step could be made.
    """

    number: int
    outliers: int
    dropped: int


def ranked(metadata: Metadata, figures: Mapping[str, SlotFigures]) -> list[RankedEpisode]:
    """All episodes, those with most outliers first, and then those with most dropped ticks."""
    outliers = {
        number: int(own)
        for found in figures.values()
        for number, own in zip(found.episodes, found.outliers.sum(axis=1), strict=True)
    }
    every = [
        RankedEpisode(number, outliers[number], sum(episode.dropped.values()))
        for number, episode in enumerate(metadata.episodes)
    ]
    return sorted(every, key=lambda each: (-each.outliers, -each.dropped, each.number))


def pictured(metadata: Metadata, order: Sequence[RankedEpisode], shown: int) -> list[int]:
    """Numbers of the episodes of each robot to have pictures: one half the most doubtful.

    The others are spread evenly over the episodes of the robot.
    """
    found: list[int] = []
    by_robot: dict[str, list[RankedEpisode]] = {}
    for each in order:
        by_robot.setdefault(metadata.episodes[each.number].robot, []).append(each)
    for own in by_robot.values():
        doubtful = [each.number for each in own if each.outliers or each.dropped]
        first = doubtful[: (shown + 1) // 2]
        others = sorted({each.number for each in own} - {*first})
        count = min(shown - len(first), len(others))
        places = np.linspace(0, len(others) - 1, count).round().astype(int)
        found += [*first, *(others[place] for place in places)]
    return found


class EpisodesSection:
    """The table of episodes and the viewer, within the size that a page may have.

    Attributes:
        with_traces: Numbers of the episodes that the viewer shows, in its order.
        with_pictures: Numbers of those among them that have pictures.
    """

    def __init__(
        self,
        dataset: Path,
        metadata: Metadata,
        order: Sequence[RankedEpisode],
        wanted: Sequence[int],
        figures: Mapping[str, SlotFigures],
        progress: ProgressCallback = lambda _: None,
    ) -> None:
        """Read the episodes, as far as they fit.

        Args:
            dataset: The folder.
            metadata: Its metadata.
            order: All episodes, as the table has them at first.
            wanted: Numbers of those that have pictures, if these fit.
            figures: Robot -> figures of its slots.
            progress: Called with the part of them that is done.

        Raises:
            DatasetError: A file of an episode is missing or damaged.
        """
        self._dataset, self._metadata, self._figures = dataset, metadata, figures
        self.with_traces: list[int] = []
        self.with_pictures: list[int] = []
        self._elements: list[str] = []
        first = [each.number for each in order if each.number in {*wanted}]
        listed = list(dict.fromkeys([*first, *(each.number for each in order)]))
        listed = listed[: page.MOST_ROWS]
        self._listed = [each for each in order if each.number in {*listed}]
        lines = sum(len(figures[metadata.episodes[n].robot].columns) for n in listed)
        self._points = points_within(MOST_BYTES_OF_TRACES, lines)
        left = {'traces': MOST_BYTES_OF_TRACES, 'pictures': MOST_BYTES_OF_PICTURES}
        for done, number in enumerate(listed):
            progress(done / len(listed))
            cameras: list[CameraSheet] = []
            if number in first and left['pictures'] > 0:
                cameras = list(episode_cameras(dataset, metadata, number))
            size = sum(len(camera.data) * 4 // 3 for camera in cameras)
            if size > left['pictures']:
                cameras, size = [], 0
            element = self._view(number, cameras).element(self._points)
            if (traces := len(element) - size) > left['traces']:
                break
            left['traces'] -= traces
            left['pictures'] -= size
            self._elements.append(element)
            self.with_traces.append(number)
            self.with_pictures += [number] * bool(cameras)

    def sections(self) -> Iterator[str]:
        """The HTML: the table, the viewer, and what it shows."""
        metadata = self._metadata
        yield f'<h2 id="every-episode">{_heading(len(metadata.episodes))}</h2>'
        yield f'<p class="note">{" ".join(self._notes())}</p>'
        yield (
            '<div class="finder" hidden><label>Find <input type="search" '
            'data-filters="episodes" placeholder="robot, recording, outcome"></label>'
            '<span id="episodes-count" role="status"></span></div>'
        )
        yield self._table()
        if self.with_traces:
            yield viewer(f'episode-{self._first}')
            yield from self._elements

    @property
    def _first(self) -> int:
        shown = {*self.with_traces}
        return next(each.number for each in self._listed if each.number in shown)

    def _notes(self) -> Iterator[str]:
        """What is here, what is left out, and how to get it; plain sentences without markup."""
        count, pictures = len(self._metadata.episodes), len(self.with_pictures)
        if any(each.outliers for each in self._listed):
            yield 'Those with most outliers come first, then those with most dropped ticks.'
        elif any(each.dropped for each in self._listed):
            yield 'None has outliers; those with most dropped ticks come first.'
        else:
            yield 'No outliers, and no dropped ticks.'
        if self._has_cameras and pictures < count:
            yield (
                f'{counted(pictures, "episode has", "episodes have")} pictures: half of them are '
                'the first of each robot here, the others are spread evenly. <code>--show '
                'N</code> adds others, <code>--episodes N</code> gives N of each robot.'
            )
        if len(self.with_traces) < count:
            yield (
                f'{count - len(self.with_traces)} others have no traces here, so that the page '
                'stays small: <code>--show N,N-N</code> gives theirs, and <code>--rerun N</code> '
                'opens one in the Rerun viewer.'
            )
        if count > len(self._listed):
            yield f'The table lists {len(self._listed)} of {count}.'
        longest = max(episode.steps for episode in self._metadata.episodes)
        if longest > self._points:
            yield (
                f'A line has about {self._points} points: of an episode with more steps, the '
                'least and the largest value of each few.'
            )

    @property
    def _has_cameras(self) -> bool:
        inputs = self._metadata.descriptions.input.values()
        return any({DataType.RGB_IMAGES, DataType.DEPTH_IMAGES} & slots.keys() for slots in inputs)

    def _table(self) -> str:
        rate_hz = self._metadata.rate_hz
        shown, pictures = {*self.with_traces}, {*self.with_pictures}
        rows = []
        for each in self._listed:
            episode, number = self._metadata.episodes[each.number], each.number
            link = f'<a href="#episode-{number}">{number}</a>' if number in shown else str(number)
            rows.append(
                (
                    page.Cell(f'<td class="number">{link}</td>'),
                    *(episode.robot, episode.pair, episode.bag, episode.outcome, episode.steps),
                    f'{episode.steps / rate_hz:.1f} s',
                    page.cell(each.outliers, 'number bad' if each.outliers else 'number'),
                    counts(episode.dropped) if episode.dropped else '',
                    'traces, pictures'
                    if number in pictures
                    else 'traces'
                    if number in shown
                    else '',
                )
            )
        head = ['episode', 'robot', 'pair', 'recording', 'outcome', 'steps', 'duration']
        head += ['outliers', 'dropped before it (ticks)', 'shown']
        kinds = ['number', '', '', 'long', '', 'number', 'number', 'number', 'long bad', '']
        return page.table(*page.without_empty(head, kinds, rows), 'every episode', 'episodes')

    def _view(self, number: int, cameras: Sequence[CameraSheet]) -> EpisodeView:
        metadata = self._metadata
        episode = metadata.episodes[number]
        parts = [f'{episode.robot}, {episode.bag}', episode.outcome, episode.policy]
        return EpisodeView(
            f'episode-{number}',
            f'Episode {number}: {episode.robot}',
            ', '.join(filter(None, parts)),
            metadata.rate_hz,
            episode.steps,
            self._charts(number),
            self._bands(number),
            cameras,
        )

    def _charts(self, number: int) -> list[TimeChart]:
        """One chart for each DataType; of poses, one of positions and one of rotations."""
        metadata = self._metadata
        columns = read_columns(self._dataset, metadata, number)
        found = self._figures[metadata.episodes[number].robot].columns
        units: dict[tuple[str, DataType], set[str]] = {}
        for each in found:
            units.setdefault((each.role, each.data_type), set()).add(each.unit)
        charts: dict[tuple[str, str, str], list[ShownLine]] = {}
        for role, traces in episode_traces(metadata, number, columns).items():
            for trace in traces:
                known = units[role, trace.data_type]
                # Of joints that turn beside some that slide, it says both.
                unit = next(iter(known)) if len(known) == 1 else trace.unit
                part = f': {trace.part}' if trace.part else ''
                title = f'{role} {trace.data_type.value}{part}'
                line = ShownLine(trace.label, trace.values)
                charts.setdefault((title, unit, trace.part), []).append(line)
        return [
            TimeChart(title, unit, lines, part or 'value')
            for (title, unit, part), lines in charts.items()
        ]

    def _bands(self, number: int) -> list[Band]:
        """The stretches that a human commanded in place of the policy."""
        episode = self._metadata.episodes[number]
        if not episode.interventions:
            return []
        control = read_control(self._dataset, self._metadata, number)
        if control is None:
            return []
        found, step = [], 0
        for is_human, run in groupby(control.intervention):
            end = step + len(list(run))
            if is_human:
                found.append(Band('human', 'a human commands', step, end))
            step = end
        return found


def _heading(count: int) -> str:
    return f'All {count} episodes' if count > 1 else 'The only episode'
