"""Slots of joints: which joint of the URDF each one is, and what its values are there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from neuracore_ros.alignment.arm_links import LinkTree
from neuracore_ros.description import DataType, Joint, Robot, Source
from neuracore_ros.description.limits import Range
from neuracore_ros.description.routes import ScaleOffset
from neuracore_ros.errors import DescriptionError

Slot: TypeAlias = tuple[DataType, int]
"""DataType and index; of joints and grippers the DataType in which they are measured."""


@dataclass(frozen=True, slots=True)
class SlotRange:
    """The values that a slot of one number can have, in its unit and sense.

    Attributes:
        name: The robot file's name for it.
        lower: Least value; half a turn below ``rest`` where there is no limit.
        upper: Largest value, likewise.
        rest: The middle of a joint's range; the closed end of a gripper.
        unit: ``rad``, ``m``, or empty of an opening from 0 to 1.
    """

    name: str
    lower: float
    upper: float
    rest: float
    unit: str = 'rad'


@dataclass(frozen=True, slots=True)
class JointSlot:
    """One slot that is a joint of the URDF.

    Attributes:
        joint: As the URDF calls it.
        sense: The slot's value is ``scale * x + offset`` of the URDF's position x.
        range: Its values.
    """

    joint: str
    sense: ScaleOffset
    range: SlotRange

    def own(self, value: float) -> float:
        """The URDF's position [rad] or [m] at a value of the slot."""
        return (value - self.sense.offset) / self.sense.scale


def joint_slots(robot: Robot, links: LinkTree) -> dict[Slot, JointSlot]:
    """Find the joint of each slot, in canonical and index order.

    A joint that has several slots, as one that is measured and commanded, is given once.
    """
    commanded = _commanded(robot)
    found: dict[Slot, JointSlot] = {}
    taken: set[str] = set()
    for description in (robot.input, robot.output):
        for kind, slots in description.items():
            if not (kind.is_gripper or 'JOINT_' in kind.name):
                continue
            measured = kind.measured if kind.is_gripper else DataType.JOINT_POSITIONS
            for index, name in slots.items():
                source = _source(robot, measured, name)
                command = commanded.get((kind, name))
                joint = next(
                    (each for each in _names(name, source, command) if each in links.joints), ''
                )
                if not joint or joint in taken:
                    continue
                taken.add(joint)
                slot = (kind if (measured, index) in found else measured, index)
                sense = _sense(source, command)
                found[slot] = JointSlot(joint, sense, _range(name, kind, links, joint, sense))
    return found


def _names(name: str, source: Source | None, command: Joint | None) -> Iterator[str]:
    yield name
    if source is not None:
        yield source.message_name
    if command is not None:
        yield command.message_name


def _source(robot: Robot, kind: DataType, name: str) -> Source | None:
    try:
        return robot.source(kind, name)
    except DescriptionError:
        return None


def _commanded(robot: Robot) -> Mapping[tuple[DataType, str], Joint]:
    try:
        joints = [joint for command in robot.commands() for joint in command.joints]
    except DescriptionError:
        return {}
    return {(joint.data_type, joint.name): joint for joint in joints if not joint.chain}


def _sense(source: Source | None, command: Joint | None) -> ScaleOffset:
    """The scale and offset from the URDF's position to the slot's value."""
    for each in (command, source):
        if each is not None:
            return ScaleOffset(each.scale, each.offset)
    return ScaleOffset()


def _range(
    name: str, kind: DataType, links: LinkTree, joint: str, sense: ScaleOffset
) -> SlotRange:
    lower, upper = _ends(links.range(joint), sense)
    if kind.is_gripper:
        return SlotRange(name, 0.0, 1.0, 0.0, '')
    unit = 'm' if links.joints[joint].slides else 'rad'
    return SlotRange(name, lower, upper, (lower + upper) / 2, unit)


def _ends(own: Range, sense: ScaleOffset) -> Range:
    one, other = (sense.scale * each + sense.offset for each in own)
    return min(one, other), max(one, other)
