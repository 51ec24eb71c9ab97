"""`neuracore_ros record`, on a simulated robot that a scripted expert moves."""

import json
import signal
import time
from pathlib import Path

import pytest
from std_srvs.srv import SetBool, Trigger
from world import SIM_ROBOT, UR5, Running, World

from neuracore_ros.dataset.bags import open_bag

TOPICS = {'/joint_states', '/overhead/image_raw', '/arm_controller/joint_trajectory', '/clock'}


@pytest.fixture(scope='module')
def world(domain):
    sim = Running(SIM_ROBOT, '--robot', 'ur5', '--speed', 3)
    world = World()
    world.until(lambda: len(world.motion) > 12, 'joint states')
    yield world
    world.close()
    assert sim.end() == 0, sim.output


@pytest.fixture
def record(begin):
    def start(folder, *options, robot=UR5):
        words = ['record', robot, '--out', folder, '--use-sim-time', *options]
        return begin('neuracore_ros.cli.main', *words)

    return start


def test_services_start_and_stop_an_episode_of_all_declared_topics(world, record, tmp_path):
    recorder = record(tmp_path, '--services')
    world.call(SetBool, 'sim/expert', data=True)
    assert world.call(Trigger, 'record/stop').message == 'nothing is being recorded'
    path = Path(world.call(Trigger, 'record/start').message)
    assert path == tmp_path / 'episode_000'
    assert not world.call(Trigger, 'record/start').success
    time.sleep(1.0)
    assert not path.exists()
    answer = world.call(Trigger, 'record/stop')
    assert answer.success, answer.message
    told = json.loads(answer.message)
    assert told['path'] == str(path)
    with open_bag(path) as bag:
        assert bag.topics.keys() == TOPICS
        assert {name: topic.count for name, topic in bag.topics.items()} == told['counts']
        assert all(told['counts'].values())
        # Log times are simulated ones: 100 joint states a second, not 300 as on the wall.
        assert told['counts']['/joint_states'] / told['duration_s'] == pytest.approx(100, rel=0.5)
        last = list(bag.read(['joint_states']))[-1]
        stamp = last.message.header.stamp
        assert last.log_time_ns == pytest.approx(stamp.sec * 10**9 + stamp.nanosec, abs=10**8)
    world.call(Trigger, 'record/start')
    time.sleep(0.3)
    assert recorder.end(signal.SIGINT) == 0, recorder.output
    # What was running is there, whole; nothing else is.
    assert sorted(path.name for path in tmp_path.iterdir()) == ['episode_000', 'episode_001']
    with open_bag(tmp_path / 'episode_001') as bag:
        assert bag.count > 20
    assert 'Traceback' not in recorder.output
    world.call(SetBool, 'sim/expert', data=False)


def test_episodes_of_a_length_follow_each_other_and_a_silent_topic_is_told(
    world, record, tmp_path
):
    robot = tmp_path / 'ur5.yaml'
    robot.write_text(UR5.read_text().replace('overhead/image_raw', 'nowhere/image_raw'))
    out = tmp_path / 'bags'
    recorder = record(out, '--seconds', 1, '--episodes', 2, robot=robot)
    assert recorder.wait() == 0, recorder.output
    assert sorted(path.name for path in out.iterdir()) == ['episode_000', 'episode_001']
    assert '/nowhere/image_raw is silent: nobody publishes it' in recorder.output
    assert 'nothing was heard' in recorder.output


def test_without_a_terminal_it_asks_for_a_way_to_start(record, tmp_path):
    recorder = record(tmp_path)
    assert recorder.wait() == 1
    (line,) = recorder.lines
    assert line.endswith('give --seconds or --services')
