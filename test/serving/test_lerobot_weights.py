"""A policy without the weights of its file is not served, whatever their names."""

import pytest
import torch
from torch import nn

from helpers.lerobot_files import write_checkpoint
from neuracore_ros.errors import PolicyError
from neuracore_ros.serving.lerobot.checkpoint import read_lerobot_checkpoint
from neuracore_ros.serving.lerobot.weights import require_loaded

pytest.importorskip('safetensors')
from safetensors.torch import save_file


class Small(nn.Module):
    """Two linear layers, and a name for the first of them more."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.model = nn.ModuleDict({'first': nn.Linear(3, 50), 'second': nn.Linear(50, 2)})
        self.tied = self.model['first'].weight
        self.register_buffer('count', torch.tensor(7))


@pytest.fixture
def check(tmp_path):
    def checked(tensors, policy=None):
        save_file({name: each.clone() for name, each in tensors.items()}, tmp_path / 'w')
        write_checkpoint(tmp_path / 'act', weights=(tmp_path / 'w').read_bytes())
        require_loaded(policy or Small(), read_lerobot_checkpoint(tmp_path / 'act'))

    return checked


@pytest.fixture
def stored():
    """The tensors as a file has them, each once."""
    return {name: each for name, each in Small().state_dict().items() if name != 'tied'}


def test_all_weights_are_found(check, stored):
    check(stored)


@pytest.mark.parametrize(
    'renamed',
    [
        lambda name: name.removeprefix('model.'),
        lambda name: f'model.{name}',
        lambda name: name.replace('first', 'proj').replace('second', 'head'),
    ],
)
def test_other_names_of_the_same_weights_will_do(check, stored, renamed):
    check({renamed(name): each for name, each in stored.items()})


def test_a_turned_weight_is_the_same(check, stored):
    weight = stored.pop('model.second.weight')
    check(stored | {'head': weight.T.contiguous()})


def test_a_policy_may_compute_in_less_precision_than_its_file(check, stored):
    check(stored, Small().to(torch.bfloat16))


@pytest.mark.parametrize('name', ['model.first.weight', 'model.second.bias', 'count'])
def test_weights_that_the_file_lacks_are_told(check, stored, name):
    del stored[name]
    with pytest.raises(PolicyError, match=f'lacks .*{name}'):
        check(stored)


@pytest.mark.parametrize('place', [(0, 0), (1, 49)])
@pytest.mark.parametrize('rename', [False, True])
def test_weights_with_other_values_are_told(check, stored, place, rename):
    stored['model.second.weight'] = stored['model.second.weight'].clone()
    stored['model.second.weight'][place] += 1e-3
    if rename:
        stored['head'] = stored.pop('model.second.weight')
    with pytest.raises(PolicyError, match='model.second.weight'):
        check(stored)


def test_normalising_inside_the_weights_is_told(check, stored):
    with pytest.raises(PolicyError, match='migrate_policy_normalization'):
        check(stored | {'normalize_inputs.buffer_observation_state.mean': torch.zeros(6)})


def test_what_a_file_has_beside_the_policy_does_not_matter(check, stored):
    check(stored | {'vae.weight': torch.zeros(3, 3)})
