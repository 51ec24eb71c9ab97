"""The launch file, with the real launch_ros; where that is not installed, this is not tested."""

import importlib.util
import os
import sys
from pathlib import Path

import pytest

if importlib.util.find_spec('launch_ros') is None:
    pytest.skip('launch_ros is not installed: launch file not tested', allow_module_level=True)

from helpers.live_robot import SIM_ROBOT, World
from helpers.small_policies import write_policy

ROOT = Path(__file__).resolve().parents[2]
# What `ros2 launch` does, for machines that have launch_ros but no ros2cli.
LAUNCH = """
import sys
from launch import LaunchDescription, LaunchService
from launch.actions import IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource

given = [word.split(':=', 1) for word in sys.argv[2:]]
source = PythonLaunchDescriptionSource(sys.argv[1])
service = LaunchService()
service.include_launch_description(
    LaunchDescription([IncludeLaunchDescription(source, launch_arguments=given)])
)
sys.exit(service.run())
"""


@pytest.fixture
def launch(begin, tmp_path, monkeypatch):
    """Starts the launch file from a folder of its own, with this source tree as the package."""
    prefix = tmp_path / 'install'
    share, executables = prefix / 'share' / 'neuracore_ros', prefix / 'lib' / 'neuracore_ros'
    index = prefix / 'share' / 'ament_index' / 'resource_index' / 'packages'
    for folder in (share, executables, index):
        folder.mkdir(parents=True)
    (index / 'neuracore_ros').touch()
    for name in ('launch', 'config'):
        (share / name).symlink_to(ROOT / name)
    node = executables / 'infer_node'
    node.write_text(f'#!/bin/sh\nexec {sys.executable} -m neuracore_ros.node.infer_node "$@"\n')
    node.chmod(0o755)
    known = os.environ.get('AMENT_PREFIX_PATH')
    monkeypatch.setenv('AMENT_PREFIX_PATH', os.pathsep.join(filter(None, [str(prefix), known])))
    monkeypatch.setenv('ROS_LOG_DIR', str(tmp_path / 'log'))
    monkeypatch.setenv('PYTHONUNBUFFERED', '1')
    monkeypatch.chdir(tmp_path)
    script = tmp_path / 'launch_it.py'
    script.write_text(LAUNCH)
    file = share / 'launch' / 'infer.launch.py'

    def start(*arguments):
        return begin(str(script), file, *arguments)

    return start


@pytest.mark.parametrize(
    ('arguments', 'said'),
    [
        ([], 'missing: model and robot. Give model:= a policy: '),
        (['model:=policy.pt'], 'missing: robot'),
        (
            ['model:=policy.pt', 'robot:=spot'],
            'robot:=spot is neither a .yaml file nor one of fr3, ',
        ),
        (['model:=policy.pt', 'robot:=spot.yaml'], 'there is no such file'),
        (['params_file:=none.yaml'], 'there is no such file'),
        (
            ['model:=pi05_driod.server.yaml', 'robot:=fr3_droid'],
            'pi05_driod.server.yaml: no such file; shipped are pi05_droid.server.yaml',
        ),
        (
            ['modle:=policy.pt'],
            'there is no argument modle:=; did you mean model:=? There are: model',
        ),
        (['model:=policy.pt', 'robot:=ur5', 'x:=1'], 'there is no argument x:=. There are: model'),
    ],
)
def test_what_is_missing_is_told_without_a_traceback(launch, arguments, said):
    process = launch(*arguments)
    assert process.wait() == 1
    assert said in process.output
    assert 'Traceback' not in process.output


def test_a_shipped_server_file_is_found_by_its_name_and_asked_at_the_address(launch):
    nobody = 'address:=ws://127.0.0.1:1'
    process = launch('model:=pi05_droid.server.yaml', 'robot:=franka', nobody, 'task:=wave')
    assert process.wait() == 1
    assert 'ws://127.0.0.1:1: nothing listens there' in process.output


def test_it_starts_the_node_with_a_shipped_robot_in_a_namespace(begin, launch, tmp_path):
    write_policy(tmp_path / 'a #2.pt', speed=0.02)
    (tmp_path / 'parameters.yaml').write_text('/**:\n  ros__parameters: {start_max: 0.4}\n')
    begin(SIM_ROBOT, '--robot', 'ur5', '--no-clock', '--ros-args', '-r', '__ns:=/left')
    world = World(namespace='left')
    process = launch(
        'model:=a #2.pt', 'robot:=ur5', 'namespace:=left', 'params_file:=parameters.yaml'
    )
    try:
        world.until_moving()
        assert process.end() == 0, process.output
        world.until_still()
        world.check()
    finally:
        world.close()
    assert '(sha256' in process.output
    # A terminal sends Ctrl-C to both; alone, launch waits five seconds and sends SIGTERM.
    assert ': stopping the robot' in process.output


def test_the_launch_ends_with_its_node_and_says_why(launch, tmp_path):
    write_policy(tmp_path / 'policy.pt', width=3)
    process = launch('model:=policy.pt', 'robot:=ur5')
    assert process.wait() == 1, process.output
    assert 'the model was trained with width 3' in process.output
    assert 'infer_node ended with 1; its last lines say why' in process.output
    assert 'Traceback' not in process.output


def test_a_node_whose_launch_was_killed_stops_the_robot_and_ends(begin, launch, tmp_path):
    write_policy(tmp_path / 'policy.pt', speed=0.02)
    begin(SIM_ROBOT, '--robot', 'ur5', '--no-clock')
    world = World()
    process = launch('model:=policy.pt', 'robot:=ur5')
    try:
        world.until_moving()
        process.process.kill()
        world.until_still()
        world.until(lambda: world.node.count_publishers('infer/transition_event') == 0, 'the end')
        world.check()
    finally:
        world.close()
