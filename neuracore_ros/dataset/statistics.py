"""Statistics per slot, over the entries that are valid, and their exact merging."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

QUANTILES = (0.01, 0.10, 0.50, 0.90, 0.99)
QUANTILE_NAMES = ('q01', 'q10', 'q50', 'q90', 'q99')
# A slot that nobody has: LeRobot's three normalisers (mean and std, min and max, quantiles)
# then all leave its padding at 0.
ABSENT = {'mean': 0.0, 'std': 1.0, 'min': -1.0, 'max': 1.0}
ABSENT_QUANTILES = (-1.0, -1.0, 0.0, 1.0, 1.0)


@dataclass(frozen=True, slots=True)
class Statistics:
    """Moments and bounds of W slots; every array has shape (W,), quantiles (5, W).

    Where ``count`` is 0, the other numbers are those of a slot that nobody has.
    """

    count: IntArray
    mean: FloatArray
    std: FloatArray
    minimum: FloatArray
    maximum: FloatArray
    quantiles: FloatArray

    @classmethod
    def of(cls, values: NDArray[np.float32], valid: NDArray[np.bool_]) -> Statistics:
        """Count valid entries only.

        Args:
            values: Shape (N, W).
            valid: Shape (N, W).
        """
        columns = [values[valid[:, w], w].astype(np.float64) for w in range(values.shape[1])]
        return cls._of_columns(
            [
                (column.size, column.mean(), column.std(), column.min(), column.max())
                if column.size
                else None
                for column in columns
            ],
            [np.quantile(column, QUANTILES) if column.size else None for column in columns],
        )

    @classmethod
    def of_histogram(cls, histogram: IntArray, unit: float) -> Statistics:
        """Statistics of pixels.

        Args:
            histogram: How often each of L levels occurs per channel, shape (C, L).
            unit: What one level is: 1 / 255 of colours, 1 mm of depths.
        """
        level: FloatArray = np.arange(histogram.shape[1]) * np.float64(unit)
        moments: list[tuple[float, ...] | None] = []
        quantiles: list[FloatArray | None] = []
        for counts in histogram:
            total = int(counts.sum())
            if not total:
                moments.append(None)
                quantiles.append(None)
                continue
            mean = float(counts @ level / total)
            std = float(np.sqrt(counts @ (level - mean) ** 2 / total))
            present = level[counts > 0]
            moments.append((total, mean, std, present[0], present[-1]))
            ranks = np.searchsorted(counts.cumsum(), np.multiply(QUANTILES, total))
            quantiles.append(level[ranks])
        return cls._of_columns(moments, quantiles)

    @classmethod
    def _of_columns(cls, moments: list[Any], quantiles: list[FloatArray | None]) -> Statistics:
        absent = (0, *(ABSENT[name] for name in ('mean', 'std', 'min', 'max')))
        table = np.array([absent if row is None else row for row in moments], np.float64)
        count, mean, std, minimum, maximum = table.reshape(-1, 5).T
        bounds = [ABSENT_QUANTILES if column is None else column for column in quantiles]
        return cls(
            count.astype(np.int64),
            mean,
            std,
            minimum,
            maximum,
            np.array(bounds, np.float64).reshape(-1, len(QUANTILES)).T,
        )

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

    def to_json(self, steps: int, image: bool) -> dict[str, Any]:
        """As LeRobot stores them.

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

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Statistics:
        """Read what :meth:`to_json` wrote."""

        def column(name: str) -> FloatArray:
            return np.array(record[name], np.float64).reshape(-1)

        return cls(
            np.array(record['valid_count'], np.int64),
            column('mean'),
            column('std'),
            column('min'),
            column('max'),
            np.stack([column(name) for name in QUANTILE_NAMES]),
        )
