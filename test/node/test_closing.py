"""What a node closes while something of it still waits to be told of."""

import time

import pytest
import rclpy
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import JointState
from std_msgs.msg import String
from trajectory_msgs.msg import JointTrajectory

from neuracore_ros.description import Command
from neuracore_ros.node.debug import DebugPublisher
from neuracore_ros.node.executor import make_executor, spin
from neuracore_ros.node.outputs import CommandOutputs
from neuracore_ros.node.subscriptions import Subscriptions
from neuracore_ros.node.topics import SubscribedTopic

TRAJECTORY = 'trajectory_msgs/msg/JointTrajectory'
# Neither a publisher nor a subscription of ours fits to these.
DEAF = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
UNRELIABLE = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)


@pytest.fixture
def nodes(domain):
    """One that the node's own executor serves, and somebody else, whom nobody serves."""
    there = rclpy.Context()
    rclpy.init()
    rclpy.init(context=there)
    ours, other = rclpy.create_node('ours'), rclpy.create_node('other', context=there)
    executor = make_executor()
    executor.add_node(ours)
    yield ours, other, executor
    ours.destroy_node()
    other.destroy_node()
    rclpy.try_shutdown()
    there.try_shutdown()


def outputs(node, other):
    opened = CommandOutputs(node, [Command('arm', TRAJECTORY, 'chunk', ())], print)
    return opened.close, lambda: (
        other.create_subscription(JointTrajectory, 'arm', print, DEAF),
        other.create_publisher(JointTrajectory, 'arm', UNRELIABLE),
    )


def debug(node, other):
    return DebugPublisher(node).close, lambda: other.create_subscription(
        String, 'ours/debug', print, DEAF
    )


def subscriptions(node, other):
    topic = SubscribedTopic('joints', 'sensor_msgs/msg/JointState', 'reliable', 5)
    opened = Subscriptions(node, (topic,), print)
    return opened.close, lambda: other.create_publisher(JointState, 'joints', UNRELIABLE)


@pytest.mark.parametrize('opened', [outputs, debug, subscriptions])
def test_an_event_that_still_waits_when_something_is_closed_does_no_harm(nodes, opened):
    ours, other, executor = nodes
    for _ in range(3):
        close, disturb = opened(ours, other)
        spin(executor, 0.1)
        disturbing = disturb()
        # Nothing tells that an event waits: DDS finds the other node within this time.
        time.sleep(0.3)
        close()
        spin(executor, 0.1)
        del disturbing
