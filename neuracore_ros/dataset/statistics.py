"""Statistics per slot, over the entries that are valid, and their exact merging."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from neuracore_ros.arrays import BoolArray, Float32Array, FloatArray, IntArray
from neuracore_ros.records import MOST, Record

QUANTILES = (0.01, 0.10, 0.50, 0.90, 0.99)
QUANTILE_NAMES = ('q01', 'q10', 'q50', 'q90', 'q99')
# Mean, std, min, max and quantiles of a slot that no robot has: LeRobot's three normalisers (mean
# and std, min and max, quantiles) then all leave its padding at 0.
_ABSENT = (0.0, 1.0, -1.0, 1.0, -1.0, -1.0, 0.0, 1.0, 1.0)

# What our own policies take for noise, too: half a degree, or a centimetre.
LEAST_STD = 0.01
# Other tools normalise padding, too: it may lie at most so far from what is valid.
MOST_STDS = 10.0
# The exact value of what :meth:`Statistics.widened` changes.
EXACT = 'valid_'


@dataclass(frozen=True, slots=True)
class Statistics:
    """Moments and bounds of W slots; every array has shape (W,), quantiles (5, W).

    Where ``count`` is 0, the other numbers are those of a slot that no robot has.
    """

    count: IntArray
    mean: FloatArray
    std: FloatArray
    minimum: FloatArray
    maximum: FloatArray
    quantiles: FloatArray

    @classmethod
    def of(cls, values: Float32Array, valid: BoolArray) -> Statistics:
        """Statistics of the valid entries of values, both of shape (N, W)."""
        columns = [values[valid[:, w], w].astype(np.float64) for w in range(values.shape[1])]
        return cls._of_slots(
            [
                (each.mean(), each.std(), each.min(), each.max(), *np.quantile(each, QUANTILES))
                if each.size
                else _ABSENT
                for each in columns
            ],
            [each.size for each in columns],
        )

    @classmethod
    def of_histogram(cls, histogram: IntArray, unit: float) -> Statistics:
        """Statistics of pixels.

        Args:
            histogram: How often each of L levels occurs per channel, shape (C, L).
            unit: What one level is: 1 / 255 of colours, 1 mm of depths.
        """
        level: FloatArray = np.arange(histogram.shape[1]) * np.float64(unit)
        totals = histogram.sum(axis=1)
        slots: list[tuple[float, ...]] = []
        for counts, total in zip(histogram, totals.tolist(), strict=True):
            if not total:
                slots.append(_ABSENT)
                continue
            mean = float(counts @ level / total)
            std = float(np.sqrt(counts @ (level - mean) ** 2 / total))
            present = level[counts > 0]
            ranks = np.searchsorted(counts.cumsum(), np.multiply(QUANTILES, total))
            slots.append((mean, std, present[0], present[-1], *level[ranks]))
        return cls._of_slots(slots, totals)

    @classmethod
    def _of_slots(cls, slots: Sequence[tuple[float, ...]], counts: ArrayLike) -> Statistics:
        """Statistics of W tuples as that of an absent slot, and of their counts."""
        mean, std, low, high, *quantiles = np.reshape(slots, (-1, len(_ABSENT))).T
        return cls(np.array(counts, np.int64), mean, std, low, high, np.array(quantiles))

    @classmethod
    def absent(cls, width: int) -> Statistics:
        """Statistics of W slots that no robot has."""
        return cls._of_slots([_ABSENT] * width, [0] * width)

    def placed(self, places: Sequence[int], width: int) -> Statistics:
        """The statistics of W slots of which these, at their places, are all that a robot has."""
        wide = self.absent(width)
        for name in ('count', 'mean', 'std', 'minimum', 'maximum', 'quantiles'):
            getattr(wide, name)[..., list(places)] = getattr(self, name)
        return wide

    def merge(self, other: Statistics) -> Statistics:
        """The statistics of both sets together; exact, except for quantiles.

        Quantiles cannot be merged: as in LeRobot, the wider of the two is kept.
        """
        count = self.count + other.count
        total = np.maximum(count, 1)
        share = other.count / total
        mean = self.mean + (other.mean - self.mean) * share
        variance = (
            self.std**2 * (1 - share)
            + other.std**2 * share
            + (other.mean - self.mean) ** 2 * share * (1 - share)
        )
        low = np.array(QUANTILES)[:, None] <= 0.5
        wider = np.where(
            low,
            np.minimum(self.quantiles, other.quantiles),
            np.maximum(self.quantiles, other.quantiles),
        )

        def chosen(both: FloatArray, mine: FloatArray, theirs: FloatArray) -> FloatArray:
            return np.where(other.count == 0, mine, np.where(self.count == 0, theirs, both))

        return Statistics(
            count,
            chosen(mean, self.mean, other.mean),
            chosen(np.sqrt(variance), self.std, other.std),
            chosen(np.minimum(self.minimum, other.minimum), self.minimum, other.minimum),
            chosen(np.maximum(self.maximum, other.maximum), self.maximum, other.maximum),
            chosen(wider, self.quantiles, other.quantiles),
        )

    def widened(self, steps: int) -> Statistics:
        """Statistics for tools that know of no masks to normalise by.

        It divides the zeros of a robot that lacks a slot by how much the slot varies on the
        others: by 0 where it is constant. So a standard deviation is at least a hundredth; and of
        a slot that not every row has, as large as brings 0 to at most 10 of them from the mean.
        Bounds are moved apart likewise.

        Args:
            steps: Rows in all, valid or not.
        """
        is_padded = (self.count > 0) & (self.count < steps)
        is_there = self.count > 0

        def least(centre: FloatArray) -> FloatArray:
            padded = np.where(is_padded, np.abs(centre) / MOST_STDS, 0.0)
            return np.where(is_there, np.maximum(LEAST_STD, padded), 0.0)

        def apart(low: FloatArray, high: FloatArray) -> tuple[FloatArray, FloatArray]:
            centre = (low + high) / 2
            half = least(centre)
            is_near = high - low < 2 * half
            return np.where(is_near, centre - half, low), np.where(is_near, centre + half, high)

        minimum, maximum = apart(self.minimum, self.maximum)
        q01, q10, q50, q90, q99 = self.quantiles
        (q01, q99), (q10, q90) = apart(q01, q99), apart(q10, q90)
        return replace(
            self,
            std=np.maximum(self.std, least(self.mean)),
            minimum=minimum,
            maximum=maximum,
            quantiles=np.stack([q01, q10, q50, q90, q99]),
        )

    def to_json(self, steps: int, image: bool) -> dict[str, Any]:
        """The statistics as LeRobot stores them.

        Args:
            steps: Rows in all, valid or not: LeRobot knows one ``count`` for all slots.
            image: Channels have the shape (C, 1, 1).

        Returns:
            Name -> nested lists; ``valid_count`` (per slot) is an addition of ours.
        """
        shape = (-1, 1, 1) if image else (-1,)
        arrays = {
            'min': self.minimum,
            'max': self.maximum,
            'mean': self.mean,
            'std': self.std,
            **dict(zip(QUANTILE_NAMES, self.quantiles, strict=True)),
        }
        record = {name: array.reshape(shape).tolist() for name, array in arrays.items()}
        return record | {'count': [steps], 'valid_count': self.count.tolist()}

    def to_widened_json(self, steps: int) -> dict[str, Any]:
        """The widened statistics of a vector, beside the exact ones, so that they merge."""
        exact = self.to_json(steps, image=False)
        widened = self.widened(steps).to_json(steps, image=False)
        changed = {EXACT + name: exact[name] for name in exact if widened[name] != exact[name]}
        return widened | changed

    @classmethod
    def of_record(cls, record: Record, width: int) -> Statistics:
        """Read what :meth:`to_json` or :meth:`to_widened_json` wrote of W slots.

        Raises:
            UserError: A value is missing or wrong; of the record's kind.
        """

        def column(name: str) -> FloatArray:
            return _column(record, EXACT + name if record.has(EXACT + name) else name, width)

        count = _column(record, 'valid_count', width)
        if (count < 0).any() or (count > MOST).any():
            raise record.wrong('valid_count', f'{width} integers of at least 0')
        return cls(
            count.astype(np.int64),
            column('mean'),
            column('std'),
            column('min'),
            column('max'),
            np.stack([column(name) for name in QUANTILE_NAMES]),
        )


def _column(record: Record, name: str, width: int) -> FloatArray:
    """W finite numbers, however nested."""
    try:
        column = np.array(record.value(name), np.float64).reshape(-1)
    except (TypeError, ValueError, OverflowError):
        column = np.empty(0)
    if column.shape != (width,) or not np.isfinite(column).all():
        raise record.wrong(name, f'{width} finite numbers')
    return column
