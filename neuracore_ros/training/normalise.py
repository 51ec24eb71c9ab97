"""The normalising that a policy does inside itself.

Normalise first, then mask: a padded slot is 0 to the network whatever the statistics are.
"""

import torch
from torch import Tensor, nn

from neuracore_ros.description import DataType, Layout
from neuracore_ros.policy.manifest import Manifest
from neuracore_ros.training.scales import Scale, Statistics

# Further than this from what was trained, a larger number tells a network nothing.
MOST_STDS = 10.0


class Scaling(nn.Module):
    """Looks up the centre and spread of each row's robot."""

    centre: Tensor
    spread: Tensor

    def __init__(self, scale: Scale) -> None:
        super().__init__()
        self.per_robot = len(scale.centre) > 1
        self.register_buffer('centre', torch.from_numpy(scale.centre))
        self.register_buffer('spread', torch.from_numpy(scale.spread))

    def forward(self, inputs: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Centre and spread, each (B, 1, W), or (1, W) if they are those of all robots."""
        if self.per_robot:
            rows = inputs['ROBOT'] + 1
            return self.centre[rows][:, None], self.spread[rows][:, None]
        return self.centre, self.spread


class Normaliser(nn.Module):
    """Brings one input DataType to centre 0 and spread 1, and padded slots to 0."""

    def __init__(self, scale: Scale) -> None:
        super().__init__()
        self.most = MOST_STDS
        self.scaling = Scaling(scale)

    def forward(self, values: Tensor, valid: Tensor, inputs: dict[str, Tensor]) -> Tensor:
        """Normalise numbers (B, T, W) that are valid (B, W); ``inputs`` tell the robot."""
        centre, spread = self.scaling(inputs)
        normal = ((values - centre) / spread).clamp(-self.most, self.most)
        # Not a product: padding may hold anything, and 0 * NaN is NaN.
        return torch.where(valid[:, None], normal, torch.zeros_like(normal))


class Denormaliser(nn.Module):
    """Brings a network's output of one DataType to absolute values."""

    def __init__(self, base: DataType | None, inputs: Layout, scale: Scale) -> None:
        super().__init__()
        self.base = base.value if base else ''
        self.width = scale.centre.shape[1]
        self.shared = min(self.width, inputs.widths[base]) if base else 0
        self.scaling = Scaling(scale)

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
        """The chunk (B, H, W) that is denormalised to these values."""
        centre, spread = self.scaling(inputs)
        if self.shared > 0:
            absolute = absolute - self.now(inputs, valid)
        chunk: Tensor = (absolute - centre) / spread
        return chunk

    def now(self, inputs: dict[str, Tensor], valid: dict[str, Tensor]) -> Tensor:
        """Where the robot is, (B, 1, W); zero where that is not measured."""
        now = inputs[self.base][:, -1, : self.shared]
        has = valid[self.base][:, : self.shared]
        base = torch.where(has, now, torch.zeros_like(now))
        pad = torch.zeros(base.shape[0], self.width - self.shared, device=base.device)
        return torch.cat([base, pad], 1)[:, None]


class Denormalisers(nn.Module):
    """Splits a network's output (B, H, sum of W) by DataType, and brings it to absolute values."""

    def __init__(self, manifest: Manifest, statistics: Statistics) -> None:
        super().__init__()
        self.widths = list(manifest.output_layout.widths.values())
        self.kinds = nn.ModuleDict(
            {
                kind.value: Denormaliser(
                    statistics.base.get(kind), manifest.input_layout, statistics.output[kind]
                )
                for kind in manifest.output
            }
        )

    def forward(
        self, chunk: Tensor, inputs: dict[str, Tensor], valid: dict[str, Tensor]
    ) -> dict[str, Tensor]:
        """Absolute values by DataType, (B, H, W)."""
        parts = torch.split(chunk, self.widths, -1)
        result: dict[str, Tensor] = {}
        for index, (name, denormalise) in enumerate(self.kinds.items()):
            result[name] = denormalise(parts[index], inputs, valid)
        return result

    def invert(
        self, values: dict[str, Tensor], inputs: dict[str, Tensor], valid: dict[str, Tensor]
    ) -> Tensor:
        """Normalised values (B, H, sum of W) of absolute ones by DataType, (B, H, W)."""
        parts: list[Tensor] = []
        for name, denormalise in self.kinds.items():
            parts.append(denormalise.invert(values[name], inputs, valid))  # type: ignore[operator]
        return torch.cat(parts, 2)

    def joined(self, masks: dict[str, Tensor]) -> Tensor:
        """Masks by DataType side by side, (B, H, sum of W)."""
        return torch.cat([masks[name] for name in self.kinds], 2)
