"""What a running graph tells of a robot that nobody has described yet."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial
from typing import Any

from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy

from neuracore_ros.description.command import ACTIONS
from neuracore_ros.description.source import (
    FLOAT64_MULTI_ARRAY,
    JOINT_TRAJECTORY,
    STRING,
)
from neuracore_ros.node.clock_watch import CLOCK
from neuracore_ros.node.executor import spin
from neuracore_ros.node.graph import listeners
from neuracore_ros.node.live.probe import DISCOVERY_S, ask_parameters, passive_node
from neuracore_ros.node.subscriptions import message_class
from neuracore_ros.scaffold.collect import FactCollector, is_wanted
from neuracore_ros.scaffold.facts import CommandReceiver, Facts

_COMMANDS = (JOINT_TRAJECTORY, FLOAT64_MULTI_ARRAY)
_GOAL = '/_action/send_goal'
_DEPTH = 50
_LOOKS_S = 0.5
"""So often the graph is asked for topics that have been found meanwhile."""


def discover(seconds: float, namespace: str = '') -> Facts:
    """Listen to every topic that a robot file may name; nothing is sent.

    Args:
        seconds: How long [s].
        namespace: Only topics below it; all if empty.

    Raises:
        UserError: A message type is not installed.
    """
    with passive_node(namespace) as (node, executor):
        spin(executor, DISCOVERY_S)
        below = f'/{namespace.strip("/")}/' if namespace else '/'
        collector = FactCollector(judges_stamps=not node.count_publishers(CLOCK))
        subscriptions: dict[str, Any] = {}
        until_s = time.monotonic() + seconds
        while (left_s := until_s - time.monotonic()) > 0.0:
            _subscribe_to_new(node, below, collector, subscriptions)
            spin(executor, min(left_s, _LOOKS_S))
        found = _listeners(node, below)
        told = ask_parameters(
            node, executor, {f.node: ('command_joints', 'joints') for f in found}
        )
        return replace(
            collector.facts(),
            listeners=tuple(replace(f, joints=_joints(told.get(f.node))) for f in found),
        )


def _subscribe_to_new(
    node: Node, below: str, collector: FactCollector, subscriptions: dict[str, Any]
) -> None:
    """Topics that have been discovered by now; on a busy network some are late."""
    for topic, types in node.get_topic_names_and_types():
        if not topic.startswith(below) or not node.count_publishers(topic):
            continue
        if topic not in subscriptions:
            collector.announce(topic, types[0])
            subscriptions[topic] = None
        wanted = is_wanted(topic, types[0]) and not _is_only_commanded(node, topic, types[0])
        if wanted and subscriptions[topic] is None:
            subscriptions[topic] = _subscribe(node, topic, types[0], collector)


def _is_only_commanded(node: Node, topic: str, kind: str) -> bool:
    """Whether a node that waits for its controller would take us for it."""
    return kind in _COMMANDS and not listeners(node, topic)


def _subscribe(node: Node, topic: str, kind: str, collector: FactCollector) -> Any:
    offered = node.get_publishers_info_by_topic(topic)
    reliable = all(i.qos_profile.reliability == ReliabilityPolicy.RELIABLE for i in offered)
    latched = kind == STRING
    qos = QoSProfile(
        depth=_DEPTH,
        reliability=ReliabilityPolicy.RELIABLE if reliable else ReliabilityPolicy.BEST_EFFORT,
        durability=DurabilityPolicy.TRANSIENT_LOCAL if latched else DurabilityPolicy.VOLATILE,
    )
    hear = partial(_hear, collector, topic, kind)
    return node.create_subscription(message_class(kind), topic, hear, qos)


def _hear(collector: FactCollector, topic: str, kind: str, message: Any) -> None:
    collector.receive(topic, kind, message, time.time_ns())


def _listeners(node: Node, below: str) -> list[CommandReceiver]:
    """Controllers: who subscribes to commands, and who serves actions."""
    found = [
        CommandReceiver(topic, types[0], name)
        for topic, types in node.get_topic_names_and_types()
        if topic.startswith(below) and types[0] in _COMMANDS
        for name in listeners(node, topic)
    ]
    served = {f'{kind}_SendGoal': kind for kind in ACTIONS}
    for name, space in node.get_node_names_and_namespaces():
        if name == node.get_name():
            continue
        for service, types in node.get_service_names_and_types_by_node(name, space):
            if service.startswith(below) and service.endswith(_GOAL) and types[0] in served:
                full = f'{space.rstrip("/")}/{name}'
                found.append(CommandReceiver(service.removesuffix(_GOAL), served[types[0]], full))
    return found


def _joints(told: Any) -> tuple[str, ...]:
    """What a controller says it controls; a gripper's has one ``joint``."""
    names = (told or {}).get('command_joints') or (told or {}).get('joints')
    return tuple(map(str, names)) if isinstance(names, list) else ()
