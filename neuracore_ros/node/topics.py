"""The topics that the node, the recorder and the live checks subscribe to, declared once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, ReliabilityPolicy

from neuracore_ros.description import Source
from neuracore_ros.description.routes import is_feature
from neuracore_ros.description.source import IMAGE_TYPES, static_topics
from neuracore_ros.errors import DescriptionError
from neuracore_ros.similar_names import did_you_mean

CLOCK = '/clock'
CLOCK_TYPE = 'rosgraph_msgs/msg/Clock'


@dataclass(frozen=True, slots=True)
class QueueDepths:
    """Messages of one topic that wait while the executor is busy."""

    images: int
    numbers: int

    def of(self, message_type: str) -> int:
        """The depth for a ROS 2 message type."""
        return self.images if message_type in IMAGE_TYPES else self.numbers


# Five is what ROS uses for sensors. With two, a third of the large reliable images were lost,
# since their fragments arrive in bursts.
RUN_DEPTHS = QueueDepths(images=5, numbers=20)
# A check counts every number, but reads only the newest image.
CHECK_DEPTHS = QueueDepths(images=5, numbers=1000)
# A disk may pause for a moment: what arrives meanwhile waits here.
RECORD_DEPTHS = QueueDepths(images=30, numbers=1000)


@dataclass(frozen=True, slots=True)
class SubscribedTopic:
    """One topic to subscribe to.

    Attributes:
        name: As the robot file writes it.
        type: ROS 2 message type, such as ``sensor_msgs/msg/JointState``.
        reliability: ``match``, ``reliable`` or ``best_effort``.
        depth: Messages that wait if the executor is busy.
        latched: Whether to ask for what was published before, as for /tf_static.
    """

    name: str
    type: str
    reliability: str
    depth: int
    latched: bool = False


def declared_topics(sources: Iterable[Source], depths: QueueDepths) -> dict[str, SubscribedTopic]:
    """Topic as declared -> how to subscribe to it.

    Raises:
        DescriptionError: One of them is a feature of a LeRobot dataset.
    """
    sources = tuple(sources)
    for source in sources:
        if is_feature(source.topic):
            raise DescriptionError(
                f"'{source.name}' ({source.data_type} index {source.index}) is read from "
                f'{source.topic}, a feature of a LeRobot dataset, which nobody publishes: write '
                f"the robot's topic under {source.section}"
            )
    static = static_topics(sources)
    return {
        topic: SubscribedTopic(
            topic, source.type, source.reliability, depths.of(source.type), topic in static
        )
        for source in sources
        for topic in source.topics
    }


def clock_topic(depths: QueueDepths) -> SubscribedTopic:
    """The topic of simulated time."""
    return SubscribedTopic(CLOCK, CLOCK_TYPE, 'match', depths.of(CLOCK_TYPE))


def published_topics(
    node: Node, names: Sequence[str], depths: QueueDepths
) -> tuple[list[SubscribedTopic], list[str]]:
    """Find topics by name.

    Returns:
        Those with a publisher, as it offers them; and one line for each of the others.
    """
    found, missing = [], []
    for name in names:
        publishers = node.get_publishers_info_by_topic(name)
        if not publishers:
            known = [n for n, _ in node.get_topic_names_and_types() if node.count_publishers(n)]
            hint = did_you_mean(node.resolve_topic_name(name), known, mark='')
            missing.append(f'{name}: nobody publishes it{hint}')
            continue
        kind = publishers[0].topic_type
        durable = {publisher.qos_profile.durability for publisher in publishers}
        latched = durable == {DurabilityPolicy.TRANSIENT_LOCAL}
        found.append(SubscribedTopic(name, kind, 'match', depths.of(kind), latched))
    return found, missing


def matching_reliability(wanted: str, publishers: Iterable[Any]) -> ReliabilityPolicy | None:
    """The reliability to subscribe with; None if there is no publisher to match.

    Args:
        wanted: ``match``, ``reliable`` or ``best_effort``.
        publishers: Endpoint infos of the topic.
    """
    if wanted != 'match':
        return ReliabilityPolicy[wanted.upper()]
    offered = {publisher.qos_profile.reliability for publisher in publishers}
    if not offered:
        return None
    only_reliable = offered == {ReliabilityPolicy.RELIABLE}
    return ReliabilityPolicy.RELIABLE if only_reliable else ReliabilityPolicy.BEST_EFFORT
