"""`train --also`: policy files for other runtimes, beside policy.pt and equal to it."""

import importlib.util
import json

import numpy as np
import pytest
import torch

from neuracore_ros.cli.main import main
from neuracore_ros.errors import PolicyError
from neuracore_ros.policy.load import load_policy
from neuracore_ros.training import ending
from neuracore_ros.training.run import Run

WORDS = ['--batch', '2', '--horizon', '2', '--cache', 'none', '--threads', '1', '--also', 'pt2']


def train(dataset, out, *words):
    return main(['train', str(dataset), '--out', str(out), *WORDS, *words])


@pytest.fixture
def run(dataset, tmp_path):
    assert train(dataset, tmp_path / 'run', '--steps', '2') == 0
    return tmp_path / 'run'


def said(capsys):
    (line,) = capsys.readouterr().err.splitlines()
    return line


def prediction(path):
    policy = load_policy(path)
    inputs = {
        kind: np.full(policy.manifest.input_shape(kind), 7).astype(kind.dtype)
        for kind in policy.manifest.input
    }
    valid = {kind: np.ones(slots.width, bool) for kind, slots in policy.manifest.input.items()}
    (chunk,) = policy.predict(inputs, valid).values()
    return chunk


def assert_alike(run, file='policy.pt2'):
    assert np.allclose(prediction(run / file), prediction(run / 'policy.pt'), atol=1e-4)


@pytest.mark.parametrize(('kind', 'file'), [('onnx', 'policy.onnx'), ('openvino', 'policy.xml')])
def test_a_run_writes_further_files_that_predict_the_same(dataset, tmp_path, capsys, kind, file):
    for library in ('onnx', 'onnxscript', 'onnxruntime', 'openvino'):
        pytest.importorskip(library)
    run = tmp_path / 'run'
    assert train(dataset, run, '--steps', '0', '--also', f'{kind},pt2') == 0
    said = capsys.readouterr().out
    for name in (file, 'policy.pt2'):
        assert f'{run / name}: equals the model on 6 masks' in said
        assert_alike(run, name)
    assert json.loads((run / 'config.json').read_text())['also'] == [kind, 'pt2']


def test_a_run_that_goes_on_replaces_them_together_with_the_policy(run):
    before = prediction(run / 'policy.pt2')
    assert main(['train', '--resume', str(run), '--steps', '9']) == 0
    assert not np.allclose(prediction(run / 'policy.pt2'), before, atol=1e-4)
    assert_alike(run)


def test_a_run_that_has_ended_can_be_given_further_files(run):
    (run / 'policy.pt2').unlink()
    assert main(['train', '--resume', str(run), '--also', 'none']) == 0
    assert not (run / 'policy.pt2').exists()
    assert main(['train', '--resume', str(run), '--also', 'pt2']) == 0
    assert_alike(run)
    assert Run(run).metrics()[-1]['step'] == 2


class Killed(BaseException):
    """Ends the process where it stands."""


def killed(*_):
    raise Killed


@pytest.mark.parametrize('at', ['export', 'write_whole', 'write'])
def test_a_process_that_is_killed_at_the_end_leaves_no_file_of_another_policy(
    run, monkeypatch, at
):
    # Whether before last.pt, policy.pt or policy.pt2 is written.
    with monkeypatch.context() as context:
        context.setattr(ending, at, killed)
        with pytest.raises(Killed):
            main(['train', '--resume', str(run), '--steps', '4'])
    assert not (run / 'policy.pt2').exists()
    load_policy(run / 'policy.pt')
    assert main(['train', '--resume', str(run)]) == 0
    assert_alike(run)


def test_an_export_that_fails_loses_nothing_and_says_how_to_go_on(run, monkeypatch, capsys):
    def fails(*_):
        raise PolicyError('the model cannot be written as a graph (no words); keep TorchScript')

    capsys.readouterr()
    with monkeypatch.context() as context:
        context.setattr(ending, 'write', fails)
        assert main(['train', '--resume', str(run), '--steps', '4']) == 1
    assert said(capsys) == (
        f'neuracore_ros train: {run}/policy.pt2: the model cannot be written as a graph (no '
        'words); keep TorchScript; policy.pt is there and whole. To try again: neuracore_ros '
        f'export {run} --out {run}/policy.pt2'
    )
    load_policy(run / 'policy.pt')
    assert torch.load(run / 'checkpoint.pt', weights_only=True)['learner']['step'] == 4
    assert main(['export', str(run), '--out', str(run / 'policy.pt2')]) == 0
    assert_alike(run)


def test_what_writes_a_format_must_be_there_before_the_training(
    dataset, tmp_path, monkeypatch, capsys
):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        ending, 'find_spec', lambda name: None if name == 'onnxscript' else find(name)
    )
    assert train(dataset, tmp_path / 'run', '--also', 'onnx') == 1
    assert "--also onnx: needs onnxscript: pip install 'neuracore_ros[export]'" in said(capsys)
    assert not (tmp_path / 'run').exists()


def test_a_link_in_the_place_of_such_a_file_is_refused(run, tmp_path, capsys):
    mine = tmp_path / 'mine'
    mine.write_text('mine')
    (run / 'policy.onnx').symlink_to(mine)
    capsys.readouterr()
    assert main(['train', '--resume', str(run), '--steps', '4']) == 1
    assert 'policy.onnx: cannot be written: it is a link' in said(capsys)
    assert mine.read_text() == 'mine'


@pytest.mark.parametrize(
    ('word', 'says'),
    [
        ('onx', "'onx' is unknown; did you mean 'onnx'?"),
        ('onnx,onnx', "'onnx' is given twice"),
        ('', "'' is unknown"),
    ],
)
def test_a_format_that_is_not_known_is_wrong_usage(dataset, tmp_path, capsys, word, says):
    with pytest.raises(SystemExit) as ended:
        train(dataset, tmp_path / 'run', '--also', word)
    assert ended.value.code == 2
    assert says in capsys.readouterr().err
