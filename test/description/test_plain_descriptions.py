"""Both public forms, with their robots."""

import warnings

import numpy as np
import pytest

from helpers.robot_file_examples import BAT, FORM_A, FORM_B, SO100, SPIDER
from neuracore_ros.description import DataType, embodiment, load_descriptions, pad, plain, unpad
from neuracore_ros.description.layout_checks import findings
from neuracore_ros.errors import DescriptionError, DescriptionWarning

JOINTS, RGB = DataType.JOINT_POSITIONS, DataType.RGB_IMAGES


@pytest.fixture
def load(tmp_path):
    def write_and_load(*texts):
        files = []
        for number, text in enumerate(texts):
            files.append(tmp_path / f'{number}.yaml')
            files[-1].write_text(text)
        with warnings.catch_warnings():
            warnings.simplefilter('ignore', DescriptionWarning)
            return load_descriptions(files)

    return write_and_load


def test_a_list_means_indices_from_zero(load):
    snake = load(FORM_A).input['snake']
    assert plain(snake) == {
        'JOINT_POSITIONS': {'0': 'spine_1', '1': 'spine_2', '2': 'spine_3', '3': 'head'},
        'RGB_IMAGES': {'0': 'left_eye', '1': 'right_eye'},
    }


def test_a_width_is_one_more_than_the_largest_index_of_all_robots(load):
    assert load(FORM_A).input_layout.widths == {JOINTS: 5, RGB: 2}
    assert load(FORM_B).input_layout.widths == {JOINTS: 7, RGB: 2}


def test_a_plain_description_counts_as_input_and_as_output(load):
    descriptions = load(FORM_B)
    assert descriptions.input == descriptions.output


def test_a_new_robot_fills_what_it_has_and_the_rest_is_zero(load):
    layout = load(FORM_A).input_layout
    bat = load(BAT).input['bat']
    values, valid = pad({'wing_1': 1.0, 'wing_2': 2.0, 'head': 3.0}, bat[JOINTS], 5)
    assert values.tolist() == [1, 2, 3, 0, 0]
    assert valid.tolist() == [True, True, True, False, False]
    assert layout.valid(bat)[RGB].tolist() == [False, False]


def test_a_robot_that_exceeds_a_width_is_refused_by_name(load):
    spider = load(SPIDER).input['spider']
    with pytest.raises(DescriptionError, match=r"'spider' uses RGB_IMAGES index 7 .*width 2"):
        load(FORM_A).input_layout.require(spider, 'spider')


def test_a_gap_in_the_indices_stays_a_gap(load):
    ur5 = load(FORM_B).input['ur5'][JOINTS]
    names = ['ur5_base', 'ur5_1', 'ur5_2', 'ur5_3', 'ur5_4', 'ur5_wrist']
    values, valid = pad(dict(zip(names, range(1, 7), strict=True)), ur5, 7)
    assert values.tolist() == [1, 2, 3, 4, 5, 0, 6]
    assert valid.tolist() == [True] * 5 + [False, True]


def test_unpad_takes_back_what_pad_placed(load):
    so100 = load(SO100).input['so100'][JOINTS]
    values, _ = pad({'joint_1': 1, 'joint_2': 2, 'joint_3': 3, 'joint_4': 4, 'wrist': 5}, so100, 7)
    assert unpad(np.stack([values, 2 * values]), so100).tolist() == [
        [1, 2, 3, 4, 5],
        [2, 4, 6, 8, 10],
    ]


def test_pad_refuses_a_name_without_a_value(load):
    ur5 = load(FORM_B).input['ur5'][RGB]
    with pytest.raises(DescriptionError, match=r"'ur5_overhead_camera' \(index 1\) has no value"):
        pad({'other': 1.0}, ur5, 2)


def test_pad_and_unpad_refuse_an_index_beyond_the_width():
    with pytest.raises(DescriptionError, match='beyond width 2'):
        pad({'wrist': 1.0}, {6: 'wrist'}, 2)
    with pytest.raises(DescriptionError, match='beyond width 2'):
        unpad(np.zeros(2), {6: 'wrist'})


def test_a_name_at_several_indices_is_worth_a_warning(load):
    notes = [finding.text for finding in findings(load(FORM_A))]
    assert any("'head' sits at several indices: 3 (snake), 4 (cyclops)" in note for note in notes)


def test_a_slot_that_one_robot_fills_is_worth_a_warning(load):
    notes = [finding.text for finding in findings(load(FORM_B))]
    assert any("JOINT_POSITIONS index 5: only 'franka' fills it" in note for note in notes)
    assert any("RGB_IMAGES index 0: only 'franka' fills it" in note for note in notes)


def test_one_robot_alone_draws_no_warning_of_lonely_slots(load):
    assert [finding.text for finding in findings(load(SO100))] == [
        'JOINT_POSITIONS indices 4, 5: no robot fills them',
        'RGB_IMAGES index 0: no robot fills it',
    ]


def test_other_spellings_are_read_with_one_warning_each():
    with pytest.warns(DescriptionWarning) as caught:
        read = embodiment({'JOINTS': ['a'], 'gripper_open_amounts': ['g']})
    assert plain(read) == {
        'JOINT_POSITIONS': {'0': 'a'},
        'PARALLEL_GRIPPER_OPEN_AMOUNTS': {'0': 'g'},
    }
    assert [str(w.message) for w in caught] == [
        "'JOINTS' is read as JOINT_POSITIONS; write JOINT_POSITIONS",
        "'gripper_open_amounts' is read as PARALLEL_GRIPPER_OPEN_AMOUNTS; "
        'write PARALLEL_GRIPPER_OPEN_AMOUNTS',
    ]


