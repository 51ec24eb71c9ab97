"""The sampling of training batches: which rows, in which order, and how they are changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from neuracore_ros.arrays import BoolArray, IntArray
from neuracore_ros.description import DataType
from neuracore_ros.loading.batches import Batch, Batches, EpisodeRows
from neuracore_ros.training.augment import (
    draw_blocks,
    draw_jitter,
    draw_shift,
    jitter,
    occlude,
    shift,
)
from neuracore_ros.training.chosen_rows import ChosenRows
from neuracore_ros.training.config import Config
from neuracore_ros.training.processes import Processes
from neuracore_ros.training.splitting import Split

VALIDATION_ROWS = 256

# Of what a policy with a vector for each robot learns from, so much is of no known robot, so
# that it knows what to do on one.
UNKNOWN_SHARE = 0.1


def rows_by_robot(episodes: Iterable[EpisodeRows]) -> dict[str, IntArray]:
    """All rows of each robot's episodes."""
    rows: dict[str, list[IntArray]] = {}
    for episode in episodes:
        rows.setdefault(episode.robot, []).append(episode.rows)
    return {robot: np.concatenate(own) for robot, own in rows.items()}


def draw(rows: Sequence[IntArray], count: int, rng: np.random.Generator) -> IntArray:
    """Random rows of a batch, from every group equally often, whatever its size."""
    robots = rng.integers(len(rows), size=count)
    places = rng.random(count)
    return np.array([rows[r][int(p * len(rows[r]))] for r, p in zip(robots, places, strict=True)])


def with_padding(
    valid: Mapping[DataType, BoolArray], target_valid: Mapping[DataType, BoolArray]
) -> tuple[dict[DataType, BoolArray], dict[DataType, BoolArray]]:
    """Masks (B, W) and (B, H, W) that count padding as values, for a policy without masks.

    Every slot is valid; of targets only where any is: not past an episode's end.
    """
    within = np.logical_or.reduce([mask.any(-1) for mask in target_valid.values()])
    return (
        {kind: np.ones_like(mask) for kind, mask in valid.items()},
        {
            kind: np.repeat(within[..., None], mask.shape[-1], -1)
            for kind, mask in target_valid.items()
        },
    )


class Sampler:
    """The batches of a run; each depends on the run's seed and its own number alone.

    Attributes:
        chosen: The rows that count.
    """

    def __init__(
        self,
        data: Batches,
        episodes: Split,
        config: Config,
        robot_index: Mapping[str, int],
        processes: Processes,
    ) -> None:
        """Prepare the rows; ``robot_index`` numbers the robots that the policy tells apart."""
        self._data = data
        self._episodes = episodes
        self._config = config
        self._own = processes.own(config.batch)
        self.chosen = ChosenRows(data, episodes.training, config)
        own = map(self.chosen.of, rows_by_robot(episodes.training).values())
        groups = [rows for rows in own if len(rows)]
        self._groups = groups if config.balance else [np.concatenate(groups)]
        self._index = np.array([robot_index.get(robot, -1) for robot in data.robots], np.int64)

    def draw(self, step: int) -> Batch:
        """Rows of a step's batch that this process learns from.

        Whatever is random is drawn for the whole batch, so that all processes together learn
        from what one would.
        """
        config, own = self._config, self._own
        rng = np.random.default_rng((config.seed, step))
        batch = self._take(draw(self._groups, config.batch, rng)[own])
        images = {kind: array for kind, array in batch.inputs.items() if kind.is_image}
        for kind, array in images.items():
            cameras = array.shape[2]
            if config.shift:
                moves = draw_shift(config.batch, cameras, config.shift, rng)
                images[kind] = shift(images[kind], moves[own])
            if config.augment and kind is DataType.RGB_IMAGES:
                factors = draw_jitter(config.batch, cameras, rng)
                images[kind] = jitter(images[kind], factors[own])
            if config.occlusions and kind is DataType.RGB_IMAGES:
                blocks = draw_blocks(config.batch, cameras, config.occlusions, rng)
                images[kind] = occlude(images[kind], blocks[own])
        batch = replace(batch, inputs={**batch.inputs, **images})
        if config.embedding == 'robot':
            dropped = rng.random(config.batch)[own] < UNKNOWN_SHARE
            batch = replace(batch, robot=np.where(dropped, -1, batch.robot))
        if not config.mask_padding:
            valid, target_valid = with_padding(batch.valid, batch.target_valid)
            batch = replace(batch, valid=valid, target_valid=target_valid)
        return batch

    def held_back(self) -> dict[str, Batch]:
        """The same rows at every validation, spread over each robot's held-back episodes."""
        held = {}
        for robot, rows in rows_by_robot(self._episodes.validation).items():
            # What is judged is what is learnt, where any of it is held back.
            chosen = self.chosen.of(rows)
            own = chosen if len(chosen) else rows
            some = np.unique(np.linspace(0, len(own) - 1, VALIDATION_ROWS).astype(np.int64))
            held[robot] = self._take(own[some])
        return held

    def _take(self, rows: IntArray) -> Batch:
        config = self._config
        batch = self._data.take(rows, config.observation_steps, config.horizon)
        batch = replace(batch, robot=self._index[batch.robot], weights=self.chosen.weights(batch))
        return self.chosen.mask(batch, rows, config.horizon)
