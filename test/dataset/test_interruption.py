"""A convert that is killed at any moment is finished by the same command."""

import json
import os
import signal
import subprocess
import sys

import pyarrow.parquet as pq
import pytest
from recordings import write_bag
from two_arms import LEFT, describe, images, joint_states, trajectories

from neuracore_ros.cli.main import main
from neuracore_ros.dataset.metadata import load_metadata

# Every file becomes part of the dataset by a rename: die at the n-th of them, or at the n-th row.
KILLED = """
import os, pathlib, signal, sys
from neuracore_ros.cli.main import main
from neuracore_ros.dataset.staging import EpisodeWriter

left = {'rename': -1, 'row': -1, sys.argv[1]: int(sys.argv[2])}

def dying(kind, do):
    def call(*arguments):
        left[kind] -= 1
        if left[kind] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return do(*arguments)
    return call

pathlib.Path.replace = dying('rename', pathlib.Path.replace)
EpisodeWriter.add = dying('row', EpisodeWriter.add)
main(sys.argv[3:])
"""


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


def contents(dataset):
    """Every file of a dataset in a form that can be compared."""
    found = {}
    for path in sorted(p for p in dataset.rglob('*') if p.is_file()):
        name = str(path.relative_to(dataset))
        if path.suffix == '.parquet':
            found[name] = pq.read_table(path).to_pylist()
        elif path.suffix == '.json':
            found[name] = json.loads(path.read_text())
        elif path.suffix == '.mp4':
            found[name] = path.read_bytes()
        elif not name.endswith('.lock'):
            found[name] = 'leftover'
    return found


# Renames: 1 makes the dataset, then 8 for each episode (it has two videos) and 1 for each bag.
@pytest.mark.parametrize(
    ('kind', 'moment'),
    [('row', 1), ('row', 30), *(('rename', n) for n in (1, 2, 5, 6, 7, 8, 9, 17, 18, 27))],
)
def test_the_same_command_finishes_what_was_killed(tmp_path, command, whole, kind, moment):
    arguments = command(tmp_path / 'data')
    run = subprocess.run(
        [sys.executable, '-c', KILLED, kind, str(moment), *arguments],
        env=os.environ,
        capture_output=True,
        check=False,
    )
    assert run.returncode == -signal.SIGKILL
    assert main(arguments) == 0
    assert contents(tmp_path / 'data') == whole
    assert main(arguments) == 0
    assert contents(tmp_path / 'data') == whole


def test_a_killed_first_run_keeps_the_episodes_that_it_committed(tmp_path, command):
    arguments = command(tmp_path / 'data')
    subprocess.run([sys.executable, '-c', KILLED, 'row', '30', *arguments], check=False)
    before = load_metadata(tmp_path / 'data')
    assert len(before.episodes) == 1 and not before.bags
    video = tmp_path / 'data/videos/observation.images.rgb_1/chunk-000/file-000.mp4'
    written_ns = video.stat().st_mtime_ns
    assert main(arguments) == 0
    assert video.stat().st_mtime_ns == written_ns
    assert load_metadata(tmp_path / 'data').episodes[:1] == before.episodes


FULL = """
import resource, sys
from neuracore_ros.cli.main import main
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), int(sys.argv[1])))
sys.exit(main(sys.argv[2:]))
"""


@pytest.mark.parametrize('limit', [200, 2_500, 6_000])
def test_a_full_disk_is_one_line_and_the_same_command_goes_on(tmp_path, command, whole, limit):
    # A limit on the size of a file fails like a full disk: the write gives an error.
    arguments = command(tmp_path / 'data')
    run = subprocess.run(
        [sys.executable, '-c', FULL, str(limit), *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 1
    assert 'File too large' in run.stderr and 'run the same command again' in run.stderr
    assert 'Traceback' not in run.stderr and run.stderr.count('\n') == 1
    assert main(arguments) == 0
    assert contents(tmp_path / 'data') == whole
