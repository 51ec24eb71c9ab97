"""One robot with two arms and a hand, commanded by several topics at once, over real DDS."""

import importlib.util
import time

import numpy as np
import pytest
import torch
from rclpy.action import ActionServer
from sensor_msgs.msg import JointState
from std_msgs.msg import Float64MultiArray
from trajectory_msgs.msg import JointTrajectory

from helpers.live_robot import World
from helpers.spinning import Spinning
from neuracore_ros.description import DataType
from neuracore_ros.policy.manifest import InputSlots, Manifest, OutputSlots
from neuracore_ros.policy.torchscript import save

JOINTS = ('left_a', 'left_b', 'right_a', 'finger')
ROBOT = """
robot: two_arms
limits:
  left_a: {position: [-3, 3], velocity: 2.0}
  left_b: {position: [-3, 3], velocity: 2.0}
  right_a: {position: [-3, 3], velocity: 2.0}
  finger: {position: [0, 0.04], velocity: 0.2}
input: {JOINT_POSITIONS: {0: left_a, 1: left_b, 2: right_a, 3: finger}}
output: {JOINT_TARGET_POSITIONS: {0: left_a, 1: left_b, 2: right_a, 3: finger}}
sources: {JOINT_POSITIONS: {topic: joint_states}}
commands:
  JOINT_TARGET_POSITIONS:
    topic: left/joint_trajectory
    right_a: {topic: right/commands, type: Float64MultiArray}
    finger: FINGER
"""


class Grow(torch.nn.Module):
    """Moves the arms by 0.01 rad a step, and the finger to 0.03 m."""

    def forward(
        self, inputs: dict[str, torch.Tensor], valid: dict[str, torch.Tensor]
    ) -> dict[str, torch.Tensor]:
        steps = torch.arange(1, 21, dtype=torch.float32).reshape(1, 20, 1)
        chunk = inputs['JOINT_POSITIONS'][:, -1:].repeat(1, 20, 1) + 0.01 * steps
        chunk[:, :, 3] = 0.03
        return {'JOINT_TARGET_POSITIONS': chunk}


class TwoArms(Spinning):
    """Is at once where it is sent."""

    def __init__(self):
        super().__init__()
        self.node = self.create('two_arms')
        self.at = dict.fromkeys(JOINTS, 0.0)
        self.heard = {'left': [], 'right': [], 'finger': []}
        node = self.node
        self._joints = node.create_publisher(JointState, 'joint_states', 10)
        node.create_subscription(JointTrajectory, 'left/joint_trajectory', self._left, 10)
        node.create_subscription(Float64MultiArray, 'right/commands', self._right, 10)
        node.create_subscription(JointTrajectory, 'finger/joint_trajectory', self._finger, 10)
        self._trajectory = None
        node.create_timer(0.01, self._publish)
        self.add(node)

    def _left(self, message):
        self.heard['left'].append(message)
        self._trajectory = time.monotonic(), dict(self.at), message

    def _right(self, message):
        self.heard['right'].append(message)
        (self.at['right_a'],) = message.data

    def _finger(self, message):
        self.heard['finger'].append(message)
        (self.at['finger'],) = message.points[-1].positions

    def offer_gripper(self, kind):
        def execute(handle):
            command = handle.request.command
            self.heard['finger'].append(command)
            self.at['finger'] = command.position
            handle.abort()  # it closed on something, as grippers do
            return kind.Result(position=command.position, stalled=True)

        return ActionServer(self.node, kind, 'finger/move', execute)

    def _publish(self):
        if self._trajectory is not None:
            begun_s, start, message = self._trajectory
            elapsed_s = time.monotonic() - begun_s
            before_s, before = 0.0, [start[name] for name in message.joint_names]
            for point in message.points:
                after_s = point.time_from_start.sec + point.time_from_start.nanosec / 1e9
                if elapsed_s < after_s:
                    share = (elapsed_s - before_s) / (after_s - before_s)
                    before = [
                        a + share * (b - a) for a, b in zip(before, point.positions, strict=True)
                    ]
                    break
                before_s, before = after_s, point.positions
            self.at.update(zip(message.joint_names, before, strict=True))
        state = JointState(name=list(JOINTS), position=[self.at[name] for name in JOINTS])
        state.header.stamp = self.node.get_clock().now().to_msg()
        self._joints.publish(state)


