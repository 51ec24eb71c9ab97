"""`describe --live`, on a running graph over real DDS."""

import os
import subprocess
import sys
from threading import Thread

import pytest

pytest.importorskip('rclpy')

import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import DurabilityPolicy, QoSProfile
from sensor_msgs.msg import JointState
from std_msgs.msg import Float64MultiArray, String
from trajectory_msgs.msg import JointTrajectory

from helpers.drawn_arms import THREE
from helpers.live_robot import SIM_ROBOT, until_published
from neuracore_ros.description import DataType, load_robot
from neuracore_ros.sim import arms

TARGETS = DataType.JOINT_TARGET_POSITIONS
ARMS = ('left', 'right')
UR5 = list(arms.UR5.joint_names)


@pytest.fixture
def node(domain):
    """A node of somebody else; it answers no question about its parameters."""
    context = rclpy.Context()
    rclpy.init(context=context)
    node = rclpy.create_node('hand', context=context, start_parameter_services=False)
    yield node
    node.destroy_node()
    context.try_shutdown()


@pytest.fixture
def listen(domain, tmp_path):
    """Describes what runs; returns the exit code, what was said, and the file."""

    def run(seconds, *more):
        out = tmp_path / 'robot.yaml'
        words = [
            'describe',
            '--live',
            '--seconds',
            str(seconds),
            '--out',
            str(out),
            *more,
            '--force',
        ]
        done = subprocess.run(
            [sys.executable, '-m', 'neuracore_ros.cli.main', *words],
            env=dict(os.environ),
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stderr, out

    return run


def test_a_simulated_robot_is_found_with_its_cameras_and_controller(listen, checked, begin, node):
    sim = begin(SIM_ROBOT, '--robot', 'ur5', '--seed', 1, '--no-clock')
    until_published(node, 'joint_states')
    status, said, out = listen(1.5)
    assert status == 0, said
    robot, written = load_robot(out), out.read_text()
    pan, lift, elbow, *wrists = UR5
    # The second wrist swings the hand to the side, and so has the slot of a forearm's roll.
    slots = {0: pan, 1: lift, 3: elbow, 4: wrists[1], 5: wrists[0], 6: wrists[2]}
    assert robot.output == {TARGETS: slots}
    assert set(robot.input[DataType.RGB_IMAGES].values()) == {'wrist', 'overhead'}
    assert [c.topic for c in robot.commands()] == ['/arm_controller/joint_trajectory']
    assert 'listens' in written
    assert 'guessed: it hardly moved' in written
    assert 'rejected' not in ''.join(sim.lines)
    checked()


def test_an_empty_graph_is_told_in_one_line(listen):
    status, said, out = listen(0.5)
    assert status == 1
    assert 'the running robot: no JointState with positions was found' in said
    assert said.count('\n') == 1
    assert not out.exists()


def test_a_published_urdf_is_heard_late_and_a_gripper_by_its_topic(listen, node):
    latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    node.create_publisher(String, 'robot_description', latched).publish(String(data=THREE))
    node.create_subscription(Float64MultiArray, 'gripper_controller/commands', print, 10)
    status, said, out = listen(1.0)
    assert status == 0, said
    robot = load_robot(out)
    assert robot.output == {
        TARGETS: {0: 'pan', 1: 'lift', 3: 'elbow', 6: 'roll'},
        DataType.PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS: {0: 'finger_a'},
    }
    assert 'from robot_description' in out.read_text()


def test_two_arms_are_drafted_as_one_robot_or_one_of_them_by_its_namespace(listen, node):
    drivers = [(node.create_publisher(JointState, f'{a}/joint_states', 10), a) for a in ARMS]
    for arm in ARMS:
        node.create_subscription(JointTrajectory, f'{arm}/arm/joint_trajectory', print, 10)

    def publish():
        for driver, arm in drivers:
            message = JointState(name=['pan', 'lift'], position=[0.1 * len(arm), 0.2])
            message.header.stamp = node.get_clock().now().to_msg()
            driver.publish(message)

    executor = SingleThreadedExecutor(context=node.context)
    executor.add_node(node)
    node.create_timer(0.05, publish)
    thread = Thread(target=executor.spin, daemon=True)
    thread.start()
    try:
        status, said, out = listen(2.0)
        assert status == 0 and 'drafted as one robot of 2 arms' in said, said
        slots = {0: 'right_pan', 1: 'right_lift', 7: 'left_pan', 8: 'left_lift'}
        assert load_robot(out).output == {TARGETS: slots}
        topics = {command.topic for command in load_robot(out).commands()}
        assert topics == {f'/{arm}/arm/joint_trajectory' for arm in ARMS}
        status, said, out = listen(2.0, '--namespace', 'left')
        assert status == 0, said
        robot = load_robot(out)
        assert robot.output == {TARGETS: {0: 'pan', 1: 'lift'}}
        assert {s.topic for s in robot.input_sources()} == {'joint_states'}
        assert [c.topic for c in robot.commands()] == ['arm/joint_trajectory']
    finally:
        executor.shutdown()
        thread.join()
