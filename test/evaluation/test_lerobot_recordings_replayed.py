"""A LeRobot dataset is checked and evaluated as the bags of a robot are."""

import json

import pytest

torch = pytest.importorskip('torch')

from helpers.lerobot_arm import write_robot
from helpers.lerobot_datasets import write_lerobot
from helpers.small_policies import write_policy
from neuracore_ros.cli.main import main


@pytest.fixture
def files(tmp_path):
    """A policy, a robot and a dataset of five episodes."""
    policy = write_policy(tmp_path / 'policy.pt', width=3)
    lengths = (40, 30, 35, 12, 15)
    root = write_lerobot(tmp_path / 'so101', cameras=('front',), lengths=lengths)
    return str(policy), str(write_robot(tmp_path)), str(root)


def test_every_episode_is_replayed(files, capsys):
    assert main(['evaluate', *files, '--json']) == 0
    found = json.loads(capsys.readouterr().out)
    assert '5 bags' in json.dumps(found)


def test_a_pattern_of_episodes_is_replayed(files, capsys):
    policy, robot, root = files
    assert main(['evaluate', policy, robot, f'{root}/episode_00000[01]', '--json']) == 0
    assert '2 bags' in capsys.readouterr().out


def test_the_first_episodes_are_checked(files, capsys):
    policy, robot, root = files
    assert main(['check', policy, robot, '--bag', root]) == 0
    out = capsys.readouterr().out
    assert f'{root}: its first 3 of 5 episodes follow' in out
    assert f'{root}/episode_000002: 1 episode, 23 steps' in out
    assert 'episode_000003' not in out


def test_one_episode_is_checked(files, capsys):
    policy, robot, root = files
    assert main(['check', policy, robot, '--bag', f'{root}/episode_000004']) == 0
    assert f'{root}/episode_000004: 1 episode, 10 steps' in capsys.readouterr().out


def test_a_name_that_no_episode_has_is_one_error(files, tmp_path, capsys):
    policy, _, root = files
    robot = write_robot(tmp_path, **{'elbow_flex: elbow_flex.pos': 'elbow_flex: elbow.pos'})
    assert main(['check', policy, str(robot), '--bag', root]) == 1
    said = capsys.readouterr()
    assert (said.out + said.err).count("lacks 'elbow.pos'") == 1
