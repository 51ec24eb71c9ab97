"""Datasets side by side: what they must have in common to become one."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from neuracore_ros.dataset.metadata import Metadata, load_metadata
from neuracore_ros.description import Descriptions
from neuracore_ros.description.embodiment import differences
from neuracore_ros.description.treatment import Treatments, changes_between, known_of_both
from neuracore_ros.description.vocabulary import VocabularyId
from neuracore_ros.description.vocabulary_differences import mismatch
from neuracore_ros.errors import DatasetError, DescriptionWarning


@dataclass(frozen=True, slots=True)
class EditedDataset:
    """A dataset as it was when an edit began to read it; what is added later is not seen.

    Attributes:
        path: Its folder.
        metadata: What it held.
    """

    path: Path
    metadata: Metadata


def read_dataset(path: Path) -> EditedDataset:
    """Read what a dataset holds now.

    Raises:
        DatasetError: It is none of ours.
    """
    return EditedDataset(path, load_metadata(path))


def merged_metadata(datasets: Sequence[EditedDataset]) -> Metadata:
    """The metadata of a dataset of all of them, with the layout of all robots, and no episodes.

    Raises:
        DatasetError: They differ in rate, image size, vocabulary, or in robots of one name.
    """
    first = datasets[0].metadata
    for each in datasets[1:]:
        if each.metadata.rate_hz != first.rate_hz:
            raise DatasetError(
                f'{each.path}: has {each.metadata.rate_hz:g} steps a second, and '
                f'{datasets[0].path} has {first.rate_hz:g}; convert its recordings again with '
                f'--rate-hz {first.rate_hz:g}'
            )
    return Metadata(
        first.rate_hz,
        _image_size(datasets),
        _descriptions(datasets),
        has_control=any(each.metadata.has_control for each in datasets),
    )


def _image_size(datasets: Sequence[EditedDataset]) -> tuple[int, int]:
    """The size of all images; that of a dataset without any means nothing."""
    with_images = [
        each
        for each in datasets
        if any(kind.is_image for kind in each.metadata.input_layout.widths)
    ]
    if not with_images:
        return datasets[0].metadata.image_size
    first = with_images[0]
    height, width = first.metadata.image_size
    for each in with_images[1:]:
        if each.metadata.image_size != (height, width):
            other_height, other_width = each.metadata.image_size
            raise DatasetError(
                f'{each.path}: has images of {other_width}x{other_height}, and {first.path} of '
                f'{width}x{height}; convert its recordings again with '
                f'--image-size {width}x{height}'
            )
    return height, width


def _descriptions(datasets: Sequence[EditedDataset]) -> Descriptions:
    """Every robot of every dataset, once; treatments only where all that have it know them."""
    found: dict[str, list[EditedDataset]] = {}
    treated: dict[str, Treatments | None] = {}
    for each in datasets:
        described = each.metadata.descriptions
        for robot in described.input:
            # With each of them: what one does not know, another one may.
            for earlier in found.setdefault(robot, []):
                _require_same(robot, earlier, each)
            found[robot].append(each)
            own = described.treated(robot)
            before = treated.setdefault(robot, own)
            treated[robot] = None if before is None or own is None else known_of_both(before, own)
    firsts = {robot: first.metadata.descriptions for robot, (first, *_) in found.items()}
    return Descriptions(
        {robot: first.input[robot] for robot, first in firsts.items()},
        {robot: first.output[robot] for robot, first in firsts.items()},
        treatments={robot: own for robot, own in treated.items() if own is not None},
        vocabulary=_vocabulary(datasets),
    )


def _vocabulary(datasets: Sequence[EditedDataset]) -> VocabularyId | None:
    """The vocabulary of all datasets; None, and a warning, where only some name it.

    Raises:
        DatasetError: Two of them have different ones.
    """
    known = [(each.path, each.metadata.descriptions.vocabulary) for each in datasets]
    named = [(path, its) for path, its in known if its is not None]
    if not named:
        return None
    (first, vocabulary), *others = named
    for path, its in others:
        if text := mismatch(its, vocabulary, (str(path), str(first))):
            raise DatasetError(
                f'{text}: convert the recordings of one of them again with the vocabulary of the '
                'other'
            )
    if without := [path for path, its in known if its is None]:
        warnings.warn(
            f"{first} has the vocabulary '{vocabulary.name}', and {without[0]} names none: the "
            'new dataset names none either. See that indices, signs and zeros are the same',
            DescriptionWarning,
            stacklevel=2,
        )
        return None
    return vocabulary


def _require_same(robot: str, first: EditedDataset, other: EditedDataset) -> None:
    """Refuse two robots of one name.

    Raises:
        DatasetError: Slots or treatments differ.
    """
    one, two = first.metadata.descriptions, other.metadata.descriptions
    changed = [
        *(f'input {text}' for text in differences(one.input[robot], two.input[robot])),
        *(f'output {text}' for text in differences(one.output[robot], two.output[robot])),
    ]
    then, now = one.treated(robot), two.treated(robot)
    if not changed and then is not None and now is not None:
        slots = one.input[robot], one.output[robot]
        changes = changes_between(now, then, slots)
        changed = [change.text for change in changes if not change.is_recalibrated]
    if changed:
        more = f'; and {len(changed) - 1} more' if changed[1:] else ''
        raise DatasetError(
            f"{other.path}: '{robot}' is described otherwise there than in {first.path}: "
            f'{changed[0]}{more}. Convert the recordings of one of them again with the robot file '
            'of the other, or under another name'
        )
