"""Statistics and losses count valid entries only."""

import numpy as np
import pytest
import torch

from neuracore_ros.description import DataType, Layout
from neuracore_ros.training.loss import masked_l1
from neuracore_ros.training.normalise import (
    STD_FLOOR,
    Denormaliser,
    Normaliser,
    SlotStatistics,
    slot_statistics,
)

JOINTS, TARGETS = DataType.JOINT_POSITIONS, DataType.JOINT_TARGET_POSITIONS


def statistics():
    """A slot that moves, one that stands still, one that no robot has."""
    values = np.array([[1.0, 5.0, 0.0], [3.0, 5.0, 0.0], [99.0, 5.0, 0.0]])
    valid = np.array([[True, True, False], [True, True, False], [False, True, False]])
    return SlotStatistics.of(values, valid)


def test_statistics_count_valid_entries_only():
    found = statistics()
    assert found.mean.tolist() == [2.0, 5.0, 0.0]
    assert found.std.tolist() == [1.0, np.float32(STD_FLOOR), 1.0]
    assert found.minimum[:2].tolist() == [1.0, 5.0]
    assert found.maximum[:2].tolist() == [3.0, 5.0]
    assert np.isnan([found.minimum[2], found.maximum[2]]).all()


def test_positions_of_poses_are_normalised_and_quaternions_left_as_they_are():
    poses = np.zeros((2, 2, 7))
    poses[:, 0] = [[1, 2, 3, 0.6, 0, 0, 0.8], [3, 2, 3, 0, 0, 0, 1]]
    valid = np.array([[True, False], [True, False]])
    found = slot_statistics(DataType.POSES, poses, valid)
    assert found.mean.tolist() == [2, 2, 3, 0, 0, 0, 0] + [0] * 7
    assert found.std[:3] == pytest.approx([1, STD_FLOOR, STD_FLOOR])
    assert found.std[3:].tolist() == [1] * 11


def test_a_padded_slot_is_zero_whatever_the_statistics_are():
    normalise = Normaliser(statistics())
    normal = normalise(torch.tensor([[[3.0, 0.0, 0.0]]]), torch.tensor([[True, False, False]]))
    assert normal.tolist() == [[[1.0, 0.0, 0.0]]]


def test_an_output_is_relative_to_the_measured_joint_of_its_index():
    unit = SlotStatistics(*(np.array(x, np.float32) for x in ([0] * 3, [1] * 3, [0] * 3, [0] * 3)))
    denormalise = Denormaliser(TARGETS, Layout({JOINTS: 2}), unit)
    inputs = {'JOINT_POSITIONS': torch.tensor([[[9.0, 9.0], [0.5, 0.7]]])}
    valid = {'JOINT_POSITIONS': torch.tensor([[True, False]])}
    chunk = denormalise(torch.full((1, 1, 3), 0.1), inputs, valid)
    assert torch.allclose(chunk, torch.tensor([[[0.6, 0.1, 0.1]]]))


def test_the_loss_ignores_invalid_entries():
    chunk = {'JOINT_TARGET_POSITIONS': torch.tensor([[[1.0, 2.0], [3.0, 4.0]]])}
    target = {'JOINT_TARGET_POSITIONS': torch.tensor([[[0.0, float('nan')], [1.0, 1e9]]])}
    valid = {'JOINT_TARGET_POSITIONS': torch.tensor([[[True, False], [True, False]]])}
    scales = {'JOINT_TARGET_POSITIONS': torch.tensor([2.0, 1.0])}
    chunk['JOINT_TARGET_POSITIONS'].requires_grad_()
    loss = masked_l1(chunk, target, valid, scales)
    loss.backward()
    assert loss.item() == (1 / 2 + 2 / 2) / 2
    assert chunk['JOINT_TARGET_POSITIONS'].grad.tolist() == [[[0.25, 0.0], [0.25, 0.0]]]


def test_a_batch_without_anything_valid_has_no_loss():
    zero = {'JOINT_TARGET_POSITIONS': torch.ones(1, 2, 3)}
    none = {'JOINT_TARGET_POSITIONS': torch.zeros(1, 2, 3, dtype=torch.bool)}
    scales = {'JOINT_TARGET_POSITIONS': torch.ones(3)}
    assert masked_l1(zero, zero, none, scales).item() == 0
