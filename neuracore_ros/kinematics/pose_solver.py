"""One pose by damped least squares: the joints within bounds that come closest to it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from neuracore_ros.arrays import FloatArray
from neuracore_ros.kinematics.bounded_step import bounded_step
from neuracore_ros.kinematics.forward import Kinematics

# Of the allowed error: 0.01 mm by default.
_SOLVED = 1e-3
_DAMPING = 1e-3
_ANY_ROTATION = 1e3
# Of a joint of a stretched arm [rad], [m]: enough for a slope, and too little for another posture.
_BENT = 0.02


class Effort(NamedTuple):
    """Patience of a solver.

    Attributes:
        iterations: At most so many for a step.
        stalled: A step ends where an iteration gains less than this share of the cost.
        step: Largest motion of a joint in a step [rad], [m].
        steps: At most so many.
    """

    iterations: int
    stalled: float
    step: float
    steps: int


THOROUGH = Effort(30, 1e-5, 0.25, 100)
"""For joints that are executed."""
ROUGH = Effort(8, 1e-2, 0.5, 20)
"""To find out whether joints exist, in some milliseconds."""


class Goal(NamedTuple):
    """A pose: position (3,) [m] and rotation matrix (3, 3)."""

    xyz: FloatArray
    rotation: FloatArray


class PoseSolver:
    """Joints of an arm, n of which move, whose last frame comes closest to a pose.

    The errors of position and rotation are in units of what is allowed of each, so that an arm
    that cannot reach both gives way where it may.

    Args:
        arm: Its last joint is the frame that is sent to poses.
        allowed_m: Allowed error of the position; likewise ``allowed_rad`` of the rotation.
        stay: Cost of a joint that is 1 rad or 1 m away from where it would rather be (n,),
            beside errors squared. Above 0, and so small that it decides only where joints may
            choose, or would have to run far for little.
    """

    def __init__(
        self, arm: Kinematics, allowed_m: float, allowed_rad: float, stay: FloatArray
    ) -> None:
        self._arm, self._stay = arm, stay
        self._stay_matrix = np.diag(stay)
        self._weights = 1.0 / np.repeat([allowed_m, allowed_rad], 3)
        self._column = self._weights[:, None]

    def solve(
        self,
        target: Goal,
        guess: FloatArray,
        rather: FloatArray,
        low: FloatArray,
        high: FloatArray,
        effort: Effort = THOROUGH,
    ) -> tuple[FloatArray, FloatArray]:
        """Find the joints (n,), by the method of Levenberg and Marquardt.

        Args:
            target: The pose.
            guess: Where to begin (n,), within bounds.
            rather: Where joints would rather be (n,).
            low: Least positions (n,).
            high: Largest positions (n,).
            effort: Patience.

        Returns:
            The joints (n,), and what is missing to the pose (6,), in units of what is allowed.
        """
        joints, away = guess, rather - guess
        error, jacobian = self._linearised(target, joints)
        cost = error.dot(error) + away.dot(self._stay * away)
        damping = 0.0
        for _ in range(effort.iterations):
            matrix = jacobian.T.dot(jacobian) + self._stay_matrix
            if damping:
                matrix = matrix + damping * np.eye(len(joints))
            vector = error.dot(jacobian) + self._stay * away
            step = bounded_step(matrix, vector, low - joints, high - joints)
            tried = joints + step
            left, new_jacobian = self._linearised(target, tried)
            away = rather - tried
            square = left.dot(left)
            new_cost = square + away.dot(self._stay * away)
            gained = cost - new_cost
            if gained < 0.0:
                # Too far for a straight line: shorter, and steeper.
                damping = max(10.0 * damping, _DAMPING * float(matrix.trace()))
                away = rather - joints
                if -gained < effort.stalled * cost:
                    break
                continue
            joints, error, jacobian, cost = tried, left, new_jacobian, new_cost
            damping *= 0.1
            if square < _SOLVED**2 or gained < effort.stalled * cost:
                break
        # Rounding of the sums above.
        return np.minimum(np.maximum(joints, low), high), error

    def approach(
        self,
        target: Goal,
        start: FloatArray,
        guess: FloatArray,
        rather: FloatArray,
        low: FloatArray,
        high: FloatArray,
        effort: Effort = THOROUGH,
    ) -> tuple[FloatArray, FloatArray]:
        """Find the joints as ``solve`` does, from a start (n,) that may be far away.

        Small steps after each other lead to the nearest posture; least squares take straight ones,
        and a large one may end anywhere.
        """
        for _ in range(effort.steps):
            least = np.maximum(low, start - effort.step)
            most = np.minimum(high, start + effort.step)
            guess = np.minimum(np.maximum(guess, least), most)
            joints, error = self.solve(target, guess, rather, least, most, effort)
            if np.abs(joints - start).max() < effort.step * (1.0 - 1e-9):
                break
            start = guess = joints
        return joints, error

    def bent(self, joints: FloatArray, low: FloatArray, high: FloatArray) -> FloatArray:
        """A guess (n,) beside joints (n,), within bounds.

        An arm that is stretched exactly has no slope that leads back: to bend it either way is
        equally good.
        """
        up = high - joints >= joints - low
        guess: FloatArray = np.minimum(np.maximum(joints + np.where(up, _BENT, -_BENT), low), high)
        return guess

    def of_positions(self) -> PoseSolver:
        """One that allows any rotation."""
        return PoseSolver(self._arm, 1.0 / self._weights[0], _ANY_ROTATION, self._stay)

    def missing(self, error: FloatArray) -> tuple[float, float]:
        """Distance [m] and angle [rad] of an error (6,)."""
        plain = error / self._weights
        return float(np.linalg.norm(plain[:3])), float(np.linalg.norm(plain[3:]))

    def _linearised(self, target: Goal, joints: FloatArray) -> tuple[FloatArray, FloatArray]:
        """What is missing to the pose (6,), and how fast joints make it good (6, n)."""
        xyz, rotation, jacobian = self._arm.placed(-1, joints)
        error = np.empty(6)
        error[:3] = target.xyz - xyz
        error[3:] = self._arm.rotation_vector(target.rotation.dot(rotation.T))
        return error * self._weights, jacobian * self._column


def is_reached(error: FloatArray) -> bool:
    """True if an error (6,), in units of what is allowed, is within it."""
    return bool(error[:3].dot(error[:3]) <= 1.0 and error[3:].dot(error[3:]) <= 1.0)
