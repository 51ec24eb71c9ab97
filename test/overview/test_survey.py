"""What is said of robots beside each other, and beside a policy."""

import pytest

from helpers.overview_arms import (
    POSITIONS,
    RGB,
    STRETCHED,
    TARGETS,
    UPRIGHT,
    load,
    manifest,
    robot,
)
from neuracore_ros.description import load_descriptions
from neuracore_ros.overview.survey import survey
from neuracore_ros.overview.text import as_json, as_text
from neuracore_ros.policy.compatibility import SlotCompatibility

UP = {0: 'pan', 1: 'lift', 2: 'bend'}
OUT = {0: 'yaw', 1: 'shoulder', 2: 'elbow'}


@pytest.fixture
def up(tmp_path):
    return robot(tmp_path, 'up', UP, UPRIGHT)


def cells(found, kind, name, role='input'):
    table = next(b for b in found.tables if b.kind is kind and role in b.role)
    return {i: row.cells[name] for i, row in enumerate(table.rows) if name in row.cells}


def test_a_zero_that_differs_is_told_with_the_line_to_write(up, tmp_path):
    found = survey(*load(up, robot(tmp_path, 'out', OUT, STRETCHED)))
    assert (
        "JOINT_POSITIONS and JOINT_TARGET_POSITIONS index 1: 'shoulder' of out has its zero "
        "1.57 rad away from that of 'lift'. Write {scale: 1, offset: 1.571} under sources and "
        f'commands for it ({tmp_path}/out.yaml)'
    ) in found.warnings
    assert cells(found, POSITIONS, 'out')[1].is_doubted
    assert cells(found, TARGETS, 'out', 'output')[1].is_doubted
    assert not cells(found, POSITIONS, 'out')[0].is_doubted


def test_a_sign_that_differs_is_told_with_the_line_to_write(up, tmp_path):
    found = survey(*load(up, robot(tmp_path, 'out', OUT, STRETCHED)))
    assert any(
        "'elbow' of out turns the other way than 'bend'. Write {scale: -1, offset: -1.571}" in text
        for text in found.warnings
    )


def test_what_was_written_is_told_no_more(up, tmp_path):
    out = robot(tmp_path, 'out', OUT, STRETCHED)
    senses = {
        'JOINT_POSITIONS: {topic: joint_states}': 'joint_states',
        'JOINT_TARGET_POSITIONS: {topic: command}': 'command',
    }
    text = out.read_text()
    for old, topic in senses.items():
        each = (
            f'yaw: {{topic: {topic}}}, shoulder: {{topic: {topic}, offset: 1.571}}, '
            f'elbow: {{topic: {topic}, scale: -1, offset: -1.571}}'
        )
        text = text.replace(old, f'{old.split(":")[0]}: {{{each}}}')
    out.write_text(text)
    found = survey(*load(up, out))
    assert found.warnings == ()
    assert cells(found, POSITIONS, 'out')[2].scale == -1.0
    assert 'elbow (elbow pitch, x -1 - 1.57)' in as_text(found)


def test_an_elbow_beside_a_shoulder_is_told_with_the_index_to_take(up, tmp_path):
    swapped = robot(tmp_path, 'out', {0: 'yaw', 2: 'shoulder', 1: 'elbow'}, STRETCHED)
    found = survey(*load(up, swapped))
    assert any(
        "index 1: 'elbow' of out is an elbow pitch, 'lift' of up is a shoulder pitch. Put it at "
        "index 2, beside 'bend'" in text
        for text in found.warnings
    )


def test_a_joint_of_which_nothing_is_known_hides_no_counterpart_of_the_others(up, tmp_path):
    slots = {0: 'yaw', 2: 'shoulder', 1: 'elbow', 3: 'leg'}
    found = survey(*load(up, robot(tmp_path, 'out', slots, STRETCHED)))
    told = [text for text in found.warnings if "'elbow' of out" in text]
    assert any(
        "a shoulder pitch, and 'bend' is an elbow pitch. Put it at index 2" in t for t in told
    )


def test_names_tell_of_a_wrist_beside_an_elbow_where_no_urdf_does(tmp_path):
    first = robot(tmp_path, 'first', {0: 'elbow_flex', 1: 'wrist_flex'})
    second = robot(tmp_path, 'second', {0: 'wrist_1_joint', 1: 'wrist_2_joint'})
    found = survey(load_descriptions([first, second]))
    (text,) = (text for text in found.warnings if 'by their names' in text)
    assert "'elbow_flex' of first is of the elbow, 'wrist_1_joint' of second of the wrist" in text
    assert cells(found, POSITIONS, 'second')[0].is_doubted
    assert cells(found, TARGETS, 'second', 'output')[0].is_doubted
    assert not cells(found, TARGETS, 'second', 'output')[1].is_doubted


def test_ranges_without_a_common_value_are_told(tmp_path):
    first = robot(tmp_path, 'first', {0: 'a'}, limit=(0.0, 2.0))
    second = robot(tmp_path, 'second', {0: 'b'}, limit=(-2.1, -0.1))
    third = robot(tmp_path, 'third', {0: 'c'}, limit=(5.0, 6.0))
    texts = survey(load_descriptions([first, second, third])).warnings
    assert any("'b' of second" in text and 'write scale: -1' in text for text in texts)
    assert any("'c' of third" in text and 'write offset: -4.50' in text for text in texts)


