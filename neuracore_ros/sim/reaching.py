"""The task: bring the tool to a ball that only the cameras see.

The ball rests at one height above the table, so that one camera is enough to find it.
All lengths of the task are fractions of the arm's reach: an SO-100 plays the same game as a
Panda, only smaller.
"""

from dataclasses import dataclass

import numpy as np

from neuracore_ros.arrays import FloatArray
from neuracore_ros.sim.arms import ArmKinematics

RADIUS = (0.46, 0.72)
"""Horizontal distance of the target from the base, in reaches."""
AZIMUTH = (-0.6, 0.6)
"""Direction of the target from the base [rad]."""
HEIGHT = 0.07
"""Height of the ball's centre above the table, in reaches."""
BALL_RADIUS = 0.05
"""In reaches: 4.3 cm for a Panda."""
TOLERANCE = 0.055
"""Success: the tool is at most so far from the ball's centre, in reaches (4.7 cm, Panda)."""
START_SPREAD = 0.12
"""Trials start within so much of home, each joint [rad]."""


@dataclass(frozen=True, slots=True)
class ReachTrial:
    """One start posture (n,) [rad] and one target (3,) [m]."""

    seed: int
    start: FloatArray
    target: FloatArray


def draw_trial(kinematics: ArmKinematics, seed: int) -> ReachTrial:
    """The trial of that seed: the same on every machine."""
    random = np.random.default_rng(seed)
    reach = kinematics.arm.reach
    # The square root spreads targets evenly over the area, not over the radius.
    radius = reach * np.sqrt(random.uniform(RADIUS[0] ** 2, RADIUS[1] ** 2))
    azimuth = random.uniform(*AZIMUTH)
    target = np.array([radius * np.cos(azimuth), radius * np.sin(azimuth), reach * HEIGHT])
    spread = random.uniform(-START_SPREAD, START_SPREAD, len(kinematics.home))
    start = np.clip(kinematics.home + spread, kinematics.lower, kinematics.upper)
    return ReachTrial(seed, start, target)
