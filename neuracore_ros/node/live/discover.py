"""Facts for a first robot file, collected from a running graph."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from rclpy.node import Node

from neuracore_ros.description.command import ACTIONS
from neuracore_ros.description.source import FLOAT64_MULTI_ARRAY, JOINT_TRAJECTORY, STRING
from neuracore_ros.node.executor import spin
from neuracore_ros.node.graph import action_servers, listeners
from neuracore_ros.node.live.commands import controlled_joints
from neuracore_ros.node.live.probe import DISCOVERY_S, ask_parameters, passive_node
from neuracore_ros.node.subscriptions import Subscriptions
from neuracore_ros.node.topics import CLOCK, SubscribedTopic
from neuracore_ros.scaffold.collect import TWISTS, FactCollector, is_shown_plan, is_wanted
from neuracore_ros.scaffold.facts import CommandReceiver, Facts

_COMMANDS = (JOINT_TRAJECTORY, FLOAT64_MULTI_ARRAY, *TWISTS)
# Of a forward_command_controller.
_INTERFACE = 'interface_name'
_DEPTH = 50
_REFRESH_PERIOD_S = 0.5


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
        types: dict[str, str] = {}

        def receive(topic: str, message: Any) -> None:
            collector.receive(topic, types[topic], message, time.time_ns())

        subscriptions = Subscriptions(node, (), receive)
        end_s = time.monotonic() + seconds
        # On a busy network, some topics are discovered late.
        while (left_s := end_s - time.monotonic()) > 0.0:
            for topic, (kind, *_) in node.get_topic_names_and_types():
                if not (topic.startswith(below) and node.count_publishers(topic)):
                    continue
                if topic not in types:
                    types[topic] = kind
                    collector.announce(topic, kind)
                # A node that waits for its controller would take our subscription for it.
                only_commanded = kind in _COMMANDS and not listeners(node, topic)
                if is_wanted(topic, kind) and not only_commanded:
                    latched = kind == STRING
                    subscriptions.add(SubscribedTopic(topic, kind, 'match', _DEPTH, latched))
            spin(executor, min(left_s, _REFRESH_PERIOD_S))
        found = _listeners(node, below)
        parameters = ask_parameters(
            node, executor, {f.node: ('command_joints', 'joints', _INTERFACE) for f in found}
        )
        joints = {node: controlled_joints(has or {}) or () for node, has in parameters.items()}
        return replace(
            collector.facts(),
            listeners=tuple(
                replace(
                    f,
                    joints=tuple(joints[f.node]),
                    interface=str((parameters[f.node] or {}).get(_INTERFACE) or ''),
                )
                for f in found
            ),
        )


def _listeners(node: Node, below: str) -> list[CommandReceiver]:
    """Controllers: who subscribes to commands, and who serves actions."""
    found = [
        CommandReceiver(topic, types[0], name)
        for topic, types in node.get_topic_names_and_types()
        if topic.startswith(below) and types[0] in _COMMANDS and not is_shown_plan(topic)
        for name in listeners(node, topic)
    ]
    return found + [
        CommandReceiver(action, kind, server)
        for action, kind, server in action_servers(node)
        if action.startswith(below) and kind in ACTIONS
    ]
