"""Errors, latencies and faults of one policy on one robot, over all its recordings."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from neuracore_ros.arrays import FloatArray
from neuracore_ros.errors import without_numbers
from neuracore_ros.evaluation.commanded_spread import CommandedSpread
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


class FigureSums:
    """Figures of recordings that are added one by one, so that none of them has to be kept."""

    def __init__(self, outputs: ComparedSlots, horizon: int) -> None:
        """Begin without a recording; H is the horizon of the policy."""
        shape = horizon, len(outputs.slots)
        self._outputs, self._horizon = outputs, horizon
        self._total, self._entries = np.zeros(shape), np.zeros(shape)
        self._largest = np.full(shape[1], np.nan)
        self._executed, self._executed_entries = np.zeros(shape[1]), np.zeros(shape[1])
        self._spread = CommandedSpread(outputs)
        self._recordings = self._ticks = self._observed = self._running = 0
        self._predictions = self._late = self._clamps = 0
        self._holds: Counter[str] = Counter()
        self._first_holds: dict[str, str] = {}
        self._latencies_ms, self._seams_rad = array('d'), array('d')

    def add(self, one: Replay) -> None:
        """Add another recording."""
        for tick, chunk in one.predicted.items():
            error = self._outputs.distance(chunk, _wanted(one, tick, self._horizon))
            valid = np.isfinite(error)
            self._total[valid] += error[valid]
            self._entries += valid
            if len(error):
                self._largest = np.fmax(self._largest, np.fmax.reduce(error, axis=0))
        executed = self._outputs.distance(one.executed, one.commanded)
        known = np.isfinite(executed)
        self._executed += np.where(known, executed, 0.0).sum(axis=0)
        self._executed_entries += known.sum(axis=0)
        self._spread.add(one.commanded)
        self._recordings += 1
        self._ticks += len(one.pieces)
        self._observed += one.counters.observed
        self._running += one.running
        self._predictions += len(one.predicted)
        self._late += one.counters.late
        self._clamps += one.counters.clamps
        self._holds.update(map(without_numbers, one.holds))
        for reason in one.holds:
            self._first_holds.setdefault(without_numbers(reason), reason)
        self._latencies_ms.extend(one.latencies_ms)
        self._seams_rad.extend(one.counters.seams_rad)

    def figures(self) -> Figures:
        """The figures of all recordings so far."""
        return Figures(
            slots=self._outputs.slots,
            columns=self._outputs.columns,
            error=_divided(self._total, self._entries),
            largest=self._largest,
            executed=_divided(self._executed, self._executed_entries),
            spread=self._spread.told(),
            entries=self._entries.copy(),
            recordings=self._recordings,
            ticks=self._ticks,
            observed=self._observed,
            running=self._running,
            predictions=self._predictions,
            late=self._late,
            clamps=self._clamps,
            holds=dict(self._holds.most_common()),
            first_holds=self._first_holds,
            latencies_ms=np.array(self._latencies_ms),
            seams_rad=np.array(self._seams_rad),
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
    return _divided(np.asarray(np.nansum(means * entries, axis)), np.asarray(entries.sum(axis)))


def _divided(total: FloatArray, count: FloatArray) -> FloatArray:
    """Means of ``count`` values each; NaN where there is none."""
    found: FloatArray = np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
    return found


def _plain_mean(values: FloatArray) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float('nan')
