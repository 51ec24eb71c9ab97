"""Nothing of a policy stays on the CPU when it is moved: what a GPU would refuse, without one.

The device `meta` has shapes and no numbers. It refuses tensors of another device as a GPU does, but
in products and as an index.
"""

from dataclasses import replace

import pytest
import torch
from test_padding import BUILT, EVERY_TYPE, HAS, every_type, targets

from neuracore_ros.description import DataType
from neuracore_ros.policy.manifest import InputSlots, Manifest, OutputSlots
from neuracore_ros.policy.signature import extra_inputs
from neuracore_ros.training.chunk_policy import (
    Example,
    masked_l1,
)
from neuracore_ros.training.config import NetworkOptions
from neuracore_ros.training.normalise import Normalisation
from neuracore_ros.training.policies import build

HAND = DataType.END_EFFECTOR_POSES
META = torch.device('meta')


def moved(tensors):
    return {name: tensor.to(META) for name, tensor in tensors.items()}


def on_meta(kind, manifest, encoder='', relative=False):
    """A policy of two robots with statistics of their own, which encodes whatever is absent."""
    known = replace(manifest, robot_index={'one': 0, 'other': 1})
    statistics = Normalisation.none(known, relative, per_robot=True)
    options = NetworkOptions(encoder=encoder, embedding='robot', width=64, layers=1, flow_steps=2)
    module = build(kind, known, statistics, options).to(META)
    for part in module.modules():
        if hasattr(part, 'dense'):
            part.dense = True
    scales = {name: scale.to(META) for name, scale in statistics.scales().items()}
    return module, scales


def inputs_of(manifest, batch):
    """A plan, and the number of a robot."""
    found = {
        extra.name: torch.zeros((batch, *extra.shape), dtype=getattr(torch, extra.dtype))
        for extra in extra_inputs(replace(manifest, inpaint=True, robot_index={'one': 0}))
    }
    return moved(found)


@pytest.mark.parametrize(('kind', 'encoder'), BUILT)
def test_a_policy_learns_and_predicts_on_the_device_that_it_is_on(kind, encoder):
    module, scales = on_meta(kind, EVERY_TYPE, encoder)
    inputs = moved(every_type(False)) | inputs_of(EVERY_TYPE, 2)
    wanted = tuple(moved(each) for each in targets(0.0))
    terms = module.loss(Example(inputs, moved(HAS), *wanted))
    assert {value.device for term in terms.values() for value in term} == {META}
    sum(term.mean for term in terms.values()).backward()
    with torch.inference_mode():
        chunks = module.eval()(inputs, moved(HAS))
    assert {chunk.device for chunk in chunks.values()} == {META}
    assert masked_l1(chunks, *wanted, scales).device == META


@pytest.mark.parametrize('relative', [False, True])
@pytest.mark.parametrize('kind', ['mlp', 'act', 'diffusion'])
def test_so_does_a_policy_of_poses(kind, relative):
    manifest = Manifest(
        input={HAND: InputSlots(2, (0, 1))},
        output={HAND: OutputSlots(2, (0, 1))},
        rate_hz=10.0,
        horizon=3,
    )
    module, scales = on_meta(kind, manifest, relative=relative)
    inputs = {HAND.value: torch.zeros(2, 1, 2, 7, device=META)} | inputs_of(manifest, 2)
    valid = {HAND.value: torch.ones(2, 2, dtype=torch.bool, device=META)}
    wanted = (
        {HAND.value: torch.zeros(2, 3, 2, 7, device=META)},
        {HAND.value: torch.ones(2, 3, 2, dtype=torch.bool, device=META)},
    )
    terms = module.loss(Example(inputs, valid, *wanted))
    assert {value.device for term in terms.values() for value in term} == {META}
    with torch.inference_mode():
        chunks = module.eval()(inputs, valid)
    assert chunks[HAND.value].device == META
    assert masked_l1(chunks, *wanted, scales).device == META
