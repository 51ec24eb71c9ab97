"""Images of every camera to tokens; what a robot lacks is never looked at."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from neuracore_ros.description import DataType
from neuracore_ros.policy.manifest import Manifest
from neuracore_ros.training.images import ImageEncoder
from neuracore_ros.training.options import Options


class Cameras(nn.Module):
    """Every slot of one image type.

    The small encoders are one for each slot, as each sees what it does from its own side. A
    ResNet, whose weights are most of a policy's, is shared, and learns from all cameras.
    """

    def __init__(
        self, kind: DataType, count: int, shared: bool, encoder: Callable[[], ImageEncoder]
    ) -> None:
        super().__init__()
        self.name = kind.value
        self.count = count
        self.group = count if shared else 1
        # Set by an export to a graph, whose shapes cannot depend on what is absent: then every
        # image is looked at, and forgotten again.
        self.dense = False
        encoders = [encoder() for _ in range(0, count, max(1, self.group))]
        self.tokens = encoders[0].tokens if encoders else 0
        self.size = encoders[0].size if encoders else 0
        self.encoders = nn.ModuleList(encoders)

    def forward(
        self, inputs: dict[str, Tensor], valid: dict[str, Tensor], batch: int, steps: int
    ) -> Tensor:
        """Tokens (B, T, K, P, C), zero where the robot has no camera; K > 0."""
        found: list[Tensor] = []
        for index, encode in enumerate(self.encoders):
            images, has = self.own(index, inputs, valid)
            shape = (batch * self.group, steps, self.tokens, self.size)
            if self.dense:
                seen = encode(images.flatten(0, 1)).float().reshape(shape)
                seen = torch.where(has[:, None, None, None], seen, torch.zeros_like(seen))
            else:
                there = has.nonzero()[:, 0]
                seen = encode(images[there].flatten(0, 1)).float()
                empty = torch.zeros(shape, device=images.device)
                seen = empty.index_copy(0, there, seen.reshape(-1, steps, self.tokens, self.size))
            found.append(seen.reshape(batch, self.group, steps, self.tokens, self.size))
        return torch.cat(found, 1).transpose(1, 2)

    def own(
        self, index: int, inputs: dict[str, Tensor], valid: dict[str, Tensor]
    ) -> tuple[Tensor, Tensor]:
        """What one encoder looks at, (B G, T, ...), G being its cameras; and which are there."""
        first, last = index * self.group, (index + 1) * self.group
        images = inputs[self.name][:, :, first:last].transpose(1, 2).flatten(0, 1)
        return images, valid[self.name][:, first:last].flatten()

    def measure(self, inputs: dict[str, Tensor], valid: dict[str, Tensor]) -> None:
        """Let every encoder that sees anything here measure its features."""
        for index, encode in enumerate(self.encoders):
            images, has = self.own(index, inputs, valid)
            if has.any():
                encode.measure(images[has].flatten(0, 1))  # type: ignore[operator]


def cameras(
    manifest: Manifest, kind: DataType, encoder: str, points: bool, options: Options
) -> Cameras:
    """All cameras of one image type; none is one of no slots.

    Args:
        manifest: Of the policy.
        kind: RGB_IMAGES or DEPTH_IMAGES.
        encoder: One of the options' encoders.
        points: See :class:`ImageEncoder`.
        options: Of the policy.
    """
    size = manifest.image_size or (1, 1)

    def build() -> ImageEncoder:
        is_depth = kind is DataType.DEPTH_IMAGES
        return ImageEncoder(size, is_depth, encoder, points, bool(options.pretrained))

    count = manifest.input_layout.widths.get(kind, 0)
    return Cameras(kind, count, encoder == 'resnet18', build)
