"""What looks misaligned in a layout: no error, but worth a second look."""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from neuracore_ros.description.cross_embodiment import Descriptions
from neuracore_ros.description.data_type import DataType
from neuracore_ros.description.embodiment import CrossEmbodimentDescription
from neuracore_ros.description.layout import Layout
from neuracore_ros.description.limit_units import suspect_limits, suspect_speeds
from neuracore_ros.description.limits import Range
from neuracore_ros.description.robot import Robot
from neuracore_ros.description.slots import SlotTable, slot_tables
from neuracore_ros.errors import DescriptionError

# Of the shorter of two ranges, a sign that is turned brings back so much.
_NEARLY = 0.9


@dataclass(frozen=True, slots=True)
class Place:
    """A slot of a robot, in one of the model's two roles."""

    is_input: bool
    kind: DataType
    index: int
    robot: str


@dataclass(frozen=True, slots=True)
class Finding:
    """Something worth a second look.

    Attributes:
        text: One line: where, what is there, and how to mend it.
        places: The slots that may be wrong; none where nothing has to be.
    """

    text: str
    places: tuple[Place, ...] = ()


def findings(descriptions: Descriptions) -> list[Finding]:
    """What descriptions and robot files tell by themselves, without a URDF or a policy.

    Sharing a slot is what lets robots learn from one another; a name that sits elsewhere on
    another robot probably means the same joint at two slots.
    """
    found: list[Finding] = []
    for is_input, role, robots in roles(descriptions):
        for table in slot_tables(robots, Layout.of(robots.values())):
            what = f'{role}{table.kind}'
            found += _moved_names(what, is_input, table)
            found += _lonely(what, table, list(robots))
            found += _apart(what, is_input, table, descriptions.robots)
    for robot in descriptions.robots.values():
        found += _one_sense(robot)
        with suppress(DescriptionError):  # A robot without commands has no limits to judge.
            found += map(Finding, suspect_limits(robot))
            found += map(Finding, suspect_speeds(robot))
    return found


def roles(descriptions: Descriptions) -> Iterator[tuple[bool, str, CrossEmbodimentDescription]]:
    """Inputs and outputs with the word that tells them apart; once where they are the same."""
    if descriptions.input == descriptions.output:
        yield True, '', descriptions.input
        return
    yield True, 'input ', descriptions.input
    yield False, 'output ', descriptions.output


def reach(robot: Robot, kind: DataType, name: str) -> Range | None:
    """The position limits of a measured or commanded joint in its slot's sense.

    Returns:
        Least and largest value, [rad] or [m]; None without limits, or for a whole turn and more,
        which tells nothing.
    """
    for output, joint in robot.limits:
        if joint != name or kind.is_gripper or kind not in (output, output.measured):
            continue
        # Limits are in the unit of commands, which need not be that of measurements.
        ends = robot.slot_range(output, name)
        if ends[1] - ends[0] < 2 * math.pi:
            return ends
    return None


def sense(robot: Robot, kind: DataType, name: str) -> tuple[float, float]:
    """Scale and offset from a joint's own value to its slot's; 1 and 0 of what is no joint."""
    try:
        for (output, joint), senses in senses_of(robot).items():
            if joint == name and kind in (output, output.measured):
                return senses[kind is output]
    except DescriptionError:
        pass
    return 1.0, 0.0


def senses_of(
    robot: Robot,
) -> Mapping[tuple[DataType, str], tuple[tuple[float, float], tuple[float, float]]]:
    """Scale and offset of each commanded joint, as it is measured and as it is commanded.

    Raises:
        DescriptionError: A source or a command is missing.
    """
    measured = {(s.data_type, s.name): (s.scale, s.offset) for s in robot.measured_sources()}
    return {
        (joint.data_type, joint.name): (
            measured[joint.data_type.measured, joint.name],
            (joint.scale, joint.offset),
        )
        for command in robot.commands()
        for joint in command.joints
    }


def _moved_names(what: str, is_input: bool, table: SlotTable) -> Iterator[Finding]:
    indices: dict[str, dict[int, list[str]]] = {}
    for index, names in enumerate(table.rows):
        for robot, name in names.items():
            indices.setdefault(name, {}).setdefault(index, []).append(robot)
    for name, places in indices.items():
        if len(places) > 1:
            where = ', '.join(f'{i} ({", ".join(who)})' for i, who in sorted(places.items()))
            yield Finding(
                f"{what}: '{name}' sits at several indices: {where}. If it means the same on each "
                'robot, give it one index',
                tuple(
                    Place(is_input, table.kind, index, robot)
                    for index, who in places.items()
                    for robot in who
                ),
            )


