"""Sources of what a robot was told: its command topics, read as sources of its outputs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from neuracore_ros.description.command import Command, Joint
from neuracore_ros.description.direct import DirectCommand, DirectSlot
from neuracore_ros.description.robot import Robot
from neuracore_ros.description.routes import ScaleOffset
from neuracore_ros.description.source import JOINT_TRAJECTORY, MULTI_ARRAYS, Source, types_of
from neuracore_ros.errors import DescriptionError


def commanded_sources(robot: Robot) -> tuple[Source, ...]:
    """The source of each output as the node commands it, in the order of the outputs.

    It differs from `Robot.output_sources` where demonstrations are read elsewhere than commands
    are sent, as from a leader arm. What is measured a step later stays as it is. Left out is what
    no topic carries: the goals of an action server, and a pose that is sent as a twist.

    Raises:
        DescriptionError: An output has no source.
    """
    sources = robot.output_sources()
    try:
        commands = robot.all_commands()
    except DescriptionError:  # a robot that is only converted
        return sources
    return tuple(found for each in sources if (found := _commanded(each, commands)) is not None)


def _commanded(source: Source, commands: tuple[Command | DirectCommand, ...]) -> Source | None:
    """The source in the messages that command it; None where they are on no topic."""
    command = next((each for each in commands if any(_slots(each, source))), None)
    if command is None or not source.is_target:
        return source
    if command.topic.strip('/') == source.topic.strip('/'):
        return source
    slots = list(_slots(command, source))
    is_chain = isinstance(slots[0], Joint) and bool(slots[0].chain)
    if command.type not in types_of(source.data_type, is_chain):
        return None
    is_named = command.type not in MULTI_ARRAYS
    return replace(
        source,
        topic=command.topic,
        type=command.type,
        field='position' if source.data_type.is_pose else source.field,
        message_name=slots[0].message_name,
        order=None if is_named else tuple(slot.message_name for slot in command.slots),
        scale=source.scale if is_chain else slots[0].scale,
        offset=source.offset if is_chain else slots[0].offset,
        stamp='header' if command.type == JOINT_TRAJECTORY else 'receive',
        reliability='match',
        parent='',
        joint_names=tuple(slot.message_name for slot in slots) if is_chain else (),
        joint_scales=tuple(ScaleOffset() for _ in slots) if is_chain else (),
        section='commands',
    )


def _slots(command: Command | DirectCommand, source: Source) -> Iterator[Joint | DirectSlot]:
    """The parts of a command that carry an output: of a chain, its joints in its order."""
    slots: tuple[Joint | DirectSlot, ...] = command.slots
    for slot in sorted(slots, key=lambda each: each.index):
        if isinstance(slot, Joint) and slot.chain:
            if slot.chain == source.name and command.output is source.data_type:
                yield slot
        elif slot.data_type is source.data_type and slot.index == source.index:
            yield slot
