"""The commands of a robot file: their options, and what they become for each output."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from neuracore_ros.description.chain import Chain
from neuracore_ros.description.command import (
    ACTIONS,
    FOLLOW_JOINT_TRAJECTORY,
    GRIPPER_ACTIONS,
    GRIPPER_COMMAND,
    JOINT_COMMANDS,
    Command,
    Joint,
)
from neuracore_ros.description.data_type import DataType
from neuracore_ros.description.direct import (
    DIRECT_TYPES,
)
from neuracore_ros.description.gripper import opening
from neuracore_ros.description.limits import JointLimit
from neuracore_ros.description.named_numbers import TWIST, TWIST_STAMPED
from neuracore_ros.description.routes import (
    RouteOptions,
    Routes,
    ScaleOffset,
    option,
    parse_flag,
    parse_frame,
    parse_positive,
    parse_routes,
    parse_type,
    parse_word,
)
from neuracore_ros.description.source import (
    FLOAT64_MULTI_ARRAY,
    JOINT_TRAJECTORY,
    POSE_STAMPED,
)
from neuracore_ros.errors import DescriptionError
from neuracore_ros.yaml_value import YamlValue

_TYPES = (
    JOINT_TRAJECTORY,
    FLOAT64_MULTI_ARRAY,
    *ACTIONS,
    TWIST,
    TWIST_STAMPED,
    POSE_STAMPED,
)
_ONLY_STREAM = {
    FLOAT64_MULTI_ARRAY: 'point',
    FOLLOW_JOINT_TRAJECTORY: 'chunk',
    **dict.fromkeys(GRIPPER_ACTIONS, 'point'),
    TWIST: 'point',
    TWIST_STAMPED: 'point',
    POSE_STAMPED: 'point',
}


@dataclass(frozen=True, slots=True)
class CommandOptions(RouteOptions):
    """The options of a command as they are written; :class:`Command` explains them.

    Attributes:
        type: '' where it is not written; so of ``stream``, ``frame`` and ``stop``.
        frame: Of stamped poses and twists.
        allow_torques: Whether torques may be commanded.
        stop: What a stop of torques ends in: ``zero``, or ``hold``, what was measured last.
    """

    type: str = option(parse_type(_TYPES), '')
    stream: str = option(parse_word('chunk', 'point'), '')
    effort: float = option(parse_positive, 0.0)
    frame: str = option(parse_frame, '')
    allow_torques: bool = option(parse_flag, False)
    stop: str = option(parse_word('zero', 'hold'), '')

    def type_for(self, data_type: DataType, is_chain: bool) -> str:
        """The message type, where it is not written the usual one of a DataType."""
        if self.type:
            return self.type
        direct = DIRECT_TYPES.get(data_type, ())
        if not direct or is_chain or data_type is DataType.JOINT_VELOCITIES:
            return JOINT_TRAJECTORY
        return direct[0]


@dataclass(frozen=True, slots=True)
class CommandTable:
    """The ``commands`` of a robot file, which begins messages, and their options."""

    file: str
    routes: Routes[CommandOptions]
    chains: Mapping[str, Chain]

    def chain(self, data_type: DataType, name: str) -> Chain | None:
        """The chain whose joints an output commands; None for any other output."""
        if not data_type.is_pose or self.type(data_type, name) not in JOINT_COMMANDS:
            return None
        return self.chains.get(name)

    def type(self, data_type: DataType, name: str) -> str:
        """The type of message or action that commands an output."""
        is_chain = data_type.is_pose and name in self.chains
        return self.routes.options(data_type, name).type_for(data_type, is_chain)

    def is_direct(self, data_type: DataType, name: str) -> bool:
        """True for an output that is sent as it is, and not as positions of joints."""
        return self.type(data_type, name) in DIRECT_TYPES.get(data_type, ())

    def is_of_joints(self, data_type: DataType, name: str) -> bool:
        """True for an output that becomes positions of joints, where it is commanded at all."""
        is_velocity = data_type is DataType.JOINT_VELOCITIES
        return not self.is_direct(data_type, name) and (
            self.has(data_type, name) or not is_velocity
        )

    def has(self, data_type: DataType, name: str) -> bool:
        """True if a topic is given for a name."""
        return bool(self.routes.options(data_type, name).topic)

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
        """The command topics of a robot's joints, in the order of its outputs.

        Raises:
            DescriptionError: An output has no topic or cannot be commanded; names of one topic
                differ in type or stream; one joint is commanded twice; an order is not one of
                its joints.
        """
        topics: dict[str, Command] = {}
        for kind, slots in output.items():
            for index, name in slots.items():
                if self.is_direct(kind, name):
                    continue
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
            if command.type in GRIPPER_ACTIONS and len(command.joints) > 1:
                names = ', '.join(joint.name for joint in command.joints)
                short = command.type.rpartition('/')[2]
                raise DescriptionError(
                    f'{self.file}: commands to {command.topic}: a {short} moves one gripper, not '
                    f'{names}: give each a topic of its own'
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
        if not kind.is_commandable:
            raise DescriptionError(
                f"{self.file}: {kind} ('{name}') cannot be commanded. These can: "
                f'{", ".join(kind for kind in DataType if kind.is_commandable)}'
            )
        self.require_topic(kind, index, name)
        if chain is None and kind is DataType.END_EFFECTOR_POSES:
            raise DescriptionError(
                f"{self.file}: {kind} ('{name}') cannot be commanded through joints: it is no "
                f'chain. Add chains: {{{name}: {{base: LINK, tip: LINK}}}}, or write type: '
                'PoseStamped'
            )
        options = self.routes.options(kind, name)
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
        message_type = self.type(kind, name)
        return Command(
            topic=options.topic,
            type=message_type,
            stream=options.stream or _ONLY_STREAM.get(message_type, 'chunk'),
            joints=joints,
            effort=options.effort,
            order=options.order,
            output=kind,
        )

    def require_topic(self, kind: DataType, index: int, name: str) -> None:
        """Check that an output has a command.

        Raises:
            DescriptionError: It has none.
        """
        if not self.has(kind, name):
            raise DescriptionError(
                f"{self.file}: '{name}' ({kind} index {index}) has no command. "
                f'Add under commands: {kind}: {{topic: /...}}'
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
                    f'commanded twice ({twin.output}, {joint.output})'
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
    table = CommandTable(file, routes, chains)
    for kind, known in names.items():
        for name in known:
            _require_sense(table, kind, name)
    return table


def _require_sense(table: CommandTable, kind: DataType, name: str) -> None:
    """Refuse options that mean nothing to what is sent."""
    options, message = table.routes.options(kind, name), table.type(kind, name)
    short, problem = message.rpartition('/')[2], ''
    if options.stream and options.stream != _ONLY_STREAM.get(message, options.stream):
        takes = 'one' if _ONLY_STREAM[message] == 'point' else 'more than one'
        problem = f'a {short} takes {takes} point: remove stream: {options.stream}'
    elif options.effort and message not in GRIPPER_ACTIONS:
        problem = f'effort belongs to a GripperCommand; write type: {GRIPPER_COMMAND}'
    if problem:
        raise DescriptionError(f'{table.file}: commands to {options.topic or None}: {problem}')
