"""Saving of edited robot files: whole, in place, and never over what somebody else has written."""

import os
import signal
import stat
import subprocess
import sys

import pytest

from neuracore_ros.description import DataType, load_robot
from neuracore_ros.description.shipped import shipped_robots
from neuracore_ros.errors import UserError
from neuracore_ros.viewer.robot_file_editor import RobotFileEditor, open_editors

JOINTS = DataType.JOINT_POSITIONS
TEXT = """\
robot: one  # mine
input: {JOINT_POSITIONS: {0: a}}
output: {}
sources: {JOINT_POSITIONS: {topic: /s}}
"""
TURNED = TEXT.replace('/s}', '/s, scale: -1.0}')


@pytest.fixture
def path(tmp_path):
    path = tmp_path / 'one.yaml'
    path.write_text(TEXT)
    return path


@pytest.fixture
def editor(path):
    editor = RobotFileEditor.open(path)
    editor.flip_sign(JOINTS, 'a')
    return editor


def test_nothing_is_written_before_it_is_saved(editor, path):
    assert editor.is_changed
    assert path.read_text() == TEXT
    editor.save()
    assert path.read_text() == TURNED == editor.text
    assert not editor.is_changed
    assert list(path.parent.iterdir()) == [path]


def test_an_undo_after_a_save_can_be_saved_again(editor, path):
    editor.save()
    editor.undo()
    assert editor.is_changed
    editor.save()
    assert path.read_text() == TEXT


def test_a_file_that_was_changed_meanwhile_is_left(editor, path):
    path.write_text(TEXT.replace('mine', 'hers'))
    with pytest.raises(UserError, match='was changed by somebody else since it was opened'):
        editor.save()
    assert path.read_text() == TEXT.replace('mine', 'hers')
    assert editor.is_changed
    assert list(path.parent.iterdir()) == [path]


def test_a_file_that_is_gone_is_not_made_again(editor, path):
    path.unlink()
    with pytest.raises(UserError, match=r'one\.yaml: is no longer there'):
        editor.save()
    assert not path.exists()


def test_a_link_is_refused_by_what_it_is(editor, path, tmp_path):
    link = tmp_path / 'link.yaml'
    link.symlink_to(path)
    editor = RobotFileEditor.open(link)
    editor.flip_sign(JOINTS, 'a')
    with pytest.raises(UserError, match=r'link\.yaml: cannot be written: it is a link to .*one'):
        editor.save()
    assert path.read_text() == TEXT


def test_a_folder_in_its_place_is_no_file_to_save(editor, path):
    path.unlink()
    path.mkdir()
    with pytest.raises(UserError, match='it is a folder'):
        editor.save()


def test_a_read_only_file_is_left(editor, path, monkeypatch):
    # Root may write anything, and runs tests, too.
    monkeypatch.setattr(os, 'access', lambda *_: False)
    with pytest.raises(UserError, match='is read-only'):
        editor.save()
    assert path.read_text() == TEXT


def test_not_even_root_writes_what_nobody_may(editor, path):
    path.chmod(0o444)
    with pytest.raises(UserError, match='is read-only'):
        editor.save()
    assert path.read_text() == TEXT


def test_permissions_stay(editor, path):
    path.chmod(0o640)
    editor.save()
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_shipped_file_is_left(tmp_path):
    shipped = shipped_robots()['ur5_hand']
    before = shipped.read_bytes()
    editor = RobotFileEditor.open(shipped)
    editor.set_frame('hand', 'tip_offset', [0, 0, 0.1], [0, 0, 0])
    with pytest.raises(UserError, match='belongs to the package: save it under a name of your'):
        editor.save()
    editor.save_as(tmp_path / 'mine.yaml')
    assert shipped.read_bytes() == before
    assert f'urdf: {shipped.parent}/ur5.urdf\n' in editor.text
    assert load_robot(tmp_path / 'mine.yaml') == editor.robot
    editor.undo()
    assert editor.robot.chains['hand'].tip_offset.xyz == (0.0, 0.2123, 0.0)
    editor.save()
    assert load_robot(editor.path).urdf.samefile(shipped.parent / 'ur5.urdf')


def test_a_copy_elsewhere_still_finds_its_urdf(tmp_path):
    (tmp_path / 'arm').mkdir()
    (tmp_path / 'other').mkdir()
    urdf = tmp_path / 'arm' / 'arm.urdf'
    urdf.write_text('<robot name="arm"><link name="base"/></robot>')
    path = tmp_path / 'arm' / 'one.yaml'
    path.write_text(TEXT + 'urdf: arm.urdf  # drawn\n')
    editor = RobotFileEditor.open(path)
    editor.save_as(tmp_path / 'other' / 'one.yaml')
    assert editor.text.endswith('urdf: ../arm/arm.urdf  # drawn\n')
    assert editor.path == tmp_path / 'other' / 'one.yaml'
    assert not editor.is_changed


def test_a_copy_replaces_nothing_and_is_called_as_robot_files_are(editor, path, tmp_path):
    with pytest.raises(UserError, match='is there already: choose another name'):
        editor.save_as(path)
    with pytest.raises(UserError, match=r'end it in \.yaml'):
        editor.save_as(tmp_path / 'one.txt')
    with pytest.raises(UserError, match='no such folder'):
        editor.save_as(tmp_path / 'none' / 'two.yaml')
    assert editor.path == path
    assert path.read_text() == TEXT


KILLED = """
import os, signal, sys
from pathlib import Path
from neuracore_ros.description import DataType
from neuracore_ros.viewer.robot_file_editor import RobotFileEditor

real = os.{call}

def kill(*given, **options):
    os.kill(os.getpid(), signal.SIGKILL)

editor = RobotFileEditor.open(sys.argv[1])
editor.flip_sign(DataType.JOINT_POSITIONS, 'a')
os.{call} = kill
editor.save()
"""


@pytest.mark.parametrize(('call', 'left'), [('fsync', TEXT), ('chown', TEXT), ('replace', TEXT)])
def test_a_process_that_is_killed_while_it_saves_leaves_a_whole_file(call, left, path):
    done = subprocess.run([sys.executable, '-c', KILLED.format(call=call), str(path)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert path.read_text() == left


def test_a_file_of_several_robots_opens_their_own_files(tmp_path):
    shipped = shipped_robots()['franka'].parent
    editors = open_editors([shipped / 'franka_ur5.yaml'])
    assert [editor.path.name for editor in editors] == ['franka.yaml', 'ur5.yaml']
    plain = tmp_path / 'plain.yaml'
    plain.write_text('bat: {JOINT_POSITIONS: [wing]}\n')
    with pytest.raises(UserError, match="'bat' is described, but without sources: give its robot"):
        open_editors([plain])
