"""The normalising inside a policy, and the statistics of each slot and robot that it uses.

Normalise first, then mask: a padded slot is 0 to the network whatever the statistics are.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from neuracore_ros.arrays import Array, BoolArray, Float32Array
from neuracore_ros.dataset import statistics
from neuracore_ros.description import DataType, Layout
from neuracore_ros.description.data_type import POSE_COMPONENTS
from neuracore_ros.policy.manifest import Manifest
from neuracore_ros.policy.signature import ROBOT

# About half a degree, or a centimetre: a slot that moves less holds noise, not motion.
STD_FLOOR = statistics.LEAST_STD


@dataclass(frozen=True, slots=True)
class Scale:
    """Centre and spread of the numbers of one DataType, shape (R, W).

    Row 0 is of all robots together, and of an unknown one; where every robot has its
    own, that of ROBOT r is row r + 1.

    Attributes:
        centre: Becomes 0; float32.
        spread: Centre and spread become 1; float32.
        known: False where there was no valid entry; centre is 0 and spread 1 then.
    """

    centre: Float32Array
    spread: Float32Array
    known: BoolArray

    def beside(self, robots: Sequence['Scale']) -> 'Scale':
        """Append each robot's own row; the row of all robots stands in for what a robot lacks."""
        centre, spread, known = [self.centre], [self.spread], [self.known]
        for robot in robots:
            centre.append(np.where(robot.known, robot.centre, self.centre))
            spread.append(np.where(robot.known, robot.spread, self.spread))
            known.append(robot.known)
        return Scale(np.concatenate(centre), np.concatenate(spread), np.concatenate(known))


def scale_of(kind: DataType, values: Array, valid: BoolArray, method: str = 'mean-std') -> Scale:
    """Measure the scale of recorded values, in one row.

    Args:
        kind: The DataType.
        values: Shape (..., W), poses (..., W, 7).
        valid: Shape (..., W).
        method: What becomes 0, and what 1: 'mean-std', mean and mean + std; or the middle and the
            end of the range, of all values ('min-max') or of those between the quantiles 0.01
            and 0.99 ('quantiles').

    Returns:
        Of W numbers, or of 7 W; quaternions are left as they are, centre 0 and spread 1, since
        apart from each other their numbers mean nothing.
    """
    width, size = valid.shape[-1], math.prod(kind.slot_shape())
    has = np.repeat(valid.reshape(-1, width), size, axis=1)
    found = statistics.Statistics.of(values.reshape(-1, width * size), has)
    low, *_, high = found.quantiles
    centre, spread = found.mean, found.std
    if method != 'mean-std':
        least, most = (found.minimum, found.maximum) if method == 'min-max' else (low, high)
        centre, spread = (least + most) / 2, (most - least) / 2
    known = found.count > 0
    counts = known.copy()
    if kind.is_pose:
        counts &= np.tile([not name.startswith('q') for name in POSE_COMPONENTS], width)
    return Scale(
        np.where(counts, centre, 0).astype(np.float32)[None],
        np.where(counts, np.maximum(spread, STD_FLOOR), 1).astype(np.float32)[None],
        known[None],
    )


@dataclass(frozen=True, slots=True)
class Normalisation:
    """The scales that normalise a policy's inputs and outputs.

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
    ) -> 'Normalisation':
        """A placeholder, centre 0 and spread 1, for a module whose weights are loaded next."""
        robots = len(manifest.robot_index) if per_robot else 0
        return cls(
            _unit(manifest.input_layout, robots),
            _unit(manifest.output_layout, robots),
            bases(manifest) if relative else {},
        )

    def scales(self) -> dict[str, Tensor]:
        """Spread of each output slot over all robots, (W,), in which errors are measured."""
        return {kind.value: torch.from_numpy(s.spread[0]) for kind, s in self.output.items()}


def bases(manifest: Manifest) -> dict[DataType, DataType]:
    """Outputs that can be predicted relative to an input, with that input.

    Joint targets are close to the joints measured now, wherever in its space the arm is.
    """
    return {
        kind: kind.measured
        for kind in manifest.output
        if kind.measured is DataType.JOINT_POSITIONS and kind.measured in manifest.input
    }


def _unit(layout: Layout, robots: int) -> dict[DataType, Scale]:
    shapes = {
        kind: (1 + robots, layout.widths[kind] * math.prod(kind.slot_shape()))
        for kind in layout.numeric
    }
    return {
        kind: Scale(np.zeros(shape, np.float32), np.ones(shape, np.float32), np.zeros(shape, bool))
        for kind, shape in shapes.items()
    }


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
        """Centre and spread, each (B, 1, W), or (1, W) if they are those of all robots."""
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
    """The inverse for one output: from a network's numbers to absolute values."""

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


class Denormalisers(nn.Module):
    """The inverse for all outputs of a network, (B, H, sum of W), split by DataType."""

    def __init__(self, manifest: Manifest, statistics: Normalisation) -> None:
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
