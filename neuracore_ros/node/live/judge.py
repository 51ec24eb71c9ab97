"""What a running graph means for the node that would run in it; pure functions."""

from __future__ import annotations

from neuracore_ros.node.live.clock import judge_clock
from neuracore_ros.node.live.commands import judge_command
from neuracore_ros.node.live.facts import GraphFacts, Line
from neuracore_ros.node.live.streams import judge_joints, judge_stream


def judge(
    facts: GraphFacts, robot_file: str, rate_hz: float | None, max_tracking_error: float
) -> list[Line]:
    """Judge everything that was found, in the order in which a person would look.

    Args:
        facts: What was found.
        robot_file: For messages.
        rate_hz: Of the policy; None where that is not known.
        max_tracking_error: At which distance the node stops the robot [rad].
    """
    lines = [*judge_clock(facts.clock, rate_hz)]
    for stream in facts.streams:
        lines += judge_stream(stream, facts.clock.domain, rate_hz, facts.clock)
    lines += judge_joints(facts.joints, robot_file)
    for command in facts.commands:
        lines += judge_command(command, facts.clock.domain, max_tracking_error)
    return lines
