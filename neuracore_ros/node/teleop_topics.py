"""Topics of a human, as the graph has them: none is one of the robot's own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rclpy.node import Node

from neuracore_ros.description import DataType, Source
from neuracore_ros.description.source import POSE_STAMPED
from neuracore_ros.errors import UserError


def require_own_topics(
    node: Node, led: Sequence[Source], read: Sequence[Source], commands: Iterable[str]
) -> None:
    """Check that no namespace or remapping makes a human's topic one of the robot's own.

    A robot that is sent where it is measured sinks under its load, step by step.

    Args:
        node: Resolves names.
        led: Where a human commands.
        read: All else that is read.
        commands: Topics of the commands.

    Raises:
        UserError: A topic is one on which the robot is commanded, or measured.
    """
    sent = {node.resolve_topic_name(topic): topic for topic in commands}
    for human in led:
        resolved = node.resolve_topic_name(human.topic)
        where = f"teleop of {human.data_type}: '{human.name}' is read from {human.topic}, here"
        if resolved in sent:
            raise UserError(
                f'{where} {resolved}, where this node commands the robot ({sent[resolved]}): let '
                'the leader publish on a topic of its own'
            )
        for other in read:
            if node.resolve_topic_name(other.topic) == resolved and _measures(other, human):
                raise UserError(
                    f"{where} {resolved}, where '{other.name}' is measured ({other.topic}): the "
                    'robot would be sent where it is. Give the topic of the leader'
                )


def _measures(source: Source, human: Source) -> bool:
    """True if a source measures what a human's reads in the same messages."""
    if source.reads_commands or source.data_type is DataType.CUSTOM_1D:
        return False
    return source.type == POSE_STAMPED or bool(_names(source) & _names(human))


def _names(source: Source) -> frozenset[str]:
    return frozenset(source.joint_names if source.is_kinematic else (source.message_name,))
