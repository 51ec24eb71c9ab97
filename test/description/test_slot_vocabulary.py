"""Vocabularies: slots with names, in files of their own and in robot files."""

import pickle
import warnings
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neuracore_ros.description import DataType, load_descriptions, load_robot
from neuracore_ros.description.shipped import shipped_robots, vocabulary_file
from neuracore_ros.description.vocabulary import (
    Vocabulary,
    VocabularyId,
    VocabularySlot,
    known_vocabulary,
    load_vocabulary,
    read_vocabulary_id,
    slot_label,
)
from neuracore_ros.description.vocabulary_differences import differing_slots, mismatch
from neuracore_ros.errors import DescriptionError, DescriptionWarning, PolicyError
from neuracore_ros.records import Record, RecordOrigin

POSITIONS, TARGETS = DataType.JOINT_POSITIONS, DataType.JOINT_TARGET_POSITIONS
OURS = """
vocabulary: ours/1
own_from: {joints: 20}
slots:
  joints:
    right.shoulder_yaw:
      index: 0
      unit: rad
      sign: to the left
      zero: >-
        straight
        forward
    right.elbow_pitch: {index: 3, unit: rad, sign: down, zero: straight, meaning: the bend}
    left.elbow_pitch: {index: 10, like: right.elbow_pitch, meaning: of the left}
  grippers:
    right.gripper: {index: 0}
"""
ROBOT = """robot: arm
vocabulary: ./ours.yaml
limits:
  turn: {position: [-1, 1], velocity: 1}
  bend: {position: [-1, 1], velocity: 1}
input:
  JOINT_POSITIONS: {right.elbow_pitch: bend, right.shoulder_yaw: turn}
output:
  JOINT_TARGET_POSITIONS: {0: turn, right.elbow_pitch: bend}
sources: {JOINT_POSITIONS: {topic: /joint_states}}
commands: {JOINT_TARGET_POSITIONS: {topic: /arm/joint_trajectory}}
"""


def write(tmp_path, robot=ROBOT, ours=OURS, name='arm.yaml') -> Path:
    (tmp_path / 'ours.yaml').write_text(ours)
    path = tmp_path / name
    path.write_text(robot)
    return path


def ours(tmp_path, text=OURS) -> Vocabulary:
    (tmp_path / 'some.yaml').write_text(text)
    return load_vocabulary(str(tmp_path / 'some.yaml'))


def test_a_name_in_a_robot_file_is_the_index_of_the_vocabulary(tmp_path):
    robot = load_robot(write(tmp_path))
    assert robot.input[POSITIONS] == {0: 'turn', 3: 'bend'}
    assert robot.output[TARGETS] == {0: 'turn', 3: 'bend'}
    assert [source.index for source in robot.input_sources()] == [0, 3]
    assert robot.vocabulary.name == 'ours/1'


def test_a_robot_file_without_the_key_has_no_vocabulary(tmp_path):
    plain = ROBOT.replace('vocabulary: ./ours.yaml\n', '').replace('right.elbow_pitch', '3')
    robot = load_robot(write(tmp_path, plain.replace('right.shoulder_yaw', '0')))
    assert robot.vocabulary is None
    assert robot.input[POSITIONS] == {0: 'turn', 3: 'bend'}


def test_all_types_of_a_group_share_an_index(tmp_path):
    vocabulary = ours(tmp_path)
    assert {
        vocabulary.index(kind, 'left.elbow_pitch')
        for kind in (POSITIONS, TARGETS, DataType.JOINT_VELOCITIES, DataType.JOINT_TORQUES)
    } == {10}
    target = DataType.PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS
    assert vocabulary.index(target, 'right.gripper') == 0
    assert vocabulary.slot(POSITIONS, 1) is None


def test_a_slot_takes_what_it_does_not_say_from_the_one_it_is_like(tmp_path):
    assert ours(tmp_path).slot(POSITIONS, 10) == VocabularySlot(
        'left.elbow_pitch', 10, 'rad', 'down', 'straight', 'of the left'
    )


