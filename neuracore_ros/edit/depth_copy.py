"""Depth images of a table, taken into another one as they are; and those of absent cameras."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

import numpy as np
import pyarrow as pa

from neuracore_ros.dataset import depths
from neuracore_ros.dataset.reading_errors import reading_errors
from neuracore_ros.dataset.tables import open_table


@dataclass(frozen=True, slots=True)
class StoredDepths:
    """The images of an episode in its table; only those that are asked for are in memory.

    Attributes:
        path: The table.
        key: Its column.
    """

    path: Path
    key: str

    def column(self, start: int, stop: int) -> pa.Array:
        """The images of some steps.

        Raises:
            DatasetError: The table is missing or damaged.
        """
        with reading_errors(self.path), open_table(self.path) as table:
            counts = [table.metadata.row_group(k).num_rows for k in range(table.num_row_groups)]
            ends = list(accumulate(counts))
            groups = [k for k, end in enumerate(ends) if end > start and end - counts[k] < stop]
            begin = ends[groups[0]] - counts[groups[0]]
            column = table.read_row_groups(groups, [self.key])[self.key].combine_chunks()
            return column.slice(start - begin, stop - start).cast(depths.TYPE)


@dataclass(frozen=True, slots=True)
class AbsentDepths:
    """The images of a camera that a robot lacks.

    Attributes:
        steps: Their number.
        size: (height, width), [px].
    """

    steps: int
    size: tuple[int, int]

    def column(self, start: int, stop: int) -> pa.Array:
        """The images of some steps, all of which say that nothing was measured."""
        blank = depths.encode(np.zeros(self.size, np.float32))
        count = min(stop, self.steps) - start
        return pa.array([{'bytes': blank, 'path': None}] * count, depths.TYPE)
