"""Small arms, and a controller that plays a message as joint_trajectory_controller would."""

from types import SimpleNamespace

import numpy as np

from neuracore_ros.command.joints import Joints
from neuracore_ros.command.motion import Motion
from neuracore_ros.command.settings import Settings
from neuracore_ros.command.spline import Spline
from neuracore_ros.description import Command, DataType, Joint, JointLimit
from neuracore_ros.description.source import FLOAT64_MULTI_ARRAY, JOINT_TRAJECTORY
from neuracore_ros.sim.controller import rejection

SECOND = 1_000_000_000
TRAJECTORY, ARRAY = JOINT_TRAJECTORY, FLOAT64_MULTI_ARRAY
TARGET = DataType.JOINT_TARGET_POSITIONS
GRIP = DataType.PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS


def joint(index, limit, kind=TARGET, scale=1.0, offset=0.0):
    return Joint(kind, index, f'j{index}', f'j{index}', scale, offset, limit)


def arm(*limits, stream='chunk', kind=JOINT_TRAJECTORY, topic='arm', grips=()):
    """One topic; limits are (lower, upper, velocity[, acceleration]); some joints may grip."""
    joints = tuple(
        joint(i, JointLimit(*limit), GRIP if i in grips else TARGET)
        for i, limit in enumerate(limits)
    )
    return Command(topic, kind, stream, joints)


def joints_of(*commands):
    return Joints.of(commands)


def motion_of(*commands, blend='none', max_ahead_s=0.5, jerk_limited=False):
    """A motion of 20 steps a second."""
    profile = 'ruckig' if jerk_limited else 'spline'
    settings = Settings(blend=blend, profile=profile, max_ahead_s=max_ahead_s)
    return Motion(joints_of(*commands), settings, 20.0)


def as_message(command):
    """The trajectory_msgs/msg/JointTrajectory that the node makes of a command, without ROS."""
    zero = SimpleNamespace(sec=0, nanosec=0)
    velocities = command.velocities
    return SimpleNamespace(
        header=SimpleNamespace(stamp=zero),
        joint_names=list(command.joint_names),
        points=[
            SimpleNamespace(
                time_from_start=SimpleNamespace(
                    sec=round(time_s * SECOND) // SECOND, nanosec=round(time_s * SECOND) % SECOND
                ),
                positions=command.positions[i].tolist(),
                velocities=[] if velocities is None else velocities[i].tolist(),
                accelerations=[],
                effort=[],
            )
            for i, time_s in enumerate(command.times_s)
        ],
    )


def accepted(command, now_ns):
    """The command, after the controller's own checks."""
    if command.type == JOINT_TRAJECTORY:
        assert rejection(as_message(command), command.joint_names, now_ns) is None
    return command


def played(command, position, velocity, now_ns):
    """The motion that a controller makes of a command, from its state when it arrives."""
    times_s, positions, velocities = command.times_s, command.positions, command.velocities
    if times_s[0] > 0.0:
        times_s = np.concatenate([[0.0], times_s])
        positions = np.concatenate([np.atleast_2d(position), positions])
        velocities = np.concatenate([np.atleast_2d(velocity), velocities])
    return Spline(now_ns, times_s, positions, velocities)


def sampled(spline, until_ns=None, per_segment=40):
    """Positions and velocities (n, J), dense within each segment."""
    times = np.concatenate(
        [
            np.linspace(a, b, per_segment)
            for a, b in zip(spline.times_s[:-1], spline.times_s[1:], strict=True)
        ]
    )
    if until_ns is not None:
        times = times[times <= (until_ns - spline.start_ns) / 1e9]
    states = [spline.at(spline.start_ns + int(t * 1e9)) for t in times]
    return np.array([p for p, _ in states]), np.array([v for _, v in states])


def chunk(seed, values, joints):
    """Something between a smooth path and noise, from and to the drawn values."""
    random = np.random.default_rng(seed)
    length = int(random.integers(1, 16))
    corners = random.choice(values, (max(2, length // 4), joints))
    at = np.linspace(0, len(corners) - 1, length)
    path = np.stack([np.interp(at, range(len(corners)), c) for c in corners.T], axis=1)
    return path + random.choice([0.0, 0.01, 1.0]) * random.standard_normal(path.shape)
