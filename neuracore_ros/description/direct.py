"""Direct outputs: what a policy predicts is sent as it is, and not as positions of joints."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from neuracore_ros.description.chain import Chain
from neuracore_ros.description.data_type import DataType
from neuracore_ros.description.limits import Range
from neuracore_ros.description.named_numbers import NUMBER_PATHS, TWIST, TWIST_STAMPED
from neuracore_ros.description.source import FLOAT64_MULTI_ARRAY, POSE_STAMPED

TWIST_NAMES = tuple(NUMBER_PATHS[TWIST])
"""Names of the numbers of a Twist, [m/s] and [rad/s]."""

DIRECT_TYPES: Mapping[DataType, tuple[str, ...]] = MappingProxyType(
    {
        DataType.JOINT_VELOCITIES: (FLOAT64_MULTI_ARRAY,),
        DataType.JOINT_TORQUES: (FLOAT64_MULTI_ARRAY,),
        DataType.CUSTOM_1D: (FLOAT64_MULTI_ARRAY, TWIST, TWIST_STAMPED),
        DataType.END_EFFECTOR_POSES: (POSE_STAMPED, TWIST_STAMPED),
    }
)
"""DataType -> the messages that carry it as it is, the usual one first."""


@dataclass(frozen=True, slots=True)
class DirectLimit:
    """Limits of a direct output, in the robot's own units.

    Attributes:
        most: Largest magnitude, such as [rad/s], [m/s] or [N m]; of a pose, its speed [m/s].
        change: Largest change of a number in a second, such as [rad/s2]; None where none is
            given.
        turning: Largest angular speed of a pose [rad/s]; 0 of a number.
        position: Least and largest position of a joint whose velocity this is.
    """

    most: float
    change: float | None = None
    turning: float = 0.0
    position: Range = (-math.inf, math.inf)

    @property
    def ends(self) -> bool:
        """True for the velocity of a joint that cannot turn or slide for ever."""
        return any(map(math.isfinite, self.position))


@dataclass(frozen=True, slots=True)
class DirectSlot:
    """One output slot that is sent as it is.

    Attributes:
        data_type: The output's DataType.
        index: The output's slot.
        name: The robot file's name for it.
        message_name: Its name in the message, or in its ``order``.
        scale: The slot's value is ``scale * x + offset`` of the robot's own value x; of a pose,
            this holds for its position.
        offset: See ``scale``.
        limit: In the robot's own units and sense.
        holds: Whether a stop ends in what was measured last, instead of zero.
        chain: The chain whose pose it is; None of another pose, or of a number.
    """

    data_type: DataType
    index: int
    name: str
    message_name: str
    scale: float
    offset: float
    limit: DirectLimit
    holds: bool = False
    chain: Chain | None = None

    @property
    def output(self) -> str:
        """The output that it is, in words."""
        return f'{self.data_type} index {self.index}'


@dataclass(frozen=True, slots=True)
class DirectCommand:
    """One topic of direct outputs.

    Attributes:
        topic: Without a leading slash relative to the node's namespace.
        type: ROS 2 message type, such as ``geometry_msgs/msg/Twist``.
        slots: In index order, or as ``order`` says; all in one message.
        frame: Of a stamped message; '' of others.
        order: Names in the message by position; empty: by index.
    """

    topic: str
    type: str
    slots: tuple[DirectSlot, ...]
    frame: str = ''
    order: tuple[str, ...] = ()

    @property
    def is_pose(self) -> bool:
        """True for poses, be they sent as such or as a twist towards them."""
        return self.slots[0].data_type.is_pose

    @property
    def output(self) -> DataType:
        """The DataType under which the robot file commands it."""
        return self.slots[0].data_type

    @property
    def stream(self) -> str:
        """``point``: every message stands for itself."""
        return 'point'

    def joined(self, other: 'DirectCommand') -> 'DirectCommand':
        """The same command with the slots of another one after its own."""
        return replace(self, slots=self.slots + other.slots)
