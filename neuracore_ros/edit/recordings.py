"""The recordings of several datasets: one that two of them have is taken once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from neuracore_ros.dataset.metadata import ConvertedBag, Episode
from neuracore_ros.edit.merging import EditedDataset
from neuracore_ros.errors import DatasetError
from neuracore_ros.wording import spans

RecordingKey = tuple[str, str]
"""Robot and fingerprint; of old datasets, which noted none, the latter is ''."""


@dataclass(frozen=True, slots=True)
class TakenEpisode:
    """An episode of a dataset that becomes one of another.

    Attributes:
        dataset: Its dataset.
        number: Its number there.
    """

    dataset: EditedDataset
    number: int

    @property
    def episode(self) -> Episode:
        """The dataset's entry of it."""
        return self.dataset.metadata.episodes[self.number]


@dataclass(frozen=True, slots=True)
class Repeated:
    """An episode that two datasets have.

    Attributes:
        first: The one that is taken.
        again: The other one.
    """

    first: TakenEpisode
    again: TakenEpisode


def recording_of(entry: Episode | ConvertedBag) -> RecordingKey:
    """The recording of an episode, or of a dataset's entry."""
    return entry.robot, entry.fingerprint


def once(taken: Sequence[TakenEpisode]) -> tuple[list[TakenEpisode], list[Repeated]]:
    """Keep each episode once, the first of those with one recording and one start.

    Episodes without a fingerprint are all different ones.

    Raises:
        DatasetError: Two datasets made other episodes of one recording.
    """
    bags: dict[int, dict[RecordingKey, ConvertedBag]] = {}
    first: dict[RecordingKey, TakenEpisode] = {}
    found: dict[tuple[RecordingKey, int], TakenEpisode] = {}
    kept, repeated = [], []
    for each in taken:
        key = recording_of(each.episode)
        if not key[1]:
            kept.append(each)
            continue
        entries = bags.setdefault(id(each.dataset), _entries(each.dataset))
        other = first.setdefault(key, each)
        if other.dataset is not each.dataset:
            _require_same_way(other, bags[id(other.dataset)].get(key), each, entries.get(key))
        known = found.setdefault((key, each.episode.start_ns), each)
        if known.dataset is each.dataset:
            kept.append(each)
        else:
            repeated.append(Repeated(known, each))
    return kept, repeated


def noted_bags(
    datasets: Sequence[EditedDataset], kept: Sequence[TakenEpisode], robots: Collection[str]
) -> tuple[ConvertedBag, ...]:
    """The entry of each recording of these robots, once; of what is kept, that of its dataset."""
    own = {recording_of(each.episode): each.dataset for each in reversed(kept)}
    found: dict[RecordingKey | int, ConvertedBag] = {}
    for dataset in datasets:
        for bag in dataset.metadata.bags:
            key = recording_of(bag)
            if bag.robot not in robots:
                continue
            if not key[1]:
                found[id(bag)] = bag
            elif key not in found or own.get(key) is dataset:
                found[key] = bag
    return tuple(found.values())


def noted_removals(
    removed: Iterable[Episode], kept: Sequence[TakenEpisode], robots: Collection[str]
) -> tuple[Episode, ...]:
    """Each removed episode of these robots, once, unless it is kept from another dataset."""
    starts_ns = {(recording_of(each.episode), each.episode.start_ns) for each in kept}
    cuttings = {recording_of(each.episode): each.episode.cutting for each in kept}
    found: dict[tuple[RecordingKey, int] | int, Episode] = {}
    for episode in removed:
        key = recording_of(episode)
        mark = (key, episode.start_ns)
        # Where a recording is cut otherwise now, an episode that was removed then says nothing.
        if episode.robot not in robots or cuttings.get(key, episode.cutting) != episode.cutting:
            continue
        if mark not in starts_ns or not key[1]:
            found.setdefault(mark if key[1] else id(episode), episode)
    return tuple(found.values())


def _entries(dataset: EditedDataset) -> dict[RecordingKey, ConvertedBag]:
    return {recording_of(bag): bag for bag in dataset.metadata.bags}


def _require_same_way(
    one: TakenEpisode,
    one_bag: ConvertedBag | None,
    other: TakenEpisode,
    other_bag: ConvertedBag | None,
) -> None:
    """Refuse a recording of which two datasets made other episodes.

    Raises:
        DatasetError: There is one.
    """
    if one.episode.cutting != other.episode.cutting:
        cut = [f'cut with {each.episode.cutting or "no option"}' for each in (one, other)]
        raise converted_otherwise(one, other, f'{cut[0]}, and there {cut[1]}')
    if one_bag and other_bag and _figures(one_bag) != _figures(other_bag):
        raise converted_otherwise(one, other, 'with other ticks, or other --min-steps')


def converted_otherwise(one: TakenEpisode, other: TakenEpisode, how: str) -> DatasetError:
    """The error for a recording that two datasets have, made otherwise."""
    key = recording_of(other.episode)
    numbers = [
        number
        for number, episode in enumerate(other.dataset.metadata.episodes)
        if recording_of(episode) == key
    ]
    return DatasetError(
        f'{other.dataset.path}: {other.episode.bag} is in {one.dataset.path}, too, converted '
        f'otherwise: {how}; leave it out of one of them first: neuracore_ros edit '
        f'{other.dataset.path} --drop {spans(numbers)} --out NEW'
    )


def _figures(bag: ConvertedBag) -> tuple[object, ...]:
    return bag.ticks, dict(bag.dropped), bag.short_pieces, bag.short_steps
