"""Which topics are recorded, and what is to be expected of each."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping, Sequence

from rclpy.node import Node
from rclpy.qos import DurabilityPolicy

from neuracore_ros.description import Robot
from neuracore_ros.description.source import IMAGE_TYPES, static_topics, strictest_ages_s
from neuracore_ros.node import clock_watch
from neuracore_ros.node.stream_watch import SILENT_S, StreamWatch
from neuracore_ros.node.subscriptions import Topic
from neuracore_ros.node.topic_watch import TopicWatch, may_be_silent_s

# A disk may pause for a moment: what arrives meanwhile waits here.
_IMAGE_DEPTH = 30
_NUMBER_DEPTH = 1000

CLOCK = Topic(clock_watch.CLOCK, 'rosgraph_msgs/msg/Clock', 'match', _NUMBER_DEPTH)


def find_topics(node: Node, names: Sequence[str]) -> tuple[list[Topic], list[str]]:
    """Topics by name, as their publishers offer them.

    Returns:
        Those that somebody publishes; and a line for each of the others.
    """
    found, missing = [], []
    for name in names:
        publishers = node.get_publishers_info_by_topic(name)
        if not publishers:
            known = [n for n, _ in node.get_topic_names_and_types() if node.count_publishers(n)]
            near = difflib.get_close_matches(node.resolve_topic_name(name), known, 1)
            meant = f'; did you mean {near[0]}?' if near else ''
            missing.append(f'--also {name}: nobody publishes it{meant}')
            continue
        kind = publishers[0].topic_type
        durable = {publisher.qos_profile.durability for publisher in publishers}
        latched = durable == {DurabilityPolicy.TRANSIENT_LOCAL}
        found.append(Topic(name, kind, 'match', _depth(kind), latched))
    return found, missing


def declared_topics(robot: Robot) -> dict[str, Topic]:
    """Those of its inputs and outputs, as its robot file writes them."""
    sources = (*robot.input_sources(), *robot.output_sources())
    static = static_topics(sources)
    return {
        topic: Topic(
            topic,
            source.type,
            source.reliability,
            _depth(source.type),
            latched=topic in static,
        )
        for source in sources
        for topic in source.topics
    }


def watches(
    robot: Robot, names: Mapping[str, str], told_apart: Collection[str], rate_hz: float
) -> dict[str, TopicWatch]:
    """What watches each topic.

    Args:
        robot: Whose topics they are.
        names: Topic as declared -> its full name.
        told_apart: Topics, as declared, whose messages are watched name by name.
        rate_hz: Of the steps that will be made; slower streams are told.
    """
    sources = robot.input_sources()
    # Nobody commands or speaks all the time; what ages must never be silent.
    ages_s = strictest_ages_s(sources)
    found = {}
    for topic, name in names.items():
        read = [source for source in sources if source.topic == topic]
        apart = read if topic in told_apart else []
        whole = StreamWatch(
            '',
            None if apart else ages_s.get(topic),
            rate_hz,
            steady=topic in {*ages_s, CLOCK.name},
            silent_s=min(map(may_be_silent_s, read), default=SILENT_S),
        )
        found[topic] = TopicWatch(name, apart, whole, rate_hz)
    return found


def _depth(kind: str) -> int:
    return _IMAGE_DEPTH if kind in IMAGE_TYPES else _NUMBER_DEPTH
