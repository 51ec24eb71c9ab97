"""Nine numbers of a pose, and the way back from any nine numbers."""

from itertools import product

import numpy as np
import pytest
import torch

from neuracore_ros.kinematics import rotations
from neuracore_ros.kinematics.poses import compose_arrays
from neuracore_ros.training import pose_numbers
from neuracore_ros.training.pose_numbers import (
    angles_between,
    moved_by,
    numbers_of,
    poses_of,
    relative_to,
)

SIDE = torch.tensor(rotations.SIDE)
# By multiples of 90 and 120 degrees, half turns about any axis, and none.
SPECIAL = [each for each in product([-1.0, 0.0, 1.0], repeat=4) if any(each)]


def some_poses(count=2000, seed=0):
    rng = np.random.default_rng(seed)
    quaternions = np.concatenate([rng.normal(size=(count, 4)), SPECIAL])
    quaternions /= np.linalg.norm(quaternions, axis=1)[:, None]
    positions = rng.normal(size=(len(quaternions), 3))
    return torch.tensor(np.concatenate([positions, quaternions], 1), dtype=torch.float32)


@pytest.mark.filterwarnings('ignore:.*torch.jit.*')
@pytest.mark.parametrize('scripted', [False, True], ids=['eager', 'scripted'])
def test_every_rotation_comes_back_with_the_sign_that_is_taken_everywhere(scripted):
    convert = torch.jit.script(poses_of) if scripted else poses_of
    poses = some_poses()
    back = convert(numbers_of(poses), SIDE)
    assert torch.equal(back[:, :3], poses[:, :3])
    assert angles_between(back, poses).max() < 1e-5
    assert (back[:, 3:] @ SIDE).min() > -1e-5


def test_numbers_are_those_of_the_package():
    poses = some_poses()
    six = rotations.quaternion_to_six(poses[:, 3:].numpy())
    np.testing.assert_allclose(numbers_of(poses)[:, 3:].numpy(), six, atol=1e-5)
    drawn = np.random.default_rng(1).normal(size=(500, 9))
    found = poses_of(torch.tensor(drawn, dtype=torch.float32), SIDE)[:, 3:].numpy()
    apart = rotations.angles_between(found, rotations.six_to_quaternion(drawn[:, 3:]))
    assert apart.max() < 1e-3


def test_a_quaternion_and_its_negative_have_the_same_numbers():
    poses = some_poses()
    negative = torch.cat([poses[:, :3], -poses[:, 3:]], 1)
    assert torch.equal(numbers_of(poses), numbers_of(negative))


def test_any_six_numbers_give_a_rotation_and_its_gradient():
    """Columns of zero, parallel, opposite, tiny, huge and infinite ones."""
    sizes = [-np.inf, -1e30, -1.0, 0.0, 1e-20, 1e-7, 1.0]
    six = torch.tensor(list(product(sizes, repeat=6))[::7])
    numbers = torch.cat([torch.zeros(len(six), 3), six], 1).requires_grad_()
    found = poses_of(numbers, SIDE)
    assert torch.isfinite(found).all()
    assert torch.allclose(found[:, 3:].norm(dim=1), torch.ones(len(six)), atol=1e-5)
    found.sum().backward()
    assert torch.isfinite(numbers.grad).all()


def test_a_quaternion_of_length_zero_turns_nothing():
    padding = torch.zeros(1, 7)
    assert numbers_of(padding).tolist() == [[0, 0, 0, 1, 0, 0, 0, 1, 0]]
    pose = some_poses(1)[:1]
    assert torch.allclose(relative_to(padding, pose), pose)
    assert torch.allclose(moved_by(pose, padding), pose)


def test_a_motion_leads_to_where_it_was_taken_from():
    poses = some_poses()
    base = poses[torch.randperm(len(poses), generator=torch.Generator().manual_seed(0))]
    motion = relative_to(base, poses)
    back = moved_by(motion, base)
    assert torch.allclose(back[:, :3], poses[:, :3], atol=1e-5)
    assert angles_between(back, poses).max() < 1e-5


def test_a_motion_is_seen_in_the_frame_that_poses_are_given_in():
    pose, base = some_poses(2)[:2].double().numpy()
    wanted = base[:3] + (pose[:3] - base[:3])
    turned = compose_arrays([0, 0, 0, *pose_between(base, pose)], [0, 0, 0, *base[3:]])
    found = moved_by(*(torch.tensor(each) for each in (relative(base, pose), base)))
    np.testing.assert_allclose(found[:3], wanted, atol=1e-6)
    assert rotations.angles_between(found[3:].numpy(), turned[3:]) < 1e-6


def relative(base, pose):
    return np.concatenate([pose[:3] - base[:3], pose_between(base, pose)])


def pose_between(base, pose):
    """The rotation pose * base^-1, by matrices."""
    first, second = (rotations.quaternion_to_matrix(each[3:]) for each in (pose, base))
    return rotations.matrix_to_quaternion(first @ second.T)


def test_small_angles_are_told_from_none():
    turned = torch.tensor([[0.0, 0, 0, 5e-5, 0, 0, 1.0]])
    assert angles_between(torch.tensor([[0.0, 0, 0, 0, 0, 0, -1.0]]), turned).item() == (
        pytest.approx(1e-4, rel=1e-3)
    )
    assert numbers_of(turned).shape[1] == pose_numbers.POSE_NUMBERS
