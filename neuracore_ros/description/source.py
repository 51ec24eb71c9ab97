"""Sources: where the samples of a robot's data come from, live and in a bag."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from neuracore_ros.description.chain import Chain
from neuracore_ros.description.crop import Crop
from neuracore_ros.description.data_type import DataType
from neuracore_ros.description.named_numbers import NAMED_NUMBERS, ODOMETRY
from neuracore_ros.description.routes import ScaleOffset
from neuracore_ros.errors import DescriptionError

JOINT_STATE = 'sensor_msgs/msg/JointState'
JOINT_TRAJECTORY = 'trajectory_msgs/msg/JointTrajectory'
FLOAT64 = 'std_msgs/msg/Float64'
FLOAT32_MULTI_ARRAY = 'std_msgs/msg/Float32MultiArray'
FLOAT64_MULTI_ARRAY = 'std_msgs/msg/Float64MultiArray'
POSE_STAMPED = 'geometry_msgs/msg/PoseStamped'
TF_MESSAGE = 'tf2_msgs/msg/TFMessage'
IMAGE = 'sensor_msgs/msg/Image'
COMPRESSED_IMAGE = 'sensor_msgs/msg/CompressedImage'
STRING = 'std_msgs/msg/String'

IMAGE_TYPES = (IMAGE, COMPRESSED_IMAGE)
MULTI_ARRAYS = (FLOAT64_MULTI_ARRAY, FLOAT32_MULTI_ARRAY)

ANGLES = {DataType.JOINT_POSITIONS, DataType.VISUAL_JOINT_POSITIONS}
"""Measured types whose values may go round; so may the targets of such."""

CHAIN_TYPES = (JOINT_STATE, JOINT_TRAJECTORY, *MULTI_ARRAYS)
"""Types that hold the joints of a chain, whose pose forward kinematics gives."""

_JOINT_TYPES = (*CHAIN_TYPES, FLOAT64)
_POSE_TYPES = (POSE_STAMPED, TF_MESSAGE, ODOMETRY)
_CUSTOM_TYPES = (*MULTI_ARRAYS, FLOAT64, *NAMED_NUMBERS)
# More names than these share one option.
_FEW = 3


@dataclass(frozen=True, slots=True)
class Source:
    """One name of one DataType, with everything resolved.

    Attributes:
        data_type: The DataType of the sample.
        index: The slot that it fills.
        name: The robot file's name for it.
        topic: Without a leading slash, it is relative to the node's namespace.
        type: ROS 2 message type, such as ``sensor_msgs/msg/JointState``.
        field: ``position``, ``velocity`` or ``effort`` of a JointState or JointTrajectory.
        message_name: Its name in the message; of a pose out of ``/tf``, the child frame.
        order: Names by position, for publishers that name nothing.
        scale: The slot's value is ``scale * x + offset``; of a pose, its position is scaled.
        offset: See ``scale``.
        max_age_s: An older sample is stale [s]; None for what never ages.
        stamp: ``header``, or ``receive`` where the header cannot be trusted.
        reliability: ``match`` (the publishers'), ``reliable`` or ``best_effort``.
        parent: The frame in which a pose is given; '' where any will do.
        around: For a continuous joint: each angle is taken to the turn nearest this one [rad], so
            that one place has one value; None: as the driver counts turns.
        crop: The part of its images that is used; None: the whole.
        follow_s: Of a gripper's opening that is read from its command: the value follows the
            command with this time constant [s]; None: it is measured.
        chain: Of a pose slot that is a chain; None for any other.
        joint_names: Of that chain's joints, what messages with joints call them; in its order.
        joint_scales: Likewise, what brings their positions to the URDF's unit and sense.
        is_target: What was commanded, and not what is measured; it never ages.
        section: The section of the robot file that has it, for messages.
    """

    data_type: DataType
    index: int
    name: str
    topic: str
    type: str
    field: str
    message_name: str
    order: tuple[str, ...] | None
    scale: float
    offset: float
    max_age_s: float | None
    stamp: str
    reliability: str
    parent: str = ''
    around: float | None = None
    crop: Crop | None = None
    follow_s: float | None = None
    chain: Chain | None = None
    joint_names: tuple[str, ...] = ()
    joint_scales: tuple[ScaleOffset, ...] = ()
    is_target: bool = False
    section: str = 'sources'

    def value(self, own: float) -> float:
        """Convert a driver's value to the slot's unit and sense."""
        return self.turned(self.scale * own + self.offset)

    def turned(self, value: float) -> float:
        """A value of the slot; an angle at the turn nearest ``around``, where that is given."""
        if self.around is None or not math.isfinite(value):
            return value
        return self.around + math.remainder(value - self.around, 2.0 * math.pi)

    @property
    def is_position(self) -> bool:
        """True for the position of a joint or gripper, measured or commanded."""
        return self.data_type.is_position and self.field == 'position'

    @property
    def is_kinematic(self) -> bool:
        """True for a pose that forward kinematics computes from joints."""
        return self.chain is not None and self.type in CHAIN_TYPES

    def of_joints(self) -> list[Source]:
        """The sources of its chain's joints, in the unit and sense of the URDF."""
        return [
            replace(
                self,
                message_name=name,
                scale=own.scale,
                offset=own.offset,
                chain=None,
                joint_names=(),
                joint_scales=(),
            )
            for name, own in zip(self.joint_names, self.joint_scales, strict=True)
        ]

    @property
    def reads_commands(self) -> bool:
        """True for a topic that commands the robot, and so measures nothing."""
        return self.is_target or self.follow_s is not None

    @property
    def treatment(self) -> str:
        """The crop or the command that its samples follow, for people; '' without either."""
        if self.crop is not None:
            return f'crop {self.crop}'
        return '' if self.follow_s is None else f'follows its command in {self.follow_s:g} s'

    @property
    def static_topic(self) -> str | None:
        """The topic of transforms that never change, ``/tf_static`` beside ``/tf``."""
        return f'{self.topic}_static' if self.type == TF_MESSAGE else None

    @property
    def topics(self) -> tuple[str, ...]:
        """The topics that it is read from."""
        return (self.topic, self.static_topic) if self.static_topic else (self.topic,)


def types_of(data_type: DataType, is_chain: bool = False) -> tuple[str, ...]:
    """The message types that hold a DataType, the usual one first; none if not supported."""
    if data_type.is_image:
        return IMAGE_TYPES
    if data_type.is_pose:
        return (*CHAIN_TYPES, *_POSE_TYPES) if is_chain else _POSE_TYPES
    if data_type is DataType.LANGUAGE:
        return (STRING,)
    if data_type is DataType.CUSTOM_1D:
        return _CUSTOM_TYPES
    if data_type.is_target:
        return (JOINT_TRAJECTORY, *(kind for kind in _JOINT_TYPES if kind != JOINT_TRAJECTORY))
    return _JOINT_TYPES if data_type.is_numeric else ()


def default_type(
    data_type: DataType,
    topic: str,
    is_chain: bool = False,
    is_command: bool = False,
    is_human: bool = False,
) -> str:
    """The message type of a topic without a declared one; '' if the DataType is not supported.

    Args:
        data_type: The DataType that is read from it.
        topic: The topic.
        is_chain: The slot is the pose of a chain.
        is_command: The topic has commands.
        is_human: A person commands on it: by a leader, or by the pose of a hand.
    """
    last = topic.rpartition('/')[2]
    if data_type.is_image and last in {'compressed', 'compressedDepth'}:
        return COMPRESSED_IMAGE
    if data_type.is_pose and last == 'tf':
        return TF_MESSAGE
    if is_human and data_type.is_pose:
        return POSE_STAMPED
    if is_human and data_type is not DataType.CUSTOM_1D:
        return JOINT_STATE
    known = types_of(data_type, is_chain)
    return JOINT_TRAJECTORY if is_command and JOINT_TRAJECTORY in known else next(iter(known), '')


def require_distinct(sources: Collection[Source], file: str) -> None:
    """Check that no two names of one DataType are the one number of a Float64.

    Raises:
        DescriptionError: Two are.
    """
    earlier: dict[tuple[DataType, str], Source] = {}
    for source in sources:
        if source.type != FLOAT64:
            continue
        if (twin := earlier.setdefault((source.data_type, source.topic), source)) is not source:
            raise DescriptionError(
                f"{file}: sources of {source.data_type}: '{twin.name}' and '{source.name}' both "
                f'read {source.topic}, but a Float64 holds one number: give each its own topic'
            )


def default_max_age_s(kind: DataType) -> float | None:
    """The age at which a sample is stale, [s]; None for what never ages."""
    if kind.is_target or kind is DataType.LANGUAGE:
        return None
    return 0.5 if kind.is_image else 0.2


def enough_age_s(period_s: float) -> float:
    """A ``max_age_s`` that samples which come so far apart seldom reach, [s]."""
    return float(f'{3 * period_s:.2g}')


def write_age(sources: Collection[Source], period_s: float) -> str:
    """The option to write so that samples with a longer period [s] do not become stale."""
    option = f'max_age_s: {enough_age_s(period_s):g}'
    by_type: dict[DataType, list[str]] = {}
    for source in sources:
        by_type.setdefault(source.data_type, []).append(source.name)
    lines = [
        f'{kind}: {{{option}}}'
        if len(names) > _FEW
        else f'{kind}: {{{", ".join(f"{name}: {{{option}}}" for name in names)}}}'
        for kind, names in by_type.items()
    ]
    sections = dict.fromkeys(source.section for source in sources)
    return f'write under {" and ".join(sections)}: {", ".join(lines)}'


def static_topics(sources: Iterable[Source]) -> frozenset[str]:
    """The topics on which what never changes was published once, such as ``/tf_static``."""
    return frozenset(source.static_topic for source in sources if source.static_topic)


def strictest_ages_s(sources: Iterable[Source]) -> dict[str, float]:
    """Topic -> age at which it is stale for one of its names, [s]; none of what never ages."""
    ages: dict[str, float] = {}
    for source in sources:
        if source.max_age_s is not None:
            ages[source.topic] = min(ages.get(source.topic, math.inf), source.max_age_s)
    return ages


def lacks_order(message_type: str) -> str:
    """The mistake of an array whose names are not declared."""
    return f'a {message_type.rpartition("/")[2]} names nothing: add order: [names by position]'
