"""A checkpoint that LeRobot itself wrote becomes a policy that predicts the same."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from neuracore_ros.cli.main import main
from neuracore_ros.description import DataType
from neuracore_ros.policy.load import load_policy

pytest.importorskip('safetensors')
WRITER = Path(__file__).with_name('lerobot_act_writer.py')
ROBOT = """
robot: arm
limits: {a: {position: [-1, 1], velocity: 1}, b: {position: [-1, 1], velocity: 1},
  c: {position: none, velocity: 1}}
input: {JOINT_POSITIONS: {0: a, 1: b, 6: c}, RGB_IMAGES: {0: hand, 1: top}}
output: {JOINT_TARGET_POSITIONS: {0: a, 1: b, 6: c}}
sources: {JOINT_POSITIONS: {topic: /js}, RGB_IMAGES: {hand: {topic: /h}, top: {topic: /t}}}
commands: {JOINT_TARGET_POSITIONS: {topic: /cmd}}
"""


@pytest.fixture
def write(tmp_path):
    """Writes a checkpoint with the real LeRobot."""
    python = os.environ.get('NEURACORE_ROS_LEROBOT_PYTHON')
    if python is None and importlib.util.find_spec('lerobot'):
        python = sys.executable
    if python is None:
        pytest.skip(
            'lerobot is not installed; set NEURACORE_ROS_LEROBOT_PYTHON to an interpreter with it'
        )
    (tmp_path / 'robot.yaml').write_text(ROBOT)

    def run(mode):
        folder = tmp_path / mode
        subprocess.run(
            [python, str(WRITER), str(folder), mode],
            env={**os.environ, 'HF_HUB_OFFLINE': '1', 'HF_HOME': str(tmp_path / 'hub')},
            check=True,
        )
        return folder

    return run


def export(folder, out):
    robot = str(folder.parent / 'robot.yaml')
    options = ['--robot', robot, '--rate-hz', '20', '--out', str(out)]
    return main(['export', '--from-lerobot', str(folder), *options])


@pytest.mark.parametrize('mode', ['MEAN_STD', 'MIN_MAX', 'IDENTITY'])
def test_a_checkpoint_of_lerobot_predicts_the_same_as_a_policy_file(write, tmp_path, mode):
    folder = write(mode)
    assert export(folder, tmp_path / 'policy.pt') == 0
    policy = load_policy(tmp_path / 'policy.pt')
    assert policy.manifest.horizon == 5
    assert policy.manifest.image_size == (40, 64)
    known = np.load(folder / 'predicted.npz')
    inputs = {
        DataType.JOINT_POSITIONS: known['state'][None],
        DataType.RGB_IMAGES: known['images'][None],
    }
    valid = {DataType.JOINT_POSITIONS: np.ones(7, bool), DataType.RGB_IMAGES: np.ones(2, bool)}
    chunk = policy.predict(inputs, valid)[DataType.JOINT_TARGET_POSITIONS]
    np.testing.assert_allclose(chunk, known['chunk'], atol=1e-4)


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
