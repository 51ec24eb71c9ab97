"""ResNet-18 and ResNet-34 up to their last feature map; names of weights as in torchvision."""

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

# Blocks in each of the four stages.
BLOCKS = {'resnet18': (2, 2, 2, 2), 'resnet34': (3, 4, 6, 3)}
CHANNELS = (64, 128, 256, 512)

# By how much the feature map is smaller than the image, in both directions.
STRIDE = 32


class ResNet(nn.Module):
    """Images (N, 3, height, width) to feature maps (N, 512, height / 32, width / 32)."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, CHANNELS[0], 7, 2, 3, bias=False)
        self.bn1: nn.Module = _norm(CHANNELS[0])
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        counts = BLOCKS[kind]
        self.layer1 = _stage(CHANNELS[0], CHANNELS[0], counts[0], 1)
        self.layer2 = _stage(CHANNELS[0], CHANNELS[1], counts[1], 2)
        self.layer3 = _stage(CHANNELS[1], CHANNELS[2], counts[2], 2)
        self.layer4 = _stage(CHANNELS[2], CHANNELS[3], counts[3], 2)

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

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(before, after, 3, stride, 1, bias=False)
        self.bn1: nn.Module = _norm(after)
        self.conv2 = nn.Conv2d(after, after, 3, 1, 1, bias=False)
        self.bn2: nn.Module = _norm(after)
        self.downsample: nn.Module = nn.Identity()
        if stride != 1 or before != after:
            shortcut = nn.Conv2d(before, after, 1, stride, bias=False)
            self.downsample = nn.Sequential(shortcut, _norm(after))

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


def _stage(before: int, after: int, count: int, stride: int) -> nn.Sequential:
    blocks = [Block(before, after, stride)]
    blocks += [Block(after, after, 1) for _ in range(count - 1)]
    return nn.Sequential(*blocks)


def _fused(convolution: nn.Module, norm: nn.Module) -> nn.Conv2d:
    assert isinstance(convolution, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d)
    return fuse_conv_bn_eval(convolution, norm)


def _norm(channels: int) -> nn.BatchNorm2d:
    norm = nn.BatchNorm2d(channels)
    # Checkpoints with frozen statistics do not hold this counter, which only training reads.
    norm.register_buffer('num_batches_tracked', None)
    return norm
