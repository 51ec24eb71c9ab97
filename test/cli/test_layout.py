"""``neuracore_ros layout``, as people call it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from neuracore_ros.cli.main import main

CONFIG = Path(__file__).resolve().parents[2] / 'config'


def test_the_table_shows_robots_by_index(capsys):
    assert main(['layout', str(CONFIG / 'franka_ur5.yaml')]) == 0
    out, err = capsys.readouterr()
    assert 'input JOINT_POSITIONS, width 7' in out
    assert '  5      panda_joint6  -' in out
    assert '  6      panda_joint7  wrist_3_joint' in out
    assert "warning: input RGB_IMAGES index 0: only 'franka' fills it" in err


def test_json_has_the_documented_form(capsys):
    assert main(['layout', str(CONFIG / 'franka_ur5.yaml'), '--json']) == 0
    printed = json.loads(capsys.readouterr().out)
    joints = printed['input']['JOINT_POSITIONS']
    assert joints['width'] == 7
    assert joints['slots']['0'] == {'franka': 'panda_joint1', 'ur5': 'shoulder_pan_joint'}
    assert joints['slots']['5'] == {'franka': 'panda_joint6'}
    assert any("only 'franka' fills it" in warning for warning in printed['warnings'])


def test_other_spellings_are_said_once(tmp_path, capsys):
    (tmp_path / 'old.yaml').write_text('a: {JOINTS: [x]}\nb: {JOINTS: [x]}')
    assert main(['layout', str(tmp_path / 'old.yaml')]) == 0
    said = capsys.readouterr().err
    assert said == "warning: 'JOINTS' is read as JOINT_POSITIONS; write JOINT_POSITIONS\n"


def run(*words: str) -> subprocess.CompletedProcess:
    command = [sys.executable, '-m', 'neuracore_ros.cli.main', *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_a_wrong_file_ends_in_one_line_and_exit_code_1(tmp_path):
    (tmp_path / 'twice.yaml').write_text('r:\n  JOINT_POSITIONS:\n    2: elbow\n    2: wrist\n')
    done = run('layout', str(tmp_path / 'twice.yaml'))
    assert done.returncode == 1
    assert done.stdout == ''
    assert done.stderr == (
        f'neuracore_ros layout: {tmp_path}/twice.yaml:4: JOINT_POSITIONS: index 2 is given twice '
        "('elbow' on line 3, 'wrist' on line 4)\n"
    )


@pytest.mark.parametrize('words', [[], ['lay'], ['layout'], ['layout', '--nonsense', 'x']])
def test_wrong_usage_exits_with_2(words):
    done = run(*words)
    assert done.returncode == 2
    assert 'Traceback' not in done.stderr


def test_help_shows_examples():
    done = run('layout', '--help')
    assert done.returncode == 0
    assert 'neuracore_ros layout config/franka_ur5.yaml' in done.stdout


def test_a_missing_library_is_named_with_the_extra_that_brings_it(tmp_path):
    code = (
        'import sys; sys.modules["rosbags"] = None; from neuracore_ros.cli.main import main; '
        f'sys.exit(main(["convert", "{tmp_path}/data", "--description", "{CONFIG}/ur5.yaml", "x"]))'
    )
    command = [sys.executable, '-c', code]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert 'neuracore_ros convert: needs rosbags' in done.stderr
    assert "pip install 'neuracore_ros[train]'" in done.stderr
