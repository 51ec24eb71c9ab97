"""One replayed recording as a page shows it: traces, phases of the runner, pictures, figures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np

from neuracore_ros.arrays import Float32Array, FloatArray
from neuracore_ros.evaluation.compared_slots import ComparedSlots
from neuracore_ros.evaluation.figures import figures
from neuracore_ros.evaluation.replay import Phase, Replay
from neuracore_ros.report.episode_view import Band, CameraSheet

MOST_BYTES_OF_PICTURES = 9_000_000
"""Of all recordings of a robot; text makes a third more of them."""
_PHASES = {
    'start': 'start gate: slowly to the plan',
    'wait': 'waiting',
    'hold': 'held',
}


@dataclass(frozen=True, slots=True)
class RecordingTraces:
    """One recording, replayed with one policy; N ticks, V commanded numbers.

    Attributes:
        name: For people.
        error: Mean error of its predictions, as `Figures.mean`; NaN where none can be compared.
        holds: How often the robot would have been held.
        late: Predictions that came too late.
        clamps: Setpoints that the limits changed.
        commanded: (N, V), NaN where it is not known.
        wanted: What the newest prediction before each tick wanted there, (N, V).
        executed: What the node would have sent, (N, V).
        bands: When it did anything else than follow the plan.
        cameras: What the policy saw when it was asked; empty where pictures are not kept.
    """

    name: str
    error: float
    holds: int
    late: int
    clamps: int
    commanded: Float32Array
    wanted: Float32Array
    executed: Float32Array
    bands: tuple[Band, ...]
    cameras: tuple[CameraSheet, ...]

    @classmethod
    def of(
        cls, one: Replay, outputs: ComparedSlots, horizon: int, cameras: Mapping[int, str]
    ) -> RecordingTraces:
        """Take those of a replay; ``cameras`` are the names of the robot's, by index."""
        return cls(
            name=one.name,
            error=figures(outputs, [one], horizon).mean,
            holds=len(one.holds),
            late=one.counters.late,
            clamps=one.counters.clamps,
            commanded=one.commanded.astype(np.float32),
            wanted=newest(one).astype(np.float32),
            executed=one.executed.astype(np.float32),
            bands=tuple(_bands(one.phases)),
            cameras=tuple(
                replace(sheet, label=f'{index} {cameras.get(index, "")}'.strip())
                for index, sheet in one.cameras.items()
            ),
        )

    @property
    def bytes_of_pictures(self) -> int:
        """The size of its pictures."""
        return sum(len(camera.data) for camera in self.cameras)


def worst_pictured(found: Sequence[RecordingTraces]) -> list[RecordingTraces]:
    """The recordings, of which the best have lost their pictures where all are too many."""
    left = MOST_BYTES_OF_PICTURES
    order = sorted(range(len(found)), key=lambda n: np.nan_to_num(-found[n].error, nan=-np.inf))
    kept = list(found)
    for place in order:
        left -= kept[place].bytes_of_pictures
        if left < 0:
            kept[place] = replace(kept[place], cameras=())
    return kept


def newest(one: Replay) -> FloatArray:
    """For each tick, what the newest prediction before it wanted there, (N, V)."""
    wanted = np.full(one.commanded.shape, np.nan)
    for tick, chunk in sorted(one.predicted.items()):
        rows = wanted[tick : tick + len(chunk)]
        rows[:] = chunk[: len(rows)]
    return wanted


def _bands(phases: Sequence[Phase]) -> Iterator[Band]:
    """The ticks at which the runner did anything else than follow the plan."""
    first = 0
    for kind, run in groupby(phases, key=lambda phase: phase.kind):
        own = list(run)
        if kind:
            reason = f': {own[0].reason}' if own[0].reason else ''
            yield Band(kind, f'{_PHASES[kind]}{reason}', first, first + len(own))
        first += len(own)
