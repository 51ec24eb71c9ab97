"""A simulated robot in time: when which of its drivers publishes, and what its expert commands.

The ROS node, a recording without ROS and a policy in lockstep all advance this, so that they see
the same robot.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from neuracore_ros.sim.simulated import Expert, SimulatedRobot, Target

STEP_NS = 10_000_000
STEPS_HZ = 10**9 // STEP_NS
EXPERT_STEPS = 5
# A command sent before a reset, but received after it, must not move the arm.
IGNORED_AFTER_RESET_NS = 50_000_000


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
            if self._is_frame(self._step - lag):
                yield name

    @property
    def is_frame(self) -> bool:
        """True if the first camera has an image at this step."""
        return self._is_frame(self._step)

    def _is_frame(self, step: int) -> bool:
        rate_hz = self.robot.image_rate_hz
        return step * rate_hz // STEPS_HZ != (step - 1) * rate_hz // STEPS_HZ
