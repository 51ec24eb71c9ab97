"""Poses that a model from elsewhere predicts: relative ones, and such as are none."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip('torch')

import torch

from neuracore_ros.description import DataType
from neuracore_ros.errors import PolicyError
from neuracore_ros.kinematics.poses import moved
from neuracore_ros.kinematics.rotations import angles_between, matrix_to_quaternion, rpy_to_matrix
from neuracore_ros.policy.load import load_policy
from neuracore_ros.policy.manifest import InputSlots, Manifest, OutputSlots
from neuracore_ros.policy.torchscript import save

HAND = DataType.END_EFFECTOR_POSES
MANIFEST = Manifest(
    input={HAND: InputSlots(1, (0,))},
    output={HAND: OutputSlots(2, (0,))},
    rate_hz=10.0,
    horizon=3,
)
RELATIVE = replace(MANIFEST, output={HAND: OutputSlots(2, (0,), mode='relative')})


class Same(torch.nn.Module):
    """Gives one pose for each step of slot 0, and nothing for slot 1; or what it is given."""

    def __init__(self, pose=None):
        super().__init__()
        self.back = pose is None
        self.register_buffer('pose', torch.zeros(7) if pose is None else torch.tensor(pose))

    def forward(
        self, inputs: dict[str, torch.Tensor], valid: dict[str, torch.Tensor]
    ) -> dict[str, torch.Tensor]:
        now = inputs['END_EFFECTOR_POSES'][:, -1:]
        if not self.back:
            now = self.pose.expand(1, 1, 1, 7).float()
        chunk = torch.cat([now, torch.zeros_like(now)], 2)
        return {'END_EFFECTOR_POSES': chunk.expand(-1, 3, -1, -1)}


def predicted(tmp_path, module, manifest, now):
    save(module, manifest, tmp_path / 'policy.pt')
    policy = load_policy(tmp_path / 'policy.pt')
    policy.warm_up(1)
    inputs = {HAND: np.array([[now]], np.float32)}
    return policy.predict(inputs, {HAND: np.array([True])})[HAND]


def pose(xyz, rpy):
    return [*map(float, xyz), *matrix_to_quaternion(rpy_to_matrix(rpy))]


def test_a_relative_pose_moves_the_measured_one(tmp_path):
    now, motion = pose([1, 2, 3], [0, 0, np.pi / 2]), pose([0.1, 0, 0], [np.pi / 2, 0, 0])
    chunk = predicted(tmp_path, Same(motion), RELATIVE, now)
    assert chunk.shape == (3, 2, 7)
    assert chunk[0, 0, :3] == pytest.approx([1.1, 2, 3])
    # First about z, then about x, both of the frame that poses are given in.
    wanted = rpy_to_matrix([np.pi / 2, 0, 0]) @ rpy_to_matrix([0, 0, np.pi / 2])
    assert angles_between(chunk[0, 0, 3:], matrix_to_quaternion(wanted)) < 1e-5
    assert not chunk[:, 1].any()


def test_an_absolute_pose_is_left_as_it_is(tmp_path):
    now = pose([1, 2, 3], [0, 0, 1.0])
    assert predicted(tmp_path, Same(), MANIFEST, now)[:, 0] == pytest.approx(np.array([now] * 3))


@pytest.mark.parametrize('quaternion', [[0, 0, 0, 0], [0, 0, 0, 0.5], [1, 1, 1, 1]])
@pytest.mark.parametrize('manifest', [MANIFEST, RELATIVE], ids=['absolute', 'relative'])
def test_a_quaternion_that_is_no_rotation_is_refused(tmp_path, manifest, quaternion):
    module = Same([0.0, 0.0, 0.0, *map(float, quaternion)])
    length = np.linalg.norm(quaternion)
    says = f'END_EFFECTOR_POSES with a quaternion of length {length:g} at index 0, step 0'
    with pytest.raises(PolicyError, match=says):
        predicted(tmp_path, module, manifest, pose([0, 0, 0], [0, 0, 0]))


def test_a_pose_that_is_not_finite_is_refused(tmp_path):
    with pytest.raises(PolicyError, match='nan at index 0'):
        predicted(tmp_path, Same([float('nan')] * 7), MANIFEST, pose([0, 0, 0], [0, 0, 0]))


def test_many_poses_are_moved_at_once():
    rng = np.random.default_rng(0)
    base, motion = rng.normal(size=(2, 7)), rng.normal(size=(5, 2, 7))
    base[:, 3:] /= np.linalg.norm(base[:, 3:], axis=1)[:, None]
    motion[..., 3:] /= np.linalg.norm(motion[..., 3:], axis=-1)[..., None]
    found = moved(base, motion)
    assert found.shape == (5, 2, 7)
    assert found[3, 1] == pytest.approx(moved(base[1], motion[3, 1]))
    np.testing.assert_allclose(found[..., :3], base[:, :3] + motion[..., :3])
    np.testing.assert_allclose(np.linalg.norm(found[..., 3:], axis=-1), 1)
