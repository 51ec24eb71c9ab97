"""Who else is on a topic, by name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rclpy.node import Node
from rclpy.qos import QoSCompatibility, qos_check_compatible

SPECTATORS = (
    '_ros2cli',
    'check',
    'foxglove_bridge',
    'infer',
    'plotjuggler',
    'record',
    'rosbag2_recorder',
    'rqt',
    'rviz',
)
"""How the names of nodes begin that listen to commands and execute none: `ros2 topic echo`,
bag recorders, viewers, and the tools of this package."""

_UNKNOWN = '_NODE_NAME_UNKNOWN_'


def listeners(node: Node, topic: str) -> list[str]:
    """Full names of the nodes that may execute what is sent to a topic.

    A bridge to another machine counts, since a controller may be behind it; so does a node whose
    name has not arrived yet.
    """
    return [_full_name(info) for info in _executors(node, topic)]


def deaf(node: Node, topic: str) -> list[str]:
    """Those of `listeners` that the publisher of this node does not reach, one line each."""
    own = node.get_fully_qualified_name()
    # As it was discovered, since only then both sides write "no deadline" in the same way.
    ours = [i for i in node.get_publishers_info_by_topic(topic) if _full_name(i) == own]
    found = []
    for info in _executors(node, topic) if ours else ():
        compatible, why = qos_check_compatible(ours[0].qos_profile, info.qos_profile)
        if info.topic_type != ours[0].topic_type:
            why = f'it expects {info.topic_type}, and {ours[0].topic_type} is sent'
        elif compatible == QoSCompatibility.ERROR:
            why = f'the QoS does not fit ({why.removeprefix("ERROR: ").rstrip(";")})'
        else:
            continue
        found.append(f'{_full_name(info)} cannot hear {topic}: {why}')
    return found


def other_publishers(node: Node, topic: str) -> list[str]:
    """Full names of the other nodes that publish a topic, each once."""
    return _names(node.get_publishers_info_by_topic(topic), node.get_fully_qualified_name())


def publishers(node: Node, topic: str) -> list[str]:
    """Full names of all nodes that publish a topic, each once.

    A node that was killed and restarted counts once, though its first publisher is believed in
    for some seconds.
    """
    return _names(node.get_publishers_info_by_topic(topic), '')


def _executors(node: Node, topic: str) -> list[Any]:
    own = node.get_fully_qualified_name()
    return [
        info
        for info in node.get_subscriptions_info_by_topic(topic)
        if not info.node_name.startswith(SPECTATORS) and _full_name(info) != own
    ]


def _names(infos: Iterable[Any], own: str) -> list[str]:
    known = {_full_name(info) for info in infos if info.node_name != _UNKNOWN}
    return sorted(known - {own})


def _full_name(info: Any) -> str:
    return f'{info.node_namespace.rstrip("/")}/{info.node_name}'
