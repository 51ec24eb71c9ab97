"""Range, spread and outliers of every slot of one robot, over all its episodes of a dataset."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import numpy as np

from neuracore_ros.arrays import Float32Array, FloatArray, IntArray
from neuracore_ros.dataset.metadata import Metadata
from neuracore_ros.description import DataType, Robot
from neuracore_ros.description.limits import Range
from neuracore_ros.description.vocabulary import recorded_vocabulary
from neuracore_ros.loading.reading import read_columns
from neuracore_ros.progress import ProgressCallback
from neuracore_ros.report.traces import slot_unit

PERCENTILES = (1, 50, 99)
# Percentiles are those of so many steps, evenly spread over all episodes.
_MOST_ROWS = 100_000
# A joint is at a limit within this part of its range.
_AT_LIMIT = 0.01
# Half a degree, or half a centimetre: less is no motion, and makes no outlier.
_LEAST_SPAN = 0.01


@dataclass(frozen=True, slots=True)
class FiguredColumn:
    """One number of one slot of a robot.

    Attributes:
        role: ``input`` or ``output``.
        data_type: Of the slot.
        index: Of the slot.
        name: The robot's.
        component: Of a pose, such as ``x`` or ``qw``; '' of one number.
        unit: '' if it has none, or nothing says which.
        limit: In the slot's sense; None unknown, or none.
        place: Its column among those of its role.
        meaning: The name of the slot in the vocabulary; '' without one.
    """

    role: str
    data_type: DataType
    index: int
    name: str
    component: str
    unit: str
    limit: Range | None
    place: int
    meaning: str = ''

    @property
    def is_continuous(self) -> bool:
        """Whether near values are near; q and -q are the same rotation."""
        return not self.component.startswith('q')


EpisodeReader = Callable[[int, Sequence[FiguredColumn]], Float32Array]
"""Takes an episode's number and C columns, and gives their valid values, (N, C), else NaN."""


@dataclass(frozen=True, slots=True)
class SlotFigures:
    """Figures of one robot's C columns over its E episodes; NaN where no value is valid.

    Attributes:
        columns: What they are of.
        episodes: The E numbers of its episodes in the dataset.
        minimum: (C,), and
        maximum: likewise.
        percentiles: Those of `PERCENTILES`, (3, C).
        spread: Standard deviations, (C,).
        at_limit: Share of the valid steps at a limit or beyond, (C,); NaN without a limit.
        fastest: Largest change of one step as a speed in each episode [unit/s], (E, C).
        outliers: Values in each episode that lie far outside of the rest, (E, C).
    """

    columns: tuple[FiguredColumn, ...]
    episodes: tuple[int, ...]
    minimum: FloatArray
    maximum: FloatArray
    percentiles: FloatArray
    spread: FloatArray
    at_limit: FloatArray
    fastest: FloatArray
    outliers: IntArray


def slot_figures(
    dataset: Path,
    metadata: Metadata,
    robots: Mapping[str, Robot],
    progress: ProgressCallback = lambda _: None,
) -> dict[str, SlotFigures]:
    """Robot -> the figures of its slots, of those that have episodes.

    Every table is read once, and again where an episode has outliers; of its numbers only a
    bounded part is kept.

    Args:
        dataset: The folder.
        metadata: Its metadata.
        robots: Robot files by name, for limits; some, or none.
        progress: Called with the part of all episodes that is read.

    Raises:
        DatasetError: A table is missing or damaged.
    """
    own: dict[str, list[int]] = {}
    for number, episode in enumerate(metadata.episodes):
        own.setdefault(episode.robot, []).append(number)
    done = count()

    def read(number: int, columns: Sequence[FiguredColumn]) -> Float32Array:
        progress(next(done) / len(metadata.episodes))
        return _values(dataset, metadata, number, columns)

    return {
        robot: _figures(read, metadata, numbers, slot_columns(metadata, robot, robots.get(robot)))
        for robot, numbers in own.items()
    }


def slot_columns(metadata: Metadata, name: str, robot: Robot | None) -> tuple[FiguredColumn, ...]:
    """The columns of a robot, inputs first, with the limits of its robot file."""
    found = []
    described = metadata.descriptions
    own = robot.vocabulary if robot is not None else None
    vocabulary = recorded_vocabulary(described.vocabulary, own)
    for role, slots, layout in (
        ('input', described.input[name], metadata.input_layout),
        ('output', described.output[name], metadata.output_layout),
    ):
        for place, column in enumerate(layout.columns()):
            word, digits, *component = column.split('.')
            kind, index = DataType(word), int(digits)
            if (joint := slots.get(kind, {}).get(index)) is None:
                continue
            unit, limit = slot_unit(kind, *component), None
            if robot is not None and not component:
                unit, limit = _known(robot, kind, joint, unit)
            slot = vocabulary.slot(kind, index) if vocabulary is not None else None
            # A joint of the vocabulary turns, or it slides.
            if slot is not None and ' or ' in unit and kind.measured is DataType.JOINT_POSITIONS:
                unit = slot.unit or unit
            meaning = slot.name if slot is not None else ''
            found.append(
                FiguredColumn(
                    role, kind, index, joint, ''.join(component), unit, limit, place, meaning
                )
            )
    return tuple(found)


