"""ResNet-18 and ResNet-34 of torchvision up to their last feature map, and weights of ImageNet."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from neuracore_ros.errors import TrainingError
from neuracore_ros.given_path import given_path
from neuracore_ros.policy.archive import load_tensors
from neuracore_ros.policy.policy import last_line

RESNETS = ('resnet18', 'resnet34')

CHANNELS = 512
"""Features of the last map."""

STRIDE = 32
"""Pixels of the image, in both directions, for one place of the last map."""

IMAGENET = 'imagenet'


class FrozenNorm(nn.BatchNorm2d):
    """Batch normalisation with the statistics and the weights that it was given.

    Batches of a robot's images are too small and too alike to measure new ones.
    """

    def __init__(self, channels: int) -> None:
        super().__init__(channels)
        # Checkpoints with frozen statistics do not hold this counter, which only training reads;
        # torch adds one to what is loaded wherever statistics are tracked.
        self.register_buffer('num_batches_tracked', None)
        self.track_running_stats = False
        self.requires_grad_(False)
        self.eval()

    def train(self, mode: bool = True) -> FrozenNorm:
        """Stay in evaluation, whatever ``mode`` is."""
        return super().train(False)


def group_norm(channels: int) -> nn.Module:
    """Normalise without statistics of batches, for weights that learn from nothing."""
    return nn.GroupNorm(channels // 16, channels)


class ResNet(nn.Sequential):
    """Images (N, C, height, width) to feature maps (N, 512, height / 32, width / 32).

    Names of weights are torchvision's. A policy file holds the whole network, and runs without
    torchvision.
    """

    def __init__(self, kind: str, norm: Callable[[int], nn.Module], channels: int = 3) -> None:
        from torchvision import models  # Takes seconds, and few policies have one.

        network = models.get_model(kind, norm_layer=norm)
        first = network.conv1
        if channels != first.in_channels:
            network.conv1 = nn.Conv2d(channels, first.out_channels, 7, 2, 3, bias=False)
        for layer in network.modules():
            # What is claimed of policies was measured with torch's first weights.
            if isinstance(layer, nn.Conv2d):
                layer.reset_parameters()
        del network.avgpool, network.fc
        super().__init__(OrderedDict(network.named_children()))

    def fuse(self) -> None:
        """Put every normalisation into the convolution before it; for inference only."""
        self.eval()
        stages = list(self.children())[4:]
        blocks: list[Any] = [block for stage in stages for block in stage.children()]
        for part, number in ((self, 1), *((block, n) for block in blocks for n in (1, 2))):
            convolution, norm = f'conv{number}', f'bn{number}'
            fused = fuse_conv_bn_eval(getattr(part, convolution), getattr(part, norm))
            setattr(part, convolution, fused)
            setattr(part, norm, nn.Identity())
        for block in blocks:
            if block.downsample is not None:
                block.downsample = fuse_conv_bn_eval(*block.downsample)


def init_from_imagenet(policy: nn.Module, source: str) -> None:
    """Load weights into every ResNet of a policy that reads colours with frozen normalisation.

    They are 'imagenet', which is fetched once, into torch's cache; or a file of a state dict.

    Raises:
        TrainingError: They cannot be fetched or read, or are those of another network; or the
            policy reads no colours.
    """
    networks = [each for each in policy.modules() if isinstance(each, ResNet)]
    networks = [each for each in networks if isinstance(each.bn1, FrozenNorm)]
    if not networks:
        raise TrainingError(f'--pretrained {source}: the policy reads no colours; leave it out')
    weights = _fetch() if source == IMAGENET else _read(given_path(source))
    for network in networks:
        try:
            # What there is beyond that classifies ImageNet's images, and counts its batches.
            lacking = network.load_state_dict(weights, strict=False).missing_keys
        except (RuntimeError, TypeError) as error:
            raise TrainingError(_other(source, last_line(error))) from error
        if lacking:
            raise TrainingError(_other(source, f'it lacks {lacking[0]}'))


def _other(source: str, why: str) -> str:
    return (
        f"--pretrained {source}: is no state dict of torchvision's ResNet-18 ({why}); give such a "
        'file, or imagenet'
    )


def _fetch() -> dict[str, Any]:
    from torchvision.models import ResNet18_Weights

    weights = ResNet18_Weights.IMAGENET1K_V1
    try:
        return dict(weights.get_state_dict(progress=False, check_hash=True))
    except (OSError, RuntimeError) as error:  # No network, or a file that came in part.
        raise TrainingError(
            f'--pretrained imagenet: {weights.url} cannot be fetched ({error}); fetch it '
            'elsewhere, and give --pretrained FILE.pth or put it into '
            f'{torch.hub.get_dir()}/checkpoints'
        ) from error


def _read(path: Path) -> dict[str, Any]:
    try:
        loaded = load_tensors(path)
    except FileNotFoundError as error:
        raise TrainingError(f'--pretrained {path}: no such file') from error
    except Exception as error:
        raise TrainingError(
            f'--pretrained {path}: is damaged, or holds more than numbers and would run code: '
            "none of it was run; give a state dict of torchvision's ResNet-18"
        ) from error
    if not isinstance(loaded, dict):
        raise TrainingError(_other(str(path), 'it is none at all'))
    return loaded
