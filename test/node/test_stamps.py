"""The stamp of what is sent."""

import numpy as np
import pytest

pytest.importorskip('rclpy')

from neuracore_ros.description.source import JOINT_TRAJECTORY
from neuracore_ros.node.messages import to_message
from neuracore_ros.runner import JointCommand


@pytest.mark.parametrize('stamp_ns', [0, 1_700_000_000_123_456_789])
def test_a_trajectory_has_the_stamp_of_its_command(stamp_ns):
    rest = np.zeros((2, 1))
    times_s = np.array([0.0, 0.1])
    command = JointCommand('arm', JOINT_TRAJECTORY, ('a',), times_s, rest, rest, stamp_ns)
    message = to_message(command)
    assert message.header.stamp.sec * 10**9 + message.header.stamp.nanosec == stamp_ns
    assert message.points[0].time_from_start.nanosec == 0
