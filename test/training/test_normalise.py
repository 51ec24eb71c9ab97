"""Statistics and losses count valid entries only."""

import numpy as np
import pytest
import torch

from neuracore_ros.description import DataType, Layout
from neuracore_ros.training.chunk_policy import masked_l1, pose_errors
from neuracore_ros.training.normalise import STD_FLOOR, Scale, scale_of
from neuracore_ros.training.normalisers import Denormaliser, Normaliser

JOINTS = DataType.JOINT_POSITIONS


def three_slots(method='mean-std'):
    """A slot that moves, one that stands still, one that no robot has."""
    values = np.array([[1.0, 5.0, 0.0], [3.0, 5.0, 0.0], [99.0, 5.0, 0.0]])
    valid = np.array([[True, True, False], [True, True, False], [False, True, False]])
    return scale_of(JOINTS, values, valid, method)


def test_statistics_count_valid_entries_only():
    found = three_slots()
    assert found.centre.tolist() == [[2.0, 5.0, 0.0]]
    assert found.spread.tolist() == [[1.0, np.float32(STD_FLOOR), 1.0]]
    assert found.known.tolist() == [[True, True, False]]


def test_positions_of_poses_are_normalised_and_quaternions_left_as_they_are():
    poses = np.zeros((2, 2, 7))
    poses[:, 0] = [[1, 2, 3, 0.6, 0, 0, 0.8], [3, 2, 3, 0, 0, 0, 1]]
    valid = np.array([[True, False], [True, False]])
    found = scale_of(DataType.POSES, poses, valid)
    assert found.centre.tolist() == [[2, 2, 3, 0, 0, 0, 0] + [0] * 7]
    assert found.spread[0, :3] == pytest.approx([1, STD_FLOOR, STD_FLOOR])
    assert found.spread[0, 3:].tolist() == [1] * 11
    assert found.known.tolist() == [[True] * 7 + [False] * 7]


@pytest.mark.parametrize('method', ['mean-std', 'min-max', 'quantiles'])
def test_what_means_little_by_its_last_digits_is_scaled_up_no_further_than_a_tenth(method):
    """Positions to a centimetre, rotations to 6 degrees, grippers to a tenth of their range."""
    poses = np.zeros((5, 2, 9))
    poses[:, 0, 2], poses[:, 0, 8] = np.linspace(-3, 3, 5), np.linspace(-0.5, 0.5, 5)
    valid = np.repeat([[True, False]], 5, 0)
    found = scale_of(DataType.POSES, poses, valid, method)
    assert found.spread[0, 2] > 1
    assert found.spread[0, 8] > 0.3
    still = np.delete(found.spread[0, :9], [2, 8])
    assert still == pytest.approx([0.01, 0.01, *[0.1] * 5])
    assert found.spread[0, 9:].tolist() == [1] * 9
    grips = scale_of(DataType.PARALLEL_GRIPPER_OPEN_AMOUNTS, np.ones((5, 1)), valid[:, :1], method)
    assert grips.spread == pytest.approx(0.1)


def test_a_padded_slot_is_zero_whatever_the_statistics_are():
    normalise = Normaliser(three_slots())
    values, valid = torch.tensor([[[3.0, 0.0, 0.0]]]), torch.tensor([[True, False, False]])
    assert normalise(values, valid, {}).tolist() == [[[1.0, 0.0, 0.0]]]


def scale(centre, spread, known=(True, True, True)) -> Scale:
    rows = (np.array([row], np.float32) for row in (centre, spread))
    return Scale(*rows, np.array([known]))


@pytest.mark.parametrize(
    ('method', 'centre', 'spread'),
    [('mean-std', 4, 32**0.5), ('min-max', 6, 6), ('quantiles', 5.88, 5.88)],
)
def test_a_scale_is_of_one_of_three_kinds(method, centre, spread):
    values = np.array([0.0, 0.0, 12.0])[:, None]
    found = scale_of(JOINTS, values, np.ones(values.shape, bool), method)
    assert found.centre.item() == pytest.approx(centre)
    assert found.spread.item() == pytest.approx(spread)


