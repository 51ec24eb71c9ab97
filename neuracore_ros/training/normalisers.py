"""The normalising inside a policy: its inputs before the network, and its outputs after it.

Normalise first, then mask: a padded slot is 0 to the network whatever the statistics are.
"""

import torch
from torch import Tensor, nn

from neuracore_ros.description import DataType, Layout
from neuracore_ros.kinematics.rotations import SIDE
from neuracore_ros.policy.manifest import Manifest
from neuracore_ros.policy.signature import ROBOT
from neuracore_ros.training import pose_numbers
from neuracore_ros.training.normalise import Normalisation, Scale
from neuracore_ros.training.pose_numbers import POSE_NUMBERS

# Values further out are clamped: they are outside of all that was trained.
MOST_STDS = 10.0


class ScaleLookup(nn.Module):
    """A table of centre and spread by robot."""

    centre: Tensor
    spread: Tensor

    def __init__(self, scale: Scale) -> None:
        super().__init__()
        self.per_robot = len(scale.centre) > 1
        self.robot = ROBOT  # TorchScript reads attributes, and no constants of the file.
        self.register_buffer('centre', torch.from_numpy(scale.centre))
        self.register_buffer('spread', torch.from_numpy(scale.spread))

    def forward(self, inputs: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Centre and spread, each (B, 1, N), or (1, N) if they are those of all robots."""
        if self.per_robot:
            rows = inputs[self.robot] + 1
            return self.centre[rows][:, None], self.spread[rows][:, None]
        return self.centre, self.spread


class Normaliser(nn.Module):
    """The normalising of one input: centre 0, spread 1, and padded slots 0."""

    def __init__(self, scale: Scale) -> None:
        super().__init__()
        self.most = MOST_STDS
        self.scaling = ScaleLookup(scale)

    def forward(self, values: Tensor, valid: Tensor, inputs: dict[str, Tensor]) -> Tensor:
        """Normalise numbers (B, T, W) that are valid (B, W), of the robot in ``inputs``."""
        centre, spread = self.scaling(inputs)
        normal = ((values - centre) / spread).clamp(-self.most, self.most)
        # Not a product: padding may hold anything, and 0 * NaN is NaN.
        return torch.where(valid[:, None], normal, torch.zeros_like(normal))


class Denormaliser(nn.Module):
    """The inverse for one output of single numbers: from a network's to absolute values."""

    def __init__(self, base: DataType | None, inputs: Layout, scale: Scale) -> None:
        super().__init__()
        self.base = base.value if base else ''
        self.width = scale.centre.shape[1]
        self.shared = min(self.width, inputs.widths[base]) if base else 0
        self.scaling = ScaleLookup(scale)

    def forward(
        self, chunk: Tensor, inputs: dict[str, Tensor], valid: dict[str, Tensor]
    ) -> Tensor:
        """Denormalise a chunk (B, H, W), and add the newest measured joints."""
        centre, spread = self.scaling(inputs)
        absolute: Tensor = chunk.float() * spread + centre
        if self.shared > 0:
            absolute = absolute + self.now(inputs, valid)
        return absolute

    def invert(
        self, absolute: Tensor, inputs: dict[str, Tensor], valid: dict[str, Tensor]
    ) -> Tensor:
        """The normalised chunk (B, H, W) of absolute values."""
        centre, spread = self.scaling(inputs)
        if self.shared > 0:
            absolute = absolute - self.now(inputs, valid)
        chunk: Tensor = (absolute - centre) / spread
        return chunk

    def now(self, inputs: dict[str, Tensor], valid: dict[str, Tensor]) -> Tensor:
        """Measured joints, (B, 1, W); zero where they are not measured."""
        now = inputs[self.base][:, -1, : self.shared]
        has = valid[self.base][:, : self.shared]
        base = torch.where(has, now, torch.zeros_like(now))
        pad = torch.zeros(base.shape[0], self.width - self.shared, device=base.device)
        return torch.cat([base, pad], 1)[:, None]


class PoseDenormaliser(nn.Module):
    """The inverse for one output of poses: from a network's numbers to absolute poses."""

    side: Tensor

    def __init__(self, base: DataType | None, inputs: Layout, width: int, scale: Scale) -> None:
        super().__init__()
        self.base = base.value if base else ''
        self.width, self.size = width, POSE_NUMBERS
        self.shared = min(width, inputs.widths[base]) if base else 0
        self.scaling = ScaleLookup(scale)
        self.register_buffer('side', torch.tensor(SIDE), persistent=False)

    def forward(
        self, chunk: Tensor, inputs: dict[str, Tensor], valid: dict[str, Tensor]
    ) -> Tensor:
        """Denormalise a chunk (B, H, 9 W) to poses (B, H, W, 7), and move the newest measured."""
        centre, spread = self.scaling(inputs)
        numbers = (chunk.float() * spread + centre).unflatten(2, [self.width, self.size])
        poses = pose_numbers.poses_of(numbers, self.side)
        if self.shared > 0:
            poses = pose_numbers.moved_by(poses, self.now(inputs, valid))
            poses = pose_numbers.signed(poses, self.side)
        return poses

    def invert(
        self, absolute: Tensor, inputs: dict[str, Tensor], valid: dict[str, Tensor]
    ) -> Tensor:
        """The normalised chunk (B, H, 9 W) of absolute poses (B, H, W, 7)."""
        centre, spread = self.scaling(inputs)
        if self.shared > 0:
            absolute = pose_numbers.relative_to(self.now(inputs, valid), absolute)
        chunk: Tensor = (pose_numbers.numbers_of(absolute).flatten(2) - centre) / spread
        return chunk

    def now(self, inputs: dict[str, Tensor], valid: dict[str, Tensor]) -> Tensor:
        """Measured poses, (B, 1, W, 7); zeros, which move nothing, where they are not measured."""
        now = inputs[self.base][:, -1, : self.shared]
        has = valid[self.base][:, : self.shared, None]
        base = torch.where(has, now, torch.zeros_like(now))
        pad = torch.zeros(base.shape[0], self.width - self.shared, 7, device=base.device)
        return torch.cat([base, pad], 1)[:, None]


class Denormalisers(nn.Module):
    """The inverse for all outputs of a network, (B, H, sum of N), split by DataType.

    Attributes:
        widths: N of each DataType, the numbers of its slots.
        sizes: Numbers of one slot of each.
    """

    def __init__(self, manifest: Manifest, statistics: Normalisation) -> None:
        super().__init__()
        scales = [statistics.output[kind] for kind in manifest.output]
        slots = manifest.output_layout.widths
        self.widths = [scale.centre.shape[1] for scale in scales]
        self.sizes = [n // w for n, w in zip(self.widths, slots.values(), strict=True)]
        self.kinds = nn.ModuleDict()
        for kind, scale in zip(manifest.output, scales, strict=True):
            base = statistics.base.get(kind)
            self.kinds[kind.value] = (
                PoseDenormaliser(base, manifest.input_layout, slots[kind], scale)
                if kind.is_pose
                else Denormaliser(base, manifest.input_layout, scale)
            )

    def forward(
        self, chunk: Tensor, inputs: dict[str, Tensor], valid: dict[str, Tensor]
    ) -> dict[str, Tensor]:
        """Absolute values by DataType, (B, H, W); poses (B, H, W, 7)."""
        parts = torch.split(chunk, self.widths, -1)
        result: dict[str, Tensor] = {}
        for index, (name, denormalise) in enumerate(self.kinds.items()):
            result[name] = denormalise(parts[index], inputs, valid)
        return result

    def invert(
        self, values: dict[str, Tensor], inputs: dict[str, Tensor], valid: dict[str, Tensor]
    ) -> Tensor:
        """Normalised numbers (B, H, sum of N) of absolute values by DataType."""
        parts: list[Tensor] = []
        for name, denormalise in self.kinds.items():
            parts.append(denormalise.invert(values[name], inputs, valid))  # type: ignore[operator]
        return torch.cat(parts, 2)

    def joined(self, masks: dict[str, Tensor]) -> Tensor:
        """Masks (B, H, W) by DataType as those of numbers, side by side, (B, H, sum of N)."""
        parts: list[Tensor] = []
        for index, name in enumerate(self.kinds):
            parts.append(masks[name].repeat_interleave(self.sizes[index], 2))
        return torch.cat(parts, 2)
