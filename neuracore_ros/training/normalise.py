"""Per-slot statistics, and the normalising that a policy does inside itself.

Normalise first, then mask: a padded slot is 0 to the network whatever the statistics are.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from neuracore_ros.description import DataType, Layout
from neuracore_ros.description.data_type import POSE_COMPONENTS
from neuracore_ros.policy.manifest import Manifest

FloatArray = NDArray[np.float32]

# About half a degree, or a centimetre: a slot that moves less holds noise, not motion.
STD_FLOOR = 0.01

# Further than this from what was trained, a larger number tells a network nothing.
MOST_STDS = 10.0


@dataclass(frozen=True, slots=True)
class SlotStatistics:
    """Of one DataType over valid entries; float32, shape (W,). Without any: 0, 1, NaN, NaN."""

    mean: FloatArray
    std: FloatArray
    minimum: FloatArray
    maximum: FloatArray

    @classmethod
    def of(cls, values: NDArray[Any], valid: NDArray[np.bool_]) -> 'SlotStatistics':
        """Measure the valid entries of each slot.

        Args:
            values: Shape (..., W).
            valid: The same shape.
        """
        width = values.shape[-1]
        rows, mask = values.reshape(-1, width).astype(np.float64), valid.reshape(-1, width)
        count = mask.sum(0)
        some = np.maximum(count, 1)
        mean = np.where(mask, rows, 0).sum(0) / some
        std = np.sqrt((np.where(mask, rows - mean, 0) ** 2).sum(0) / some)
        return cls(
            mean=mean.astype(np.float32),
            std=np.where(count, np.maximum(std, STD_FLOOR), 1).astype(np.float32),
            minimum=_extreme(np.where(mask, rows, np.inf).min(0, initial=np.inf)),
            maximum=_extreme(np.where(mask, rows, -np.inf).max(0, initial=-np.inf)),
        )


def slot_statistics(
    kind: DataType, values: NDArray[Any], valid: NDArray[np.bool_]
) -> SlotStatistics:
    """Statistics of every number of a DataType.

    Args:
        kind: The DataType.
        values: Shape (N, W), poses (N, W, 7).
        valid: Shape (N, W).

    Returns:
        Of W numbers, or of 7 W; quaternions are left as they are: mean 0, std 1, since apart
        from each other their numbers mean nothing.
    """
    if not kind.is_pose:
        return SlotStatistics.of(values, valid)
    size = len(POSE_COMPONENTS)
    numbers = values.reshape(len(values), size * valid.shape[1])
    found = SlotStatistics.of(numbers, np.repeat(valid, size, axis=1))
    turns = np.tile([name.startswith('q') for name in POSE_COMPONENTS], valid.shape[1])
    return replace(
        found,
        mean=np.where(turns, np.float32(0), found.mean),
        std=np.where(turns, np.float32(1), found.std),
    )


@dataclass(frozen=True, slots=True)
class Statistics:
    """What a policy is normalised by: its inputs, and its outputs relative to `base`."""

    input: Mapping[DataType, SlotStatistics]
    output: Mapping[DataType, SlotStatistics]

    @classmethod
    def none(cls, manifest: Manifest) -> 'Statistics':
        """Mean 0 and std 1 everywhere: for a module whose weights are loaded next."""
        return cls(_unit(manifest.input_layout), _unit(manifest.output_layout))

    def scales(self) -> dict[str, Tensor]:
        """Standard deviation of each output slot, (W,): what an error is measured in."""
        return {kind.value: torch.from_numpy(slots.std) for kind, slots in self.output.items()}


def base_kind(output: DataType, inputs: Layout) -> DataType | None:
    """The input that a predicted DataType is relative to inside a policy; None: it is absolute.

    Joint targets are close to the joints measured now, wherever in its space the arm is.
    """
    kind = output.measured
    return kind if kind is DataType.JOINT_POSITIONS and kind in inputs.widths else None


class Normaliser(nn.Module):
    """Brings one input DataType to mean 0 and std 1, and padded slots to 0."""

    mean: Tensor
    std: Tensor

    def __init__(self, statistics: SlotStatistics) -> None:
        super().__init__()
        self.most = MOST_STDS
        self.register_buffer('mean', torch.from_numpy(statistics.mean))
        self.register_buffer('std', torch.from_numpy(statistics.std))

    def forward(self, values: Tensor, valid: Tensor) -> Tensor:
        """Normalise numbers (B, T, W) that are valid (B, W)."""
        normal = ((values - self.mean) / self.std).clamp(-self.most, self.most)
        # Not a product: padding may hold anything, and 0 * NaN is NaN.
        return torch.where(valid[:, None], normal, torch.zeros_like(normal))


class Denormaliser(nn.Module):
    """Brings a network's output of one DataType to absolute values."""

    mean: Tensor
    std: Tensor

    def __init__(self, kind: DataType, inputs: Layout, statistics: SlotStatistics) -> None:
        super().__init__()
        base = base_kind(kind, inputs)
        self.base = base.value if base else ''
        self.width = len(statistics.mean)
        self.shared = min(self.width, inputs.widths[base]) if base else 0
        self.register_buffer('mean', torch.from_numpy(statistics.mean))
        self.register_buffer('std', torch.from_numpy(statistics.std))

    def forward(
        self, chunk: Tensor, inputs: dict[str, Tensor], valid: dict[str, Tensor]
    ) -> Tensor:
        """Denormalise a chunk (B, H, W), and add the newest measured joints."""
        absolute = chunk.float() * self.std + self.mean
        if self.shared > 0:
            absolute = absolute + self.now(inputs, valid)
        return absolute

    def invert(
        self, absolute: Tensor, inputs: dict[str, Tensor], valid: dict[str, Tensor]
    ) -> Tensor:
        """The chunk (B, H, W) that is denormalised to these values."""
        if self.shared > 0:
            absolute = absolute - self.now(inputs, valid)
        return (absolute - self.mean) / self.std

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
                kind.value: Denormaliser(kind, manifest.input_layout, statistics.output[kind])
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


def _unit(layout: Layout) -> dict[DataType, SlotStatistics]:
    return {
        kind: slot_statistics(
            kind,
            np.zeros((0, layout.widths[kind], *kind.slot_shape())),
            np.zeros((0, layout.widths[kind]), bool),
        )
        for kind in layout.numeric
    }


def _extreme(values: NDArray[np.float64]) -> FloatArray:
    return np.where(np.isfinite(values), values, np.nan).astype(np.float32)
