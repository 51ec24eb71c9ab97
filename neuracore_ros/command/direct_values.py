"""Values of direct outputs: in a prediction, as they are measured, and as they are sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neuracore_ros.arrays import FloatArray, IntArray
from neuracore_ros.command.prediction import predicted_slot
from neuracore_ros.description import DataType
from neuracore_ros.description.direct import DirectSlot
from neuracore_ros.errors import PolicyError
from neuracore_ros.kinematics.chain import to_tip
from neuracore_ros.kinematics.interpolation import normalised
from neuracore_ros.kinematics.rotations import NORM_TOLERANCE


@dataclass(frozen=True, slots=True)
class DirectMessage:
    """Message to one topic of direct outputs, in the robot's own units.

    Attributes:
        topic: As in the robot file.
        type: As in the robot file, such as ``geometry_msgs/msg/Twist``.
        values: Its numbers: of an array as many as it has names, of a twist six, linear before
            angular, of a pose seven.
        frame: ``frame_id`` of a stamped message; '' of others.
        stamp_ns: When it was made.
    """

    topic: str
    type: str
    values: FloatArray
    frame: str
    stamp_ns: int


@dataclass(frozen=True, slots=True)
class DirectValues:
    """Values of all direct outputs at n times, in the robot's own units and frames.

    Attributes:
        numbers: Shape (n, D).
        poses: Shape (n, P, 7).
    """

    numbers: FloatArray
    poses: FloatArray

    def from_row(self, row: int) -> DirectValues:
        """The values from one row on."""
        return DirectValues(self.numbers[row:], self.poses[row:])


@dataclass(frozen=True, slots=True)
class DirectMeasured:
    """Measurements of all direct outputs, in the robot's own units and frames.

    Attributes:
        numbers: Shape (D,); NaN where nothing measures it.
        positions: Of the joints whose velocities they are, shape (D,); likewise.
        poses: Shape (P, 7).
        stamps_ns: When each pose was measured, shape (P,).
    """

    numbers: FloatArray
    positions: FloatArray
    poses: FloatArray
    stamps_ns: IntArray


NOTHING_MEASURED = DirectMeasured(
    np.zeros(0), np.zeros(0), np.zeros((0, 7)), np.zeros(0, np.int64)
)
"""Measurements of a robot without direct outputs."""


def own_poses(slot: DirectSlot, poses: FloatArray) -> FloatArray:
    """Poses (..., 7) of a slot as the robot takes them: in its units, of its links."""
    positions = (poses[..., :3] - slot.offset) / slot.scale
    own = np.concatenate([positions, poses[..., 3:]], axis=-1)
    return own if slot.chain is None else to_tip(slot.chain, own)


def read_numbers(
    slot: DirectSlot, chunk: Mapping[DataType, NDArray[np.floating]], horizon: int
) -> FloatArray:
    """The numbers of one slot in a prediction, (H,), in the robot's own units.

    Raises:
        PolicyError: They are missing, or one is not finite.
    """
    values = predicted_slot(chunk, slot.data_type, slot.index, slot.name, horizon)
    with np.errstate(over='ignore'):
        column: FloatArray = (values - slot.offset) / slot.scale
    if not np.isfinite(column).all():
        raise PolicyError(f'the prediction is not finite at {_where(slot)}')
    return column


def read_poses(
    slot: DirectSlot, chunk: Mapping[DataType, NDArray[np.floating]], horizon: int
) -> FloatArray:
    """The poses of one slot in a prediction, (H, 7), as the robot takes them.

    None is outside the workspace of its chain.

    Raises:
        PolicyError: They are missing, a number is not finite, or a quaternion is none.
    """
    values = predicted_slot(chunk, slot.data_type, slot.index, slot.name, horizon)
    lengths = np.linalg.norm(values[:, 3:], axis=1)
    if (np.abs(lengths - 1.0) > NORM_TOLERANCE).any():
        length = lengths[np.argmax(np.abs(lengths - 1.0))]
        raise PolicyError(
            f'the prediction has a quaternion of length {length:.3g}, not 1, at {_where(slot)}'
        )
    return own_poses(slot, _inside(slot, normalised(values)))


def _inside(slot: DirectSlot, poses: FloatArray) -> FloatArray:
    """Poses (n, 7) of a slot, no position outside the workspace of its chain."""
    bounds = slot.chain.workspace if slot.chain else {}
    inside: FloatArray = poses.copy()
    for axis, (low, high) in bounds.items():
        column = 'xyz'.index(axis)
        # The workspace is in metres, whatever the scale of the slot.
        ends = sorted(slot.scale * end + slot.offset for end in (low, high))
        inside[:, column] = np.clip(poses[:, column], ends[0], ends[1])
    return inside


def _where(slot: DirectSlot) -> str:
    return f"{slot.data_type} index {slot.index} ('{slot.name}')"
