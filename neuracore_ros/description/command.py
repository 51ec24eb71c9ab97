"""Commands: where the node sends each output, and within which limits."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from numpy.typing import NDArray

from neuracore_ros.description.chain import Chain
from neuracore_ros.description.data_type import DataType
from neuracore_ros.description.gripper import opening
from neuracore_ros.description.limits import JointLimit
from neuracore_ros.description.routes import (
    RouteOptions,
    Routes,
    ScaleOffset,
    option,
    parse_positive,
    parse_routes,
    parse_type,
    parse_word,
)
from neuracore_ros.description.source import FLOAT64_MULTI_ARRAY, JOINT_TRAJECTORY
from neuracore_ros.errors import DescriptionError
from neuracore_ros.similar_names import known_names
from neuracore_ros.yaml_value import YamlValue

FOLLOW_JOINT_TRAJECTORY = 'control_msgs/action/FollowJointTrajectory'
GRIPPER_COMMAND = 'control_msgs/action/GripperCommand'
ACTIONS = (FOLLOW_JOINT_TRAJECTORY, GRIPPER_COMMAND)

_TYPES = (JOINT_TRAJECTORY, FLOAT64_MULTI_ARRAY, *ACTIONS)
JOINT_COMMANDS = (JOINT_TRAJECTORY, FLOAT64_MULTI_ARRAY, FOLLOW_JOINT_TRAJECTORY)
"""Types that command the joints of a chain."""

_ONLY_STREAM = {
    FLOAT64_MULTI_ARRAY: 'point',
    FOLLOW_JOINT_TRAJECTORY: 'chunk',
    GRIPPER_COMMAND: 'point',
}

Positions = TypeVar('Positions', float, NDArray[Any])


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

    def to_message(self, value: Positions) -> Positions:
        """Convert a slot's value to the robot's own, [rad] or [m]."""
        return (value - self.offset) / self.scale

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
            ``control_msgs/action/FollowJointTrajectory`` or
            ``control_msgs/action/GripperCommand``.
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

    def ordered(self, file: str) -> 'Command':
        """The same command with its joints in the declared ``order``.

        Raises:
            DescriptionError: ``order`` does not name each joint of the message once.
        """
        if not self.order:
            return self
        where = f'{file}: order of commands to {self.topic}'
        joints = {joint.message_name: joint for joint in self.joints}
        for name in self.order:
            if name not in joints:
                raise DescriptionError(
                    f"{where}: '{name}' is not commanded there{known_names(name, joints)}"
                )
            if self.order.count(name) > 1:
                raise DescriptionError(f"{where}: '{name}' is given twice")
        if missing := [name for name in joints if name not in self.order]:
            raise DescriptionError(
                f"{where} lacks '{missing[0]}': it must name each joint of the message once: "
                f'{", ".join(joints)}'
            )
        return replace(self, joints=tuple(joints[name] for name in self.order))


@dataclass(frozen=True, slots=True)
class CommandOptions(RouteOptions):
    """The options of a command as they are written; :class:`Command` explains them.

    Attributes:
        stream: '' where it is not written.
    """

    type: str = option(parse_type(_TYPES), JOINT_TRAJECTORY)
    stream: str = option(parse_word('chunk', 'point'), '')
    effort: float = option(parse_positive, 0.0)


@dataclass(frozen=True, slots=True)
class CommandTable:
    """The ``commands`` of a robot file, which begins messages, and their options."""

    file: str
    routes: Routes[CommandOptions]
    chains: Mapping[str, Chain]

    def chain(self, data_type: DataType, name: str) -> Chain | None:
        """The chain whose joints an output commands; None for any other output."""
        options = self.routes.options(data_type, name)
        if not data_type.is_pose or options.type not in JOINT_COMMANDS:
            return None
        return self.chains.get(name)

    def message_name(self, data_type: DataType, name: str) -> str:
        """The name in the command message."""
        return self.routes.options(data_type, name).message_name(name)

    def scaling(self, data_type: DataType, name: str, limit: JointLimit) -> ScaleOffset:
        """The scale and offset from the robot's own positions to the slot's."""
        options = self.routes.options(data_type, name)
        if data_type.is_gripper and not options.is_scaled:
            return opening(limit.lower, limit.upper) or ScaleOffset()
        return options.written_scale

    def commands(
        self,
        output: Mapping[DataType, Mapping[int, str]],
        limits: Mapping[tuple[DataType, str], JointLimit],
    ) -> tuple[Command, ...]:
        """The command topics of a robot, in the order of its outputs.

        Raises:
            DescriptionError: An output has no topic or cannot be commanded; names of one topic
                differ in type or stream; one joint is commanded twice; an order is not one of
                its joints.
        """
        topics: dict[str, Command] = {}
        for kind, slots in output.items():
            for index, name in slots.items():
                command = self._command(kind, index, name, limits)
                before = topics.get(command.topic)
                if before is None:
                    topics[command.topic] = command
                    continue
                if replace(before, joints=command.joints) != command:
                    raise DescriptionError(
                        f"{self.file}: commands to {command.topic}: '{name}' differs in type, "
                        f"stream, effort or order from '{before.joints[0].name}'; one topic "
                        'carries one message'
                    )
                topics[command.topic] = replace(before, joints=before.joints + command.joints)
        for command in topics.values():
            self._require_distinct(command)
            if command.type == GRIPPER_COMMAND and len(command.joints) > 1:
                names = ', '.join(joint.name for joint in command.joints)
                raise DescriptionError(
                    f'{self.file}: commands to {command.topic}: a GripperCommand moves one '
                    f'gripper, not {names}: give each a topic of its own'
                )
        return tuple(command.ordered(self.file) for command in topics.values())

    def _command(
        self,
        kind: DataType,
        index: int,
        name: str,
        limits: Mapping[tuple[DataType, str], JointLimit],
    ) -> Command:
        chain = self.chain(kind, name)
        if chain is None and kind.is_pose:
            raise DescriptionError(
                f"{self.file}: {kind} ('{name}') cannot be commanded: it is no chain. Add "
                f'chains: {{{name}: {{base: LINK, tip: LINK}}}}'
            )
        if chain is None and (kind, name) not in limits:
            raise DescriptionError(
                f"{self.file}: {kind} ('{name}') cannot be commanded: only positions of joints "
                'and grippers, and poses, can'
            )
        options = self.routes.options(kind, name)
        if not options.topic:
            raise DescriptionError(
                f"{self.file}: '{name}' ({kind} index {index}) has no command. "
                f'Add under commands: {kind}: {{topic: /...}}'
            )
        if chain is not None:
            joints = tuple(
                Joint(
                    data_type=DataType.JOINT_TARGET_POSITIONS,
                    index=place,
                    name=joint,
                    message_name=options.message_name(joint),
                    scale=1.0,
                    offset=0.0,
                    limit=limits[kind, joint],
                    chain=name,
                )
                for place, joint in enumerate(chain.joints)
            )
        else:
            joints = (self._joint(kind, index, name, limits[kind, name]),)
        return Command(
            topic=options.topic,
            type=options.type,
            stream=options.stream or _ONLY_STREAM.get(options.type, 'chunk'),
            joints=joints,
            effort=options.effort,
            order=options.order,
            output=kind,
        )

    def _joint(self, kind: DataType, index: int, name: str, limit: JointLimit) -> Joint:
        scaling = self.scaling(kind, name, limit)
        return Joint(
            data_type=kind,
            index=index,
            name=name,
            message_name=self.message_name(kind, name),
            scale=scaling.scale,
            offset=scaling.offset,
            limit=limit,
        )

    def _require_distinct(self, command: Command) -> None:
        known: dict[str, Joint] = {}
        for joint in command.joints:
            if (twin := known.setdefault(joint.message_name, joint)) is not joint:
                raise DescriptionError(
                    f"{self.file}: commands to {command.topic}: '{joint.message_name}' is "
                    f'commanded twice ({twin.data_type} index {twin.index}, '
                    f'{joint.data_type} index {joint.index})'
                )


def parse_commands(
    value: YamlValue | None,
    names: Mapping[DataType, Collection[str]],
    file: str,
    chains: Mapping[str, Chain],
) -> CommandTable:
    """Read ``commands`` of a robot file, for the names of its outputs.

    Args:
        value: None: none are written.
        names: DataType -> names that it may speak of.
        file: Begins messages.
        chains: The robot's, by name.

    Raises:
        DescriptionError: An unknown key, name or word, or a wrong number.
    """
    joints = {name: chain.joints for name, chain in chains.items()}
    routes = parse_routes(value, 'commands', CommandOptions(), names, joints)
    for options in [*routes.common.values(), *routes.named.values()]:
        kind, stream = options.type, options.stream
        where = f'{file}: commands to {options.topic or None}'
        if stream and stream != _ONLY_STREAM.get(kind, stream):
            name, holds = kind.split('/')[-1], _ONLY_STREAM[kind]
            raise DescriptionError(
                f'{where}: a {name} takes {"one" if holds == "point" else "more than one"} '
                f'point: remove stream: {stream}'
            )
        if options.effort and kind != GRIPPER_COMMAND:
            raise DescriptionError(
                f'{where}: effort belongs to a GripperCommand; write type: {GRIPPER_COMMAND}'
            )
    return CommandTable(file, routes, chains)
