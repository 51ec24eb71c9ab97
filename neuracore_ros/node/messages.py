"""Commands as ROS messages."""

from typing import Any

from builtin_interfaces.msg import Duration, Time
from std_msgs.msg import Float64MultiArray, Header
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from neuracore_ros.description.source import FLOAT64_MULTI_ARRAY, JOINT_TRAJECTORY
from neuracore_ros.durations import SECOND_NS
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
    seconds, nanoseconds = divmod(command.stamp_ns, SECOND_NS)
    return JointTrajectory(
        header=Header(stamp=Time(sec=seconds, nanosec=nanoseconds)),
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
    seconds, nanoseconds = divmod(round(time_s * 1e9), SECOND_NS)
    return Duration(sec=seconds, nanosec=nanoseconds)
