"""Tracking: the robot held against its setpoints, as far as its measurements can be believed."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from neuracore_ros.arrays import BoolArray, FloatArray, IntArray
from neuracore_ros.command.direct_values import NOTHING_MEASURED, DirectMeasured
from neuracore_ros.command.joints import Joints
from neuracore_ros.command.motion import Motion
from neuracore_ros.description.limits import FASTER

_BEHIND = 0.05
"""Where one joint does not follow, another that is so far behind [rad] does not, either."""

_STANDS_SHARE = 0.25
"""A joint that moved by a smaller share of what it fell behind stands still."""

_COMPARED_S = 0.04
"""Measurements that show whether a joint moves are at least so long apart."""

_REMEMBERED = 8


@dataclass(frozen=True, slots=True)
class Measured:
    """Fresh positions of all commanded joints, and what is measured of direct outputs.

    Attributes:
        positions: Shape (J,), in the robot's own units.
        stamps_ns: When each was measured, shape (J,).
        direct: Likewise, of what is sent as it is.
    """

    positions: FloatArray
    stamps_ns: IntArray
    direct: DirectMeasured = NOTHING_MEASURED


class Tracking:
    """Comparison of measured joints with commanded ones, and with those measured before.

    A gripper is never at fault: it closes on things, and so need not arrive.

    Attributes:
        believed: Where the joints, (J,), were last measured by samples that agree with those
            before them, whatever the clock did since; None before that.
    """

    def __init__(self, joints: Joints, max_error: float) -> None:
        """Allow ``max_error`` [rad] between commanded and measured."""
        self._joints = joints
        self._max_error = max_error
        self._furthest = max_error * joints.unit
        self.believed: FloatArray | None = None
        self._recent: deque[Measured] = deque(maxlen=_REMEMBERED)
        self._agrees = np.zeros(len(joints.joints), bool)

    @property
    def _before(self) -> Measured | None:
        """The measurement of the step before, if there was one and the clock has not jumped."""
        return self._recent[-1] if self._recent else None

    @property
    def confirmed(self) -> bool:
        """Whether the newest measurement of every joint agrees with an earlier one.

        One sample alone may be a sensor's lie, and the robot would start from there.
        """
        return bool(self._agrees.all())

    def note(self, measured: Measured | None) -> None:
        """Remember a step's measurement; None where there is none, or the clock has jumped."""
        before = self._before
        if measured is None:
            self._agrees[:] = False
            self._recent.clear()
            return
        if before is None:
            self._agrees[:] = False
        else:
            # Joints of several topics need not have new samples in the same step.
            self._agrees |= measured.stamps_ns > before.stamps_ns
            self._agrees &= ~self.jumped(measured)
        if self._agrees.all():
            self.believed = measured.positions
        self._recent.append(measured)

    def jumped(self, measured: Measured) -> BoolArray:
        """Find joints, (J,), that no robot could have moved so far since the step before.

        A broken sensor must not become motion: such a position is not held, and not started from.
        """
        if (before := self._before) is None:
            return np.zeros(len(measured.positions), bool)
        moved = self._joints.distance(measured.positions, before.positions)
        elapsed_s = np.maximum(measured.stamps_ns - before.stamps_ns, 0) / 1e9
        most = FASTER * self._joints.limits.velocity * elapsed_s + 0.5 * self._furthest
        return np.asarray((moved > most) & ~self._joints.grips)

    def lag(self, measured: Measured, motion: Motion) -> FloatArray:
        """Return how far joints, (J,), were behind their setpoints when they were measured.

        NaN where nothing was commanded then. A gripper that holds a thing is not behind.
        """
        lag = np.full(len(measured.positions), np.nan)
        for stamp_ns in np.unique(measured.stamps_ns):
            if (setpoint := motion.setpoint(int(stamp_ns))) is not None:
                reported = self._joints.nearest(measured.positions, setpoint[0])
                lag = np.where(measured.stamps_ns == stamp_ns, setpoint[0] - reported, lag)
        return np.where(self._joints.grips, 0.0, lag)

    def lost(self, measured: Measured, motion: Motion) -> BoolArray:
        """Find joints, (J,), that were not where they were sent when they were measured."""
        return np.asarray(np.abs(self.lag(measured, motion)) > self._furthest)

    def standing(self, measured: Measured, motion: Motion) -> BoolArray:
        """Find joints, (J,), that stand still while they are sent on, as after an emergency stop.

        They are further behind their setpoints than their speed explains, and did not move along.
        """
        none = np.zeros(len(measured.positions), bool)
        before = self._earlier(measured)
        if before is None:
            return none
        moved = self._joints.distance(measured.positions, before.positions)
        lag = self.lag(measured, motion)
        sent = np.abs(lag - self.lag(before, motion))
        behind = np.abs(lag) > motion.usual_lag(int(measured.stamps_ns.min()))
        # A joint that stands falls behind by as much as its setpoint moves.
        return np.asarray(behind & (moved < _STANDS_SHARE * sent))

    def held(self, measured: Measured, motion: Motion) -> BoolArray:
        """Find joints, (J,), to hold in a stop where they are measured, not where they were sent.

        Those that do not follow; and then all others that have fallen behind, since what stops
        one joint mostly stops the arm.
        """
        held = self.lost(measured, motion) | self.standing(measured, motion)
        if held.any():
            held |= np.abs(self.lag(measured, motion)) > _BEHIND * self._joints.unit
        return np.asarray(held)

    def _earlier(self, measured: Measured) -> Measured | None:
        """The newest remembered measurement that is old enough to be compared with this one."""
        for before in reversed(self._recent):
            if ((measured.stamps_ns - before.stamps_ns) >= 1e9 * _COMPARED_S).all():
                return before
        return None

    def fault(self, measured: Measured, motion: Motion) -> str:
        """Say in one line why the robot is not where it was sent; empty where it is."""
        names = [joint.name for joint in self._joints.joints]
        for i in np.flatnonzero(self.jumped(measured)):
            return f"'{names[i]}' is reported to have jumped to {measured.positions[i]:.3f}"
        for i in np.flatnonzero(self.lost(measured, motion)):
            return (
                f"'{names[i]}' does not follow: it is at {measured.positions[i]:.3f}, more than "
                f'max_tracking_error ({self._max_error:g}) off its command'
            )
        return ''
