"""Direct outputs of a robot file: their options, limits and topics."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from neuracore_ros.description.command import (
    FOLLOW_JOINT_TRAJECTORY,
    GRIPPER_ACTIONS,
    JOINT_COMMANDS,
    Command,
    Joint,
)
from neuracore_ros.description.command_table import CommandTable
from neuracore_ros.description.data_type import DataType
from neuracore_ros.description.direct import (
    DIRECT_TYPES,
    TWIST_NAMES,
    DirectCommand,
    DirectLimit,
    DirectSlot,
)
from neuracore_ros.description.limits import PartialLimit
from neuracore_ros.description.named_numbers import TWIST, TWIST_STAMPED
from neuracore_ros.description.routes import require_order
from neuracore_ros.description.source import (
    FLOAT64_MULTI_ARRAY,
    JOINT_TRAJECTORY,
    POSE_STAMPED,
)
from neuracore_ros.errors import DescriptionError
from neuracore_ros.similar_names import known_names

DirectLimits = Mapping[tuple[DataType, str], DirectLimit]
"""(DataType, name) -> its limits."""

_TWISTS = (TWIST, TWIST_STAMPED)
_STAMPED = (TWIST_STAMPED, POSE_STAMPED)
_TORQUES = DataType.JOINT_TORQUES


def check_direct(table: CommandTable, names: Mapping[DataType, Collection[str]]) -> None:
    """Check the options of all outputs that have a topic, for what is sent as it is.

    Args:
        table: The ``commands`` of a robot file.
        names: DataType -> names of its outputs.

    Raises:
        DescriptionError: A message does not carry a DataType, an option means nothing to it or
            is missing, or torques are not allowed.
    """
    for kind, known in names.items():
        for name in known:
            if table.has(kind, name) and (problem := next(_problems(table, kind, name), '')):
                raise DescriptionError(f"{table.file}: commands of {kind}: '{name}': {problem}")


def _problems(table: CommandTable, kind: DataType, name: str) -> Iterator[str]:
    options, message = table.routes.options(kind, name), table.type(kind, name)
    short, direct = _short(message), table.is_direct(kind, name)
    if message not in (types := _types(kind)):
        yield f'a {short} does not carry it; write type: {" or ".join(map(_short, types))}'
    if kind is _TORQUES and not options.allow_torques:
        yield (
            'nothing else keeps an arm up, or stops it, once torques are commanded. If that is '
            'meant, add allow_torques: true and stop: zero or hold'
        )
    if kind is _TORQUES and not options.stop:
        yield (
            'add stop: zero (the arm may fall), or stop: hold (what was measured last goes on '
            'being commanded)'
        )
    if kind is not _TORQUES and (options.stop or options.allow_torques):
        word = 'stop' if options.stop else 'allow_torques'
        yield f'{word} belongs to JOINT_TORQUES: remove it'
    if options.frame and not (direct and message in _STAMPED):
        yield f'frame belongs to a PoseStamped or a TwistStamped, not to a {short}: remove it'
    if kind is DataType.JOINT_VELOCITIES and not direct and options.offset:
        yield 'a velocity has no offset: remove it'
    if not direct:
        return
    if kind.is_pose and not options.frame and name not in table.chains:
        chains = known_names(name, table.chains) if table.chains else ''
        lack = f'no chain is called so{chains}; call one so, or ' if chains else ''
        yield (
            f'{lack}add frame: the frame in which its poses are given, as frame_id of the {short}'
            + (
                ''
                if chains or options.type
                else f', or chains: {{{name}: {{base: LINK, tip: LINK}}}}'
            )
        )
    if kind.is_pose and options.offset:
        yield 'a pose is moved by base_offset and tip_offset of its chain: remove offset'
    if options.order and message != FLOAT64_MULTI_ARRAY:
        yield f'order belongs to a Float64MultiArray, not to a {short}: remove it'
    called = options.message_name(name)
    if message in _TWISTS and not kind.is_pose and called not in TWIST_NAMES:
        known = known_names(called, TWIST_NAMES)
        yield f"a {short} has no '{called}'{known}. Write names: {{{name}: linear.x}}"


def _types(kind: DataType) -> tuple[str, ...]:
    """The messages and actions that command a DataType."""
    direct = DIRECT_TYPES.get(kind, ())
    if kind is DataType.JOINT_VELOCITIES:
        return (JOINT_TRAJECTORY, FOLLOW_JOINT_TRAJECTORY, *direct)
    if kind.is_pose:
        return (*JOINT_COMMANDS, *direct)
    return direct or (*JOINT_COMMANDS, *GRIPPER_ACTIONS)


def _short(message: str) -> str:
    return message.rpartition('/')[2]


def direct_topics(
    table: CommandTable, output: Mapping[DataType, Mapping[int, str]]
) -> dict[tuple[DataType, str], str]:
    """(DataType, name) of each direct output that is commanded -> its topic."""
    return {
        (kind, name): table.routes.options(kind, name).topic
        for kind, slots in output.items()
        for name in slots.values()
        if table.is_direct(kind, name) and table.has(kind, name)
    }


def direct_limits(
    table: CommandTable,
    output: Mapping[DataType, Mapping[int, str]],
    known: Callable[[str], PartialLimit],
) -> DirectLimits:
    """The limits of all direct outputs that have a topic.

    Args:
        table: The ``commands`` of a robot file.
        output: Its outputs.
        known: What is known of the limits of a name.

    Raises:
        DescriptionError: One has no limit.
    """
    found: dict[tuple[DataType, str], DirectLimit] = {}
    topics = direct_topics(table, output)
    for kind, slots in output.items():
        for index, name in slots.items():
            if (kind, name) not in topics:
                continue
            given = known(name).over(known(table.message_name(kind, name)))
            limit, lacks = _limit(kind, given)
            if limit is None:
                written = ', '.join(f'{word}: ...' for word in lacks)
                raise DescriptionError(
                    f"{table.file}: output '{name}' ({kind} index {index}) has no {lacks[0]} "
                    f'limit. Add under limits: {name}: {{{written}}}'
                )
            found[kind, name] = limit
    return MappingProxyType(found)


def _limit(kind: DataType, given: PartialLimit) -> tuple[DirectLimit | None, tuple[str, ...]]:
    """The limit of one output, or what is missing to it."""
    most = given.effort if kind is _TORQUES else given.velocity
    if kind is DataType.CUSTOM_1D:
        most = given.velocity or given.effort
    if kind.is_pose and not (most and given.angular_velocity):
        words = ('angular_velocity', 'velocity') if most else ('velocity', 'angular_velocity')
        return None, words
    if not most:
        return None, ('effort' if kind is _TORQUES else 'velocity',)
    is_speed = not kind.is_pose and kind is not _TORQUES and bool(given.velocity)
    change = given.acceleration if is_speed else None
    turning = given.angular_velocity or 0.0
    if kind is DataType.JOINT_VELOCITIES and given.position:
        return DirectLimit(most, change, turning, given.position), ()
    return DirectLimit(most, change, turning), ()


def require_used(
    limits: DirectLimits,
    given: Mapping[str, PartialLimit],
    output: Mapping[DataType, Mapping[int, str]],
    file: str,
) -> None:
    """Check that no limit is written that would limit nothing.

    Args:
        limits: Of all direct outputs.
        given: Limits that are the robot file's own, by name.
        output: The robot's; what limits nothing of one output may limit another of that name.
        file: The robot file.

    Raises:
        DescriptionError: One would; a user might count on it.
    """
    shared = Counter(name for slots in output.values() for name in slots.values())
    kinds = {name: kind for kind, name in limits if shared[name] == 1}
    for name, limit in given.items():
        kind = kinds.get(name)
        if kind is DataType.CUSTOM_1D:
            unused = {'position', 'jerk', *(('effort',) if limit.velocity else ())}
        elif kind is not None and kind.is_pose:
            unused = {'position', 'jerk', 'acceleration', 'effort'}
        else:
            continue
        where = f"{file}: limits of '{name}'"
        for word in sorted(unused):
            if getattr(limit, word) is not None:
                raise DescriptionError(f'{where}: {word} limits no {kind} there: remove it')
        if limit.acceleration and not (limit.velocity or kind.is_pose):
            raise DescriptionError(
                f'{where}: acceleration goes with velocity, not with effort: remove it, or write '
                'velocity instead of effort'
            )


def direct_commands(
    table: CommandTable,
    output: Mapping[DataType, Mapping[int, str]],
    limits: DirectLimits,
    scale: Callable[[DataType, str], float],
) -> tuple[DirectCommand, ...]:
    """The topics of direct outputs, in the order of a robot's outputs.

    Args:
        table: The ``commands`` of its file.
        output: Its outputs.
        limits: Theirs.
        scale: DataType and name of a pose -> by which its positions are larger than the robot's.

    Raises:
        DescriptionError: An output has no topic; names of one topic differ in type, frame or
            order; one is commanded twice; an order is not one of its names.
    """
    topics: dict[str, DirectCommand] = {}
    taken = {
        table.routes.options(kind, name).topic: name
        for kind, slots in output.items()
        for name in slots.values()
        if not table.is_direct(kind, name)
    }
    for kind, slots in output.items():
        for index, name in slots.items():
            if not table.is_direct(kind, name):
                continue
            table.require_topic(kind, index, name)
            command = _command(table, kind, index, name, limits, scale)
            before = topics.setdefault(command.topic, command)
            if command.topic in taken:
                raise DescriptionError(
                    f"{table.file}: commands to {command.topic}: '{name}' ({kind}) and "
                    f"'{taken[command.topic]}' are of two kinds; one topic carries one message"
                )
            if before is not command:
                topics[command.topic] = _joined(table.file, before, command)
    for command in topics.values():
        _require_distinct(table.file, command)
    return tuple(_ordered(table.file, command) for command in topics.values())


def _command(
    table: CommandTable,
    kind: DataType,
    index: int,
    name: str,
    limits: DirectLimits,
    scale: Callable[[DataType, str], float],
) -> DirectCommand:
    options, message = table.routes.options(kind, name), table.type(kind, name)
    chain = table.chains.get(name) if kind.is_pose else None
    frame = options.frame or (chain.base if chain else '')
    written = options.written_scale
    slot = DirectSlot(
        data_type=kind,
        index=index,
        name=name,
        message_name=options.message_name(name),
        scale=scale(kind, name) if kind.is_pose else written.scale,
        offset=0.0 if kind.is_pose else written.offset,
        limit=limits[kind, name],
        holds=options.stop == 'hold',
        chain=chain,
    )
    stamped = frame if message in _STAMPED else ''
    return DirectCommand(options.topic, message, (slot,), stamped, options.order)


def _joined(file: str, before: DirectCommand, command: DirectCommand) -> DirectCommand:
    first, slot = before.slots[0], command.slots[0]
    if before.is_pose or command.is_pose:
        raise DescriptionError(
            f'{file}: commands to {command.topic}: a {_short(before.type)} holds one pose, not '
            f'{first.name}, {slot.name}: give each a topic of its own'
        )
    alike = replace(before, slots=command.slots) == command
    if not alike or first.data_type is not slot.data_type or first.holds is not slot.holds:
        raise DescriptionError(
            f"{file}: commands to {command.topic}: '{slot.name}' differs in DataType, type, "
            f"frame, stop or order from '{first.name}'; one topic carries one message"
        )
    return before.joined(command)


def _require_distinct(file: str, command: DirectCommand) -> None:
    known: dict[str, DirectSlot] = {}
    for slot in command.slots:
        if (twin := known.setdefault(slot.message_name, slot)) is not slot:
            raise DescriptionError(
                f"{file}: commands to {command.topic}: '{slot.message_name}' is commanded twice "
                f'({twin.data_type} index {twin.index}, {slot.data_type} index {slot.index})'
            )


def _ordered(file: str, command: DirectCommand) -> DirectCommand:
    """The same command with its slots in the declared ``order``."""
    if not command.order:
        return command
    slots = {slot.message_name: slot for slot in command.slots}
    require_order(command.order, slots, f'{file}: order of commands to {command.topic}')
    return replace(command, slots=tuple(slots[name] for name in command.order))


def require_one_spelling(commands: Collection[Command | DirectCommand], path: Path) -> None:
    """Check that no topic is written with and without its leading slash.

    Without a namespace they are one topic, which would carry two messages that contradict.

    Raises:
        DescriptionError: One is.
    """
    known: dict[str, str] = {}
    for command in commands:
        first = known.setdefault(command.topic.lstrip('/'), command.topic)
        if first != command.topic:
            raise DescriptionError(
                f'{path}: commands to {first} and to {command.topic}: without a namespace they '
                'are one topic, which carries one message: write it one way'
            )


def require_single(commands: Collection[Command | DirectCommand], path: Path) -> None:
    """Check that no joint is commanded in two ways, such as by velocity and by position.

    Raises:
        DescriptionError: One is.
    """
    known: dict[str, Joint | DirectSlot] = {}
    for slot in (slot for command in commands for slot in command.slots):
        for joint in _moved(slot):
            first = known.setdefault(joint, slot)
            if first is not slot:
                raise DescriptionError(
                    f"{path}: '{joint}' is commanded twice: by {first.output} and by "
                    f'{slot.output}. Leave one of them out of the output'
                )


def _moved(slot: Joint | DirectSlot) -> tuple[str, ...]:
    """The joints that an output moves, as far as the robot file says."""
    if isinstance(slot, DirectSlot) and slot.data_type.is_pose:
        return slot.chain.joints if slot.chain else ()
    return () if slot.data_type is DataType.CUSTOM_1D else (slot.name,)