def test_a_label_has_the_name_where_there_is_one(tmp_path):
    vocabulary = ours(tmp_path)
    assert slot_label(vocabulary, POSITIONS, 3) == '3 right.elbow_pitch'
    assert slot_label(vocabulary, POSITIONS, 4) == slot_label(None, POSITIONS, 4) == '4'


def test_the_digest_is_of_the_rules_not_of_the_file(tmp_path):
    first = ours(tmp_path)
    again = ours(tmp_path, '# moved\n' + OURS.replace('meaning: the bend', 'meaning: other words'))
    assert again.id == first.id
    for old, new in (('sign: down', 'sign: up'), ('index: 3', 'index: 4'), ('ours/1', 'ours/2')):
        assert ours(tmp_path, OURS.replace(old, new)).sha256 != first.sha256


def test_a_vocabulary_is_sent_to_other_processes(tmp_path):
    import neuracore_ros.convert.job  # noqa: F401  registers read-only mappings

    robot = load_robot(write(tmp_path))
    assert pickle.loads(pickle.dumps(robot)).vocabulary == robot.vocabulary


@pytest.mark.parametrize(
    ('old', 'new', 'message'),
    [
        (
            'right.elbow_pitch: bend, right',
            'right.elbow: bend, right',
            "arm.yaml:7: 'right.elbow' is no slot of JOINT_POSITIONS in 'ours/1'; did you mean "
            "'right.elbow_pitch'? It has: right.elbow_pitch, ",
        ),
        (
            'right.elbow_pitch: bend, right',
            'elbow_pitch: bend, right',
            "; did you mean 'right.elbow_pitch'?",
        ),
        (
            '{0: turn, right.elbow_pitch: bend}',
            '{3: turn, right.elbow_pitch: bend}',
            'arm.yaml:9: JOINT_TARGET_POSITIONS: index 3 right.elbow_pitch is given twice '
            "('turn' on line 9, 'bend' on line 9)",
        ),
        (
            'vocabulary: ./ours.yaml\n',
            '',
            "arm.yaml:6: 'right.elbow_pitch' is no index. If it is the name of a slot, write its "
            'vocabulary at the top of the robot file, such as vocabulary: arm/1',
        ),
        ('./ours.yaml', './our.yaml', 'our.yaml: no such file; did you mean'),
        ('./ours.yaml', 'arm/7', "arm.yaml:2: no vocabulary 'arm/7' is shipped"),
        ('./ours.yaml', '[a]', 'arm.yaml:2: vocabulary must be a name, not a list'),
        ('./ours.yaml', 'arm.yaml', "arm.yaml:1: unknown key 'robot' in a vocabulary"),
        ('{0: turn,', '{turn: 0,', 'write 0: name, not name: 0'),
        (
            'right.elbow_pitch: bend, right',
            'right elbow pitch: bend, right',
            "'right elbow pitch' is no slot of JOINT_POSITIONS in 'ours/1'; did you mean 'right.el",
        ),
        (
            'right.elbow_pitch: bend, right',
            'right.gripper: bend, right',
            "'right.gripper' is no slot of JOINT_POSITIONS in 'ours/1', but of "
            'PARALLEL_GRIPPER_OPEN_AMOUNTS: write it there',
        ),
        (
            '{0: turn, right.elbow_pitch: bend}',
            '{0: turn, right.gripper: bend}',
            'but of PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS: write it there',
        ),
        (
            '{0: turn, right.elbow_pitch: bend}',
            '{0: turn, bend: right.elbow_pitch}',
            'has for it: write right.elbow_pitch: bend',
        ),
        (
            '{0: turn, right.elbow_pitch: bend}',
            '[right.shoulder_yaw, right.elbow_pitch]',
            "index 1: 'right.elbow_pitch' is the name of the slot with index 3: write "
            '{right.elbow_pitch: NAME}',
        ),
        (
            '{0: turn, right.elbow_pitch: bend}',
            '{0: turn, 1: right.elbow_pitch}',
            "index 1: 'right.elbow_pitch' is the name of the slot with index 3",
        ),
    ],
)  # fmt: skip
def test_a_mistake_in_a_robot_file_is_one_line(tmp_path, old, new, message):
    assert old in ROBOT
    with pytest.raises(DescriptionError) as error:
        load_robot(write(tmp_path, ROBOT.replace(old, new)))
    assert message in str(error.value)
    assert '\n' not in str(error.value)