@pytest.mark.parametrize('method', ['mean-std', 'min-max', 'quantiles'])
def test_a_slot_that_stands_still_is_not_blown_up_and_one_that_nobody_has_is_left(method):
    found = three_slots(method)
    assert found.spread[0, 1:].tolist() == [np.float32(STD_FLOOR), 1.0]
    assert found.centre[0, 1:].tolist() == [5.0, 0.0]
    assert found.known.tolist() == [[True, True, False]]


def test_quantiles_leave_out_what_is_rare():
    values = np.concatenate([np.linspace(0, 1, 999), [1e6]])[:, None]
    found = scale_of(JOINTS, values, np.ones(values.shape, bool), 'quantiles')
    assert found.centre.item() == pytest.approx(0.5, abs=0.01)
    assert found.spread.item() == pytest.approx(0.49, abs=0.01)


def test_each_robot_is_normalised_by_its_own_statistics_and_a_stranger_by_those_of_all():
    pooled, first = scale([0, 0, 0], [10, 10, 10]), scale([1, 1, 1], [2, 2, 2])
    second = scale([5, 0, 5], [1, 1, 1], known=[True, False, True])
    normalise = Normaliser(pooled.beside([first, second]))
    valid = torch.ones(3, 3, dtype=torch.bool)
    normal = normalise(torch.full((3, 1, 3), 5.0), valid, {'ROBOT': torch.tensor([0, 1, -1])})
    assert normal[:, 0].tolist() == [[2, 2, 2], [0, 0.5, 0], [0.5, 0.5, 0.5]]


def test_an_output_is_relative_to_the_measured_joint_of_its_index():
    denormalise = Denormaliser(JOINTS, Layout({JOINTS: 2}), scale([0, 0, 0], [1, 1, 1]))
    inputs = {'JOINT_POSITIONS': torch.tensor([[[9.0, 9.0], [0.5, 0.7]]])}
    valid = {'JOINT_POSITIONS': torch.tensor([[True, False]])}
    chunk = denormalise(torch.full((1, 1, 3), 0.1), inputs, valid)
    assert torch.allclose(chunk, torch.tensor([[[0.6, 0.1, 0.1]]]))
    assert torch.allclose(denormalise.invert(chunk, inputs, valid), torch.full((1, 1, 3), 0.1))


def test_an_absolute_output_knows_nothing_of_the_measured_joints():
    denormalise = Denormaliser(None, Layout({JOINTS: 3}), scale([1, 1, 1], [2, 2, 2]))
    inputs = {'JOINT_POSITIONS': torch.full((1, 1, 3), 9.0)}
    valid = {'JOINT_POSITIONS': torch.ones(1, 3, dtype=torch.bool)}
    assert denormalise(torch.ones(1, 1, 3), inputs, valid).tolist() == [[[3, 3, 3]]]


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


def test_poses_are_compared_by_their_rotations_whatever_the_signs():
    pose = torch.tensor([0.1, 0.2, 0.3, 0.0, 0.6, 0.0, 0.8])
    chunk = {'POSES': torch.stack([pose, pose])[None, :, None]}
    other = pose * torch.tensor([1.0, 1, 1, -1, -1, -1, -1])
    off = other + torch.tensor([0.0, 0.03, 0.04, 0, 0, 0, 0])
    targets = {'POSES': torch.stack([other, off])[None, :, None]}
    both, first = torch.tensor([[[True], [True]]]), torch.tensor([[[True], [False]]])
    scales = {'POSES': torch.full((9,), 0.01)}
    assert masked_l1(chunk, targets, {'POSES': first}, scales).item() == pytest.approx(0, abs=1e-4)
    # 3 and 4 spreads off, of 18 numbers.
    assert masked_l1(chunk, targets, {'POSES': both}, scales).item() == pytest.approx(7 / 18)
    position, rotation = pose_errors(chunk, targets, {'POSES': both})
    assert position.item() == pytest.approx(0.025)
    assert rotation.item() == pytest.approx(0, abs=1e-5)
    padded = {'POSES': torch.zeros(1, 2, 1, 7)}
    assert pose_errors(chunk, padded, {'POSES': ~both}) is None
