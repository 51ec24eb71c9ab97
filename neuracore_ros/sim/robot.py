"""A simulated robot without ROS: joints that follow a controller, and a trial to solve."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from neuracore_ros.arrays import ByteArray, FloatArray
from neuracore_ros.sim import camera
from neuracore_ros.sim.arms import ArmKinematics, ReachArm
from neuracore_ros.sim.controller import TrajectoryController
from neuracore_ros.sim.reaching import TOLERANCE, ReachTrial, draw_trial
from neuracore_ros.sim.simulation import Disturbances, Target

COMMAND_TOPIC = 'arm_controller/joint_trajectory'


class ReachRobot:
    """One arm, its controller and its trial; n joints. A `SimulatedRobot`.

    Attributes:
        kinematics: The arm.
        trial: Start and target of this trial.
        positions: Measured, shape (n,) [rad].
        velocities: Measured, shape (n,) [rad/s].
        disturbance: Standard deviation of random pushes [rad/s], as of `Disturbances`.
    """

    cameras: Sequence[str] = camera.NAMES
    image_rate_hz = 30

    def __init__(self, arm: ReachArm, seed: int = 0) -> None:
        self.kinematics = ArmKinematics(arm)
        self._cameras = camera.ReachCameras(self.kinematics)
        self.disturbance = 0.0
        self.controllers: Mapping[str, Sequence[str]] = {COMMAND_TOPIC: arm.joint_names}
        names = list(dict.fromkeys([*arm.joint_names, *arm.passengers]))
        # Drivers publish joints in an order of their own; this one is shuffled, but fixed.
        self._order = np.random.default_rng(len(arm.name)).permutation(len(names))
        self.published: Sequence[str] = [names[i] for i in self._order]
        self._passengers = np.array(list(arm.passengers.values()))
        self.reset(seed)

    def reset(self, seed: int) -> None:
        """Put the arm at the start of the trial of that seed, at rest, with nothing to do."""
        self.trial: ReachTrial = draw_trial(self.kinematics, seed)
        self.positions = self.trial.start.copy()
        self.velocities = np.zeros_like(self.positions)
        self._controller = TrajectoryController(self.kinematics.arm.joint_names, self.positions)
        self._pushes = Disturbances(len(self.positions), seed)
        self._cameras.set_target(self.trial.target)

    def measure(self) -> tuple[FloatArray, FloatArray]:
        """Positions and velocities of the ``published`` names."""
        positions = np.concatenate([self.positions, self._passengers])
        velocities = np.concatenate([self.velocities, np.zeros_like(self._passengers)])
        return positions[self._order], velocities[self._order]

    def accept(self, topic: str, message: Any, now_ns: int) -> str | None:
        """Give a JointTrajectory to the controller; returns why it is rejected, or None."""
        reason = self._controller.accept(message, now_ns, self.positions, self.velocities)
        if reason is None:
            self._pushes.restart()
        return reason

    def opening(self) -> list[Target]:
        """None: there is no hand."""
        return []

    def step(self, now_ns: int, period_s: float) -> None:
        """Move the joints to ``now_ns``, no faster than their limits, within their range."""
        limits = self.kinematics
        pushed = self._pushes.step(self.disturbance, period_s)
        reference = self._controller.reference(now_ns) + pushed
        most = limits.velocity * period_s
        change = np.clip(reference - self.positions, -most, most)
        positions = np.clip(self.positions + change, limits.lower, limits.upper)
        self.velocities = (positions - self.positions) / period_s
        self.positions = positions

    def draw(self, name: str) -> ByteArray:
        """The image of a camera, RGB, shape (120, 160, 3)."""
        return self._cameras.draw(name, self.positions)

    def goal(self) -> FloatArray:
        """The position of the ball, shape (3,) [m]."""
        return self.trial.target

    def distance(self) -> float:
        """The distance from the tool to the target [m]."""
        away = self.kinematics.tool(self.positions) - self.trial.target
        return float(np.linalg.norm(away))

    def tolerance(self) -> float:
        """The largest distance from the target that counts as reached [m]."""
        return TOLERANCE * self.kinematics.arm.reach
