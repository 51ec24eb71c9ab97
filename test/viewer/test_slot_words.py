"""Words of the page about slots: sliders, names, choices of an index, and where a robot stands."""

import pytest

pytest.importorskip('viser')

from helpers.aligned import CONFIG, write_mine
from neuracore_ros.description import DataType, load_robot
from neuracore_ros.description.shipped import shipped
from neuracore_ros.viewer.robot_model import RobotModel
from neuracore_ros.viewer.slot_words import SlotWords, joint_roles

JOINTS, HANDS = DataType.JOINT_POSITIONS, DataType.END_EFFECTOR_POSES
ELBOW = (JOINTS, 3)

VELOCITIES = """
robot: fast
urdf: arm.urdf
input:
  JOINT_POSITIONS: {0: panda_joint1, 40: panda_joint2}
output:
  JOINT_VELOCITIES: {0: panda_joint1, 40: panda_joint2}
sources:
  JOINT_POSITIONS: {topic: joint_states}
commands:
  JOINT_VELOCITIES: {topic: velocities, type: Float64MultiArray}
"""


def words(*paths, editable=()):
    models = [RobotModel.of(load_robot(path)) for path in paths]
    return SlotWords(models, editable, joint_roles(models), {}, {})


def test_a_slot_is_named_by_what_its_joint_does(tmp_path):
    found = words(shipped('franka'))
    assert [found.title(slot) for slot in found.slots()][:4] == [
        '0 base yaw',
        '1 shoulder pitch',
        '2 upper-arm roll',
        '3 elbow pitch',
    ]


def test_a_slot_is_named_by_the_vocabulary_that_a_file_names(tmp_path):
    mine = write_mine(tmp_path, ('limits:', 'vocabulary: arm/1\nlimits:'))
    found = words(mine)
    assert found.title(ELBOW) == '3 right.elbow_pitch'
    row = next(row for row in found.rows() if row.slider == (ELBOW, ''))
    assert (row.group, row.label) == ('right', '3 elbow_pitch')
    assert 'bend of the elbow' in found.chosen(ELBOW, {}).meaning


def test_a_slider_reaches_as_far_as_any_robot_and_each_stands_within_its_own_limits(tmp_path):
    mine = write_mine(tmp_path)
    arm = tmp_path / 'arm.urdf'
    arm.write_text(arm.read_text().replace('lower="-3.0718"', 'lower="-1.5"'))
    found = words(shipped('franka'), mine)
    row = next(row for row in found.rows() if row.slider == (ELBOW, ''))
    assert row.ends == (-3.1, -0.05)
    sliders = {(ELBOW, ''): -3.0}
    assert found.values('franka', sliders)[ELBOW] == -3.0
    assert found.values('mine', sliders)[ELBOW] == -1.5
    assert [(at.own, at.is_at_limit) for at in found.robots_at(ELBOW, sliders)] == [
        ('-3.00 rad', False),
        ('-1.50 rad', True),
    ]


def test_an_index_is_free_or_swapped(tmp_path):
    mine = write_mine(tmp_path)
    found = words(shipped('franka'), mine, editable=['mine'])
    fixed, own = found.robots_at(ELBOW, {})
    assert not fixed.indices
    assert own.indices[3] == '3 elbow pitch'
    assert own.indices[5] == '5 wrist pitch: swap with panda_joint6'
    assert own.indices[7] == '7: free'


def test_a_joint_that_is_commanded_by_velocity_is_one_slot_and_far_indices_are_few_choices(
    tmp_path,
):
    (tmp_path / 'arm.urdf').write_bytes((CONFIG / 'franka.urdf').read_bytes())
    path = tmp_path / 'fast.yaml'
    path.write_text(VELOCITIES)
    found = words(path, editable=['fast'])
    assert found.slots() == [(JOINTS, 0), (JOINTS, 40)]
    assert found.name_at('fast', (JOINTS, 40)) == 'panda_joint2'
    (own,) = found.robots_at((JOINTS, 0), {})
    assert len(own.indices) < 40 and own.indices[40].endswith('swap with panda_joint2')


def test_a_pose_has_six_sliders_and_what_is_out_of_reach_says_so():
    found = words(shipped('franka_hand'))
    slot = (HANDS, 0)
    assert [row.label for row in found.rows()] == [
        '0 x [m]',
        '0 y [m]',
        '0 z [m]',
        '0 about x',
        '0 about y',
        '0 about z',
    ]
    assert [(at.own, at.is_at_limit) for at in found.robots_at(slot, {})] == [('reached', False)]
