"""Outputs that are sent as they are, over real DDS: what their receivers see, to the last message."""

import time

import numpy as np
import pytest
import torch
from geometry_msgs.msg import PoseStamped, Twist, TwistStamped
from rclpy.time import Time
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import JointState
from std_msgs.msg import Float64, Float64MultiArray
from std_srvs.srv import SetBool

from helpers.direct_rig import BASE, HAND, TORQUES, VELOCITIES, manifest_of
from helpers.live_robot import INFER_NODE, Running, World, ros_arguments
from helpers.spinning import Spinning
from helpers.waiting import stays
from neuracore_ros.description import load_robot
from neuracore_ros.policy.torchscript import save

MAX_AHEAD_S = 0.5
SLACK_S = 0.3
NAN = 99.0


class Follow(torch.nn.Module):
    """Sends a base as fast as its range says, in a curve; 99 makes it lose its mind."""

    def forward(
        self, inputs: dict[str, torch.Tensor], valid: dict[str, torch.Tensor]
    ) -> dict[str, torch.Tensor]:
        wanted = inputs['CUSTOM_1D'][:, -1:, 2:].repeat(1, 16, 3)
        if float(wanted[0, 0, 0]) > 50.0:
            wanted = wanted * float('nan')
        wanted[:, :, 1] = -0.5 * wanted[:, :, 1]
        return {'CUSTOM_1D': wanted}


