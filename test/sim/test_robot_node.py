import json
import os
import signal
import subprocess
import sys
import time

import pytest

rclpy = pytest.importorskip('rclpy')

from rcl_interfaces.srv import SetParameters
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.parameter import Parameter
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import Image, JointState
from std_msgs.msg import Float64, String
from std_srvs.srv import SetBool, Trigger
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

PATIENCE_S = 30.0


def sim_robot(*arguments):
    command = [sys.executable, '-m', 'neuracore_ros.sim.robot_node', *arguments]
    return subprocess.Popen(
        command, env=dict(os.environ), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


class Client:
    """A node that hears all that the robot says, and calls its services."""

    def __init__(self, namespace=''):
        self.context = Context()
        rclpy.init(context=self.context)
        self.node = rclpy.create_node('client', context=self.context, namespace=namespace)
        self.executor = SingleThreadedExecutor(context=self.context)
        self.executor.add_node(self.node)
        self.heard = {}
        for message_type, topic in (
            (Clock, '/clock'),
            (JointState, 'joint_states'),
            (Image, 'overhead/image_raw'),
            (Image, 'wrist/image_raw'),
            (JointTrajectory, 'arm_controller/joint_trajectory'),
            (Float64, 'sim/distance'),
            (String, 'sim/rejected'),
        ):
            self.heard[topic] = []
            self.node.create_subscription(message_type, topic, self.heard[topic].append, 100)
        self.command = self.node.create_publisher(
            JointTrajectory, 'arm_controller/joint_trajectory', 10
        )

    def close(self):
        self.executor.shutdown()
        self.node.destroy_node()
        rclpy.shutdown(context=self.context)

    def until(self, happened, what):
        end = time.monotonic() + PATIENCE_S
        while not happened():
            assert time.monotonic() < end, f'waited {PATIENCE_S:g} s in vain for {what}'
            self.executor.spin_once(timeout_sec=0.1)

    def call(self, service_type, name, **fields):
        client = self.node.create_client(service_type, name)
        self.until(client.service_is_ready, name)
        answer = client.call_async(service_type.Request(**fields))
        self.until(answer.done, f'the answer of {name}')
        self.node.destroy_client(client)
        return answer.result()

    def set(self, **values):
        parameters = [
            Parameter(name, value=value).to_parameter_msg() for name, value in values.items()
        ]
        return self.call(SetParameters, 'sim/set_parameters', parameters=parameters).results

    def now(self):
        return seconds(self.heard['/clock'][-1].clock) if self.heard['/clock'] else 0.0

    def listen(self, duration_s):
        """Forget what was heard, and hear ``duration_s`` of simulated time; its length."""
        for messages in self.heard.values():
            messages.clear()
        self.until(lambda: self.heard['/clock'], '/clock')
        start = self.now()
        self.until(lambda: self.now() >= start + duration_s, f'{duration_s:g} s to pass')
        return self.now() - start


def seconds(stamp):
    return stamp.sec + stamp.nanosec / 1e9


@pytest.fixture
def client(ros_domain):
    client = Client()
    yield client
    client.close()


@pytest.fixture
def robot(client):
    """A Panda at three times real time, as a process of its own."""
    process = sim_robot('--robot', 'franka', '--seed', '5', '--speed', '3')
    try:
        client.until(lambda: client.heard['joint_states'], 'joint_states')
        yield process
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 0, errors
        assert 'Traceback' not in errors
    finally:
        process.kill()
        process.communicate()


def test_the_expert_reaches_over_real_topics_at_the_promised_rates(client, robot):
    trial = json.loads(client.call(Trigger, 'sim/reset').message)
    assert trial['seed'] == 6
    assert trial['distance'] > 2 * trial['tolerance']
    client.call(SetBool, 'sim/expert', data=True)
    duration_s = client.listen(4.0)
    heard = client.heard
    assert heard['sim/distance'][-1].data < trial['tolerance']
    assert heard['sim/rejected'] == []
    for topic, rate_hz in (
        ('/clock', 100),
        ('joint_states', 100),
        ('overhead/image_raw', 30),
        ('wrist/image_raw', 30),
        ('sim/distance', 30),
        ('arm_controller/joint_trajectory', 20),
    ):
        assert len(heard[topic]) / duration_s == pytest.approx(rate_hz, rel=0.15), topic

    image = heard['overhead/image_raw'][-1]
    assert (image.height, image.width, image.encoding, image.step) == (120, 160, 'rgb8', 480)
    assert len(image.data) == 480 * 120
    stamps = [seconds(message.header.stamp) for message in heard['joint_states']]
    assert stamps == sorted(set(stamps))
    names = list(heard['joint_states'][-1].name)
    assert names != sorted(names)
    assert {'panda_joint1', 'panda_joint7', 'panda_finger_joint1'} < set(names)
    assert len(heard['joint_states'][-1].position) == len(names)


def test_a_reset_takes_the_seed_that_was_set(client, robot):
    client.set(seed=41)
    first = json.loads(client.call(Trigger, 'sim/reset').message)
    second = json.loads(client.call(Trigger, 'sim/reset').message)
    assert (first['seed'], second['seed']) == (41, 42)
    assert first['target'] != second['target']


def test_a_wrong_command_is_rejected_aloud_and_moves_nothing(client, robot):
    before = dict(
        zip(
            client.heard['joint_states'][-1].name,
            client.heard['joint_states'][-1].position,
            strict=True,
        )
    )
    point = JointTrajectoryPoint(positions=[0.5])
    message = JointTrajectory(joint_names=['panda_joint1'], points=[point])

    def heard_after_sending():
        # Sent again: what is sent before the robot has found this publisher is lost.
        client.command.publish(message)
        client.listen(0.3)
        return client.heard['sim/rejected']

    client.until(heard_after_sending, 'sim/rejected')
    assert "'panda_joint2' is missing" in client.heard['sim/rejected'][0].data
    client.listen(0.5)
    after = client.heard['joint_states'][-1]
    assert before == dict(zip(after.name, after.position, strict=True))


def test_faults_can_be_switched_on_and_off(client, robot):
    client.call(SetBool, 'sim/expert', data=True)
    assert all(r.successful for r in client.set(joints_frozen=True, cameras_off=True))
    client.listen(0.5)
    client.listen(0.5)
    assert client.heard['joint_states'] == []
    assert client.heard['overhead/image_raw'] == []
    client.set(joints_frozen=False, cameras_off=False, ignore_commands=True)
    client.call(Trigger, 'sim/reset')
    client.listen(0.5)
    client.listen(0.5)
    assert len(client.heard['overhead/image_raw']) > 10
    assert client.heard['arm_controller/joint_trajectory']
    assert len({tuple(message.position) for message in client.heard['joint_states']}) == 1


def test_without_a_clock_stamps_are_wall_time_under_the_given_namespace(ros_domain):
    client = Client('left')
    process = sim_robot('--robot', 'so100', '--no-clock', '--ros-args', '-r', '__ns:=/left')
    try:
        client.until(lambda: len(client.heard['joint_states']) > 10, 'joint_states')
        message = client.heard['joint_states'][-1]
        assert abs(seconds(message.header.stamp) - time.time()) < 5.0
        assert 'gripper' in message.name
        assert client.heard['/clock'] == []
        process.terminate()
        process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 0
    finally:
        process.kill()
        process.communicate()
        client.close()


@pytest.mark.parametrize(
    ('arguments', 'line'),
    [
        (
            ['--robot', 'ur7'],
            "sim_robot: no simulated robot 'ur7'; did you mean 'ur5'? Known: franka, so100, ur5",
        ),
        (['--robot', 'ur5', '--speed', '0'], 'sim_robot: --speed 0 is not within 0.01 and 100'),
        (
            ['--robot', 'ur5', '--speed', '2', '--no-clock'],
            'sim_robot: without /clock the robot lives in wall time: speed must be 1.0',
        ),
    ],
)
def test_what_the_user_can_mend_is_one_line_and_exit_1(ros_domain, arguments, line):
    process = sim_robot(*arguments)
    _, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 1
    assert errors.strip() == line
