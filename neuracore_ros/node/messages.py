"""Commands as ROS messages."""

from typing import Any

from geometry_msgs.msg import Point, Pose, PoseStamped, Quaternion, Twist, TwistStamped, Vector3
from rclpy.duration import Duration
from rclpy.time import Time
from std_msgs.msg import Float64MultiArray, Header
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from neuracore_ros.description.named_numbers import TWIST, TWIST_STAMPED
from neuracore_ros.description.source import (
    FLOAT64_MULTI_ARRAY,
    JOINT_TRAJECTORY,
    POSE_STAMPED,
)
from neuracore_ros.runner import DirectMessage, JointCommand

MESSAGES: dict[str, type[Any]] = {
    JOINT_TRAJECTORY: JointTrajectory,
    FLOAT64_MULTI_ARRAY: Float64MultiArray,
    TWIST: Twist,
    TWIST_STAMPED: TwistStamped,
    POSE_STAMPED: PoseStamped,
}


def to_message(command: JointCommand | DirectMessage) -> Any:
    """The message of one command.

    Returns:
        A JointTrajectory, which begins at its stamp, or where that is zero on arrival; or, as
        Float64MultiArray, the positions of the last point; or what is sent as it is.
    """
    if isinstance(command, DirectMessage):
        return _direct(command)
    if command.type == FLOAT64_MULTI_ARRAY:
        return Float64MultiArray(data=command.positions[-1].tolist())
    return JointTrajectory(
        header=Header(stamp=Time(nanoseconds=command.stamp_ns).to_msg()),
        joint_names=list(command.joint_names),
        points=[
            JointTrajectoryPoint(
                time_from_start=Duration(nanoseconds=round(1e9 * float(time_s))).to_msg(),
                positions=command.positions[i].tolist(),
                # A single streamed point has none: its controller interpolates.
                velocities=[] if command.velocities is None else command.velocities[i].tolist(),
            )
            for i, time_s in enumerate(command.times_s)
        ],
    )


def _direct(command: DirectMessage) -> Any:
    values = command.values.tolist()
    if command.type == FLOAT64_MULTI_ARRAY:
        return Float64MultiArray(data=values)
    header = Header(stamp=Time(nanoseconds=command.stamp_ns).to_msg(), frame_id=command.frame)
    if command.type == POSE_STAMPED:
        x, y, z, *quaternion = values
        orientation = dict(zip('xyzw', quaternion, strict=True))
        pose = Pose(position=Point(x=x, y=y, z=z), orientation=Quaternion(**orientation))
        return PoseStamped(header=header, pose=pose)
    linear, angular = (
        Vector3(**dict(zip('xyz', part, strict=True))) for part in (values[:3], values[3:])
    )
    twist = Twist(linear=linear, angular=angular)
    return twist if command.type == TWIST else TwistStamped(header=header, twist=twist)
