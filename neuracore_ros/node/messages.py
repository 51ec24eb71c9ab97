"""Commands as ROS messages."""

from typing import Any

from builtin_interfaces.msg import Duration
from std_msgs.msg import Float64MultiArray
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from neuracore_ros.runner import JointCommand

MESSAGES: dict[str, type[Any]] = {
    'trajectory_msgs/msg/JointTrajectory': JointTrajectory,
    'std_msgs/msg/Float64MultiArray': Float64MultiArray,
}


def to_message(command: JointCommand) -> Any:
    """The message of one command.

    Returns:
        A JointTrajectory, whose zero stamp means "now" to a controller; or, as
        Float64MultiArray, the positions of the last point.
    """
    if command.type == 'std_msgs/msg/Float64MultiArray':
        return Float64MultiArray(data=command.positions[-1].tolist())
    return JointTrajectory(
        joint_names=list(command.joint_names),
        points=[
            JointTrajectoryPoint(
                time_from_start=_duration(float(time_s)),
                positions=command.positions[i].tolist(),
                # A single streamed point has none: its controller interpolates.
                velocities=[] if command.velocities is None else command.velocities[i].tolist(),
            )
            for i, time_s in enumerate(command.times_s)
        ],
    )


def _duration(time_s: float) -> Duration:
    seconds, nanoseconds = divmod(round(time_s * 1e9), 1_000_000_000)
    return Duration(sec=seconds, nanosec=nanoseconds)
