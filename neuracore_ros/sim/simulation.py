"""A simulated robot step by step: its images, and the commands of its expert.

The ROS node, a recording without ROS and a policy in lockstep all advance this, so that they see
the same robot. The interfaces of robots and experts, and random pushes, stand here, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from neuracore_ros.arrays import ByteArray, FloatArray

STEP_NS = 10_000_000
STEPS_HZ = 10**9 // STEP_NS
EXPERT_STEPS = 5
# A command sent before a reset, but received after it, must not move the arm.
IGNORED_AFTER_RESET_NS = 50_000_000
_PUSHES_LAST_S = 0.3


@dataclass(frozen=True, slots=True)
class Target:
    """A command of an expert: joints of one controller, to be there after ``ahead_s``.

    Attributes:
        topic: The controller's.
        joint_names: In its order; J of them.
        positions: Shape (J,) [rad] or [m].
        ahead_s: How long the way there takes [s].
    """

    topic: str
    joint_names: tuple[str, ...]
    positions: FloatArray
    ahead_s: float


class Expert(Protocol):
    """A scripted expert at one trial: a feedback law that sees more than the cameras do."""

    def targets(self, period_s: float) -> list[Target]:
        """The commands of now; ``period_s`` is the time since the last call [s]."""


class SimulatedRobot(Protocol):
    """One robot, its cameras, its controllers and its trial.

    Attributes:
        controllers: Command topic -> the joints that it moves.
        cameras: Names.
        image_rate_hz: Of each camera.
        disturbance: Random pushes to the joints, std [rad/s].
        published: Names in ``joint_states``, in the order in which its drivers publish them.
    """

    controllers: Mapping[str, Sequence[str]]
    cameras: Sequence[str]
    image_rate_hz: int
    disturbance: float
    published: Sequence[str]

    def reset(self, seed: int) -> None:
        """Begin the trial of that seed, at rest, with nothing to do."""

    def measure(self) -> tuple[FloatArray, FloatArray]:
        """Positions and velocities of the ``published`` names, each of shape (N,)."""

    def accept(self, topic: str, message: Any, now_ns: int) -> str | None:
        """Give a JointTrajectory to a controller; returns why it is rejected, or None."""

    def opening(self) -> list[Target]:
        """The commands with which a person makes the robot ready for a trial: a hand opens."""

    def step(self, now_ns: int, period_s: float) -> None:
        """Let ``period_s`` pass, up to ``now_ns``."""

    def draw(self, name: str) -> ByteArray:
        """The image of a camera, RGB, shape (height, width, 3)."""

    def goal(self) -> FloatArray:
        """The position of the ball or the cube of the trial, shape (3,) [m]."""

    def distance(self) -> float:
        """The distance that is left until the task is done [m]."""

    def tolerance(self) -> float:
        """The distance up to which it is done [m]."""


class Simulation:
    """One robot, from trial to trial.

    Args:
        robot: The robot.
        make_expert: Gives an expert for the trial that the robot is in.
        seed: Seed of the first trial.
        now_ns: Time on the robot's clock.
    """

    def __init__(
        self, robot: SimulatedRobot, make_expert: Callable[[], Expert], seed: int, now_ns: int
    ) -> None:
        self.robot = robot
        self.now_ns = now_ns
        self._make_expert = make_expert
        self._expert: Expert | None = None
        self._step = 0
        self.reset(seed)

    def reset(self, seed: int) -> None:
        """Begin the trial of that seed."""
        self.seed = seed
        self.robot.reset(seed)
        self._ignored_until_ns = self.now_ns + IGNORED_AFTER_RESET_NS
        if self._expert is not None:
            self._expert = self._make_expert()

    def switch_expert(self, on: bool) -> None:
        """Let the scripted expert command, or not."""
        self._expert = self._make_expert() if on else None

    @property
    def ignores_commands(self) -> bool:
        """True while commands may still be of the trial before."""
        return self.now_ns < self._ignored_until_ns

    def advance(self, now_ns: int) -> None:
        """Let the robot move up to ``now_ns``: the next step."""
        period_s = max(now_ns - self.now_ns, 1) / 1e9
        self._step += 1
        self.now_ns = now_ns
        self.robot.step(now_ns, period_s)

    def targets(self) -> list[Target]:
        """The commands of the expert at this step."""
        if self._expert is None or self._step % EXPERT_STEPS:
            return []
        return self._expert.targets(EXPERT_STEPS * STEP_NS / 1e9)

    def cameras_due(self) -> Iterator[str]:
        """The cameras that have an image at this step."""
        # Real cameras do not fire together, and one image a step keeps the steps even.
        for lag, name in enumerate(self.robot.cameras):
            if self.is_frame(lag):
                yield name

    def is_frame(self, lag: int = 0) -> bool:
        """True if the first camera had an image so many steps ago."""
        rate_hz, step = self.robot.image_rate_hz, self._step - lag
        return step * rate_hz // STEPS_HZ != (step - 1) * rate_hz // STEPS_HZ


class Disturbances:
    """Random offsets of n joints from their path: a random speed, summed up over time.

    They act as noise in the executed action would (DART, Laskey et al. 2017), while the recorded
    command stays what the expert meant: so the recording shows how to come back.

    Attributes:
        offset: How far the joints are off their trajectory, shape (n,) [rad].
    """

    def __init__(self, count: int, seed: int) -> None:
        self._random = np.random.default_rng([seed, 1])
        self._speed = np.zeros(count)
        self.offset = np.zeros(count)
        self._has_begun = False

    def restart(self) -> None:
        """Begin at zero, as a new trajectory starts where the arm was pushed to."""
        self.offset = np.zeros_like(self.offset)
        self._has_begun = True

    def step(self, std: float, period_s: float) -> FloatArray:
        """Let time pass, with pushes of that standard deviation [rad/s].

        Returns:
            How far the joints are off their trajectory by now, shape (n,) [rad]; zero before the
            first trajectory, and without pushes.
        """
        if std <= 0.0 or not self._has_begun:
            return np.zeros_like(self.offset)
        keep = np.exp(-period_s / _PUSHES_LAST_S)
        noise = self._random.standard_normal(len(self._speed)) * np.sqrt(1.0 - keep**2)
        self._speed = keep * self._speed + noise
        offset: FloatArray = self.offset + std * period_s * self._speed
        self.offset = offset
        return offset
