"""A hand that is commanded by its pose, on real topics: what its policy may never make it do."""

import time

import numpy as np
import pytest
from std_msgs.msg import Float64MultiArray

from helpers.live_robot import (
    DEFAULTS,
    INFER_NODE,
    SIM_ROBOT,
    UR5,
    Running,
    World,
    ros_arguments,
)
from helpers.pose_policy import ORDERS, write_pose_policy
from neuracore_ros.description import load_robot
from neuracore_ros.kinematics.chain import ChainKinematics

VELOCITY = np.array([3.15, 3.15, 3.15, 3.2, 3.2, 3.2])
FLOOR_M = 0.05

ROBOT = f"""
robot: ur5
urdf: {UR5.with_suffix('.urdf')}
chains:
  hand:
    base: base_link
    tip: wrist_3_link
    tip_offset: {{xyz: [0, 0.2123, 0], rpy: [-1.5708, 0, 0]}}
    workspace: {{z: [{FLOOR_M}, 1.5]}}
input: {{END_EFFECTOR_POSES: {{0: hand}}, CUSTOM_1D: {{0: order}}}}
output: {{END_EFFECTOR_POSES: {{0: hand}}}}
sources:
  END_EFFECTOR_POSES: {{topic: joint_states}}
  CUSTOM_1D: {{topic: order, type: Float64MultiArray, order: [order]}}
commands: {{END_EFFECTOR_POSES: {{topic: arm_controller/joint_trajectory}}}}
"""


class PoseWorld:
    """A simulated UR5, a node whose policy takes orders, and a witness."""

    def __init__(self, folder):
        path = folder / 'hand.yaml'
        path.write_text(ROBOT)
        self.hand = ChainKinematics(load_robot(path).chains['hand'])
        self.sim = Running(SIM_ROBOT, '--robot', 'ur5', '--seed', 1, '--no-clock')
        self.world = World()
        self.order = 0.0
        orders = self.world.node.create_publisher(Float64MultiArray, 'order', 10)
        self.world.node.create_timer(
            0.05, lambda: orders.publish(Float64MultiArray(data=[self.order]))
        )
        self.world.until(lambda: len(self.world.motion) > 12, 'joint states')
        values = {**DEFAULTS, 'robot': str(path), 'model': str(write_pose_policy(folder / 'p.pt'))}
        self.node = Running(INFER_NODE, *ros_arguments(values))

    def give(self, name):
        self.order = float(ORDERS[name]) if name else 0.0

    def check(self):
        """No joint was faster than its limit, and no command was refused."""
        times = np.array([at for at, _ in self.world.motion])
        path = np.array([positions for _, positions in self.world.motion])
        # Over three samples, since their stamps are not exact.
        passed = times[3:] - times[:-3]
        speeds = np.abs(path[3:] - path[:-3])[passed > 0.0] / passed[passed > 0.0][:, None]
        assert (speeds <= 1.1 * VELOCITY).all(), speeds.max(axis=0)
        assert self.world.refused == []

    def close(self):
        assert self.sim.end() == 0, self.sim.output
        self.node.end()
        assert 'Traceback' not in self.node.output
        self.world.close()


@pytest.fixture(scope='module')
def robot(domain, tmp_path_factory):
    robot = PoseWorld(tmp_path_factory.mktemp('hand'))
    yield robot
    robot.close()


@pytest.fixture
def moving(robot):
    """The hand swings, and what was seen before is forgotten."""
    robot.give('')
    robot.world.until(lambda: robot.world.state is not None, 'diagnostics')
    if robot.world.state == 'HOLDING':
        robot.world.enable(True)
    robot.world.until_state('RUNNING')
    robot.world.until(lambda: abs(robot.world.speed()) > 0.2, 'a swinging hand')
    robot.world.motion.clear()
    return robot


@pytest.mark.parametrize(
    ('order', 'reason', 'after'),
    [
        ('far', "'hand' cannot reach", 'by itself'),
        ('base', "'hand' cannot reach", 'by itself'),
        ('flip', "'hand' cannot reach", 'by itself'),
        ('leap', "'hand' cannot reach", 'by itself'),
        ('long quaternion', 'a quaternion of length 1.5', 'after `~/enable`'),
        ('no quaternion', 'a quaternion of length 0', 'after `~/enable`'),
        ('nan', 'nan', 'after `~/enable`'),
    ],
)
def test_a_pose_that_cannot_be_is_not_executed(moving, order, reason, after):
    world = moving.world
    moving.give(order)
    world.until_state('HOLDING', reason)
    world.until_still(5.0)
    moving.check()
    moving.give('')
    if after != 'by itself':
        world.stays('HOLDING', 0.5)
        assert world.enable(True).success
    world.until_state('RUNNING')
    world.until(lambda: abs(world.speed()) > 0.2, 'a swinging hand')
    moving.check()


def test_a_hand_is_never_sent_below_its_workspace(moving):
    moving.give('out')
    heights = []
    end_s = time.monotonic() + 4.0
    while time.monotonic() < end_s:
        moving.world.let_pass(0.1)
        heights.append(moving.hand.pose(moving.world.positions)[2])
    assert min(heights) > FLOOR_M - 0.01
    assert min(heights) < FLOOR_M + 0.05, 'it never came near'
    assert moving.world.state == 'RUNNING' and int(
        moving.world.diagnostics['infer: inference']['clamps']
    )
    moving.check()


def test_a_spinning_hand_is_held_or_slowed(moving):
    moving.give('spin')
    moving.world.let_pass(2.0)
    moving.check()


def test_a_killed_node_leaves_the_hand_at_rest(moving):
    world = moving.world
    moving.node.process.kill()
    world.until_still(3.0)
    moving.check()
