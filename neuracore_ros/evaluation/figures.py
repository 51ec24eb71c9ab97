"""Errors, latencies and faults of one policy on one robot, over all its recordings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from neuracore_ros.arrays import FloatArray
from neuracore_ros.errors import without_numbers
from neuracore_ros.evaluation.compared_slots import (
    POSITION,
    ROTATION,
    Column,
    ComparedSlot,
    ComparedSlots,
)
from neuracore_ros.evaluation.replay import Replay


@dataclass(frozen=True, slots=True)
class Figures:
    """Figures of one policy on one robot; H steps of a prediction, C errors.

    Errors are absolute, in the slots' sense, and count valid entries only.

    Attributes:
        slots: What the C errors are of.
        columns: The numbers that were commanded.
        error: Mean error at each horizon step of each output, (H, C); NaN where none counts.
        largest: Largest error of each output, (C,).
        executed: Mean error of what the node would have sent, (C,).
        spread: Standard deviation of what was commanded, (C,).
        entries: How many errors were counted, (H, C).
        recordings: How many.
        ticks: Steps of all recordings.
        observed: Those with a usable observation.
        running: Those at which the robot was commanded.
        predictions: How often the policy was asked and answered.
        late: Predictions that came too late.
        clamps: Setpoints that the limits changed.
        holds: Reason, without its figures -> how often.
        first_holds: The same -> the first time, with them.
        latencies_ms: Of all predictions on this machine.
        seams_rad: Jumps between a prediction and the ones before.
    """

    slots: tuple[ComparedSlot, ...]
    columns: tuple[Column, ...]
    error: FloatArray
    largest: FloatArray
    executed: FloatArray
    spread: FloatArray
    entries: FloatArray
    recordings: int
    ticks: int
    observed: int
    running: int
    predictions: int
    late: int
    clamps: int
    holds: Mapping[str, int]
    first_holds: Mapping[str, str]
    latencies_ms: FloatArray
    seams_rad: FloatArray

    @property
    def unit(self) -> str:
        """The unit of `mean`: ``rad``, or without joints that of what counts instead of them."""
        units = [slot.unit for slot in self.slots]
        if {'rad', 'm'} & {*units}:
            return 'rad'
        others = [unit for unit in units if unit not in (ROTATION, 'open')]
        return POSITION if POSITION in units else others[0] if others else 'open'

    @property
    def mean(self) -> float:
        """Over all joints and horizon steps.

        Positions of poses count only where there are no joints, other numbers without either, and
        grippers only where there is nothing else.
        """
        error, entries = self.error[:, self._counted], self.entries[:, self._counted]
        return float(_means(error, entries, axis=None))

    @property
    def by_step(self) -> FloatArray:
        """`mean` at each horizon step, (H,)."""
        return _means(self.error[:, self._counted], self.entries[:, self._counted], axis=1)

    @property
    def by_slot(self) -> FloatArray:
        """Mean error of each output over the horizon, (C,)."""
        return _means(self.error, self.entries, axis=0)

    @property
    def normalised(self) -> FloatArray:
        """`by_slot` in spreads, (C,); NaN where the commands never changed."""
        moves = self.spread > 1e-9
        found = np.full(len(self.slots), np.nan)
        found[moves] = self.by_slot[moves] / self.spread[moves]
        return found

    @property
    def mean_normalised(self) -> float:
        """The mean of `normalised` over the outputs that move."""
        return _plain_mean(self.normalised)

    @property
    def mean_executed(self) -> float:
        """Mean error of what the node would have sent, over the outputs that `mean` counts."""
        return _plain_mean(self.executed[self._counted])

    @property
    def of_poses(self) -> tuple[float, float] | None:
        """Mean error of the positions [cm] and rotations [degrees] of all poses, if there are."""
        found = []
        for unit in (POSITION, ROTATION):
            places = [place for place, slot in enumerate(self.slots) if slot.unit == unit]
            if not places:
                return None
            found.append(float(_means(self.error[:, places], self.entries[:, places], None)))
        return found[0], found[1]

    @property
    def coverage(self) -> float:
        """Share of the steps with a usable observation."""
        return self.observed / self.ticks if self.ticks else 0.0

    @property
    def _counted(self) -> list[int]:
        counted = ('rad', 'm') if self.unit == 'rad' else (self.unit,)
        return [place for place, slot in enumerate(self.slots) if slot.unit in counted]


def figures(outputs: ComparedSlots, replays: Sequence[Replay], horizon: int) -> Figures:
    """Add up the recordings of a robot; H is the policy's ``horizon``."""
    count = len(outputs.slots)
    total, entries = np.zeros((horizon, count)), np.zeros((horizon, count))
    largest = np.full(count, np.nan)
    apart: list[FloatArray] = []
    commanded: list[FloatArray] = []
    for one in replays:
        for tick, chunk in one.predicted.items():
            error = outputs.distance(chunk, _wanted(one, tick, horizon))
            valid = np.isfinite(error)
            total[valid] += error[valid]
            entries += valid
            if len(error):
                largest = np.fmax(largest, np.fmax.reduce(error, axis=0))
        apart.append(outputs.distance(one.executed, one.commanded))
        commanded.append(one.commanded)
    reasons = [reason for one in replays for reason in one.holds]
    return Figures(
        slots=outputs.slots,
        columns=outputs.columns,
        error=np.divide(total, entries, out=np.full(total.shape, np.nan), where=entries > 0),
        largest=largest,
        executed=np.ma.masked_invalid(np.concatenate(apart)).mean(axis=0).filled(np.nan),
        spread=outputs.spread(np.concatenate(commanded)),
        entries=entries,
        recordings=len(replays),
        ticks=sum(len(one.pieces) for one in replays),
        observed=sum(one.counters.observed for one in replays),
        running=sum(one.running for one in replays),
        predictions=sum(len(one.predicted) for one in replays),
        late=sum(one.counters.late for one in replays),
        clamps=sum(one.counters.clamps for one in replays),
        holds=dict(Counter(map(without_numbers, reasons)).most_common()),
        first_holds={without_numbers(reason): reason for reason in reversed(reasons)},
        latencies_ms=np.array([latency for one in replays for latency in one.latencies_ms]),
        seams_rad=np.array([seam for one in replays for seam in one.counters.seams_rad]),
    )


def _wanted(one: Replay, tick: int, horizon: int) -> FloatArray:
    """The commands from a tick on, (H, V); NaN past the end of its piece."""
    rows = np.arange(tick, tick + horizon)
    inside = rows[rows < len(one.pieces)]
    inside = inside[one.pieces[inside] == one.pieces[tick]]
    wanted = np.full((horizon, one.commanded.shape[1]), np.nan)
    wanted[: len(inside)] = one.commanded[inside]
    return wanted


def _means(means: FloatArray, entries: FloatArray, axis: int | None) -> FloatArray:
    """Means of means, each as often as it has entries; NaN where there is none."""
    total, count = np.nansum(means * entries, axis), entries.sum(axis)
    found: FloatArray = np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
    return found


def _plain_mean(values: FloatArray) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float('nan')
