"""What of the environment is refused before rclpy is there to fail at it."""

import pytest

pytest.importorskip('rclpy')

from neuracore_ros import ros_environment
from neuracore_ros.cli.main import main
from neuracore_ros.errors import UserError
from neuracore_ros.ros_environment import require_ros
from neuracore_ros.sim.serve import serve


@pytest.mark.parametrize('number', ['abc', '-1', '233', '1.5', '٣x'])
def test_a_domain_that_is_none_is_refused_in_one_line(number, monkeypatch):
    monkeypatch.setenv('ROS_DOMAIN_ID', number)
    with pytest.raises(UserError, match=r'^ROS_DOMAIN_ID .* is none: it is a number from 0'):
        require_ros()


@pytest.mark.parametrize('number', ['', '0', '232', ' 7'])
def test_a_domain_that_is_one_is_taken(number, monkeypatch):
    monkeypatch.setenv('ROS_DOMAIN_ID', number)
    require_ros()


@pytest.mark.parametrize(
    ('installed', 'cure'),
    [
        (['humble', 'jazzy'], 'source {}/jazzy/setup.bash'),
        ([], "source a ROS 2 workspace, or pip install 'neuracore_ros[ros]'"),
    ],
)
def test_a_terminal_that_has_not_sourced_ros_is_told_what_to_source(
    installed, cure, monkeypatch, tmp_path
):
    for name in installed:
        (tmp_path / name).mkdir()
        (tmp_path / name / 'setup.bash').touch()
    monkeypatch.setattr(ros_environment, '_INSTALLED', tmp_path)
    monkeypatch.setattr('importlib.util.find_spec', lambda name: None)
    with pytest.raises(UserError) as said:
        require_ros()
    assert str(said.value).endswith(f': {cure.format(tmp_path)}')


@pytest.mark.parametrize('words', [['--robot', 'ur5'], ['--help']])
def test_a_simulated_robot_without_ros_ends_in_one_line(words, monkeypatch, capsys):
    monkeypatch.setattr('importlib.util.find_spec', lambda name: None)
    assert serve('sim_robot', '', ('ur5',), None, ['sim_robot', *words]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith('sim_robot: rclpy is not ')


def test_the_demo_without_ros_ends_before_it_writes_anything(monkeypatch, tmp_path):
    monkeypatch.setattr('importlib.util.find_spec', lambda name: None)
    assert main(['demo', '--out', str(tmp_path / 'demo')]) == 1
    assert not list(tmp_path.iterdir())
