"""Weights of ImageNet are torchvision's, whether it is installed or not."""

import pytest
import torch
from test_padding import manifest

from neuracore_ros.errors import TrainingError
from neuracore_ros.training import pretrained
from neuracore_ros.training.config import NetworkOptions
from neuracore_ros.training.normalise import Normalisation
from neuracore_ros.training.policies import build
from neuracore_ros.training.pretrained import begin_with_imagenet
from neuracore_ros.training.resnet import ResNet, group_norm


def mlp(described=None, **options):
    described = described or manifest(cameras=1)
    return build('mlp', described, Normalisation.none(described), NetworkOptions(**options))


@pytest.fixture
def weights(tmp_path):
    """A state dict with the names and shapes of torchvision's, and what it makes of an image."""
    models = pytest.importorskip('torchvision').models
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
    begin_with_imagenet(policy, str(path))
    (ours,) = (each for each in policy.modules() if isinstance(each, ResNet))
    images = torch.randn(2, 3, 64, 96)
    parts = list(theirs.children())[:-2]
    with torch.inference_mode():
        wanted = torch.nn.Sequential(*parts)(images)
        before = ours(images)
        policy.train()
        ours(10 * images)
        assert torch.allclose(before, wanted, atol=1e-5)
        assert torch.equal(ours(images), before)
    trained = {name for name, each in ours.named_parameters() if each.requires_grad}
    convolutions = ('conv1', 'conv2', 'downsample.0')
    assert {name.rpartition('.')[0].split('.', 2)[-1] for name in trained} <= set(convolutions)
    assert len(trained) == 20


def test_depths_do_not_take_weights_of_colours(weights):
    path, _ = weights
    described = manifest(cameras=1, others=1)
    policy = mlp(described, pretrained=str(path))
    begin_with_imagenet(policy, str(path))
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
    monkeypatch.setattr(pretrained, 'URL', 'http://127.0.0.1:9/resnet18-f37072fd.pth')
    for source, says in {
        'missing.pth': 'missing.pth: no such file',
        str(tmp_path / 'broken.pth'): 'none of it was run',
        str(tmp_path / 'list.pth'): 'is no state dict',
        str(other): "is no state dict of torchvision's ResNet-18 (",
        'imagenet': 'cannot be fetched',
    }.items():
        with pytest.raises(TrainingError) as refused:
            begin_with_imagenet(policy, source)
        assert says in str(refused.value)
        assert '\n' not in str(refused.value)


def test_a_policy_without_colours_has_nothing_to_begin_with():
    with pytest.raises(TrainingError, match='looks at no colours'):
        begin_with_imagenet(mlp(manifest(cameras=0)), 'imagenet')


def test_another_encoder_has_no_weights_to_begin_with():
    with pytest.raises(TrainingError, match='for --encoder patches there are no weights'):
        NetworkOptions(encoder='patches', pretrained='imagenet')
