"""Drafts from features of LeRobot datasets: names, cameras, and units that a person chooses."""

import math
import re

import pytest
import yaml

from helpers.drawn_arms import joint, urdf
from neuracore_ros.description import DataType
from neuracore_ros.description.robot_file import parse_robot
from neuracore_ros.errors import UserError
from neuracore_ros.kinematics.joint_tree import parse_joint_tree
from neuracore_ros.scaffold.draft import draft
from neuracore_ros.scaffold.draft_texts import DraftOrigin
from neuracore_ros.scaffold.facts import Facts, ImageTopic, NumberTopic, ObservedMotion
from neuracore_ros.yaml_value import parse_yaml

STATE, IMAGE = 'sensor_msgs/msg/JointState', 'sensor_msgs/msg/Image'
POSITIONS, TARGETS = 'JOINT_POSITIONS', 'JOINT_TARGET_POSITIONS'
OPENINGS = 'PARALLEL_GRIPPER_OPEN_AMOUNTS'
SO = urdf(joint('pan', '0 0 1'), joint('lift', '0 1 0', after='pan'), joint('jaw', after='lift'))


def feature(key, *names, width=0, lower=-60.0, upper=60.0, jaw=(2.0, 95.0)):
    """A feature whose joints move so, and whose gripper is open by some percent."""
    keys = names or map(str, range(width))
    motions = {k: ObservedMotion(*(jaw if 'jaw' in k else (lower, upper)), 30.0) for k in keys}
    width = width or len(names)
    return NumberTopic(key, STATE, 90, names, width, motions, 1 / 30, is_feature=True)


def drafted(*numbers, arm=SO, images=(), task=''):
    """The draft, its YAML, and what it says."""
    tree = parse_joint_tree(arm, 'so.urdf') if arm else None
    pictures = tuple(ImageTopic(key, IMAGE, count=20, is_feature=True) for key in images)
    facts = Facts(numbers, pictures, task=task)
    made = draft(facts, tree, DraftOrigin('so', ('here',), is_recorded=True))
    return yaml.safe_load(made.text), made


def chosen(text, unit):
    """The draft with the lines below a question uncommented."""
    lines, is_chosen = [], False
    for line in text.splitlines():
        if 'guessed: ' in line:
            is_chosen = f'in {unit}?' in line
        elif is_chosen:
            lines.append(re.sub(r'^( +)# (?=[a-z_]+: )', r'\1', line))
            continue
        lines.append(line)
    return '\n'.join(lines) + '\n'


PAIR = (
    feature('observation.state', 'pan.pos', 'lift.pos', 'jaw.pos'),
    feature('action', 'pan.pos', 'lift.pos', 'jaw.pos'),
)


def test_joints_have_the_names_of_the_urdf_and_messages_keep_theirs():
    robot, made = drafted(*PAIR)
    assert robot['input'][POSITIONS] == {0: 'pan', 1: 'lift'}
    assert robot['sources'][POSITIONS]['topic'] == 'observation.state'
    assert robot['sources'][POSITIONS]['names'] == {'pan': 'pan.pos', 'lift': 'lift.pos'}
    assert robot['sources'][TARGETS]['topic'] == 'action'
    assert robot['sources'][OPENINGS]['names'] == {'jaw': 'jaw.pos'}
    assert 'type' not in made.text  # A feature serves all types.


def test_older_names_begin_with_main():
    robot, _ = drafted(feature('observation.state', 'main_pan', 'main_lift', 'main_jaw'))
    assert robot['sources'][POSITIONS]['names'] == {'pan': 'main_pan', 'lift': 'main_lift'}
    robot, _ = drafted(feature('observation.state', 'main_pan', 'main_lift'), arm='')
    assert robot['input'][POSITIONS] == {0: 'main_pan', 1: 'main_lift'}


def test_what_drives_the_robot_has_its_own_names():
    robot, made = drafted(*PAIR)
    assert 'names' not in robot['commands'][TARGETS]
    assert 'action is a feature of a dataset, where nothing can be sent' in made.text


def test_units_are_asked_for_and_none_is_written():
    robot, made = drafted(*PAIR)
    for kind in (POSITIONS, OPENINGS, TARGETS):
        assert 'scale' not in robot['sources'][kind]
    said = '\n'.join(made.warnings)
    assert 'observation.state: in degrees, or in percent of its range, -100 to 100?' in said
    assert 'jaw: its values are 2 to 95, its range -2 to 2: percent, 0 closed, or degrees?' in said