def test_a_joint_may_be_called_as_its_own_slot(tmp_path):
    text = ROBOT.replace('turn', 'right.shoulder_yaw').replace(
        'right.shoulder_yaw: right.shoulder_yaw', '0: right.shoulder_yaw'
    )
    assert load_robot(write(tmp_path, text)).output[TARGETS][0] == 'right.shoulder_yaw'


def test_no_other_vocabulary_has_the_name_of_the_shipped_one(tmp_path):
    shipped = vocabulary_file().read_text()
    (tmp_path / 'same.yaml').write_text(f'# a comment\n{shipped}')
    assert load_vocabulary(str(tmp_path / 'same.yaml')) == load_vocabulary('arm/1')
    path = tmp_path / 'other.yaml'
    path.write_text(shipped.replace('positive opens', 'positive closes', 1))
    with pytest.raises(DescriptionError, match='has other slots: give it another name') as error:
        load_vocabulary(str(path))
    assert str(error.value).startswith(f"{path}: is called 'arm/1'")


@pytest.mark.parametrize(
    ('old', 'new', 'message'),
    [
        ('ours/1', 'ours', "vocabulary 'ours' must be a name and a version, such as ours/1"),
        ('index: 10', 'index: 3', "index 3 is given to 'right.elbow_pitch' and to 'left.elbow_pit"),
        ('index: 10', 'index: 20', "joints from 20 on are everybody's own, but 'left.elbow_pitch'"),
        ('index: 10, ', '', "slot 'left.elbow_pitch' needs the key 'index'"),
        ('index: 10', 'index: -1', 'an index must be an integer >= 0'),
        ('index: 10', 'index: 99999', 'is beyond 9999'),
        ('like: right.elbow_pitch', 'like: right.elbow', "did you mean 'right.elbow_pitch'?"),
        ('index: 3,', 'index: 3, like: left.elbow_pitch,', "itself like 'right.elbow_pitch'"),
        ('left.elbow_pitch', 'Left elbow', "'Left elbow' is no name of a slot"),
        ('left.elbow_pitch', "'10'", "'10' is no name of a slot"),
        ('sign: down', 'sgn: down', "unknown key 'sgn' in slot 'right.elbow_pitch'"),
        ('sign: down', 'sign: [down]', "sign of 'right.elbow_pitch' must be a text, not a list"),
        ('grippers', 'fingers', "unknown key 'fingers' in slots"),
        ('vocabulary: ours/1', '', "a vocabulary needs the key 'vocabulary'"),
        ('right.gripper: {index: 0}', '{}', None),
        ('left.elbow_pitch', 'right.elbow_pitch', 'is given twice'),
        ('sign: down', 'sign: "a\\u0007b"', 'has a character that cannot be printed'),
    ],
)  # fmt: skip
def test_a_mistake_in_a_vocabulary_is_one_line(tmp_path, old, new, message):
    assert old in OURS
    if message is None:
        assert ours(tmp_path, OURS.replace(old, new)).slots['grippers'] == {}
        return
    with pytest.raises(DescriptionError) as error:
        ours(tmp_path, OURS.replace(old, new))
    assert message in str(error.value)
    assert '\n' not in str(error.value)


def test_a_vocabulary_without_slots_is_refused(tmp_path):
    with pytest.raises(DescriptionError, match='slots is empty'):
        ours(tmp_path, 'vocabulary: ours/1\nslots: {}\n')


