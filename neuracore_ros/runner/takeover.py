"""Commands of a human in a takeover: read as a policy's predictions are, and checked before."""

from __future__ import annotations

from typing import Any

import numpy as np

from neuracore_ros.arrays import FloatArray
from neuracore_ros.command.direct import DirectMotion
from neuracore_ros.command.direct_values import DirectValues
from neuracore_ros.command.joints import Joints
from neuracore_ros.description import DataType, Layout, Robot
from neuracore_ros.description.source import JOINT_TRAJECTORY
from neuracore_ros.description.teleop import missing_teleop
from neuracore_ros.observation.observer import Observation, Observer, Unusable
from neuracore_ros.observation.streams import StreamStatus
from neuracore_ros.runner.human_way import HumanWay
from neuracore_ros.runner.requests import ActionChunk

ROWS = 2
"""The robot is sent where the human was one step ago, and then where the human is: so it goes on
smoothly, and never beyond the human."""

LEAST_RATE_HZ = 20.0
"""Steps a second in which a human is followed, beside a slower policy, too. Each step is a message
to the controllers, and each of those a small jerk where messages take a while."""

_RATES = (DataType.JOINT_VELOCITIES, DataType.JOINT_TORQUES, DataType.CUSTOM_1D)
"""What acts at once, and is no place on a path."""


class HumanCommands:
    """Streams of a human who commands a robot, and what they say at each tick.

    Attributes:
        sources: Where the human commands each output; empty without the section ``teleop``.
        missing: What lets a human take over, one line; '' where the robot file says it.
        rate_hz: Steps a second in which the human is followed.
        joints: What is commanded, in such steps.
    """

    def __init__(
        self,
        robot: Robot,
        joints: Joints,
        direct: DirectMotion,
        start_max: float,
        rate_hz: float,
    ) -> None:
        """Open the streams; nothing has been received yet.

        Args:
            robot: Its file.
            joints: What is commanded, in the policy's steps.
            direct: Outputs that are sent as they are.
            start_max: How far the human may be from the robot [rad], [m].
            rate_hz: Of the policy.

        Raises:
            DescriptionError: A source lacks an option.
        """
        self.sources = robot.teleop_sources()
        self.missing = '' if self.sources else missing_teleop(str(robot.path), robot.output)
        layout = Layout.holding((source.data_type, source.index) for source in self.sources)
        self._observer = Observer(self.sources, layout, None)
        self.rate_hz = max(rate_hz, LEAST_RATE_HZ)
        self.joints = joints
        if self.sources and self.rate_hz > rate_hz:
            self.joints = Joints.of(robot.commands(), robot.chain_outputs(), self.rate_hz)
        self._policy_joints, self._direct = joints, direct
        self._start_max = start_max
        placed = [source for source in self.sources if source.data_type not in _RATES]
        # A trajectory tells where the human is at any time.
        self._trajectories = {s.topic for s in placed if s.type == JOINT_TRAJECTORY}
        self._sampled = {source.topic for source in placed} - self._trajectories
        # Two samples that are further apart are a jump, and shall be seen as one.
        self._way = HumanWay(0.5 * start_max)

    @property
    def clamps(self) -> int:
        """Poses that a workspace kept from what the human wanted, in steps of their own."""
        if self.joints is self._policy_joints:
            return 0
        return sum(chain.clamps for chain in self.joints.chains)

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
        observed = self._observer.observe(now_ns)
        if isinstance(observed, Observation):
            ages_s = [
                observed.ages_s[source.data_type, source.name]
                for source in self.sources
                if source.topic in self._sampled
            ]
            self._way.note_age(max(ages_s, default=0.0))
        return observed

    def chunk(self, wanted: Observation, now_ns: int) -> ActionChunk:
        """Return what the human commands as a prediction of `ROWS` steps; remembers it.

        The steps are places on the human's way at even times, a little ago; see `HumanWay`.
        """
        delay_ns = self._way.delay_ns
        if delay_ns is None or self._way.is_late:
            delay_ns = self._way.pace(self._slowest_hz(now_ns))
        steps_ns = round(1e9 / self.rate_hz) * np.arange(1 - ROWS, 1) + now_ns - delay_ns
        chunk = {kind: np.stack([values] * ROWS) for kind, values in wanted.inputs.items()}
        for source in self.sources:
            kind, index = source.data_type, source.index
            if kind in _RATES:
                continue
            age_s = wanted.ages_s[kind, source.name]
            stamp_ns = now_ns - (0 if source.topic in self._trajectories else round(1e9 * age_s))
            slot = kind, source.name
            self._way.add(slot, stamp_ns, wanted.inputs[kind][index])
            for row, step_ns in enumerate(steps_ns):
                chunk[kind][row, index] = self._way.at(slot, int(step_ns))
        return chunk

    def is_paced(self, now_ns: int) -> bool:
        """Whether each stream of places has come twice lately, so that its rate is known."""
        return self._slowest_hz(now_ns) > 0.0

    def _slowest_hz(self, now_ns: int) -> float:
        """Rate of the slowest stream of places; infinite where there is none."""
        streams = self.status(now_ns) if self._sampled else ()
        rates_hz = [stream.rate_hz for stream in streams if stream.topic in self._sampled]
        return min(rates_hz, default=np.inf)

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
        joints, limits = self.joints, self.joints.limits
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
        self._way.clear()

    def clear(self) -> None:
        """Drop all samples, as after a jump of the clock."""
        self.forget()
        self._observer.clear()
