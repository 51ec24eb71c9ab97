"""All that is read: what the model sees, and where the commanded joints are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from neuracore_ros.command.joints import Joints
from neuracore_ros.command.tracking import Measured
from neuracore_ros.description import DataType, EmbodimentDescription, Robot
from neuracore_ros.observation.history import History
from neuracore_ros.observation.observer import Observation, Observer, Sight, Unusable
from neuracore_ros.observation.streams import StreamStatus
from neuracore_ros.policy.manifest import Manifest
from neuracore_ros.runner.measuring import Measuring


class Senses:
    """The streams of one robot, read for one policy.

    Attributes:
        topics: Topic -> (ROS message type, reliability), of inputs and measured joints.
        strictest_age_s: At which some sample is stale [s]; half a second where none ever is.
    """

    def __init__(
        self,
        robot: Robot,
        joints: Joints,
        used: EmbodimentDescription,
        manifest: Manifest,
        task: str,
        frozen_after_s: float,
    ) -> None:
        """Nothing has been received yet.

        Args:
            robot: Its file.
            joints: What is commanded, and so measured.
            used: The robot's inputs that the policy reads.
            manifest: Of the policy.
            task: What the robot is told, where no topic tells it.
            frozen_after_s: Identical images for this long are a fault [s]; 0: never.

        Raises:
            DescriptionError: A source is missing.
        """
        inputs = tuple(s for s in robot.input_sources() if s.index in used.get(s.data_type, {}))
        told = used.get(DataType.LANGUAGE, {})
        self._texts = {index: text for index, text in robot.texts(task).items() if index in told}
        self._observer = Observer(
            inputs,
            manifest.input_layout,
            manifest.image_size,
            frozen_after_s,
            self._texts,
            manifest.text_bytes,
        )
        self._history = History(self._observer, manifest.observation_steps)
        self._measuring = Measuring(robot, joints)
        sources = inputs + self._measuring.sources
        self.topics: Mapping[str, tuple[str, str]] = {
            topic: (source.type, source.reliability)
            for source in sources
            for topic in source.topics
        }
        ages_s = [source.max_age_s for source in sources if source.max_age_s is not None]
        self.strictest_age_s = min(ages_s, default=0.5)

    @property
    def is_told_nothing(self) -> bool:
        """Whether the policy reads what the robot is told to do, and nobody says it."""
        return bool(self._texts) and not any(self._texts.values())

    def receive(self, topic: str, message: Any, now_ns: int) -> None:
        """Take a message from a topic; never raises on bad data."""
        self._observer.receive(topic, message, now_ns)
        self._measuring.receive(topic, message, now_ns)

    def status(self, now_ns: int) -> tuple[StreamStatus, ...]:
        """One entry per stream."""
        inputs = self._observer.status(now_ns)
        known = {status.topic for status in inputs}
        others = [s for s in self._measuring.status(now_ns) if s.topic not in known]
        return (*inputs, *others)

    def measured(self, now_ns: int) -> Measured | Unusable:
        """Where the commanded joints are, if each has a fresh sample."""
        return self._measuring.at(now_ns)

    def look(self, now_ns: int) -> Sight | Unusable:
        """What there is for the model now."""
        return self._observer.look(now_ns)

    def remember(self, step: int, seen: Sight) -> None:
        """Make it part of what the model sees from this step on."""
        self._history.add(step, seen)

    @property
    def has_seen(self) -> bool:
        """Whether there is anything for the model to see."""
        return not self._history.is_empty

    def observe(self, step: int) -> Observation | Unusable:
        """What the model sees at a step that was remembered, inputs of shape (T, ...)."""
        return self._history.observe(step)

    def forget(self) -> None:
        """What was seen so far, the model does not see any more."""
        self._history.clear()

    def clear(self) -> None:
        """Forget all samples, as after a jump of the clock."""
        self.forget()
        self._observer.clear()
        self._measuring.clear()
