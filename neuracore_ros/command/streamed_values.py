"""Numbers that are sent as they are, one message after another: velocities, torques and others.

What a receiver does with a velocity goes on until the next one. So whatever is sent here ends:
when the plan has run out, and on every stop, each number goes to its rest.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from neuracore_ros.arrays import FloatArray
from neuracore_ros.command.braking import FULL_SPEED_TO_REST_S
from neuracore_ros.command.plan import Blend, Plan, merged
from neuracore_ros.command.streamed import REPEATS, Streamed
from neuracore_ros.description.direct import DirectSlot

_LATE_S = 0.15
"""So late, and a step, a velocity acts on what is measured: delay and lag together."""

_ROUNDING = 1e-12


class StreamedValues(Streamed):
    """D numbers of one robot, in its own units: the plan, and what was sent last.

    A number at a time is what the policy wanted for one step later: a velocity acts until the
    next one, where a position is somewhere to be.

    Attributes:
        warnings: What the user should know of the limits, one line each.
        clamps: Predicted steps with a number beyond its limit.
        values: What was sent last, (D,).
    """

    def __init__(
        self, slots: Sequence[DirectSlot], step_s: float, period_s: float, max_ahead_s: float
    ) -> None:
        """Rest; nothing was sent.

        Args:
            slots: What the numbers are.
            step_s: A step of the policy [s].
            period_s: From one message to the next [s].
            max_ahead_s: A stop has ended so long after its begin [s].
        """
        super().__init__(step_s, period_s, max_ahead_s)
        given = np.array([slot.limit.change or np.inf for slot in slots], float)
        most = np.array([slot.limit.most for slot in slots], float)
        self._most = np.minimum(most, given * self._longest_stop_s)
        self._change = given
        quickly = self._most / min(FULL_SPEED_TO_REST_S, self._longest_stop_s)
        self._ramp = np.where(np.isfinite(given), given, quickly)
        self.warnings = tuple(
            f"'{slot.name}' is kept to {kept:.3g} of {slot.limit.most:.3g}: from there it comes "
            f'to rest within max_ahead_s ({max_ahead_s:g} s)'
            for slot, kept in zip(slots, self._most, strict=True)
            if kept < slot.limit.most
        )
        ends = np.array([slot.limit.position for slot in slots], float).reshape(-1, 2)
        self._lower, self._upper = ends.T
        self._positions: FloatArray = np.full(len(slots), np.nan)
        self.clamps = 0
        self.values: FloatArray = np.zeros(len(slots))
        self._measured = np.zeros(len(slots))
        self._goal = np.zeros(len(slots))
        self._holds = np.array([slot.holds for slot in slots], bool)
        self._falling: FloatArray | None = None

    def measure(self, measured: FloatArray, positions: FloatArray) -> None:
        """Take what was measured, (D,) each; NaN where nothing was.

        Args:
            measured: The numbers themselves; what a stop holds is this.
            positions: Of the joints whose velocities they are.
        """
        self._positions = positions
        known = self._holds & np.isfinite(measured)
        held = np.clip(measured, -self._most, self._most)
        self._measured = np.where(known, held, self._measured)

    def begin(self, now_ns: int) -> None:
        """Start from rest: from zero, or from what is measured where a stop holds that."""
        if self.at_rest:
            self.values = self._measured.copy()
        self._falling = None
        self._begin(now_ns)

    def merge(self, outputs: FloatArray, now_ns: int, blend: Blend) -> None:
        """Follow a new prediction, (n, D); the first row is wanted now."""
        allowed = np.clip(outputs, -self._most, self._most)
        self.clamps += int(np.any(allowed != outputs, axis=1).sum())
        before = self._plan or Plan(now_ns, self._step_ns, self.values[None])
        self._plan = merged(before, allowed, now_ns, blend)
        self._falling, self._repeats_left = None, REPEATS

    def stop(self) -> None:
        """Go to rest from now on, all numbers in the same time."""
        if self._plan is None:
            return
        self._plan, self._goal = None, self._measured.copy()
        self._falling = self._rates()

    def next(self, now_ns: int) -> FloatArray | None:
        """The numbers to send now, (D,); None where all is at rest."""
        if self.at_rest or self._sent_ns is None:
            return None
        passed_s = max(now_ns - self._sent_ns, 0) / 1e9
        self._sent_ns = now_ns
        if self._plan is not None and now_ns > self._plan.end_ns + self._step_ns:
            self.stop()  # Nobody renews it.
        if self._plan is not None:
            at = np.array([now_ns + self._step_ns], np.int64)
            wanted = self._within_change(self._plan.at(at)[0], passed_s)
            self._positions = self._positions + passed_s * self.values
            self.values = self._before_the_end(wanted)
        else:
            self.values = self._fallen(passed_s)
            self._repeats_left -= np.array_equal(self.values, self._goal)
        sent: FloatArray = self.values.copy()
        return sent

    def halt(self) -> FloatArray | None:
        """Rest at once, (D,), where there is no time in which to come to rest; None at rest."""
        if self.at_rest:
            return None
        self.stop()
        self.values = self._goal.copy()
        self._repeats_left -= 1
        return self.values

    def rests_in_s(self, now_ns: int) -> float:
        """Time until a stop has ended, its last messages included; 0 at rest [s]."""
        if self.at_rest:
            return 0.0
        falling = self._ramp if self._falling is None else self._falling
        away = np.abs(self.values - self._goal)
        ramps_s = np.divide(away, falling, out=np.zeros_like(away), where=falling > 0.0)
        ramp_s = float(np.max(ramps_s, initial=0.0))
        return self._planned_s(now_ns) + ramp_s + (self._repeats_left + 1) * self._period_s

    def forget(self) -> None:
        """Rest, as if nothing had been sent."""
        super().forget()
        self._falling = None
        self.values = np.zeros_like(self.values)

    def _within_change(self, wanted: FloatArray, passed_s: float) -> FloatArray:
        """Numbers that change by what the time since the last message allows.

        A late message becomes a delay, and no leap; but it may come to rest as if it were in time.
        """
        known = np.isfinite(self._change)
        rate = np.where(known, self._change, 0.0)
        rise = np.where(known, rate * min(passed_s, 2.0 * self._period_s), np.inf)
        fall = np.where(known, rate * passed_s, np.inf)
        least = np.minimum(self.values - rise, np.maximum(self.values - fall, 0.0))
        most = np.maximum(self.values + rise, np.minimum(self.values + fall, 0.0))
        return np.clip(wanted, least, most)

    def _before_the_end(self, values: FloatArray) -> FloatArray:
        """Velocities from which joints still come to rest before their limits.

        A joint at its limit may only go back.
        """
        up, down = (
            self._braking_speed(room)
            for room in (self._upper - self._positions, self._positions - self._lower)
        )
        return np.clip(values, -down, up)

    def _braking_speed(self, room: FloatArray) -> FloatArray:
        """Largest speeds, (D,), for which so much room is enough; infinite where it is unknown."""
        known, lost = np.isfinite(room), self._ramp * (_LATE_S + self._step_s)
        left = np.maximum(np.where(known, room, 0.0), 0.0)
        return np.where(known, np.sqrt(lost**2 + 2.0 * self._ramp * left) - lost, np.inf)

    def _rates(self) -> FloatArray:
        """Change a second, (D,), with which all numbers come to rest in the same time."""
        away = np.abs(self.values - self._goal)
        longest_s = float(np.max(away / self._ramp, initial=0.0))
        return away / max(longest_s, _ROUNDING)

    def _fallen(self, passed_s: float) -> FloatArray:
        assert self._falling is not None
        away = self._goal - self.values
        step = self._falling * passed_s
        arrives = np.abs(away) <= step + _ROUNDING
        return np.where(arrives, self._goal, self.values + np.sign(away) * step)
