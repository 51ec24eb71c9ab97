"""`neuracore_ros align` from outside: what it says, and how it ends."""

import os
import signal
import socket
import subprocess
import sys
from urllib.request import urlopen

import pytest

pytest.importorskip('viser')

from helpers.aligned import Seen, write_mine
from helpers.browser import browser, lacks
from neuracore_ros.cli.main import main


def say(capsys, *words):
    code = main(['align', *map(str, words)])
    return code, capsys.readouterr().err


@pytest.fixture
def serve():
    """A function that starts `align` and gives the process and the page's address."""
    started = []

    def start(*words):
        command = [sys.executable, '-m', 'neuracore_ros.cli.main', 'align', *map(str, words)]
        command[1:3] = [
            '-c',
            'import sys; from neuracore_ros.cli.main import main; sys.exit(main())',
        ]
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ
        )
        started.append(process)
        line = process.stdout.readline()
        assert 'http://127.0.0.1:' in line, line + process.stderr.read()
        return process, line.split(': ')[1].split()[0]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_it_serves_robots_by_name_and_by_file_until_ctrl_c(serve, tmp_path):
    process, url = serve('franka_ur5', write_mine(tmp_path), '--port', 0)
    with urlopen(url) as page:
        assert b'<html' in page.read(4096)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (0, '', '')


def test_a_port_that_is_taken_is_one_line(capsys):
    with socket.socket() as other:
        other.bind(('127.0.0.1', 0))
        other.listen()
        port = other.getsockname()[1]
        code, said = say(capsys, 'franka', '--port', port)
    assert code == 1
    assert said == (
        f'neuracore_ros align: port {port} of 127.0.0.1 is in use: end that page, or choose '
        'another --port\n'
    )


@pytest.mark.parametrize(
    ('words', 'line'),
    [
        (['frank'], 'frank: no such file; shipped are franka'),
        (
            ['franka', '--urdf', 'frank=a.urdf'],
            "--urdf frank=...: no robot file here is of 'frank'",
        ),
        (['franka', '--urdf', 'franka=none.urdf'], 'none.urdf: no such file'),
        (['franka', '--recording', 'ur5=bag'], '--recording ur5=...: no robot file here is of'),
        (['franka', '--recording', 'franka=none'], 'none: no such bag'),
        (['franka', 'franka'], "robot 'franka' is described twice"),
        (['plain.yaml'], "'snake' is described, but without sources: give its robot file"),
        (['torn.yaml'], 'torn.yaml:1: '),
    ],
)
def test_what_cannot_be_shown_is_one_line(capsys, tmp_path, monkeypatch, words, line):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'plain.yaml').write_text('snake: {JOINT_POSITIONS: [a, b]}\n')
    (tmp_path / 'torn.yaml').write_text('robot: [')
    code, said = say(capsys, *words, '--port', 0)
    assert code == 1 and line in said and said.count('\n') == 1


def test_without_viser_it_says_what_to_install(capsys, monkeypatch):
    for name in [each for each in sys.modules if each.startswith('neuracore_ros.viewer.page')]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, 'viser', None)
    assert say(capsys, 'franka') == (
        1,
        "neuracore_ros align: needs viser: pip install 'neuracore_ros[see]'\n",
    )


@pytest.mark.skipif(bool(lacks()), reason=lacks())
def test_it_ends_at_once_and_names_what_was_not_saved(serve, tmp_path):
    mine = write_mine(tmp_path)
    process, url = serve('franka', mine, '--port', 0)
    with browser() as chromium:
        seen = Seen(chromium.new_page()).open(url)
        # The file of the shipped robot is not to be changed.
        assert seen.page.get_by_role('button', name='Turn the sign').count() == 1
        seen.press('Turn the sign')
        seen.text('Not saved: mine.yaml')
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, f'changes of {mine} were not saved\n')
