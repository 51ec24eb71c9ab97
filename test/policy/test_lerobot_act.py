"""A checkpoint that LeRobot itself wrote becomes a policy that predicts the same."""

import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from neuracore_ros.cli.main import main
from neuracore_ros.dataset.metadata import METADATA_PATH, Episode, Metadata
from neuracore_ros.description import DataType, load_descriptions, load_robot
from neuracore_ros.policy.compatibility import fit
from neuracore_ros.policy.load import load_policy

pytest.importorskip('safetensors')
WRITER = Path(__file__).parents[1] / 'helpers' / 'lerobot_act_writer.py'
ROBOT = """
robot: arm
limits: {a: {position: [-1, 1], velocity: 1}, b: {position: [-1, 1], velocity: 1},
  c: {position: none, velocity: 1}}
input: {JOINT_POSITIONS: {0: a, 1: b, 6: c}, RGB_IMAGES: {0: hand, 1: top}}
output: {JOINT_TARGET_POSITIONS: {0: a, 1: b, 6: c}}
sources: {JOINT_POSITIONS: {topic: /js}, RGB_IMAGES: {hand: {topic: /h}, top: {topic: /t}}}
commands: {JOINT_TARGET_POSITIONS: {topic: /cmd}}
"""
SHORT = """
robot: short
limits: {x: {position: [-1, 1], velocity: 1}, y: {position: [-1, 1], velocity: 1}}
input: {JOINT_POSITIONS: {0: x, 2: y}, RGB_IMAGES: {1: over}}
output: {JOINT_TARGET_POSITIONS: {0: x, 2: y}}
sources: {JOINT_POSITIONS: {topic: /js}, RGB_IMAGES: {over: {topic: /o}}}
commands: {JOINT_TARGET_POSITIONS: {topic: /cmd}}
"""


@pytest.fixture(scope='module')
def checkpoints(tmp_path_factory, lerobot_python):
    """Writes checkpoints with the real LeRobot, each once; it takes seconds to import."""
    shared = tmp_path_factory.mktemp('checkpoints')

    def written(mode):
        folder = shared / mode
        if not folder.exists():
            subprocess.run(
                [lerobot_python, '-P', str(WRITER), str(folder), mode],
                env={**os.environ, 'HF_HUB_OFFLINE': '1', 'HF_HOME': str(shared / 'hub')},
                check=True,
            )
        return folder

    return written


@pytest.fixture
def write(checkpoints, tmp_path):
    """Writes a checkpoint that a test may spoil, and robot files beside it."""
    (tmp_path / 'robot.yaml').write_text(ROBOT)
    (tmp_path / 'short.yaml').write_text(SHORT)
    (tmp_path / 'cross.yaml').write_text('robots: {arm: robot.yaml, short: short.yaml}')
    return lambda mode: Path(shutil.copytree(checkpoints(mode), tmp_path / mode))


def export(folder, out, *numbers):
    robot = ['--robot', str(folder.parent / 'robot.yaml'), '--rate-hz', '20']
    return main(
        ['export', '--from-lerobot', str(folder), *map(str, numbers or robot), '--out', str(out)]
    )


def observed(known, joints, cameras):
    """What a robot with these slots sees; zeros where it has none, as in our datasets."""
    valid = {
        DataType.JOINT_POSITIONS: np.isin(np.arange(7), joints),
        DataType.RGB_IMAGES: np.isin(np.arange(2), cameras),
    }
    images = known['images'] * valid[DataType.RGB_IMAGES][:, None, None, None].astype(np.uint8)
    state = known['state'] * valid[DataType.JOINT_POSITIONS]
    return {DataType.JOINT_POSITIONS: state[None], DataType.RGB_IMAGES: images[None]}, valid


@pytest.mark.parametrize('mode', ['MEAN_STD', 'MIN_MAX', 'IDENTITY'])
def test_a_checkpoint_of_lerobot_predicts_the_same_as_a_policy_file(write, tmp_path, mode):
    folder = write(mode)
    assert export(folder, tmp_path / 'policy.pt') == 0
    policy = load_policy(tmp_path / 'policy.pt')
    assert policy.manifest.horizon == 5
    assert policy.manifest.image_size == (40, 64)
    known = np.load(folder / 'predicted.npz')
    chunk = policy.predict(*observed(known, range(7), range(2)))[DataType.JOINT_TARGET_POSITIONS]
    np.testing.assert_allclose(chunk, known['chunk'], atol=1e-4)


@pytest.mark.parametrize('kind', ['description', 'dataset'])
def test_a_checkpoint_of_a_padded_dataset_fits_a_robot_that_lacks_slots(write, tmp_path, kind):
    folder = write('MEAN_STD')
    numbers = ['--description', tmp_path / 'cross.yaml', '--rate-hz', '8']
    if kind == 'dataset':
        both = load_descriptions([tmp_path / 'cross.yaml'])
        episodes = (Episode('arm', 'bag', 0, 20), Episode('short', 'bag', 0, 20))
        path = tmp_path / 'data' / METADATA_PATH
        path.parent.mkdir(parents=True)
        path.write_text(Metadata(8.0, (40, 64), both, episodes).to_json())
        numbers = ['--dataset', tmp_path / 'data']
    assert export(folder, tmp_path / 'policy.xml', *numbers) == 0
    policy = load_policy(tmp_path / 'policy.xml')
    assert policy.manifest.rate_hz == 8.0
    assert policy.manifest.output[DataType.JOINT_TARGET_POSITIONS].trained == (0, 1, 2, 6)
    assert set(policy.manifest.robots) == {'arm', 'short'}
    assert fit(load_robot(tmp_path / 'short.yaml'), policy.manifest).warnings == ()

    # LeRobot itself, on a row of a dataset in which the short robot's other slots are zero.
    known = np.load(folder / 'predicted.npz')
    chunk = policy.predict(*observed(known, [0, 2], [1]))[DataType.JOINT_TARGET_POSITIONS]
    np.testing.assert_allclose(chunk, known['chunk_of_short'], atol=1e-4)


def test_a_robot_narrower_than_the_dataset_is_told_to_give_the_dataset(write, tmp_path, capsys):
    folder = write('MEAN_STD')
    numbers = ['--robot', tmp_path / 'short.yaml', '--rate-hz', '8']
    assert export(folder, tmp_path / 'policy.pt', *numbers) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert 'observation.state has 7 numbers; what was given describes 3.' in line
    assert 'give --dataset DIR, or --description cross.yaml' in line


def test_a_dataset_with_other_images_is_another_dataset(write, tmp_path, capsys):
    folder = write('MEAN_STD')
    numbers = ['--description', tmp_path / 'cross.yaml', '--rate-hz', '8']
    assert export(folder, tmp_path / 'policy.pt', *numbers, '--image-size', '96') == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert 'reads images of 64 x 40 px, not of 96 x 96 px' in line


def test_a_damaged_checkpoint_is_refused_in_one_line(write, tmp_path, capsys):
    folder = write('IDENTITY')
    weights = (folder / 'model.safetensors').read_bytes()
    (folder / 'model.safetensors').write_bytes(weights[: len(weights) // 2])
    assert export(folder, tmp_path / 'policy.pt') == 1
    assert 'model.safetensors: is damaged' in capsys.readouterr().err
    (folder / 'config.json').write_text('{"type": "diffusion"}')
    assert export(folder, tmp_path / 'policy.pt') == 1
    assert "is a policy of type 'diffusion'; only 'act' can be read" in capsys.readouterr().err
    assert not (tmp_path / 'policy.pt').exists()
