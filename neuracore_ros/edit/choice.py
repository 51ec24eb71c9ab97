"""Episodes that an edit takes, by number and by robot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from neuracore_ros.dataset.metadata import Metadata
from neuracore_ros.errors import DatasetError
from neuracore_ros.similar_names import known_names
from neuracore_ros.wording import counted


@dataclass(frozen=True, slots=True)
class EpisodeChoice:
    """The episodes that are taken; without any attribute all of them.

    Attributes:
        drop: Ranges of numbers in the first dataset, which are left out.
        keep: Ranges of numbers in it that are taken, and no others.
        robots: Those whose episodes are taken, from every dataset.
    """

    drop: Sequence[range] = ()
    keep: Sequence[range] = ()
    robots: Sequence[str] = ()

    def of_robot(self, robot: str) -> bool:
        """True if episodes of this robot are taken."""
        return not self.robots or robot in self.robots

    def numbers(self, path: Path, metadata: Metadata) -> list[int]:
        """The numbers that are taken of the first dataset, ascending, of all robots.

        Raises:
            DatasetError: It has no such episode.
        """
        count = len(metadata.episodes)
        for each in chain(self.drop, self.keep):
            if each.stop > count:
                has = f'its episodes are 0 to {count - 1}' if count > 1 else 'it has '
                has += '' if count > 1 else counted(count, 'episode')
                raise DatasetError(f'{path}: has no episode {each.stop - 1}; {has}')
        dropped, kept = (set(chain.from_iterable(each)) for each in (self.drop, self.keep))
        return [n for n in range(count) if n not in dropped and (not self.keep or n in kept)]

    def require_known(self, metadata: Sequence[Metadata]) -> None:
        """Refuse a robot of which no dataset has an episode.

        Raises:
            DatasetError: One of `robots` is such.
        """
        known = dict.fromkeys(e.robot for each in metadata for e in each.episodes)
        for robot in self.robots:
            if robot not in known:
                raise DatasetError(f"no episode is of '{robot}'{known_names(robot, known)}")
