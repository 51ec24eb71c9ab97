"""ResNet-18 and ResNet-34 up to their last feature map; names of weights as in torchvision."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

# Blocks in each of the four stages.
BLOCKS = {'resnet18': (2, 2, 2, 2), 'resnet34': (3, 4, 6, 3)}
CHANNELS = (64, 128, 256, 512)

# By how much the feature map is smaller than the image, in both directions.
STRIDE = 32


class FrozenNorm(nn.BatchNorm2d):
    """Batch normalisation with the statistics and the weights that it was given.

    Batches of a robot's images are too small and too alike to measure new ones.
    """

    def __init__(self, channels: int) -> None:
        super().__init__(channels)
        # Checkpoints with frozen statistics do not hold this counter, which only training reads.
        self.register_buffer('num_batches_tracked', None)
        self.requires_grad_(False)
        self.eval()

    def train(self, mode: bool = True) -> 'FrozenNorm':
        """Stay as it is."""
        return super().train(False)


def group_norm(channels: int) -> nn.Module:
    """For weights that learn from nothing: no statistics of batches, as in Diffusion Policy."""
    return nn.GroupNorm(channels // 16, channels)


class ResNet(nn.Module):
    """Images (N, C, height, width) to feature maps (N, 512, height / 32, width / 32)."""

    def __init__(self, kind: str, norm: Callable[[int], nn.Module], channels: int = 3) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, CHANNELS[0], 7, 2, 3, bias=False)
        self.bn1 = norm(CHANNELS[0])
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        counts = BLOCKS[kind]
        self.layer1 = _stage(CHANNELS[0], CHANNELS[0], counts[0], 1, norm)
        self.layer2 = _stage(CHANNELS[0], CHANNELS[1], counts[1], 2, norm)
        self.layer3 = _stage(CHANNELS[1], CHANNELS[2], counts[2], 2, norm)
        self.layer4 = _stage(CHANNELS[2], CHANNELS[3], counts[3], 2, norm)

    def forward(self, images: Tensor) -> Tensor:
        """The feature map of the last stage."""
        maps = self.maxpool(torch.relu(self.bn1(self.conv1(images))))
        result: Tensor = self.layer4(self.layer3(self.layer2(self.layer1(maps))))
        return result

    def fuse(self) -> None:
        """Put every normalisation into the convolution before it; for inference only."""
        self.eval()
        self.conv1, self.bn1 = _fused(self.conv1, self.bn1), nn.Identity()
        for block in self.modules():
            if isinstance(block, Block):
                block.fuse()


class Block(nn.Module):
    """Two convolutions beside a shortcut."""

    def __init__(
        self, before: int, after: int, stride: int, norm: Callable[[int], nn.Module]
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(before, after, 3, stride, 1, bias=False)
        self.bn1 = norm(after)
        self.conv2 = nn.Conv2d(after, after, 3, 1, 1, bias=False)
        self.bn2 = norm(after)
        self.downsample: nn.Module = nn.Identity()
        if stride != 1 or before != after:
            shortcut = nn.Conv2d(before, after, 1, stride, bias=False)
            self.downsample = nn.Sequential(shortcut, norm(after))

    def forward(self, maps: Tensor) -> Tensor:
        """Feature maps (N, after, h / stride, w / stride)."""
        found = torch.relu(self.bn1(self.conv1(maps)))
        return torch.relu(self.bn2(self.conv2(found)) + self.downsample(maps))

    def fuse(self) -> None:
        """See :meth:`ResNet.fuse`."""
        self.conv1, self.bn1 = _fused(self.conv1, self.bn1), nn.Identity()
        self.conv2, self.bn2 = _fused(self.conv2, self.bn2), nn.Identity()
        if isinstance(self.downsample, nn.Sequential):
            self.downsample = _fused(*self.downsample)


def _stage(
    before: int, after: int, count: int, stride: int, norm: Callable[[int], nn.Module]
) -> nn.Sequential:
    blocks = [Block(before, after, stride, norm)]
    blocks += [Block(after, after, 1, norm) for _ in range(count - 1)]
    return nn.Sequential(*blocks)


def _fused(convolution: nn.Module, norm: nn.Module) -> nn.Conv2d:
    assert isinstance(convolution, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d)
    return fuse_conv_bn_eval(convolution, norm)
