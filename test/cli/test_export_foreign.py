"""Somebody else's TorchScript becomes a policy file, or is refused in one line."""

import torch

from neuracore_ros.cli.main import main
from neuracore_ros.policy.load import load_policy

ROBOT = """
robot: arm
limits: {a: {position: [-1, 2], velocity: 1}, c: {position: none, velocity: 1}}
input: {JOINT_POSITIONS: {0: a, 2: c}}
output: {JOINT_TARGET_POSITIONS: {0: a, 2: c}}
sources: {JOINT_POSITIONS: {topic: /js}}
commands: {JOINT_TARGET_POSITIONS: {topic: /cmd}}
"""


class Stay(torch.nn.Module):
    def forward(
        self, inputs: dict[str, torch.Tensor], valid: dict[str, torch.Tensor]
    ) -> dict[str, torch.Tensor]:
        return {'JOINT_TARGET_POSITIONS': inputs['JOINT_POSITIONS'][:, -1:].repeat(1, 6, 1)}


class Double(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return 2 * x


def export(tmp_path, module, *options):
    (tmp_path / 'robot.yaml').write_text(ROBOT)
    torch.jit.save(torch.jit.script(module), str(tmp_path / 'mine.pt'))
    words = ['--from-torchscript', str(tmp_path / 'mine.pt'), '--rate-hz', '20']
    words += ['--robot', str(tmp_path / 'robot.yaml'), '--out', str(tmp_path / 'policy.pt')]
    return main(['export', *words, *options])


def test_a_foreign_module_gets_its_manifest_from_the_robot_and_its_horizon_from_the_output(
    tmp_path,
):
    assert export(tmp_path, Stay()) == 0
    manifest = load_policy(tmp_path / 'policy.pt').manifest
    assert manifest.horizon == 6
    (output,) = manifest.output.values()
    assert (output.width, output.trained) == (3, (0, 2))
    assert (output.minimum[0], output.maximum[0]) == (-1, 2)


def test_a_wrong_signature_or_horizon_is_refused_in_one_line(tmp_path, capsys):
    assert export(tmp_path, Double()) == 1
    assert 'takes (Tensor) and gives Tensor; a policy takes' in capsys.readouterr().err
    assert export(tmp_path, Stay(), '--horizon', '4') == 1
    assert 'of shape (1, 6, 3); the manifest says (1, 4, 3)' in capsys.readouterr().err
    assert not (tmp_path / 'policy.pt').exists()
