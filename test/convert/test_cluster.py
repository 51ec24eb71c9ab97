"""`neuracore_ros convert --scheduler`: the same dataset, by the workers of a Dask scheduler."""

import os
import signal
import socket
import subprocess
import sys

import pytest

from helpers.dataset_snapshots import contents
from helpers.lerobot_arm import convert_words, write_robot
from helpers.lerobot_datasets import write_lerobot
from helpers.waiting import wait_until
from neuracore_ros.cli.main import main

distributed = pytest.importorskip('distributed')

from neuracore_ros.convert import cluster

WORKERS = 2


@pytest.fixture(scope='module')
def scheduler(tmp_path_factory):
    """A scheduler, and workers in processes of their own, as on other computers."""
    folder = tmp_path_factory.mktemp('dask')
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        address = f'127.0.0.1:{free.getsockname()[1]}'
    port = address.partition(':')[2]
    scheduler = ['dask_scheduler', '--host', '127.0.0.1', '--port', port]
    workers = [
        ['dask_worker', address, '--nthreads', '1', '--local-directory', str(folder / str(k))]
        for k in range(WORKERS)
    ]
    commands = [
        [sys.executable, '-m', f'distributed.cli.{name}', *options, '--no-dashboard']
        for name, *options in (scheduler, *workers)
    ]
    running = [
        subprocess.Popen(
            command, stderr=subprocess.DEVNULL, start_new_session=True, cwd=folder, env=os.environ
        )
        for command in commands
    ]
    try:
        with distributed.Client(address, timeout=30, set_as_default=False) as client:
            client.wait_for_workers(WORKERS, timeout=60)
        yield address
    finally:
        for process in running:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def test_a_cluster_makes_the_dataset_that_one_process_makes(
    tmp_path, recordings, alone, scheduler, capsys
):
    arguments = ['convert', str(tmp_path / 'data'), *recordings, '--scheduler', scheduler]
    assert main(arguments) == 1
    assert 'nothing: no such bag' in capsys.readouterr().err
    assert contents(tmp_path / 'data') == alone
    assert main(arguments) == 1
    assert contents(tmp_path / 'data') == alone


def test_what_a_lost_worker_had_begun_is_done_again(tmp_path, recordings, alone, scheduler):
    data = tmp_path / 'data'
    command = [sys.executable, '-m', 'neuracore_ros.cli.main', 'convert', str(data), *recordings]
    run = subprocess.Popen(
        [*command, '--scheduler', scheduler], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL
    )
    with distributed.Client(scheduler, set_as_default=False) as client:
        busy = wait_until(
            lambda: any((busy := client.processing()).values()) and busy, 60.0, 'a busy worker'
        )
        worker = next(address for address, tasks in busy.items() if tasks)
        pid = client.run(os.getpid, workers=[worker])[worker]
    # Its nanny starts another one, as on a computer that comes back.
    os.kill(pid, signal.SIGKILL)
    _, error = run.communicate(timeout=120)
    assert run.returncode == 1, error.decode()
    assert contents(data) == alone


def test_a_scheduler_that_is_not_there_is_one_line(tmp_path, recordings, capsys, monkeypatch):
    monkeypatch.setattr(cluster, 'ANSWERS_WITHIN_S', 1)
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        address = f'127.0.0.1:{free.getsockname()[1]}'
    assert main(['convert', str(tmp_path / 'd'), *recordings, '--scheduler', address]) == 1
    error = capsys.readouterr().err
    assert error.count('\n') == 1 and 'no Dask scheduler answers there; start one with' in error
    assert not (tmp_path / 'd').exists()


@pytest.mark.parametrize('address', ['nonsense', 'ftp://x:1', 'tcp://127.0.0.1:notaport'])
def test_an_address_that_is_none_is_one_line(tmp_path, recordings, capsys, address):
    assert main(['convert', str(tmp_path / 'd'), *recordings, '--scheduler', address]) == 1
    error = capsys.readouterr().err
    assert error.count('\n') == 1 and f'--scheduler {address}: no Dask scheduler' in error


def test_episodes_of_a_lerobot_dataset_are_shared_out(tmp_path, scheduler):
    source = write_lerobot(tmp_path / 'so101', cameras=('front',))
    words = convert_words(tmp_path / 'data', write_robot(tmp_path), source)
    assert main([*words, '--scheduler', scheduler]) == 0
    words[1] = str(tmp_path / 'alone')
    assert main(words) == 0
    assert contents(tmp_path / 'data') == contents(tmp_path / 'alone')
