"""Commands as ROS messages."""

from typing import Any

from rclpy.duration import Duration
from rclpy.time import Time
from std_msgs.msg import Float64MultiArray, Header
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from neuracore_ros.description.source import FLOAT64_MULTI_ARRAY, JOINT_TRAJECTORY
from neuracore_ros.runner import JointCommand

MESSAGES: dict[str, type[Any]] = {
    JOINT_TRAJECTORY: JointTrajectory,
    FLOAT64_MULTI_ARRAY: Float64MultiArray,
}


def to_message(command: JointCommand) -> Any:
    """The message of one command.

    Returns:
        A JointTrajectory, which begins at its stamp, or where that is zero on arrival; or, as
        Float64MultiArray, the positions of the last point.
    """
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
