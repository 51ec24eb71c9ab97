"""``neuracore_ros layout``, as people call it."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from helpers.small_policies import write_policy
from neuracore_ros.cli.main import main

CONFIG = Path(__file__).resolve().parents[2] / 'config'


# The example of the public design note: a UR5 without a sixth joint, and without a wrist camera.
NOTE = """
franka: {JOINT_POSITIONS: [f_base, f_joint_1, f_joint_2, f_joint_3, f_joint_4, f_joint_5, f_wrist],
         RGB_IMAGES: [f_wrist_camera, f_overhead_camera]}
ur5: {JOINT_POSITIONS: {0: ur5_base, 1: ur5_1, 2: ur5_2, 3: ur5_3, 4: ur5_4, 6: ur5_wrist},
      RGB_IMAGES: {1: ur5_overhead_camera}}
"""


@pytest.fixture
def note(tmp_path):
    (tmp_path / 'note.yaml').write_text(NOTE)
    return str(tmp_path / 'note.yaml')


def test_the_table_shows_robots_by_index(note, capsys):
    assert main(['layout', note]) == 0
    out, err = capsys.readouterr()
    assert 'input and output JOINT_POSITIONS, width 7' in out
    assert '  5      f_joint_5  -' in out
    assert '  6      f_wrist    ur5_wrist' in out
    assert "warning: RGB_IMAGES index 0: only 'franka' fills it" in err


def test_json_has_the_documented_form(note, capsys):
    assert main(['layout', note, '--json']) == 0
    printed = json.loads(capsys.readouterr().out)
    assert set(printed) == {'input', 'output', 'warnings'}
    assert printed['output'] == printed['input']
    joints = printed['input']['JOINT_POSITIONS']
    assert set(joints) == {'width', 'slots'}
    assert joints['width'] == 7
    assert joints['slots']['0'] == {'franka': 'f_base', 'ur5': 'ur5_base'}
    assert joints['slots']['5'] == {'franka': 'f_joint_5'}
    assert any("only 'franka' fills it" in warning for warning in printed['warnings'])


def test_the_shipped_robots_are_shown_by_their_name(capsys):
    assert main(['layout', 'franka_ur5']) == 0
    out = capsys.readouterr().out
    assert 'input JOINT_POSITIONS, width 7' in out
    assert '  6      panda_joint7 (flange roll)     wrist_3_joint (flange roll)' in out


def test_a_policy_shows_what_it_was_trained_on_and_who_fits(tmp_path, capsys):
    policy = write_policy(tmp_path / 'policy.pt', width=5)
    robot = str(CONFIG / 'ur5.yaml')
    assert main(['layout', str(policy), robot, '--out', str(tmp_path / 'layout.svg')]) == 0
    out, err = capsys.readouterr()
    assert out.startswith('policy trained on robots that it does not name: 20 Hz, reads 1 step')
    assert 'ur5: refused' in out
    assert 'the model was trained with width 5 (0..4)' in err
    assert 'wrist_3_joint' in (tmp_path / 'layout.svg').read_text()
    assert [*tmp_path.glob('.*')] == []
    assert main(['layout', robot, '--policy', str(policy), '--json']) == 0
    assert json.loads(capsys.readouterr().out)['robots']['ur5']['fits'] is False


def test_a_policy_may_stand_alone(tmp_path, capsys):
    assert main(['layout', str(write_policy(tmp_path / 'policy.pt'))]) == 0
    assert (
        'input JOINT_POSITIONS, width 7\n  index  trained\n  0      yes' in capsys.readouterr().out
    )


def test_a_urdf_tells_what_joints_do(tmp_path, capsys):
    (tmp_path / 'arm.urdf').write_text(
        '<robot name="r"><joint name="a" type="revolute"><parent link="b"/><child link="l"/>'
        '<axis xyz="0 1 0"/><limit lower="-1" upper="1" velocity="1"/></joint></robot>'
    )
    (tmp_path / 'r.yaml').write_text(
        'robot: r\nlimits: {a: {position: [-1, 1], velocity: 1}}\ninput: {JOINT_POSITIONS: {0: a}}'
        '\noutput: {JOINT_TARGET_POSITIONS: {0: a}}\nsources: {JOINT_POSITIONS: {topic: j}}\n'
        'commands: {JOINT_TARGET_POSITIONS: {topic: c}}'
    )
    robot, urdf = str(tmp_path / 'r.yaml'), f'r={tmp_path}/arm.urdf'
    assert main(['layout', robot, '--urdf', urdf]) == 0
    assert 'a (shoulder pitch)' in capsys.readouterr().out
    assert main(['layout', robot, '--urdf', f'q={tmp_path}/arm.urdf']) == 1
    assert "--urdf q=...: no robot file here is of 'q'" in capsys.readouterr().err
    assert main(['layout', robot, '--urdf', f'r={robot}']) == 0
    assert 'what its joints do is not compared' in capsys.readouterr().err


@pytest.mark.parametrize(
    ('words', 'reason'),
    [
        (
            ['--out', 'layout.pdf'],
            'layout.pdf: the picture is an SVG file: give a name that ends in .svg',
        ),
        (['--out', 'nowhere/layout.svg'], 'nowhere: no such folder; make it: mkdir -p nowhere'),
        (['--policy', 'no.pt'], 'no.pt: no such file'),
        (['a.pt', '--policy', 'b.pt'], 'one policy at a time: a.pt and b.pt are given'),
    ],
)
def test_what_cannot_be_shown_is_told_in_one_line(note, capsys, words, reason):
    assert main(['layout', note, *words]) == 1
    out, err = capsys.readouterr()
    assert out == ''
    assert err == f'neuracore_ros layout: {reason}\n'


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


@pytest.mark.parametrize(
    'words',
    [[], ['lay'], ['layout'], ['layout', '--nonsense', 'x'], ['layout', 'x', '--urdf', 'file']],
)
def test_wrong_usage_exits_with_2(words):
    with pytest.raises(SystemExit) as end:
        main(words)
    assert end.value.code == 2


def test_help_shows_examples(capsys):
    with pytest.raises(SystemExit) as end:
        main(['layout', '--help'])
    assert end.value.code == 0
    assert 'neuracore_ros layout franka_ur5' in capsys.readouterr().out


@pytest.mark.parametrize(
    ('library', 'words', 'cure'),
    [
        ('rosbags', ['convert', '--description', 'ur5', 'data', 'bag'], "'neuracore_ros[train]'"),
        ('torch', ['train', 'data', '--out', 'run'], 'torch'),
        ('torch', ['export', 'run', '--out', 'policy.onnx'], 'torch'),
    ],
)
def test_a_missing_library_is_named_with_what_brings_it(library, words, cure, tmp_path):
    code = (
        f'import sys; sys.modules[{library!r}] = None; '
        f'from neuracore_ros.cli.main import main; sys.exit(main({words!r}))'
    )
    command = [sys.executable, '-c', code]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=False, cwd=tmp_path
    )
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith(f'neuracore_ros {words[0]}: needs {library}')
    assert line.endswith(f': pip install {cure}')


EYES = """robot: {name}
limits: {{g: {{position: [0.0, 1.0], velocity: 1.0}}}}
input: {{RGB_IMAGES: {{1: top}}, PARALLEL_GRIPPER_OPEN_AMOUNTS: {{0: g}}}}
output: {{}}
sources:
  RGB_IMAGES: {{topic: /top{crop}}}
  PARALLEL_GRIPPER_OPEN_AMOUNTS: {{topic: /hand{follow}}}
