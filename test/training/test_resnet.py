"""A policy's ResNet is torchvision's, with its weights of ImageNet; the policy file needs neither."""

import subprocess
import sys

import pytest
import torch
from test_padding import manifest
from torchvision import models

from neuracore_ros.errors import TrainingError
from neuracore_ros.policy.file import PolicyFile
from neuracore_ros.policy.torchscript import read
from neuracore_ros.training.config import NetworkOptions
from neuracore_ros.training.export import export
from neuracore_ros.training.normalise import Normalisation
from neuracore_ros.training.policies import build
from neuracore_ros.training.resnet import FrozenNorm, ResNet, group_norm, init_from_imagenet


def mlp(described=None, **options):
    described = described or manifest(cameras=1)
    return build('mlp', described, Normalisation.none(described), NetworkOptions(**options))


@pytest.fixture
def weights(tmp_path):
    """A state dict with the names and shapes of torchvision's, and what it makes of an image."""
    torch.manual_seed(0)
    network = models.resnet18(weights=None).train()
    with torch.inference_mode():
        network(torch.randn(4, 3, 64, 64))  # So that the statistics are not those of nothing.
    path = tmp_path / 'resnet18.pth'
    torch.save(network.state_dict(), path)
    return path, network.eval()


def test_a_policy_sees_what_torchvision_sees_and_its_normalisation_stays(weights):
    path, theirs = weights
    policy = mlp(pretrained=str(path))
    init_from_imagenet(policy, str(path))
    (ours,) = (each for each in policy.modules() if isinstance(each, ResNet))
    images = torch.randn(2, 3, 64, 96)
    parts = list(theirs.children())[:-2]
    with torch.inference_mode():
        wanted = torch.nn.Sequential(*parts)(images)
        before = ours(images)
        policy.train()
        ours(10 * images)
        assert torch.equal(before, wanted)
        assert torch.equal(ours(images), before)
    trained = {name for name, each in ours.named_parameters() if each.requires_grad}
    convolutions = ('conv1', 'conv2', 'downsample.0')
    assert {name.rpartition('.')[0].split('.', 2)[-1] for name in trained} <= set(convolutions)
    assert len(trained) == 20


def test_depths_do_not_take_weights_of_colours(weights):
    path, _ = weights
    described = manifest(cameras=1, others=1)
    policy = mlp(described, pretrained=str(path))
    init_from_imagenet(policy, str(path))
    depth = [each for each in policy.modules() if isinstance(each, ResNet)][1]
    assert depth.conv1.in_channels == 2
    assert isinstance(depth.bn1, type(group_norm(64)))


def test_what_cannot_be_read_is_said_in_a_line(tmp_path, monkeypatch):
    policy = mlp(pretrained='imagenet')
    other = tmp_path / 'other.pth'
    torch.save({'conv1.weight': torch.zeros(1)}, other)
    torch.save([1], tmp_path / 'list.pth')
    (tmp_path / 'broken.pth').write_bytes(b'no weights')
    monkeypatch.setattr(torch.hub, '_hub_dir', str(tmp_path / 'hub'))
    monkeypatch.setenv('https_proxy', 'http://127.0.0.1:9')
    monkeypatch.setenv('HTTPS_PROXY', 'http://127.0.0.1:9')
    for source, says in {
        'missing.pth': 'missing.pth: no such file',
        str(tmp_path / 'broken.pth'): 'none of it was run',
        str(tmp_path / 'list.pth'): 'is no state dict',
        str(other): "is no state dict of torchvision's ResNet-18 (",
        'imagenet': 'cannot be fetched',
    }.items():
        with pytest.raises(TrainingError) as refused:
            init_from_imagenet(policy, source)
        assert says in str(refused.value)
        assert '\n' not in str(refused.value)


def test_a_policy_without_colours_has_nothing_to_begin_with():
    with pytest.raises(TrainingError, match='reads no colours'):
        init_from_imagenet(mlp(manifest(cameras=0)), 'imagenet')


def test_another_encoder_has_no_weights_to_begin_with():
    with pytest.raises(TrainingError, match='for --encoder patches there are no weights'):
        NetworkOptions(encoder='patches', pretrained='imagenet')


def test_a_fused_network_sees_the_same(weights):
    _, theirs = weights
    ours = ResNet('resnet18', FrozenNorm)
    ours.load_state_dict(theirs.state_dict(), strict=False)
    names = set(ours.state_dict())
    assert names == {n for n in theirs.state_dict() if not n.startswith('fc') and 'num_' not in n}
    images = torch.randn(2, 3, 64, 96)
    with torch.inference_mode():
        wanted = ours(images)
        ours.fuse()
        assert torch.allclose(ours(images), wanted, atol=1e-4)
    assert not any(isinstance(each, FrozenNorm) for each in ours.modules())


def test_a_policy_file_runs_without_torchvision_and_its_weights_load_again(weights, tmp_path):
    path, _ = weights
    described = manifest(cameras=1)
    policy = mlp(described, pretrained=str(path))
    init_from_imagenet(policy, str(path))
    export(policy, described, tmp_path / 'policy.pt')
    code = (
        "import sys; sys.modules['torchvision'] = None\n"
        'from neuracore_ros.policy.load import load_policy\n'
        f'print(load_policy({str(tmp_path / "policy.pt")!r}).warm_up(1))'
    )
    done = subprocess.run(
        [sys.executable, '-c', code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    scripted, _ = read(PolicyFile.read(tmp_path / 'policy.pt'), torch.device('cpu'))
    own = policy.state_dict()
    mlp(described, pretrained=str(path)).load_state_dict(
        {name: value for name, value in scripted.state_dict().items() if name in own}
    )
