"""An edit that is killed at any moment is finished by the same command; until then it is no dataset."""

import shutil
import signal
import subprocess
import sys

import pytest

from helpers.dataset_snapshots import contents
from helpers.interrupted_runs import killed_run, limited_run, small_disk
from helpers.two_arms import LEFT, describe
from neuracore_ros.cli.main import main
from neuracore_ros.dataset.unfinished import UNFINISHED_NAME


@pytest.fixture(scope='module')
def command(five):
    return lambda out: ['edit', str(five), '--drop', '1', '--out', str(out)]


@pytest.fixture(scope='module')
def whole(command, tmp_path_factory):
    """What an undisturbed run writes."""
    out = tmp_path_factory.mktemp('whole') / 'new'
    assert main(command(out)) == 0
    return contents(out)


def is_read(out, tmp_path, capsys):
    """Whether a tool takes a folder for a dataset; otherwise it says in a line what it is."""
    capsys.readouterr()
    code = main(['report', str(out), '--out', str(tmp_path / 'page.html')])
    said = capsys.readouterr().err
    assert code == 0 or said.count('\n') == 1, said
    if code and (out / UNFINISHED_NAME).exists():
        assert 'an edit that has not ended' in said
    return code == 0


@pytest.mark.parametrize('kind', ['rename', 'sync', 'unlink'])
def test_an_edit_killed_at_any_moment_is_no_dataset_and_is_finished(
    tmp_path, command, whole, capsys, kind
):
    moment, stride = 1, {'rename': 3, 'sync': 13, 'unlink': 9}[kind]
    while True:
        out = tmp_path / f'{kind}{moment}'
        status = killed_run(kind, moment, command(out))
        if status == 0:
            break
        assert status == -signal.SIGKILL
        if is_read(out, tmp_path, capsys):
            left = contents(out)
            left.pop(UNFINISHED_NAME, None)
            assert left == whole
        complete = (out / 'meta/neuracore_ros.json').exists() and not (
            out / UNFINISHED_NAME
        ).exists()
        assert main(command(out)) == (1 if complete else 0)
        assert contents(out) == whole
        shutil.rmtree(out)
        moment += stride
    assert moment > 10


def test_what_a_killed_run_has_copied_is_not_copied_again(tmp_path, command, whole, capsys):
    out = tmp_path / 'new'
    # 4 files of each of 4 episodes, behind the mark; several episodes are copied at once.
    killed_run('rename', 15, command(out))
    whole_ones = [file.stem for file in (out / 'meta/episodes').glob('*/*')]
    kept = {path: path.stat().st_mtime_ns for path in out.rglob('*') if path.stem in whole_ones}
    assert len(kept) == 4 * len(whole_ones) > 0
    assert main(command(out)) == 0
    assert f'{len(whole_ones)} were copied before' in capsys.readouterr().out
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert contents(out) == whole


def test_an_unfinished_edit_is_refused_by_every_other_command(tmp_path, command, five, capsys):
    out = tmp_path / 'new'
    killed_run('rename', 9, command(out))
    before = contents(out)
    robot = describe(tmp_path, left=LEFT).with_name('left.yaml')
    for words in (
        ['edit', str(five), '--drop', '2', '--out', str(out)],
        ['edit', str(out), '--drop', '2', '--out', str(tmp_path / 'more')],
        ['convert', str(out), '--description', str(robot), 'bag'],
        ['report', str(out)],
        ['train', str(out), '--out', str(tmp_path / 'run')],
    ):
        capsys.readouterr()
        assert main(words) == 1, words
        said = capsys.readouterr().err
        assert said.count('\n') == 1 and str(out) in said, said
    assert contents(out) == before


def test_a_source_that_has_grown_since_is_another_edit(tmp_path, make, capsys):
    make(tmp_path / 'data', 'left', 'right')
    command = ['edit', str(tmp_path / 'data'), '--drop', '0', '--out', str(tmp_path / 'new')]
    killed_run('rename', 3, command)
    make(tmp_path / 'data', 'late')
    assert main(command) == 1
    assert 'or its datasets have changed' in capsys.readouterr().err


def test_a_source_made_anew_with_other_numbers_is_copied_anew(tmp_path, make, five):
    data, new = tmp_path / 'data', tmp_path / 'new'
    make(data, 'left', 'right')
    command = ['edit', str(data), '--keep', '0-1', '--out', str(new)]
    killed_run('rename', 9, command)
    assert list((new / 'meta/episodes').glob('*/*'))
    # The same metadata, but another task at each step.
    shutil.rmtree(data)
    make(data, 'left', 'right', options=['--task', 'other'])
    assert main(command) == 0
    assert contents(new) == contents(data)


@pytest.mark.parametrize('limit', [200, 2_500, 6_000])
def test_a_disk_that_takes_no_more_is_one_line_and_the_same_command_goes_on(
    tmp_path, command, whole, limit
):
    arguments = command(tmp_path / 'new')
    done = limited_run(limit, arguments)
    assert done.returncode == 1 and done.stderr.count('\n') == 1
    assert 'File too large' in done.stderr and 'run the same command again' in done.stderr
    assert main(arguments) == 0
    assert contents(tmp_path / 'new') == whole


def test_a_disk_that_is_really_full_is_one_line_and_the_same_command_goes_on(
    tmp_path, command, whole
):
    disk = tmp_path / 'disk'
    with small_disk(disk, '64k') as enlarge:
        arguments = command(disk / 'new')
        run = [sys.executable, '-m', 'neuracore_ros.cli.main', *arguments]
        done = subprocess.run(run, capture_output=True, text=True, check=False)
        assert done.returncode == 1 and 'No space left on device' in done.stderr
        assert done.stderr.count('\n') == 1, done.stderr
        enlarge()
        assert main(arguments) == 0
        assert contents(disk / 'new') == whole
