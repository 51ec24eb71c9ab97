"""Other nodes on a topic and the actions that nodes serve, by name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from rclpy.duration import Duration
from rclpy.node import Node, NodeNameNonExistentError
from rclpy.qos import QoSCompatibility, QoSProfile, qos_check_compatible

SPECTATORS = (
    '_ros2cli',
    'check',
    'foxglove_bridge',
    'infer',
    'neuracore_watch',
    'plotjuggler',
    'record',
    'rosbag2_recorder',
    'rqt',
    'rviz',
)
"""First parts of the names of nodes that subscribe to commands but execute none.

These are `ros2 topic echo`, bag recorders, viewers, and the tools of this package.
"""

_UNKNOWN = '_NODE_NAME_UNKNOWN_'
_FOREVER_NS = 2**62
_SEND_GOAL = '/_action/send_goal'


def is_spectator(name: str) -> bool:
    """True if a node of this name, full or not, executes no commands that it subscribes to."""
    return name.rpartition('/')[2].startswith(SPECTATORS)


def listeners(node: Node, topic: str) -> list[str]:
    """Full names of the nodes that may execute what is sent to a topic.

    A bridge to another machine counts, since a controller may be behind it; so does a node whose
    name has not arrived yet.
    """
    return [full_name(info) for info in executors(node, topic)]


def executors(node: Node, topic: str) -> list[Any]:
    """The subscriptions of the nodes that may execute what is sent to a topic; see `listeners`."""
    own = node.get_fully_qualified_name()
    return [
        info
        for info in node.get_subscriptions_info_by_topic(topic)
        if not is_spectator(info.node_name) and full_name(info) != own
    ]


def publisher_names(infos: Iterable[Any]) -> list[str]:
    """Full names of all nodes that publish a topic, each once.

    A node that was killed and restarted counts once, though its first publisher is believed in
    for some seconds.
    """
    return sorted({full_name(info) for info in infos if is_named(info)})


def is_named(info: Any) -> bool:
    """True if the endpoint's node is known; its name may be discovered later than itself."""
    return bool(info.node_name != _UNKNOWN)


def unreached(ours: Any, subscriptions: Iterable[Any], topic: str) -> Iterator[str]:
    """One line for each subscription of a topic that does not get what a publisher sends."""
    for info in subscriptions:
        if info.topic_type != ours.topic_type:
            why = f'it expects {info.topic_type}, and {ours.topic_type} is sent'
        elif refusal := qos_refusal(ours.qos_profile, info.qos_profile):
            why = f'the QoS does not fit ({refusal})'
        else:
            continue
        yield f'{full_name(info)} cannot hear {topic}: {why}'


def qos_refusal(publisher: QoSProfile, subscription: QoSProfile) -> str:
    """The reason why the middleware would not connect two endpoints; empty if it would."""
    compatible, reason = qos_check_compatible(_plain(publisher), _plain(subscription))
    if compatible != QoSCompatibility.ERROR:
        return ''
    parts = (part.replace('ERROR:', '').strip() for part in str(reason).split(';'))
    return '; '.join(part.lower() for part in parts if part)


def _plain(qos: QoSProfile) -> QoSProfile:
    """A profile in which "never" is written one way: the graph has a largest number for it."""
    return QoSProfile(
        depth=1,
        reliability=qos.reliability,
        durability=qos.durability,
        liveliness=qos.liveliness,
        deadline=finite(qos.deadline),
        liveliness_lease_duration=finite(qos.liveliness_lease_duration),
    )


def finite(duration: Duration) -> Duration:
    """The duration of a QoS policy; 0 for the one that means never."""
    return duration if duration.nanoseconds < _FOREVER_NS else Duration()


def full_name(info: Any) -> str:
    """Full name of an endpoint's node, such as ``/left/arm_controller``."""
    return f'{info.node_namespace.rstrip("/")}/{info.node_name}'


def action_servers(node: Node) -> Iterator[tuple[str, str, str]]:
    """The actions of all nodes: name, type, and the full name of the node that serves it."""
    for name, space in node.get_node_names_and_namespaces():
        try:
            services = node.get_service_names_and_types_by_node(name, space)
        except NodeNameNonExistentError:  # It has gone meanwhile.
            continue
        for service, (kind, *_) in services:
            if service.endswith(_SEND_GOAL):
                action, full = service.removesuffix(_SEND_GOAL), f'{space.rstrip("/")}/{name}'
                yield action, kind.removesuffix('_SendGoal'), full


def beside_namespace(topics: Iterable[str], namespace: str) -> str:
    """A warning that declared topics stay outside of a node's namespace; empty if none does."""
    inside = f'/{namespace.strip("/")}/'
    # Frames have prefixes instead.
    common = ('/tf', '/tf_static')
    outside = [
        topic
        for topic in dict.fromkeys(topics)
        if topic.startswith('/') and not topic.startswith(inside) and topic not in common
    ]
    if inside == '//' or not outside:
        return ''
    return (
        f'namespace {inside[:-1]}: {", ".join(outside)} begin with a slash, and so are not below '
        'it, but the same for every robot: write them without the slash'
    )
