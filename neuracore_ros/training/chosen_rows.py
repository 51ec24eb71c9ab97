"""Choice of the steps that a policy learns from, by who commanded them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from neuracore_ros.arrays import BoolArray, Float32Array, IntArray
from neuracore_ros.control import INTERVENTION
from neuracore_ros.durations import SECOND_NS
from neuracore_ros.errors import TrainingError
from neuracore_ros.loading.batches import Batch, Batches, EpisodeRows
from neuracore_ros.training.config import Config
from neuracore_ros.wording import counted


class ChosenRows:
    """Rows of a dataset that count, and how much.

    A row that does not count is learnt from neither as an observation nor as a step of a chunk,
    and no chunk goes on after it: what follows is no consequence of what was observed before.

    Args:
        data: The dataset.
        episodes: Those that are learnt from.
        config: The choice.

    Raises:
        TrainingError: The dataset does not keep who commanded, or the choice leaves nothing or
            changes nothing.

    Attributes:
        is_whole: True where every row counts.
    """

    def __init__(self, data: Batches, episodes: Iterable[EpisodeRows], config: Config) -> None:
        self._human = data.intervention
        self._weight = config.weight.get(INTERVENTION, 1.0)
        self._counts = np.ones(len(self._human), bool)
        training = np.concatenate([episode.rows for episode in episodes])
        human = int(self._human[training].sum())
        options = _options(config)
        if options and not data.metadata.has_control:
            raise TrainingError(
                f'{options[0]}: {data.path} does not keep who commanded; convert its recordings '
                'into a new dataset'
            )
        if options and not human:
            raise TrainingError(
                f'{options[0]}: no step that is learnt from in {data.path} is an intervention'
            )
        if config.only:
            self._counts &= self._human
        if config.drop_before_takeover:
            self._counts &= ~before_takeovers(data, config.drop_before_takeover)
        self.is_whole = bool(self._counts.all())
        left = int(self._counts[training].sum())
        if not left:
            raise TrainingError(
                f'--drop-before-takeover {config.drop_before_takeover:g} leaves no step of '
                f'{data.path} to learn from'
            )
        self._options = options
        self._figures = {'rows': left, 'intervention_rows': human}
        self._steps = len(training)

    def of(self, rows: IntArray) -> IntArray:
        """Choose the rows that count."""
        return rows[self._counts[rows]]

    def mask(self, batch: Batch, rows: IntArray, horizon: int) -> Batch:
        """A batch at those rows, of which only steps count that do, up to the first that does not.

        Args:
            batch: Of B rows.
            rows: (B,).
            horizon: H, steps of a chunk.
        """
        if self.is_whole:
            return batch
        ahead = np.minimum(rows[:, None] + np.arange(horizon), len(self._counts) - 1)
        reached = np.logical_and.accumulate(self._counts[ahead], axis=1)[..., None]
        valid = {kind: mask & reached for kind, mask in batch.target_valid.items()}
        return replace(batch, target_valid=valid)

    def weights(self, batch: Batch) -> Float32Array | None:
        """The weight of each step of a batch's chunks, (B, H); None: they weigh alike."""
        if self._weight == 1.0:
            return None
        return np.where(batch.intervention, self._weight, 1.0).astype(np.float32)

    @property
    def figures(self) -> dict[str, int]:
        """Figures for the metrics; none where nothing was chosen."""
        return self._figures if self._options else {}

    @property
    def line(self) -> str:
        """The choice for people; '' where nothing was chosen."""
        if not self._options:
            return ''
        human, left = self._figures['intervention_rows'], self._figures['rows']
        return (
            f'{", ".join(self._options)}: learns from {left} of {counted(self._steps, "step")}; '
            f'{human} are of interventions'
        )


def before_takeovers(data: Batches, seconds: float) -> BoolArray:
    """Rows within the last seconds before a human took over, in the time of their recording.

    That time goes on between two episodes of one recording, as while the robot was held.
    """
    human, rate_hz = data.intervention, data.metadata.rate_hz
    found = np.zeros(len(human), bool)
    recordings: dict[tuple[str, str], list[EpisodeRows]] = {}
    for rows in data.episodes:
        episode = data.metadata.episodes[rows.number]
        recordings.setdefault((episode.robot, episode.fingerprint or episode.bag), []).append(rows)
    for episodes in recordings.values():
        episodes.sort(key=lambda rows: data.metadata.episodes[rows.number].start_ns)
        places = np.concatenate([rows.rows for rows in episodes])
        times_s = np.concatenate(
            [
                # From the first of them, since nanoseconds of today are too many for a float.
                (_start_ns(data, rows) - _start_ns(data, episodes[0])) / SECOND_NS
                + np.arange(rows.stop - rows.start) / rate_hz
                for rows in episodes
            ]
        )
        own = human[places]
        taken_s = times_s[own & ~np.concatenate([[False], own[:-1]])]
        following = np.append(taken_s, np.inf)[np.searchsorted(taken_s, times_s, side='right')]
        # Half a step, so that two seconds are as many steps as two seconds have.
        found[places] = ~own & (following - times_s < seconds + 0.5 / rate_hz)
    return found


def _start_ns(data: Batches, rows: EpisodeRows) -> int:
    return data.metadata.episodes[rows.number].start_ns


def _options(config: Config) -> list[str]:
    """The options that choose, as they are written."""
    options = [f'--weight {name}={weight:g}' for name, weight in config.weight.items()]
    options += [f'--only {config.only}'] if config.only else []
    if config.drop_before_takeover:
        options.append(f'--drop-before-takeover {config.drop_before_takeover:g}')
    return options
