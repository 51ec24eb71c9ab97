"""The robot files that the package ships."""

import os
from pathlib import Path

import pytest

from neuracore_ros.description import DataType, load_descriptions, load_robot
from neuracore_ros.description.shipped import robot_file, shipped
from neuracore_ros.description.urdf import read_urdf
from neuracore_ros.errors import DescriptionError

CONFIG = Path(__file__).resolve().parents[2] / 'config'
TARGETS = DataType.JOINT_TARGET_POSITIONS
SETS = {'franka_ur5', 'franka_ur5_hands', 'lift', 'lift_arms', 'lift_hands'}


@pytest.mark.parametrize(
    ('name', 'urdf'), [('franka', 'panda'), ('ur5', 'ur5_robot'), ('so100', 'so100')]
)
def test_limits_are_those_of_the_urdf(urdfs, name, urdf):
    robot = load_robot(CONFIG / f'{name}.yaml')
    limits = read_urdf(urdfs / f'{urdf}.urdf').limits
    for joint in robot.output[TARGETS].values():
        known = limits[joint]
        limit = robot.limits[TARGETS, joint]
        assert (limit.lower, limit.upper) == pytest.approx(known.position)
        assert limit.velocity == known.velocity


def test_the_franka_of_today_shares_all_slots_with_the_simulated_one():
    fr3, franka = (load_robot(CONFIG / f'{name}.yaml') for name in ('fr3', 'franka'))
    for kind, slots in franka.output.items():
        for index, name in slots.items():
            assert fr3.output[kind][index] == name.replace('panda', 'fr3')
            assert fr3.limits[kind, fr3.output[kind][index]].acceleration == 10.0
    assert fr3.input.keys() == franka.input.keys()


def test_the_arm_of_droid_is_the_franka_of_today_with_a_gripper_and_a_camera_beside_it():
    droid, fr3 = (load_robot(CONFIG / f'{name}.yaml') for name in ('fr3_droid', 'fr3'))
    assert droid.output[TARGETS] == fr3.output[TARGETS]
    for name in fr3.output[TARGETS].values():
        assert droid.limits[TARGETS, name] == fr3.limits[TARGETS, name]
    assert droid.input[DataType.RGB_IMAGES] == {0: 'exterior', 1: 'wrist'}
    (grip,) = (each for each in droid.commands() if 'gripper' in each.topic)
    # The knuckle closes from 0 to 0.8 rad.
    (knuckle,) = grip.slots
    assert [knuckle.to_message(opening) for opening in (1.0, 0.0)] == pytest.approx([0.0, 0.8])


@pytest.mark.parametrize('name', ['franka', 'fr3', 'ur5', 'so100', 'franka_hand', 'so100_hand'])
def test_a_shipped_robot_has_all_that_every_tool_needs(name):
    robot = load_robot(CONFIG / f'{name}.yaml')
    assert robot.input_sources() and robot.output_sources() and robot.measured_sources()
    (command,) = robot.commands()
    assert not command.topic.startswith('/'), 'one file must serve two namespaces'


def test_the_shipped_robots_share_one_layout():
    descriptions = load_descriptions([CONFIG / 'franka_ur5.yaml'])
    assert descriptions.input_layout.widths == {
        DataType.JOINT_POSITIONS: 7,
        DataType.RGB_IMAGES: 2,
    }
    so100 = load_robot(CONFIG / 'so100.yaml')
    descriptions.input_layout.require(so100.input)
    descriptions.output_layout.require(so100.output)


def test_the_shipped_robots_are_found_by_name():
    files = {path.stem: path for path in CONFIG.rglob('*.yaml') if path.parent.name != 'servers'}
    del files['vocabulary']
    assert {'fr3', 'franka', 'franka_ur5', 'so100', 'ur5'} <= files.keys()
    for name, path in files.items():
        assert shipped(name) == robot_file(name) == path
        assert name in SETS or load_robot(path).name == name


def test_a_workspace_may_ship_further_robots(tmp_path, monkeypatch):
    config = tmp_path / 'share' / 'neuracore_ros' / 'config'
    config.mkdir(parents=True)
    (config / 'other.yaml').write_text('robot: other')
    monkeypatch.setenv('AMENT_PREFIX_PATH', f'/nowhere{os.pathsep}{tmp_path}')
    assert shipped('other') == robot_file('other') == config / 'other.yaml'
    with pytest.raises(
        DescriptionError, match="no robot file 'third' is shipped. There are: other"
    ):
        shipped('third')
