"""Which robot a policy takes itself to be on, where nobody tells it."""

import torch

from neuracore_ros.description import DataType
from neuracore_ros.policy.manifest import Embodiment, InputSlots, Manifest, OutputSlots
from neuracore_ros.training.config import Config
from neuracore_ros.training.normalise import Normalisation
from neuracore_ros.training.prepare import assemble

MEASURED, TARGETS = DataType.JOINT_POSITIONS, DataType.JOINT_TARGET_POSITIONS


def policy(**robots):
    """Of three slots; robot -> the indices that it has."""
    slots = {name: {i: f'joint_{i}' for i in indices} for name, indices in robots.items()}
    manifest = Manifest(
        input={MEASURED: InputSlots(3, (0, 1, 2))},
        output={TARGETS: OutputSlots(3, (0, 1, 2))},
        rate_hz=20.0,
        horizon=4,
        robots={name: Embodiment({MEASURED: s}, {TARGETS: s}) for name, s in slots.items()},
        robot_index={name: index for index, name in enumerate(robots)},
    )
    statistics = Normalisation.none(manifest, relative=True, per_robot=True)
    return assemble(Config(dataset=''), manifest, statistics).eval()


def recognised(module, *indices):
    valid = torch.zeros(1, 3, dtype=torch.bool)
    valid[0, list(indices)] = True
    inputs = {'JOINT_POSITIONS': torch.zeros(1, 1, 3)}
    return module.change(inputs, {'JOINT_POSITIONS': valid})[0]['ROBOT'].tolist()


def test_a_robot_is_known_by_its_slots():
    module = policy(long=[0, 1, 2], short=[0, 2])
    assert recognised(module, 0, 1, 2) == [0]
    assert recognised(module, 0, 2) == [1]


def test_slots_of_no_robot_are_those_of_one_never_seen():
    assert recognised(policy(long=[0, 1, 2], short=[0, 2]), 1) == [-1]


def test_slots_of_two_robots_tell_neither():
    assert recognised(policy(one=[0, 2], other=[0, 2]), 0, 2) == [-1]


def test_what_is_told_counts():
    module = policy(one=[0, 1], other=[0, 2])
    told = {'JOINT_POSITIONS': torch.zeros(1, 1, 3), 'ROBOT': torch.tensor([1])}
    assert module.change(told, {})[0]['ROBOT'].tolist() == [1]


def test_the_scripted_policy_runs_by_the_signature_alone():
    scripted = torch.jit.script(policy(long=[0, 1, 2], short=[0, 2]))
    valid = {'JOINT_POSITIONS': torch.tensor([[True, False, True]])}
    chunk = scripted({'JOINT_POSITIONS': torch.zeros(1, 1, 3)}, valid)
    assert chunk['JOINT_TARGET_POSITIONS'].shape == (1, 4, 3)
