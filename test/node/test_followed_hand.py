"""A hand whose opening follows its command hears the commands of the node itself, over topics."""

from itertools import pairwise

import pytest
import torch
from trajectory_msgs.msg import JointTrajectory

from helpers.live_robot import UR5
from helpers.small_policies import ALL, HORIZON, RATE_HZ
from neuracore_ros.description import DataType
from neuracore_ros.policy.manifest import InputSlots, Manifest, OutputSlots
from neuracore_ros.policy.torchscript import save

HAND = (
    ('limits:\n', 'limits:\n  g: {position: [0.0, 1.0], velocity: 9.0}\n'),
    ('  RGB_IMAGES:\n    1:', '  PARALLEL_GRIPPER_OPEN_AMOUNTS: {0: g}\n  RGB_IMAGES:\n    1:'),
    ('output:\n', 'output:\n  PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS: {0: g}\n'),
    ('sources:\n', 'sources:\n  PARALLEL_GRIPPER_OPEN_AMOUNTS: {topic: hand, follow_s: 0.4}\n'),
    ('commands:\n', 'commands:\n  PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS: {topic: hand}\n'),
)


class HalfAsOpen(torch.nn.Module):
    """Wants the hand half as open as it is, and the joints where they are."""

    def __init__(self, horizon: int = HORIZON):
        super().__init__()
        self.horizon = horizon

    def forward(
        self, inputs: dict[str, torch.Tensor], valid: dict[str, torch.Tensor]
    ) -> dict[str, torch.Tensor]:
        joints = inputs['JOINT_POSITIONS'][:, -1:].repeat(1, self.horizon, 1)
        opening = inputs['PARALLEL_GRIPPER_OPEN_AMOUNTS'][:, -1:].repeat(1, self.horizon, 1)
        return {
            'JOINT_TARGET_POSITIONS': joints,
            'PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS': 0.5 * opening,
        }


@pytest.fixture
def robot(tmp_path):
    text = UR5.read_text()
    for before, after in HAND:
        assert before in text, before
        text = text.replace(before, after, 1)
    path = tmp_path / 'hand.yaml'
    path.write_text(text)
    return path


def test_it_hears_its_own_commands_and_begins_without_any(run, ur5, robot, tmp_path):
    manifest = Manifest(
        input={
            DataType.JOINT_POSITIONS: InputSlots(7, ALL),
            DataType.PARALLEL_GRIPPER_OPEN_AMOUNTS: InputSlots(1, (0,)),
        },
        output={
            DataType.JOINT_TARGET_POSITIONS: OutputSlots(7, ALL),
            DataType.PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS: OutputSlots(1, (0,)),
        },
        rate_hz=RATE_HZ,
        horizon=HORIZON,
    )
    model = tmp_path / 'half.pt'
    save(HalfAsOpen(), manifest, model)
    wanted = []
    listening = ur5.node.create_subscription(
        JointTrajectory, 'hand', lambda m: wanted.append(m.points[-1].positions[0]), 50
    )
    try:
        world = run(robot=robot, model=str(model))
        world.until_state('RUNNING')
        # Of an opening that never changed, each command would be the first one: 0.5.
        world.until(lambda: wanted and wanted[-1] < 0.1, 'a hand that follows its own commands')
        assert 0.4 < wanted[0] <= 0.5 + 1e-6, 'at first it counts as open'
        assert all(later <= earlier + 1e-6 for earlier, later in pairwise(wanted))
        assert world.diagnostics['infer: hand']['level'] == b'\x00'
    finally:
        ur5.node.destroy_subscription(listening)
