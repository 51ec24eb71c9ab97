"""Names of files and robots are shown, whatever they hold; a terminal obeys none of them."""

import io
import os
import pty
import sys
import termios
import time
from xml.etree import ElementTree

import pytest

from neuracore_ros.cli.main import main
from neuracore_ros.cli.terminal import (
    SEQUENCE_S,
    EscapedOutput,
    StatusLine,
    escaped,
    escaped_output,
    single_keys,
)

CLEAR = '\x1b[2J'


@pytest.mark.parametrize(
    ('text', 'shown'),
    [
        ('łokieć 👩‍💻\ttab\n', 'łokieć 👩‍💻\ttab\n'),
        (f'a{CLEAR}b', r'a\x1b[2Jb'),
        ('\x1b]0;title\x07', r'\x1b]0;title\x07'),
        ('one\rtwo\x9b2J\x7f', r'one\rtwo\x9b2J\x7f'),
        ('a\u2028b\u202etxt.exe\u2066', r'a\u2028b\u202etxt.exe\u2066'),
    ],
)
def test_letters_are_shown_and_controls_are_escaped(text, shown):
    assert escaped(text) == shown


def test_a_robot_that_is_called_after_its_file_clears_no_screen(tmp_path, capsys):
    file = tmp_path / f'arm{CLEAR}.yaml'
    file.write_text('JOINT_POSITIONS: [base, wrist]')
    picture = tmp_path / 'layout.svg'
    assert main(['layout', str(file), '--out', str(picture)]) == 0
    out, err = capsys.readouterr()
    assert '\x1b' not in out + err and r'arm\x1b[2J' in out
    texts = [element.text for element in ElementTree.parse(picture).iter()]
    assert r'arm\x1b[2J' in texts


@pytest.mark.parametrize('name', ['robot', 'joint', 'camera', 'topic'])
def test_names_with_controls_are_refused_where_they_are_written(tmp_path, capsys, name):
    evil = {word: word for word in ('robot', 'joint', 'camera', 'topic')}
    evil[name] = rf'"a{CLEAR!r}"'.replace("'", '')
    (tmp_path / 'arm.yaml').write_text(
        'robot: {robot}\ninput: {{JOINT_POSITIONS: [{joint}], RGB_IMAGES: [{camera}]}}\n'
        'output: {{}}\nsources: {{JOINT_POSITIONS: {{topic: {topic}}}}}'.format(**evil)
    )
    assert main(['layout', str(tmp_path / 'arm.yaml')]) == 1
    out, err = capsys.readouterr()
    assert '\x1b' not in out + err
    assert r"'a\x1b[2J' has a character that cannot be printed" in err


def test_words_of_the_command_line_that_are_wrong_are_escaped(capsys):
    with pytest.raises(SystemExit):
        main(['layout', '--', f'{CLEAR}.yaml', '--json', f'--{CLEAR}'])
        main([f'lay{CLEAR}out'])
    with pytest.raises(SystemExit):
        main(['train', f'--{CLEAR}', 'x'])
    out, err = capsys.readouterr()
    assert '\x1b' not in out + err


def test_a_line_that_is_renewed_controls_the_terminal_and_its_text_does_not(monkeypatch):
    terminal = io.StringIO()
    terminal.isatty = lambda: True
    monkeypatch.setattr(sys, 'stderr', terminal)
    monkeypatch.setattr('neuracore_ros.cli.terminal.TERMINAL_EVERY_S', 0.0)
    with escaped_output():
        line = StatusLine(sys.stderr)
        line.update(f'bag{CLEAR}')
        line.clear()
    assert terminal.getvalue() == '\r\033[K' + r'bag\x1b[2J' + '\r\033[K'
    assert sys.stderr is terminal


def test_whoever_writes_is_escaped_once():
    with escaped_output(), escaped_output():
        assert isinstance(sys.stdout, EscapedOutput)
        assert not isinstance(sys.stdout.raw, EscapedOutput)


@pytest.fixture
def keyboard():
    """Both ends of a terminal: what is pressed, and who reads it."""
    master, slave = pty.openpty()
    with os.fdopen(slave, 'r') as terminal:
        yield master, terminal
    os.close(master)


@pytest.mark.parametrize(
    ('pressed', 'keys'),
    [
        ('D', 'd'),
        ('ab ', 'ab '),
        ('\x1b[D', ''),  # an arrow; its last letter alone would discard an episode
        ('\x1bOD', ''),
        ('\x1b[1;5D', ''),
        ('\x1bO5D', ''),
        ('\x1b[[A', ''),  # F1 of a console without a window
        ('\x1bd', ''),  # Alt
        ('\x1b[D\x1b[D ', ' '),  # an arrow that is held, and what stops a robot
        ('\x1b ', ' '),
        ('\x1b[ ', ' '),
        ('\x1b', ''),
        ('a \x03', 'a '),  # Ctrl-C would discard what was pressed before it
        ('\x13', '\x13'),  # Ctrl-S would hold the output
    ],
)
def test_keys_come_one_by_one_and_what_arrows_send_is_none(keyboard, pressed, keys):
    master, terminal = keyboard
    before = termios.tcgetattr(terminal)
    with single_keys(terminal) as next_key:
        os.write(master, pressed.encode())
        found = ''.join(next_key() for _ in range(8))
        time.sleep(2 * SEQUENCE_S)
        os.write(master, b'x')
        assert (found.strip('\x1b['), next_key()) == (keys, 'x')
    assert termios.tcgetattr(terminal) == before


def test_an_arrow_that_comes_in_two_parts_is_none(keyboard):
    master, terminal = keyboard
    with single_keys(terminal) as next_key:
        os.write(master, b'\x1b[')
        assert next_key() == ''
        os.write(master, b'Dx')
        assert next_key() == 'x'


def test_keys_that_wait_are_kept_for_a_slow_reader(keyboard):
    master, terminal = keyboard
    with single_keys(terminal) as next_key:
        os.write(master, b'ab')
        assert next_key() == 'a'
        time.sleep(2 * SEQUENCE_S)
        assert next_key() == 'b'


@pytest.mark.parametrize('name', ['stdin', 'stdout', 'stderr'])
def test_a_stream_that_the_caller_has_closed_ends_nothing(name, monkeypatch):
    monkeypatch.setattr(sys, name, None)
    assert main(['layout', 'ur5']) == 0
