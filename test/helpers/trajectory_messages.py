"""JointTrajectory messages without ROS, for tests of what needs only their fields."""

from types import SimpleNamespace

SECOND = 1_000_000_000


def stamp(time_s):
    nanoseconds = round(time_s * SECOND)
    return SimpleNamespace(sec=nanoseconds // SECOND, nanosec=nanoseconds % SECOND)


def trajectory(names, *points, start_s=0.0):
    """Points are (time_s, positions), or (time_s, positions, velocities)."""
    return SimpleNamespace(
        header=SimpleNamespace(stamp=stamp(start_s)),
        joint_names=list(names),
        points=[
            SimpleNamespace(
                time_from_start=stamp(time_s),
                positions=list(positions),
                velocities=list(velocities[0]) if velocities else [],
                accelerations=[],
                effort=[],
            )
            for time_s, positions, *velocities in points
        ],
    )