def test_the_lines_of_degrees_are_right_once_they_are_uncommented(tmp_path):
    text = chosen(drafted(*PAIR)[1].text, 'degrees')
    robot = parse_robot(parse_yaml(text, tmp_path / 'so.yaml'), tmp_path / 'so.yaml')
    joints = [s for s in robot.input_sources() if s.data_type is DataType.JOINT_POSITIONS]
    scales = {source.name: source.scale for source in joints}
    assert scales == pytest.approx({'pan': math.pi / 180, 'lift': math.pi / 180}, rel=1e-5)


def test_the_lines_of_percent_take_its_ends_for_the_limits(tmp_path):
    text = chosen(drafted(*PAIR)[1].text, 'percent of its range, -100 to 100')
    robot = parse_robot(parse_yaml(text, tmp_path / 'so.yaml'), tmp_path / 'so.yaml')
    pan, *_ = robot.output_sources()
    assert (pan.value(-100.0), pan.value(100.0)) == pytest.approx((-2.0, 2.0))


def test_percent_alone_is_asked_for_too():
    arm = urdf(*(joint(name, limit=(0.0, 1.2)) for name in ('pan', 'lift')))
    moved = feature('observation.state', 'pan', 'lift', lower=-99.0, upper=98.0)
    _, made = drafted(moved, arm=arm)
    assert '# guessed: in percent of its range, -100 to 100? A dataset does not say' in made.text
    assert 'in degrees' not in made.text


def test_what_is_measured_cannot_be_is_not_asked_of_commands():
    measured = feature('observation.state', 'pan', 'lift', lower=-60.0, upper=109.0)
    _, made = drafted(measured, feature('action', 'pan', 'lift'))
    assert made.text.count('in degrees?') == 2 and 'percent' not in made.text


def test_values_in_radians_raise_no_question():
    robot, made = drafted(feature('observation.state', 'pan', 'lift', lower=-1.5, upper=1.5))
    assert 'its unit' not in made.text and 'scale' not in robot['sources'][POSITIONS]


def test_without_a_urdf_limits_are_guessed_by_the_unit_that_is_asked_for():
    robot, made = drafted(*PAIR, arm='')
    assert robot['limits']['pan']['position'] == pytest.approx([-1.05, 1.05])
    assert 'the speed that was seen; if in degrees' in made.text
    assert 'give --urdf: its limits make the scale' in made.text
    # Closed and open are where it was seen to end, in whatever unit.
    assert robot['limits']['jaw'] == {'position': [2.0, 95.0], 'velocity': 30.0}


def test_numbers_without_names_have_an_order():
    robot, _ = drafted(feature('observation.state', width=3))
    assert robot['sources'][POSITIONS]['order'] == ['pan', 'lift', 'jaw']
    robot, _ = drafted(feature('observation.state', width=2), arm='')
    assert robot['sources'][POSITIONS]['order'] == ['joint_1', 'joint_2']


def test_the_pose_of_a_hand_is_no_joints():
    names = ['x', 'y', 'z', 'roll', 'pitch', 'yaw', 'pan']
    robot, made = drafted(feature('observation.state', *names, lower=-1.0, upper=1.0), arm='')
    assert robot['input'][POSITIONS] == {0: 'pan'}
    assert any('x, y, z, roll, pitch, yaw (a number of the pose' in text for text in made.warnings)
    with pytest.raises(UserError, match='CUSTOM_1D'):
        drafted(feature('observation.state', *names[:6]), arm='')


def test_joints_that_are_called_x_and_y_by_the_urdf_stay_joints():
    arm = urdf(joint('x', '1 0 0'), joint('y', '0 1 0', after='x'), joint('z', after='y'))
    robot, _ = drafted(feature('observation.state', 'x', 'y', 'z', lower=-1, upper=1), arm=arm)
    assert len(robot['input'][POSITIONS]) == 3


@pytest.mark.parametrize(
    ('key', 'name'),
    [
        ('observation.images.front', 'front'),
        ('observation.images.cam_left_wrist', 'cam_left_wrist'),
        ('observation.image', 'camera'),
        ('wrist_image', 'wrist'),
    ],
)
def test_cameras_are_called_as_their_features_are(key, name):
    robot, _ = drafted(*PAIR, images=[key])
    assert robot['sources']['RGB_IMAGES'] == {name: {'topic': key}}


def test_a_dataset_with_a_task_has_a_slot_for_it():
    assert drafted(*PAIR, task='pick the cube')[0]['input']['LANGUAGE'] == {0: 'instruction'}
    assert 'LANGUAGE' not in drafted(*PAIR)[0]['input']
