"""Interfaces of simulated robots and of their experts, for topics, recordings and lockstep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from neuracore_ros.arrays import ByteArray, FloatArray


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
