"""Two processes on a CPU learn what one does."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from neuracore_ros.cli.main import main
from neuracore_ros.description import DataType
from neuracore_ros.errors import TrainingError
from neuracore_ros.training import loop
from neuracore_ros.training.config import Config
from neuracore_ros.training.processes import Processes
from neuracore_ros.training.run import Run

pytest.importorskip('accelerate')

# Float32, since bfloat16 would round the sums of one and of two differently.
WORDS = (
    *('--steps', '6', '--batch', '7', '--horizon', '4', '--warmup', '2'),
    *('--inputs', 'JOINT_POSITIONS', '--embedding', 'robot', '--ema', '0.5'),
    *('--precision', 'float32', '--device', 'cpu', '--threads', '1'),
)
TRAIN = ('-m', 'neuracore_ros.cli.main', 'train')
ACCELERATE = ('accelerate.commands.launch', '--num_processes', '2', '--num_machines', '1', '--cpu')
TORCHRUN = ('torch.distributed.run', '--nproc-per-node', '2')


def launch(by, port, *words) -> str:
    """Train in two processes; what they say."""
    where = ('--main_process_port' if by is ACCELERATE else '--master-port', str(port))
    command = [sys.executable, '-m', *by, *where, *TRAIN, *map(str, words)]
    environment = {**os.environ, 'OMP_NUM_THREADS': '1', 'CUDA_VISIBLE_DEVICES': ''}
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, env=environment, timeout=900
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope='module')
def one(dataset, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp('runs') / 'one'
    assert main(['train', str(dataset), '--out', str(path), *WORDS]) == 0
    return path


@pytest.fixture(scope='module')
def two(dataset, tmp_path_factory, unused_port) -> tuple[Path, str]:
    path = tmp_path_factory.mktemp('runs') / 'two'
    return path, launch(ACCELERATE, unused_port, dataset, '--out', path, *WORDS)


def assert_alike(first: Path, second: Path) -> None:
    """Losses of all rows, and the weights that they led to."""
    mine, theirs = Run(first), Run(second)
    assert len(mine.metrics()) == len(theirs.metrics())
    for line, other in zip(mine.metrics(), theirs.metrics(), strict=True):
        for key in ('step', 'loss', 'val_loss', 'val_loss/long', 'val_loss/short'):
            assert line[key] == pytest.approx(other[key], rel=1e-5)
    weights = theirs.load().learner['average']
    for name, values in mine.load().learner['average'].items():
        assert torch.allclose(values, weights[name], rtol=1e-4, atol=1e-6), name


def test_two_processes_learn_what_one_does_and_one_of_them_writes(one, two):
    path, said = two
    assert_alike(one, path)
    assert {file.name for file in path.iterdir()} == {file.name for file in one.iterdir()}
    assert said.count('learns from') == said.count('policy.pt: the averaged weights') == 1


def test_a_run_goes_on_with_one_process_or_two(one, two, tmp_path, unused_port):
    alone, together = (Path(shutil.copytree(path, tmp_path / path.name)) for path in (one, two[0]))
    assert main(['train', '--resume', str(alone), '--steps', '9']) == 0
    launch(TORCHRUN, unused_port, '--resume', together, '--steps', '9')
    assert_alike(alone, together)
    assert [line['step'] for line in Run(together).metrics()] == [6, 9]


def test_a_batch_that_cannot_be_shared_is_refused(dataset, tmp_path, monkeypatch):
    processes = Processes('cpu')
    processes.count = 3
    monkeypatch.setattr(loop, 'Processes', lambda device: processes)
    config = Config(dataset=str(dataset), inputs=(DataType.JOINT_POSITIONS,), batch=2)
    with pytest.raises(TrainingError, match='--batch: 2 rows are too few for 3 processes'):
        loop.train(config, Run(tmp_path / 'run'), print)
