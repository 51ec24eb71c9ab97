"""A robot as its drivers see it: a controller in cycles, and joints that lag behind it.

In virtual time. What a perfect robot hides shows here: the command itself, cycle by cycle.
"""

from collections import deque
from collections.abc import Sequence
from typing import Any

import numpy as np

from helpers.cyclic_controller import VARIANTS, CyclicController, Variant
from neuracore_ros.arrays import FloatArray

SECOND_NS = 1_000_000_000


class LaggingRobot:
    """J joints that follow the commands of their controller with a first-order lag.

    Attributes:
        period_ns: From one cycle to the next.
        now_ns: Time of the newest cycle.
        positions: Measured, shape (J,) [rad].
        velocities: Measured, shape (J,) [rad/s].
        frozen: Whether the joints stay where they are whatever is commanded, as in an emergency
            stop.
        times_ns: Of all cycles.
        commands: What the controller commanded in each cycle, shape (J,) [rad].
        path: Where the joints were then, shape (J,) [rad].
    """

    def __init__(
        self,
        joint_names: Sequence[str],
        positions: FloatArray,
        now_ns: int = 0,
        *,
        variant: Variant = VARIANTS['measured'],
        update_hz: float = 500.0,
        lag_s: float = 0.04,
        delay_s: tuple[float, float] = (0.0003, 0.002),
        seed: int = 0,
    ) -> None:
        """Rest.

        Args:
            joint_names: Of the J joints.
            positions: Where they are, shape (J,) [rad].
            now_ns: The time.
            variant: Of the controller.
            update_hz: The controller's cycles in a second.
            lag_s: Time constant of the joints; 0: they are where they are told to be.
            delay_s: Shortest and longest time that a message takes to the controller.
            seed: Of the delays.
        """
        self.period_ns = round(SECOND_NS / update_hz)
        self.now_ns = now_ns
        self.positions = np.array(positions, dtype=float)
        self.velocities = np.zeros_like(self.positions)
        self.frozen = False
        self.controller = CyclicController(joint_names, self.positions, variant, self.period_ns)
        self.times_ns = [now_ns]
        self.commands = [self.positions.copy()]
        self.path = [self.positions.copy()]
        self._nearing = 1.0 - np.exp(-self.period_ns / 1e9 / lag_s) if lag_s > 0.0 else 1.0
        self._delay_s = delay_s
        self._random = np.random.default_rng(seed)
        self._under_way: deque[tuple[int, Any]] = deque()

    def send(self, message: Any, now_ns: int) -> None:
        """Put a JointTrajectory on its way; what is sent later never arrives sooner."""
        due_ns = now_ns + round(self._random.uniform(*self._delay_s) * SECOND_NS)
        if self._under_way:
            due_ns = max(due_ns, self._under_way[-1][0])
        self._under_way.append((due_ns, message))

    def step(self) -> str | None:
        """One cycle.

        Returns:
            Why the controller rejected a message that came since the last one; or None.
        """
        self.now_ns += self.period_ns
        rejected = None
        while self._under_way and self._under_way[0][0] <= self.now_ns:
            due_ns, message = self._under_way.popleft()
            rejected = self.controller.receive(message, due_ns) or rejected
        command = self.controller.update(self.now_ns, self.positions, self.velocities)
        self.times_ns.append(self.now_ns)
        self.commands.append(command)
        self.path.append(self.positions.copy())
        moved = np.zeros_like(command)
        if not self.frozen:
            moved = self._nearing * (command - self.positions)
        self.positions = self.positions + moved
        self.velocities = moved * SECOND_NS / self.period_ns
        return rejected

    def command_speeds(self) -> FloatArray:
        """Speeds [rad/s] of the command from cycle to cycle, shape (cycles, J)."""
        return np.diff(self.commands, axis=0) * SECOND_NS / self.period_ns

    def command_jumps(self) -> FloatArray:
        """Changes of the commanded speed [rad/s] from one cycle to the next, shape (cycles, J).

        This is what a position interface shows to a drive. Before the first cycle it rests.
        """
        return np.abs(np.diff(self.command_speeds(), axis=0, prepend=0.0))

    def worst_jump(self, since_ns: int | None = None, until_ns: int | None = None) -> float:
        """The largest of the `command_jumps` [rad/s] of all joints, between two times."""
        times_ns = np.array(self.times_ns[1:])
        since_ns = times_ns[0] if since_ns is None else since_ns
        until_ns = times_ns[-1] if until_ns is None else until_ns
        within = (times_ns >= since_ns) & (times_ns <= until_ns)
        return float(self.command_jumps()[within].max(initial=0.0))
