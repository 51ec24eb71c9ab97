"""Warnings beside the slots of edited robots: those of `layout`, with what they are about."""

import shutil

import pytest

from neuracore_ros.alignment.align_frames import WrittenFrames
from neuracore_ros.cli.main import main
from neuracore_ros.description import DataType
from neuracore_ros.description.layout_checks import Place
from neuracore_ros.description.shipped import shipped_robots
from neuracore_ros.errors import UserError
from neuracore_ros.viewer.layout_warnings import LayoutComparison
from neuracore_ros.viewer.robot_file_editor import open_editors

JOINTS, TARGETS = DataType.JOINT_POSITIONS, DataType.JOINT_TARGET_POSITIONS
POSES = DataType.END_EFFECTOR_POSES


@pytest.fixture
def opened(tmp_path):
    """Copies of shipped robot files and of all URDFs beside them, in an editor each."""

    def copy(*names):
        folder = shipped_robots()['ur5'].parent
        for urdf in folder.glob('*.urdf'):
            shutil.copy(urdf, tmp_path)
        return open_editors([shutil.copy(folder / f'{name}.yaml', tmp_path) for name in names])

    return copy


def told_by_layout(editors, capsys, *words):
    for editor in editors:
        editor.save()
    assert main(['layout', *(str(editor.path) for editor in editors), *words]) == 0
    return [line.removeprefix('warning: ') for line in capsys.readouterr().err.splitlines()]


def test_they_are_those_of_layout_for_joints(opened, tmp_path, capsys):
    franka, ur5, so100 = editors = opened('franka', 'ur5', 'so100')
    urdfs = {name: tmp_path / f'{name}.urdf' for name in ('franka', 'ur5')}
    comparison = LayoutComparison(urdfs)
    words = [word for name, urdf in urdfs.items() for word in ('--urdf', f'{name}={urdf}')]
    ur5.flip_sign(JOINTS, 'elbow_joint')
    ur5.set_index(JOINTS, 'wrist_3_joint', 2)
    so100.set_index(DataType.RGB_IMAGES, 'overhead', 3)
    found = comparison.warnings(editors)
    assert [each.text for each in found] == told_by_layout(editors, capsys, *words)
    turned = next(each for each in found if 'turns the other way' in each.text)
    assert turned.robots == ('ur5',)
    assert turned.places == (Place(True, JOINTS, 3, 'ur5'), Place(False, TARGETS, 3, 'ur5'))
    moved = next(each for each in found if "'overhead' sits at several indices" in each.text)
    assert moved.robots == ('franka', 'ur5', 'so100')
    assert franka.text == shipped_robots()['franka'].read_text()


def test_and_for_hands(opened, capsys):
    _, ur5 = editors = opened('franka_hand', 'ur5_hand')
    ur5.set_frame('hand', 'tip_offset', [0, 0, 0], [0, 0, 0])
    found = LayoutComparison().warnings(editors)
    assert [each.text for each in found] == told_by_layout(editors, capsys)
    (bare,) = (each for each in found if each.places)
    assert 'has no tip_offset' in bare.text
    assert bare.places == tuple(Place(role, POSES, 0, 'ur5_hand') for role in (True, False))


def test_what_a_file_is_warned_of_when_it_is_read_is_of_its_robot(tmp_path, capsys):
    path = tmp_path / 'raw.yaml'
    path.write_text(
        'robot: raw\ninput: {JOINTS: [a], PARALLEL_GRIPPER_OPEN_AMOUNTS: [hand]}\noutput: {}\n'
        'sources: {JOINT_POSITIONS: {topic: /s}, PARALLEL_GRIPPER_OPEN_AMOUNTS: {topic: /s}}\n'
    )
    editors = open_editors([path])
    found = LayoutComparison().warnings(editors)
    assert [each.robots for each in found] == [('raw',), ('raw',)]
    assert [each.text for each in found] == told_by_layout(editors, capsys)


def test_frames_are_computed_once_for_robots_that_are_not_edited(opened, monkeypatch):
    computed = []
    real = WrittenFrames.of

    def count(robot, *given):
        computed.append(robot)
        return real(robot, *given)

    editors = opened('franka_hand', 'ur5_hand')
    comparison = LayoutComparison()
    monkeypatch.setattr(WrittenFrames, 'of', count)
    first = comparison.warnings(editors)
    editors[1].set_frame('hand', 'tip_offset', [0, 0, 0.2], [0, 0, 0])
    comparison.warnings(editors)
    editors[1].undo()
    assert comparison.warnings(editors) == first
    assert computed == ['franka_hand', 'ur5_hand', 'ur5_hand']


def test_a_urdf_of_no_robot_here_is_refused(opened, tmp_path):
    comparison = LayoutComparison({'urr5': tmp_path / 'ur5.urdf'})
    with pytest.raises(UserError, match="no robot file here is of 'urr5'; did you mean 'ur5'"):
        comparison.warnings(opened('ur5'))
