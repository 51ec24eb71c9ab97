"""Shipped robot files beside the vocabulary: one convention of signs and zeros, the Panda's."""

import math

import pytest

from neuracore_ros.alignment.arm import DescribedArm
from neuracore_ros.alignment.vocabulary_slots import place_in_vocabulary
from neuracore_ros.description import load_robot
from neuracore_ros.description.shipped import shipped, shipped_robots
from neuracore_ros.description.vocabulary import load_vocabulary

ARM1 = load_vocabulary('arm/1')
# docs/vocabulary.md: index -> the Panda's slot is scale * slot + offset.
PANDAS = {0: (1, 0.0), 1: (1, -0.2554), 2: (1, 0.0), 3: (-1, -0.467), 4: (1, 0.0), 5: (-1, 3.3532)}
URDFS = {'franka': 'franka', 'ur5': 'ur5', 'so100': 'so100'}
ARMS = [*URDFS, 'lift_iiwa', 'lift_kinova3', 'lift_sawyer', 'lift_xarm7']


@pytest.mark.parametrize('name', ARMS)
def test_a_shipped_arm_has_the_indices_of_the_vocabulary_and_the_signs_and_zeros_of_the_panda(
    name,
):
    robot = load_robot(shipped(name))
    urdf = robot.urdf or shipped(name).with_name(f'{URDFS[name]}.urdf')
    arm = DescribedArm.of(robot, urdf)
    placed = {place.name: place for place in place_in_vocabulary(arm.tree, ARM1).joints}
    for index, joint in arm.joints().items():
        place = placed[joint]
        assert place.index == index
        if index in PANDAS:  # The flange is turned to the fingers, which not every URDF has.
            scale, offset = PANDAS[index]
            mine = scale * place.scale, scale * place.offset + offset
            assert arm.sense(joint)[0] == mine[0]
            off = math.remainder(arm.sense(joint)[1] - mine[1], 2 * math.pi)
            assert off == pytest.approx(0.0, abs=1e-3), joint


def test_no_shipped_file_claims_a_vocabulary_that_it_does_not_follow():
    for name in shipped_robots():
        assert load_robot(shipped(name)).vocabulary is None, name


def test_an_arm_that_is_drawn_upright_says_that_its_front_is_not_known():
    jaco = DescribedArm.of(load_robot(shipped('lift_jaco')))
    (doubt,) = place_in_vocabulary(jaco.tree, ARM1).doubts
    assert 'which way is forward' in doubt
    xarm = DescribedArm.of(load_robot(shipped('lift_xarm7')))
    assert place_in_vocabulary(xarm.tree, ARM1).doubts == ()


def test_only_the_joints_that_are_asked_for_are_placed():
    tree = DescribedArm.of(load_robot(shipped('lift_xarm7'))).tree
    names = ['joint1', 'joint2', 'joint3', 'joint4', 'joint5']
    found = place_in_vocabulary(tree, ARM1, names)
    assert [place.name for place in found.joints] == names
    assert not place_in_vocabulary(tree, ARM1, []).joints
