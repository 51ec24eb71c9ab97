"""What numbers are normalised by: measured over valid entries, for each slot and robot."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from neuracore_ros.arrays import Float32Array
from neuracore_ros.dataset import statistics
from neuracore_ros.description import DataType, Layout
from neuracore_ros.description.data_type import POSE_COMPONENTS
from neuracore_ros.policy.manifest import Manifest

# About half a degree, or a centimetre: a slot that moves less holds noise, not motion.
STD_FLOOR = statistics.LEAST_STD


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

    centre: Float32Array
    spread: Float32Array
    known: NDArray[np.bool_]

    def beside(self, robots: Sequence[Scale]) -> Scale:
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


def scale_of(
    kind: DataType, values: NDArray[Any], valid: NDArray[np.bool_], method: str = 'mean-std'
) -> Scale:
    """The scale of what is recorded, in one row.

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
    ) -> Statistics:
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


def _unit(layout: Layout, robots: int) -> dict[DataType, Scale]:
    shapes = {
        kind: (1 + robots, layout.widths[kind] * math.prod(kind.slot_shape()))
        for kind in layout.numeric
    }
    return {
        kind: Scale(np.zeros(shape, np.float32), np.ones(shape, np.float32), np.zeros(shape, bool))
        for kind, shape in shapes.items()
    }