@pytest.fixture
def two_arms(domain):
    # The witness knows other joints; only /diagnostics matter here.
    robot, world = TwoArms(), World(namespace='elsewhere')
    yield robot, world
    world.close()
    robot.close()


@pytest.fixture
def policy(tmp_path):
    slots = tuple(range(4))
    manifest = Manifest(
        {DataType.JOINT_POSITIONS: InputSlots(4, slots)},
        {DataType.JOINT_TARGET_POSITIONS: OutputSlots(4, slots)},
        rate_hz=20.0,
        horizon=20,
    )
    save(Grow(), manifest, tmp_path / 'grow.pt')
    return tmp_path / 'grow.pt'


def robot_file(folder, finger):
    path = folder / 'two_arms.yaml'
    path.write_text(ROBOT.replace('FINGER', finger))
    return path


def test_a_chunk_a_stream_of_points_and_a_plain_array_move_one_robot(
    two_arms, infer, policy, tmp_path
):
    robot, world = two_arms
    file = robot_file(tmp_path, '{topic: finger/joint_trajectory, stream: point}')
    process = infer(model=policy, robot=file, command_rate_hz=50.0)
    world.until(
        lambda: min(robot.at['left_a'], robot.at['left_b'], robot.at['right_a']) > 0.2, 'arms'
    )
    world.until(lambda: robot.at['finger'] == pytest.approx(0.03, abs=1e-6), 'the finger')
    assert world.state == 'RUNNING'
    assert process.end() == 0, process.output
    left, finger = robot.heard['left'][-1], robot.heard['finger'][-1]
    assert left.joint_names == ['left_a', 'left_b']
    assert list(left.points[-1].velocities) == [0.0, 0.0]
    assert finger.joint_names == ['finger']
    assert {len(message.data) for message in robot.heard['right']} == {1}
    # The plain array brakes point by point before the node ends.
    steps = np.diff([message.data[0] for message in robot.heard['right'][-5:]]).tolist()
    assert steps == sorted(steps, reverse=True)
    assert 0.0 <= steps[-1] < 0.002


@pytest.mark.skipif(
    importlib.util.find_spec('control_msgs') is None,
    reason='control_msgs is not installed: GripperCommand is not tried',
)
def test_a_gripper_action_gets_a_goal_for_each_noticeable_change_and_may_stall(
    two_arms, infer, policy, tmp_path
):
    from control_msgs.action import GripperCommand

    robot, world = two_arms
    server = robot.offer_gripper(GripperCommand)
    file = robot_file(tmp_path, '{topic: finger/move, type: GripperCommand, effort: 12.5}')
    process = infer(model=policy, robot=file)
    world.until(lambda: robot.at['left_a'] > 0.3, 'the arm')
    assert world.state == 'RUNNING'
    assert process.end() == 0, process.output
    server.destroy()
    wanted = [command.position for command in robot.heard['finger']]
    assert wanted[-1] == pytest.approx(0.03, abs=4e-4)
    assert np.abs(np.diff([0.0, *wanted])).min() >= 4e-4
    assert {command.max_effort for command in robot.heard['finger']} == {12.5}


@pytest.mark.skipif(
    importlib.util.find_spec('control_msgs') is not None, reason='control_msgs is installed'
)
def test_without_control_msgs_an_action_is_refused_in_one_line(two_arms, infer, policy, tmp_path):
    process = infer(
        model=policy, robot=robot_file(tmp_path, '{topic: finger/move, type: GripperCommand}')
    )
    assert process.wait() == 1
    (line,) = process.lines
    assert 'commands to finger/move: control_msgs/action/GripperCommand needs control_msgs' in line
