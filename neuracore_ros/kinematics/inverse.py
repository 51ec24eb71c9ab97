"""Inverse kinematics: a chunk of poses becomes joints, step by step, within limits and speeds."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from neuracore_ros.arrays import FloatArray
from neuracore_ros.description.chain import Chain
from neuracore_ros.errors import UnreachableError
from neuracore_ros.kinematics.chain import ChainKinematics
from neuracore_ros.kinematics.obstacle import StepBounds, obstacle
from neuracore_ros.kinematics.pose_solver import Goal, PoseSolver, is_reached
from neuracore_ros.kinematics.rotations import NORM_TOLERANCE, quaternion_to_matrix
from neuracore_ros.wording import number_list

# Cost of what a joint moves in a second at its largest speed. At a singularity it keeps joints
# from running far to gain a millimetre; elsewhere it costs some thousandths of a millimetre.
_STAY = 0.04
# Between these [rad/s], [m/s] it counts: no joint is free, or frozen, by a limit that is odd.
_SPEEDS = (1e-3, 6.0)
# Where they may choose, joints go to where they rest in half a second, at a fifth of their speed.
_REST_PER_S = 2.0
_REST_SHARE = 0.2
# Joints without a home stay that share of their range away from both ends.
_MARGIN = 0.125
# Joints that find no way at all move by less [rad], [m], which is what they drift.
_STUCK = 0.05
# Beyond all robots, and small enough to be squared.
_LARGEST = 1e6
_LEAST_ERROR = 1e-5


HASTE = 2.0
"""A path that asks a joint for up to so many times its speed limit is a path for a faster arm: who
executes it takes longer. What asks for more changes the posture, as beside a singularity."""


class InverseKinematics:
    """Joints of a chain that bring its grasp frame along poses, one each ``step_s``.

    Each step starts at the one before and takes the closest joints that reach the pose, within
    position limits and speeds, so that no posture changes at once. Where joints may choose, those
    that have a ``home`` drift there, and others away from their limits. Equal arguments give
    equal joints.

    Not for two threads at once.

    Args:
        chain: The chain, of n joints.
        lower: Least positions (n,) [rad] or [m]; -inf where there is none.
        upper: Largest positions, likewise.
        velocity: Speed limits (n,) [rad/s] or [m/s], of which `HASTE` is taken; inf where there
            is none.
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
        low, high, speed = (np.asarray(each, dtype=float) for each in (lower, upper, velocity))
        self._lower, self._upper, self._reach = low, high, HASTE * speed * step_s
        self._solver = PoseSolver(
            self.kinematics.arm,
            max(chain.max_error_m, _LEAST_ERROR),
            max(chain.max_error_rad, _LEAST_ERROR),
            _STAY / np.clip(speed, *_SPEEDS) ** 2,
        )
        with np.errstate(invalid='ignore'):
            margin = np.nan_to_num(_MARGIN * (high - low), posinf=0.0)
        home = np.array([chain.home.get(joint, math.nan) for joint in chain.joints])
        has_home = np.isfinite(home)
        self._rest_low = np.where(has_home, home, low + margin)
        self._rest_high = np.where(has_home, home, high - margin)
        self._endless = np.isinf(low) & np.isinf(high) & ~self.kinematics.slides & has_home
        self._most_rest = _REST_SHARE / HASTE * self._reach
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
            UnreachableError: The start or a pose is not finite, a quaternion none, or no joints
                reach a pose as closely as the chain demands, within the limits and in time.
        """
        targets = self._targets(poses)
        now = np.array(start, dtype=float)
        if not np.isfinite(now).all():
            raise UnreachableError(
                f"'{self._chain.name}' starts from no joints: {number_list(now)}"
            )
        before = now
        joints = np.empty((len(targets), len(now)))
        for step, target in enumerate(targets):
            reach = self._reach
            if step == 0 and first_step is not None:
                reach = np.asarray(first_step, dtype=float)
            # A joint beyond a limit, as it was found, goes no further.
            low = np.minimum(np.maximum(self._lower, now - reach), now)
            high = np.maximum(np.minimum(self._upper, now + reach), now)
            # Joints mostly go on as they went.
            guess = now + (now - before)
            found, error = self._solver.approach(target, now, guess, self._rather(now), low, high)
            if not is_reached(error) and np.abs(found - now).max() < _STUCK:
                bent = self._solver.bent(now, low, high)
                found, error = self._solver.approach(
                    target, now, bent, self._rather(now), low, high
                )
            if not is_reached(error):
                raise self._unreachable(step, target, now, reach)
            joints[step] = found
            before, now = now, found
        return joints

    def nearest(self, pose: ArrayLike, start: ArrayLike) -> FloatArray:
        """Joint positions (n,) [rad] or [m] that come closest to a pose (7,), to be looked at.

        They may be far from the pose, and from the start (n,).

        Raises:
            UnreachableError: The pose is not finite, or its quaternion none.
        """
        (target,) = self._targets(pose)
        now = np.array(start, dtype=float)
        low, high = np.minimum(self._lower, now), np.maximum(self._upper, now)
        return self._solver.approach(target, now, now, self._rather(now), low, high)[0]

    def outside(self, joints: ArrayLike) -> FloatArray:
        """Distances (N,) of the grasp frame from its workspace at joints (N, n) [m]; 0 inside."""
        xyz = self.kinematics.poses(joints)[:, :3]
        inside = np.minimum(np.maximum(xyz, self._workspace[0]), self._workspace[1])
        return np.asarray(np.linalg.norm(xyz - inside, axis=1))

    def _targets(self, poses: ArrayLike) -> list[Goal]:
        values = np.asarray(poses, dtype=float).reshape(-1, 7)
        what = f"'{self._chain.name}' cannot reach what is no pose"
        for step in np.flatnonzero(~(np.abs(values) <= _LARGEST).all(axis=1)).tolist():
            raise UnreachableError(f'{what} (step {step}): {number_list(values[step])}')
        lengths = np.linalg.norm(values[:, 3:], axis=1)
        for step in np.flatnonzero(np.abs(lengths - 1.0) > NORM_TOLERANCE).tolist():
            raise UnreachableError(
                f'{what} (step {step}): its quaternion {number_list(values[step, 3:])} has length '
                f'{lengths[step]:.3g}, not 1'
            )
        xyz = np.minimum(np.maximum(values[:, :3], self._workspace[0]), self._workspace[1])
        self.clamped = int((xyz != values[:, :3]).any(axis=1).sum())
        rotations = quaternion_to_matrix(values[:, 3:] / lengths[:, None])
        return [Goal(*each) for each in zip(xyz, rotations, strict=True)]

    def _rather(self, now: FloatArray) -> FloatArray:
        """Where joints would rather be after a step (n,)."""
        way = np.minimum(np.maximum(now, self._rest_low), self._rest_high) - now
        if self._endless.any():
            # The nearest of a home's equal positions.
            way = np.where(self._endless, (way + math.pi) % math.tau - math.pi, way)
        way = way * (_REST_PER_S * self._step_s)
        most = self._most_rest
        return now + np.minimum(np.maximum(way, -most), most)

    def _unreachable(
        self, step: int, target: Goal, now: FloatArray, reach: FloatArray
    ) -> UnreachableError:
        x, y, z = (round(value, 3) + 0.0 for value in target.xyz.tolist())
        bounds = StepBounds(
            self._lower,
            self._upper,
            reach,
            HASTE * self._step_s,
            self._step_s,
            reach is not self._reach,
        )
        reason = obstacle(self._solver, self.kinematics, target, now, bounds)
        return UnreachableError(
            f"'{self._chain.name}' cannot reach x {x:g} y {y:g} z {z:g} (step {step}){reason}"
        )
