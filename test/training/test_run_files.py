"""The files of a run: in a folder from elsewhere, on a full disk, after a kill, with two trainings."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from helpers.waiting import random_moment, wait_until
from neuracore_ros.cli.main import main
from neuracore_ros.policy.load import load_policy
from neuracore_ros.training.run import Run

WORDS = ['--batch', '2', '--horizon', '2', '--device', 'cpu', '--cache', 'none']
WORDS += ['--inputs', 'JOINT_POSITIONS', '--threads', '1']
RESUME = ['--steps', '4', '--cache', 'none']


@pytest.fixture(scope='module')
def trained(dataset, tmp_path_factory):
    path = tmp_path_factory.mktemp('runs') / 'trained'
    assert main(['train', str(dataset), '--out', str(path), '--steps', '2', *WORDS]) == 0
    return path


@pytest.fixture
def run(trained, tmp_path):
    """A run that a test may spoil."""
    return Path(shutil.copytree(trained, tmp_path / 'run'))


def said(capsys):
    (line,) = capsys.readouterr().err.splitlines()
    return line


@pytest.mark.parametrize(
    'name',
    ['config.json', 'metrics.jsonl', 'checkpoint.pt', 'best.pt', 'policy.pt', 'last.pt'],
)
def test_a_link_in_a_run_from_elsewhere_is_refused_and_its_target_stays(
    run, tmp_path, capsys, name
):
    target = tmp_path / 'bashrc'
    if (run / name).exists():
        (run / name).rename(target)
    else:
        target.write_text('mine\n')
    (run / name).symlink_to(target)
    before = target.read_bytes()
    capsys.readouterr()
    assert main(['train', '--resume', str(run), *RESUME]) == 1
    assert f'{name}: cannot be written: it is a link to {target}' in said(capsys)
    assert target.read_bytes() == before
    assert Run(run).metrics() == [] or Run(run).metrics()[-1]['step'] == 2


def test_a_linked_folder_in_a_run_from_elsewhere_is_refused(run, tmp_path, capsys):
    shutil.rmtree(run / 'tensorboard')
    (tmp_path / 'elsewhere').mkdir()
    (run / 'tensorboard').symlink_to(tmp_path / 'elsewhere')
    capsys.readouterr()
    assert main(['train', '--resume', str(run), *RESUME]) == 1
    assert 'tensorboard: cannot be written: it is a link to' in said(capsys)
    assert list((tmp_path / 'elsewhere').iterdir()) == []


def test_partial_names_that_could_be_foreseen_are_not_followed(run, tmp_path):
    target = tmp_path / 'bashrc'
    target.write_text('mine\n')
    for name in ('config', 'checkpoint', 'metrics', 'best', 'policy'):
        (run / f'{name}.partial').symlink_to(target)
    (run / f'.policy.pt.{os.getpid()}.partial').symlink_to(target)
    assert main(['train', '--resume', str(run), *RESUME]) == 0
    assert target.read_text() == 'mine\n'


def test_a_hard_link_to_another_file_keeps_its_content(run, tmp_path):
    # As a backup by `cp -al` has them.
    shutil.copytree(run, tmp_path / 'backup', copy_function=os.link)
    before = {path.name: path.read_bytes() for path in run.glob('*.*')}
    assert main(['train', '--resume', str(tmp_path / 'backup'), *RESUME]) == 0
    assert {path.name: path.read_bytes() for path in run.glob('*.*')} == before
    assert [line['step'] for line in Run(tmp_path / 'backup').metrics()] == [2, 4]


def test_a_link_to_a_run_is_the_run(run, tmp_path):
    (tmp_path / 'latest').symlink_to(run)
    assert main(['train', '--resume', str(tmp_path / 'latest'), *RESUME]) == 0
    assert Run(run).metrics()[-1]['step'] == 4


def test_a_torn_last_line_of_metrics_does_not_keep_a_run_from_being_resumed(run):
    with (run / 'metrics.jsonl').open('a') as file:
        file.write('{"step": 3, "lo')
    assert main(['train', '--resume', str(run), *RESUME]) == 0
    assert [line['step'] for line in Run(run).metrics()] == [2, 4]


def test_a_second_training_in_a_run_is_refused_in_one_line(run, dataset, capsys):
    words = ['--steps', '1000000', '--cache', 'none']
    command = [sys.executable, '-m', 'neuracore_ros.cli.main', 'train', '--resume', str(run)]
    first = subprocess.Popen([*command, *words], stdout=subprocess.DEVNULL)
    try:
        wait_until(lambda: Run(run).metrics()[-1]['step'] >= 50, 120.0, 'the first steps')
        capsys.readouterr()
        for again in (['--resume', str(run)], [str(dataset), '--out', str(run)]):
            assert main(['train', *again]) == 1
            line = said(capsys)
            assert (
                f'another train (process {first.pid}) is writing' in line or 'holds a run' in line
            )
    finally:
        first.send_signal(signal.SIGINT)
        assert first.wait(60) == 130
    steps = [line['step'] for line in Run(run).metrics()]
    assert steps == sorted(set(steps))


def test_a_second_training_that_begins_while_the_first_one_reads_its_dataset_is_refused(
    tmp_path, dataset, capsys
):
    run = Run(tmp_path / 'run')
    with run.claimed(new=True):
        assert main(['train', str(dataset), '--out', str(run.path), *WORDS]) == 1
    assert 'another train (process' in said(capsys)
    assert not run.path.exists()


def test_a_new_run_that_fails_before_it_wrote_anything_leaves_no_folder(tmp_path, capsys):
    out = tmp_path / 'deep' / 'run'
    assert main(['train', str(tmp_path / 'nothing'), '--out', str(out)]) == 1
    assert not (tmp_path / 'deep').exists()
    assert main(['train', '--resume', str(out)]) == 1
    assert not (tmp_path / 'deep').exists()


@pytest.fixture
def disk(tmp_path):
    """A disk of 32 MB, remounted with another size by calling it."""
    folder = tmp_path / 'disk'
    folder.mkdir()

    def mount(*options):
        command = ['mount', *options, str(folder)]
        if subprocess.run(command, capture_output=True, check=False).returncode:
            pytest.skip('only root may mount a small disk')

    mount('-t', 'tmpfs', '-o', 'size=32m', 'tmpfs')
    yield folder, lambda size: mount('-o', f'remount,size={size}')
    subprocess.run(['umount', str(folder)], check=True)


def fill(file, room):
    """Write a file until a disk has no more room than this, [bytes]."""
    try:
        with file.open('wb', buffering=0) as filler:
            while filler.write(bytes(4096)):
                pass
    except OSError:
        os.truncate(file, max(0, file.stat().st_size - room))


# The checkpoint has 9.2 MB, each other file of weights 2.3 MB.
@pytest.mark.parametrize('room', [0, 65_536, 5_000_000, 9_300_000])
def test_a_full_disk_is_one_line_and_the_run_goes_on_when_there_is_room(run, disk, capfd, room):
    folder, remount = disk
    path = Path(shutil.copytree(run, folder / 'run'))
    policy = (path / 'policy.pt').read_bytes()
    fill(folder / 'filler', room)
    capfd.readouterr()
    command = [sys.executable, '-m', 'neuracore_ros.cli.main', 'train', '--resume', str(path)]
    words = ['--steps', '120', '--cache', 'none']
    done = subprocess.run([*command, *words], capture_output=True, text=True, check=False)
    if done.returncode:
        assert done.returncode == 1, done
        (line,) = done.stderr.splitlines()
        assert 'No space left on device' in line
        assert f'go on with neuracore_ros train --resume {path}' in line
    for each in path.glob('*.pt'):
        torch.load(each, weights_only=True) if each.name in ('checkpoint.pt', 'best.pt') else (
            load_policy(each)
        )
    assert not list(path.glob('.*'))
    (folder / 'filler').unlink()
    remount('64m')
    assert main(['train', *command[4:], *words]) == 0
    assert [line['step'] for line in Run(path).metrics()] == [2, 50, 100, 120]
    assert (path / 'policy.pt').read_bytes() != policy


def test_a_full_disk_leaves_nothing_of_an_export(run, disk, capsys):
    folder, _ = disk
    fill(folder / 'filler', 32_768)
    for name in ('a.pt', 'a.onnx', 'a.xml'):
        capsys.readouterr()
        assert main(['export', str(run), '--out', str(folder / name)]) == 1
        assert 'cannot be written: No space left on device' in said(capsys)
        assert [path.name for path in folder.iterdir()] == ['filler']


@pytest.mark.parametrize('seed', range(2))
def test_a_training_that_is_killed_at_any_time_goes_on(run, seed):
    command = [sys.executable, '-m', 'neuracore_ros.cli.main', 'train', '--resume', str(run)]
    first = subprocess.Popen(
        [*command, '--steps', '1000000', '--cache', 'none'], stdout=subprocess.DEVNULL
    )
    random_moment(random.Random(seed), 2.0, 8.0)
    first.kill()
    first.wait()
    load_policy(run / 'policy.pt')
    step = Run(run).load().learner['step']
    assert main(['train', '--resume', str(run), '--steps', str(step + 3), '--cache', 'none']) == 0
    steps = [line['step'] for line in Run(run).metrics()]
    assert steps == sorted(set(steps)) and steps[-1] == step + 3
    assert not list(run.glob('.*'))


def changed_config(run, **values):
    config = json.loads((run / 'config.json').read_text())
    (run / 'config.json').write_text(json.dumps({**config, **values}))


def test_a_run_from_elsewhere_does_not_choose_where_images_are_written(run, tmp_path, capsys):
    downloads = tmp_path / 'downloads'
    downloads.mkdir()
    old = downloads / f'{"c" * 32}.{"d" * 32}.partial'
    for path in (old, downloads / 'film.partial'):
        path.write_text('mine')
        os.utime(path, (0, 0))
    changed_config(run, cache=str(downloads))
    capsys.readouterr()
    assert main(['train', '--resume', str(run), '--steps', '4']) == 1
    assert f'config.json: cache: {downloads} holds other things than decoded' in said(capsys)
    assert old.exists()
    # A computer that is new to a run has no cache of it yet.
    changed_config(run, cache=str(tmp_path / 'scratch'))
    assert main(['train', '--resume', str(run), '--steps', '4']) == 0


def test_a_run_from_elsewhere_does_not_choose_whose_code_is_run(run, trained, capsys):
    changed_config(run, init=str(trained / 'policy.pt'))
    (run / 'checkpoint.pt').unlink()
    capsys.readouterr()
    assert main(['train', '--resume', str(run), *RESUME]) == 1
    assert f'begins with {trained}/policy.pt, whose code would be run' in said(capsys)
