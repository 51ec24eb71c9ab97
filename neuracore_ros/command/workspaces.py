"""Workspaces of hands: which of two ways to brake leaves them less."""

from __future__ import annotations

import math

from neuracore_ros.command.braking import LONGEST_CATCH_UP_S
from neuracore_ros.command.joints import Joints, Limits
from neuracore_ros.command.path_braking import brake_along
from neuracore_ros.command.spline import Spline

_SAMPLED_S = 0.02
_MOST_SAMPLES = 50

BEYOND_M = 0.005
"""So far a hand may be led beyond [m]: cubics between setpoints leave the plan by as much."""

GAINED_M = 0.001
"""What gains less is no reason to brake, or to move, otherwise."""

SLOWER = (1.0, 0.6, 0.35, 0.2, 0.1)
"""Shares of the speed at which a plan is tried."""


class Workspaces:
    """Bounds of the hands whose poses a policy gives, for a robot of J joints."""

    def __init__(self, joints: Joints) -> None:
        """Take the chains that have a workspace."""
        self._chains = tuple(chain for chain in joints.chains if chain.output.chain.workspace)

    def beyond(self, motion: Spline) -> float:
        """Measure how far a motion of all joints leads a hand out of its workspace [m]."""
        if not self._chains:
            return 0.0
        samples = min(math.ceil(float(motion.times_s[-1]) / _SAMPLED_S), _MOST_SAMPLES) + 1
        positions = motion.sampled(samples)
        return max(
            float(chain.beyond(positions[:, chain.columns]).max()) for chain in self._chains
        )

    def kept(self, stop: Spline, path: Spline, limits: Limits) -> Spline:
        """Brake along what is executed, where a stop would leave a workspace further than that.

        Args:
            stop: Straight in joints, from where the path is when it begins.
            path: What is executed.
            limits: Of the joints.
        """
        away = self.beyond(stop)
        if not away > BEYOND_M:
            return stop
        along = brake_along(
            path, stop.start_ns, float(stop.times_s[-1]), limits, LONGEST_CATCH_UP_S
        )
        if along is None or not self.beyond(along) < away - GAINED_M:
            return stop
        return along
