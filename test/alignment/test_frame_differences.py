"""What is said of frames that differ between robots which share a pose slot."""

import json

import pytest

from helpers.arms_with_hands import arm
from neuracore_ros.cli.main import main
from neuracore_ros.description.shipped import shipped

FILE = """
robot: {name}
urdf: {name}.urdf
chains:
  hand: {{base: base, tip: palm, {chain}}}
input: {{END_EFFECTOR_POSES: {{0: hand}}}}
output: {{END_EFFECTOR_POSES: {{0: hand}}}}
sources: {{END_EFFECTOR_POSES: {{topic: /j{scale}}}}}
targets: {{END_EFFECTOR_POSES: {{topic: /a}}}}
commands: {{END_EFFECTOR_POSES: {{topic: /a}}}}
"""
GRASP = 'tip_offset: {xyz: [0, 0, 0.1], rpy: [0, 0, -1.5708]}'
HOME = 'home: {pan: 0, lift: 0, elbow: 1.57, wrist: 1.57, roll: 0}'


@pytest.fixture
def layout(tmp_path, capsys):
    """Warnings of `layout` for a usual robot and another one; its JSON."""

    def write(name, chain, drawn, scale, text=FILE):
        (tmp_path / f'{name}.urdf').write_text(drawn)
        path = tmp_path / f'{name}.yaml'
        path.write_text(text.format(name=name, chain=chain, scale=scale))
        return str(path)

    def run(chain=GRASP, drawn=None, scale='', first=GRASP, first_scale='', text=FILE):
        files = [
            write('one', first, arm(), first_scale),
            write('two', chain, drawn or arm(), scale, text),
        ]
        assert main(['layout', *files]) == 0
        run.text = capsys.readouterr().out
        assert main(['layout', *files, '--json']) == 0
        record = json.loads(capsys.readouterr().out)
        run.frames = record.get('frames')
        return record['warnings']

    return run


def test_equal_frames_are_shown_and_nothing_is_said(layout):
    assert layout() == []
    assert 'frames of END_EFFECTOR_POSES index 0' in layout.text
    assert 'base -> palm' in layout.text
    record = layout.frames['END_EFFECTOR_POSES.0']['two']
    assert (record['base'], record['tip'], record['scale']) == ('base', 'palm', 1.0)
    assert record['tip_offset']['xyz'] == [0.0, 0.0, 0.1]
    assert record['home']['z'] == [0.0, 0.0, -1.0]


def test_other_drawings_of_one_frame_are_no_difference(layout):
    turned = arm(flange='0 0 1.5708', facing='0 0 1.5708')
    base = 'base_offset: {rpy: [0, 0, 1.5708]}'
    assert layout(f'{base}, tip_offset: {{xyz: [0, 0, 0.1], rpy: [0, 0, 1.5708]}}', turned) == []


def test_a_raw_frame_beside_one_between_fingertips(layout):
    (text,) = layout(HOME)
    assert "'hand' of two has no tip_offset, 'hand' of one has" in text
    assert 'tip: palm, tip_offset: {xyz: [0, 0, 0.1], rpy: [0, 0, ' in text
    (text,) = layout(GRASP, first=HOME)
    assert "'hand' of one has no tip_offset, 'hand' of two has" in text
    assert 'under chains: hand of one' in text


def test_a_raw_frame_of_a_hand_that_no_urdf_shows(layout):
    (text,) = layout(HOME, drawn=arm(fingers=False))
    assert 'Write the length of the hand of two, which its URDF does not show, as z of' in text
    assert text.endswith('two.yaml)')


def test_a_tip_link_between_the_fingertips_needs_no_offset(layout):
    drawn = arm(tcp='0 0 0.1')
    assert layout(GRASP, drawn) == []