def test_one_joint_at_two_indices_or_in_two_senses_is_told(tmp_path):
    path = robot(tmp_path, 'one', {0: 'a', 1: 'b'})
    path.write_text(
        path.read_text()
        .replace('TARGET_POSITIONS: {0: a, 1: b}', 'TARGET_POSITIONS: {0: a, 2: b}')
        .replace(
            'commands: {JOINT_TARGET_POSITIONS: {topic: command',
            'commands: {JOINT_TARGET_POSITIONS: {topic: command, scale: -1',
        )
    )
    texts = ' '.join(survey(load_descriptions([path])).warnings)
    assert "'b' is measured at JOINT_POSITIONS index 1, but commanded at" in texts
    assert "'a' is measured with scale 1, offset 0, but commanded with scale -1" in texts


def test_slots_of_one_robot_are_told_together(up, tmp_path):
    texts = survey(load_descriptions([up, robot(tmp_path, 'one', {0: 'a', 5: 'b'})])).warnings
    assert (
        "input JOINT_POSITIONS indices 1, 2: only 'up' fills them ('lift', 'bend'): it learns "
        'these slots from no other robot'
    ) in texts
    assert 'input JOINT_POSITIONS indices 3, 4: no robot fills them' in texts


# Beside a policy


@pytest.fixture
def trained(up):
    return manifest(load_descriptions([up]))


def test_a_robot_that_fits_says_so(up, trained, tmp_path):
    found = survey(load_descriptions([robot(tmp_path, 'new', {0: 'a', 2: 'c'})]), (), trained)
    assert [(c.robot, c.is_trained, c.refusal) for c in found.columns] == [
        ('up', True, ''),
        ('new', False, ''),
    ]
    assert 'policy trained on up: 20 Hz, reads 1 step, predicts 10' in as_text(found)
    assert 'new: fits' in as_text(found)
    assert '  1      -1.00 .. 1.00  lift  -' in as_text(found)
    assert as_json(found)['robots']['new']['fits'] is True


def test_earlier_warnings_come_first(trained, tmp_path):
    new = robot(tmp_path, 'new', {0: 'a', 2: 'c'})
    found = survey(load_descriptions([new]), (), trained, ['its URDF is missing'])
    assert found.warnings[0] == 'its URDF is missing'


def test_a_robot_that_is_refused_says_why_and_where(trained, tmp_path):
    new = robot(tmp_path, 'new', {0: 'a', 8: 'h'}, extra=', POSES: {0: cube}, RGB_IMAGES: {0: w}')
    text = new.read_text().replace(
        'sources: {', 'sources: {POSES: {topic: p}, RGB_IMAGES: {w: {topic: w}}, '
    )
    new.write_text(text)
    found = survey(load_descriptions([new]), (), trained)
    refusal = found.columns[1].refusal
    assert refusal.startswith("'new' uses JOINT_TARGET_POSITIONS index 8; the model was trained")
    assert refusal in found.warnings
    assert cells(found, TARGETS, 'new', 'output')[8].compatibility is SlotCompatibility.REFUSED
    assert cells(found, RGB, 'new')[0].compatibility is SlotCompatibility.FITS
    record = as_json(found)
    assert record['robots']['new'] == {
        'fits': False,
        'refused': refusal,
        'masked_slots': [],
        'ignored_slots': ['POSES.0'],
        'refused_slots': ['JOINT_POSITIONS.8', 'JOINT_TARGET_POSITIONS.8'],
    }
    assert record['input']['JOINT_POSITIONS']['width'] == 3
    assert record['input']['JOINT_POSITIONS']['trained'] == [0, 1, 2]
    assert '3-7' in as_text(found)
    assert 'h (refused)' in as_text(found)


def test_an_input_that_was_never_trained_is_masked(tmp_path, up):
    lonely = manifest(load_descriptions([robot(tmp_path, 'first', {0: 'x', 2: 'y'})]))
    new = robot(tmp_path, 'new', {0: 'a', 1: 'b'})
    new.write_text(
        new.read_text().replace('TARGET_POSITIONS: {0: a, 1: b}', 'TARGET_POSITIONS: {0: a}')
    )
    found = survey(load_descriptions([new]), (), lonely)
    assert cells(found, POSITIONS, 'new')[1].compatibility is SlotCompatibility.MASKED
    assert 'new: fits, 1 masked' in as_text(found)


def test_a_joint_that_reaches_little_of_what_training_saw_is_told(trained, tmp_path):
    far = robot(tmp_path, 'far', {0: 'a'}, limit=(0.5, 2.5))
    found = survey(load_descriptions([far]), (), trained)
    assert found.warnings[-1].startswith(
        "input JOINT_POSITIONS index 0: 'a' of far reaches 0.50 to 2.50, training saw -1.00 to "
        '1.00: 25% of it can be reached. If both mean the same pose, write offset: -1.50'
    )
    near = robot(tmp_path, 'near', {0: 'a'}, limit=(-0.2, 0.2))
    assert 'It moves less' in survey(load_descriptions([near]), (), trained).warnings[-1]


def test_what_the_robot_files_say_of_trained_robots_is_shown(up, trained):
    descriptions, arms = load(up)
    found = survey(descriptions, arms, trained)
    assert [column.is_trained for column in found.columns] == [False]
    assert str(cells(found, POSITIONS, 'up')[2].role) == 'elbow pitch'
    assert cells(found, POSITIONS, 'up')[2].reach == (-1.5, 1.5)


def test_a_joint_that_is_only_measured_in_degrees_reaches_its_limits_in_rad(tmp_path):
    path = robot(tmp_path, 'arm', {0: 'lift'}, sense=', scale: 0.0174533')
    text = path.read_text()
    before, commands = text.split('commands: ')
    path.write_text(before + 'commands: ' + commands.replace(', scale: 0.0174533', ''))
    arm = load_descriptions([path]).robots['arm']
    assert arm.reach(POSITIONS, 'lift') == pytest.approx((-1.5, 1.5))
