"""Files that commit 80147f9 wrote, of November 2026, are read as on that day.

The archive has recordings of two arms, their robot files and those that were shipped, the dataset
made from them, a trained run of each policy, one with a ResNet-18, and an ONNX and an OpenVINO
file. Most weights are 0, so that it is small. ``expected.json`` is what that commit made of them.
"""

import json
import shutil
import tarfile
from pathlib import Path

import numpy as np
import pytest

from neuracore_ros.cli.main import main
from neuracore_ros.dataset.metadata import load_metadata
from neuracore_ros.description import load_descriptions, load_robot
from neuracore_ros.loading.batches import Batches
from neuracore_ros.policy.load import load_policy

ARCHIVE = Path(__file__).with_name('written_by_80147f9.tar.xz')
POLICIES = ('mlp/policy.pt', 'act/policy.pt', 'diffusion/policy.pt', 'resnet/policy.pt')
RUNTIMES = {'.pt': 'torch', '.onnx': 'onnxruntime', '.xml': 'openvino'}


@pytest.fixture(scope='module')
def old(tmp_path_factory):
    """The folder of old files; a test that changes one of them takes a copy."""
    folder = tmp_path_factory.mktemp('old')
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(folder, filter='data')
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        yield folder


@pytest.fixture(scope='module')
def expected(old):
    return json.loads((old / 'expected.json').read_text())


def predicted(path):
    """What a policy predicts of numbers that go up, where slot 1 is missing."""
    policy = load_policy(path)
    inputs, valid = {}, {}
    for kind in policy.manifest.input:
        shape = policy.manifest.input_shape(kind)
        count = np.arange(np.prod(shape)).reshape(shape)
        is_image = kind.dtype == np.uint8
        inputs[kind] = (count % 251 if is_image else 0.1 * count).astype(kind.dtype)
        valid[kind] = np.arange(shape[1]) != 1
    return {kind.value: chunk for kind, chunk in policy.predict(inputs, valid).items()}


def close(chunks, wanted):
    return all(np.allclose(chunks[kind], wanted[kind], atol=1e-4) for kind in wanted)


@pytest.mark.parametrize('name', [*POLICIES, 'act.onnx', 'act.xml'])
def test_an_old_policy_file_predicts_what_it_predicted(name, old, expected):
    pytest.importorskip(RUNTIMES[Path(name).suffix])
    assert close(predicted(old / name), expected['predictions'][name])


@pytest.mark.parametrize('run', ['mlp', 'act', 'diffusion', 'resnet'])
def test_an_old_run_is_exported_with_its_weights(run, old, expected, tmp_path):
    assert main(['export', run, '--out', str(tmp_path / 'policy.pt')]) == 0
    chunks = predicted(tmp_path / 'policy.pt')
    assert close(chunks, expected['predictions'][f'{run}/policy.pt'])


@pytest.mark.parametrize('run', ['resnet'])
def test_an_old_run_is_exported_to_another_runtime(run, old, expected, tmp_path):
    pytest.importorskip('onnxscript')
    assert main(['export', run, '--out', str(tmp_path / 'policy.onnx')]) == 0
    chunks = predicted(tmp_path / 'policy.onnx')
    assert close(chunks, expected['predictions'][f'{run}/policy.pt'])


@pytest.mark.parametrize('run', ['mlp', 'act', 'diffusion'])
def test_an_old_run_is_resumed_with_the_loss_that_it_would_have_had(run, old, expected, tmp_path):
    resumed = shutil.copytree(old / run, tmp_path / run)
    assert main(['train', '--resume', str(resumed), '--steps', '24']) == 0
    last = json.loads((resumed / 'metrics.jsonl').read_text().splitlines()[-1])
    assert last['step'] == 24
    assert last['loss'] == pytest.approx(expected['loss_after_resuming'][run], rel=0.01)


def test_an_old_run_begins_a_new_one(old, tmp_path):
    started = ['train', 'dataset', '--init', 'act', '--out', str(tmp_path / 'run')]
    few = ['--policy', 'act', '--width', '32', '--layers', '1', '--horizon', '4', '--batch', '2']
    assert main([*started, *few, '--steps', '1', '--threads', '1']) == 0
    assert (tmp_path / 'run' / 'policy.pt').is_file()


def test_an_old_dataset_has_its_values(old, expected):
    batches = Batches(old / 'dataset')
    batch = batches.take(np.arange(20), 1, 4)
    for name, (shape, total) in expected['batch'].items():
        field, _, kind = name.partition('.')
        value = getattr(batch, field)
        if kind:
            value = {key.value: array for key, array in value.items()}[kind]
        assert list(value.shape) == shape, name
        assert float(np.asarray(value, float).sum()) == pytest.approx(total, rel=1e-5), name


def test_an_old_dataset_knows_its_recordings_and_has_its_report(old, tmp_path, capsys):
    dataset = shutil.copytree(old / 'dataset', tmp_path / 'dataset')
    robot = ['--description', 'cross.yaml', '--robot', 'left']
    assert main(['convert', str(dataset), 'left_bag', *robot]) == 0
    assert len(load_metadata(dataset).episodes) == 2
    assert 'skipped, already in the dataset (1 episode)' in capsys.readouterr().out
    assert main(['report', str(dataset), '--out', str(tmp_path / 'report.html')]) == 0


def test_an_old_dataset_is_evaluated(old, capsys):
    assert main(['evaluate', 'act/policy.pt', 'left.yaml', 'dataset']) == 0
    assert 'left' in capsys.readouterr().out


@pytest.mark.parametrize('name', ['franka', 'ur5', 'so100', 'lift_panda', 'lift_ur5e'])
def test_a_robot_file_that_was_shipped_is_read(name, old):
    assert load_robot(old / 'robots' / f'{name}.yaml').name


def test_robot_files_of_a_user_are_read_and_fit_their_policy(old, capsys):
    assert set(load_descriptions([old / 'cross.yaml']).input) == {'left', 'right'}
    assert main(['check', 'act/policy.pt', 'left.yaml']) == 0
