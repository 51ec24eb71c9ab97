"""Velocities that become positions, on the simulated UR5 and its controller of trajectories."""

import time
from itertools import pairwise

import pytest
import torch

from neuracore_ros.description import DataType
from neuracore_ros.policy.manifest import InputSlots, Manifest, OutputSlots
from neuracore_ros.policy.torchscript import save

SPEED = 0.3
STOP_S, SLACK_S = 0.5, 0.3


class Turn(torch.nn.Module):
    """Turns joint 0 at 0.3 rad/s, and nothing else."""

    def forward(
        self, inputs: dict[str, torch.Tensor], valid: dict[str, torch.Tensor]
    ) -> dict[str, torch.Tensor]:
        chunk = 0.0 * inputs['JOINT_POSITIONS'][:, -1:].repeat(1, 16, 1)
        chunk[:, :, 0] += 0.3
        return {'JOINT_VELOCITIES': chunk}


@pytest.fixture
def turning(ur5, infer, tmp_path):
    """A node that turns the arm."""
    names, slots = ur5.arm.joint_names, tuple(range(6))
    limits = ', '.join(f'{name}: {{position: [-6, 6], velocity: 3.0}}' for name in names)
    joints = ', '.join(names)
    (tmp_path / 'robot.yaml').write_text(
        f'robot: turning\nlimits: {{{limits}}}\ninput: {{JOINT_POSITIONS: [{joints}]}}\n'
        f'output: {{JOINT_VELOCITIES: [{joints}]}}\n'
        'sources: {JOINT_POSITIONS: {topic: joint_states}}\n'
        'commands: {JOINT_VELOCITIES: {topic: arm_controller/joint_trajectory}}\n'
    )
    manifest = Manifest(
        {DataType.JOINT_POSITIONS: InputSlots(6, slots)},
        {DataType.JOINT_VELOCITIES: OutputSlots(6, slots)},
        rate_hz=20.0,
        horizon=16,
    )
    save(Turn(), manifest, tmp_path / 'policy.pt')
    ur5.new_trial()
    return infer(model=tmp_path / 'policy.pt', robot=tmp_path / 'robot.yaml')


def last_moved_s(world):
    """The stamp at which joint 0 moved last."""
    moved = pairwise(world.motion)
    return max(t for (_, before), (t, after) in moved if abs(after[0] - before[0]) > 1e-5)


def test_a_joint_turns_as_fast_as_it_is_told_and_rests_once_the_node_is_told_to_end(ur5, turning):
    ur5.until(lambda: abs(ur5.speed() - SPEED) < 0.03, 'the wanted speed')
    ur5.let_pass(1.0)
    assert ur5.speed() == pytest.approx(SPEED, abs=0.1)
    sent_s = time.time()
    assert turning.end() == 0, turning.output
    ur5.until_still()
    assert last_moved_s(ur5) - sent_s < STOP_S + SLACK_S
    ur5.check(speed=SPEED)


def test_it_rests_within_max_ahead_of_a_node_that_is_killed(ur5, turning):
    ur5.until(lambda: abs(ur5.speed() - SPEED) < 0.03, 'the wanted speed')
    killed_s = time.time()
    turning.process.kill()
    turning.wait()
    ur5.until_still()
    assert last_moved_s(ur5) - killed_s < STOP_S + SLACK_S
    ur5.check(speed=SPEED)
