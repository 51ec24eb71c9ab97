"""The plan of an edit: the metadata of the new dataset, fixed before the first file is copied."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from neuracore_ros.dataset.metadata import Metadata
from neuracore_ros.edit.choice import EpisodeChoice
from neuracore_ros.edit.merging import EditedDataset, merged_metadata, read_dataset
from neuracore_ros.edit.recordings import (
    Repeated,
    TakenEpisode,
    noted_bags,
    noted_removals,
    once,
)
from neuracore_ros.errors import DatasetError
from neuracore_ros.wording import spans


@dataclass(frozen=True, slots=True)
class EditPlan:
    """The whole of what an edit makes, but for the content of its files.

    Attributes:
        metadata: Of the new dataset.
        episodes: Where each of its episodes comes from.
        repeated: Episodes that two datasets have.
        datasets: All that are read.
    """

    metadata: Metadata
    episodes: Sequence[TakenEpisode]
    repeated: Sequence[Repeated]
    datasets: Sequence[EditedDataset]

    def text(self) -> bytes:
        """Equal for two commands only if they make the same dataset of the same ones."""
        lines = [
            f'{each.path.resolve()}: episodes '
            f'{spans([taken.number for taken in self.episodes if taken.dataset is each])}'
            for each in self.datasets
        ]
        return '\n'.join([*lines, self.metadata.to_json()]).encode()


def make_plan(paths: Sequence[Path], choice: EpisodeChoice) -> EditPlan:
    """Read what the datasets hold, and decide what becomes of it.

    Args:
        paths: The first one, to which numbers refer, and those that come behind it.
        choice: The episodes that are taken.

    Raises:
        DatasetError: One is no dataset, they do not fit together, an episode or a robot is not
            there, or nothing is left.
    """
    _require_different(paths)
    datasets = [read_dataset(path) for path in paths]
    choice.require_known([each.metadata for each in datasets])
    metadata = merged_metadata(datasets)
    robots = [robot for robot in metadata.descriptions.input if choice.of_robot(robot)]
    first = datasets[0]
    chosen = {first.path: choice.numbers(first.path, first.metadata)}
    taken = [
        TakenEpisode(each, number)
        for each in datasets
        for number in chosen.get(each.path, range(len(each.metadata.episodes)))
        if choice.of_robot(each.metadata.episodes[number].robot)
    ]
    if not taken:
        raise DatasetError(f'{first.path}: no episode would be left; nothing was written')
    kept, repeated = once(taken)
    left_out = set(range(len(first.metadata.episodes))) - set(chosen[first.path])
    removed = [
        *(first.metadata.episodes[number] for number in sorted(left_out)),
        *(episode for each in datasets for episode in each.metadata.removed),
    ]
    whole = replace(
        metadata,
        episodes=tuple(each.episode for each in kept),
        bags=noted_bags(datasets, kept, robots),
        removed=noted_removals(removed, kept, robots),
    )
    return EditPlan(whole, kept, repeated, datasets)


def _require_different(paths: Sequence[Path]) -> None:
    """Refuse a dataset that is given twice, under whatever name.

    Raises:
        DatasetError: One is given twice.
    """
    for place, path in enumerate(paths):
        for other in paths[:place]:
            if path.exists() and other.exists() and path.samefile(other):
                name = path if path == other else f'{path} (as {other})'
                raise DatasetError(f'{name}: is given twice; merge it with another dataset')
