"""What cannot be shown in Rerun is told in one line, once."""

import time
from types import SimpleNamespace

import pytest

rerun = pytest.importorskip('rerun')
pytest.importorskip('rclpy')

from helpers.watched_views import view
from neuracore_ros.cli.main import main
from neuracore_ros.node.graph import is_spectator
from neuracore_ros.watch.link import NODE_NAME
from neuracore_ros.watch.rerun_view import LiveView

NOBODY = SimpleNamespace(
    get_clock=lambda: SimpleNamespace(now=lambda: SimpleNamespace(nanoseconds=time.time_ns()))
)


def test_a_robot_file_that_is_on_another_computer_is_told_once():
    told = []
    live = LiveView(
        NOBODY, rerun.RecordingStream('test'), (), lambda name, text: told.append((name, text))
    )
    for _ in range(3):
        live.update([view()])
    ((name, text),) = told
    assert name == '/infer'
    assert text.startswith('not shown in Rerun: ur5.yaml: no such file')
    assert text.endswith('; give --robot FILE')


def test_whoever_watches_executes_no_commands():
    assert is_spectator(f'/{NODE_NAME}')


@pytest.mark.parametrize(
    ('words', 'says'),
    [
        (['--rerun', '--once'], 'not allowed with'),
        (['--call', 'enable', '--once'], 'not allowed with'),
        (['--call', 'enabel'], "invalid choice: 'enabel'"),
        (['--robot', 'ur5'], '--robot is for --rerun'),
    ],
)
def test_options_that_contradict_each_other_are_refused(words, says, capsys):
    with pytest.raises(SystemExit) as ended:
        main(['watch', *words])
    assert ended.value.code == 2
    assert says in capsys.readouterr().err


def test_a_file_that_is_there_is_not_overwritten(tmp_path, capsys):
    (tmp_path / 'live.rrd').write_text('mine')
    assert main(['watch', '--rerun', str(tmp_path / 'live.rrd')]) == 1
    assert 'live.rrd: is there already: choose another name' in capsys.readouterr().err
    assert (tmp_path / 'live.rrd').read_text() == 'mine'
