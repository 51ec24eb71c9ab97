"""Names of slots in a layout: the text, the JSON and the picture."""

import itertools
from dataclasses import replace

import pytest
from test_layout_picture import Picture

from helpers.overview_arms import manifest
from neuracore_ros.description import load_descriptions
from neuracore_ros.description.vocabulary import VocabularyId
from neuracore_ros.overview.picture import draw
from neuracore_ros.overview.survey import survey
from neuracore_ros.overview.text import as_json, as_text

OURS = """vocabulary: ours/1
slots:
  joints:
    right.shoulder_yaw: {index: 0}
    right.shoulder_pitch_with_a_long_name: {index: 1}
    right.elbow_pitch: {index: 2}
"""
ROBOT = """robot: arm
vocabulary: ours.yaml
limits: {a: {position: [-1, 1], velocity: 1}, b: {position: [-1, 1], velocity: 1}}
input:
  JOINT_POSITIONS: {right.shoulder_yaw: a, right.elbow_pitch: b}
  RGB_IMAGES: {1: top}
output: {JOINT_TARGET_POSITIONS: {right.shoulder_yaw: a, 2: b}}
"""


@pytest.fixture
def described(tmp_path):
    (tmp_path / 'ours.yaml').write_text(OURS)
    (tmp_path / 'arm.yaml').write_text(ROBOT)
    return load_descriptions([tmp_path / 'arm.yaml'])


def test_the_text_has_index_and_name(described):
    text = as_text(survey(described))
    assert '  index  slot                                   arm\n' in text
    assert '  0      right.shoulder_yaw                     a\n' in text
    assert '  1      right.shoulder_pitch_with_a_long_name  -\n' in text
    assert '  index  arm\n  0      -\n  1      top' in text


def test_the_json_has_the_names_and_the_vocabulary(described):
    record = as_json(survey(described))
    assert record['vocabulary'] == 'ours/1'
    joints = record['input']['JOINT_POSITIONS']
    assert joints['slots']['2'] == {'arm': 'b'}
    assert joints['names']['2'] == 'right.elbow_pitch'
    assert 'names' not in record['input']['RGB_IMAGES']


def test_the_picture_has_the_names_beside_the_indices(described):
    picture = Picture(draw(survey(described)))
    said = [text.text for text in picture.texts]
    assert said.count('right.elbow_pitch') == 2
    for one, other in itertools.combinations(picture.texts, 2):
        beside = one.right <= other.left or other.right <= one.left
        above = one.y <= other.y - 0.8 * other.size or other.y <= one.y - 0.8 * one.size
        assert beside or above, (one, other)
    assert all(text.right <= picture.width for text in picture.texts)


def test_a_slot_of_the_vocabulary_that_no_robot_fills_is_no_finding(described):
    assert survey(described).warnings == ()
    plain = replace(described, vocabulary=None)
    assert 'input JOINT_POSITIONS index 1: no robot fills it' in survey(plain).warnings


def test_a_policy_with_another_vocabulary_is_told(described):
    policy = manifest(described)
    assert any('the policy names none' in text for text in survey(described, (), policy).warnings)
    other = replace(policy, vocabulary=VocabularyId('theirs/1', 'ab' * 32))
    texts = survey(described, (), other).warnings
    assert any(
        "has the vocabulary 'ours/1' and the policy has 'theirs/1'" in text for text in texts
    )
    same = replace(policy, vocabulary=described.vocabulary)
    assert not [text for text in survey(described, (), same).warnings if 'vocabulary' in text]


def test_rows_that_stand_for_several_have_no_name(tmp_path):
    slots = ', '.join(f's{index}: {{index: {index}}}' for index in range(12))
    (tmp_path / 'ours.yaml').write_text(f'vocabulary: ours/1\nslots: {{joints: {{{slots}}}}}\n')
    (tmp_path / 'arm.yaml').write_text(
        ROBOT.replace('right.shoulder_yaw', 's0').replace('right.elbow_pitch', 's11')
    )
    found = survey(load_descriptions([tmp_path / 'arm.yaml']))
    assert '  1-10   -     -\n' in as_text(found)
    assert 's5' not in [text.text for text in Picture(draw(found)).texts]


@pytest.mark.parametrize(('key', 'warns'), [('vocabulary: ours.yaml', False), ('', True)])
def test_a_joint_name_at_two_indices_is_no_mistake_where_both_are_named(tmp_path, key, warns):
    (tmp_path / 'ours.yaml').write_text(OURS)
    plain = ROBOT.replace('right.shoulder_yaw', '0').replace('right.elbow_pitch', '2')
    plain = plain.replace('vocabulary: ours.yaml', key)
    (tmp_path / 'arm.yaml').write_text(plain)
    other = plain.replace('robot: arm', 'robot: other').replace('0: a', '1: a')
    (tmp_path / 'other.yaml').write_text(other)
    found = survey(load_descriptions([tmp_path / 'arm.yaml', tmp_path / 'other.yaml']))
    assert any('sits at several indices' in each for each in found.warnings) is warns
