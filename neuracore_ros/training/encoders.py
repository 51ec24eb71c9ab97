"""From raw inputs of any layout to features: numbers, images, depths and texts."""

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
        layout = manifest.input_layout
        self.width = len(layout.columns())
        self.normalisers = nn.ModuleDict(
            {kind.value: Normaliser(statistics.input[kind]) for kind in layout.numeric}
        )

    def forward(
        self, inputs: dict[str, Tensor], valid: dict[str, Tensor], batch: int, steps: int
    ) -> tuple[Tensor, Tensor]:
        """Values (B, T, C) and their validity (B, C), C being the numbers of all slots."""
        values: list[Tensor] = []
        masks: list[Tensor] = []
        for name, normalise in self.normalisers.items():
            numbers, mask = inputs[name], valid[name]
            if numbers.dim() == 4:  # A pose's numbers are valid together.
                mask = mask.repeat_interleave(numbers.shape[3], 1)
                numbers = numbers.flatten(2)
            values.append(normalise(numbers, mask))
            masks.append(mask)
        if len(values) == 0:
            return torch.zeros(batch, steps, 0), torch.zeros(batch, 0, dtype=torch.bool)
        return torch.cat(values, 2), torch.cat(masks, 1)


class Cameras(nn.Module):
    """Every slot of one image type through an encoder of its own; what is absent never is."""

    def __init__(
        self, manifest: Manifest, kind: DataType, encoder: Callable[[], nn.Module], size: int
    ) -> None:
        super().__init__()
        self.name = kind.value
        self.count = manifest.input_layout.widths.get(kind, 0)
        self.size = size
        # Set by an export to a graph, whose shapes cannot depend on what is absent: then every
        # image is looked at, and forgotten again.
        self.dense = False
        self.encoders = nn.ModuleList(encoder() for _ in range(self.count))

    def forward(
        self, inputs: dict[str, Tensor], valid: dict[str, Tensor], batch: int, steps: int
    ) -> tuple[Tensor, Tensor]:
        """Features (B, T, K, size), zero where the robot has no camera; and validity (B, K)."""
        features: list[Tensor] = []
        masks: list[Tensor] = []
        for index, encode in enumerate(self.encoders):
            has = valid[self.name][:, index]
            images = inputs[self.name][:, :, index]
            if self.dense:
                found = encode(images.flatten(0, 1)).float().reshape(batch, steps, self.size)
                found = torch.where(has[:, None, None], found, torch.zeros_like(found))
            else:
                there = has.nonzero()[:, 0]
                seen = encode(images[there].flatten(0, 1)).float()
                seen = seen.reshape(there.shape[0], steps, self.size)
                empty = torch.zeros(batch, steps, self.size, device=images.device)
                found = empty.index_copy(0, there, seen)
            features.append(found)
            masks.append(has)
        if len(features) == 0:
            none = torch.zeros(batch, steps, 0, self.size)
            return none, torch.zeros(batch, 0, dtype=torch.bool)
        return torch.stack(features, 2), torch.stack(masks, 1)


class Views(nn.Module):
    """The cameras for colours, then those for depths."""

    def __init__(
        self, manifest: Manifest, encoder: Callable[[nn.Module, int], nn.Module], size: int
    ) -> None:
        super().__init__()
        self.colours = Cameras(
            manifest, DataType.RGB_IMAGES, lambda: encoder(Colours(), Colours.channels), size
        )
        self.depths = Cameras(
            manifest, DataType.DEPTH_IMAGES, lambda: encoder(Depths(), Depths.channels), size
        )
        self.count = self.colours.count + self.depths.count
        self.size = size

    def forward(
        self, inputs: dict[str, Tensor], valid: dict[str, Tensor], batch: int, steps: int
    ) -> tuple[Tensor, Tensor]:
        """Features (B, T, K, size) and validity (B, K), K being all cameras."""
        colours, has_colours = self.colours(inputs, valid, batch, steps)
        depths, has_depths = self.depths(inputs, valid, batch, steps)
        return torch.cat([colours, depths], 2), torch.cat([has_colours, has_depths], 1)


