"""`neuracore_ros record --pair`: each kept episode takes the next label that the folder lacks."""

import json
import os
import pty
import select
import signal
import sys
import time
from pathlib import Path

import pytest
import yaml
from std_srvs.srv import Trigger

from helpers.live_robot import UR5, simulated_ur5
from neuracore_ros.bags.bag import open_bag
from neuracore_ros.bags.recorded_pairs import pairs_in, recorded_pair
from neuracore_ros.pairs import pair_seed

TOPIC = '/record/pair'


@pytest.fixture(scope='module')
def world(domain):
    with simulated_ur5('--speed', 3) as world:
        yield world


@pytest.fixture
def record(begin):
    def start(folder, *options):
        words = ['record', UR5, '--out', folder, '--use-sim-time', *options]
        return begin('neuracore_ros.cli.main', *words)

    return start


def labels(folder):
    """Name of each episode -> its label, as its metadata.yaml and its topic say it."""
    found = {}
    for bag in sorted(folder.glob('episode_*')):
        metadata = yaml.safe_load((bag / 'metadata.yaml').read_text())
        noted = metadata['rosbag2_bagfile_information']['custom_data']['pair']
        with open_bag(bag) as opened:
            (said,) = (each.message.data for each in opened.read([TOPIC]))
            assert recorded_pair(opened) == (noted, '')
        assert said == noted
        found[bag.name] = noted
    return found


def an_episode(world, outcome='stop'):
    """Record one; what start and the end of it answer."""
    started = world.call(Trigger, 'record/start')
    assert started.success, started.message
    world.let_pass(0.6)
    return started.message, json.loads(world.call(Trigger, f'record/{outcome}').message)


def reset(world):
    return json.loads(world.call(Trigger, 'sim/reset').message)


def test_kept_episodes_take_the_labels_in_order_and_the_robot_follows(world, record, tmp_path):
    recorder = record(tmp_path, '--services', '--pair', '7', '3-4', 'red cube')
    world.until(lambda: 'next: pair 7 (0 of 4 recorded)' in recorder.output, 'the first label')
    trial = reset(world)
    assert (trial['pair'], trial['seed']) == ('7', 7)
    started, ended = an_episode(world)
    assert started == f'{tmp_path}/episode_000, pair 7'
    assert (ended['pair'], ended['next_pair']) == ('7', '3')
    assert reset(world)['seed'] == 3
    # What is discarded is done again.
    _, ended = an_episode(world, 'discard')
    assert (ended['pair'], ended['next_pair']) == ('3', '3')
    again = reset(world)
    assert again['seed'] == 3
    _, ended = an_episode(world, 'success')
    assert (ended['outcome'], ended['pair'], ended['next_pair']) == ('success', '3', '4')
    assert recorder.end(signal.SIGINT) == 0, recorder.output
    assert recorder.lines[-1] == (
        'not recorded: pairs 4, red cube; the same command goes on with them'
    )
    # The same command goes on, whatever a bag is called by then.
    (tmp_path / 'episode_000').rename(tmp_path / 'kept')
    recorder = record(tmp_path, '--services', '--pair', '7', '3-4', 'red cube')
    world.until(lambda: 'next: pair 4 (2 of 4 recorded)' in recorder.output, 'the third label')
    assert f'{tmp_path} has pairs 7, 3 of ur5 already' in recorder.output
    reset(world)
    an_episode(world)
    trial = reset(world)
    assert (trial['pair'], trial['seed']) == ('red cube', pair_seed('red cube'))
    _, ended = an_episode(world)
    assert (ended['pair'], ended['next_pair']) == ('red cube', '')
    # After the last one it ends by itself.
    assert recorder.wait() == 0, recorder.output
    assert labels(tmp_path) == {'episode_001': '3', 'episode_002': '4', 'episode_003': 'red cube'}
    recorder = record(tmp_path, '--services', '--pair', '7', '3-4', 'red cube')
    assert recorder.wait() == 0
    assert recorder.lines[-1] == 'all pairs are recorded: nothing is left to do'
    # Without a recorder, trials count up again.
    world.until(lambda: not world.node.count_publishers('record/pair'), 'no recorder')
    trials = [reset(world) for _ in range(2)]
    assert [trial['pair'] for trial in trials] == ['', '']
    assert trials[1]['seed'] == trials[0]['seed'] + 1


