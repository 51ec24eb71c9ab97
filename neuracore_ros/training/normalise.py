"""The statistics of each slot and robot by which a policy's numbers are normalised.

Inside, a slot has as many numbers as its scale: a pose nine (:mod:`.pose_numbers`), whatever else
is numeric one. What means the same on every robot has one scale for all of them: a robot that was
never trained on is then seen as those that were. Only joints may have one for each robot.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from neuracore_ros.arrays import Array, BoolArray, Float32Array
from neuracore_ros.dataset import statistics
from neuracore_ros.description import DataType, Layout
from neuracore_ros.description.data_type import POSE_COMPONENTS
from neuracore_ros.policy.manifest import Manifest
from neuracore_ros.training.config import NEWEST, QUATERNIONS
from neuracore_ros.training.pose_numbers import POSE_NUMBERS

# About half a degree, or a centimetre: a slot that moves less holds noise, not motion.
STD_FLOOR = statistics.LEAST_STD
# Of a matrix' number, 6 degrees, and a tenth of a gripper's range.
WIDE_FLOOR = 0.1


def is_shared(kind: DataType) -> bool:
    """True if the numbers of a DataType mean the same on every robot: all do but joints."""
    return 'JOINT_' not in kind.name


def _size(kind: DataType, number_format: int) -> int:
    """Numbers of a slot inside a policy."""
    six = kind.is_pose and number_format != QUATERNIONS
    return POSE_NUMBERS if six else math.prod(kind.slot_shape())


@dataclass(frozen=True, slots=True)
class Scale:
    """Centre and spread of the N numbers of one DataType's W slots, shape (R, N).

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
        values: Shape (..., W), poses (..., W, 9), or (..., W, 7) as quaternions.
        valid: Shape (..., W).
        method: What becomes 0, and what 1: 'mean-std', mean and mean + std; or the middle and the
            end of the range, of all values ('min-max') or of those between the quantiles 0.01
            and 0.99 ('quantiles').

    Returns:
        Of W numbers, or of 9 W or 7 W; quaternions are left as they are, centre 0 and spread 1,
        since apart from each other their numbers mean nothing.
    """
    width = valid.shape[-1]
    size = values.shape[-1] if kind.is_pose else 1
    has = np.repeat(valid.reshape(-1, width), size, axis=1)
    found = statistics.Statistics.of(values.reshape(-1, width * size), has)
    low, *_, high = found.quantiles
    centre, spread = found.mean, found.std
    if method != 'mean-std':
        least, most = (found.minimum, found.maximum) if method == 'min-max' else (low, high)
        centre, spread = (least + most) / 2, (most - least) / 2
    known = found.count > 0
    counts = known.copy()
    if kind.is_pose and size != POSE_NUMBERS:
        counts &= np.tile([not name.startswith('q') for name in POSE_COMPONENTS], width)
    floor = np.full(size, WIDE_FLOOR if kind.is_gripper else STD_FLOOR)
    floor[3:] = WIDE_FLOOR
    return Scale(
        np.where(counts, centre, 0).astype(np.float32)[None],
        np.where(counts, np.maximum(spread, np.tile(floor, width)), 1).astype(np.float32)[None],
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
        cls,
        manifest: Manifest,
        relative: bool = True,
        per_robot: bool = False,
        number_format: int = NEWEST,
    ) -> 'Normalisation':
        """A placeholder, centre 0 and spread 1, for a module whose weights are loaded next."""
        robots = len(manifest.robot_index) if per_robot else 0
        return cls(
            _unit(manifest.input_layout, robots, number_format),
            _unit(manifest.output_layout, robots, number_format),
            bases(manifest) if relative else {},
        )

    def scales(self) -> dict[str, Tensor]:
        """Spread of each output's numbers over all robots, (N,), in which errors are measured."""
        return {kind.value: torch.from_numpy(s.spread[0]) for kind, s in self.output.items()}


def bases(manifest: Manifest) -> dict[DataType, DataType]:
    """Outputs that can be predicted relative to an input, with that input.

    Joint targets are close to the joints measured now, wherever in its space the arm is; and the
    poses that a tool is sent to, to the pose that it has.
    """
    return {
        kind: kind.measured
        for kind in manifest.output
        if (kind.measured is DataType.JOINT_POSITIONS or kind.is_pose)
        and kind.measured in manifest.input
    }


def _unit(layout: Layout, robots: int, number_format: int) -> dict[DataType, Scale]:
    found = {}
    for kind in layout.numeric:
        rows = 1 if number_format != QUATERNIONS and is_shared(kind) else 1 + robots
        shape = rows, layout.widths[kind] * _size(kind, number_format)
        zeros, ones = np.zeros(shape, np.float32), np.ones(shape, np.float32)
        found[kind] = Scale(zeros, ones, np.zeros(shape, bool))
    return found
