"""Slots of joints: which joint of the URDF each one is, and what its values are there."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from neuracore_ros.alignment.arm import DescribedArm
from neuracore_ros.alignment.arm_links import LinkTree
from neuracore_ros.description import DataType, DescriptionError, Joint, Robot, Source
from neuracore_ros.description.layout_checks import source_of
from neuracore_ros.description.limits import Range
from neuracore_ros.description.routes import ScaleOffset, is_feature
from neuracore_ros.description.units import CENTIMETRES, DEGREES, MILLIMETRES, TICKS

Slot: TypeAlias = tuple[DataType, int]
"""DataType and index; of joints and grippers the DataType in which they are measured."""

# Units of drivers; that of a URDF is always [rad] or [m].
_UNITS = (DEGREES, TICKS, MILLIMETRES, CENTIMETRES)
# Scales that differ by less are one, however they were rounded.
_ROUNDED = 1e-3
# So far outside the limits of a finger, positions have another unit [of their range].
_SLACK = 0.2


@dataclass(frozen=True, slots=True)
class SlotRange:
    """The values that a slot of one number can have, in its unit and sense.

    Attributes:
        name: The robot file's name for it.
        lower: Least value; half a turn away where there is no limit.
        upper: Largest value, likewise.
        rest: A usual value: that of an arm that stands ready, or of a closed gripper.
        unit: ``rad``, ``m``, or empty of an opening from 0 to 1.
    """

    name: str
    lower: float
    upper: float
    rest: float
    unit: str = 'rad'


@dataclass(frozen=True, slots=True)
class JointSlot:
    """A slot of one number, and what it moves.

    Attributes:
        range: Its values.
        senses: Joint, as the URDF calls it -> sense: the slot's value is ``scale * x + offset``
            of the URDF's position x. A gripper may have several; none, where it is only drawn.
    """

    range: SlotRange
    senses: Mapping[str, ScaleOffset]

    def positions(self, value: float) -> dict[str, float]:
        """Joint -> its position [rad] or [m] at a value of the slot."""
        return {
            joint: (value - sense.offset) / sense.scale for joint, sense in self.senses.items()
        }


@dataclass(frozen=True, slots=True)
class NamedSlot:
    """A slot as a robot file has it.

    Attributes:
        slot: Where it is.
        name: Its name.
        joint: The joint of the URDF; '' where it has none of that name.
        senses: Of its command and of its source, where it has them; see `JointSlot`.
        limits: Of the robot file, in the slot's unit and sense; None where it has none.
    """

    slot: Slot
    name: str
    joint: str
    senses: tuple[ScaleOffset, ...]
    limits: Range | None = None


def named_slots(robot: Robot, links: LinkTree) -> list[NamedSlot]:
    """List the slots of joints and grippers, in canonical and index order.

    What is measured and commanded is listed once, at the index at which it is measured.
    """
    commanded = _commanded(robot)
    found: dict[Slot, NamedSlot] = {}
    for description in (robot.input, robot.output):
        for kind, slots in description.items():
            if not (kind.is_gripper or 'JOINT_' in kind.name):
                continue
            measured = kind.measured if kind.is_gripper else DataType.JOINT_POSITIONS
            for index, name in slots.items():
                source = source_of(robot, measured, name)
                command = commanded.get((kind.is_gripper, name))
                joint = next(
                    (each for each in _names(name, source, command) if each in links.joints), ''
                )
                taken = (
                    each for each in found.values() if each.slot[0].is_gripper is kind.is_gripper
                )
                if any((joint or name) in (each.joint, each.name) for each in taken):
                    continue
                slot = (kind if (measured, index) in found else measured, index)
                senses = tuple(_senses(robot, source, command))
                found[slot] = NamedSlot(slot, name, joint, senses, _limits(robot, name, kind))
    order = list(DataType)
    return sorted(found.values(), key=lambda each: (order.index(each.slot[0]), each.slot[1]))


def joint_slot(named: NamedSlot, links: LinkTree, ready: Mapping[str, float]) -> JointSlot:
    """The slot of a joint of an arm.

    Args:
        named: The slot, whose joint is known.
        links: The URDF.
        ready: Joint -> usual position [rad], [m]; others rest in the middle of their range.
    """
    joint, sense = _leader(named.joint, _sense(named.senses), links)
    lower, upper = links.range(joint)
    ends = [sense.scale * each + sense.offset for each in (lower, upper)]
    rest = sense.scale * ready.get(joint, (lower + upper) / 2) + sense.offset
    least, most = _within((min(ends), max(ends)), named.limits)
    rest = min(max(rest, least), most)
    unit = 'm' if links.joints[joint].slides else 'rad'
    return JointSlot(SlotRange(named.name, least, most, rest, unit), {joint: sense})


def _within(ends: Range, limits: Range | None) -> Range:
    """The limits of the URDF, made narrower by those of the robot file, which the node keeps."""
    if limits is None:
        return ends
    both = max(ends[0], limits[0]), min(ends[1], limits[1])
    return both if both[0] < both[1] else ends


def finger_slot(named: NamedSlot, links: LinkTree) -> JointSlot:
    """The slot of a gripper whose finger is a joint of the URDF, with those that follow it.

    Where the scale of the robot file is of another unit than the URDF, as that of a driver of
    percent is, the limits of the URDF are the two ends.
    """
    joint = named.joint
    sense = next(
        (each for each in named.senses if _is_within(each, links.range(joint))), None
    ) or between(links.range(joint), any(each.scale < 0.0 for each in named.senses))
    joint, sense = _leader(joint, sense, links)
    return JointSlot(opening_range(named.name), {joint: sense})


def opening_range(name: str) -> SlotRange:
    """The values of a gripper's opening."""
    return SlotRange(name, 0.0, 1.0, 0.0, '')


