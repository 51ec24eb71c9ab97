"""What is known of a training that happened elsewhere: its robots, its rate, its images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from neuracore_ros.dataset.metadata import load_metadata
from neuracore_ros.description import (
    CrossEmbodimentDescription,
    DataType,
    Descriptions,
    EmbodimentDescription,
)
from neuracore_ros.errors import PolicyError


@dataclass(frozen=True, slots=True)
class Origin:
    """Where somebody else's model comes from.

    Attributes:
        described: Robots whose layout the model has.
        trained: Those among them that it was trained on.
        rate_hz: Steps per second.
        image_size: (height, width) of images, [px]; None if it is not known.
        dataset: Its name; '' if it is not known.
    """

    described: Descriptions
    trained: tuple[str, ...]
    rate_hz: float
    image_size: tuple[int, int] | None = None
    dataset: str = ''

    @classmethod
    def of_dataset(cls, path: Path) -> Origin:
        """All of it from a dataset of ours.

        Raises:
            DatasetError: There is none.
            PolicyError: It has no episode.
        """
        metadata = load_metadata(path)
        trained = dict.fromkeys(episode.robot for episode in metadata.episodes)
        if not trained:
            raise PolicyError(f'{path}: has no episode, so nothing was trained on it')
        return cls(
            metadata.descriptions,
            tuple(trained),
            metadata.rate_hz,
            metadata.image_size,
            path.resolve().name,
        )

    @property
    def input(self) -> EmbodimentDescription:
        """What the robots that it was trained on have, together; the first one names a slot."""
        return _together(self.described.input, self.trained)

    @property
    def output(self) -> EmbodimentDescription:
        """What they command, likewise."""
        return _together(self.described.output, self.trained)


def _together(
    described: CrossEmbodimentDescription, robots: Sequence[str]
) -> EmbodimentDescription:
    slots: dict[DataType, dict[int, str]] = {}
    for robot in reversed(robots):
        for kind, names in described[robot].items():
            slots.setdefault(kind, {}).update(names)
    found: Mapping[DataType, Mapping[int, str]] = {
        kind: dict(sorted(slots[kind].items())) for kind in DataType if kind in slots
    }
    return found
