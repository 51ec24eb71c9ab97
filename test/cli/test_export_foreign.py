"""Somebody else's TorchScript becomes a policy file, or is refused in one line."""

import json

import numpy as np
import pytest
import torch

from helpers.small_policies import StandStill
from neuracore_ros.cli.main import main
from neuracore_ros.dataset.metadata import METADATA_PATH, Episode, Metadata
from neuracore_ros.description import DataType, load_descriptions
from neuracore_ros.policy.load import load_policy
from neuracore_ros.policy.torchscript import quiet

ROBOT = """
robot: arm
limits: {a: {position: [-1, 2], velocity: 1}, c: {position: none, velocity: 1}}
input: {JOINT_POSITIONS: {0: a, 2: c}}
output: {JOINT_TARGET_POSITIONS: {0: a, 2: c}}
sources: {JOINT_POSITIONS: {topic: /js}}
commands: {JOINT_TARGET_POSITIONS: {topic: /cmd}}
"""


class Double(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return 2 * x


class Brighter(torch.nn.Module):
    """Moves every joint by how much brighter camera 1 is than camera 0, of 1."""

    def forward(
        self, inputs: dict[str, torch.Tensor], valid: dict[str, torch.Tensor]
    ) -> dict[str, torch.Tensor]:
        images = inputs['RGB_IMAGES'][:, -1].float().mean([2, 3, 4]) / 255
        images = images * valid['RGB_IMAGES']
        step = (images[:, 1] - images[:, 0])[:, None, None]
        return {'JOINT_TARGET_POSITIONS': step.expand(-1, 4, 3)}


def export(tmp_path, module, *options, robot=ROBOT):
    """With a robot file, unless the options say otherwise what the numbers mean."""
    (tmp_path / 'robot.yaml').write_text(robot)
    with quiet():
        torch.jit.save(torch.jit.script(module), str(tmp_path / 'mine.pt'))
    words = ['--from-torchscript', tmp_path / 'mine.pt', '--out', tmp_path / 'policy.pt']
    if not {'--manifest', '--dataset', '--description'} & set(options):
        words += ['--rate-hz', '20', '--robot', tmp_path / 'robot.yaml']
    return main(['export', *map(str, (*words, *options))])


def test_a_foreign_module_gets_its_manifest_from_the_robot_and_its_horizon_from_the_output(
    tmp_path,
):
    assert export(tmp_path, StandStill(6)) == 0
    manifest = load_policy(tmp_path / 'policy.pt').manifest
    assert manifest.horizon == 6
    (output,) = manifest.output.values()
    assert (output.width, output.trained) == (3, (0, 2))
    assert (output.minimum[0], output.maximum[0]) == (-1, 2)


def test_a_wrong_signature_or_horizon_is_refused_in_one_line(tmp_path, capsys):
    assert export(tmp_path, Double()) == 1
    assert 'takes (Tensor) and gives Tensor; a policy takes' in capsys.readouterr().err
    assert export(tmp_path, StandStill(6), '--horizon', '4') == 1
    assert 'of shape (1, 6, 3); the manifest says (1, 4, 3)' in capsys.readouterr().err
    assert not (tmp_path / 'policy.pt').exists()


SCALED = """
robot: arm
limits: {a: {position: [0, 90], velocity: 1}, b: {position: [-1, 3], velocity: 1},
  c: {position: none, velocity: 1}, g: {position: [0.0, 0.08], velocity: 1}}
input: {JOINT_POSITIONS: {0: a, 1: b, 2: c}}
output: {JOINT_TARGET_POSITIONS: {0: a, 1: b, 2: c},
  PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS: {0: g}}
sources: {JOINT_POSITIONS: {topic: /js}}
commands:
  JOINT_TARGET_POSITIONS:
    a: {topic: /cmd, scale: 0.02, offset: 1.0}
    b: {topic: /cmd, scale: -1.0}
    c: {topic: /cmd}
  PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS: {topic: /grip}
"""


class WithGripper(torch.nn.Module):
    def forward(
        self, inputs: dict[str, torch.Tensor], valid: dict[str, torch.Tensor]
    ) -> dict[str, torch.Tensor]:
        chunk = inputs['JOINT_POSITIONS'][:, -1:].repeat(1, 6, 1)
        return {
            'JOINT_TARGET_POSITIONS': chunk,
            'PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS': chunk[:, :, :1],
        }


def test_limits_become_ranges_in_the_sense_of_the_slot(tmp_path):
    assert export(tmp_path, WithGripper(), robot=SCALED) == 0
    joints, gripper = load_policy(tmp_path / 'policy.pt').manifest.output.values()
    assert joints.minimum[:2] == pytest.approx((1.0, -3.0))
    assert joints.maximum[:2] == pytest.approx((2.8, 1.0))
    assert np.isnan([joints.minimum[2], joints.maximum[2]]).all()
    assert gripper.minimum + gripper.maximum == pytest.approx((0.0, 1.0))


def test_a_whole_manifest_may_be_given(tmp_path, capsys):
    manifest = {
        'format': 1,
        'input': {'JOINT_POSITIONS': {'width': 3}},
        'output': {'JOINT_TARGET_POSITIONS': {'width': 3, 'trained': [0, 2]}},
        'rate_hz': 12.5,
        'horizon': 6,
    }
    path = tmp_path / 'manifest.json'
    path.write_text(json.dumps(manifest))
    assert export(tmp_path, StandStill(6), '--manifest', path) == 0
    found = load_policy(tmp_path / 'policy.pt').manifest
    assert (found.rate_hz, found.horizon) == (12.5, 6)
    assert found.output[DataType.JOINT_TARGET_POSITIONS].trained == (0, 2)
    (tmp_path / 'policy.pt').unlink()
    capsys.readouterr()

    for text, says in (
        (json.dumps({**manifest, 'horizon': 5}), 'shape (1, 6, 3); the manifest says (1, 5, 3)'),
        (json.dumps({**manifest, 'format': 2}), 'format 2 is unknown'),
        ('{', 'the manifest is not JSON'),
        (None, 'manifest.json: no such file'),
    ):
        path.unlink()
        if text is not None:
            path.write_text(text)
        assert export(tmp_path, StandStill(6), '--manifest', path) == 1
        (line,) = capsys.readouterr().err.splitlines()
        assert says in line
        path.touch()
    assert not (tmp_path / 'policy.pt').exists()


def test_outputs_that_are_relative_leave_absolute(tmp_path):
    assert export(tmp_path, StandStill(6), '--mode', 'relative') == 0
    policy = load_policy(tmp_path / 'policy.pt')
    assert policy.manifest.output[DataType.JOINT_TARGET_POSITIONS].mode == 'relative'
    joints = {DataType.JOINT_POSITIONS: np.array([[0.1, 0.0, -0.3]], np.float32)}
    (chunk,) = policy.predict(joints, {DataType.JOINT_POSITIONS: np.ones(3, bool)}).values()
    assert chunk[3] == pytest.approx([0.2, 0.0, -0.6])


CAMERAS = ROBOT.replace('2: c}}\noutput', '2: c}, RGB_IMAGES: {0: l, 1: r}}\noutput').replace(
    '{topic: /js}}', '{topic: /js}, RGB_IMAGES: {l: {topic: /l}, r: {topic: /r}}}'
)


def test_a_module_with_two_cameras_sees_them_apart(tmp_path, capsys):
    assert export(tmp_path, Brighter(), robot=CAMERAS) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert 'the model reads RGB_IMAGES: say with --image-size' in line
    assert export(tmp_path, Brighter(), '--image-size', '8x6', robot=CAMERAS) == 0
    policy = load_policy(tmp_path / 'policy.pt')
    assert policy.manifest.input_shape(DataType.RGB_IMAGES) == (1, 2, 6, 8, 3)
    images = np.zeros((1, 2, 6, 8, 3), np.uint8)
    images[:, 1] = 255

    def moves(*cameras):
        (chunk,) = policy.predict(
            {DataType.RGB_IMAGES: images}, {DataType.RGB_IMAGES: np.array(cameras)}
        ).values()
        return chunk[0, 0]

    assert moves(True, True) == pytest.approx(1.0)
    assert moves(True, False) == pytest.approx(0.0)


def test_a_dataset_gives_widths_rate_and_robots(tmp_path):
    (tmp_path / 'robot.yaml').write_text(ROBOT)
    wide = ROBOT.replace('robot: arm', 'robot: wide').replace('{0: a, 2: c}', '{0: a, 4: c}')
    (tmp_path / 'wide.yaml').write_text(wide)
    both = load_descriptions([tmp_path / 'robot.yaml', tmp_path / 'wide.yaml'])
    path = tmp_path / 'data' / METADATA_PATH
    path.parent.mkdir(parents=True)
    # The wide robot is described, but nothing of it was recorded.
    path.write_text(Metadata(12.0, (8, 8), both, (Episode('arm', 'b', 0, 9),)).to_json())
    assert export(tmp_path, StandStill(6), '--dataset', tmp_path / 'data') == 0
    manifest = load_policy(tmp_path / 'policy.pt').manifest
    (output,) = manifest.output.values()
    assert (output.width, output.trained) == (5, (0, 2))
    assert (manifest.rate_hz, list(manifest.robots), manifest.dataset) == (12.0, ['arm'], 'data')


@pytest.mark.parametrize(
    ('words', 'says'),
    [
        ([], 'give --robot, --description or --dataset'),
        (['--robot', 'r.yaml'], 'give --rate-hz: how many steps a second'),
        (['--dataset', 'd', '--rate-hz', '5'], '--rate-hz: the dataset says it'),
        (['--manifest', 'm.json', '--horizon', '5'], '--horizon: the manifest says it'),
        (['--robot', 'r.yaml', '--dataset', 'd'], 'not allowed with argument --robot'),
        (['--robot', 'r.yaml', '--rate-hz', '0'], '0 is not between 0.1 and 1000 Hz'),
    ],
)
def test_what_the_numbers_mean_must_be_said_once(capsys, words, says):
    with pytest.raises(SystemExit) as ended:
        main(['export', '--from-torchscript', 'mine.pt', '--out', 'policy.pt', *words])
    assert ended.value.code == 2
    assert says in capsys.readouterr().err.splitlines()[-1]
