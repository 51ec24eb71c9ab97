"""Files of a run that would execute code when they are loaded are refused, and execute none."""

import os
import pickle
import re
import shutil
import zipfile
from pathlib import Path

import pytest
import torch

from neuracore_ros.cli.main import main


class Malice:
    """Makes a file when it is unpickled, which a real one would not stop at."""

    def __init__(self, trace):
        self.trace = trace

    def __reduce__(self):
        return os.mkdir, (str(self.trace),)


@pytest.fixture(scope='module')
def whole(dataset, tmp_path_factory):
    path = tmp_path_factory.mktemp('runs') / 'whole'
    words = ['--steps', '2', '--batch', '2', '--horizon', '2']
    assert main(['train', str(dataset), '--out', str(path), *words]) == 0
    return path


@pytest.fixture
def run(whole, tmp_path):
    """A run that a test may spoil."""
    return Path(shutil.copytree(whole, tmp_path / 'run'))


def pickled(path, malice):
    path.write_bytes(pickle.dumps(malice))


def saved_by_torch(path, malice):
    torch.save({'learner': malice, 'seconds': 1.0}, path)


def hidden_in_torchscript(path, malice):
    """A real TorchScript file but for the object that it begins with."""
    whole = path.with_name('policy.pt').read_bytes()
    with zipfile.ZipFile(path.with_name('whole.pt'), 'w') as copy:
        path.with_name('before.pt').write_bytes(whole)
        with zipfile.ZipFile(path.with_name('before.pt')) as before:
            for name in before.namelist():
                evil = name.endswith('/data.pkl')
                copy.writestr(name, pickle.dumps(malice, 2) if evil else before.read(name))
    shutil.move(path.with_name('whole.pt'), path)


WAYS = (pickled, saved_by_torch, hidden_in_torchscript)


def test_the_malice_of_this_test_works(tmp_path):
    pickled(tmp_path / 'file', Malice(tmp_path / 'trace'))
    pickle.loads((tmp_path / 'file').read_bytes())
    assert (tmp_path / 'trace').exists()


@pytest.mark.parametrize('write', WAYS)
@pytest.mark.parametrize(
    ('file', 'words', 'says'),
    [
        ('checkpoint.pt', ['train', '--resume', 'RUN', '--steps', '4'], 'none of it was run'),
        ('policy.pt', ['export', 'RUN', '--out', 'OUT'], 'is not a TorchScript file|torch.save'),
    ],
)
def test_a_file_that_would_run_code_is_refused(run, tmp_path, capsys, write, file, words, says):
    trace = tmp_path / 'trace'
    write(run / file, Malice(trace))
    capsys.readouterr()
    places = {'RUN': str(run), 'OUT': str(tmp_path / 'out.pt')}
    assert main([places.get(word, word) for word in words]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert f'{run / file}: ' in line
    assert re.search(says, line)
    assert not trace.exists()
    assert not (tmp_path / 'out.pt').exists()


def test_export_does_not_even_read_the_checkpoint(run, tmp_path):
    trace = tmp_path / 'trace'
    pickled(run / 'checkpoint.pt', Malice(trace))
    assert main(['export', str(run), '--out', str(tmp_path / 'out.pt')]) == 0
    assert not trace.exists()


@pytest.mark.parametrize(
    ('checkpoint', 'says'),
    [
        ([1], 'must be a JSON object, is [1]; it is no checkpoint of a run'),
        ({'learner': {'step': 1}, 'seconds': 1.0}, "checkpoint.pt: lacks 'best_loss'"),
    ],
)
def test_numbers_that_are_no_checkpoint_are_refused(run, capsys, checkpoint, says):
    torch.save(checkpoint, run / 'checkpoint.pt')
    capsys.readouterr()
    assert main(['train', '--resume', str(run), '--steps', '4']) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert says in line
