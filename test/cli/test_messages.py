"""What each verb says to a person who is new to it: where, what, and what to do next."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from helpers.robot_file_examples import ONE_JOINT as UR5
from neuracore_ros.cli.main import main
from neuracore_ros.description import load_robot
from neuracore_ros.errors import DescriptionWarning

XACRO = '<robot xmlns:xacro="http://wiki.ros.org/xacro" name="r"><xacro:arm name="a"/></robot>'


@pytest.fixture
def say(tmp_path, monkeypatch, capsys):
    """Runs a command in a folder with a few files; gives its code and its last line."""
    monkeypatch.chdir(tmp_path)
    Path('ur5.yaml').write_text(UR5)
    Path('cross.yaml').write_text('robots: {ur5: ur5.yaml}')
    Path('r.urdf.xacro').write_text(XACRO)
    Path('other.urdf').write_text(
        '<robot name="o"><joint name="a" type="revolute"><limit lower="-1" upper="1" '
        'velocity="1"/></joint></robot>'
    )
    Path('droid.server.yaml').write_text('server: openpi\nrate_hz: 15')
    Path('empty.mcap').touch()
    Path('empty.pt').touch()
    Path('weights.bin').write_bytes(bytes(range(256)))
    Path('runs').mkdir()
    Path('runs/policy.pt').touch()
    Path('runs/best.pt').touch()
    Path('b').mkdir()
    Path('b/metadata.yaml').touch()
    Path('configs').mkdir()
    Path('configs/ur10.yaml').write_text(UR5)

    def run(command: str) -> tuple[int, str]:
        try:
            code = main(command.split())
        except SystemExit as wrong_usage:
            code = int(wrong_usage.code)
        printed = capsys.readouterr()
        lines = (printed.err or printed.out).splitlines()
        return code, lines[-1].removeprefix('neuracore_ros ') if lines else ''

    return run


@pytest.mark.parametrize(
    ('command', 'line'),
    [
        ('covert', "error: there is no verb 'covert'; did you mean 'convert'? Known: align, "),
        ('layout --jsn a', 'layout: error: there is no option --jsn; did you mean --json?'),
        ('demo now', 'demo: error: takes no more arguments: now'),
        ('demo --episodes 1.5', "error: argument --episodes: '1.5' is no whole number"),
        ('demo --speed 0', 'demo: error: argument --speed: 0 is not between 0.01 and 100'),
        ('record ur5.yaml --out b --seconds 1,5', "--seconds: '1,5' is no number: write 1.5"),
        ('record ur5.yaml --out b --rate-hz nan', '--rate-hz: nan is not between 0.1 and 1000'),
        ('describe --live --out a.yaml --seconds ten', "--seconds: 'ten' is no number"),
        ('check ur5.yaml a.pt', 'the policy comes first: neuracore_ros check a.pt ur5.yaml'),
        ('check a.pt ur5.yaml --live --use-sim-time', '--use-sim-time belongs to --bag BAG'),
        ('report d --rerun-file a.rrd', '--rerun-file: which episode? Give --rerun EPISODE, too'),
        ('train d --out=', 'argument --out: is empty: is a variable of the shell not set?'),
        ('check a.pt --bag= ur5.yaml', 'argument --bag: is empty: is a variable of the shell'),
        ('evaluate runs d', 'ends in .pt, .onnx, .xml, .pt2; did you mean runs/policy.pt?'),
        ('evaluate a.pt d --episodes 5-3', '--episodes: 5-3: a range counts up, such as 3-5'),
        ('evaluate a.pt d --episodes 0-99999999999', 'a range counts up, such as 3-5'),
    ],
)
def test_wrong_usage_says_what_is_right(say, command, line):
    code, said = say(command)
    assert code == 2 and line in said


@pytest.mark.parametrize(
    ('command', 'line'),
    [
        ('layout ur5.yml', 'layout: ur5.yml: no such file; did you mean ur5.yaml?'),
        ('layout configs/ur10', 'no such file; did you mean configs/ur10.yaml?'),
        ('layout nowhere/a.yaml', 'no such file: there is no folder nowhere'),
        ('layout configs', 'configs: is a folder; give a file in it: configs/ur10.yaml'),
        (
            'layout other.urdf',
            'other.urdf: is XML, not YAML. Of a URDF, a robot file is drafted by',
        ),
        ('align other.urdf', 'describe --urdf other.urdf --out other.yaml'),
        ('layout weights.bin', 'is not text in UTF-8: is it the right file? If so, save it'),
        ('layout ur5.yaml ur5.yaml', "ur5.yaml: robot 'ur5' is described twice: leave a file"),
        ('describe --urdf r.urdf.xacro --out a.yaml', 'xacro r.urdf.xacro > robot.urdf'),
        ('describe --urdf a.urdf --out a.txt', 'describe: a.txt: a robot file ends in .yaml'),
        ('describe --urdf a.urdf --out a/b.yaml', 'a: no such folder; make it: mkdir -p a'),
        ('describe --urdf other.urd --out a.yaml', 'no such file; did you mean other.urdf?'),
        ('describe --bag empty.mcap --out a.yaml', 'the file is empty; copy or record it again'),
        ('describe --bag weights.bin --out a.yaml', 'not a bag: that is a folder that ros2 bag'),
        ('convert d --description ur5.yaml b/*.mcap', 'no such bag: nothing matches this pattern'),
        ('convert d --description ur5.yaml /dev/null', 'not a bag: that is a folder that ros2'),
        ('describe --bag b/metadata.yaml --out a.yaml', 'bag; give its folder: b'),
        ('convert configs --description ur5.yaml empty.mcap', 'the recordings come after it'),
        ('record ur5.yaml --out ur5.yaml --seconds 1', '--out is the folder of the bags'),
        ('report config', 'cannot be read); did you mean configs?'),
        ('layout ur5.yaml --out a/b.svg', 'a: no such folder; make it: mkdir -p a'),
        ('evaluate a.pt a.pt ur5.yaml b', 'a.pt: is given 2 times; give each policy once'),
        ('export runs/best.pt --out a.pt', 'has only weights; give the folder of its run: runs'),
        ('report configs --out .', '.: is a folder; --out is the file to write'),
        ('evaluate a.pt configs --out x/r.html', 'x: no such folder; make it: mkdir -p x'),
        ('demo --out ur5.yaml', 'ur5.yaml: is a file; --out is the folder to write into'),
        ('export weights.bin --out a.onnx', 'is neither the folder of a run nor a .pt file'),
        ('check empty.pt ur5.yaml', 'damaged (it is empty): copy or export it again'),
        (
            'check weights.bin ur5.yaml',
            'ends in .pt, .onnx, .xml or .pt2; neuracore_ros export writes',
        ),
        ('check localhost:8000 ur5.yaml', 'did you mean ws://localhost:8000?'),
        ('check ws:/10.0.0.7:8000 ur5.yaml', 'did you mean ws://10.0.0.7:8000?'),
        ('check pi05_droid ur5.yaml', 'did you mean pi05_droid.server.yaml?'),
        ('check droid.yaml ur5.yaml', 'writes one; a server file, in .server.yaml'),
        ('record droid.server.yaml --out b --seconds 1', 'is a server file, which is the model'),
        ('record cross.yaml --out b --seconds 1', 'give the file of one of them: ur5.yaml'),
    ],
)
def test_a_mistake_says_where_it_is_and_what_to_do(say, command, line):
    code, said = say(command)
    assert code == 1 and line in said


@pytest.mark.parametrize(
    ('old', 'new', 'line'),
    [
        ('  JOINT_POSITIONS: {0', '\tJOINT_POSITIONS: {0', ':4: is not YAML: a tab stands where'),
        ('commands:', '---\ncommands:', ': a second document begins here (---): one file holds'),
        ('3.15}}', '3.15}', "but got '<scalar>', in what begins on line 2"),
        ('3.15', '3,15', "'15' is no key of limits of 'elbow': write 3.14 for 3,14"),
        ('3.15', '"3,15"', "must be a finite number, not '3,15': write 3.15"),
        ('3.15', '180 deg', "not '180 deg': without 'deg', in SI units and radians"),
        ('{0: elbow}', '{elbow: 0}', "not 'elbow': write 0: name, not name: 0"),
        ('robot: ur5', '', "a robot file needs the key 'robot'"),
        (UR5, 'robots: {}', 'robots is empty: write {name: its robot file}'),
        (UR5, 'robots: {ur5: ur6.yaml}', "'ur5': there is no file ur6.yaml; did you mean ur5"),
        (UR5, 'infer: {ros__parameters: {}}', 'is a file of ROS parameters; the robot file is'),
        ('robot: ur5', 'robot: ur5\nurdf: package://a/b', 'write the path of the file, relative'),
        ('robot: ur5', 'robot: ur5\nurdf: configs', "urdf 'configs': configs is a folder"),
        ('robot: ur5', 'robot: ur5\nurdf: r.urdf.xacro', 'is xacro, not URDF: xacro r.urdf.xacro'),
        ('/joint_states}', '/joint_states, stamp: recieve}', "did you mean 'receive'?"),
    ],
)
def test_a_wrong_robot_file_says_which_line_and_what_to_write(say, old, new, line):
    Path('bad.yaml').write_text(UR5.replace(old, new))
    code, said = say('layout bad.yaml')
    assert code == 1 and line in said


def test_a_urdf_of_another_robot_is_doubted(say):
    Path('a.yaml').write_text(UR5.replace('robot: ur5', 'robot: ur5\nurdf: other.urdf'))
    with pytest.warns(
        DescriptionWarning, match='has none of the joints of a.yaml: is it the URDF'
    ):
        load_robot('a.yaml')


@pytest.mark.parametrize('start', ['\ufeff', '\r\n', '# für Ärzte\n'])
def test_files_of_other_editors_are_read(say, start):
    text = start + (UR5.replace('\n', '\r\n') if '\r' in start else UR5)
    Path('a.yaml').write_text(text, encoding='utf-8', newline='')
    assert say('layout a.yaml')[0] == 0


def test_a_terminal_that_cannot_show_a_letter_shows_its_number(say, tmp_path):
    Path('ur5.yaml').write_text(UR5.replace('elbow', 'łokieć'), encoding='utf-8')
    done = subprocess.run(
        [sys.executable, '-m', 'neuracore_ros.cli.main', 'layout', 'ur5.yaml'],
        env={**os.environ, 'PYTHONIOENCODING': 'ascii'},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0 and r'\u0142okie\u0107' in done.stdout


def test_a_full_disk_ends_in_one_line(say):
    with open('/dev/full', 'w') as full:  # noqa: PTH123
        done = subprocess.run(
            [sys.executable, '-m', 'neuracore_ros.cli.main', 'layout', 'ur5.yaml'],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 1 and 'Traceback' not in done.stderr
    assert 'neuracore_ros layout: No space left on device' in done.stderr


@pytest.mark.parametrize(
    'verb',
    [
        'record ur5.yaml --out bags',
        'convert d --description ur5.yaml b',
        'evaluate p.pt ur5.yaml b',
    ],
)
def test_words_that_are_not_utf8_are_wrong_usage(say, verb):
    latin_1 = os.fsdecode('café'.encode('latin-1'))
    code, line = say(f'{verb} --task {latin_1}')
    assert code == 2
    assert r"argument --task: 'caf\xe9' is not UTF-8 at letter 3" in line


def test_a_policy_in_the_place_of_a_robot_file_is_doubted_and_not_called_long(say, tmp_path):
    (tmp_path / 'big.pt').write_bytes(b'PK' + bytes(1 << 21))
    code, said = say(f'align {tmp_path / "big.pt"}')
    assert code == 1
    assert said.rstrip().endswith(
        'has more than 1048576 bytes: is it the right file? One of YAML ends in .yaml'
    )