def _lonely(what: str, table: SlotTable, robots: Sequence[str]) -> Iterator[Finding]:
    """Slots that one robot fills, and slots that none does."""
    for robot in robots if len(robots) > 1 else ():
        alone = {i: names[robot] for i, names in enumerate(table.rows) if [*names] == [robot]}
        if alone:
            shown = ', '.join(f"'{name}'" for name in alone.values())
            them, slots = ('it', 'this slot') if len(alone) == 1 else ('them', 'these slots')
            yield Finding(
                f"{what} {_indices(list(alone))}: only '{robot}' fills {them} ({shown}): it "
                f'learns {slots} from no other robot'
            )
    if empty := [index for index, names in enumerate(table.rows) if not names]:
        them = 'it' if len(empty) == 1 else 'them'
        yield Finding(f'{what} {_indices(empty)}: no robot fills {them}')


def _apart(
    what: str, is_input: bool, table: SlotTable, robots: Mapping[str, Robot]
) -> Iterator[Finding]:
    """Joints of one slot that have no value in common."""
    for index, names in enumerate(table.rows):
        known = {
            robot: (name, ends)
            for robot, name in names.items()
            if robot in robots and (ends := reach(robots[robot], table.kind, name))
        }
        first = next(iter(known), '')
        for robot, (name, ends) in list(known.items())[1:]:
            other, theirs = known[first]
            if overlap(ends, theirs) > 0.0:
                continue
            yield Finding(
                f"{what} index {index}: '{name}' of {robot} goes from {ends[0]:.2f} to "
                f"{ends[1]:.2f}, '{other}' of {first} from {theirs[0]:.2f} to {theirs[1]:.2f}: "
                f'they have no value in common. {mend_range(ends, theirs)}',
                (Place(is_input, table.kind, index, robot),),
            )


def overlap(first: Range, second: Range) -> float:
    """Length of what two ranges have in common; below 0 where they have nothing."""
    return min(first[1], second[1]) - max(first[0], second[0])


def mend_range(ends: Range, wanted: Range) -> str:
    """What would bring a range where another one is, as far as numbers tell."""
    shorter = min(ends[1] - ends[0], wanted[1] - wanted[0])
    if overlap(ends, wanted) >= _NEARLY * (ends[1] - ends[0]):
        return 'It moves less: commands beyond its limits are clamped'
    if overlap((-ends[1], -ends[0]), wanted) >= _NEARLY * shorter:
        option = 'scale: -1'
    else:
        option = f'offset: {(sum(wanted) - sum(ends)) / 2:.2f}'
    return f'If both mean the same pose, write {option} under its sources and commands'


def _one_sense(robot: Robot) -> Iterator[Finding]:
    """Joints that are measured in one sense, or at one index, and commanded in another."""
    for kind, slots in robot.output.items():
        measured = {name: index for index, name in robot.input.get(kind.measured, {}).items()}
        for index, name in slots.items():
            if measured.get(name, index) != index:
                yield Finding(
                    f"{robot.path}: '{name}' is measured at {kind.measured} index "
                    f'{measured[name]}, but commanded at {kind} index {index}: give it one index',
                    (Place(False, kind, index, robot.name),),
                )
    try:
        senses = senses_of(robot)
    except DescriptionError:
        return
    for (kind, name), (measured_by, commanded_by) in senses.items():
        if measured_by != commanded_by and not kind.is_gripper:
            index = next(i for i, own in robot.output[kind].items() if own == name)
            yield Finding(
                f"{robot.path}: '{name}' is measured with scale {measured_by[0]:g}, offset "
                f'{measured_by[1]:g}, but commanded with scale {commanded_by[0]:g}, offset '
                f'{commanded_by[1]:g}: if both are in one unit, write the same under commands',
                (Place(False, kind, index, robot.name),),
            )


def _indices(indices: Sequence[int]) -> str:
    return f'{"index" if len(indices) == 1 else "indices"} {", ".join(map(str, indices))}'
