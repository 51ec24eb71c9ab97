"""From raw inputs of any layout to features: joints by normalising, cameras by convolutions."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from neuracore_ros.description import DataType
from neuracore_ros.policy.manifest import Manifest
from neuracore_ros.training.normalise import Normaliser, Statistics

# Features that an image is searched for, each found at one place.
KEYPOINTS = 64

# Pixels of the shrunk image, in both directions, that become one token.
PATCH = 16

# These small networks see no more in more pixels, which cost by the square.
ENOUGH_PIXELS = 96


def shrinkage(manifest: Manifest) -> int:
    """By how much images are averaged down: to 96 to 191 px, if they are larger."""
    return max(1, min(manifest.image_size or (0,)) // ENOUGH_PIXELS)


class Numbers(nn.Module):
    """All numeric inputs, normalised, masked and concatenated, with their masks beside them."""

    def __init__(self, manifest: Manifest, statistics: Statistics) -> None:
        super().__init__()
        kinds = manifest.input_layout.numeric
        self.width = sum(manifest.input_layout.widths[kind] for kind in kinds)
        self.normalisers = nn.ModuleDict(
            {kind.value: Normaliser(statistics.input[kind]) for kind in kinds}
        )

    def forward(
        self, inputs: dict[str, Tensor], valid: dict[str, Tensor], batch: int, steps: int
    ) -> tuple[Tensor, Tensor]:
        """Values (B, T, W) and their validity (B, W), W being the sum of all widths."""
        values: list[Tensor] = []
        masks: list[Tensor] = []
        for name, normalise in self.normalisers.items():
            values.append(normalise(inputs[name], valid[name]))
            masks.append(valid[name])
        if len(values) == 0:
            return torch.zeros(batch, steps, 0), torch.zeros(batch, 0, dtype=torch.bool)
        return torch.cat(values, 2), torch.cat(masks, 1)


class Cameras(nn.Module):
    """Every camera slot through an encoder of its own; an absent camera is never looked at."""

    def __init__(self, manifest: Manifest, encoder: Callable[[], nn.Module], size: int) -> None:
        super().__init__()
        self.name = DataType.RGB_IMAGES.value
        self.count = manifest.input_layout.widths.get(DataType.RGB_IMAGES, 0)
        self.size = size
        self.encoders = nn.ModuleList(encoder() for _ in range(self.count))

    def forward(
        self, inputs: dict[str, Tensor], valid: dict[str, Tensor], batch: int, steps: int
    ) -> tuple[Tensor, Tensor]:
        """Features (B, T, K, size), zero where the robot has no camera; and validity (B, K)."""
        features: list[Tensor] = []
        masks: list[Tensor] = []
        for index, encode in enumerate(self.encoders):
            has = valid[self.name][:, index]
            there = has.nonzero()[:, 0]
            images = inputs[self.name][there, :, index].flatten(0, 1).permute(0, 3, 1, 2)
            found = encode(images).float().reshape(there.shape[0], steps, self.size)
            empty = torch.zeros(batch, steps, self.size, device=images.device)
            features.append(empty.index_copy(0, there, found))
            masks.append(has)
        if len(features) == 0:
            none = torch.zeros(batch, steps, 0, self.size)
            return none, torch.zeros(batch, 0, dtype=torch.bool)
        return torch.stack(features, 2), torch.stack(masks, 1)


class Convolutions(nn.Module):
    """Four convolutions over an image that is averaged down by `shrink` first; uint8 in."""

    def __init__(
        self,
        channels: tuple[int, int, int, int],
        strides: tuple[int, int, int, int],
        shrink: int,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before = 3
        for index, (after, stride) in enumerate(zip(channels, strides, strict=True)):
            kernel = 5 if index == 0 else 3
            layers.append(nn.Conv2d(before, after, kernel, stride, kernel // 2))
            layers.append(nn.ReLU())
            before = after
        self.layers = nn.Sequential(*layers[:-1]).to(memory_format=torch.channels_last)
        self.shrink = shrink

    def forward(self, images: Tensor) -> Tensor:
        """Feature maps (N, C, h, w) of images (N, 3, height, width)."""
        images = images.float() / 127.5 - 1.0
        if self.shrink > 1:
            images = F.avg_pool2d(images, self.shrink)
        maps: Tensor = self.layers(images)
        return maps


class KeypointEncoder(nn.Module):
    """Where in the image each of C features is: (x, y) in -1..1, by a spatial softmax."""

    def __init__(self, shrink: int) -> None:
        super().__init__()
        self.convolutions = Convolutions((32, 64, 64, KEYPOINTS), (2, 2, 1, 1), shrink)

    def forward(self, images: Tensor) -> Tensor:
        """Key points (N, 2 C) of images (N, 3, height, width)."""
        maps = self.convolutions(images).float()
        height, width = maps.shape[2], maps.shape[3]
        weights = F.softmax(maps.flatten(2), -1).view(-1, maps.shape[1], height, width)
        across = torch.linspace(-1, 1, width, device=maps.device)
        down = torch.linspace(-1, 1, height, device=maps.device)
        return torch.cat([weights.sum(2) @ across, weights.sum(3) @ down], 1)


class PatchEncoder(nn.Module):
    """Feature maps at a sixteenth of the shrunk image, flattened: P patches of C features."""

    def __init__(self, size: int, shrink: int) -> None:
        super().__init__()
        self.convolutions = Convolutions((32, 64, 96, size), (2, 2, 2, 2), shrink)

    def forward(self, images: Tensor) -> Tensor:
        """Patches (N, P C) of images (N, 3, height, width), row by row."""
        maps: Tensor = self.convolutions(images)
        return maps.flatten(2).transpose(1, 2).flatten(1)
