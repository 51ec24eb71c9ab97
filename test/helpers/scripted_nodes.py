"""Publishers and controllers that do exactly what a test tells them, right or wrong."""

import itertools
import sys
import threading
import time

from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Image, JointState
from std_msgs.msg import Float64
from trajectory_msgs.msg import JointTrajectory

from helpers.spinning import Spinning
from neuracore_ros.sim.arms import ARMS

ALL = ARMS['ur5'].joint_names


class Graph(Spinning):
    """Nodes of one test, all on one thread."""

    def node(self, name, **parameters):
        node = self.create(name)
        for key, value in parameters.items():
            node.declare_parameter(key.replace('__', '.'), value)
        self.add(node)
        return node

    def joints(self, name='driver', names=ALL, positions=None, rate_hz=50.0, stamp=time.time_ns):
        """A driver of joints; ``stamp`` gives what it writes into the header [ns]."""
        node = self.node(name)
        publisher = node.create_publisher(JointState, 'joint_states', 10)
        message = JointState(name=list(names), position=list(positions or [0.1] * len(names)))

        def publish():
            message.header.stamp.sec, message.header.stamp.nanosec = divmod(stamp(), 10**9)
            publisher.publish(message)

        node.create_timer(1 / rate_hz, publish)

    def camera(self, kind=Image, encoding='rgb8', rate_hz=30.0, size=(24, 32), best_effort=False):
        node = self.node('camera')
        policy = ReliabilityPolicy.BEST_EFFORT if best_effort else ReliabilityPolicy.RELIABLE
        qos = QoSProfile(depth=5, reliability=policy)
        publisher = node.create_publisher(kind, 'overhead/image_raw', qos)
        height, width = size
        message = kind()
        if kind is Image:
            message.height, message.width, message.step = height, width, width * 3
            message.encoding = encoding
        message.data = bytes(height * width * 3)

        def publish():
            message.header.stamp = node.get_clock().now().to_msg()
            publisher.publish(message)

        node.create_timer(1 / rate_hz, publish)

    def controller(self, name='arm_controller', topic='arm_controller/joint_trajectory', **told):
        """Somebody who listens to commands, and has parameters like a controller."""
        self.received = []
        node = self.node(name, **({'joints': list(ALL)} | told))
        node.create_subscription(JointTrajectory, topic, self.received.append, 10)

    def slider(self, percent):
        """The broadcaster of a UR, beside its controller."""
        node = self.node('speed_scaling_state_broadcaster')
        publisher = node.create_publisher(Float64, '~/speed_scaling', 10)
        node.create_timer(0.05, lambda: publisher.publish(Float64(data=percent)))

    def teleoperator(self, rate_hz=20.0):
        node = self.node('teleop')
        publisher = node.create_publisher(JointTrajectory, 'arm_controller/joint_trajectory', 10)
        node.create_timer(1 / rate_hz, lambda: publisher.publish(JointTrajectory()))


def main():
    """A camera in a process of its own: 640x480, best effort, as most drivers have it.

    With the word ``fickle``, its driver is restarted all the time, reliable and best effort.
    """
    graph = Graph()
    if 'fickle' not in sys.argv:
        graph.camera(size=(480, 640), best_effort=True)
        threading.Event().wait()
    for number in itertools.count():
        graph.camera(size=(480, 640), best_effort=number % 2 == 0, rate_hz=100.0)
        time.sleep(0.3)
        graph.forget()


if __name__ == '__main__':
    main()