def test_an_approach_that_points_elsewhere(layout):
    (text,) = layout('tip_offset: {xyz: [0, 0, 0.1], rpy: [0, 1.5708, 0]}')
    assert text.startswith(
        "END_EFFECTOR_POSES index 0: z of 'hand' of two points 90 degrees away from where z of "
        "'hand' of one points"
    )
    assert 'Write tip: palm, tip_offset: {xyz: [0, 0, 0.1], rpy: [0, 0, -1.571]}' in text
    assert text.endswith('two.yaml)')


@pytest.mark.parametrize('yaw', ['1.5708', '0', '3.1416'])
def test_an_x_that_is_turned_about_the_approach(layout, yaw):
    (text,) = layout(f'tip_offset: {{xyz: [0, 0, 0.1], rpy: [0, 0, {yaw}]}}')
    turn = 180 if yaw == '1.5708' else 90
    assert f"x of 'hand' of two is turned by {turn} degrees about the approach at home" in text
    assert 'rpy: [0, 0, -1.571]}' in text


def test_hands_on_opposite_sides_of_their_bases(layout):
    base = 'base_offset: {rpy: [0, 0, 3.1416]}'
    found = layout(f'{base}, {GRASP}')
    assert any("at home, 'hand' of two is 180 degrees away from 'hand' of one" in t for t in found)
    assert any('Write base_offset: {xyz: [0, 0, 0], rpy: [0, 0, 0]}' in t for t in found)


def test_a_base_that_lies_on_its_side(layout):
    found = layout(f'base_offset: {{rpy: [1.5708, 0, 0]}}, {GRASP}')
    assert any('has its z 90 degrees from upright' in text for text in found)


def test_scales_that_the_reaches_contradict(layout):
    small = arm(size=0.3)
    found = layout(drawn=small)
    assert any('neither has a scale' in text for text in found)
    right = ', scale: 2.3'
    assert layout(drawn=small, scale=right) == []
    (text,) = layout(drawn=small, scale=', scale: 0.5', first_scale=', scale: 1.0')
    assert 'their scales are 0.5 and 1' in text
    assert 'Write scale: 2.' in text


def test_one_with_targets_and_one_without(layout):
    lacking = FILE.replace('targets: {{END_EFFECTOR_POSES: {{topic: /a}}}}\n', '')
    (text,) = layout(text=lacking)
    assert "'hand' of one has targets, 'hand' of two has none" in text
    assert 'Write targets: END_EFFECTOR_POSES: {topic: /...}' in text


def test_a_workspace_without_the_home_pose(layout):
    (text,) = layout(f'{GRASP}, {HOME}, workspace: {{z: [0.0, 0.2]}}')
    assert "at home, 'hand' of two is at z 0." in text
    assert 'outside of its workspace z: [0, 0.2]' in text
    assert layout(f'{GRASP}, {HOME}, workspace: {{z: [0.0, 0.9]}}') == []


def test_errors_that_are_allowed_differ_much_only_where_both_arms_are_free(layout):
    # An arm of five joints needs a large angle.
    assert layout(f'{GRASP}, max_ik_error: [0.01, 0.8]') == []


def test_without_pinocchio_the_tables_are_shown_and_the_reason_is_said(layout, monkeypatch):
    monkeypatch.setitem(__import__('sys').modules, 'pinocchio', None)
    found = layout()
    assert 'END_EFFECTOR_POSES' in layout.text
    assert len(found) == 2
    assert 'pinocchio is not installed' in found[0]
    assert 'the frames of one are not compared' in found[0]
    assert layout.frames is None


@pytest.mark.parametrize('robots', [['lift_hands'], ['franka_ur5_hands', 'so100_hand']])
def test_the_frames_of_shipped_robots_mean_the_same(robots, capsys):
    assert main(['layout', *(str(shipped(name)) for name in robots), '--json']) == 0
    record = json.loads(capsys.readouterr().out)
    assert len(record['frames']['END_EFFECTOR_POSES.0']) > 2
    assert [text for text in record['warnings'] if 'END_EFFECTOR_POSES' in text] == []
