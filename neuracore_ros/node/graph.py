"""Who else is on a topic, by name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rclpy.node import Node

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
    own = node.get_fully_qualified_name()
    return [
        _full_name(info)
        for info in node.get_subscriptions_info_by_topic(topic)
        if not info.node_name.startswith(SPECTATORS) and _full_name(info) != own
    ]


def other_publishers(node: Node, topic: str) -> list[str]:
    """Full names of the other nodes that publish a topic, each once."""
    return _names(node.get_publishers_info_by_topic(topic), node.get_fully_qualified_name())


def publishers(node: Node, topic: str) -> list[str]:
    """Full names of all nodes that publish a topic, each once.

    A node that was killed and restarted counts once, though its first publisher is believed in
    for some seconds.
    """
    return _names(node.get_publishers_info_by_topic(topic), '')


def _names(infos: Iterable[Any], own: str) -> list[str]:
    known = {_full_name(info) for info in infos if info.node_name != _UNKNOWN}
    return sorted(known - {own})


def _full_name(info: Any) -> str:
    return f'{info.node_namespace.rstrip("/")}/{info.node_name}'