def test_all_fourteen_data_types_parse():
    everything = {kind.value: {0: 'x'} for kind in DataType}
    assert list(embodiment(everything)) == list(DataType)
    assert len(DataType) == 14


def test_types_and_indices_are_put_in_order():
    read = embodiment({'RGB_IMAGES': {0: 'eye'}, 'JOINT_POSITIONS': {2: 'b', 0: 'a'}})
    assert list(read) == [JOINTS, RGB]
    assert list(read[JOINTS]) == [0, 2]


def test_a_type_without_an_index_is_not_in_the_layout():
    assert embodiment({'JOINT_POSITIONS': {}, 'RGB_IMAGES': []}) == {}


def test_a_description_cannot_be_changed():
    read = embodiment({'JOINT_POSITIONS': ['a']})
    with pytest.raises(TypeError):
        read[JOINTS][0] = 'b'


def test_digit_strings_are_indices_as_json_has_them():
    assert embodiment({'JOINT_POSITIONS': {'6': 'wrist'}})[JOINTS] == {6: 'wrist'}


def test_roles_may_be_given_apart(load):
    descriptions = load(
        'r: {input: {JOINT_POSITIONS: [a]}, output: {JOINT_TARGET_POSITIONS: [a]}}'
    )
    assert list(descriptions.input['r']) == [JOINTS]
    assert list(descriptions.output['r']) == [DataType.JOINT_TARGET_POSITIONS]


def test_one_description_alone_is_named_after_its_file(load):
    assert list(load('JOINT_POSITIONS: [a, b]').input) == ['0']


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('r: {JOINT_POSITIONS: {0: a, 0: b}}', "0.yaml:1: JOINT_POSITIONS: index 0 is given twice ('a' on line 1, 'b' on line 1)"),
        ('r:\n  JOINT_POSITIONS: {0: a, "0": b}', 'index 0 is given twice'),
        ('r:\n  JOINT_POSITIONS:\n    0: a\n    1: a', "0.yaml:4: JOINT_POSITIONS: 'a' is given twice (index 0, index 1)"),
        ('r:\n  JOINT_POSITIONS: [a, a]', "'a' is given twice"),
        ('r: {JOINT_POSITIONS: {010: a}}', "an index must be an integer >= 0 without leading zeros, not '010'"),
        ('r: {JOINT_POSITIONS: {"00": a}}', "not '00'"),
        ('r: {JOINT_POSITIONS: {yes: a}}', "not 'yes'"),
        ('r: {JOINT_POSITIONS: {true: a}}', "not 'true'"),
        ('r: {JOINT_POSITIONS: {-1: a}}', "not '-1'"),
        ('r: {JOINT_POSITIONS: {1.0: a}}', "not '1.0'"),
        ('r: {JOINT_POSITIONS: {0x1: a}}', "not '0x1'"),
        ('r: {JOINT_POSITIONS: {99999999999: a}}', 'beyond 9999'),
        ('r: {JOINT_POSITIONS: {[0]: a}}', 'cannot be a key'),
        ('r: {JOINT_POSITIONS: {0: 1}}', 'must be a name'),
        ('r: {JOINT_POSITIONS: {0: yes}}', 'quote it'),
        ('r: {JOINT_POSITIONS: {0: null}}', 'quote it'),
        ('r: {JOINT_POSITIONS: {0: }}', 'is empty'),
        ('r: {JOINT_POSITIONS: {0: ""}}', 'is empty'),
        ('r: {JOINT_POSITIONS: {0: [a]}}', 'must be a name, not a list'),
        ('r: {JOINT_POSITIONS: a}', 'must be a mapping of index to name'),
        ('r: {JOINT_POSITION: [a]}', "unknown DataType 'JOINT_POSITION'; did you mean 'JOINT_POSITIONS'?"),
        ('r: {JOINTS: [a], JOINT_POSITIONS: [b]}', 'JOINT_POSITIONS is given twice'),
        ('r: {JOINT_POSITIONS: [a]}\nr: {JOINT_POSITIONS: [b]}', "0.yaml:2: a description: 'r' is given twice (first on line 1)"),
        ('r: &r {JOINT_POSITIONS: [*r]}', 'refers to a value that contains it'),
        ('r: {', 'is not YAML'),
        ('a: b: c', '0.yaml:1: is not YAML'),
        ('', 'is empty'),
        ('- r', 'must be a mapping, not a list'),
        ('--- {}\n--- {}', 'is not YAML'),
        ('r: "\x00"', 'is not YAML'),
        ('[' * 5000, 'nested too deeply'),
    ],
)  # fmt: skip
@pytest.mark.filterwarnings('ignore::neuracore_ros.errors.DescriptionWarning')
def test_a_wrong_description_is_refused_with_its_place(load, text, message):
    with pytest.raises(DescriptionError) as caught:
        load(text)
    assert message in str(caught.value)
    assert '\n' not in str(caught.value)


def test_two_files_that_describe_one_robot_are_refused(load):
    with pytest.raises(DescriptionError, match="robot 'so100' is described twice"):
        load(SO100, SO100)


def test_an_unreadable_file_is_refused_by_name(tmp_path):
    with pytest.raises(DescriptionError, match='absent.yaml: no such file'):
        load_descriptions([tmp_path / 'absent.yaml'])
    (tmp_path / 'latin.yaml').write_bytes(b'r: \xff')
    with pytest.raises(DescriptionError, match='latin.yaml: is not text in UTF-8'):
        load_descriptions([tmp_path / 'latin.yaml'])


def test_a_line_break_in_a_value_does_not_break_the_line(load):
    with pytest.raises(DescriptionError) as caught:
        load('"a\\nb": {}')
    assert r"robot 'a\nb' has a character that cannot be printed" in str(caught.value)
