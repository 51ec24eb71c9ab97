"""A run that begins with a trained policy knows what that knew, and makes room for a robot."""

import numpy as np
import pytest
import torch

from helpers import squares_dataset
from neuracore_ros.cli.main import main
from neuracore_ros.description import DataType
from neuracore_ros.policy.load import load_policy

JOINTS, TARGETS = DataType.JOINT_POSITIONS, DataType.JOINT_TARGET_POSITIONS
NUMBERS = ['--inputs', 'JOINT_POSITIONS']
TOLD = ['--embedding', 'robot', '--statistics', 'per-robot']


def train(dataset, out, *words) -> str:
    assert main(['train', str(dataset), '--out', str(out), '--batch', '8', *words]) == 0
    return str(out)


def predict(run: str, robot: str, joints=(0.3, 0.0, -0.4)):
    policy = load_policy(f'{run}/policy.pt', robot=robot)
    has = np.array([True, False, True])
    inputs = {JOINTS: np.array([joints], np.float32)}
    return policy.predict(inputs, {JOINTS: has}, {TARGETS: has})[TARGETS][:, has]


def weights(run: str) -> dict[str, torch.Tensor]:
    return torch.jit.load(f'{run}/policy.pt').state_dict()


@pytest.fixture(scope='module')
def short(dataset, tmp_path_factory) -> str:
    """Of the short arm alone, which has no joint 1; told robots apart."""
    words = ['--max-episodes', 'long=0', '--steps', '6', '--horizon', '3', *NUMBERS, *TOLD]
    return train(dataset, tmp_path_factory.mktemp('runs') / 'short', *words)


@pytest.fixture(scope='module')
def both(dataset, short, tmp_path_factory) -> str:
    """The same and the long arm, before any step."""
    path = tmp_path_factory.mktemp('runs') / 'both'
    return train(dataset, path, '--init', short, '--steps', '0')


def test_the_first_robot_is_driven_as_before(short, both):
    assert np.allclose(predict(short, 'short'), predict(both, 'short'), atol=1e-6)
    assert np.allclose(predict(short, 'nobody'), predict(both, 'nobody'), atol=1e-6)


def test_a_further_robot_has_a_number_statistics_and_a_vector_of_its_own(short, both):
    manifest = load_policy(f'{both}/policy.pt').manifest
    assert manifest.robot_index == {'short': 0, 'long': 1}
    assert manifest.robots.keys() == {'short', 'long'}
    assert manifest.output[TARGETS].trained == (0, 1, 2)
    before, after = weights(short), weights(both)
    for name, table in after.items():
        if name.endswith('robots.weight'):
            assert torch.equal(table[:2], before[name])
            assert torch.equal(table[2], before[name][0])  # As one that was never seen.
        if 'JOINT_POSITIONS.scaling.centre' in name:
            known = [0, 2]
            assert torch.equal(table[:2, known], before[name][:, known])
            assert not torch.equal(table[2], table[1])
            assert table[0, 1] != 0  # Only the new dataset could tell.


def test_learning_goes_on_from_there(dataset, short, tmp_path):
    run = train(dataset, tmp_path / 'on', '--init', f'{short}/policy.pt', '--steps', '4')
    assert not np.allclose(predict(run, 'long'), predict(short, 'long'), atol=1e-3)
    config = (tmp_path / 'on' / 'config.json').read_text()
    assert '"embedding": "robot"' in config
    assert '"horizon": 3' in config
    # The policy that it began with is needed no more.
    lost = config.replace(short, '/nowhere')
    (tmp_path / 'on' / 'config.json').write_text(lost)
    assert main(['train', '--resume', run, '--steps', '5']) == 0


@pytest.mark.parametrize(
    ('words', 'says'),
    [
        (['--horizon', '5'], '--horizon: RUN was trained with 3, which its weights need'),
        (['--policy', 'act'], '--policy: RUN was trained with mlp'),
        (['--statistics', 'pooled'], '--statistics: RUN was trained with per-robot'),
    ],
)
def test_what_its_weights_need_cannot_be_chosen_anew(
    dataset, short, tmp_path, capsys, words, says
):
    out = tmp_path / 'run'
    assert main(['train', str(dataset), '--out', str(out), '--init', short, *words]) == 1
    assert says.replace('RUN', short) in capsys.readouterr().err


def test_another_layout_is_refused(short, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(
        squares_dataset.ROBOTS, 'wide', {'joints': {0: 'a', 3: 'b'}, 'cameras': {1: 'c'}}
    )
    monkeypatch.setattr(squares_dataset, 'SLOTS', 4)
    wide = squares_dataset.write(tmp_path / 'wide', {'wide': 1})
    out = tmp_path / 'run'
    assert main(['train', str(wide), '--out', str(out), '--init', short]) == 1
    assert (
        'has inputs of JOINT_POSITIONS 3; the dataset of JOINT_POSITIONS 4: convert its bags'
        in (capsys.readouterr().err)
    )
