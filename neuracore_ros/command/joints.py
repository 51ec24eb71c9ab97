"""The commanded joints of one robot as arrays, in the robot's own units.

J is the number of commanded joints over all topics: topic after topic, each in index order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neuracore_ros.description import Command, DataType, Joint
from neuracore_ros.errors import PolicyError

Array = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

_GRIPPERS = (
    DataType.PARALLEL_GRIPPER_OPEN_AMOUNTS,
    DataType.PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS,
)


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of J joints, each array of shape (J,).

    Attributes:
        lower: Least position, [rad] or [m]; -inf for a continuous joint.
        upper: Largest position; inf for a continuous joint.
        velocity: Largest speed, [rad/s] or [m/s].
        acceleration: Largest acceleration, [rad/s2] or [m/s2]; inf where none is given.
    """

    lower: Array
    upper: Array
    velocity: Array
    acceleration: Array

    @classmethod
    def of(cls, joints: Sequence[Joint]) -> Limits:
        """The limits of these joints, in their order."""
        limits = [joint.limit for joint in joints]
        return cls(
            np.array([limit.lower for limit in limits], float),
            np.array([limit.upper for limit in limits], float),
            np.array([limit.velocity for limit in limits], float),
            np.array([limit.acceleration or np.inf for limit in limits], float),
        )


@dataclass(frozen=True, slots=True)
class Joints:
    """All joints that the policy commands.

    Attributes:
        commands: The topics.
        joints: Their joints, J of them.
        limits: Theirs.
        grips: Bool, shape (J,): grippers, which close on things and so need not arrive.
    """

    commands: tuple[Command, ...]
    joints: tuple[Joint, ...]
    limits: Limits
    grips: BoolArray

    @classmethod
    def of(cls, commands: tuple[Command, ...]) -> Joints:
        """All joints of all topics."""
        joints = tuple(joint for command in commands for joint in command.joints)
        grips = np.array([joint.data_type in _GRIPPERS for joint in joints], bool)
        return cls(commands, joints, Limits.of(joints), grips)

    def columns(self, command: Command) -> slice:
        """Where the joints of one topic are among the J."""
        before = self.commands[: self.commands.index(command)]
        start = sum(len(other.joints) for other in before)
        return slice(start, start + len(command.joints))

    def from_slots(self, chunk: Mapping[DataType, NDArray[np.floating]], horizon: int) -> Array:
        """A prediction in the robot's own units.

        Args:
            chunk: DataType -> (H, W), in the slots' sense; slots of other robots are ignored.
            horizon: H of the policy.

        Returns:
            Shape (H, J).

        Raises:
            PolicyError: A DataType is missing, a shape is wrong, or a number is not finite.
        """
        columns = []
        for joint in self.joints:
            where = f"{joint.data_type} index {joint.index} ('{joint.name}')"
            values = chunk.get(joint.data_type)
            if values is None:
                raise PolicyError(f'the prediction lacks {where}')
            values = np.asarray(values)
            if values.ndim != 2 or values.shape[0] != horizon or joint.index >= values.shape[1]:
                raise PolicyError(
                    f'the prediction has shape {values.shape}, wants ({horizon}, W) for {where}'
                )
            column = joint.to_message(values[:, joint.index].astype(float))
            if not np.isfinite(column).all():
                raise PolicyError(f'the prediction is not finite at {where}')
            columns.append(column)
        return np.stack(columns, axis=1)
