"""Slots that look misaligned between robots: no errors, but worth a second look."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from neuracore_ros.description.data_type import DataType
from neuracore_ros.description.descriptions import Descriptions
from neuracore_ros.description.embodiment import CrossEmbodimentDescription
from neuracore_ros.description.layout import Layout, SlotTable, slot_tables
from neuracore_ros.description.limits import Range
from neuracore_ros.description.robot import Robot
from neuracore_ros.description.robot_checks import (
    split_joints,
    suspect_limits,
    suspect_speeds,
)
from neuracore_ros.description.source import Source
from neuracore_ros.errors import DescriptionError

# Whether it is an image -> what is said of samples that are taken as they come.
_UNTREATED = {True: 'the whole image', False: 'measured'}
# The share of the shorter range that another sign must bring back.
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
        text: One line: where, what is there, and the correction.
        places: The slots that may be wrong; none where nothing has to be.
    """

    text: str
    places: tuple[Place, ...] = ()


def findings(descriptions: Descriptions) -> list[Finding]:
    """Likely mistakes in descriptions and robot files, found without URDF or policy.

    Sharing a slot is what lets robots learn from one another; a name that sits elsewhere on
    another robot probably means the same joint at two slots.
    """
    found: list[Finding] = []
    for is_input, role, robots in roles(descriptions):
        for table in slot_tables(robots, Layout.of(robots.values())):
            what = f'{role}{table.kind}'
            found += _moved_names(what, is_input, table, descriptions.robots)
            found += _lonely(what, table, list(robots))
            # A vocabulary has slots for more than any robot has.
            if descriptions.vocabulary is None:
                found += _unfilled(what, table)
            found += _apart(what, is_input, table, descriptions.robots)
            if is_input:
                found += _treated_apart(what, table, descriptions.robots)
    for robot in descriptions.robots.values():
        found += _one_sense(robot)
        with suppress(DescriptionError):  # A robot without commands has no limits to judge.
            found += map(Finding, suspect_limits(robot))
            found += map(Finding, suspect_speeds(robot))
    return found


def roles(descriptions: Descriptions) -> Iterator[tuple[bool, str, CrossEmbodimentDescription]]:
    """Inputs and outputs with the word for each; once where they are the same."""
    if descriptions.input == descriptions.output:
        yield True, '', descriptions.input
        return
    yield True, 'input ', descriptions.input
    yield False, 'output ', descriptions.output


def _moved_names(
    what: str, is_input: bool, table: SlotTable, robots: Mapping[str, Robot]
) -> Iterator[Finding]:
    """Names at several indices, unless a vocabulary says what each of these indices means."""
    indices: dict[str, dict[int, list[str]]] = {}
    for index, names in enumerate(table.rows):
        for robot, name in names.items():
            indices.setdefault(name, {}).setdefault(index, []).append(robot)
    for name, places in indices.items():
        told = all(
            _is_named(robots.get(robot), table.kind, index)
            for index, who in places.items()
            for robot in who
        )
        if len(places) > 1 and not told:
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


def _is_named(robot: Robot | None, kind: DataType, index: int) -> bool:
    vocabulary = robot.vocabulary if robot is not None else None
    return vocabulary is not None and vocabulary.slot(kind, index) is not None


def _lonely(what: str, table: SlotTable, robots: Sequence[str]) -> Iterator[Finding]:
    """Slots that one robot fills alone."""
    for robot in robots if len(robots) > 1 else ():
        alone = {i: names[robot] for i, names in enumerate(table.rows) if [*names] == [robot]}
        if alone:
            shown = ', '.join(f"'{name}'" for name in alone.values())
            them, slots = ('it', 'this slot') if len(alone) == 1 else ('them', 'these slots')
            yield Finding(
                f"{what} {_indices(list(alone))}: only '{robot}' fills {them} ({shown}): it "
                f'learns {slots} from no other robot'
            )


def _unfilled(what: str, table: SlotTable) -> Iterator[Finding]:
    """Slots that no robot fills."""
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
            if robot in robots and (ends := robots[robot].reach(table.kind, name))
        }
        first = next(iter(known), '')
        for robot, (name, ends) in list(known.items())[1:]:
            other, theirs = known[first]
            if overlap(ends, theirs) > 0.0:
                continue
            yield Finding(
                f"{what} index {index}: '{name}' of {robot} goes from {ends[0]:.2f} to "
                f"{ends[1]:.2f}, '{other}' of {first} from {theirs[0]:.2f} to {theirs[1]:.2f}: "
                f'they have no value in common. {range_advice(ends, theirs)}',
                (Place(is_input, table.kind, index, robot),),
            )


def _treated_apart(what: str, table: SlotTable, robots: Mapping[str, Robot]) -> Iterator[Finding]:
    """Cameras of one slot of which only some are cropped, and openings that mean different things.

    A model that sees the table on one robot and the whole room on another sees two things.
    """
    for index, names in enumerate(table.rows):
        sources = {
            robot: source
            for robot, name in names.items()
            if robot in robots and (source := source_of(robots[robot], table.kind, name))
        }
        if table.kind.is_image:
            apart: dict[str, object] = {r: s.crop is not None for r, s in sources.items()}
            advice = 'crop each to the same part of the scene, or none'
        else:
            apart = {robot: source.follow_s for robot, source in sources.items()}
            advice = 'write the same follow_s on each, with the topic of its commands'
        if len(set(apart.values())) < 2:
            continue
        told = [
            f"'{source.name}' of {robot}: {source.treatment or _UNTREATED[table.kind.is_image]}"
            for robot, source in sources.items()
        ]
        yield Finding(
            f'{what} index {index} means different things: {"; ".join(told)}. So that it means '
            f'the same on each robot, {advice}',
            tuple(
                Place(True, table.kind, index, robot)
                for robot, is_treated in apart.items()
                if not is_treated or not table.kind.is_image
            ),
        )


def source_of(robot: Robot, kind: DataType, name: str) -> Source | None:
    """The source of an input; None where it is not known."""
    try:
        return robot.source(kind, name)
    except DescriptionError:
        return None


def overlap(first: Range, second: Range) -> float:
    """Length of what two ranges have in common; below 0 where they have nothing."""
    return min(first[1], second[1]) - max(first[0], second[0])


def range_advice(ends: Range, wanted: Range) -> str:
    """The option that would move a range to another one."""
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
    for kind, index, text in split_joints(robot):
        yield Finding(text, (Place(False, kind, index, robot.name),))
    try:
        scales = robot.scale_offsets()
    except DescriptionError:
        return
    for (kind, name), (measured, commanded) in scales.items():
        if measured != commanded and not kind.is_gripper:
            index = next(i for i, own in robot.output[kind].items() if own == name)
            yield Finding(
                f"{robot.path}: '{name}' is measured with scale {measured.scale:g}, offset "
                f'{measured.offset:g}, but commanded with scale {commanded.scale:g}, offset '
                f'{commanded.offset:g}: if both are in one unit, write the same under commands',
                (Place(False, kind, index, robot.name),),
            )


def _indices(indices: Sequence[int]) -> str:
    return f'{"index" if len(indices) == 1 else "indices"} {", ".join(map(str, indices))}'
