"""A policy behind a server predicts what it does in this process, bit for bit."""

import numpy as np
import pytest

from helpers.pose_policy import write_pose_policy
from helpers.served import serving
from helpers.small_policies import write_policy
from neuracore_ros.description import DataType
from neuracore_ros.errors import PolicyError
from neuracore_ros.policy.load import load_policy
from neuracore_ros.policy.manifest import InputSlots, Manifest, OutputSlots
from neuracore_ros.policy.policy import Policy
from neuracore_ros.policy.remote.server_options import ServerOptions
from neuracore_ros.policy.signature import ActionPrefix

JOINTS = DataType.JOINT_POSITIONS
TARGETS = DataType.JOINT_TARGET_POSITIONS
HAND = DataType.END_EFFECTOR_POSES
GRIPPER = DataType.PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS
SIZE = (8, 12)

INPUTS = {
    JOINTS: InputSlots(3, (0, 1, 2)),
    HAND: InputSlots(2, (0, 1)),
    DataType.RGB_IMAGES: InputSlots(2, (0, 1), image_size=SIZE),
    DataType.DEPTH_IMAGES: InputSlots(1, (0,), image_size=SIZE),
    DataType.LANGUAGE: InputSlots(1, (0,), length=16),
    DataType.CUSTOM_1D: InputSlots(1, (0,)),
}


class Mixture:
    """A runtime whose every output depends on every number, byte and mask that it is given."""

    def __init__(self, manifest):
        self.manifest = manifest

    def run(self, inputs, valid):
        parts = [*sorted(inputs.items()), *sorted(valid.items())]
        sums = [
            float(np.sum(array.astype(float) * np.cos(np.arange(array.size).reshape(array.shape))))
            for _, array in parts
        ]
        chunks = {}
        for number, kind in enumerate(self.manifest.output):
            shape = (1, *self.manifest.output_shape(kind))
            chunk = np.cos(
                np.arange(np.prod(shape)) * (1 + number)
                + np.dot(sums, np.sqrt(1.0 + np.arange(len(sums))))
            )
            chunk = chunk.reshape(shape)
            if kind.is_pose:
                chunk[..., 3:] /= np.linalg.norm(chunk[..., 3:], axis=-1, keepdims=True)
            chunks[kind.value] = chunk.astype(np.float32)
        return chunks


def policy(inputs=(JOINTS,), outputs=(TARGETS,), mode='absolute', **manifest):
    widths = {TARGETS: 3, HAND: 2, GRIPPER: 1}
    read = {kind: INPUTS[kind] for kind in inputs}
    given = {
        kind: OutputSlots(widths[kind], (0,), mode=mode if kind.measured in read else 'absolute')
        for kind in outputs
    }
    found = Manifest(read, given, rate_hz=20.0, horizon=6, **manifest)
    return Policy(Mixture(found), 'ab' * 32)


KINDS = {
    'joints': policy(),
    'images, depth and language': policy(inputs=tuple(INPUTS)),
    'poses': policy(inputs=(HAND,), outputs=(HAND, GRIPPER)),
    'relative joints': policy(mode='relative'),
    'relative poses': policy(inputs=(JOINTS, HAND), outputs=(HAND, TARGETS), mode='relative'),
    'three steps': policy(inputs=tuple(INPUTS), observation_steps=3, mode='relative'),
    'robots that it knows': policy(robot_index={'franka': 0, 'ur5': 5}),
    'a plan that it continues': policy(
        inputs=(JOINTS, HAND), outputs=(TARGETS, HAND), inpaint=True
    ),
}


def observation(manifest, seed):
    """Values and masks as a robot that lacks some slots would have them."""
    random = np.random.default_rng(seed)
    inputs, valid = {}, {}
    for kind, slots in manifest.input.items():
        shape = manifest.input_shape(kind)
        mask = random.random(slots.width) < 0.7
        if kind.dtype == 'uint8':
            values = random.integers(0, 256, shape).astype(np.uint8)
        else:
            values = random.normal(size=shape).astype(np.float32)
        if kind.is_pose:
            values[..., 3:] = np.float32([0.6, 0.0, 0.0, 0.8])
        values[:, ~mask] = 0
        inputs[kind], valid[kind] = values, mask
    return inputs, valid


