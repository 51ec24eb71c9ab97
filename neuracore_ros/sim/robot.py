"""A simulated robot without ROS: joints that follow a controller, and a trial to solve."""

from typing import Any

import numpy as np

from neuracore_ros.sim.arms import Arm, Array, Kinematics
from neuracore_ros.sim.controller import TrajectoryController
from neuracore_ros.sim.reaching import Trial, draw_trial, succeeded

CORRELATION_S = 0.3


class SimulatedRobot:
    """One arm, its controller and its trial; n joints.

    Attributes:
        kinematics: The arm.
        trial: Start and target of this trial.
        positions: Measured, shape (n,) [rad].
        velocities: Measured, shape (n,) [rad/s].
        disturbance: Standard deviation of random pushes [rad/s]. They move the arm off the
            commanded path, as noise in the executed action would, while the recorded command
            stays what the expert meant. Near the target they show how to come back to it.
    """

    def __init__(self, arm: Arm, seed: int = 0) -> None:
        self.kinematics = Kinematics(arm)
        self.disturbance = 0.0
        self.reset(seed)

    def reset(self, seed: int) -> None:
        """Put the arm at the start of the trial of that seed, at rest, with nothing to do."""
        self.trial: Trial = draw_trial(self.kinematics, seed)
        self.positions = self.trial.start.copy()
        self.velocities = np.zeros_like(self.positions)
        self._controller = TrajectoryController(self.kinematics.arm.joint_names, self.positions)
        self._random = np.random.default_rng([seed, 1])
        self._push = np.zeros_like(self.positions)
        self._pushed = np.zeros_like(self.positions)
        self._moved = False

    def accept(self, message: Any, now_ns: int) -> str | None:
        """Give a JointTrajectory to the controller; returns why it is rejected, or None."""
        reason = self._controller.accept(message, now_ns, self.positions, self.velocities)
        if reason is None:
            # The new trajectory starts where the arm was pushed to.
            self._pushed[:] = 0.0
            self._moved = True
        return reason

    def step(self, now_ns: int, period_s: float) -> None:
        """Move the joints to ``now_ns``, no faster than their limits, within their range."""
        limits = self.kinematics
        reference = self._controller.reference(now_ns)
        if self.disturbance > 0.0 and self._moved:
            reference = reference + self._pushes(period_s)
        most = limits.velocity * period_s
        change = np.clip(reference - self.positions, -most, most)
        positions = np.clip(self.positions + change, limits.lower, limits.upper)
        self.velocities = (positions - self.positions) / period_s
        self.positions = positions

    def _pushes(self, period_s: float) -> Array:
        """How far the arm is off its trajectory by now, shape (n,) [rad]."""
        keep = np.exp(-period_s / CORRELATION_S)
        noise = self._random.standard_normal(len(self._push)) * np.sqrt(1.0 - keep**2)
        self._push = keep * self._push + noise
        pushed: Array = self._pushed + self.disturbance * period_s * self._push
        self._pushed = pushed
        return pushed

    def distance(self) -> float:
        """From the tool to the target [m]."""
        away = self.kinematics.tool(self.positions) - self.trial.target
        return float(np.linalg.norm(away))

    def succeeded(self) -> bool:
        """Whether the tool is at the target now, and still."""
        return succeeded(self.kinematics, self.trial.target, self.positions, self.velocities)
