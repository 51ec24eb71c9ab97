"""Checks of a whole graph, in the order in which a person would make them."""

from __future__ import annotations

from neuracore_ros.node.live.commands import check_command
from neuracore_ros.node.live.facts import CheckResult, GraphFacts
from neuracore_ros.node.live.streams import check_joints, check_stream
from neuracore_ros.node.live.timing import check_clock


def check_graph(
    facts: GraphFacts, robot_file: str, rate_hz: float | None, max_tracking_error: float
) -> list[CheckResult]:
    """Check all facts of a graph.

    Args:
        facts: What was found.
        robot_file: For messages.
        rate_hz: Of the policy; None where that is not known.
        max_tracking_error: At which distance the node stops the robot [rad].
    """
    lines = [*check_clock(facts.clock, rate_hz)]
    for stream in facts.streams:
        lines += check_stream(stream, facts.clock, rate_hz)
    lines += check_joints(facts.joints, robot_file)
    for command in facts.commands:
        lines += check_command(command, facts.clock.domain, max_tracking_error)
    return lines