def test_an_index_without_a_slot_is_warned_of_and_one_of_ones_own_is_not(tmp_path):
    with pytest.warns(DescriptionWarning) as caught:
        load_robot(write(tmp_path, ROBOT.replace('{0: turn', '{5: turn')))
    assert [str(each.message).partition('arm.yaml: ')[2] for each in caught] == [
        "JOINT_POSITIONS index 5 (turn): no slot of the vocabulary 'ours/1', so that nothing says "
        'what it means on other robots'
    ]
    with warnings.catch_warnings():
        warnings.simplefilter('error', DescriptionWarning)
        load_robot(write(tmp_path, ROBOT.replace('{0: turn', '{20: turn')))


def test_robots_of_one_vocabulary_stand_beside_each_other(tmp_path):
    files = [
        write(tmp_path),
        write(tmp_path, ROBOT.replace(': arm\n', ': leg\n', 1), name='b.yaml'),
    ]
    with warnings.catch_warnings():
        warnings.simplefilter('error', DescriptionWarning)
        found = load_descriptions(files)
    assert found.vocabulary == load_robot(files[0]).vocabulary.id


def test_two_vocabularies_in_one_layout_are_refused(tmp_path):
    first = write(tmp_path)
    (tmp_path / 'theirs.yaml').write_text(OURS.replace('ours/1', 'theirs/1'))
    other = tmp_path / 'other.yaml'
    other.write_text(ROBOT.replace(': arm\n', ': leg\n', 1).replace('ours.yaml', 'theirs.yaml'))
    with pytest.raises(DescriptionError) as error:
        load_descriptions([first, other])
    assert str(error.value).startswith(
        f"{other} has the vocabulary 'theirs/1' and {first} has 'ours/1': an index may mean "
        'another joint, sign or zero'
    )


def test_two_forms_of_one_vocabulary_are_told_apart_by_their_slots(tmp_path):
    first = write(tmp_path)
    (tmp_path / 'old.yaml').write_text(OURS.replace('sign: down', 'sign: up'))
    other = tmp_path / 'other.yaml'
    other.write_text(ROBOT.replace(': arm\n', ': leg\n', 1).replace('ours.yaml', 'old.yaml'))
    with pytest.raises(DescriptionError) as error:
        load_descriptions([first, other])
    assert "right.elbow_pitch has sign 'up' and 'down', and 1 more difference" in str(error.value)


def test_a_robot_without_a_vocabulary_beside_one_with_it_is_warned_of(tmp_path):
    plain = ROBOT.replace('vocabulary: ./ours.yaml\n', '').replace('right.elbow_pitch', '3')
    plain = plain.replace('right.shoulder_yaw', '0').replace(': arm\n', ': leg\n', 1)
    files = [write(tmp_path), write(tmp_path, plain, name='leg.yaml')]
    with pytest.warns(DescriptionWarning) as caught:
        found = load_descriptions(files)
    assert [str(each.message).startswith('leg: no vocabulary is named') for each in caught] == [
        True
    ]
    assert found.vocabulary.name == 'ours/1'


def test_differing_slots_are_named(tmp_path):
    one = ours(tmp_path)
    other = ours(tmp_path, OURS.replace('right.gripper: {index: 0}', 'right.hand: {index: 0}'))
    assert differing_slots(one, one) == []
    assert differing_slots(one, other) == [
        'right.gripper is only in one of them',
        'right.hand is only in one of them',
    ]


def test_digests_that_nobody_knows_are_told_apart_without_slots():
    one, other = VocabularyId('ours/1', 'a' * 64), VocabularyId('ours/1', 'b' * 64)
    assert mismatch(one, one, ('this', 'that')) == ''
    assert mismatch(one, other, ('this', 'that')) == (
        "this and that mean two vocabularies by 'ours/1' (sha256 aaaaaaaaaaaa) and 'ours/1' "
        '(sha256 bbbbbbbbbbbb): one of the files was changed'
    )
    assert known_vocabulary(one) is None and known_vocabulary(None) is None


def record(**keys) -> Record:
    return Record(keys, RecordOrigin('policy.pt', PolicyError))


