"""Whatever ends ``watch``, or suspends it: the terminal is as it was."""

import os
import signal

import pytest

pytest.importorskip('rclpy')
pytest.importorskip('rich')

from helpers.pseudo_terminal import OnTerminal
from helpers.waiting import wait_until


@pytest.fixture
def begin_on_terminal(domain):
    """Starts the verb on a terminal of its own."""
    terminals = []

    def begin(*arguments, **options):
        terminals.append(OnTerminal('watch', *arguments, **options))
        return terminals[-1]

    yield begin
    for terminal in terminals:
        terminal.close()


@pytest.mark.parametrize(
    'number', [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT], ids=lambda s: s.name
)
def test_a_signal_ends_it_well(begin_on_terminal, number):
    terminal = begin_on_terminal()
    terminal.until('no node has been found yet')
    assert terminal.end(number) == 0
    assert terminal.is_restored


def test_control_c_and_control_z_are_those_of_the_terminal(begin_on_terminal):
    terminal = begin_on_terminal()
    terminal.until('no node has been found yet')
    terminal.press('\x1a')
    pid = terminal.process.pid
    wait_until(lambda: os.waitpid(pid, os.WUNTRACED | os.WNOHANG)[0] == pid, message='its pause')
    assert terminal.is_restored
    frames = terminal.written.count('\x1b[?1049h')
    terminal.signal(signal.SIGCONT)
    wait_until(lambda: terminal.written.count('\x1b[?1049h') == frames + 1, message='its screen')
    terminal.until('no node has been found yet')
    assert terminal.end('\x03') == 0
    assert terminal.is_restored


def test_a_terminal_that_goes_away_ends_it(begin_on_terminal):
    terminal = begin_on_terminal()
    terminal.until('no node has been found yet')
    terminal.hang_up()
    assert terminal.wait() == 0


def test_a_bug_restores_the_terminal_too(begin_on_terminal, tmp_path):
    broken = 'from neuracore_ros.watch import link\nlink.running_nodes = None\n'
    (tmp_path / 'sitecustomize.py').write_text(broken)
    path = os.pathsep.join([str(tmp_path), os.environ.get('PYTHONPATH', '')])
    terminal = begin_on_terminal(PYTHONPATH=path)
    assert terminal.wait() == 1
    assert terminal.is_restored
    assert "TypeError: 'NoneType' object is not callable" in terminal.written


def test_a_terminal_without_a_cursor_gets_lines_and_keys(begin_on_terminal):
    terminal = begin_on_terminal('--namespace', 'left', TERM='dumb')
    terminal.until_written('/left/infer ABSENT')
    terminal.press('d')
    terminal.until_written("/left/infer: it is not there; 'disable' was not sent")
    assert '\x1b' not in terminal.written
    terminal.press('\x1a')
    pid = terminal.process.pid
    wait_until(lambda: os.waitpid(pid, os.WUNTRACED | os.WNOHANG)[0] == pid, message='its pause')
    assert terminal.has_its_mode
    terminal.signal(signal.SIGCONT)
    wait_until(lambda: not terminal.has_its_mode, message='its keys')
    assert terminal.end('q') == 0
    assert terminal.has_its_mode


def test_without_colour_there_is_none(begin_on_terminal):
    terminal = begin_on_terminal(NO_COLOR='1')
    terminal.until('no node has been found yet')
    assert '\x1b[33m' not in terminal.written
    assert terminal.end() == 0


def test_a_wrong_namespace_is_refused_before_the_screen(begin_on_terminal):
    terminal = begin_on_terminal('--namespace', '1st')
    assert terminal.wait() == 1
    assert "--namespace '1st' is none" in terminal.written
    assert '\x1b[?1049h' not in terminal.written
