"""Topics that are recorded where somebody publishes them, and that nobody misses."""

from __future__ import annotations

import time
from collections.abc import Collection

from rclpy.node import Node

from neuracore_ros.control import CONTROL_TOPIC, FORGOTTEN_S
from neuracore_ros.description import Robot
from neuracore_ros.description.commanded_sources import commanded_sources
from neuracore_ros.node.topics import RECORD_DEPTHS, SubscribedTopic, declared_topics

STRING = 'std_msgs/msg/String'


class Companions:
    """Companions of a robot's topics: who commands it, and what it is told.

    A node says who commands; what it commands may go elsewhere than demonstrations are read from.
    Neither is there without a node, and so neither is reported when it is silent.

    Args:
        node: Resolves names.
        robot: Whose commands are recorded.
        control_of: Name of the node that commands it.
        known: Full names of topics that are recorded anyway.

    Attributes:
        topics: What to subscribe to.
        names: Topic as declared -> its full name.
    """

    def __init__(self, node: Node, robot: Robot, control_of: str, known: Collection[str]) -> None:
        self._control = f'{control_of}/{CONTROL_TOPIC}'
        control = SubscribedTopic(
            self._control, STRING, 'match', RECORD_DEPTHS.of(STRING), latched=True
        )
        told = declared_topics(commanded_sources(robot), RECORD_DEPTHS)
        chosen = {
            node.resolve_topic_name(topic.name): topic for topic in (control, *told.values())
        }
        self.topics = [topic for name, topic in chosen.items() if name not in known]
        self.names = {topic.name: node.resolve_topic_name(topic.name) for topic in self.topics}
        self._last: tuple[float, bytes] | None = None

    @property
    def latched(self) -> list[str]:
        """Full names of topics that are offered to late subscribers, too."""
        return [self.names[topic.name] for topic in self.topics if topic.latched]

    def receive(self, topic: str, data: bytes) -> None:
        """Note a message, as it came from the wire."""
        if topic == self._control:
            self._last = time.monotonic(), data

    def beginning(self) -> list[tuple[str, bytes]]:
        """Messages with which an episode begins, by full name: the last word of a living node."""
        if self._last is None or time.monotonic() - self._last[0] > FORGOTTEN_S:
            return []
        return [(self.names[self._control], self._last[1])]
