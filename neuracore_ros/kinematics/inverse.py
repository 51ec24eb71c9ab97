"""Inverse kinematics: a chunk of poses becomes joints, step by step, within limits and speeds."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from neuracore_ros.arrays import BoolArray, FloatArray
from neuracore_ros.description.chain import Chain
from neuracore_ros.errors import UnreachableError
from neuracore_ros.kinematics.bounded_step import bounded_step
from neuracore_ros.kinematics.chain import ChainKinematics
from neuracore_ros.kinematics.rotations import quaternion_to_matrix

# Errors are in units of what is allowed, so that 1 is just about reached. Solved is a thousandth
# of it: 0.01 mm by default.
_SOLVED = 1e-3
# Cost of a joint that leaves its preferred place by 1 rad or 1 m: at a singularity it keeps joints
# from running far to gain a millimetre; elsewhere it costs some thousandths of a millimetre.
_STAY = 1e-2
_MOST_ITERATIONS = 30
# A way home within its null space takes some seconds, at a tenth of the speed that joints have.
_HOMEWARD_PER_S = 1.0
_HOMEWARD_SHARE = 0.1
_NORM_TOLERANCE = 0.01
# Beyond all robots, and small enough to be squared.
_LARGEST = 1e6


class _Target(NamedTuple):
    """Position (3,) [m] and rotation matrix (3, 3) of the grasp frame."""

    xyz: FloatArray
    rotation: FloatArray


class InverseKinematics:
    """Joints of a chain that bring its grasp frame along poses, one each ``step_s``.

    Each step starts at the one before, and takes the nearest joints that reach the pose (damped
    least squares after Levenberg and Marquardt, with bounds). An error of position and one of
    rotation weigh as much as the chain allows of each. Where joints may choose, those that have a
    ``home`` drift towards it, and others stay. Equal poses give equal joints.

    Not for two threads at once.

    Args:
        chain: The chain, of n joints.
        lower: Least positions (n,) [rad] or [m]; -inf where there is none.
        upper: Largest positions, likewise.
        velocity: Fastest joint speeds (n,) [rad/s] or [m/s]; inf where there is no limit.
        step_s: Time between two poses.

    Attributes:
        kinematics: Forward kinematics of the chain.
        clamped: How many of the last poses lay outside of the chain's workspace.

    Raises:
        DescriptionError: The chain's URDF cannot be used, or pinocchio is not installed.
    """

    def __init__(
        self, chain: Chain, lower: ArrayLike, upper: ArrayLike, velocity: ArrayLike, step_s: float
    ) -> None:
        self.kinematics = ChainKinematics(chain)
        self.clamped = 0
        self._chain, self._step_s = chain, step_s
        self._lower, self._upper = (np.asarray(each, dtype=float) for each in (lower, upper))
        self._reach = np.asarray(velocity, dtype=float) * step_s
        weights = 1.0 / chain.max_error_m, 1.0 / chain.max_error_rad
        self._weights = np.repeat(weights, 3)
        self._home = np.array([chain.home.get(joint, math.nan) for joint in chain.joints])
        endless = np.isinf(self._lower) & np.isinf(self._upper)
        self._turns = endless & ~self.kinematics.slides
        bounds = [chain.workspace.get(axis, (-math.inf, math.inf)) for axis in ('x', 'y', 'z')]
        self._workspace = np.array(bounds).T

    def follow(
        self, poses: ArrayLike, start: ArrayLike, first_step: ArrayLike | None = None
    ) -> FloatArray:
        """Joint positions (N, n) [rad] or [m] that follow poses (N, 7).

        Args:
            poses: x y z [m], qx qy qz qw of the grasp frame in the shared base frame, the first
                one ``step_s`` after the start. Positions outside of the workspace are clamped.
            start: Joint positions (n,), where the motion starts.
            first_step: Largest motion of each joint in the first step (n,); None: as in others.

        Raises:
            UnreachableError: A pose is none, or no joints reach it as closely as the chain
                demands, within the limits and in the time that there is.
        """
        targets = self._targets(poses)
        now = np.array(start, dtype=float)
        before = now
        joints = np.empty((len(targets), len(now)))
        for step, target in enumerate(targets):
            reach = self._reach
            if step == 0 and first_step is not None:
                reach = np.asarray(first_step, dtype=float)
            low, high = self._bounds(now, reach)
            centre = self._preferred(now)
            # Joints mostly go on as they went.
            guess = np.minimum(np.maximum(now + (now - before), low), high)
            found, error = self._solve(target, guess, centre, low, high)
            if not self._reached(error):
                raise self._unreachable(step, target, now, reach, reach is not self._reach)
            joints[step] = found
            before, now = now, found
        return joints

    def _targets(self, poses: ArrayLike) -> list[_Target]:
        values = np.asarray(poses, dtype=float).reshape(-1, 7)
        what = f"'{self._chain.name}' cannot reach"
        for step, pose in enumerate(values):
            if not np.all(np.abs(pose) <= _LARGEST):
                raise UnreachableError(f'{what} a pose that is none (step {step}): {_list(pose)}')
        lengths = np.linalg.norm(values[:, 3:], axis=1)
        for step in np.flatnonzero(np.abs(lengths - 1.0) > _NORM_TOLERANCE).tolist():
            raise UnreachableError(
                f'{what} a pose that is none (step {step}): its quaternion '
                f'{_list(values[step, 3:])} has length {lengths[step]:.3g}, not 1'
            )
        xyz = np.clip(values[:, :3], *self._workspace)
        self.clamped = int(np.any(xyz != values[:, :3], axis=1).sum())
        rotations = quaternion_to_matrix(values[:, 3:] / lengths[:, None])
        return [_Target(*each) for each in zip(xyz, rotations, strict=True)]

    def _bounds(self, now: FloatArray, reach: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Least and largest positions after a step; a joint beyond a limit goes no further."""
        low = np.minimum(np.maximum(self._lower, now - reach), now)
        high = np.maximum(np.minimum(self._upper, now + reach), now)
        return low, high

    def _preferred(self, now: FloatArray) -> FloatArray:
        """The positions to which joints drift where they may choose."""
        way = self._home - now
        # A joint without limits goes to the nearest of its equal positions.
        way = np.where(self._turns, (way + math.pi) % math.tau - math.pi, way)
        most = _HOMEWARD_SHARE * self._reach
        way = np.minimum(np.maximum(way * (_HOMEWARD_PER_S * self._step_s), -most), most)
        preferred: FloatArray = np.where(np.isnan(way), now, now + way)
        return preferred

    def _solve(
        self,
        target: _Target,
        guess: FloatArray,
        centre: FloatArray,
        low: FloatArray,
        high: FloatArray,
    ) -> tuple[FloatArray, FloatArray]:
        """The best joints within bounds (n,), and their weighted error (6,)."""
        joints = guess
        error, jacobian = self._error(target, joints)
        away = centre - joints
        cost = error @ error + _STAY * (away @ away)
        damping = 0.0
        for _ in range(_MOST_ITERATIONS):
            matrix = jacobian.T @ jacobian
            matrix.flat[:: len(joints) + 1] += _STAY + damping
            step = bounded_step(
                matrix, error @ jacobian + _STAY * away, low - joints, high - joints
            )
            tried = joints + step
            new_error, new_jacobian = self._error(target, tried)
            away = centre - tried
            square = new_error @ new_error
            new_cost = square + _STAY * (away @ away)
            if new_cost > cost * (1.0 + 1e-9):
                away = centre - joints
                damping = max(10.0 * damping, 1e-3 * float(np.trace(matrix)))
                if np.abs(step).max() < 1e-7:
                    break
                continue
            gained = cost - new_cost
            joints, error, jacobian, cost = tried, new_error, new_jacobian, new_cost
            damping *= 0.1
            if square < _SOLVED**2 or gained < 1e-6 * cost:
                break
        return np.minimum(np.maximum(joints, low), high), error

    def _error(self, target: _Target, joints: FloatArray) -> tuple[FloatArray, FloatArray]:
        """What is missing to the target (6,), and its Jacobian (6, n), both weighted."""
        arm = self.kinematics.arm
        xyz, rotation, jacobian = arm.placed(-1, joints)
        error = np.empty(6)
        np.subtract(target.xyz, xyz, out=error[:3])
        error[3:] = arm.rotation_vector(target.rotation @ rotation.T)
        return error * self._weights, jacobian * self._weights[:, None]

    def _reached(self, error: FloatArray) -> bool:
        return bool(error[:3] @ error[:3] <= 1.0 and error[3:] @ error[3:] <= 1.0)

    def _unreachable(
        self, step: int, target: _Target, now: FloatArray, reach: FloatArray, is_first: bool
    ) -> UnreachableError:
        """The reason why a pose is not reached, found by dropping one bound after the other."""
        xyz = zip('xyz', target.xyz.tolist(), strict=True)
        where = ' '.join(f'{axis} {round(value, 3) + 0.0:g}' for axis, value in xyz)
        what = f"'{self._chain.name}' cannot reach {where} (step {step})"
        anywhere = np.full(len(now), math.inf)
        found, error = self._solve(target, now, now, *self._bounds(now, anywhere))
        if self._reached(error):
            return UnreachableError(
                f'{what} in time: {self._too_fast(np.abs(found - now), reach, is_first)}'
            )
        short = self._short(error)
        free, free_error = self._solve(target, now, now, -anywhere, anywhere)
        if self._reached(free_error):
            beyond = (free < self._lower - 1e-6) | (free > self._upper + 1e-6)
            return UnreachableError(f'{what}: {short} short: {self._limits(beyond, free)}')
        if free_error[:3] @ free_error[:3] > 1.0:
            return UnreachableError(f'{what}: {short} short: beyond its reach')
        return UnreachableError(f'{what}: {short} short: not in this orientation')

    def _too_fast(self, motion: FloatArray, reach: FloatArray, is_first: bool) -> str:
        joint = int((motion / np.maximum(reach, 1e-9)).argmax())
        name, unit = self._chain.joints[joint], 'm' if self.kinematics.slides[joint] else 'rad'
        moved, most = motion[joint], reach[joint]
        if is_first:
            return f"joint '{name}' would jump by {moved:.3g} {unit}, at most {most:.3g} {unit}"
        moved, most = moved / self._step_s, most / self._step_s
        return (
            f"joint '{name}' would move at {moved:.3g} {unit}/s, its limit is {most:.3g} {unit}/s"
        )

    def _limits(self, beyond: BoolArray, free: FloatArray) -> str:
        texts = []
        for joint in np.flatnonzero(beyond):
            limit = self._lower if free[joint] < self._lower[joint] else self._upper
            texts.append(f"'{self._chain.joints[joint]}' ends at {limit[joint]:.3g}")
        return 'joint ' + ', '.join(texts)

    def _short(self, error: FloatArray) -> str:
        """Distances in cm and degrees of a weighted error (6,)."""
        error = error / self._weights
        apart = f'{100.0 * np.linalg.norm(error[:3]):.1f} cm'
        angle = math.degrees(float(np.linalg.norm(error[3:])))
        return f'{apart} and {angle:.0f} degrees'


def _list(values: FloatArray) -> str:
    return f'[{", ".join(f"{value:.4g}" for value in values)}]'
