"""The split of episodes for training and validation; needs no torch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from neuracore_ros.errors import TrainingError
from neuracore_ros.loading.batches import EpisodeRows
from neuracore_ros.similar_names import known_names

VALIDATION_SHARE = 0.1
LEAST_EPISODES = 5
"""A robot with fewer has none held back."""


@dataclass(frozen=True, slots=True)
class Split:
    """Whole episodes for learning and for validation, both of every robot that has enough."""

    training: tuple[EpisodeRows, ...]
    validation: tuple[EpisodeRows, ...]


def split(episodes: Sequence[EpisodeRows], seed: int) -> Split:
    """Hold a tenth of each robot's episodes back; nothing of a robot with fewer than five."""
    rng = np.random.default_rng(seed)
    held: set[int] = set()
    for robot in dict.fromkeys(episode.robot for episode in episodes):
        own = [episode.number for episode in episodes if episode.robot == robot]
        if len(own) >= LEAST_EPISODES:
            count = max(1, round(VALIDATION_SHARE * len(own)))
            held.update(int(number) for number in rng.choice(own, count, replace=False))
    return Split(
        training=tuple(episode for episode in episodes if episode.number not in held),
        validation=tuple(episode for episode in episodes if episode.number in held),
    )


def limit(episodes: Split, most: Mapping[str, int]) -> Split:
    """Learn from only the first episodes of some robots.

    What was held back stays so, such that runs with more and fewer episodes compare; but of a
    robot that nothing is learnt from, nothing is validated.

    Raises:
        TrainingError: A robot has no episodes, or nothing is left to learn from.
    """
    robots = {episode.robot for episode in episodes.training}
    for robot in most:
        if robot not in robots:
            raise TrainingError(
                f"--max-episodes: the dataset has no episodes of '{robot}'"
                f'{known_names(robot, robots)}'
            )
    taken: Counter[str] = Counter()
    kept = []
    for episode in episodes.training:
        taken[episode.robot] += 1
        if taken[episode.robot] <= most.get(episode.robot, taken[episode.robot]):
            kept.append(episode)
    if not kept:
        raise TrainingError('--max-episodes leaves no episode to learn from')
    left = {episode.robot for episode in kept}
    return Split(
        tuple(kept), tuple(episode for episode in episodes.validation if episode.robot in left)
    )
