"""Which rows a policy learns from, and in which order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuracore_ros.dataset.batches import Episode

IntArray = NDArray[np.int64]
Array = NDArray[Any]

VALIDATION_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class Split:
    """Whole episodes for learning and for validation, both of every robot that has enough."""

    training: tuple[Episode, ...]
    validation: tuple[Episode, ...]


def split(episodes: Sequence[Episode], seed: int) -> Split:
    """Hold a tenth of each robot's episodes back; nothing of a robot with fewer than five."""
    rng = np.random.default_rng(seed)
    held: set[int] = set()
    for robot in dict.fromkeys(episode.robot for episode in episodes):
        own = [episode.number for episode in episodes if episode.robot == robot]
        if len(own) >= 5:
            count = max(1, round(VALIDATION_SHARE * len(own)))
            held.update(int(number) for number in rng.choice(own, count, replace=False))
    return Split(
        training=tuple(episode for episode in episodes if episode.number not in held),
        validation=tuple(episode for episode in episodes if episode.number in held),
    )


def rows_by_robot(episodes: Iterable[Episode]) -> dict[str, IntArray]:
    """Robot -> all rows of its episodes."""
    rows: dict[str, list[IntArray]] = {}
    for episode in episodes:
        rows.setdefault(episode.robot, []).append(episode.rows)
    return {robot: np.concatenate(own) for robot, own in rows.items()}


def draw(rows: Sequence[IntArray], count: int, rng: np.random.Generator) -> IntArray:
    """Rows of a batch, from every robot equally often, however many episodes it has."""
    robots = rng.integers(len(rows), size=count)
    places = rng.random(count)
    return np.array([rows[r][int(p * len(rows[r]))] for r, p in zip(robots, places, strict=True)])


def shift(images: Array, pixels: int, rng: np.random.Generator) -> Array:
    """Move each image by up to some pixels in both directions, its border repeated.

    Args:
        images: (B, T, K, height, width, 3), depths (B, T, K, height, width); a camera moves alike
            in all of its T steps.
        pixels: Largest shift, [px].
        rng: Where the shifts come from.

    Returns:
        The same shape.
    """
    batch, _, cameras, height, width = images.shape[:5]
    across = np.arange(width)
    down = np.arange(height)
    moved = np.empty_like(images)
    for b, moves in enumerate(rng.integers(-pixels, pixels + 1, (batch, cameras, 2))):
        for k, (dy, dx) in enumerate(moves):
            rows = np.clip(down + dy, 0, height - 1)
            columns = np.clip(across + dx, 0, width - 1)
            moved[b, :, k] = images[b, :, k].take(rows, 1).take(columns, 2)
    return moved
