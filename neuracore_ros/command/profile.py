"""Profiles: how the way from setpoint to setpoint is timed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from neuracore_ros.command.joints import Array, BoolArray, Limits
from neuracore_ros.command.limits import Followed, follow
from neuracore_ros.command.plan import Plan
from neuracore_ros.command.spline import Spline
from neuracore_ros.command.stop import stop

_CLOSEST_S = 1e-3


@dataclass(frozen=True, slots=True)
class Way:
    """What the robot is sent next.

    Attributes:
        spline: The motion; its first knot is what is executed now.
        followed_s: Until then it follows the plan; what comes after only brings it to rest.
        due_ns: When each setpoint that it aims at is due, shape (n,).
        arrived: Bool, shape (n,): where the plan is reached; elsewhere a limit was in the way.
    """

    spline: Spline
    followed_s: float
    due_ns: Array
    arrived: BoolArray


class Profile(Protocol):
    """A way of timing motions within the limits."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the user should know of it, one line each."""
        ...

    def follow(
        self, executed: Spline, plan: Plan, now_ns: int, times_s: Array, limits: Limits
    ) -> Way:
        """Go on from what is being executed, and follow a plan.

        Args:
            executed: What is being executed.
            plan: What to follow; inside the position limits.
            now_ns: Now.
            times_s: When to be at the plan's setpoints, shape (n,), from now; n >= 1.
            limits: Of the J joints; their velocities may be reduced.
        """
        ...

    def stop(
        self, executed: Spline, now_ns: int, measured: Array | None, lost: BoolArray
    ) -> Spline:
        """Brake to rest.

        Args:
            executed: What is being executed.
            now_ns: Now.
            measured: Fresh measured positions, shape (J,), or None.
            lost: Bool, shape (J,): joints that are not where they were sent, and are held where
                they were measured.
        """
        ...


class SplineProfile:
    """Splines through the setpoints; positions and velocities are limited between them, too.

    Accelerations are limited from setpoint to setpoint only; `JerkLimited` does more.
    """

    warnings: tuple[str, ...] = ()

    def __init__(self, limits: Limits) -> None:
        self._limits = limits

    def follow(
        self, executed: Spline, plan: Plan, now_ns: int, times_s: Array, limits: Limits
    ) -> Way:
        """See `Profile`."""
        setpoint = executed.at(now_ns)
        followed = _chase(setpoint, plan, now_ns, times_s, limits)
        due_ns = now_ns + 1e9 * times_s
        if not followed.inside and (knot := executed.next_knot(now_ns)) is not None:
            followed = _bridged(setpoint, knot, plan, now_ns, times_s, limits)
            due_ns = due_ns[len(due_ns) - len(followed.arrived) :]
        spline = Spline(now_ns, followed.times_s, followed.positions, followed.velocities)
        return Way(spline, float(followed.times_s[-1]), due_ns, followed.arrived)

    def stop(
        self, executed: Spline, now_ns: int, measured: Array | None, lost: BoolArray
    ) -> Spline:
        """See `Profile`."""
        return stop(now_ns, executed.at(now_ns), self._limits, measured, lost)


def _chase(
    setpoint: tuple[Array, Array], plan: Plan, now_ns: int, times_s: Array, limits: Limits
) -> Followed:
    due_ns = now_ns + np.rint(1e9 * np.concatenate([[0.0], times_s])).astype(np.int64)
    targets = plan.at(due_ns)
    return follow(setpoint, targets[0], targets[1:], times_s, limits)


def _bridged(
    setpoint: tuple[Array, Array],
    knot: tuple[float, Array, Array],
    plan: Plan,
    now_ns: int,
    times_s: Array,
    limits: Limits,
) -> Followed:
    """Go on to the next knot of what is being executed, and follow the plan from there.

    Close to a position limit the spline from a point between two knots might overshoot; going on
    as before to the next knot cannot, and from a knot there is room to brake.
    """
    ahead_s, position, velocity = knot
    later = times_s[times_s > ahead_s + _CLOSEST_S] - ahead_s
    followed = _chase((position, velocity), plan, now_ns + round(ahead_s * 1e9), later, limits)
    return replace(
        followed,
        times_s=np.concatenate([[0.0], followed.times_s + ahead_s]),
        positions=np.concatenate([setpoint[0][None], followed.positions]),
        velocities=np.concatenate([setpoint[1][None], followed.velocities]),
    )
