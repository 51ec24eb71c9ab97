"""The vocabulary that the package ships: what labs have relied on since it was first shipped."""

import re

import pytest

from neuracore_ros.description import DataType
from neuracore_ros.description.vocabulary import load_vocabulary

ARM1 = load_vocabulary('arm/1')
# Never to change: data and policies everywhere name it. What should be otherwise is arm/2.
SHA256 = '7ba1bd03aa397a751978022df51e25324878e01da4655c5d8762339630e2d402'
JOINTS = (
    'shoulder_yaw', 'shoulder_pitch', 'upper_arm_roll', 'elbow_pitch', 'forearm_roll',
    'wrist_pitch', 'flange_roll',
)  # fmt: skip


def test_the_rules_are_those_that_were_first_shipped():
    assert ARM1.sha256 == SHA256


def test_two_arms_come_first_each_in_the_order_of_a_panda():
    names = ARM1.names(DataType.JOINT_POSITIONS)
    assert [names[i] for i in range(7)] == [f'right.{joint}' for joint in JOINTS]
    assert [names[i] for i in range(7, 14)] == [f'left.{joint}' for joint in JOINTS]


@pytest.mark.parametrize('group', ['joints', 'grippers', 'poses', 'numbers'])
def test_every_slot_of_a_number_has_a_unit_a_sign_a_zero_and_a_meaning(group):
    for slot in ARM1.slots[group].values():
        assert all((slot.unit, slot.sign, slot.zero, slot.meaning)), slot.name


def test_the_left_arm_has_the_rules_of_the_right_one():
    for slots in (ARM1.slots['joints'], ARM1.slots['grippers'], ARM1.slots['poses']):
        by_name = {slot.name: slot for slot in slots.values()}
        for name, slot in by_name.items():
            if name.startswith('left.'):
                right = by_name[name.replace('left.', 'right.')]
                assert (slot.unit, slot.sign, slot.zero) == (right.unit, right.sign, right.zero)


def test_indices_of_your_own_begin_behind_the_slots_with_room_for_a_later_vocabulary():
    for group, slots in ARM1.slots.items():
        assert sorted(slots) == list(range(len(slots))), group
        assert len(slots) <= ARM1.own_from[group], group


def test_a_rule_is_a_sentence_that_names_no_robot_but_as_an_example():
    for slots in ARM1.slots.values():
        for slot in slots.values():
            for text in (slot.sign, slot.zero, slot.meaning):
                assert re.search(r'Panda|Franka|URDF', text) is None, slot.name
