"""The task: bring the tool to a ball that only the cameras see; and an expert that can.

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
STILL = 0.05
"""Success: every joint is at most so fast [rad/s]."""
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


def tolerance(kinematics: ArmKinematics) -> float:
    """How far from the target the tool may be [m]."""
    return TOLERANCE * kinematics.arm.reach


def succeeded(
    kinematics: ArmKinematics, target: FloatArray, positions: FloatArray, velocities: FloatArray
) -> bool:
    """Whether the tool is at the target (3,) [m], and still.

    Args:
        kinematics: The arm, n joints.
        target: The ball's centre, shape (3,) [m].
        positions: Shape (n,) [rad].
        velocities: Shape (n,) [rad/s].
    """
    distance = float(np.linalg.norm(kinematics.tool(positions) - target))
    return distance <= tolerance(kinematics) and bool(np.all(np.abs(velocities) <= STILL))


def solve_posture(kinematics: ArmKinematics, target: FloatArray) -> FloatArray:
    """The posture (n,) [rad] that holds the tool at ``target`` (3,) [m], pointing down.

    Damped least squares from home, whatever the arm's posture now: one target has one posture,
    which is what makes the expert learnable from images. Pointing down and staying near home
    are preferences, and yield to the position.
    """
    reach, count = kinematics.arm.reach, len(kinematics.home)
    positions: FloatArray = kinematics.home.copy()
    upright, nearness = 0.3, 0.03
    for _ in range(60):
        tool = kinematics.frames(positions)[-1]
        jacobian = kinematics.jacobian(positions)
        approach = tool[:3, 2]
        residual = np.concatenate(
            [
                (target - tool[:3, 3]) / reach,
                upright * np.cross(approach, [0.0, 0.0, -1.0]),
                nearness * (kinematics.home - positions),
            ]
        )
        slope = np.vstack([jacobian[:3] / reach, upright * jacobian[3:], nearness * np.eye(count)])
        step = np.linalg.solve(slope.T @ slope + 1e-4 * np.eye(count), slope.T @ residual)
        positions = _within(kinematics, positions + np.clip(step, -0.2, 0.2))
    for _ in range(20):
        jacobian = kinematics.jacobian(positions)[:3]
        error = target - kinematics.tool(positions)
        damped = jacobian @ jacobian.T + 1e-6 * reach**2 * np.eye(3)
        positions = _within(kinematics, positions + jacobian.T @ np.linalg.solve(damped, error))
    return positions


def _within(kinematics: ArmKinematics, positions: FloatArray) -> FloatArray:
    """Positions kept 0.02 rad inside the limits."""
    bounded: FloatArray = np.clip(positions, kinematics.lower + 0.02, kinematics.upper - 0.02)
    return bounded


class Expert:
    """Moves joint by joint towards the posture of the target; n joints.

    A feedback law: what it asks for depends on where the arm is now, so that it corrects
    whatever pushes the arm aside. Speeds up at once, slows down with the distance left;
    a target is reached in about two seconds.
    """

    GAIN = 3.0
    CRUISE = 0.6
    RAMP_S = 0.3

    def __init__(self, kinematics: ArmKinematics, target: FloatArray) -> None:
        self.goal = solve_posture(kinematics, target)
        self._limit = self.CRUISE * kinematics.velocity
        self._velocity = np.zeros(len(self.goal))

    def ahead(self, positions: FloatArray, period_s: float, ahead_s: float) -> FloatArray:
        """Where the arm should be ``ahead_s`` from now, shape (n,) [rad].

        Args:
            positions: Measured, shape (n,) [rad].
            period_s: Time since the last call [s].
            ahead_s: How far ahead to look [s].
        """
        wanted = self.GAIN * (self.goal - positions)
        wanted /= max(1.0, float(np.max(np.abs(wanted) / self._limit)))
        change = wanted - self._velocity
        most = float(np.max(np.abs(change) / self._limit)) * self.RAMP_S
        self._velocity = self._velocity + change * min(1.0, period_s / max(most, 1e-9))
        ahead: FloatArray = positions + ahead_s * self._velocity
        return ahead
