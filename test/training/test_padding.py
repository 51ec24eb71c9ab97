"""What a robot lacks changes no output, whatever is in its place."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from neuracore_ros.description import DataType
from neuracore_ros.policy.load import load_policy
from neuracore_ros.policy.manifest import InputSlots, Manifest, OutputSlots
from neuracore_ros.policy.signature import FROZEN, PREVIOUS, extra_inputs
from neuracore_ros.training.chunk_policy import Example
from neuracore_ros.training.config import NetworkOptions
from neuracore_ros.training.export import export
from neuracore_ros.training.normalise import Normalisation
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
    joints=4, cameras=2, velocities=0, steps=1, image_size=(32, 40), others=0, horizon=6
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
        horizon=horizon,
        observation_steps=steps,
    )


KINDS = ('mlp', 'act', 'diffusion')
BUILT = [
    *(('mlp', encoder) for encoder in ('keypoints', 'resnet18')),
    *(('act', encoder) for encoder in ('keypoints', 'patches', 'resnet18')),
    ('diffusion', 'patches'),
]


def policy(kind: str, described: Manifest, encoder=''):
    torch.manual_seed(0)
    options = NetworkOptions(encoder=encoder, width=64, layers=1, flow_steps=3)
    return build(kind, described, Normalisation.none(described), options).eval()


def example(
    manifest: Manifest, batch: int, generator: torch.Generator
) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    """Random inputs of the manifest's shapes, random plans and random masks."""
    inputs, valid = {}, {}
    for kind, slots in manifest.input.items():
        shape = (batch, *manifest.input_shape(kind))
        if kind.dtype == 'uint8':
            whole = torch.randint(0, 256, shape, generator=generator)
            inputs[kind.value] = whole.to(torch.uint8)
        else:
            inputs[kind.value] = torch.randn(shape, generator=generator)
        valid[kind.value] = torch.rand(batch, slots.width, generator=generator) < 0.7
    for more in extra_inputs(manifest):
        # As a plan: each step is firm, free or between.
        some = torch.randn((batch, *more.shape), generator=generator)
        inputs[more.name] = some.clamp(0, 1) if more.name == FROZEN else some
    return inputs, valid


EVERY_TYPE = manifest(joints=4, cameras=2, velocities=2, steps=2, others=2, horizon=5)
HAS = {
    'JOINT_POSITIONS': torch.tensor([[True, False, True, True], [True, True, True, False]]),
    'JOINT_VELOCITIES': torch.tensor([[False, False], [True, False]]),
    'POSES': torch.tensor([[True, False], [False, True]]),
    'CUSTOM_1D': torch.tensor([[True, False], [False, False]]),
    'RGB_IMAGES': torch.tensor([[False, True], [True, False]]),
    'DEPTH_IMAGES': torch.tensor([[True, False], [False, False]]),
    'LANGUAGE': torch.tensor([[True], [False]]),
}


def every_type(fill: bool):
    """Inputs of two robots, and a plan; where they have nothing, or it is free, other bytes."""
    inputs, _ = example(replace(EVERY_TYPE, inpaint=True), 2, torch.Generator().manual_seed(0))
    inputs[FROZEN] = torch.tensor([[1.0, 1.0, 0.6, 0.2, 0.0], [0.0] * 5])
    if not fill:
        return inputs
    inputs['JOINT_POSITIONS'][0, :, 1] = float('nan')
    inputs['JOINT_POSITIONS'][1, :, 3] = 1e6
    inputs['JOINT_VELOCITIES'][0] = float('inf')
    inputs['JOINT_VELOCITIES'][1, :, 1] = -7.0
    inputs['RGB_IMAGES'][0, :, 0] = 255
    inputs['RGB_IMAGES'][1, :, 1] = 13
    inputs['POSES'][0, :, 1] = float('nan')
    inputs['POSES'][1, :, 0] = 1e6
    inputs['CUSTOM_1D'][1] = float('-inf')
    inputs['DEPTH_IMAGES'][0, :, 1] = float('nan')
    inputs['DEPTH_IMAGES'][1] = 7.0
    inputs['LANGUAGE'][1] = 65
    plan = inputs[f'{PREVIOUS}JOINT_TARGET_POSITIONS']
    plan[0, :, 1] = float('nan')
    plan[0, 4] = 1e9
    plan[1] = float('nan')
    return inputs


@pytest.mark.filterwarnings('ignore:.*torch.jit.*')
@pytest.mark.parametrize('scripted', [False, True], ids=['eager', 'scripted'])
@pytest.mark.parametrize(('kind', 'encoder'), BUILT)
def test_padding_and_absent_cameras_change_no_output(kind, encoder, scripted):
    module = policy(kind, EVERY_TYPE, encoder)
    module = torch.jit.script(module) if scripted else module
    with torch.inference_mode():
        for _ in range(3):  # TorchScript optimises itself between its first runs.
            before, after = (module(every_type(fill), HAS) for fill in (False, True))
            for name in ('JOINT_TARGET_POSITIONS', 'PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS'):
                assert torch.isfinite(before[name]).all()
                assert torch.equal(before[name], after[name])


