"""Totals over the episodes of a dataset, and the files that say them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from neuracore_ros.dataset import lerobot, tables
from neuracore_ros.dataset.metadata import Metadata
from neuracore_ros.dataset.statistics import Statistics
from neuracore_ros.dataset.tables import EpisodeRecord


class Totals:
    """Totals that grow with each episode, in the order of their numbers.

    Attributes:
        rows: Rows so far.
        tasks: Each text once; a row names its place here.
        statistics: Feature -> its statistics.
    """

    def __init__(
        self,
        rows: int = 0,
        tasks: Sequence[str] = (),
        statistics: Mapping[str, Statistics] | None = None,
    ) -> None:
        self.rows = rows
        self.tasks = list(tasks)
        self.statistics = dict(statistics or {})

    def add(self, record: EpisodeRecord) -> None:
        """Count one more episode."""
        self.rows += record.steps
        self.tasks += [task for task in record.tasks if task not in self.tasks]
        known = self.statistics
        self.statistics = {
            key: known[key].merge(statistics) if key in known else statistics
            for key, statistics in record.statistics.items()
        }

    def files(self, metadata: Metadata) -> dict[Path, bytes]:
        """The files that are written anew with each episode, given the metadata with it."""
        return {
            lerobot.STATS_PATH: lerobot.stats(self.statistics, self.rows),
            lerobot.TASKS_PATH: tables.tasks_table(self.tasks),
            lerobot.INFO_PATH: lerobot.info(metadata, len(self.tasks)),
        }
