"""What goes out: one message to one command topic."""

from __future__ import annotations

from dataclasses import dataclass

from neuracore_ros.arrays import FloatArray
from neuracore_ros.command.joints import Joints
from neuracore_ros.description import Command


@dataclass(frozen=True, slots=True)
class JointCommand:
    """One message to one command topic: N points, J joints, in the robot's own units.

    Attributes:
        topic: As in the robot file.
        type: As in the robot file, such as ``trajectory_msgs/msg/JointTrajectory``.
        joint_names: The robot's, in index order.
        times_s: ``time_from_start``, shape (N,), strictly increasing. The first one is 0 where the
            command goes on from the setpoint, and else above 0.
        positions: Shape (N, J).
        velocities: Shape (N, J), last row zero; None for a single streamed point.
        stamp_ns: When it begins; 0: as soon as it arrives.
    """

    topic: str
    type: str
    joint_names: tuple[str, ...]
    times_s: FloatArray
    positions: FloatArray
    velocities: FloatArray | None
    stamp_ns: int = 0


def joint_command(
    joints: Joints,
    command: Command,
    times_s: FloatArray,
    positions: FloatArray,
    velocities: FloatArray | None,
    stamp_ns: int = 0,
) -> JointCommand:
    """The part of a motion that one topic takes.

    Args:
        joints: All J of the motion.
        command: The topic.
        times_s: Shape (N,).
        positions: Shape (N, J).
        velocities: Likewise, or None.
        stamp_ns: When it begins; 0: as soon as it arrives.
    """
    columns = joints.columns(command)
    return JointCommand(
        command.topic,
        command.type,
        tuple(joint.message_name for joint in command.joints),
        times_s,
        positions[:, columns].copy(),
        None if velocities is None else velocities[:, columns].copy(),
        stamp_ns,
    )
