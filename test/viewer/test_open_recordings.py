"""The recordings of the page: each once, and what of them is not as the robot file says."""

import pytest

pytest.importorskip('viser')

from helpers.aligned import CONFIG, write_mine
from helpers.three_arms import write_arm_bag
from neuracore_ros.description import load_robot
from neuracore_ros.viewer.edited_robots import EditedRobots
from neuracore_ros.viewer.recordings import OpenRecordings
from neuracore_ros.viewer.robot_file_editor import RobotFileEditor
from neuracore_ros.viewer.robot_model import RobotModel

DEGREES = '{topic: joint_states, scale: 57.29578}'


def robots_of(*paths):
    models = [RobotModel.of(load_robot(path)) for path in paths]
    editors = {model.name: RobotFileEditor.open(model.robot.path) for model in models}
    return EditedRobots(models, editors)


@pytest.fixture
def bag(tmp_path):
    return write_arm_bag(tmp_path / 'bag', 'franka', ('wrist', 'overhead'))


def test_a_recording_that_is_given_twice_is_there_once(tmp_path, bag):
    robots = robots_of(write_mine(tmp_path), write_mine(tmp_path, robot='other'))
    opened = OpenRecordings(robots, [('mine', bag), ('mine', bag), ('other', bag)])
    assert opened.names == [f'mine: {bag}', f'other: {bag}']
    assert [opened.robot(place) for place in (0, 1)] == ['mine', 'other']
    assert opened.notes(0) == []


def test_values_in_another_unit_are_told(tmp_path, bag):
    degrees = ('JOINT_POSITIONS: {topic: joint_states}', f'JOINT_POSITIONS: {DEGREES}')
    opened = OpenRecordings(robots_of(write_mine(tmp_path, degrees)), [('mine', bag)])
    (note,) = opened.notes(0)
    assert note.startswith("'panda_joint1' is recorded from 0 to 17.2, far outside of -2.9 to 2.9")
    assert 'likewise panda_joint2, ' in note


def test_what_was_not_recorded_is_told(tmp_path):
    bag = write_arm_bag(tmp_path / 'bag', 'franka', ('wrist',))
    opened = OpenRecordings(robots_of(CONFIG / 'franka.yaml'), [('franka', bag)])
    assert [note.partition(': ')[0] for note in opened.notes(0)] == [
        f'{bag} has no overhead/image_raw of sensor_msgs/msg/Image'
    ]
