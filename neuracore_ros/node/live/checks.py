"""Checks of a whole graph, of one silent topic, and of one command topic without listeners."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rclpy.node import Node

from neuracore_ros.description import Command, Source
from neuracore_ros.node.live.commands import check_command, check_listeners
from neuracore_ros.node.live.facts import CheckResult, GraphFacts
from neuracore_ros.node.live.probe import command_facts, stream_facts
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
    facts = stream_facts(node, topic, sources, sources[0].reliability)
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
    lines = check_listeners(command_facts(node, command), NODE_NAMESPACE_OPTION)
    return '; '.join(line.text for line in lines)
