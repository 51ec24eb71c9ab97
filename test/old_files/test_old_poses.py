"""A run that commit b2384e2 began, which reads poses as quaternions, goes on as it would have.

Its robots have statistics of their own for poses and grippers, too. Most weights are 0, so that it
is small. ``expected.json`` is what that commit predicted, and what it made of three more steps.
"""

import json
import tarfile
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip('torch')

from neuracore_ros.cli.main import main
from neuracore_ros.policy.load import load_policy

ARCHIVE = Path(__file__).with_name('poses_written_by_b2384e2.tar.xz')
ROBOTS = ('left', 'right', 'stranger')


@pytest.fixture
def old(tmp_path, monkeypatch):
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(tmp_path, filter='data')
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def expected(old):
    return json.loads((old / 'expected.json').read_text())


def predicted(path, robot):
    """What a policy predicts of numbers that go up, where slot 1 is missing."""
    policy = load_policy(path, robot=robot)
    inputs, valid = {}, {}
    for kind in policy.manifest.input:
        shape = policy.manifest.input_shape(kind)
        inputs[kind] = (0.1 * np.arange(np.prod(shape))).reshape(shape).astype(kind.dtype)
        valid[kind] = np.arange(shape[1]) != 1
    return {kind.value: chunk for kind, chunk in policy.predict(inputs, valid).items()}


def close(path, wanted, atol):
    return all(
        np.allclose(chunk, wanted[robot][kind], atol=atol)
        for robot in ROBOTS
        for kind, chunk in predicted(path, robot).items()
    )


def test_its_policy_predicts_what_it_predicted(old, expected):
    assert close(old / 'run' / 'policy.pt', expected['predictions'], 1e-5)


def test_it_is_exported_with_its_weights(old, expected):
    assert main(['export', 'run', '--out', 'again.pt']) == 0
    assert close(old / 'again.pt', expected['predictions'], 1e-5)


def test_it_goes_on_as_it_would_have(old, expected):
    assert main(['train', '--resume', 'run', '--steps', '5', '--threads', '1']) == 0
    last = json.loads((old / 'run' / 'metrics.jsonl').read_text().splitlines()[-1])
    assert last['loss'] == pytest.approx(expected['loss_after_resuming'], rel=1e-4)
    assert close(old / 'run' / 'policy.pt', expected['after_resuming'], 1e-3)


def test_a_run_that_begins_with_it_keeps_its_numbers(old):
    started = ['train', 'dataset', '--init', 'run', '--out', 'further', '--steps', '1']
    assert main([*started, '--batch', '2', '--threads', '1']) == 0
    assert json.loads((old / 'further' / 'config.json').read_text())['number-format'] == 1
    assert main(['train', '--resume', 'further', '--steps', '2', '--threads', '1']) == 0