"""
CROP, FOLLOW = ', crop: [80, 40, 320, 240]', ', follow_s: 0.4'


@pytest.fixture
def eyes(tmp_path, capsys):
    """What layout says of two such robots, as JSON and as text."""

    def run(*robots):
        files = []
        for name, (crop, follow) in zip('ab', robots, strict=True):
            (tmp_path / f'{name}.yaml').write_text(
                EYES.format(name=name, crop=crop, follow=follow)
            )
            files.append(str(tmp_path / f'{name}.yaml'))
        assert main(['layout', *files, '--json']) == 0
        said = json.loads(capsys.readouterr().out)['warnings']
        assert main(['layout', *files]) == 0
        return said, capsys.readouterr()

    return run


def test_a_camera_that_is_cropped_on_one_robot_only_is_a_warning(eyes):
    said, printed = eyes((CROP, ''), ('', ''))
    told = [text for text in said if 'means different things' in text]
    assert told == [
        "input RGB_IMAGES index 1 means different things: 'top' of a: crop [80, 40, 320, 240]; "
        "'top' of b: the whole image. So that it means the same on each robot, crop each to the "
        'same part of the scene, or none'
    ]
    assert told[0] in printed.err and 'top (crop [80, 40, 320, 240])' in printed.out


def test_an_opening_that_follows_on_one_robot_only_is_a_warning(eyes):
    said, printed = eyes(('', FOLLOW), ('', ''))
    (told,) = [text for text in said if 'means different things' in text]
    assert "'g' of a: follows its command in 0.4 s; 'g' of b: measured." in told
    assert told in printed.err and 'g (follows its command in 0.4 s)' in printed.out
    (told,) = [t for t in eyes(('', FOLLOW), ('', ', follow_s: 0.2'))[0] if 'different' in t]
    assert "'g' of b: follows its command in 0.2 s" in told


def test_robots_that_are_cropped_and_follow_alike_are_no_warning(eyes):
    # Pixels of two cameras are never the same.
    said, _ = eyes((CROP, FOLLOW), (', crop: [1, 2, 30, 40]', FOLLOW))
    assert not any('different' in text for text in said)


def test_a_urdf_beside_a_robot_file_is_used(tmp_path, capsys):
    for name in ('franka.yaml', 'franka.urdf', 'ur5.urdf'):
        shutil.copy(CONFIG / name, tmp_path)
    turned = (
        (CONFIG / 'ur5.yaml')
        .read_text()
        .replace('elbow_joint: {scale: -1.0, offset', 'elbow_joint: {offset')
    )
    (tmp_path / 'ur5.yaml').write_text(turned)
    assert main(['layout', str(tmp_path / 'franka.yaml'), str(tmp_path / 'ur5.yaml')]) == 0
    assert "'elbow_joint' of ur5 turns the other way" in capsys.readouterr().err
