"""Goals of both gripper actions, filled as their controllers read them; no control_msgs needed."""

import sys
from types import ModuleType, SimpleNamespace

import pytest

pytest.importorskip('rclpy')

import numpy as np
from sensor_msgs.msg import JointState

from neuracore_ros.description import load_robot
from neuracore_ros.errors import DescriptionError
from neuracore_ros.node.actions import open_action
from neuracore_ros.runner import JointCommand

ROBOT = """
robot: hand
limits: {knuckle: {position: [0.0, 0.8], velocity: 0.5}}
input: {PARALLEL_GRIPPER_OPEN_AMOUNTS: {0: knuckle}}
output: {PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS: {0: knuckle}}
sources:
  PARALLEL_GRIPPER_OPEN_AMOUNTS: {topic: joint_states, scale: -1.25, offset: 1.0}
  PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS: {topic: hand/told, scale: -1.25, offset: 1.0}
commands:
  PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS:
    topic: hand/gripper_cmd
    type: TYPE
    scale: -1.25
    offset: 1.0
    names: {knuckle: robotiq_85_left_knuckle_joint}
"""


class Action:
    """An action class as ROS makes them, with the parts that are used."""

    class Impl:
        class SendGoalService:
            @staticmethod
            def Request(goal_id, goal):
                return SimpleNamespace(goal_id=goal_id, goal=goal)

        GetResultService = None

    def __init__(self, command):
        self._command = command

    def Goal(self):
        return SimpleNamespace(command=self._command())


@pytest.fixture
def opened(tmp_path, monkeypatch):
    """Opens the action of a type; gives it, what was sent, and what was logged."""

    def open_(kind, more='', has=('GripperCommand', 'ParallelGripperCommand')):
        action = ModuleType('control_msgs.action')
        for name in has:
            empty = JointState if name.startswith('Parallel') else SimpleNamespace
            setattr(action, name, Action(empty))
        package = ModuleType('control_msgs')
        package.action = action
        monkeypatch.setitem(sys.modules, 'control_msgs', package)
        monkeypatch.setitem(sys.modules, 'control_msgs.action', action)
        sent, logged = [], []

        def call_async(request):
            sent.append(request.goal.command)
            return SimpleNamespace(add_done_callback=lambda done: None)

        client = SimpleNamespace(call_async=call_async)
        node = SimpleNamespace(
            create_client=lambda kind, name: client,
            get_subscriptions_info_by_topic=lambda topic: [],
            get_fully_qualified_name=lambda: '/infer',
            get_logger=lambda: SimpleNamespace(warning=logged.append),
        )
        path = tmp_path / 'hand.yaml'
        path.write_text(ROBOT.replace('TYPE', kind) + more)
        (command,) = load_robot(path).commands()
        return open_action(node, command, lambda why: None), sent, logged

    return open_


def command(position):
    times = np.array([0.05])
    return JointCommand('hand/gripper_cmd', '', ('knuckle',), times, np.array([[position]]), None)


def test_a_parallel_gripper_is_told_its_joint_and_position(opened):
    output, sent, _ = opened('ParallelGripperCommand')
    output.send(command(0.4))
    assert sent[0].name == ['robotiq_85_left_knuckle_joint']
    assert list(sent[0].position) == [0.4]
    # Without an effort in the file, the controller takes its own.
    assert list(sent[0].effort) == [] and list(sent[0].velocity) == []


def test_its_effort_is_that_of_the_file(opened):
    output, sent, _ = opened('control_msgs/action/ParallelGripperCommand', '    effort: 20.0\n')
    output.send(command(0.4))
    assert list(sent[0].effort) == [20.0]


def test_a_gripper_command_has_the_fields_of_before(opened):
    output, sent, _ = opened('GripperCommand', '    effort: 20.0\n')
    output.send(command(0.4))
    assert (sent[0].position, sent[0].max_effort) == (0.4, 20.0)


@pytest.mark.parametrize('kind', ['GripperCommand', 'ParallelGripperCommand'])
def test_a_change_of_less_than_a_percent_is_no_goal_but_an_end_is(opened, kind):
    output, sent, _ = opened(kind)
    for position in (0.4, 0.404, 0.41, 0.798, 0.8, 0.8):
        output.send(command(position))
    positions = np.ravel([each.position for each in sent]).tolist()
    assert positions == [0.4, 0.41, 0.798, 0.8]


def test_a_gripper_that_gives_up_says_where_it_is_unless_it_stalls(opened):
    output, _, logged = opened('ParallelGripperCommand')
    result = SimpleNamespace(state=JointState(position=[0.35]), stalled=False)
    output._lost('gave up its goal', result)
    result.stalled = True
    output._lost('gave up its goal', result)
    assert logged == ['hand/gripper_cmd gave up its goal: the gripper is at 0.3500']


def test_a_ros_that_has_no_such_action_says_so_in_one_line(opened):
    with pytest.raises(DescriptionError, match='have no ParallelGripperCommand; its gripper'):
        opened('ParallelGripperCommand', has=('GripperCommand',))


def test_one_goal_moves_one_gripper(tmp_path):
    text = ROBOT.replace('TYPE', 'ParallelGripperCommand')
    text = text.replace('{0: knuckle}', '{0: knuckle, 1: thumb}').replace(
        'limits: {', 'limits: {thumb: {position: [0.0, 1.0], velocity: 0.5}, '
    )
    path = tmp_path / 'hand.yaml'
    path.write_text(text)
    with pytest.raises(DescriptionError, match='a ParallelGripperCommand moves one gripper, not'):
        load_robot(path).commands()
