"""A policy that was told its robots is told them again, by every runtime; or is a control."""

import numpy as np
import pytest
import torch

from neuracore_ros.cli.main import main
from neuracore_ros.description import DataType
from neuracore_ros.errors import TrainingError
from neuracore_ros.policy.compatibility import fit
from neuracore_ros.policy.load import load_policy
from neuracore_ros.policy.manifest import Embodiment, InputSlots, Manifest, OutputSlots
from neuracore_ros.training.config import Config
from neuracore_ros.training.normalise import Normalisation
from neuracore_ros.training.observation_encoder import RobotEmbedding
from neuracore_ros.training.prepare import assemble

JOINTS, TARGETS = DataType.JOINT_POSITIONS, DataType.JOINT_TARGET_POSITIONS
HAS = np.array([True, False, True])


def train(dataset, path, *words):
    numbers = ['--inputs', 'JOINT_POSITIONS', '--batch', '8', '--horizon', '3', '--steps', '4']
    assert main(['train', str(dataset), '--out', str(path), *numbers, *words]) == 0
    return path


@pytest.fixture(scope='module')
def told(dataset, tmp_path_factory):
    """A run that knows its robots by statistics and by a vector."""
    words = ['--statistics', 'per-robot', '--embedding', 'robot', '--normalise', 'quantiles']
    return train(dataset, tmp_path_factory.mktemp('runs') / 'told', *words)


def predict(path, robot, joints=(0.3, 0.0, -0.4), has=HAS):
    policy = load_policy(path, robot=robot)
    inputs = {JOINTS: np.array([joints], np.float32)}
    return policy.predict(inputs, {JOINTS: has}, {TARGETS: HAS})[TARGETS][:, HAS]


@pytest.mark.parametrize('file', ['policy.pt', 'out.onnx', 'out.xml', 'out.pt2'])
def test_every_runtime_is_told_the_robot(told, file):
    pytest.importorskip({'out.onnx': 'onnxruntime', 'out.xml': 'openvino'}.get(file, 'torch'))
    if file != 'policy.pt' and not (told / file).exists():
        assert main(['export', str(told), '--out', str(told / file)]) == 0
    policy = load_policy(told / file)
    assert policy.manifest.robot_index == {'long': 0, 'short': 1}
    chunks = {robot: predict(told / file, robot) for robot in ('long', 'short', 'nobody', '')}
    assert np.array_equal(chunks['nobody'], chunks[''])
    assert len({chunk.tobytes() for chunk in chunks.values()}) == 3
    for robot, chunk in chunks.items():
        assert np.allclose(chunk, predict(told / 'policy.pt', robot), atol=1e-4), robot
    assert np.array_equal(
        policy.on('short')
        .on('long')
        .predict(
            {JOINTS: np.array([(0.3, 0.0, -0.4)], np.float32)}, {JOINTS: HAS}, {TARGETS: HAS}
        )[TARGETS][:, HAS],
        chunks['long'],
    )


def test_a_robot_that_the_policy_does_not_know_is_said_to_be_one(told):
    manifest = load_policy(told / 'policy.pt').manifest
    known = manifest.robots['short']

    class Stranger(Embodiment):
        name = 'stranger'

    class Known(Embodiment):
        name = 'short'

    says = "'stranger' is none of the robots that the policy tells apart (long, short)"
    assert any(
        says in line for line in fit(Stranger(known.input, known.output), manifest).warnings
    )
    assert not fit(Known(known.input, known.output), manifest).warnings


def test_a_policy_that_was_not_told_its_robots_does_not_ask(dataset, tmp_path):
    run = train(dataset, tmp_path / 'run', '--statistics', 'pooled', '--embedding', 'mask')
    assert load_policy(run / 'policy.pt').manifest.robot_index == {}
    assert np.array_equal(predict(run / 'policy.pt', 'long'), predict(run / 'policy.pt', 'short'))


def test_the_control_takes_padding_for_values(dataset, tmp_path):
    run = train(dataset, tmp_path / 'run', '--no-mask-padding')
    everything = np.ones(3, bool)
    masked = predict(run / 'policy.pt', 'short')
    assert np.array_equal(masked, predict(run / 'policy.pt', 'short', has=everything))


def test_absolute_outputs_do_not_follow_the_measured_joints(dataset, tmp_path):
    run = train(dataset, tmp_path / 'run', '--learning-rate', '1e-9')
    relative = train(dataset, tmp_path / 'relative', '--relative', '--learning-rate', '1e-9')
    far = (5.3, 0.0, 4.6)

    def moved(path):
        return predict(path / 'policy.pt', 'short', far) - predict(path / 'policy.pt', 'short')

    assert abs(moved(relative) - 5.0).max() < 1.0
    assert abs(moved(run)).max() < 1.0


def test_a_run_reads_and_predicts_what_was_chosen(dataset, tmp_path):
    run = train(dataset, tmp_path / 'run', '--outputs', 'JOINT_TARGET_POSITIONS')
    manifest = load_policy(run / 'policy.pt').manifest
    assert tuple(manifest.input) == (JOINTS,)
    assert tuple(manifest.robots['long'].input) == (JOINTS,)


@pytest.mark.parametrize('kind', ['none', 'robot', 'mask'])
def test_what_is_told_of_the_robot_is_silent_until_it_is_learnt(kind):
    slots = InputSlots(3, (0, 1, 2))
    manifest = Manifest(
        {JOINTS: slots}, {TARGETS: OutputSlots(3, (0, 1, 2))}, 8.0, 4, robot_index={'long': 0}
    )
    embedding = RobotEmbedding(manifest, kind, 8)
    told = embedding({'ROBOT': torch.tensor([0, -1])}, {'JOINT_POSITIONS': torch.ones(2, 3) > 0})
    assert not told.any()
    told.sum().backward()
    learns = [p for p in embedding.parameters() if p.grad is not None and p.grad.any()]
    assert learns


@pytest.mark.parametrize('index', [{'long': 0, 'short': 2}, {'long': 0, 'spider': 1}, {'long': 1}])
def test_a_manifest_that_numbers_its_robots_otherwise_is_none_of_a_run(index):
    robots = {name: Embodiment({}, {}) for name in ('long', 'short')}
    slots = {JOINTS: InputSlots(3, (0, 1, 2))}, {TARGETS: OutputSlots(3, (0, 1, 2))}
    manifest = Manifest(*slots, 8.0, 4, robots=robots, robot_index=index)
    config = Config(dataset='', statistics='pooled', embedding='none')
    with pytest.raises(TrainingError, match="the manifest's robot_index is {'long': "):
        assemble(config, manifest, Normalisation.none(manifest, False, False))
