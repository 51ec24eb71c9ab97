"""Who is on a topic or an action of a running graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rclpy.duration import Duration
from rclpy.node import Node
from rclpy.qos import QoSCompatibility, QoSProfile, ReliabilityPolicy, qos_check_compatible

from neuracore_ros.description.source import IMAGE_TYPES
from neuracore_ros.durations import SECOND_NS
from neuracore_ros.node.graph import full_name
from neuracore_ros.node.live.facts import Endpoint
from neuracore_ros.topic_names import likeness

_MOST_SIMILAR = 4
_LIKE = 0.5
_FOREVER_NS = 2**62


def publishers(node: Node, topic: str, reliability: str) -> tuple[Endpoint, ...]:
    """Who sends to a topic, and whether we would hear them.

    Args:
        node: Ours.
        topic: Of messages.
        reliability: As a robot file has it.
    """
    # To match is to accept the least.
    reliable = reliability == 'reliable'
    policy = ReliabilityPolicy.RELIABLE if reliable else ReliabilityPolicy.BEST_EFFORT
    ours = QoSProfile(depth=1, reliability=policy)
    infos = node.get_publishers_info_by_topic(topic)
    return tuple(_endpoint(info, _refusal(info.qos_profile, ours)) for info in infos)


def subscribers(node: Node, topic: str) -> tuple[Endpoint, ...]:
    """Who else listens to a topic, and whether they would hear our commands."""
    ours, own = QoSProfile(depth=10), node.get_fully_qualified_name()
    infos = node.get_subscriptions_info_by_topic(topic)
    found = (_endpoint(info, _refusal(ours, info.qos_profile)) for info in infos)
    return tuple(endpoint for endpoint in found if endpoint.node != own)


def servers(node: Node, action: str, kind: str) -> tuple[Endpoint, ...]:
    """Who serves an action of a type."""
    wanted = f'{node.resolve_topic_name(action)}/_action/send_goal'
    found = []
    for name, space in node.get_node_names_and_namespaces():
        served = node.get_service_names_and_types_by_node(name, space)
        if any(service == wanted for service, _ in served):
            found.append(Endpoint(f'{space.rstrip("/")}/{name}', kind, 'reliable'))
    return tuple(found)


def similar(node: Node, topic: str, kind: str, count: Callable[[str], int]) -> tuple[str, ...]:
    """Topics that may be meant by one where nobody is.

    Args:
        node: Ours.
        topic: Of messages.
        kind: Type of the messages; others have the same.
        count: How many are on the side of a topic that matters; others have somebody there.

    Returns:
        Those with a similar name, the likeliest first.
    """
    wanted = str(node.resolve_topic_name(topic))
    # A camera that is looked for raw may be there compressed, and the other way round.
    kinds = IMAGE_TYPES if kind in IMAGE_TYPES else (kind,)
    # What we hear already is another camera.
    heard = {each.topic_name for each in node.subscriptions} if kind in IMAGE_TYPES else ()
    others = {
        name: likeness(wanted, name)
        for name, types in node.get_topic_names_and_types()
        if name not in (wanted, *heard) and not {*kinds}.isdisjoint(types) and count(name)
    }
    alike = [name for name, degree in others.items() if degree > _LIKE]
    return tuple(sorted(alike, key=others.__getitem__, reverse=True)[:_MOST_SIMILAR])


def _endpoint(info: Any, refusal: str) -> Endpoint:
    qos = info.qos_profile
    deadline_ns = _finite(qos.deadline).nanoseconds
    return Endpoint(
        node=full_name(info),
        type=info.topic_type,
        reliability=qos.reliability.name.lower(),
        deadline_s=deadline_ns / SECOND_NS or None,
        refusal=refusal,
    )


def _refusal(publisher: QoSProfile, subscription: QoSProfile) -> str:
    """Why the middleware would not connect two endpoints; empty if it would."""
    compatible, reason = qos_check_compatible(_plain(publisher), _plain(subscription))
    if compatible != QoSCompatibility.ERROR:
        return ''
    parts = (part.replace('ERROR:', '').strip() for part in str(reason).split(';'))
    return '; '.join(part.lower() for part in parts if part)


def _plain(qos: QoSProfile) -> QoSProfile:
    """With "never" in one spelling: the graph has a largest number where profiles have zero."""
    return QoSProfile(
        depth=1,
        reliability=qos.reliability,
        durability=qos.durability,
        liveliness=qos.liveliness,
        deadline=_finite(qos.deadline),
        liveliness_lease_duration=_finite(qos.liveliness_lease_duration),
    )


def _finite(duration: Duration) -> Duration:
    return duration if duration.nanoseconds < _FOREVER_NS else Duration()
