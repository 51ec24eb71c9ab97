"""What `check --live` reads of the joints of a chain, without a graph."""

import pytest

pytest.importorskip('rclpy')
from rclpy.serialization import serialize_message
from sensor_msgs.msg import JointState

from helpers.observer_examples import MS, T0
from helpers.small_chain import JOINTS, describe
from neuracore_ros.description import load_robot
from neuracore_ros.node.live.names import read_names


@pytest.fixture
def read(tmp_path):
    robot = load_robot(describe(tmp_path))
    sources = (*robot.input_sources(), *robot.all_measured())

    def run(names, positions):
        came = []
        for step in range(5):
            now = T0 + 20 * step * MS
            message = JointState(name=list(names), position=list(positions))
            message.header.stamp.sec, message.header.stamp.nanosec = divmod(now, 10**9)
            came.append((now, serialize_message(message)))
        return read_names(robot, sources, {'/joint_states': came})

    return run


def test_the_joints_of_a_chain_are_found_where_they_are(read):
    contents = read(JOINTS, [0.1, 0.2, 0.3])
    assert contents.faults == {}
    found = {each.joint.name: each.position for each in contents.joints}
    assert found == dict(zip(JOINTS, map(pytest.approx, (0.1, 0.2, 0.3)), strict=True))


def test_a_joint_of_a_chain_that_is_not_there_is_named(read):
    (texts,) = read(['shoulder', 'elbow', 'turn_joint'], [0.1, 0.2, 0.3]).faults.values()
    said = '; '.join(texts)
    assert "/joint_states lacks 'turn'" in said
    assert 'turn_joint' in said


def test_a_chain_with_a_joint_that_is_not_finite_has_no_pose(read):
    (texts,) = read(JOINTS, [0.1, float('nan'), 0.3]).faults.values()
    assert any('elbow' in text for text in texts)


def test_sources_of_a_chain_are_counted_like_any_other(tmp_path):
    robot = load_robot(describe(tmp_path))
    sources = [*robot.input_sources(), *robot.input_sources()]
    assert len(dict.fromkeys(sources)) == 1
