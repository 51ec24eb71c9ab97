"""Stops: braking the robot, and holding joints that do not come to rest where they were sent."""

from __future__ import annotations

import numpy as np

from neuracore_ros.arrays import BoolArray, FloatArray
from neuracore_ros.command.joints import Joints
from neuracore_ros.command.message import JointCommand
from neuracore_ros.command.motion import Motion
from neuracore_ros.command.tracking import Measured, Tracking

SETTLED = 0.015
"""A joint this close to its setpoint is there [rad]."""

_CATCH_UP_S = 0.3
"""So long after the end of a stop, a joint that follows has arrived: three lags of 0.1 s."""

_STANDS = 0.005
"""A joint that moved by less [rad] between measurements 0.1 s apart stands: more than
the noise of encoders, and less than one on its way there moves."""

_COMPARED_NS = 100_000_000

_BESIDE = 0.03
"""What was caught on its way stands no further [rad] beside it."""


class Stopping:
    """Stops of a robot, each with one search for joints that stand elsewhere than they were sent.

    An emergency stop may have caught them at any moment, also while they were being braked. Left
    so, they would move on by themselves as soon as it is released. A joint that sags under its
    load by more than `SETTLED` is taken for one of them; that is why the search is done once.

    Attributes:
        pending: Whether a stop is not yet known to have brought every joint where it was sent.
    """

    def __init__(self, joints: Joints, motion: Motion, tracking: Tracking) -> None:
        self._joints = joints
        self._motion = motion
        self._tracking = tracking
        self.pending = False
        self._believed: FloatArray | None = None
        self._before: Measured | None = None

    def stop(
        self, measured: Measured | None, moving: bool, now_ns: int
    ) -> tuple[JointCommand, ...]:
        """Brake to rest.

        Args:
            measured: Fresh measured positions, if there are any.
            moving: Whether the robot follows the commands. Once it is held, it may be moved by
                hand, and no joint is held anywhere else than where it was sent.
            now_ns: Now.
        """
        if not self._joints.joints:
            return ()
        held = np.zeros(len(self._joints.joints), bool)
        if moving:
            self.pending, self._believed, self._before = True, self._tracking.believed, None
        if measured is None or self._tracking.jumped(measured).any():
            return self._motion.stop(now_ns, None, held)
        if moving:
            held = self._tracking.held(measured, self._motion)
        return self._motion.stop(now_ns, measured.positions, held)

    def settle(self, measured: Measured | None, now_ns: int) -> tuple[JointCommand, ...]:
        """Hold joints where they are that a stop has left away from where they were sent."""
        if measured is None or self._tracking.jumped(measured).any():
            return ()
        left_behind = self._left_behind(measured, now_ns)
        if not left_behind.any():
            return ()
        return self._motion.stop(now_ns, measured.positions, left_behind)

    def cancel(self) -> None:
        """Search no more: the robot is moved on, by this node or by another."""
        self.pending = False

    def _left_behind(self, measured: Measured, now_ns: int) -> BoolArray:
        """Find joints, (J,), that stand away from their setpoint; none before that is sure."""
        none = np.zeros(len(measured.positions), bool)
        executed = self._motion.setpoint(now_ns)
        if not self.pending or executed is None or not self._motion.at_rest(now_ns):
            return none
        setpoint = executed[0]
        away = self._joints.distance(measured.positions, setpoint)
        away = np.where(self._joints.grips, 0.0, away)
        rested_s = (measured.stamps_ns.min() - self._motion.ends_ns) / 1e9
        left = away > SETTLED * self._joints.unit
        if rested_s >= 0.0 and not left.any():
            self.cancel()
            return none
        before = self._earlier(measured)
        if rested_s < _CATCH_UP_S or before is None:
            return none
        if not self._stand(measured, before)[left].all():
            return none
        self.cancel()
        return np.asarray(left & self._on_the_way(measured.positions, setpoint))

    def _earlier(self, measured: Measured) -> Measured | None:
        """Find a measurement to compare this one with; None where none is old enough."""
        before = self._before
        # Topics come one by one, so some joints may be newer while others are not yet.
        passed_ns = np.zeros(1) if before is None else measured.stamps_ns - before.stamps_ns
        if before is not None and (passed_ns >= 0).all() and (passed_ns < _COMPARED_NS).any():
            return None
        self._before = measured
        return before if (passed_ns >= _COMPARED_NS).all() else None

    def _on_the_way(self, positions: FloatArray, setpoint: FloatArray) -> BoolArray:
        """Find joints between where they were measured before the stop and where they were sent.

        Elsewhere a sensor may have put them, and a broken sensor must not become motion.
        """
        if self._believed is None:
            return np.zeros(len(setpoint), bool)
        positions, believed = (
            self._joints.nearest(given, setpoint) for given in (positions, self._believed)
        )
        least, most = np.minimum(believed, setpoint), np.maximum(believed, setpoint)
        beside = _BESIDE * self._joints.unit
        return np.asarray((positions >= least - beside) & (positions <= most + beside))

    def _stand(self, measured: Measured, before: Measured) -> BoolArray:
        moved = self._joints.distance(measured.positions, before.positions)
        return np.asarray(moved <= _STANDS * self._joints.unit)