class Constant(torch.nn.Module):
    """Wants 0.4 of the first joint and -0.2 of the second one."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind

    def forward(
        self, inputs: dict[str, torch.Tensor], valid: dict[str, torch.Tensor]
    ) -> dict[str, torch.Tensor]:
        chunk = 0.0 * inputs['JOINT_POSITIONS'][:, -1:].repeat(1, 16, 1)
        chunk[:, :, 0] += 0.4
        chunk[:, :, 1] -= 0.2
        return {self.kind: chunk}


class Onwards(torch.nn.Module):
    """Moves the hand along x at 0.1 m/s."""

    def forward(
        self, inputs: dict[str, torch.Tensor], valid: dict[str, torch.Tensor]
    ) -> dict[str, torch.Tensor]:
        chunk = inputs['END_EFFECTOR_POSES'][:, -1:].repeat(1, 16, 1, 1)
        chunk[:, :, 0, 0] += 0.005 * torch.arange(1, 17)
        return {'END_EFFECTOR_POSES': chunk}


def numbers(message):
    if isinstance(message, Float64MultiArray):
        return list(message.data)
    if isinstance(message, PoseStamped):
        at, turn = message.pose.position, message.pose.orientation
        return [at.x, at.y, at.z, turn.x, turn.y, turn.z, turn.w]
    twist = message.twist if isinstance(message, TwistStamped) else message
    return [getattr(part, axis) for part in (twist.linear, twist.angular) for axis in 'xyz']


class Robot(Spinning):
    """Publishes what it measures, and keeps what it is told; a hand is where it is sent."""

    def __init__(self, topic, kind):
        super().__init__()
        self.simulated_s, self._clock = None, None
        self.node = self.create('robot')
        self.told = []
        self.range, self.alive = 0.4, True
        self.hand = [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0]
        self._joints = self.node.create_publisher(JointState, 'joint_states', 10)
        self._range = self.node.create_publisher(Float64, 'range', 10)
        self._pose = self.node.create_publisher(PoseStamped, 'hand/pose', 10)
        self.node.create_subscription(kind, topic, self._on_command, 100)
        self.node.create_timer(0.01, self._publish)
        self.add(self.node)

    def _on_command(self, message):
        self.told.append((time.monotonic(), numbers(message), message))
        if isinstance(message, PoseStamped):
            self.hand = numbers(message)
        elif isinstance(message, TwistStamped):
            self.hand[0] += 0.02 * message.twist.linear.x

    def _publish(self):
        if not self.alive:
            return
        stamp = self.node.get_clock().now().to_msg()
        if self.simulated_s is not None:
            if self._clock is None:
                self._clock = self.node.create_publisher(Clock, '/clock', 10)
            self.simulated_s += 0.01
            stamp = Time(seconds=self.simulated_s).to_msg()
            self._clock.publish(Clock(clock=stamp))
        joints = JointState(
            name=['a', 'b'], position=[0.1, 0.2], velocity=[0.0, 0.0], effort=[0.3, -0.1]
        )
        pose = PoseStamped()
        joints.header.stamp = pose.header.stamp = stamp
        pose.header.frame_id = 'base_link'
        at, turn = pose.pose.position, pose.pose.orientation
        at.x, at.y, at.z, turn.x, turn.y, turn.z, turn.w = map(float, self.hand)
        self._joints.publish(joints)
        self._range.publish(Float64(data=self.range))
        self._pose.publish(pose)

    @property
    def values(self):
        return np.array([values for _, values, _ in self.told])

    @property
    def newest(self):
        return self.told[-1][1] if self.told else [0.0] * 6

    def ends_in(self, rest, since_s):
        """Require that it was told to rest in time, three times, and then nothing more."""
        stays(lambda: True, MAX_AHEAD_S + SLACK_S, 'anything')
        count = len(self.told)
        stays(lambda: len(self.told) == count, 0.4, 'no message')
        assert self.values[-3:] == pytest.approx(np.tile(rest, (3, 1)))
        moving_s = [t for t, values, _ in self.told if values != pytest.approx(rest)]
        assert moving_s[-1] - since_s < MAX_AHEAD_S + SLACK_S


@pytest.fixture
def started(domain, tmp_path):
    """Starts a node for a robot and a policy; gives the robot, the witness and the process."""
    opened = []

    def start(text, model, kind, simulated_s=None, **parameters):
        path = tmp_path / 'robot.yaml'
        path.write_text(text)
        described = load_robot(path)
        (command,) = described.direct_commands()
        save(model, manifest_of(described), tmp_path / 'policy.pt')
        robot, world = Robot(command.topic, kind), World(namespace='elsewhere')
        robot.simulated_s = simulated_s
        opened.extend((world, robot))
        given = {'model': tmp_path / 'policy.pt', 'robot': path, 'command_rate_hz': 50.0}
        process = Running(INFER_NODE, *ros_arguments({**given, **parameters}))
        opened.insert(0, process)
        world.until_state('RUNNING')
        return robot, world, process

    yield start
    for each in opened:
        if isinstance(each, Running):
            each.end()
        else:
            each.close()


def test_a_base_is_told_to_stop_whatever_happens(started):
    robot, world, process = started(BASE, Follow(), Twist)

    def until_moving():
        world.until_state('RUNNING')
        world.until(lambda: robot.newest[0] > 0.399, 'motion')

    until_moving()
    assert robot.values[-1].tolist() == pytest.approx([0.4, 0, 0, 0, 0, -0.2], abs=0.01)
    assert np.diff(robot.values[:, 0]).max() < 0.1
    # A stream that is stale: it goes on by itself.
    robot.alive, stopped_s = False, time.monotonic()
    world.until_state('HOLDING', 'range')
    robot.ends_in(np.zeros(6), stopped_s + 0.2)
    robot.alive = True
    until_moving()
    # A policy that loses its mind.
    robot.range = NAN
    world.until_state('HOLDING', 'with nan')
    robot.ends_in(np.zeros(6), time.monotonic())
    robot.range = 0.4
    world.until_state('HOLDING')
    world.call(SetBool, '/infer/enable', data=True)
    until_moving()
    # Somebody who takes over.
    rival = robot.node.create_publisher(Twist, 'cmd_vel', 10)
    world.until(lambda: rival.get_subscription_count() > 1, 'the node that hears it')
    rival.publish(Twist())
    sent_s = time.monotonic()
    world.until_state('HOLDING', 'commands cmd_vel, too')
    robot.ends_in(np.zeros(6), sent_s)
    # A person who switches it off.
    world.call(SetBool, '/infer/enable', data=True)
    until_moving()
    world.call(SetBool, '/infer/enable', data=False)
    robot.ends_in(np.zeros(6), time.monotonic())
    assert world.state == 'DISABLED'
    assert process.end() == 0, process.output


def test_a_signal_ends_in_zero_before_the_node_does(started):
    robot, world, process = started(BASE, Follow(), Twist)
    world.until(lambda: robot.newest[0] > 0.35, 'motion')
    sent_s = time.monotonic()
    assert process.end() == 0, process.output
    robot.ends_in(np.zeros(6), sent_s)
    assert np.diff(np.abs(robot.values[-20:, 0])).max() <= 1e-9


def test_a_base_is_told_to_stop_where_the_simulated_clock_stands_still(started):
    robot, world, _ = started(BASE, Follow(), Twist, simulated_s=100.0, use_sim_time=True)
    world.until(lambda: robot.newest[0] > 0.35, 'motion')
    robot.alive = False
    world.until(lambda: not np.any(robot.newest), 'zero')
    robot.alive = True
    world.until(lambda: robot.newest[0] > 0.35, 'motion')


def test_a_killed_node_says_nothing_more_and_so_the_receiver_must_time_out(started):
    robot, world, process = started(BASE, Follow(), Twist)
    world.until(lambda: robot.newest[0] > 0.35, 'motion')
    process.process.kill()
    process.wait()
    count = len(robot.told)
    stays(lambda: len(robot.told) == count, 0.5, 'no message')
    # As docs/faults.md says, and `check --live` of receivers without a time-out.
    assert robot.values[-1][0] > 0.35


@pytest.mark.parametrize(
    ('text', 'model', 'kind', 'moving', 'rest'),
    [
        (
            VELOCITIES,
            Constant('JOINT_VELOCITIES'),
            Float64MultiArray,
            [-0.2, 0.4],
            [0.0, 0.0],
        ),
        (
            TORQUES.replace('STOP', 'hold'),
            Constant('JOINT_TORQUES'),
            Float64MultiArray,
            [0.4, -0.2],
            [0.3, -0.1],
        ),
        (HAND.replace('TYPE', 'TwistStamped'), Onwards(), TwistStamped, None, [0.0] * 6),
    ],
    ids=['velocities', 'torques', 'twist'],
)
def test_a_signal_ends_in_rest(started, text, model, kind, moving, rest):
    robot, world, process = started(text, model, kind)
    if moving is None:
        world.until(lambda: robot.hand[0] > 0.05, 'motion')
        assert robot.told[-1][2].header.frame_id == 'base_link'
        assert np.abs(robot.values).max() <= 0.5
    else:
        world.until(lambda: robot.newest == pytest.approx(moving, abs=1e-6), 'motion')
    sent_s = time.monotonic()
    assert process.end() == 0, process.output
    robot.ends_in(rest, sent_s)


def test_a_hand_is_sent_poses_and_rests_at_the_last_one(started):
    robot, world, process = started(HAND.replace('TYPE', 'PoseStamped'), Onwards(), PoseStamped)
    world.until(lambda: robot.hand[0] > 0.05, 'motion')
    newest = robot.told[-1][2]
    stamp_s = newest.header.stamp.sec + newest.header.stamp.nanosec / 1e9
    assert newest.header.frame_id == 'base_link'
    assert abs(stamp_s - time.time()) < 1.0
    sent_s = time.monotonic()
    assert process.end() == 0, process.output
    robot.ends_in(robot.values[-1], sent_s)
    steps = np.diff(robot.values[:, 0])
    assert steps.max() < 0.5 * 0.02 * 3
    # It goes on a little, ever slower: no step backwards, and no jump to rest.
    assert (steps >= -1e-9).all()
    assert steps[-4] <= steps[-10] + 1e-9
