"""Encoders of images: from pixels to maps of features, and from those to tokens."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from neuracore_ros.description import DataType
from neuracore_ros.policy.manifest import Manifest
from neuracore_ros.training.config import NetworkOptions
from neuracore_ros.training.resnet import CHANNELS, STRIDE, FrozenNorm, ResNet, group_norm

KEYPOINTS = 64
"""Features whose places in an image are key points."""

PATCH = 16
"""Pixels of the shrunk image, in both directions, that become one token."""

PATCH_FEATURES = 192

ENOUGH_PIXELS = 96
"""More pixels do not help the small networks, and cost by the square."""

RESNET_PIXELS = 128
"""From this size on a ResNet's maps, a 32nd of the image, have enough places."""

SHARPNESS = 2.0
"""The first sharpness of key points: a feature of three deviations stands out at once."""

LEAST_SPREAD = 1e-3
"""A feature that varies less holds rounding errors."""


class Colours(nn.Module):
    """uint8 images (N, height, width, 3) to normalised ones (N, 3, height, width)."""

    mean: Tensor
    std: Tensor

    def __init__(self, mean: tuple[float, ...], std: tuple[float, ...]) -> None:
        super().__init__()
        self.register_buffer('mean', 255.0 * torch.tensor(mean)[:, None, None], persistent=False)
        self.register_buffer('std', 255.0 * torch.tensor(std)[:, None, None], persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """Normalise, and put channels first."""
        return (images.permute(0, 3, 1, 2).float() - self.mean) / self.std


class Depths(nn.Module):
    """Depths (N, height, width), [m], to nearness from 1 to 0 and a mask of what was measured."""

    def forward(self, depths: Tensor) -> Tensor:
        """Nearness and validity, (N, 2, height, width)."""
        measured = depths > 0
        # Half at a metre; what a hand does lies on the steep part.
        nearness = torch.where(measured, 1.0 / (1.0 + depths), torch.zeros_like(depths))
        return torch.stack([nearness, measured.to(nearness.dtype)], 1)


class SpatialSoftmax(nn.Module):
    """The place (x, y), in -1..1, of each of C features as one token (Levine et al., JMLR 2016).

    Each map is scaled by its own deviation first: maps of untrained convolutions are flat, and
    their key points would all lie in the middle.
    """

    def __init__(self, features: int) -> None:
        super().__init__()
        self.sharpness = nn.Parameter(torch.full((features, 1), SHARPNESS))

    def forward(self, maps: Tensor) -> Tensor:
        """Key points (N, 1, 2 C) of maps (N, C, h, w)."""
        height, width = maps.shape[2], maps.shape[3]
        places = maps.float().flatten(2)
        apart = places - places.mean(2, keepdim=True)
        spread = (apart.square().mean(2, keepdim=True) + 1e-6).sqrt()
        weights = F.softmax(apart / spread * self.sharpness, -1)
        weights = weights.view(-1, maps.shape[1], height, width)
        across = torch.linspace(-1, 1, width, device=maps.device)
        down = torch.linspace(-1, 1, height, device=maps.device)
        return torch.cat([weights.sum(2) @ across, weights.sum(3) @ down], 1)[:, None]


class Patches(nn.Module):
    """One token for each place of the maps, row by row."""

    def forward(self, maps: Tensor) -> Tensor:
        """Tokens (N, h w, C) of maps (N, C, h, w)."""
        return maps.flatten(2).transpose(1, 2)


class ImageEncoder(nn.Module):
    """Images (N, ...) to P tokens of C features, each with centre 0 and spread 1 over images.

    Numbers of joints are normalised; beside them, features of a network that has not learnt are
    all but constant, and a policy learns to do without them before they say anything.

    Attributes:
        tokens: P.
        size: C.
        centre: Of each feature, (C,), as it was measured before the network learnt.
        scale: One by the spread of each, (C,).
    """

    centre: Tensor
    scale: Tensor

    def __init__(
        self, image_size: tuple[int, int], depth: bool, encoder: str, points: bool, frozen: bool
    ) -> None:
        """Build a network for images of one size.

        Args:
            image_size: (height, width), [px].
            depth: Whether they are depths rather than colours.
            encoder: One of :data:`ENCODERS`.
            points: Whether one token says where features are, rather than one at each place.
            frozen: Whether a ResNet is to take weights of ImageNet, which are of colours.
        """
        super().__init__()
        channels = 2 if depth else 3
        is_resnet, frozen = encoder == 'resnet18', frozen and not depth
        # Statistics of ImageNet, or 0..255 to -1..1.
        mean = (0.485, 0.456, 0.406) if frozen else (0.5, 0.5, 0.5)
        std = (0.229, 0.224, 0.225) if frozen else (0.5, 0.5, 0.5)
        self.pixels = Depths() if depth else Colours(mean, std)
        self.shrink = 1 if is_resnet else max(1, min(image_size) // ENOUGH_PIXELS)
        head: list[nn.Module]
        if is_resnet:
            norm = FrozenNorm if frozen else group_norm
            self.maps: nn.Module = ResNet('resnet18', norm, channels)
            head = [nn.Conv2d(CHANNELS, KEYPOINTS, 1), SpatialSoftmax(KEYPOINTS)]
        else:
            sizes = (32, 64, 64, KEYPOINTS) if points else (32, 64, 96, PATCH_FEATURES)
            strides = (2, 2, 1, 1) if points else (2, 2, 2, 2)
            self.maps = _convolutions(channels, sizes, strides)
            head = [SpatialSoftmax(KEYPOINTS)]
        self.head = nn.Sequential(*head) if points else Patches()
        places = STRIDE if is_resnet else PATCH
        rows, columns = (math.ceil(pixels // self.shrink / places) for pixels in image_size)
        self.tokens = 1 if points else rows * columns
        features = CHANNELS if is_resnet else PATCH_FEATURES
        self.size = 2 * KEYPOINTS if points else features
        self.register_buffer('centre', torch.zeros(self.size))
        self.register_buffer('scale', torch.ones(self.size))

    def forward(self, images: Tensor) -> Tensor:
        """Tokens (N, P, C)."""
        encoded = self.pixels(images)
        if self.shrink > 1:
            encoded = F.avg_pool2d(encoded, self.shrink)
        tokens: Tensor = self.head(self.maps(encoded))
        return (tokens.float() - self.centre) * self.scale

    def measure(self, images: Tensor) -> None:
        """Normalise features by their statistics over these images (N, ...).

        It is done once, as for numbers: the network then learns what suits this scale.
        """
        with torch.no_grad():
            features = self(images).flatten(0, 1) / self.scale + self.centre
            self.centre.copy_(features.mean(0))
            self.scale.copy_(1 / features.std(0, correction=0).clamp(min=LEAST_SPREAD))


def token_encoder(options: NetworkOptions, image_size: tuple[int, int]) -> str:
    """The name of a token policy's encoder: a ResNet where images are large enough."""
    large = bool(options.pretrained) or min(image_size) >= RESNET_PIXELS
    return options.encoder or ('resnet18' if large else 'keypoints')


def _convolutions(
    before: int, channels: tuple[int, ...], strides: tuple[int, ...]
) -> nn.Sequential:
    layers: list[nn.Module] = []
    for index, (after, stride) in enumerate(zip(channels, strides, strict=True)):
        kernel = 5 if index == 0 else 3
        layer = nn.Conv2d(before, after, kernel, stride, kernel // 2)
        # torch's own first weights shrink signals to a sixth, layer by layer, beside biases.
        nn.init.kaiming_normal_(layer.weight, nonlinearity='relu')
        assert layer.bias is not None
        nn.init.zeros_(layer.bias)
        layers += [layer, nn.ReLU()]
        before = after
    return nn.Sequential(*layers[:-1]).to(memory_format=torch.channels_last)


class CameraEncoder(nn.Module):
    """The encoder of all cameras of one image type.

    Small encoders are one for each slot, whose views differ. A ResNet, whose weights are most of
    a policy's, is shared, and learns from all cameras.
    """

    def __init__(
        self,
        manifest: Manifest,
        kind: DataType,
        encoder: str,
        points: bool,
        options: NetworkOptions,
    ) -> None:
        """Build the networks for images of a kind that the policy reads."""
        super().__init__()
        self.name = kind.value
        self.count = manifest.input[kind].width
        self.group = self.count if encoder == 'resnet18' else 1
        # Set by an export to a graph, whose shapes cannot depend on what is absent: then every
        # image is encoded, and absent ones are dropped.
        self.dense = False
        size, frozen = manifest.image_size or (1, 1), bool(options.pretrained)
        is_depth = kind is DataType.DEPTH_IMAGES
        encoders = [
            ImageEncoder(size, is_depth, encoder, points, frozen)
            for _ in range(0, self.count, self.group)
        ]
        self.tokens, self.size = encoders[0].tokens, encoders[0].size
        self.encoders = nn.ModuleList(encoders)

    def forward(self, inputs: dict[str, Tensor], valid: dict[str, Tensor]) -> Tensor:
        """Tokens (B, T, K, P, C), zero where the robot has no camera; K > 0."""
        batch, steps = inputs[self.name].shape[0], inputs[self.name].shape[1]
        found: list[Tensor] = []
        for index, encode in enumerate(self.encoders):
            images, has = self.own(index, inputs, valid)
            shape = (batch * self.group, steps, self.tokens, self.size)
            if self.dense:
                encoded = encode(images.flatten(0, 1)).float().reshape(shape)
                encoded = torch.where(has[:, None, None, None], encoded, torch.zeros_like(encoded))
            else:
                there = has.nonzero()[:, 0]
                encoded = encode(images[there].flatten(0, 1)).float()
                empty = torch.zeros(shape, device=images.device)
                encoded = empty.index_copy(
                    0, there, encoded.reshape(-1, steps, self.tokens, self.size)
                )
            found.append(encoded.reshape(batch, self.group, steps, self.tokens, self.size))
        return torch.cat(found, 1).transpose(1, 2)

    def own(
        self, index: int, inputs: dict[str, Tensor], valid: dict[str, Tensor]
    ) -> tuple[Tensor, Tensor]:
        """The images of one encoder, (B G, T, ...), G being its cameras; and which are there."""
        first, last = index * self.group, (index + 1) * self.group
        images = inputs[self.name][:, :, first:last].transpose(1, 2).flatten(0, 1)
        return images, valid[self.name][:, first:last].flatten()

    def measure(self, inputs: dict[str, Tensor], valid: dict[str, Tensor]) -> None:
        """Normalise the features of every encoder that has images here."""
        for index, encode in enumerate(self.encoders):
            images, has = self.own(index, inputs, valid)
            if has.any():
                encode.measure(images[has].flatten(0, 1))  # type: ignore[operator]
