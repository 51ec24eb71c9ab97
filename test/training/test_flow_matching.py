"""The flow policy on the smallest task with two ways of doing it: to the left, or to the right."""

import pytest
import torch

from neuracore_ros.description import DataType
from neuracore_ros.policy.manifest import InputSlots, Manifest, OutputSlots
from neuracore_ros.policy.signature import FROZEN, PREVIOUS
from neuracore_ros.training.chunk_policy import Example
from neuracore_ros.training.config import NetworkOptions
from neuracore_ros.training.normalise import Normalisation
from neuracore_ros.training.policies import build

JOINTS, TARGETS = DataType.JOINT_POSITIONS, DataType.JOINT_TARGET_POSITIONS
HORIZON = 8
WAY = torch.arange(1, HORIZON + 1) / HORIZON
BATCH = 64


def observed(batch):
    inputs = {JOINTS.value: torch.zeros(batch, 1, 1)}
    return inputs, {JOINTS.value: torch.ones(batch, 1, dtype=torch.bool)}


def planned(side, firm):
    """A plan to one side, the first steps of which are firm."""
    inputs, valid = observed(1)
    inputs[PREVIOUS + TARGETS.value] = (side * WAY)[None, :, None]
    inputs[FROZEN] = (torch.arange(HORIZON)[None] < firm).float()
    return inputs, valid


@pytest.fixture(scope='module')
def policy():
    described = Manifest(
        {JOINTS: InputSlots(1, (0,))},
        {TARGETS: OutputSlots(1, (0,))},
        rate_hz=8.0,
        horizon=HORIZON,
        inpaint=True,
    )
    torch.set_num_threads(1)
    torch.manual_seed(0)
    options = NetworkOptions(width=64, layers=1)
    made = build('diffusion', described, Normalisation.none(described), options).train()
    optimizer = torch.optim.AdamW(made.parameters(), 3e-3)
    every = {TARGETS.value: torch.ones(BATCH, HORIZON, 1, dtype=torch.bool)}
    for _ in range(250):
        sides = torch.randint(2, (BATCH, 1, 1)) * 2.0 - 1
        loss = made.loss(Example(*observed(BATCH), {TARGETS.value: sides * WAY[:, None]}, every))
        optimizer.zero_grad()
        loss['flow'].mean.backward()
        optimizer.step()
    return made.eval()


def chunk(policy, inputs, valid):
    with torch.inference_mode():
        return policy(inputs, valid)[TARGETS.value][0, :, 0]


def test_it_goes_one_of_two_ways_and_not_between(policy):
    way = chunk(policy, *observed(1))
    # Their mean is to stay.
    assert way[-1].abs() > 0.5
    assert (way[1:] * torch.sign(way[-1]) > 0).all()


@pytest.mark.parametrize('side', [-1.0, 1.0], ids=['left', 'right'])
def test_it_goes_on_as_it_began(policy, side):
    way = chunk(policy, *planned(side, firm=3))
    assert torch.allclose(way[:3], side * WAY[:3], atol=1e-6)
    assert torch.allclose(way[3:], side * WAY[3:], atol=0.25)


def test_no_plan_is_the_same_as_none_that_is_firm(policy):
    free = planned(1.0, firm=0)
    assert torch.equal(chunk(policy, *free), chunk(policy, *observed(1)))


def test_more_than_was_learnt_may_be_given(policy):
    way = chunk(policy, *planned(1.0, firm=HORIZON))
    assert torch.allclose(way, WAY, atol=1e-6)