def _known(robot: Robot, kind: DataType, name: str, unit: str) -> tuple[str, Range | None]:
    """The unit of a joint and its limits in the slot's sense, by its robot file.

    A gripper has none: it is meant to be at them.
    """
    one, _, other = unit.partition(' or ')
    own = [(output, limit) for (output, joint), limit in robot.limits.items() if joint == name]
    if not own:
        return unit, None
    told = [output for output, _ in own if kind in (output, output.measured)]
    ends = robot.slot_range(told[0], name) if told and not kind.is_gripper else None
    if ends is not None and not all(map(math.isfinite, ends)):
        ends = None
    return (other if other and own[0][1].slides else one), ends


def _figures(
    read: EpisodeReader,
    metadata: Metadata,
    numbers: Sequence[int],
    columns: tuple[FiguredColumn, ...],
) -> SlotFigures:
    width, rate_hz = len(columns), metadata.rate_hz
    steps = sum(metadata.episodes[number].steps for number in numbers)
    stride = max(1, math.ceil(steps / _MOST_ROWS))
    ends = np.array([column.limit or (np.nan, np.nan) for column in columns]).reshape(width, 2)
    margin = _AT_LIMIT * (ends[:, 1] - ends[:, 0])
    low, high = (np.full((len(numbers), width), np.nan) for _ in range(2))
    fastest = np.full((len(numbers), width), np.nan)
    valid, at_limit = np.zeros(width, np.int64), np.zeros(width, np.int64)
    kept, rest = [], 0
    for place, number in enumerate(numbers):
        values = read(number, columns)
        known = np.isfinite(values)
        low[place] = np.where(known, values, np.inf).min(axis=0, initial=np.inf)
        high[place] = np.where(known, values, -np.inf).max(axis=0, initial=-np.inf)
        change = np.abs(np.diff(values, axis=0))
        speeds = rate_hz * np.nanmax(change, axis=0, initial=0.0, where=np.isfinite(change))
        fastest[place] = np.where(known.any(axis=0), speeds, np.nan)
        valid += known.sum(axis=0)
        with np.errstate(invalid='ignore'):
            at_limit += ((values <= ends[:, 0] + margin) | (values >= ends[:, 1] - margin)).sum(0)
        kept.append(values[rest::stride].astype(np.float32))
        rest = (rest - len(values)) % stride
    rows = np.concatenate(kept)
    percentiles, spread = _percentiles_and_spread(rows)
    fences = _fences(columns, percentiles)
    return SlotFigures(
        columns=columns,
        episodes=tuple(numbers),
        minimum=_finite(low.min(axis=0)),
        maximum=_finite(high.max(axis=0)),
        percentiles=percentiles,
        spread=spread,
        at_limit=np.where(np.isfinite(margin), at_limit / np.maximum(valid, 1), np.nan),
        fastest=np.where([column.is_continuous for column in columns], fastest, np.nan),
        outliers=_outliers(read, numbers, columns, fences, (low, high)),
    )


def _values(
    dataset: Path, metadata: Metadata, number: int, columns: Sequence[FiguredColumn]
) -> Float32Array:
    """The valid numbers of an episode's N steps, (N, C), NaN elsewhere."""
    read = read_columns(dataset, metadata, number)
    found = np.full((metadata.episodes[number].steps, len(columns)), np.nan, np.float32)
    for role, values, valid in (
        ('input', read.state, read.state_valid),
        ('output', read.action, read.action_valid),
    ):
        mine = [n for n, column in enumerate(columns) if column.role == role]
        places = [columns[n].place for n in mine]
        usable = valid[:, places] & np.isfinite(values[:, places])
        found[:, mine] = np.where(usable, values[:, places], np.nan)
    return found


def _percentiles_and_spread(rows: Float32Array) -> tuple[FloatArray, FloatArray]:
    """Those of the known values of each column, (3, C) and (C,); NaN where there is none."""
    percentiles = np.full((len(PERCENTILES), rows.shape[1]), np.nan)
    spread = np.full(rows.shape[1], np.nan)
    # Column by column, so that only one is in memory as it is computed with.
    for place, column in enumerate(rows.T):
        known = column[np.isfinite(column)].astype(np.float64)
        if len(known):
            percentiles[:, place] = np.percentile(known, PERCENTILES)
            spread[place] = known.std()
    return percentiles, spread


def _fences(
    columns: Sequence[FiguredColumn], percentiles: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Bounds, (C,) each, beyond which a value is an outlier."""
    least = [1.0 if c.data_type.is_gripper else _LEAST_SPAN for c in columns]
    span = np.maximum(percentiles[2] - percentiles[0], least)
    span[[not column.is_continuous for column in columns]] = np.inf
    return percentiles[0] - span, percentiles[2] + span


def _outliers(
    read: EpisodeReader,
    numbers: Sequence[int],
    columns: Sequence[FiguredColumn],
    fences: tuple[FloatArray, FloatArray],
    ranges: tuple[FloatArray, FloatArray],
) -> IntArray:
    """How many values of each episode are outliers, (E, C)."""
    found = np.zeros((len(numbers), len(columns)), np.int64)
    suspect = ((ranges[0] < fences[0]) | (ranges[1] > fences[1])).any(axis=1)
    for place in np.flatnonzero(suspect).tolist():
        values = read(numbers[place], columns)
        with np.errstate(invalid='ignore'):
            found[place] = ((values < fences[0]) | (values > fences[1])).sum(axis=0)
    return found


def _finite(values: FloatArray) -> FloatArray:
    return np.where(np.isfinite(values), values, np.nan)
