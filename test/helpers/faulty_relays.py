"""Between robot and node: relays every topic under another name, and spoils it on request."""

import time
from collections import deque

import cv2
import numpy as np
import rclpy
from builtin_interfaces.msg import Duration, Time
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CompressedImage, Image, JointState
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from helpers.live_robot import UR5
from helpers.spinning import Spinning
from helpers.waiting import wait_until
from neuracore_ros.durations import time_ns
from neuracore_ros.sim.arms import ARMS
from neuracore_ros.sim.controller import rejection

# Of the overhead camera: its crop changes nothing, until its images are smaller.
WHOLE = [0, 0, 160, 120]
JOINTS, OVERHEAD, WRIST = '/spoiled/joint_states', '/spoiled/overhead', '/spoiled/wrist/compressed'
COMMANDS = '/spoiled/joint_trajectory'
NAMES = list(ARMS['ur5'].joint_names)
IMAGES = (Image, CompressedImage)


def sound(message):
    """What a relay does to a message while nothing is wrong."""
    return [message]


def at(nanoseconds):
    """A stamp."""
    return Time(sec=nanoseconds // 10**9, nanosec=nanoseconds % 10**9)


class Relay:
    """One topic, from the robot to the node or back.

    Attributes:
        change: From one message to those that are published instead.
        last: The newest message that was sent as it is.
        sound_ns: Its stamp.
        published: How many messages so far.
    """

    def __init__(self, relays, kind, source, target, prepare=None):
        self.relays, self.kind, self.source, self.target = relays, kind, source, target
        self._sender = relays.photographer if kind in IMAGES else relays.node
        self.prepare = prepare or (lambda message: message)
        self.change, self.sound_ns, self.last = sound, 0, None
        self.published = 0
        self._delay_s, self._late = 0.0, deque()
        self._subscription = self._publisher = self._twin = None
        self.revive()

    def revive(self):
        node = self.relays.node
        if self._publisher is None:
            self._publisher = self._sender.create_publisher(self.kind, self.target, 50)
        if self._subscription is None:
            kind = Image if self.kind in IMAGES else self.kind
            self._subscription = node.create_subscription(kind, self.source, self._on_message, 50)

    def kill(self):
        """The publisher is gone, as if its process had been killed."""
        self._sender.destroy_publisher(self._publisher)
        self._publisher = None

    def go_deaf(self):
        """Nobody listens any more to what comes in."""
        self.relays.node.destroy_subscription(self._subscription)
        self._subscription = None

    def contradict(self, change):
        """A second publisher on the topic, of messages that are changed."""
        self._twin = self._sender.create_publisher(self.kind, self.target, 50)
        self._contradiction = change
        self.change = lambda message: [message]

    def delay(self, seconds, change=sound):
        """Messages are held back."""
        self.change, self._delay_s = change, seconds

    def heal(self):
        self.change, self._delay_s = sound, 0.0
        self._late.clear()
        if self._twin is not None:
            self._sender.destroy_publisher(self._twin)
            self._twin = None
        self.revive()

    def flush(self):
        """Publish what was held back for long enough."""
        while self._late and self._late[0][0] <= time.monotonic():
            self.publish(self._late.popleft()[1])

    def _on_message(self, message):
        change, delay_s = self.change, self._delay_s
        message = self.prepare(message)
        if hasattr(message, 'header') and time_ns(message.header.stamp):
            shifted = time_ns(message.header.stamp) + self.relays.offset_ns
            message.header.stamp = at(shifted)
        for spoiled in change(message):
            if delay_s:
                self._late.append((time.monotonic() + delay_s, spoiled))
            else:
                self.publish(spoiled)
        if self._twin is not None:
            for spoiled in self._contradiction(message):
                self._twin.publish(spoiled)
        if change is sound and not delay_s and self._publisher is not None:
            self.last, self.sound_ns = message, time_ns(message.header.stamp)

    def publish(self, message):
        if self._publisher is not None:
            self._publisher.publish(message)
            self.published += 1


class FaultyRelays(Spinning):
    """Relays of joints, two cameras (one compressed), commands, and what else a test asks for.

    Attributes:
        photographer: The node that publishes pictures.
        sent: (wall ns, message) of every command of the node.
        cameras: More relays of one of them.
        refused: Why a controller would not have executed some of them.
        offset_ns: Of the clock, and of all stamps, from wall time.
    """

    def __init__(self, clock=False, cameras=0):
        super().__init__()
        self.node = self.create('relays')
        # As from a process of its own: in one with them, large pictures would hold joints up.
        self._pictures = rclpy.Context()
        rclpy.init(context=self._pictures)
        self.photographer = rclpy.create_node('photographer', context=self._pictures)
        self.offset_ns, self.clock_runs = 0, True
        self.sent, self.refused = [], []
        self._seen, self._meddler = 0, None
        self.joints = Relay(self, JointState, 'joint_states', JOINTS)
        self.overhead = Relay(self, Image, 'overhead/image_raw', OVERHEAD, self._noisy)
        self.wrist = Relay(self, CompressedImage, 'wrist/image_raw', WRIST, self._as_jpeg)
        self.commands = Relay(
            self, JointTrajectory, COMMANDS, 'arm_controller/joint_trajectory', self._noted
        )
        self.cameras = [
            Relay(self, Image, 'overhead/image_raw', camera_topic(number), self._noisy)
            for number in range(cameras)
        ]
        self.relays = (self.joints, self.overhead, self.wrist, self.commands, *self.cameras)
        self._rival = self.node.create_publisher(JointTrajectory, COMMANDS, 10)
        self.node.create_timer(0.01, self._on_time)
        if clock:
            self._clock = self.node.create_publisher(Clock, '/clock', 10)
            self.node.create_timer(0.01, self._tell_time)
        self.add(self.node)

    def close(self):
        super().close()
        self.photographer.destroy_node()
        self._pictures.try_shutdown()

    def do(self, what):
        """Do something between two messages, and wait until it is done."""
        done = self._executor.create_task(what)

        def is_done():
            self._executor.wake()
            return done.done()

        wait_until(is_done, every_s=0.002)
        return done.result()

    def heal(self):
        """Everything is relayed again as it is."""
        self.clock_runs, self._meddler = True, None
        self.do(lambda: [relay.heal() for relay in self.relays])

    def measured(self):
        """Positions and velocities of the robot, in the order of `NAMES`."""
        state = self.joints.last
        places = [state.name.index(name) for name in NAMES]
        return np.array(state.position)[places], np.array(state.velocity)[places]

    def stop_robot(self):
        """An emergency stop: the robot stands, and obeys nobody."""
        self.commands.change = lambda message: []
        self.order(self.measured()[0], 0.02)

    def rival(self):
        """Another node sends a command on the node's own topic: to stay where the robot is."""
        point = JointTrajectoryPoint(positions=self.measured()[0].tolist())
        point.time_from_start = Duration(nanosec=50_000_000)
        self._rival.publish(JointTrajectory(joint_names=NAMES, points=[point]))

    def interfere(self):
        """Somebody else sends the robot back where it came from, for a second."""
        positions, velocities = self.measured()
        positions[0] -= 0.4 * np.sign(velocities[0])
        end_s = time.monotonic() + 1.0

        def meddle():
            left_s = end_s - time.monotonic()
            if left_s > 0.05:
                self.order(positions, left_s)

        self._meddler = meddle

    def release(self):
        """The emergency stop ends, and the controller goes on to the last thing it was told."""
        self.commands.change = sound
        self.commands.publish(self.sent[-1][1])

    def push(self, radians, seconds):
        """Somebody leads joint 0 by hand."""
        positions = self.measured()[0]
        positions[0] += radians
        self.order(positions, seconds)

    def order(self, positions, seconds):
        """Command the robot as somebody else would, from where it is to ``positions``."""
        point = JointTrajectoryPoint(positions=[float(p) for p in positions])
        point.time_from_start = Duration(sec=int(seconds), nanosec=int(seconds % 1 * 1e9))
        self.commands.publish(JointTrajectory(joint_names=NAMES, points=[point]))

    def _on_time(self):
        for relay in self.relays:
            relay.flush()
        if self._meddler:
            self._meddler()

    def _tell_time(self):
        if self.clock_runs:
            self._clock.publish(Clock(clock=at(time.time_ns() + self.offset_ns)))

    def _noisy(self, message):
        """A picture with the noise that every real camera has, in its first byte."""
        self._seen += 1
        message.data[0] = self._seen % 256
        return message

    def _as_jpeg(self, message):
        message = self._noisy(message)
        pixels = np.frombuffer(message.data, np.uint8).reshape(message.height, message.width, 3)
        data = cv2.imencode('.jpg', pixels[..., ::-1])[1].tobytes()
        return CompressedImage(header=message.header, format='jpeg', data=data)

    def _noted(self, message):
        self.sent.append((time.time_ns(), message))
        if reason := rejection(message, NAMES, time.time_ns()):
            self.refused.append(reason)
        return message


def camera_topic(number):
    """Of one of many cameras."""
    return f'/spoiled/camera_{number}'


def many_cameras(path, count):
    """The same robot with so many cameras."""
    before, after = '0: wrist\n    1: overhead', f'wrist: {{topic: {WRIST}}}'
    text = path.read_text()
    assert before in text
    assert after in text
    slots = '\n    '.join(f'{number}: camera_{number}' for number in range(count))
    sources = (f'camera_{number}: {{topic: {camera_topic(number)}}}' for number in range(count))
    text = text.replace(before, slots).replace(after, '\n    '.join(sources))
    text = text.replace(f'    overhead: {{topic: {OVERHEAD}, crop: {WHOLE}}}\n', '')
    path = path.with_name(f'{count}_cameras.yaml')
    path.write_text(text)
    return path


def robot_file(folder):
    """The UR5 with two cameras, as the relays let the node see it."""
    text = UR5.read_text()
    for before, after in (
        ('1: overhead  # there is no wrist camera', '0: wrist\n    1: overhead'),
        ('topic: joint_states\n', f'topic: {JOINTS}\n'),
        (
            'overhead: {topic: overhead/image_raw}',
            f'overhead: {{topic: {OVERHEAD}, crop: {WHOLE}}}\n    wrist: {{topic: {WRIST}}}',
        ),
        (
            'commands:\n  JOINT_TARGET_POSITIONS:\n    topic: arm_controller/joint_trajectory',
            f'commands:\n  JOINT_TARGET_POSITIONS:\n    topic: {COMMANDS}',
        ),
    ):
        assert before in text, before
        text = text.replace(before, after)
    path = folder / 'ur5.yaml'
    path.write_text(text)
    return path
