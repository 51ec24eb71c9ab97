"""The real node with policies that are no TorchScript: it moves the robot all the same."""

import pytest
import torch

from helpers.small_policies import HORIZON, manifest
from neuracore_ros.training.graph import write_onnx, write_openvino

for _library in ('onnx', 'onnxscript', 'onnxruntime', 'openvino'):
    pytest.importorskip(_library)

SPEED = 0.02  # rad a step, 0.4 rad/s


class Steady(torch.nn.Module):
    """Moves joint 0 from where it is measured; without a branch, as a graph must be."""

    def __init__(self):
        super().__init__()
        ahead = torch.zeros(HORIZON, 7)
        ahead[:, 0] = SPEED * torch.arange(1, HORIZON + 1)
        self.register_buffer('ahead', ahead)

    def forward(
        self, inputs: dict[str, torch.Tensor], valid: dict[str, torch.Tensor]
    ) -> dict[str, torch.Tensor]:
        return {'JOINT_TARGET_POSITIONS': inputs['JOINT_POSITIONS'][:, -1:] + self.ahead}


@pytest.mark.parametrize(
    ('file', 'write'), [('steady.onnx', write_onnx), ('steady.xml', write_openvino)]
)
def test_the_node_moves_a_robot_with_it_and_stops_it(run, tmp_path, file, write):
    write(Steady(), manifest(), tmp_path / file)
    world = run(model=str(tmp_path / file))
    world.until_state('RUNNING')
    world.until_moving()
    assert world.change('deactivate')
    world.until_still(1.0)