@pytest.mark.parametrize(
    ('name', 'sha256'),
    [('ours/1', None), (None, 'a' * 64), (3, 'a' * 64), ('ours/1', 'a' * 63), ('ours/1', 5),
     ('', 'a' * 64), ('ours/1', 'A' * 64), ([], {})],
)  # fmt: skip
def test_half_a_vocabulary_in_a_file_is_refused(name, sha256):
    keys = {'vocabulary': name, 'vocabulary_sha256': sha256}
    with pytest.raises(PolicyError, match=r'policy\.pt: .*vocabulary'):
        read_vocabulary_id(record(**keys))
    with pytest.raises(PolicyError, match=r'policy\.pt: .*vocabulary'):
        read_vocabulary_id(record(**{key: each for key, each in keys.items() if each is not None}))


def test_no_vocabulary_in_a_file_is_none():
    assert read_vocabulary_id(record()) is None
    vocabulary = VocabularyId('ours/1', 'a' * 64)
    assert read_vocabulary_id(record(**vocabulary.plain())) == vocabulary


def test_the_shipped_vocabulary_is_no_robot():
    assert 'vocabulary' not in shipped_robots()
    path = vocabulary_file()
    if path is not None:
        assert load_vocabulary('arm/1') == load_vocabulary(str(path))


TREES = st.recursive(
    st.sampled_from(['index', 'like', 'slots', 'joints', 'right.shoulder_yaw', '3', 'a', ''])
    | st.integers()
    | st.floats()
    | st.none()
    | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(['index', 'like', 'unit', 'x', 'right.elbow_pitch']),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)


def loads_or_is_refused_in_one_line(path, text):
    path.write_text(text, encoding='utf-8', errors='replace')
    try:
        found = load_vocabulary(str(path))
    except DescriptionError as error:
        assert '\n' not in str(error)
        return
    for kind in DataType:
        for index, name in found.names(kind).items():
            assert found.index(kind, name) == index


@given(data=st.data())
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_vocabulary_with_one_value_replaced_loads_or_is_refused(path, data):
    tree = yaml.safe_load(OURS)
    node = tree
    while True:
        key = data.draw(st.sampled_from(sorted(node)))
        if not (isinstance(node[key], dict) and node[key] and data.draw(st.booleans())):
            break
        node = node[key]
    node[key] = data.draw(TREES)
    loads_or_is_refused_in_one_line(path, yaml.safe_dump(tree, allow_unicode=True))


@given(st.integers(0, len(OURS) - 1), st.text(max_size=3), st.integers(0, 5))
@settings(max_examples=200, deadline=None)
def test_a_vocabulary_with_some_characters_replaced_loads_or_is_refused(path, start, new, length):
    loads_or_is_refused_in_one_line(path, OURS[:start] + new + OURS[start + length :])


@pytest.fixture(scope='module')
def path(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp('fuzz') / 'fuzzed.yaml'


def test_a_joint_that_is_called_by_a_number_may_have_a_named_slot(tmp_path):
    robot = load_robot(write(tmp_path, ROBOT.replace('bend', "'7'")))
    assert robot.input[POSITIONS] == {0: 'turn', 3: '7'}


def test_a_name_that_is_that_of_its_own_slot_or_beside_a_slot_is_no_mistake(tmp_path):
    """`LANGUAGE: [instruction]` is what the pages say, and `arm/1` calls that slot so, too."""
    named = OURS.replace('right.shoulder_yaw', 'turn').replace('right.elbow_pitch', 'bend')
    robot = ROBOT.replace('right.elbow_pitch: bend, right.shoulder_yaw: turn', 'turn: bend')
    robot = robot.replace('{0: turn, right.elbow_pitch: bend}', '[turn]')
    loaded = load_robot(write(tmp_path, robot, named))
    assert dict(loaded.input[POSITIONS]) == {0: 'bend'}
    assert dict(loaded.output[TARGETS]) == {0: 'turn'}
