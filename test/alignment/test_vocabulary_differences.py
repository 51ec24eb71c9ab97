"""Robots whose files name the vocabulary, held against its rules."""

import pytest

from helpers.drawn_arms import joint, urdf
from neuracore_ros.alignment.arm import DescribedArm
from neuracore_ros.alignment.differences import differences
from neuracore_ros.alignment.roles import Role
from neuracore_ros.description import load_robot

ARM = urdf(
    joint('pan', '0 0 1'),
    joint('lift', '0 1 0', after='pan'),
    joint('elbow', '0 1 0', xyz='0.3 0 0', after='lift'),
    joint('wrist', '0 1 0', xyz='0.3 0 0', after='elbow'),
    joint('roll', '1 0 0', xyz='0.1 0 0', after='wrist'),
    joint('tool', kind='fixed', xyz='0.1 0 0', after='roll'),
)
RIGHT = {
    'right.shoulder_yaw': 'pan',
    'right.shoulder_pitch': 'lift',
    'right.elbow_pitch': 'elbow',
    'right.wrist_pitch': 'wrist',
    'right.flange_roll': 'roll',
}
SENSE = {'lift': '{offset: 1.5708}'}


@pytest.fixture
def described(tmp_path):
    def describe(
        slots=RIGHT, sense=SENSE, vocabulary='vocabulary: arm/1\n', name='arm', topic='j'
    ):
        (tmp_path / 'arm.urdf').write_text(ARM)
        joints = ', '.join(f'{slot}: {joint}' for slot, joint in slots.items())
        options = ''.join(f', {joint}: {text}' for joint, text in sense.items())
        path = tmp_path / f'{name}.yaml'
        path.write_text(
            f'robot: {name}\n{vocabulary}urdf: arm.urdf\n'
            f'input: {{JOINT_POSITIONS: {{{joints}}}}}\noutput: {{}}\n'
            f'sources: {{JOINT_POSITIONS: {{topic: {topic}{options}}}}}\n'
        )
        return DescribedArm.of(load_robot(path))

    return describe


def texts(*arms):
    return [finding.text for finding in differences(arms)]


def test_a_file_that_follows_the_rules_is_silent_also_alone(described):
    assert texts(described()) == []
    assert texts(described(), described(name='other')) == []


def test_a_turned_sign_and_a_wrong_zero_are_told_from_the_rules_alone(described):
    (turned,) = texts(described(sense={**SENSE, 'elbow': '{scale: -1.0}'}))
    assert "'elbow' of arm turns the other way than 'right.elbow_pitch'" in turned
    assert 'Write {scale: 1, offset: 0} under sources and commands for it' in turned
    (zero,) = texts(described(sense={}))
    assert "'lift' of arm has its zero 1.57 rad away from that of 'right.shoulder_pitch'" in zero
    assert '{scale: 1, offset: 1.571}' in zero


def test_of_two_robots_the_one_that_breaks_the_rules_is_named_whichever_is_first(described):
    right, wrong = described(), described(name='wrong', sense={})
    for arms in ((right, wrong), (wrong, right)):
        (text,) = texts(*arms)
        assert "'lift' of wrong" in text


def test_joints_in_each_other_s_slots_are_told_where_they_belong(described):
    swapped = {**RIGHT, 'right.elbow_pitch': 'wrist', 'right.wrist_pitch': 'elbow'}
    one, other = texts(described(slots=swapped))
    assert "'wrist' of arm is in the slot right.elbow_pitch" in one
    assert 'does what right.wrist_pitch is for. Put it at index 5' in one
    assert "'elbow' of arm is in the slot right.wrist_pitch" in other
    (own,) = texts(
        described(slots={**RIGHT, '32': RIGHT['right.flange_roll']} | {'right.flange_roll': 'x'})
    )
    assert "'roll' of arm does what right.flange_roll is for. Put it at index 6" in own


def test_an_arm_alone_in_its_urdf_may_be_the_left_one_of_its_file(described):
    left = {slot.replace('right.', 'left.'): joint for slot, joint in RIGHT.items()}
    assert texts(described(slots=left)) == []
    (turned,) = texts(described(slots=left, sense={**SENSE, 'elbow': '{scale: -1.0}'}))
    assert 'turns the other way' in turned


def test_half_a_turn_of_a_flange_is_no_difference(described):
    assert texts(described(sense={**SENSE, 'roll': '{offset: 3.1416}'})) == []


TICKS = 'scale: 0.00153398, offset'


def test_the_zero_of_servo_ticks_is_in_the_middle_of_a_turn_or_at_its_end(described):
    middle = dict.fromkeys(RIGHT.values(), f'{{{TICKS}: -3.1416}}')
    middle['lift'] = f'{{{TICKS}: -1.5708}}'
    assert texts(described(sense=middle, topic='observation.state')) == []
    about_zero = {**middle, 'lift': f'{{{TICKS}: 1.5708}}', 'pan': '{scale: 0.00153398}'}
    assert texts(described(sense=about_zero, topic='observation.state')) == []
    (zero,) = texts(
        described(sense={**middle, 'lift': f'{{{TICKS}: -3.1416}}'}, topic='observation.state')
    )
    assert 'has its zero 1.57 rad away' in zero and f'Write {{{TICKS}: -1.571}}' in zero
    turned = {**middle, 'elbow': '{scale: -0.00153398, offset: 3.1416}'}
    (sign,) = texts(described(sense=turned, topic='observation.state'))
    assert 'turns the other way' in sign and f'Write {{{TICKS}: -3.142}} under sources for' in sign


def test_a_file_that_names_none_is_held_against_the_first_as_ever(described):
    plain = dict(zip((0, 1, 3, 5, 6), RIGHT.values(), strict=True))
    bare = described(slots=plain, sense={}, vocabulary='', name='bare')
    assert texts(bare) == []
    (text,) = texts(described(), bare)
    assert "'lift' of bare has its zero 1.57 rad away from that of 'lift'" in text
    assert (
        described().meanings()['elbow'].role is bare.meanings()['elbow'].role is Role.ELBOW_PITCH
    )
