"""A human's topic that is one of the robot's own on the graph, by a namespace or a remapping."""

from types import SimpleNamespace

import pytest

from helpers.small_chain import ROBOT, describe
from helpers.takeover_rig import LED
from neuracore_ros.description import load_robot
from neuracore_ros.errors import UserError
from neuracore_ros.node.teleop_topics import require_own_topics


def node(**remapped):
    """A node in the namespace /left."""

    def resolve(topic):
        topic = remapped.get(topic, topic)
        return topic if topic.startswith('/') else f'/left/{topic}'

    return SimpleNamespace(resolve_topic_name=resolve)


@pytest.fixture
def robot(tmp_path):
    def load(text):
        path = tmp_path / 'robot.yaml'
        path.write_text(text)
        return load_robot(path)

    return load


def check(node, robot):
    read = (*robot.input_sources(), *robot.measured_sources())
    commands = [command.topic for command in robot.all_commands()]
    require_own_topics(node, robot.teleop_sources(), read, commands)


def test_a_leader_with_a_topic_of_its_own_is_taken(robot):
    check(node(), robot(LED))


def test_a_leader_that_is_the_measured_robot_in_this_namespace_is_refused(robot):
    led = robot(LED.replace('topic: leader', 'topic: /left/joint_states'))
    with pytest.raises(UserError) as caught:
        check(node(), led)
    assert str(caught.value) == (
        "teleop of JOINT_TARGET_POSITIONS: 'a' is read from /left/joint_states, here "
        "/left/joint_states, where 'a' is measured (joint_states): the robot would be sent where "
        'it is. Give the topic of the leader'
    )


def test_a_remapping_onto_the_measured_joints_is_refused(robot):
    with pytest.raises(UserError, match="where 'a' is measured"):
        check(node(leader='/left/joint_states'), robot(LED))


def test_a_remapping_onto_the_commands_is_refused(robot):
    with pytest.raises(UserError, match=r'where this node commands the robot \(arm\)'):
        check(node(leader='/left/arm'), robot(LED))


def test_a_leader_with_names_of_its_own_may_share_the_topic(robot):
    names = 'topic: /left/joint_states, names: {a: leader_a, b: leader_b}'
    check(node(), robot(LED.replace('topic: leader', names)))


def test_the_joints_of_a_chain_that_are_the_measured_ones_are_refused(tmp_path):
    text = ROBOT.replace(
        'input: {END_EFFECTOR_POSES: {0: hand}}',
        'input: {JOINT_POSITIONS: {0: shoulder, 1: elbow, 2: turn}}',
    ).replace('sources: {END_EFFECTOR_POSES:', 'sources: {JOINT_POSITIONS:')
    led = 'teleop: {END_EFFECTOR_POSES: {topic: /joint_states, type: JointState}}\n'
    with pytest.raises(UserError, match="'hand' is read from /joint_states"):
        check(node(), load_robot(describe(tmp_path, text + led)))
