"""Trajectories of limited jerk from one state to another; the one place that knows Ruckig."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from neuracore_ros.arrays import FloatArray
from neuracore_ros.command.braking import MotionState
from neuracore_ros.command.joints import Limits
from neuracore_ros.errors import UserError

_FURTHEST_S = 100.0


@dataclass(frozen=True, slots=True)
class RuckigTrajectory:
    """Trajectory of J joints that arrive together.

    Attributes:
        trajectory: Ruckig's.
    """

    trajectory: Any

    @property
    def duration_s(self) -> float:
        """Until it arrives."""
        return float(self.trajectory.duration)

    def changes(self) -> list[FloatArray]:
        """Return when the jerk of each joint changes, ascending [s]."""
        return [np.cumsum([*one.brake.t, *one.t]) for one in self.trajectory.profiles[0]]

    def at(self, times_s: FloatArray) -> MotionState:
        """The states at m times, each array of shape (m, J)."""
        states = np.array([self.trajectory.at_time(float(t)) for t in times_s])
        return MotionState(states[:, 0], states[:, 1], states[:, 2])


class RuckigSolver:
    """Solver for the trajectories of J joints."""

    def __init__(self, joints: int) -> None:
        """Open Ruckig for so many joints.

        Raises:
            UserError: Ruckig is not installed.
        """
        try:
            import ruckig
        except ImportError as error:
            raise UserError(
                "profile is 'ruckig', which is not installed: pip install "
                "'neuracore_ros[ruckig]', or set profile to spline"
            ) from error
        self._ruckig: Any = ruckig
        self._solver: Any = ruckig.Ruckig(joints)

    def solve(
        self, start: MotionState, target: MotionState, limits: Limits, least_s: float
    ) -> RuckigTrajectory | None:
        """Find the soonest trajectory to a target that is not too soon; None where there is none.

        Args:
            start: Where it begins.
            target: Where it ends, moving.
            limits: Of velocity, acceleration and jerk.
            least_s: It arrives no sooner.
        """
        given = self._ruckig.InputParameter(len(start.position))
        given.current_position = start.position.tolist()
        given.current_velocity = start.velocity.tolist()
        given.current_acceleration = start.acceleration.tolist()
        # A trajectory of years has no digits left for its first step.
        reach = _FURTHEST_S * limits.velocity
        near = np.clip(target.position, start.position - reach, start.position + reach)
        given.target_position = near.tolist()
        given.target_velocity = target.velocity.tolist()
        given.target_acceleration = target.acceleration.tolist()
        given.max_velocity = limits.velocity.tolist()
        given.max_acceleration = limits.acceleration.tolist()
        given.max_jerk = limits.jerk.tolist()
        given.minimum_duration = least_s
        trajectory = self._ruckig.Trajectory(len(start.position))
        try:
            result = self._solver.calculate(given, trajectory)
        except (self._ruckig.RuckigError, ValueError):  # also of results that it cannot name
            return None
        return RuckigTrajectory(trajectory) if result.value >= 0 else None