def between(limits: Range, is_reversed: bool) -> ScaleOffset:
    """The sense of an opening that is 0 at the lower limit and 1 at the upper one, or reversed."""
    closed, opened = limits[::-1] if is_reversed else limits
    scale = 1.0 / (opened - closed)
    return ScaleOffset(scale, -scale * closed)


def _leader(joint: str, sense: ScaleOffset, links: LinkTree) -> tuple[str, ScaleOffset]:
    """The joint that moves a joint, itself if it mimics no other, with the sense of that one."""
    seen = {joint}
    while (mimic := links.tree.urdf.mimics.get(joint)) is not None and mimic.joint in links.joints:
        joint = mimic.joint
        if joint in seen:
            break
        seen.add(joint)
        offset = sense.scale * mimic.offset + sense.offset
        sense = ScaleOffset(sense.scale * mimic.multiplier, offset)
    return joint, sense


def _limits(robot: Robot, name: str, kind: DataType) -> Range | None:
    if kind.is_gripper:
        return None
    outputs = (output for output, own in robot.limits if own == name and output.is_position)
    return next((robot.slot_range(output, name) for output in outputs), None)


def _names(name: str, source: Source | None, command: Joint | None) -> Iterator[str]:
    yield name
    for each in (source, command):
        if each is not None:
            yield each.message_name


def _commanded(robot: Robot) -> Mapping[tuple[bool, str], Joint]:
    """(is a gripper, name) -> its command."""
    try:
        joints = [joint for command in robot.commands() for joint in command.joints]
    except DescriptionError:
        return {}
    return {(each.data_type.is_gripper, each.name): each for each in joints if not each.chain}


def _senses(robot: Robot, source: Source | None, command: Joint | None) -> Iterator[ScaleOffset]:
    if command is not None:
        yield ScaleOffset(command.scale, command.offset)
    if source is None:
        return
    if is_feature(source.topic) and not source.data_type.is_gripper:
        # A dataset has units of its own.
        yield ScaleOffset(*DescribedArm(robot, None).sense(source.name))
    else:
        yield ScaleOffset(source.scale, source.offset)


def _sense(senses: tuple[ScaleOffset, ...]) -> ScaleOffset:
    """The sense of the command or of the source, whichever has the unit of the URDF."""
    for each in senses:
        if math.isclose(abs(each.scale), 1.0, rel_tol=_ROUNDED):
            return each
    for each in senses:
        for unit in _UNITS:
            if math.isclose(abs(each.scale), unit.scale, rel_tol=_ROUNDED):
                scale = each.scale / unit.scale
                return ScaleOffset(scale, each.offset - scale * unit.offset)
    return next(iter(senses), ScaleOffset())


def _is_within(sense: ScaleOffset, limits: Range) -> bool:
    """True if both ends of an opening are within the limits of a finger."""
    slack = _SLACK * (limits[1] - limits[0])
    ends = [(value - sense.offset) / sense.scale for value in (0.0, 1.0)]
    return all(limits[0] - slack <= end <= limits[1] + slack for end in ends)
