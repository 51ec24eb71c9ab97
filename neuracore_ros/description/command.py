"""Commands: where the node sends each output, and within which limits."""

from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from numpy.typing import NDArray

from neuracore_ros.description.chain import Chain
from neuracore_ros.description.data_type import DataType
from neuracore_ros.description.limits import JointLimit
from neuracore_ros.description.routes import require_order
from neuracore_ros.description.source import FLOAT64_MULTI_ARRAY, JOINT_TRAJECTORY

FOLLOW_JOINT_TRAJECTORY = 'control_msgs/action/FollowJointTrajectory'
GRIPPER_COMMAND = 'control_msgs/action/GripperCommand'
PARALLEL_GRIPPER_COMMAND = 'control_msgs/action/ParallelGripperCommand'
GRIPPER_ACTIONS = (GRIPPER_COMMAND, PARALLEL_GRIPPER_COMMAND)
"""Actions that move one gripper: of gripper_controllers, and of what follows it from Jazzy on."""
ACTIONS = (FOLLOW_JOINT_TRAJECTORY, *GRIPPER_ACTIONS)

JOINT_COMMANDS = (JOINT_TRAJECTORY, FLOAT64_MULTI_ARRAY, FOLLOW_JOINT_TRAJECTORY)
"""Types that command the joints of a chain."""

Positions = TypeVar('Positions', float, NDArray[Any])


def measured_type(data_type: DataType) -> DataType:
    """The DataType in which a joint that is commanded so is measured."""
    if data_type is DataType.JOINT_VELOCITIES:
        return DataType.JOINT_POSITIONS
    return data_type.measured


@dataclass(frozen=True, slots=True)
class Joint:
    """One commanded output slot.

    Attributes:
        data_type: The output's DataType.
        index: The output's slot.
        name: The robot file's name for it.
        message_name: Its name in the command message.
        scale: The slot's value is ``scale * x + offset`` of the robot's own value x.
        offset: See ``scale``.
        limit: In the robot's own units and sense.
        chain: The pose output from which inverse kinematics computes it, whose joint ``index``
            it is; '' where the policy gives its position itself.
    """

    data_type: DataType
    index: int
    name: str
    message_name: str
    scale: float
    offset: float
    limit: JointLimit
    chain: str = ''

    @property
    def output(self) -> str:
        """The output that it comes from, in words."""
        return f"chain '{self.chain}'" if self.chain else f'{self.data_type} index {self.index}'

    @property
    def measured(self) -> DataType:
        """The DataType in which it is measured."""
        return measured_type(self.data_type)

    @property
    def is_integrated(self) -> bool:
        """True where the policy gives its velocity, which becomes its position."""
        return self.data_type is DataType.JOINT_VELOCITIES

    def to_message(self, value: Positions) -> Positions:
        """Convert a slot's value to the robot's own, [rad] or [m]."""
        return (value - self.offset) / self.scale

    def speed_to_message(self, value: Positions) -> Positions:
        """Convert the speed in a slot to the robot's own, [rad/s] or [m/s]."""
        return value / self.scale

    def from_message(self, value: Positions) -> Positions:
        """Convert a robot's own value to the slot's."""
        return self.scale * value + self.offset


@dataclass(frozen=True, slots=True)
class ChainOutput:
    """One pose output that inverse kinematics turns into joints.

    Attributes:
        data_type: The output's DataType.
        index: The output's slot.
        scale: The slot's positions are ``scale`` times those of the robot [m].
        chain: Whose joints are commanded, the `Joint`s with its name as their ``chain``.
    """

    data_type: DataType
    index: int
    scale: float
    chain: Chain


@dataclass(frozen=True, slots=True)
class Command:
    """One command topic.

    Attributes:
        topic: The topic of messages, or the name of an action; without a leading slash relative
            to the node's namespace.
        type: ``trajectory_msgs/msg/JointTrajectory``, ``std_msgs/msg/Float64MultiArray``,
            ``control_msgs/action/FollowJointTrajectory``,
            ``control_msgs/action/GripperCommand`` or
            ``control_msgs/action/ParallelGripperCommand``.
        stream: ``chunk`` (many points a message) or ``point`` (one).
        joints: In index order, or as ``order`` says; all in one message.
        effort: Largest effort of a gripper, [N] or [Nm]; 0 leaves it to its driver.
        order: Names in the message by position, for messages that name nothing; empty: by index.
        output: The DataType under which the robot file has its options; of several, the first.
    """

    topic: str
    type: str
    stream: str
    joints: tuple[Joint, ...]
    effort: float = 0.0
    order: tuple[str, ...] = ()
    output: DataType = field(default=DataType.JOINT_TARGET_POSITIONS, compare=False)

    @property
    def slots(self) -> tuple[Joint, ...]:
        """The outputs that it carries, which are joints."""
        return self.joints

    def ordered(self, file: str) -> 'Command':
        """The same command with its joints in the declared ``order``.

        Raises:
            DescriptionError: ``order`` does not name each joint of the message once.
        """
        if not self.order:
            return self
        joints = {joint.message_name: joint for joint in self.joints}
        require_order(self.order, joints, f'{file}: order of commands to {self.topic}')
        return replace(self, joints=tuple(joints[name] for name in self.order))