def plan(manifest, seed):
    random = np.random.default_rng(seed)
    chunk = {
        kind: random.normal(size=manifest.output_shape(kind)).astype(np.float32)
        for kind in manifest.output
    }
    return ActionPrefix(chunk, np.linspace(1.0, 0.0, manifest.horizon, dtype=np.float32))


@pytest.mark.parametrize('name', KINDS)
def test_a_served_policy_of_any_kind_predicts_the_same_bits(name):
    here = KINDS[name]
    with serving(here) as server:
        there = load_policy(server.address)
        assert there.manifest == here.manifest
        assert there.sha256 == here.sha256
        seen = set()
        for seed in range(4):
            inputs, valid = observation(here.manifest, seed)
            for robot in ('', 'ur5', 'never seen'):
                for followed in (None, plan(here.manifest, seed)):
                    one = here.on(robot).predict(inputs, valid, plan=followed)
                    other = there.on(robot).predict(inputs, valid, plan=followed)
                    assert one.keys() == other.keys()
                    for kind, chunk in one.items():
                        assert chunk.tobytes() == other[kind].tobytes()
                    seen.add(b''.join(chunk.tobytes() for chunk in one.values()))
        # Otherwise the model would not have seen what differs.
        several = 2 if here.manifest.robot_index or here.manifest.inpaint else 1
        assert len(seen) == 4 * several


def test_a_policy_of_another_server_is_served_like_any():
    here = KINDS['relative joints']
    inputs, valid = observation(here.manifest, 1)
    with serving(here) as first, serving(load_policy(first.address)) as second:
        there = load_policy(second.address)
        assert there.sha256 == here.sha256
        one, other = here.predict(inputs, valid), there.predict(inputs, valid)
        assert one[TARGETS].tobytes() == other[TARGETS].tobytes()
        first.close()
        with pytest.raises(PolicyError, match=f'{first.address}: '):
            there.predict(inputs, valid)


@pytest.mark.parametrize('write', [write_policy, write_pose_policy])
def test_a_served_policy_file_predicts_the_same_bits(tmp_path, write):
    here = load_policy(write(tmp_path / 'policy.pt'))
    with serving(here) as server:
        there = load_policy(server.address, sha256=here.sha256)
        inputs, valid = observation(here.manifest, 1)
        one, other = here.predict(inputs, valid), there.predict(inputs, valid)
        assert {k: v.tobytes() for k, v in one.items()} == {
            k: v.tobytes() for k, v in other.items()
        }


def test_numbers_that_only_another_robot_uses_may_be_nan():
    class Partly(Mixture):
        def run(self, inputs, valid):
            chunk = np.zeros((1, 6, 3), np.float32)
            chunk[:, :, 0] = np.nan
            return {TARGETS.value: chunk}

    here = Policy(Partly(KINDS['joints'].manifest), 'ab' * 32)
    inputs, valid = observation(here.manifest, 1)
    with serving(here) as server:
        there = load_policy(server.address)
        for each in (here, there):
            chunk = each.predict(inputs, valid, {TARGETS: np.array([False, True, True])})[TARGETS]
            assert chunk[0, 1:].tolist() == [0.0, 0.0]
            with pytest.raises(PolicyError, match='with nan at index 0, step 0'):
                each.predict(inputs, valid)


def test_images_as_jpeg_are_nearly_the_same():
    seen = []

    class Keeping(Mixture):
        def run(self, inputs, valid):
            seen.append(inputs['RGB_IMAGES'])
            return super().run(inputs, valid)

    here = Policy(Keeping(KINDS['three steps'].manifest), 'ab' * 32)
    inputs, valid = observation(here.manifest, 1)
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    smooth = np.stack([20 * y, 15 * x, 100 + 0 * x], axis=-1).astype(np.uint8)
    inputs[DataType.RGB_IMAGES] = np.broadcast_to(smooth, (3, 2, *SIZE, 3)).copy()
    with serving(here) as server:
        load_policy(server.address, server=ServerOptions(jpeg_quality=95)).predict(inputs, valid)
    assert np.abs(seen[-1][0].astype(int) - smooth).mean() < 4.0
