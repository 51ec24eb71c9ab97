"""Tracking of poses: measured hands beside where they were sent, and where they were before."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from neuracore_ros.arrays import BoolArray, FloatArray, IntArray
from neuracore_ros.command.streamed_poses import NEAR, StreamedPoses
from neuracore_ros.description.direct import DirectSlot
from neuracore_ros.description.limits import FASTER
from neuracore_ros.kinematics.interpolation import distance


class PoseTracking:
    """Comparison of P measured poses with those that were sent, and with those measured before."""

    def __init__(self, slots: Sequence[DirectSlot], max_error: float) -> None:
        """Allow ``max_error`` [m], [rad] between sent and measured."""
        self._slots = slots
        self._max_error = max_error
        self._most = np.array([(s.limit.most, s.limit.turning) for s in slots]).reshape(-1, 2)
        self._before: tuple[FloatArray, IntArray] | None = None
        self._agrees = np.zeros(len(slots), bool)

    @property
    def confirmed(self) -> bool:
        """Whether the newest measurement of every pose agrees with an earlier one.

        One sample alone may be a sensor's lie, and the hand would be sent there.
        """
        return bool(self._agrees.all())

    def note(self, poses: FloatArray | None, stamps_ns: IntArray) -> None:
        """Remember a step's measurement, (P, 7) and (P,); None where there is none."""
        if poses is None:
            self._before = None
            self._agrees[:] = False
            return
        if self._before is None:
            self._agrees[:] = False
        else:
            self._agrees |= stamps_ns > self._before[1]
            self._agrees &= ~self.jumped(poses, stamps_ns)
        self._before = poses, stamps_ns

    def jumped(self, poses: FloatArray, stamps_ns: IntArray) -> BoolArray:
        """Find poses, (P,), that no hand could have come to since the step before."""
        if self._before is None:
            return np.zeros(len(self._slots), bool)
        before, then_ns = self._before
        pairs = zip(before, poses, strict=True)
        moved = np.array([distance(*pair) for pair in pairs]).reshape(-1, 2)
        elapsed_s = np.maximum(stamps_ns - then_ns, 0)[:, None] / 1e9
        return np.asarray((moved > FASTER * self._most * elapsed_s + NEAR).any(axis=1))

    def fault(self, poses: FloatArray, stamps_ns: IntArray, sent: StreamedPoses) -> str:
        """Say in one line why a pose is not where it was sent; empty where all are."""
        for i in np.flatnonzero(self.jumped(poses, stamps_ns)):
            x, y, z = poses[i, :3]
            name = self._slots[int(i)].name
            return f"'{name}' is reported to have jumped to {x:.3f} {y:.3f} {z:.3f}"
        if sent.at_rest:
            return ''
        for slot, away in zip(self._slots, sent.apart(poses), strict=True):
            if away.max() > self._max_error:
                return (
                    f"'{slot.name}' does not follow: it is {away[0]:.3f} m and {away[1]:.3f} rad "
                    f'off its command, more than max_tracking_error ({self._max_error:g})'
                )
        return ''
