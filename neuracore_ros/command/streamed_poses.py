"""Poses that are sent as they are, one message after another, or as twists towards them.

The way from pose to pose is played as a tape is: faster or slower, up to the speed that was
planned, and never off the way. A stop slows the tape down until it stands.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from neuracore_ros.arrays import FloatArray
from neuracore_ros.command.braking import FULL_SPEED_TO_REST_S
from neuracore_ros.command.plan import Blend, Plan, merged
from neuracore_ros.command.streamed import REPEATS, Streamed
from neuracore_ros.description.direct import DirectSlot
from neuracore_ros.kinematics.interpolation import (
    between,
    continuous,
    displacement,
    distance,
    normalised,
)

CATCH_UP_S = 0.25
"""A twist closes the gap between the measured pose and the planned one in so long, so that a
robot that is measured 0.1 s late does not swing."""

NEAR = (0.02, 0.1)
"""A pose that is measured so near to where it was sent [m], [rad] goes on from there."""

DETOUR = 1.5
"""From rest to rest, a way takes so much longer than its length at the fastest speed."""

RISES_S = 0.5
"""From ``start_speed`` to full speed, once the distance of the start is made good."""

_LEAST_MEAN = 0.5
"""A mean of quaternions that is shorter is of rotations that contradict each other."""

_ROUNDING = 1e-9


class StreamedPoses(Streamed):
    """P poses of one robot, x y z qx qy qz qw in its own frames: the way, and where they are.

    Attributes:
        poses: Where they were sent last, (P, 7).
        twists: How fast to go there from where they are measured, (P, 6) [m/s], [rad/s].
    """

    def __init__(
        self,
        slots: Sequence[DirectSlot],
        step_s: float,
        period_s: float,
        max_ahead_s: float,
        start_speed: float,
    ) -> None:
        """Rest; nothing was sent.

        Args:
            slots: What the poses are.
            step_s: A step of the policy [s].
            period_s: From one message to the next [s].
            max_ahead_s: A stop has ended so long after its begin [s].
            start_speed: Share of the speed limits on the way to the plan.
        """
        super().__init__(step_s, period_s, max_ahead_s)
        self._rest_s = min(FULL_SPEED_TO_REST_S, self._longest_stop_s)
        self._most = np.array([(s.limit.most, s.limit.turning) for s in slots]).reshape(-1, 2)
        self._start_speed = start_speed
        count = len(slots)
        self.poses = np.zeros((count, 7))
        self.twists = np.zeros((count, 6))
        self._measured: FloatArray | None = None
        self._times_s, self._way = np.zeros(1), np.zeros((1, count, 7))
        self._place_s = self._rate = 0.0
        self._slow_until_ns: int | None = 0
        self._known = False
        self._stopped: FloatArray | None = None
        self._fading = 0.0

    def share(self, now_ns: int) -> float:
        """Share of the speed limits that may be used now."""
        if self._slow_until_ns is None:
            return self._start_speed
        risen = max(now_ns - self._slow_until_ns, 0) / 1e9 / RISES_S
        return min(self._start_speed + (1.0 - self._start_speed) * risen, 1.0)

    def apart(self, poses: FloatArray) -> FloatArray:
        """Distances of poses (P, 7) from where they were sent, (P, 2) [m], [rad]."""
        pairs = zip(poses, self.poses, strict=True)
        return np.array([distance(*pair) for pair in pairs]).reshape(-1, 2)

    def measure(self, poses: FloatArray) -> None:
        """Take where they are measured, (P, 7)."""
        self._measured = poses

    def begin(self, measured: FloatArray, slowly: bool, now_ns: int) -> None:
        """Start where they are measured, (P, 7), or where they were sent if that is near."""
        near = (self.apart(measured) <= NEAR).all(axis=1, keepdims=True)
        self.poses = np.where(near & self._known, self.poses, measured)
        self.measure(measured)
        self._known, self._stopped = True, None
        self._begin(now_ns)
        self._rest_here()
        self.twists = np.zeros_like(self.twists)
        self._slow_until_ns = None if slowly else now_ns - round(1e9 * RISES_S)

    def merge(self, outputs: FloatArray, now_ns: int, blend: Blend) -> None:
        """Follow a new prediction, (n, P, 7); the first row is due one step from now."""
        if self._slow_until_ns is None:
            slowest = self._start_speed * self._most
            away = np.max(self.apart(outputs[0]) / slowest, initial=0.0)
            self._slow_until_ns = now_ns + round(1e9 * DETOUR * float(away))
        n, count = outputs.shape[:2]
        steps = [continuous(outputs[:, i], self.poses[i]) for i in range(count)]
        flat = np.stack(steps, axis=1).reshape(n, 7 * count)
        going_on = () if self._plan is None else self._plan.chunks
        before = Plan(now_ns, self._step_ns, self._ahead(n), going_on)
        self._plan = merged(before, flat, now_ns, blend)
        self._way = _joined(self._plan.positions.reshape(-1, count, 7), steps)
        self._times_s = np.concatenate([[0.0], np.cumsum(self._takes_s(self.share(now_ns)))])
        self._place_s, self._stopped, self._repeats_left = 0.0, None, REPEATS

    def stop(self, lost: bool = False) -> None:
        """Come to rest on the way; where they are ``lost``, rest where they are measured."""
        if self._plan is None:
            return
        self._plan, self._stopped, self._fading = None, self.twists, 1.0
        if lost and self._measured is not None:
            self.poses = self._measured.copy()
            self._rest_here()

    def next(self, now_ns: int) -> bool:
        """Go on to what is to be sent now; False where all is at rest."""
        if self.at_rest or self._sent_ns is None:
            return False
        if self._plan is not None and now_ns > self._plan.end_ns + self._step_ns:
            self.stop()  # Nobody renews it.
        late_s = max(now_ns - self._sent_ns, 0) / 1e9
        # A late call becomes a delay, and no jump; but what goes on by itself ends in time.
        passed_s = min(late_s, 2.0 * self._period_s)
        self._sent_ns = now_ns
        before = self.poses
        self._advance(passed_s)
        self.poses = self._at(self._place_s)
        if self._stopped is not None:
            self._fading = max(self._fading - late_s / self._rest_s, 0.0)
            self.twists = self._fading * self._stopped
            if self._fading == 0.0 and self._rate == 0.0:
                self._repeats_left -= 1
        elif passed_s > 0.0:
            self.twists = self._towards(before, passed_s, self.share(now_ns))
        return True

    def halt(self) -> bool:
        """Rest at once where they were sent last, with no twist; False at rest."""
        if self.at_rest:
            return False
        self.stop()
        self._rest_here()
        self.twists = np.zeros_like(self.twists)
        self._fading = 0.0
        self._repeats_left -= 1
        return True

    def rests_in_s(self, now_ns: int) -> float:
        """Time until a stop has ended, its last messages included; 0 at rest [s]."""
        if self.at_rest:
            return 0.0
        braked = 1.0 if self._stopped is None else max(self._rate, self._fading)
        return (
            self._planned_s(now_ns)
            + braked * self._rest_s
            + (self._repeats_left + 1) * self._period_s
        )

    def forget(self) -> None:
        """Rest, as if nothing had been sent."""
        super().forget()
        self._stopped, self._known, self._measured = None, False, None

    @property
    def plan(self) -> Plan | None:
        """Plan that is followed, another one after each prediction; None where there is none."""
        return self._plan

    def ahead(self, most: int) -> FloatArray:
        """Return poses still to come, a row a step, (1 + m, P, 7), m at ``most``.

        The first row is what was sent last; without a plan there are none, (0, P, 7).
        """
        if self._plan is None:
            return np.zeros((0, *self.poses.shape))
        return self._ahead(most).reshape(-1, *self.poses.shape)

    def _rest_here(self) -> None:
        self._times_s, self._way = np.zeros(1), self.poses[None]
        self._place_s = self._rate = 0.0

    def _ahead(self, most: int) -> FloatArray:
        """Poses that are still to be played, a row a step, (1 + m, 7 P), m at ``most``.

        A pose that is far away takes very many steps, of which a blend needs few.
        """
        left_s = 0.0 if self._plan is None else self._times_s[-1] - self._place_s
        left = int(min(left_s / self._step_s + _ROUNDING, most))
        places_s = self._place_s + self._step_s * np.arange(left + 1)
        return np.stack([self._at(place_s).ravel() for place_s in places_s])

    def _takes_s(self, share: float) -> FloatArray:
        """Durations of the n pieces of the way: a step, or more where that were too fast."""
        pieces = zip(self._way[:-1], self._way[1:], strict=True)
        lengths = np.array(
            [[distance(a, b) for a, b in zip(*ends, strict=True)] for ends in pieces]
        ).reshape(len(self._way) - 1, -1, 2)
        slowest_s: FloatArray = (lengths / (share * self._most)).max(axis=(1, 2), initial=0.0)
        return np.maximum(slowest_s, self._step_s)

    def _at(self, place_s: float) -> FloatArray:
        """Poses (P, 7) at a place of the way."""
        last = len(self._times_s) - 1
        after = min(int(np.searchsorted(self._times_s, place_s, side='right')), last)
        if after == 0:
            first: FloatArray = self._way[0].copy()
            return first
        start_s, end_s = self._times_s[after - 1], self._times_s[after]
        share = min((place_s - start_s) / (end_s - start_s), 1.0)
        ends = zip(self._way[after - 1], self._way[after], strict=True)
        return np.stack([between(a, b, share) for a, b in ends])

    def _advance(self, passed_s: float) -> None:
        """Play on: rising to the planned speed, and slow enough to rest at the end of the way."""
        change = passed_s / self._rest_s
        if self._stopped is not None:
            rate = max(self._rate - change, 0.0)
        else:
            rate = min(self._rate + change, 1.0)
        end_s = float(self._times_s[-1])
        reached_s = self._place_s + 0.5 * (self._rate + rate) * passed_s
        rate = min(rate, float(np.sqrt(2.0 * max(end_s - reached_s, 0.0) / self._rest_s)))
        self._place_s = min(self._place_s + 0.5 * (self._rate + rate) * passed_s, end_s)
        self._rate = rate

    def _towards(self, before: FloatArray, passed_s: float, share: float) -> FloatArray:
        """Twists (P, 6) along the way, and from where the robot is measured to the way."""
        twists = np.empty_like(self.twists)
        for i, (here, was, most) in enumerate(
            zip(self.poses, before, share * self._most, strict=True)
        ):
            measured = here if self._measured is None else self._measured[i]
            wanted = displacement(was, here) / passed_s
            wanted = wanted + displacement(measured, here) / CATCH_UP_S
            for part, fastest in ((slice(3), most[0]), (slice(3, 6), most[1])):
                aim = _shortened(wanted[part], fastest)
                last = self.twists[i, part]
                change = _shortened(aim - last, fastest * passed_s / self._rest_s)
                twists[i, part] = last + change
        return twists


def _joined(blended: FloatArray, steps: Sequence[FloatArray]) -> FloatArray:
    """The way (1 + n, P, 7) of blended poses; ``steps``, (n, 7) each, are the newest ones.

    Between rotations that are almost half a turn apart or more, a mean is none: there, the newest
    prediction is followed.
    """
    newest = np.concatenate([blended[:1], np.stack(steps, axis=1)])
    lengths = np.linalg.norm(blended[..., 3:], axis=-1, keepdims=True)
    return normalised(np.where(lengths < _LEAST_MEAN, newest, blended))


def _shortened(vector: FloatArray, most: float) -> FloatArray:
    """A vector, no longer than allowed."""
    length = float(np.linalg.norm(vector))
    return vector * (most / length) if length > most else vector
