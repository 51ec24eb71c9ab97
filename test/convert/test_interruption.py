"""A convert that is killed at any moment is finished by the same command."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from helpers.dataset_snapshots import contents
from helpers.interrupted_runs import killed_run, limited_run, small_disk
from helpers.small_bags import write_bag
from helpers.two_arms import LEFT, describe, images, joint_states, trajectories
from helpers.waiting import random_moment, wait_until
from neuracore_ros.cli.main import main
from neuracore_ros.dataset.metadata import load_metadata


# Every file becomes part of the dataset by a rename: die at the n-th of them, or at the n-th row.
@pytest.fixture(scope='module')
def command(tmp_path_factory):
    """A convert of two bags: the first one has two pieces, the second one has one."""
    folder = tmp_path_factory.mktemp('recordings')
    description = describe(folder, left=LEFT)
    streams = []
    for start, seconds in ((0.0, 1.0), (3.0, 1.2)):
        streams += joint_states(seconds, start=start)
        streams += images(seconds, start=start) + trajectories(seconds, start=start)
    two = write_bag(folder / 'two', streams)
    one = write_bag(folder / 'one', [item for item in streams if item[2] > streams[-1][2] - 1e9])
    options = ['--description', str(description), '--image-size', '64x48']
    return lambda dataset: ['convert', str(dataset), str(two), str(one), *options]


@pytest.fixture(scope='module')
def whole(command, tmp_path_factory):
    """What an undisturbed run writes."""
    dataset = tmp_path_factory.mktemp('whole') / 'data'
    assert main(command(dataset)) == 0
    return contents(dataset)


# Renames: 11 for the first episode (it has two videos, and a task), 10 for others, 1 for a bag.
@pytest.mark.parametrize(
    ('kind', 'moment'),
    [('row', 1), ('row', 30), *(('rename', n) for n in (1, 2, 3, *range(4, 13), 15, 23, 24, 33))],
)
def test_the_same_command_finishes_what_was_killed(tmp_path, command, whole, kind, moment):
    arguments = command(tmp_path / 'data')
    assert killed_run(kind, moment, arguments) == -signal.SIGKILL
    assert main(arguments) == 0
    assert contents(tmp_path / 'data') == whole
    assert main(arguments) == 0
    assert contents(tmp_path / 'data') == whole


def test_a_killed_first_run_keeps_the_episodes_that_it_committed(tmp_path, command):
    arguments = command(tmp_path / 'data')
    killed_run('row', 30, arguments)
    before = load_metadata(tmp_path / 'data')
    assert len(before.episodes) == 1 and not before.bags
    video = tmp_path / 'data/videos/observation.images.rgb_1/chunk-000/file-000.mp4'
    written_ns = video.stat().st_mtime_ns
    assert main(arguments) == 0
    assert video.stat().st_mtime_ns == written_ns
    assert load_metadata(tmp_path / 'data').episodes[:1] == before.episodes


@pytest.mark.parametrize('limit', [200, 2_500, 6_000])
def test_a_full_disk_is_one_line_and_the_same_command_goes_on(tmp_path, command, whole, limit):
    arguments = command(tmp_path / 'data')
    run = limited_run(limit, arguments)
    assert run.returncode == 1
    assert 'File too large' in run.stderr and 'run the same command again' in run.stderr
    assert 'Traceback' not in run.stderr and run.stderr.count('\n') == 1
    assert main(arguments) == 0
    assert contents(tmp_path / 'data') == whole


@pytest.mark.parametrize('whom', ['parent', 'group'])
@pytest.mark.parametrize('workers', [1, 2])
@pytest.mark.parametrize('seed', [1, 2])
def test_a_run_killed_at_any_time_is_finished_by_the_same_command(
    tmp_path, command, whole, seed, workers, whom
):
    arguments = [*command(tmp_path / 'data'), '--workers', str(workers)]
    run = subprocess.Popen(
        [sys.executable, '-m', 'neuracore_ros.cli.main', *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    random_moment(random.Random(f'{seed} {workers} {whom}'), 0.3, 3.0)
    if whom == 'group':
        os.killpg(run.pid, signal.SIGKILL)
    else:
        run.kill()
    run.wait()
    # Workers whose parent is gone end by themselves.
    wait_until(lambda: not processes_of_session(run.pid), 20.0, 'the end of the workers')
    assert main(arguments) == 0
    assert contents(tmp_path / 'data') == whole
    assert not (tmp_path / 'data/.staging').exists()


def test_the_next_run_need_not_wait_until_orphans_have_ended(tmp_path, command, whole):
    arguments = [*command(tmp_path / 'data'), '--workers', '2']
    # Wherever each run is by then.
    for moment_s in (1.0, 1.5, 2.0):
        run = subprocess.Popen(
            [sys.executable, '-m', 'neuracore_ros.cli.main', *arguments],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(moment_s)
        run.kill()
        run.wait()
    assert main(arguments) == 0
    assert contents(tmp_path / 'data') == whole


def test_a_disk_that_is_really_full_is_one_line_and_the_same_command_goes_on(
    tmp_path, command, whole
):
    disk = tmp_path / 'disk'
    with small_disk(disk, '48k') as enlarge:
        arguments = command(disk / 'data')
        for workers in ('1', '2'):
            run = subprocess.run(
                [sys.executable, '-m', 'neuracore_ros.cli.main', *arguments, '--workers', workers],
                capture_output=True,
                text=True,
                check=False,
            )
            assert run.returncode == 1 and 'No space left on device' in run.stderr
            assert 'Traceback' not in run.stderr and run.stderr.count('\n') == 1
        enlarge()
        assert main(arguments) == 0
        assert contents(disk / 'data') == whole


def test_a_first_convert_that_fails_leaves_no_folder(tmp_path, command):
    arguments = command(tmp_path / 'data')
    assert limited_run(200, arguments).returncode == 1
    assert not (tmp_path / 'data').exists()
    (tmp_path / 'mine').mkdir()
    assert main(['convert', str(tmp_path / 'mine'), 'no_bag', *arguments[4:]]) == 1
    assert list((tmp_path / 'mine').iterdir()) == []


def processes_of_session(session):
    """Processes that are alive: what is dead but not yet reaped is not."""
    found = []
    for stat in Path('/proc').glob('[0-9]*/stat'):
        try:
            fields = stat.read_text().rpartition(')')[2].split()
        except OSError:
            continue
        if int(fields[3]) == session and fields[0] != 'Z':
            found.append(int(stat.parent.name))
    return found
