"""Checks of a whole graph, of one silent topic, and of one command topic without listeners."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from rclpy.node import Node

from neuracore_ros.description import Command, Source
from neuracore_ros.description.command import ACTIONS
from neuracore_ros.node.live.commands import check_command, check_listeners
from neuracore_ros.node.live.facts import (
    Arrivals,
    CheckResult,
    CommandFacts,
    CommandListener,
    GraphFacts,
    StreamFacts,
)
from neuracore_ros.node.live.probe import publishers, servers, similar, subscribers
from neuracore_ros.node.live.streams import check_joints, check_publishers, check_stream
from neuracore_ros.node.live.timing import check_clock


def check_graph(
    facts: GraphFacts, robot_file: str, rate_hz: float | None, max_tracking_error: float
) -> list[CheckResult]:
    """Check all facts of a graph, in the order in which a person would.

    Args:
        facts: What was found.
        robot_file: For messages.
        rate_hz: Of the policy; None where that is not known.
        max_tracking_error: At which distance the node stops the robot [rad].
    """
    lines = [*check_clock(facts.clock, rate_hz)]
    for stream in facts.streams:
        lines += check_stream(stream, facts.clock.domain, rate_hz, facts.clock)
    lines += check_joints(facts.joints, robot_file)
    for command in facts.commands:
        lines += check_command(command, facts.clock.domain, max_tracking_error)
    return lines


NODE_NAMESPACE_OPTION = '-r __ns:='
_NEVER = np.zeros(0, np.int64)


def why_silent(node: Node, topic: str, sources: Sequence[Source], namespace_option: str) -> str:
    """The reason from the graph why a topic is silent.

    Args:
        node: Ours, which subscribes to it.
        topic: As declared.
        sources: What is read from it.
        namespace_option: How the user gives a namespace.

    Returns:
        One line with a cure; empty if it has a publisher that matches.
    """
    first = sources[0]
    facts = StreamFacts(
        topic=node.resolve_topic_name(topic),
        sources=tuple(dict.fromkeys(sources)),
        publishers=publishers(node, topic, first.reliability),
        similar=similar(node, topic, first.type, node.count_publishers),
        arrivals=Arrivals(_NEVER, _NEVER, _NEVER),
    )
    lines = check_publishers(facts, namespace_option)
    return '; '.join(line.text for line in lines if line.level == 'error')


def why_unheard(node: Node, commands: Iterable[Command], topic: str) -> str:
    """The reason why a command topic has no listener; empty if it has one.

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
        listeners=tuple(CommandListener(endpoint, None) for endpoint in found),
        similar=near,
    )
    return '; '.join(line.text for line in check_listeners(facts, NODE_NAMESPACE_OPTION))
