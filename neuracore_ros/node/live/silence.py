"""Why a topic is silent, or a command unheard, as `check --live` would say; asked by a node."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from rclpy.node import Node

from neuracore_ros.description import Command, Source
from neuracore_ros.description.command import ACTIONS
from neuracore_ros.node.live.commands import judge_listeners
from neuracore_ros.node.live.endpoints import publishers, servers, similar, subscribers
from neuracore_ros.node.live.facts import Arrivals, CommandFacts, Listener, StreamFacts
from neuracore_ros.node.live.streams import judge_publishers

NODE_NAMESPACE_OPTION = '-r __ns:='
_NEVER = np.zeros(0, np.int64)


def why_silent(node: Node, topic: str, sources: Sequence[Source], namespace_option: str) -> str:
    """Why nothing comes on a topic, as far as the graph knows.

    Args:
        node: Ours, which subscribes to it.
        topic: As declared.
        sources: What is read from it.
        namespace_option: How the user gives a namespace.

    Returns:
        One line, with what to do; empty if somebody publishes it whom we should hear.
    """
    first = sources[0]
    facts = StreamFacts(
        topic=node.resolve_topic_name(topic),
        sources=tuple(dict.fromkeys(sources)),
        publishers=publishers(node, topic, first.reliability),
        similar=similar(node, topic, first.type, node.count_publishers),
        arrivals=Arrivals(_NEVER, _NEVER, _NEVER),
    )
    lines = judge_publishers(facts, namespace_option)
    return '; '.join(line.text for line in lines if line.kind == 'error')


def why_unheard(node: Node, commands: Iterable[Command], topic: str) -> str:
    """Why nobody listens to a command topic; empty if somebody does.

    Args:
        node: Ours, which publishes it.
        commands: Of the robot.
        topic: As declared.
    """
    command = next(each for each in commands if each.topic == topic)
    if command.type in ACTIONS:
        found = servers(node, topic, command.type)
        near: tuple[str, ...] = ()
    else:
        found = subscribers(node, topic)
        near = similar(node, topic, command.type, node.count_subscribers)
    facts = CommandFacts(
        topic=node.resolve_topic_name(topic),
        command=command,
        listeners=tuple(Listener(endpoint, None) for endpoint in found),
        similar=near,
    )
    return '; '.join(line.text for line in judge_listeners(facts, NODE_NAMESPACE_OPTION))