def targets(fill: float):
    """Chunks of two robots, of which neither has target 1 and one has no gripper."""
    generator = torch.Generator().manual_seed(1)
    joints, grips = (torch.randn(2, 5, width, generator=generator) for width in (5, 1))
    has_joint, has_grip = (torch.ones(2, 5, width, dtype=torch.bool) for width in (5, 1))
    has_joint[:, :, 1] = has_grip[1] = False
    has_joint[0, 3:] = has_grip[0, 3:] = False  # Its episode ends there.
    names = ('JOINT_TARGET_POSITIONS', 'PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS')
    values = (joints.where(has_joint, fill), grips.where(has_grip, fill))
    return dict(zip(names, values, strict=True)), dict(
        zip(names, (has_joint, has_grip), strict=True)
    )


@pytest.mark.parametrize('kind', KINDS)
def test_nothing_is_learnt_from_padding(kind):
    module = policy(kind, EVERY_TYPE).train()
    losses, gradients = [], []
    for fill, value in ((False, 0.0), (True, float('nan'))):
        torch.manual_seed(0)
        terms = module.loss(Example(every_type(fill), HAS, *targets(value)))
        module.zero_grad()
        torch.stack([term.mean for term in terms.values()]).sum().backward()
        losses.append({name: term.mean.item() for name, term in terms.items()})
        gradients.append({name: each.grad for name, each in module.named_parameters()})
    assert losses[0] == losses[1]
    assert all(np.isfinite(value) and value > 0 for value in losses[0].values())
    for name, gradient in gradients[0].items():
        assert gradient is not None, name
        assert torch.equal(gradient, gradients[1][name]), name
    last = [each for each in module.modules() if isinstance(each, nn.Linear)][-1]
    learnt = last.weight.grad.reshape(-1, 6, last.in_features).any(2).any(0)
    assert learnt.tolist() == [True, False, True, True, True, True]


@pytest.mark.parametrize('kind', KINDS)
def test_terms_of_parts_add_up_to_those_of_the_whole(kind):
    """What processes need that share a batch; without what is drawn at random."""
    module = policy(kind, manifest())
    inputs, valid = example(manifest(), 4, torch.Generator().manual_seed(0))
    found, counts = example_targets(4)

    def count(rows):
        part = (
            {name: each[rows] for name, each in group.items()}
            for group in (inputs, valid, found, counts)
        )
        return {name: term.counted.item() for name, term in module.loss(Example(*part)).items()}

    whole, first, second = (count(rows) for rows in (slice(4), slice(1), slice(1, 4)))
    if kind == 'diffusion':  # Given steps are no part of what is learnt, and are drawn.
        assert all(each['flow'] > 0 for each in (whole, first, second))
    else:
        assert whole == {name: first[name] + second[name] for name in whole}


def example_targets(batch):
    generator = torch.Generator().manual_seed(2)
    widths = {'JOINT_TARGET_POSITIONS': 5, 'PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS': 1}
    found = {n: torch.randn(batch, 6, w, generator=generator) for n, w in widths.items()}
    counts = {n: torch.rand(batch, 6, w, generator=generator) < 0.7 for n, w in widths.items()}
    return found, counts


@pytest.mark.parametrize('kind', KINDS)
def test_what_a_robot_has_does_change_the_output(kind):
    described = manifest(others=2)
    module = policy(kind, described)
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


@pytest.mark.filterwarnings('ignore:.*torch.jit.*')
@pytest.mark.parametrize('kind', KINDS)
@pytest.mark.parametrize(
    'described',
    [
        manifest(cameras=0, horizon=1),
        manifest(joints=0, cameras=1),
        manifest(joints=9, cameras=3, steps=3, horizon=7),
        manifest(image_size=(200, 310)),
        manifest(joints=0, cameras=0, others=1),
        EVERY_TYPE,
    ],
    ids=['no camera', 'no joint', 'three steps', 'large images', 'others only', 'all'],
)
def test_any_layout_makes_a_policy_file(kind, described, tmp_path):
    module = policy(kind, described, 'patches' if kind != 'mlp' else '')
    described = replace(described, inpaint=module.inpaints)
    export(module, described, tmp_path / 'policy.pt')
    inputs = example(described, 2, torch.Generator().manual_seed(0))
    with torch.inference_mode():
        wanted, found = module(*inputs), torch.jit.load(tmp_path / 'policy.pt')(*inputs)
    assert all(torch.allclose(found[name], wanted[name], atol=1e-4) for name in wanted)
    chunk = load_policy(tmp_path / 'policy.pt').predict({}, {})
    assert chunk[TARGETS].shape == (described.horizon, 5)
    assert chunk[GRIPS].shape == (described.horizon, 1)
