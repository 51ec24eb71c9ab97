"""A line that is renewed, as terminals and logs get it."""

import io

import pytest

from neuracore_ros.cli import terminal
from neuracore_ros.cli.terminal import StatusLine


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def clock(monkeypatch):
    """The time that status lines see [s]."""
    now = [100.0]
    monkeypatch.setattr(terminal.time, 'monotonic', lambda: now[0])
    return now


def test_on_a_terminal_it_is_renewed_in_place_and_cut_to_its_width(clock, monkeypatch):
    monkeypatch.setenv('COLUMNS', '8')
    line = StatusLine(stream := Terminal())
    for clock[0] in (100.0, 100.1, 100.3, 100.4, 100.6):
        line.update(f'at {clock[0]} s')
    line.clear()
    assert stream.getvalue() == '\r\033[Kat 100.\r\033[Kat 100.\r\033[K'


def test_in_a_log_it_is_a_line_now_and_then(clock):
    line = StatusLine(stream := io.StringIO())
    for clock[0] in range(100, 140):
        line.update(f'at {clock[0]} s')
    line.clear()
    assert stream.getvalue() == 'at 115 s\nat 130 s\n'


def test_where_only_a_terminal_wants_it_a_log_gets_nothing(clock):
    line = StatusLine(stream := io.StringIO(), logs=False)
    for clock[0] in range(100, 140):
        line.update('any')
    line.clear()
    assert stream.getvalue() == ''