class Texts(nn.Module):
    """What the robot is told: the mean of features of each byte and its neighbours."""

    def __init__(self, manifest: Manifest, size: int) -> None:
        super().__init__()
        self.name = DataType.LANGUAGE.value
        self.count = manifest.input_layout.widths.get(DataType.LANGUAGE, 0)
        self.size = size
        self.bytes = nn.Embedding(256, size, padding_idx=0)
        self.neighbours = nn.Conv1d(size, size, 5, padding=2)

    def forward(
        self, inputs: dict[str, Tensor], valid: dict[str, Tensor], batch: int, steps: int
    ) -> tuple[Tensor, Tensor]:
        """Features (B, T, W, size), zero where nothing is told; and validity (B, W)."""
        if self.count == 0:
            none = torch.zeros(batch, steps, 0, self.size)
            return none, torch.zeros(batch, 0, dtype=torch.bool)
        has = valid[self.name]
        # Before anything else, since padding may hold anything.
        texts = torch.where(has[:, None, :, None], inputs[self.name], 0).flatten(0, 2).long()
        there = (texts > 0).float()[:, None]
        found = torch.relu(self.neighbours(self.bytes(texts).transpose(1, 2))) * there
        mean = found.float().sum(2) / there.sum(2).clamp(min=1)
        return mean.reshape(batch, steps, self.count, self.size), has


class Colours(nn.Module):
    """uint8 (N, height, width, 3) to -1..1, (N, 3, height, width)."""

    channels = 3

    def forward(self, images: Tensor) -> Tensor:
        """What convolutions read."""
        return images.permute(0, 3, 1, 2).float() / 127.5 - 1.0


class Depths(nn.Module):
    """Metres (N, height, width) to nearness 1 to 0, and whether anything was measured."""

    channels = 2

    def forward(self, depths: Tensor) -> Tensor:
        """What convolutions read, (N, 2, height, width)."""
        measured = depths > 0
        # Half at a metre; what a hand does lies on the steep part.
        nearness = torch.where(measured, 1.0 / (1.0 + depths), torch.zeros_like(depths))
        return torch.stack([nearness, measured.to(nearness.dtype)], 1)


class Convolutions(nn.Module):
    """Four convolutions over an image that is averaged down by `shrink` first."""

    def __init__(
        self,
        pixels: nn.Module,
        before: int,
        channels: tuple[int, int, int, int],
        strides: tuple[int, int, int, int],
        shrink: int,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for index, (after, stride) in enumerate(zip(channels, strides, strict=True)):
            kernel = 5 if index == 0 else 3
            layers.append(nn.Conv2d(before, after, kernel, stride, kernel // 2))
            layers.append(nn.ReLU())
            before = after
        self.pixels = pixels
        self.layers = nn.Sequential(*layers[:-1]).to(memory_format=torch.channels_last)
        self.shrink = shrink

    def forward(self, images: Tensor) -> Tensor:
        """Feature maps (N, C, h, w) of N images."""
        images = self.pixels(images)
        if self.shrink > 1:
            images = F.avg_pool2d(images, self.shrink)
        maps: Tensor = self.layers(images)
        return maps


class KeypointEncoder(nn.Module):
    """Where in the image each of C features is: (x, y) in -1..1, by a spatial softmax."""

    def __init__(self, pixels: nn.Module, channels: int, shrink: int) -> None:
        super().__init__()
        sizes = (32, 64, 64, KEYPOINTS)
        self.convolutions = Convolutions(pixels, channels, sizes, (2, 2, 1, 1), shrink)

    def forward(self, images: Tensor) -> Tensor:
        """Key points (N, 2 C) of N images."""
        maps = self.convolutions(images).float()
        height, width = maps.shape[2], maps.shape[3]
        weights = F.softmax(maps.flatten(2), -1).view(-1, maps.shape[1], height, width)
        across = torch.linspace(-1, 1, width, device=maps.device)
        down = torch.linspace(-1, 1, height, device=maps.device)
        return torch.cat([weights.sum(2) @ across, weights.sum(3) @ down], 1)


class PatchEncoder(nn.Module):
    """Feature maps at a sixteenth of the shrunk image, flattened: P patches of C features."""

    def __init__(self, pixels: nn.Module, channels: int, size: int, shrink: int) -> None:
        super().__init__()
        sizes = (32, 64, 96, size)
        self.convolutions = Convolutions(pixels, channels, sizes, (2, 2, 2, 2), shrink)

    def forward(self, images: Tensor) -> Tensor:
        """Patches (N, P C) of N images, row by row."""
        maps: Tensor = self.convolutions(images)
        return maps.flatten(2).transpose(1, 2).flatten(1)