def test_episodes_of_a_length_take_labels_too_and_may_be_fewer(world, record, tmp_path):
    options = ['--seconds', 1, '--pair', '0-9', '--episodes', 2]
    recorder = record(tmp_path, *options)
    assert recorder.wait() == 0, recorder.output
    assert f'recording {tmp_path}/episode_001, pair 1' in recorder.lines
    assert any(', pair 1' in line and 'MB' in line for line in recorder.lines)
    assert 'not recorded: pairs 2-9; the same command goes on with them' in recorder.output
    assert labels(tmp_path) == {'episode_000': '0', 'episode_001': '1'}
    # Episodes of another robot in the folder have labels of their own.
    assert pairs_in(tmp_path, 'franka') == {}
    assert list(pairs_in(tmp_path, 'ur5')) == ['0', '1']


def test_two_robots_record_the_same_labels_at_once(world, record, tmp_path):
    options = ['--seconds', 1, '--pair', '5', 'a']
    both = [record(tmp_path / name, *options) for name in ('one', 'other')]
    for recorder in both:
        assert recorder.wait() == 0, recorder.output
    assert (
        labels(tmp_path / 'one')
        == labels(tmp_path / 'other')
        == {
            'episode_000': '5',
            'episode_001': 'a',
        }
    )


def test_the_keys_show_the_label_that_is_next_and_q_keeps_the_running_one(world, tmp_path):
    words = ['record', str(UR5), '--out', str(tmp_path), '--use-sim-time', '--pair', 'a"b', 'ä']
    process, terminal = pty.fork()
    if process == 0:
        os.execv(sys.executable, [sys.executable, '-m', 'neuracore_ros.cli.main', *words])
    said = ''

    def until(*texts):
        nonlocal said
        end_s = time.monotonic() + 60.0
        while not all(text in said for text in texts):
            assert time.monotonic() < end_s, said
            if select.select([terminal], [], [], 0.1)[0]:
                said += os.read(terminal, 65536).decode('utf-8', 'replace')

    try:
        until('q: end', 'next: pair a"b (0 of 2 recorded)')
        for key, answers in (
            (b' ', ['episode_000, pair a"b', 'episode_000  pair a"b  ']),
            (b'd', ['discarded', 'next: pair a"b (0 of 2 recorded)']),
            (b' ', ['episode_000, pair a"b']),
            (b'y', [', success, pair a"b', 'next: pair ä (1 of 2 recorded)']),
            (b's', ['episode_001, pair ä']),
            (b'q', [', pair ä', 'all pairs are recorded (2 of 2 recorded)']),
        ):
            said = ''
            os.write(terminal, key)
            until(*answers)
            world.let_pass(0.6)
        assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 0
        process = 0
    finally:
        if process:
            os.kill(process, signal.SIGKILL)
            os.waitpid(process, 0)
        os.close(terminal)
    assert labels(tmp_path) == {'episode_000': 'a"b', 'episode_001': 'ä'}


# The last, since the services of a killed node seem to be there for a while.
def test_what_a_killed_recorder_left_keeps_its_label(world, record, tmp_path):
    recorder = record(tmp_path, '--services', '--pair', '0-2')
    an_episode(world)
    world.call(Trigger, 'record/start')
    world.let_pass(9.0)
    assert recorder.end(signal.SIGKILL) == -signal.SIGKILL
    options = ['--seconds', 1, '--pair', '0-2']
    next_one = record(tmp_path, *options)
    assert next_one.wait() == 0, next_one.output
    rescued = tmp_path / 'episode_001'
    assert f'{rescued}: rescued' in next_one.output
    assert 'with pair 1: delete it to record that again' in next_one.output
    assert f'{tmp_path} has pairs 0-1 of ur5 already' in next_one.output
    assert not (rescued / 'metadata.yaml').exists()
    with open_bag(rescued) as bag:
        assert recorded_pair(bag) == ('1', '')
    assert {label: path.name for label, path in pairs_in(Path(tmp_path), 'ur5').items()} == {
        '0': 'episode_000',
        '1': 'episode_001',
        '2': 'episode_002',
    }
