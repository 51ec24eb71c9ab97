"""``neuracore_ros serve --lerobot``: options that do not go together, and what is told first."""

import importlib.util

import pytest

from helpers.lerobot_files import NAMES, SO101, write_checkpoint, write_dataset
from neuracore_ros.cli.main import main

DEGREES = ('--units', 'degrees')


@pytest.fixture
def folder(tmp_path):
    write_checkpoint(tmp_path / 'act')
    (tmp_path / 'so101.yaml').write_text(SO101)
    write_dataset(tmp_path / 'data', *2 * ([f'{name}.pos' for name in NAMES],))
    return tmp_path


def said(capsys, folder, *words):
    """The status, and the one line of the error."""
    status = main(['serve', '--port', '0', '--lerobot', str(folder), *map(str, words)])
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    return status, lines[0]


@pytest.mark.parametrize(
    ('words', 'wanted'),
    [
        (['p.pt', '--lerobot', 'act'], 'not allowed with'),
        ([], 'one of the arguments'),
        (['p.pt', '--task', 'push'], '--task belongs to --lerobot DIR'),
        (['p.pt', '--camera', 'a=b'], '--camera belongs to --lerobot DIR'),
        (['p.pt', '--seed', '0'], '--seed belongs to --lerobot DIR'),
        (['p.pt', '--trust-remote-code'], '--trust-remote-code belongs to'),
        (['--lerobot', 'a', '--map', 'm.server.yaml', '--units', 'radians'], 'leave out --units'),
        (['--lerobot', 'a', '--map', 'm.server.yaml', '--state', 'a'], 'leave out --state'),
        (['--lerobot', 'a', '--precision', 'float16'], '--precision is not of --lerobot'),
        (['--lerobot', 'a', '--units', 'turns'], 'invalid choice'),
        (['--lerobot', 'a', '--gripper', '1,1'], 'is not CLOSED,OPEN'),
        (['--lerobot', 'a', '--gripper', '1'], 'is not CLOSED,OPEN'),
        (['--lerobot', 'a', '--gripper', '0,x'], 'x'),
        (['--lerobot', 'a', '--camera', 'front'], 'is not KEY=VALUE'),
        (['--lerobot', 'a', '--set', '=3'], 'is not KEY=VALUE'),
        (['--lerobot', 'a', '--state', 'a,,b'], 'NAME,NAME'),
        (['--lerobot', 'a', '--rate-hz', '0'], 'is not between'),
        (['--lerobot', ''], 'is empty'),
    ],
)
def test_options_that_do_not_go_together_are_wrong_usage(capsys, words, wanted):
    with pytest.raises(SystemExit) as caught:
        main(['serve', *words])
    assert caught.value.code == 2
    assert wanted in capsys.readouterr().err


def test_what_the_user_must_say_is_told_before_lerobot_is_loaded(capsys, folder):
    robot, data = ('--robot', folder / 'so101.yaml'), ('--dataset', folder / 'data')
    act = folder / 'act'
    for words, wanted in (
        ((), '--dataset DIR, or --rate-hz HZ'),
        (data, 'give --robot FILE'),
        ((*data, *robot), 'give --units'),
        ((*robot, *DEGREES, '--rate-hz', '30'), '--state NAME,NAME,...'),
        ((*robot, *DEGREES, *data, '--state', 'a,b'), 'there are 2 names: a, b'),
        ((*robot, *DEGREES, *data, '--camera', 'frnt=wrist'), "did you mean 'front'?"),
        ((*data, '--robot', 'so999'), 'so999'),
        (('--dataset', folder), 'lacks meta/info.json'),
        (('--map', 'nowhere.server.yaml'), 'shipped are'),
        ((*data, *robot, *DEGREES, '--sha256', '0' * 64), 'which was demanded'),
        ((*data, *robot, '--units', 'normalized'), '--calibration FILE'),
    ):
        assert said(capsys, act, *words)[1].count(wanted), words


def test_the_dataset_of_the_training_run_is_named_where_it_is_asked_for(capsys, folder):
    (folder / 'act' / 'train_config.json').write_text('{"dataset": {"repo_id": "me/cubes"}}')
    assert "'me/cubes'" in said(capsys, folder / 'act')[1]
    words = ('--robot', folder / 'so101.yaml', *DEGREES, '--rate-hz', '30')
    assert "it was trained on 'me/cubes'" in said(capsys, folder / 'act', *words)[1]


@pytest.mark.skipif(importlib.util.find_spec('lerobot') is not None, reason='lerobot is here')
def test_a_python_without_lerobot_is_told_what_is_needed(capsys, folder):
    words = ('--robot', folder / 'so101.yaml', '--dataset', folder / 'data', *DEGREES)
    status, line = said(capsys, folder / 'act', *words)
    assert status == 1
    assert 'needs lerobot 0.6 or newer in Python >= 3.12' in line
