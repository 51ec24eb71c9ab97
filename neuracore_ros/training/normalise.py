"""Per-slot statistics, and the normalising that a policy does inside itself.

Normalise first, then mask: a padded slot is 0 to the network whatever the statistics are.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from neuracore_ros.description import DataType, Layout
from neuracore_ros.description.data_type import POSE_COMPONENTS
from neuracore_ros.policy.manifest import Manifest

FloatArray = NDArray[np.float32]

METHODS = ('mean-std', 'min-max', 'quantiles')
"""What becomes 0, and what 1: mean and mean + std; or the middle and the end of the range, of all
values or of those between the quantiles 0.01 and 0.99."""

# About half a degree, or a centimetre: a slot that moves less holds noise, not motion.
STD_FLOOR = 0.01

# Further than this from what was trained, a larger number tells a network nothing.
MOST_STDS = 10.0


@dataclass(frozen=True, slots=True)
class SlotStatistics:
    """Of one DataType over valid entries; float32, shape (W,).

    Without any valid entry mean is 0, std is 1, and the others are NaN.

    Attributes:
        low: Quantile 0.01.
        high: Quantile 0.99.
    """

    mean: FloatArray
    std: FloatArray
    minimum: FloatArray
    maximum: FloatArray
    low: FloatArray
    high: FloatArray

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
        ends = [
            np.quantile(rows[has, slot], (0.01, 0.99)) if has.any() else (np.nan, np.nan)
            for slot, has in enumerate(mask.T)
        ]
        low, high = (column.astype(np.float32) for column in np.reshape(ends, (-1, 2)).T)
        return cls(
            mean=mean.astype(np.float32),
            std=np.where(count, np.maximum(std, STD_FLOOR), 1).astype(np.float32),
            minimum=_extreme(np.where(mask, rows, np.inf).min(0, initial=np.inf)),
            maximum=_extreme(np.where(mask, rows, -np.inf).max(0, initial=-np.inf)),
            low=low,
            high=high,
        )

    def scale(self, method: str = 'mean-std') -> 'Scale':
        """What a network is given, by one of :data:`METHODS`; its tables have one row."""
        centre, spread = self.mean, self.std
        if method != 'mean-std':
            least, most = {
                'min-max': (self.minimum, self.maximum),
                'quantiles': (self.low, self.high),
            }[method]
            centre, spread = (least + most) / np.float32(2), (most - least) / np.float32(2)
        known = np.isfinite(self.minimum)
        return Scale(
            np.where(known, centre, np.float32(0))[None],
            np.where(known, np.maximum(spread, np.float32(STD_FLOOR)), np.float32(1))[None],
            known[None],
        )


@dataclass(frozen=True, slots=True)
class Scale:
    """What numbers of one DataType are measured from, and in; shape (R, W).

    Row 0 is of all robots together, and of one that was never seen; where every robot has its
    own, that of ROBOT r is row r + 1.

    Attributes:
        centre: Becomes 0; float32.
        spread: Centre and spread become 1; float32.
        known: False where there was no valid entry to tell; centre is 0 and spread 1 then.
    """

    centre: FloatArray
    spread: FloatArray
    known: NDArray[np.bool_]

    def beside(self, robots: 'Sequence[Scale]') -> 'Scale':
        """Each robot's own row below that of all robots, which stands in for what it lacks."""
        own = [
            Scale(
                np.where(robot.known, robot.centre, self.centre),
                np.where(robot.known, robot.spread, self.spread),
                robot.known,
            )
            for robot in robots
        ]
        tables = (self, *own)
        return Scale(
            np.concatenate([table.centre for table in tables]),
            np.concatenate([table.spread for table in tables]),
            np.concatenate([table.known for table in tables]),
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

    def unless_turn(column: FloatArray, otherwise: float) -> FloatArray:
        return np.where(turns, np.float32(otherwise), column)

    return SlotStatistics(
        mean=unless_turn(found.mean, 0),
        std=unless_turn(found.std, 1),
        minimum=unless_turn(found.minimum, -1),
        maximum=unless_turn(found.maximum, 1),
        low=unless_turn(found.low, -1),
        high=unless_turn(found.high, 1),
    )


@dataclass(frozen=True, slots=True)
class Statistics:
    """What a policy is normalised by.

    Attributes:
        input: Of every numeric input.
        output: Of every output: of its differences to `base` where it has one.
        base: Output -> the input that it is relative to inside the policy.
    """

    input: Mapping[DataType, Scale]
    output: Mapping[DataType, Scale]
    base: Mapping[DataType, DataType]

    @classmethod
    def none(
        cls, manifest: Manifest, relative: bool = True, per_robot: bool = False
    ) -> 'Statistics':
        """Centre 0 and spread 1 everywhere: for a module whose weights are loaded next.

        Args:
            manifest: The policy's.
            relative: Whether outputs are relative where they can be.
            per_robot: Whether each robot of the manifest's index has statistics of its own.
        """
        robots = len(manifest.robot_index) if per_robot else 0
        return cls(
            _unit(manifest.input_layout, robots),
            _unit(manifest.output_layout, robots),
            bases(manifest) if relative else {},
        )

    def scales(self) -> dict[str, Tensor]:
        """Spread of each output slot over all robots, (W,): what an error is told in."""
        return {kind.value: torch.from_numpy(s.spread[0]) for kind, s in self.output.items()}


def bases(manifest: Manifest) -> dict[DataType, DataType]:
    """Output -> the input that it can be predicted relative to, for those that have one.

    Joint targets are close to the joints measured now, wherever in its space the arm is.
    """
    return {
        kind: kind.measured
        for kind in manifest.output
        if kind.measured is DataType.JOINT_POSITIONS and kind.measured in manifest.input
    }


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


def _unit(layout: Layout, robots: int) -> dict[DataType, Scale]:
    shapes = {
        kind: (1 + robots, layout.widths[kind] * math.prod(kind.slot_shape()))
        for kind in layout.numeric
    }
    return {
        kind: Scale(np.zeros(shape, np.float32), np.ones(shape, np.float32), np.zeros(shape, bool))
        for kind, shape in shapes.items()
    }


def _extreme(values: NDArray[np.float64]) -> FloatArray:
    return np.where(np.isfinite(values), values, np.nan).astype(np.float32)
