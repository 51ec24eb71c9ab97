"""Commands of a human in a takeover: read as a policy's predictions are, and checked before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from neuracore_ros.arrays import Array, FloatArray
from neuracore_ros.command.direct import DirectMotion
from neuracore_ros.command.direct_values import DirectValues
from neuracore_ros.command.joints import Joints
from neuracore_ros.description import DataType, Layout, Robot
from neuracore_ros.description.teleop import missing_teleop
from neuracore_ros.observation.observer import Observation, Observer, Unusable
from neuracore_ros.observation.streams import StreamStatus
from neuracore_ros.runner.requests import ActionChunk

ROWS = 2
"""The robot is sent where the human was one step ago, and then where the human is: so it goes on
smoothly, and never beyond the human."""

_RATES = (DataType.JOINT_VELOCITIES, DataType.JOINT_TORQUES, DataType.CUSTOM_1D)
"""What acts at once, and is no place on a path."""


class HumanCommands:
    """Streams of a human who commands a robot, and what they say at each tick.

    Attributes:
        sources: Where the human commands each output; empty without the section ``teleop``.
        missing: What lets a human take over, one line; '' where the robot file says it.
    """

    def __init__(
        self, robot: Robot, joints: Joints, direct: DirectMotion, start_max: float
    ) -> None:
        """Open the streams; nothing has been received yet.

        Args:
            robot: Its file.
            joints: What is commanded.
            direct: Outputs that are sent as they are.
            start_max: How far the human may be from the robot [rad], [m].

        Raises:
            DescriptionError: A source lacks an option.
        """
        self.sources = robot.teleop_sources()
        self.missing = '' if self.sources else missing_teleop(str(robot.path), robot.output)
        layout = Layout.holding((source.data_type, source.index) for source in self.sources)
        self._observer = Observer(self.sources, layout, None)
        self._joints, self._direct = joints, direct
        self._start_max = start_max
        self._before: Mapping[DataType, Array] | None = None

    @property
    def topics(self) -> tuple[str, ...]:
        """The topics on which the human commands."""
        return tuple(self._observer.topics)

    def receive(self, topic: str, message: Any, now_ns: int) -> None:
        """Take a message from a topic; never raises on bad data."""
        self._observer.receive(topic, message, now_ns)

    def status(self, now_ns: int) -> tuple[StreamStatus, ...]:
        """List the states of the streams."""
        return self._observer.status(now_ns)

    def cure_clock(self, text: str) -> None:
        """Say from now on what mends stamps of another time, such as a simulated one."""
        self._observer.cure_clock(text)

    def read(self, now_ns: int) -> Observation | Unusable:
        """Read what the human commands, if each output has a fresh sample."""
        return self._observer.observe(now_ns)

    def chunk(self, wanted: Observation) -> ActionChunk:
        """Return what the human commands as a prediction of `ROWS` steps; remembers it."""
        before, self._before = self._before or wanted.inputs, wanted.inputs
        return {
            kind: np.stack([values if kind in _RATES else before[kind], values])
            for kind, values in wanted.inputs.items()
        }

    def leap(self, outputs: FloatArray, direct: DirectValues, setpoint: FloatArray) -> str:
        """Say in one line how the human is too far away from a robot that follows; '' if not.

        A robot that follows a human within its limits is `ROWS` steps behind, and may have started
        ``start_max`` away. Where it is further, the human's stream has jumped, or the human is
        faster than the robot, which would go on at its limits for as long as it takes.

        Args:
            outputs: Of a chunk, (`ROWS`, J).
            direct: Likewise.
            setpoint: Where the joints are sent now, (J,).
        """
        joints, limits = self._joints, self._joints.limits
        if not joints.joints:
            return self._direct.leap(direct, self._start_max)
        before, wanted = np.clip(outputs, limits.lower, limits.upper)
        step = limits.velocity * joints.step_s
        most = self._start_max * joints.unit
        jumped = joints.distance(wanted, before) - step - most
        ahead = joints.distance(wanted, setpoint) - ROWS * step - most
        for what, excess in (('jumped', jumped), ('is faster than the robot', ahead)):
            worst = int(np.argmax(np.where(joints.grips, -np.inf, excess)))
            if excess[worst] > 0.0 and not joints.grips[worst]:
                apart = float(joints.distance(wanted, setpoint)[worst] / joints.unit[worst])
                return (
                    f"the human's '{joints.joints[worst].name}' {what}: it is at "
                    f'{outputs[-1, worst]:.3f}, the robot is sent to {setpoint[worst]:.3f}, '
                    f'{apart:.3f} apart'
                )
        return self._direct.leap(direct, self._start_max)

    def forget(self) -> None:
        """Begin anew: what the human commanded before is no way that the robot goes."""
        self._before = None

    def clear(self) -> None:
        """Drop all samples, as after a jump of the clock."""
        self.forget()
        self._observer.clear()
