"""Whoever converts, and however many of them: the dataset is the same."""

import json
import os
import shutil
import signal
import subprocess
import sys

import pytest

from helpers.dataset_snapshots import contents
from helpers.processes import children
from helpers.small_bags import write_bag
from helpers.two_arms import (
    LEFT,
    NUMBERS,
    describe,
    joint_states,
    record_left,
)
from helpers.waiting import wait_until
from neuracore_ros import processors
from neuracore_ros.cli.main import main
from neuracore_ros.convert import workers
from neuracore_ros.dataset.metadata import load_metadata


@pytest.mark.parametrize('count', [2, 3])
def test_the_dataset_does_not_depend_on_the_number_of_workers(
    tmp_path, recordings, alone, count, capsys
):
    data = tmp_path / 'data'
    code = main(['convert', str(data), *recordings, '--workers', str(count), '--json'])
    out, error = capsys.readouterr()
    assert code == 1 and 'nothing: no such bag' in error
    assert contents(data) == alone
    bags = json.loads(out)['bags']
    assert [bag['episodes'] for bag in bags] == [[0], [1, 2], [3], [], [], [4]]
    assert 'copy: skipped, already in the dataset (1 episode)' in error
    assert main(['convert', str(data), *recordings, '--workers', str(count)]) == 1
    assert contents(data) == alone


def test_a_worker_that_is_killed_costs_only_its_recording(tmp_path, recordings, alone):
    data = tmp_path / 'data'
    command = [sys.executable, '-m', 'neuracore_ros.cli.main', 'convert', str(data), *recordings]
    run = subprocess.Popen([*command, '--workers', '2'], stderr=subprocess.PIPE, text=True)
    victims = wait_until(lambda: children(run.pid, 'spawn_main'))
    os.kill(victims[0], signal.SIGKILL)
    _, error = run.communicate()
    assert run.returncode == 1
    assert 'was killed by signal 9; was the memory full?' in error and 'Traceback' not in error
    assert main(['convert', str(data), *recordings]) == 1
    assert {e.start_ns for e in load_metadata(data).episodes} == starts(alone)


def test_a_worker_that_was_killed_before_it_had_a_recording_costs_only_one(
    tmp_path, recordings, alone, monkeypatch, capsys
):
    start, started = workers._start, []

    def start_one_that_is_killed(job):
        worker = start(job)
        if not started:
            worker.process.kill()
            worker.process.join()
        started.append(worker)
        return worker

    monkeypatch.setattr(workers, '_start', start_one_that_is_killed)
    data = tmp_path / 'data'
    assert main(['convert', str(data), *recordings, '--workers', '2']) == 1
    assert 'was killed by signal 9; was the memory full?' in capsys.readouterr().err
    assert main(['convert', str(data), *recordings]) == 1
    assert {e.start_ns for e in load_metadata(data).episodes} == starts(alone)


def test_ctrl_c_ends_the_workers_and_leaves_no_traceback(tmp_path, recordings):
    data = tmp_path / 'data'
    command = [sys.executable, '-m', 'neuracore_ros.cli.main', 'convert', str(data), *recordings]
    run = subprocess.Popen(
        [*command, '--workers', '2'],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    workers = wait_until(lambda: len(found := children(run.pid, 'spawn_main')) == 2 and found)
    os.killpg(run.pid, signal.SIGINT)
    _, error = run.communicate()
    assert run.returncode == 130 and 'Traceback' not in error
    assert not any(is_running(worker) for worker in workers)
    assert not (data / '.staging').exists()


def test_a_worker_whose_parent_reads_no_more_ends_without_a_traceback(capfd):
    worker = workers._start(None)
    worker.pipe.close()
    worker.process.join()
    assert worker.process.exitcode == 0
    assert 'Traceback' not in capfd.readouterr().err


def test_no_more_processes_are_started_than_there_are_processors(tmp_path, recordings, capsys):
    most = processors.available()
    code = main(['convert', str(tmp_path / 'data'), *recordings, '--workers', str(most + 98)])
    error = capsys.readouterr().err
    assert f'--workers {most + 98}: ' in error and 'used, for this computer has no more' in error
    assert code == 1  # one of them holds nothing


def test_workers_and_scheduler_exclude_each_other(recordings, tmp_path, capsys):
    with pytest.raises(SystemExit) as caught:
        main(['convert', 'd', *recordings, '--workers', '2', '--scheduler', 'localhost:1'])
    assert caught.value.code == 2


def test_a_pattern_in_quotes_stands_for_what_matches_it(tmp_path, capsys):
    description = describe(tmp_path, left=LEFT)
    for k in range(3):
        record_left(tmp_path / f'bags/day/bag_{k}', seconds=0.6, start=10.0 * k)
    options = ['--description', str(description), '--image-size', '64x48', '--json']
    pattern = str(tmp_path / 'bags/**/bag_[01]')
    assert main(['convert', str(tmp_path / 'data'), pattern, *options]) == 0
    bags = [bag['bag'] for bag in json.loads(capsys.readouterr().out)['bags']]
    assert [bag[-5:] for bag in bags] == ['bag_0', 'bag_1']


def test_many_recordings_are_no_wall_of_lines(tmp_path, capsys):
    description = describe(tmp_path, numbers=NUMBERS)
    bag = write_bag(tmp_path / 'bag', joint_states(0.6))
    copies = [shutil.copytree(bag, tmp_path / f'copy_{k}') for k in range(20)]
    bags = [str(path) for path in (bag, *copies, tmp_path / 'missing')]
    code = main(['convert', str(tmp_path / 'data'), *bags, '--description', str(description)])
    out, error = capsys.readouterr()
    assert code == 1 and len(out.splitlines()) < 6 and len(error.splitlines()) == 1
    assert (
        'data: 1 episode (12 steps) added; 1 of 22 recordings converted, 1 failed, '
        '20 skipped, already in the dataset'
    ) in out


def is_running(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def starts(files):
    episodes = files['meta/neuracore_ros.json']['episodes']
    return {episode['start_ns'] for episode in episodes.values()}
