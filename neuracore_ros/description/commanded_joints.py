"""Joints that a robot is commanded by, and their names in ``~/plan``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from neuracore_ros.description.command import Command, Joint
from neuracore_ros.description.direct import DirectCommand


def commanded_joints(commands: Sequence[Command | DirectCommand]) -> tuple[Joint, ...]:
    """Joints of all commands, in the order of ``~/plan``."""
    return tuple(
        joint for command in commands if isinstance(command, Command) for joint in command.joints
    )


def joint_names(joints: Sequence[Joint]) -> list[str]:
    """Names of joints in messages; those of the robot file where two messages share one."""
    own = [joint.message_name for joint in joints]
    return own if max(Counter(own).values(), default=0) < 2 else [joint.name for joint in joints]
