"""What a robot lacks changes no output, whatever is in its place."""

import pytest
import torch

from neuracore_ros.description import DataType
from neuracore_ros.policy.manifest import InputSlots, Manifest, OutputSlots
from neuracore_ros.training.export import example
from neuracore_ros.training.normalise import Statistics
from neuracore_ros.training.policies import build

JOINTS, VELOCITIES = DataType.JOINT_POSITIONS, DataType.JOINT_VELOCITIES
TARGETS, GRIPS = (
    DataType.JOINT_TARGET_POSITIONS,
    DataType.PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS,
)
IMAGES = DataType.RGB_IMAGES
POSES, FORCES = DataType.POSES, DataType.CUSTOM_1D
DEPTHS, LANGUAGE = DataType.DEPTH_IMAGES, DataType.LANGUAGE


def slots(width: int, **more) -> dict:
    return {'width': width, 'trained': tuple(range(width)), **more}


def manifest(
    joints=4, cameras=2, velocities=0, steps=1, image_size=(32, 40), others=0
) -> Manifest:
    """``others``: slots of poses, custom numbers and depth cameras, and one text if any."""
    inputs = {
        JOINTS: InputSlots(**slots(joints)) if joints else None,
        VELOCITIES: InputSlots(**slots(velocities)) if velocities else None,
        POSES: InputSlots(**slots(others)) if others else None,
        FORCES: InputSlots(**slots(others)) if others else None,
        IMAGES: InputSlots(**slots(cameras), image_size=image_size) if cameras else None,
        DEPTHS: InputSlots(**slots(others), image_size=image_size) if others else None,
        LANGUAGE: InputSlots(**slots(1), length=16) if others else None,
    }
    return Manifest(
        input={kind: found for kind, found in inputs.items() if found},
        output={TARGETS: OutputSlots(**slots(5)), GRIPS: OutputSlots(**slots(1))},
        rate_hz=10.0,
        horizon=6,
        observation_steps=steps,
    )


def policy(kind: str, described: Manifest, scripted: bool):
    torch.manual_seed(0)
    module = build(kind, described, Statistics.none(described)).eval()
    return torch.jit.script(module) if scripted else module


@pytest.mark.filterwarnings('ignore:.*torch.jit.*')
@pytest.mark.parametrize('scripted', [False, True], ids=['eager', 'scripted'])
@pytest.mark.parametrize('kind', ['mlp', 'act', 'diffusion'])
def test_padding_and_absent_cameras_change_no_output(kind, scripted):
    described = manifest(joints=4, cameras=2, velocities=2, steps=2, others=2)
    module = policy(kind, described, scripted)
    inputs, _ = example(described, 2, torch.Generator().manual_seed(0))
    valid = {
        'JOINT_POSITIONS': torch.tensor([[True, False, True, True], [True, True, True, False]]),
        'JOINT_VELOCITIES': torch.tensor([[False, False], [True, False]]),
        'POSES': torch.tensor([[True, False], [False, True]]),
        'CUSTOM_1D': torch.tensor([[True, False], [False, False]]),
        'RGB_IMAGES': torch.tensor([[False, True], [True, False]]),
        'DEPTH_IMAGES': torch.tensor([[True, False], [False, False]]),
        'LANGUAGE': torch.tensor([[True], [False]]),
    }
    other = {name: values.clone() for name, values in inputs.items()}
    other['JOINT_POSITIONS'][0, :, 1] = float('nan')
    other['JOINT_POSITIONS'][1, :, 3] = 1e6
    other['JOINT_VELOCITIES'][0] = float('inf')
    other['JOINT_VELOCITIES'][1, :, 1] = -7.0
    other['RGB_IMAGES'][0, :, 0] = 255
    other['RGB_IMAGES'][1, :, 1] = 13
    other['POSES'][0, :, 1] = float('nan')
    other['POSES'][1, :, 0] = 1e6
    other['CUSTOM_1D'][1] = float('-inf')
    other['DEPTH_IMAGES'][0, :, 1] = float('nan')
    other['DEPTH_IMAGES'][1] = 7.0
    other['LANGUAGE'][1] = 65
    with torch.inference_mode():
        for _ in range(3):  # TorchScript optimises itself between its first runs.
            before, after = module(inputs, valid), module(other, valid)
            for name in ('JOINT_TARGET_POSITIONS', 'PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS'):
                assert torch.isfinite(before[name]).all()
                assert torch.equal(before[name], after[name])


@pytest.mark.parametrize('kind', ['mlp', 'act', 'diffusion'])
def test_what_a_robot_has_does_change_the_output(kind):
    described = manifest(others=2)
    module = policy(kind, described, scripted=False)
    inputs, valid = example(described, 1, torch.Generator().manual_seed(0))
    valid = {name: torch.ones_like(mask) for name, mask in valid.items()}
    changed = {
        'JOINT_POSITIONS': 3,
        'POSES': 1,
        'CUSTOM_1D': 1,
        'RGB_IMAGES': 1,
        'DEPTH_IMAGES': 1,
        'LANGUAGE': 0,
    }
    with torch.inference_mode():
        before = module(inputs, valid)['PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS']
        for name, index in changed.items():
            other = {key: values.clone() for key, values in inputs.items()}
            other[name][0, :, index] = 1
            after = module(other, valid)['PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS']
            assert not torch.equal(before, after), name


@pytest.mark.parametrize('kind', ['mlp', 'act', 'diffusion'])
@pytest.mark.parametrize(
    'described',
    [
        manifest(cameras=0),
        manifest(joints=0, cameras=1),
        manifest(joints=9, cameras=3, steps=3),
        manifest(image_size=(200, 310)),
        manifest(joints=0, cameras=0, others=1),
        manifest(others=3, steps=2),
    ],
    ids=['no camera', 'no joint', 'three steps', 'large images', 'others only', 'all'],
)
def test_any_layout_makes_a_policy(kind, described):
    module = policy(kind, described, scripted=False)
    inputs, valid = example(described, 3, torch.Generator().manual_seed(0))
    with torch.inference_mode():
        chunks = module(inputs, valid)
        nothing = module(inputs, {name: torch.zeros_like(m) for name, m in valid.items()})
    assert chunks['JOINT_TARGET_POSITIONS'].shape == (3, 6, 5)
    assert chunks['PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS'].shape == (3, 6, 1)
    assert torch.isfinite(nothing['JOINT_TARGET_POSITIONS']).all()
