"""One replayed recording as a page shows it: traces, phases of the runner, pictures, figures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np

from neuracore_ros.arrays import Float32Array, FloatArray
from neuracore_ros.evaluation.compared_slots import ComparedSlots
from neuracore_ros.evaluation.figures import FigureSums
from neuracore_ros.evaluation.replay import Phase, Replay
from neuracore_ros.report.episode_view import MOST_POINTS, Band, CameraSheet, thinned

MOST_BYTES_OF_PICTURES = 9_000_000
"""Of all recordings of a robot; text makes a third more of them."""
_PHASES = {
    'start': 'start gate: slowly to the plan',
    'wait': 'waiting',
    'hold': 'held',
}


@dataclass(frozen=True, slots=True)
class RecordingTraces:
    """One recording, replayed with one policy; V commanded numbers.

    Its lines have as many points P as a page shows at most, so that a long recording takes no more
    memory than a short one.

    Attributes:
        name: For people.
        error: Mean error of its predictions, as `Figures.mean`; NaN where none can be compared.
        holds: How often the robot would have been held.
        late: Predictions that came too late.
        clamps: Setpoints that the limits changed.
        steps: Its ticks.
        every: Ticks from one point of the lines to the next.
        commanded: (P, V), NaN where it is not known.
        wanted: What the newest prediction before each tick wanted there, (P, V).
        executed: What the node would have sent, (P, V).
        bands: When it did anything else than follow the plan.
        cameras: What the policy saw when it was asked; empty where pictures are not kept.
    """

    name: str
    error: float
    holds: int
    late: int
    clamps: int
    steps: int
    every: float
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
        sums = FigureSums(outputs, horizon)
        sums.add(one)
        lines = np.concatenate([one.commanded, newest(one), one.executed], axis=1).T
        points, every = thinned(lines.astype(np.float32), MOST_POINTS)
        commanded, wanted, executed = np.split(points.astype(np.float32).T, 3, axis=1)
        return cls(
            name=one.name,
            error=sums.figures().mean,
            holds=len(one.holds),
            late=one.counters.late,
            clamps=one.counters.clamps,
            steps=len(one.pieces),
            every=every,
            commanded=commanded,
            wanted=wanted,
            executed=executed,
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
