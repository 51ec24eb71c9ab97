"""The content of a layout's text, JSON and picture."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from neuracore_ros.alignment.arm import DescribedArm
from neuracore_ros.alignment.differences import differences, named_apart
from neuracore_ros.alignment.frame_differences import PoseSlot, frame_differences
from neuracore_ros.alignment.roles import Meaning, Role
from neuracore_ros.description import Descriptions, Layout, Robot
from neuracore_ros.description.data_type import DataType
from neuracore_ros.description.layout import SlotTable, slot_tables
from neuracore_ros.description.layout_checks import Finding, Place, findings, source_of
from neuracore_ros.description.limits import Range
from neuracore_ros.description.vocabulary import (
    Vocabulary,
    VocabularySlot,
    known_vocabulary,
)
from neuracore_ros.errors import PolicyError
from neuracore_ros.policy.compatibility import (
    Described,
    SlotCompatibility,
    compatibility,
    fit,
    trained_range,
    trained_slots,
)
from neuracore_ros.policy.manifest import Manifest
from neuracore_ros.policy.trained_treatments import other_senses
from neuracore_ros.policy.training_range import beyond_training
from neuracore_ros.policy.vocabularies import vocabulary_refusal, vocabulary_warnings

# So many empty rows are worth a row each.
_MANY = 4


@dataclass(frozen=True, slots=True)
class LayoutCell:
    """One slot of one robot.

    Attributes:
        name: The joint or camera.
        role: The role of the joint in the arm; None without a URDF.
        scale: From the joint's own value to its slot's.
        offset: Likewise.
        treatment: The crop of a camera, or the command that an opening follows; '' without.
        reach: Position limits in the slot's sense; None without.
        compatibility: Its use by the policy; fits without one.
        is_doubted: True if a warning is about it.
    """

    name: str
    role: Role | None = None
    scale: float = 1.0
    offset: float = 0.0
    treatment: str = ''
    reach: Range | None = None
    compatibility: SlotCompatibility = SlotCompatibility.FITS
    is_doubted: bool = False


@dataclass(frozen=True, slots=True)
class LayoutRow:
    """One index: robot -> its slot, and what training saw there.

    Attributes:
        cells: Robots that have it.
        slot: What the vocabulary says of it; None without a vocabulary, or where it says nothing.
        is_trained: True if the policy was trained on it; None without a policy.
        trained: Least and largest value of training; None if unknown.
    """

    cells: Mapping[str, LayoutCell]
    is_trained: bool | None = None
    trained: Range | None = None
    slot: VocabularySlot | None = None

    @property
    def is_empty(self) -> bool:
        """True if no robot has it, and no policy was trained on it."""
        return not self.cells and not self.is_trained


@dataclass(frozen=True, slots=True)
class LayoutTable:
    """One DataType: a row for each index, from 0 to the width.

    Attributes:
        role: ``input``, ``output`` or ``input and output``.
        kind: The DataType.
        rows: By index.
        width: The width of the layout; less than the rows if a robot goes beyond a policy.
    """

    role: str
    kind: DataType
    rows: tuple[LayoutRow, ...]
    width: int

    @property
    def has_names(self) -> bool:
        """True if an index that is shown has a name."""
        return any(row.slot for row in self.rows)

    def folded(self) -> list[tuple[str, LayoutRow]]:
        """The rows with their index as text; where many follow that are empty, one for all."""
        found: list[tuple[str, LayoutRow]] = []
        for is_empty, group in groupby(enumerate(self.rows), lambda item: item[1].is_empty):
            rows = list(group)
            if is_empty and len(rows) > _MANY:
                found.append((f'{rows[0][0]}-{rows[-1][0]}', rows[0][1]))
            else:
                found += [(str(index), row) for index, row in rows]
        return found


@dataclass(frozen=True, slots=True)
class RobotColumn:
    """One robot.

    Attributes:
        robot: Its name.
        is_trained: True if the policy was trained on it.
        refusal: Why the policy cannot drive it; empty if it can, or without a policy.
    """

    robot: str
    is_trained: bool = False
    refusal: str = ''


@dataclass(frozen=True, slots=True)
class Survey:
    """Robots beside each other.

    Attributes:
        columns: The robots.
        tables: Inputs, then outputs, each in canonical order.
        findings: Worth a second look, each with the slots that it is about.
        policy: The one that the robots are compared with, or None.
        poses: The pose slots that are chains, with their frames.
        vocabulary: Name of the vocabulary of the slots; '' without.
    """

    columns: tuple[RobotColumn, ...]
    tables: tuple[LayoutTable, ...]
    findings: tuple[Finding, ...]
    policy: Manifest | None = None
    poses: tuple[PoseSlot, ...] = ()
    vocabulary: str = ''

    @property
    def warnings(self) -> tuple[str, ...]:
        """The findings, one line each."""
        return tuple(finding.text for finding in self.findings)


def survey(
    descriptions: Descriptions,
    arms: Sequence[DescribedArm] = (),
    policy: Manifest | None = None,
    notes: Sequence[str] = (),
    poses: Sequence[PoseSlot] = (),
) -> Survey:
    """Compare robots with each other, and with a policy.

    Args:
        descriptions: The robots.
        arms: Those with URDFs, whose joints can be compared.
        policy: The robots that it was trained on come first.
        notes: Earlier warnings; they come first.
        poses: The pose slots that are chains.
    """
    robots = descriptions if policy is None else _with_trained(descriptions, policy)
    # Once a policy is trained, a slot that one robot filled alone cannot be corrected.
    found = [finding for finding in findings(robots) if policy is None or finding.places]
    found += differences(arms)
    found += frame_differences(poses)
    found += named_apart(robots, [arm.robot.name for arm in arms])
    columns = []
    for name in robots.input:
        is_trained = policy is not None and name not in descriptions.input
        refusal = ''
        if policy is not None and not is_trained:
            described = Described(name, robots.input[name], robots.output[name])
            try:
                found += map(Finding, fit(described, policy).warnings)
            except PolicyError as error:
                refusal = str(error)
                found.append(Finding(refusal))
        columns.append(RobotColumn(name, is_trained, refusal))
    if policy is not None:
        found += map(Finding, _vocabularies(descriptions.robots.values(), policy))
        # A finding from a URDF goes before one from a range.
        known = {place for finding in found for place in finding.places}
        for robot in descriptions.robots.values():
            far = beyond_training(robot, policy)
            found += [finding for finding in far if not known.intersection(finding.places)]
    doubted = {place for finding in found for place in finding.places}
    means = {arm.robot.name: arm.meanings() for arm in arms}
    vocabulary = _vocabulary(robots)
    cells = _Cells(descriptions, means, doubted, policy, vocabulary)
    tables = tuple(cells.table(*part) for part in _parts(robots, policy))
    told = {finding.text: finding for finding in (*map(Finding, notes), *found)}
    name = robots.vocabulary.name if robots.vocabulary else ''
    return Survey(tuple(columns), tables, tuple(told.values()), policy, tuple(poses), name)


def _vocabulary(robots: Descriptions) -> Vocabulary | None:
    """The slots of the robots' vocabulary; None where it is neither in a file nor shipped."""
    own = (robot.vocabulary for robot in robots.robots.values() if robot.vocabulary)
    return next(own, None) or known_vocabulary(robots.vocabulary)


def _vocabularies(robots: Iterable[Robot], policy: Manifest) -> Iterator[str]:
    """The vocabularies, signs and zeros that are not the policy's, a line each."""
    for robot in robots:
        for text in (vocabulary_refusal(robot, policy), other_senses(robot, policy)):
            if text:
                yield text
        yield from vocabulary_warnings(robot.vocabulary, policy, str(robot.path))


def _with_trained(descriptions: Descriptions, policy: Manifest) -> Descriptions:
    """The robots of a policy and of the files; a file overrides the policy."""
    trained = policy.robots
    return Descriptions(
        {**{name: robot.input for name, robot in trained.items()}, **descriptions.input},
        {**{name: robot.output for name, robot in trained.items()}, **descriptions.output},
        descriptions.robots,
        vocabulary=descriptions.vocabulary or policy.vocabulary,
    )


def _parts(
    robots: Descriptions, policy: Manifest | None
) -> Iterator[tuple[str, bool, SlotTable, int]]:
    """The role in words, True for an input, the slots of all robots, and the layout's width."""
    is_one = policy is None and robots.input == robots.output
    for is_input, described in ((True, robots.input), (False, robots.output)):
        role = 'input' if is_input else 'output'
        own = Layout.of(described.values())
        widths = own.widths
        if policy is not None:
            widths = (policy.input_layout if is_input else policy.output_layout).widths
        most = {
            kind: max(own.widths.get(kind, 0), widths.get(kind, 0))
            for kind in DataType
            if kind in own.widths or kind in widths
        }
        if is_input or not is_one:
            for table in slot_tables(described, Layout(most)):
                name = 'input and output' if is_one else role
                yield name, is_input, table, widths.get(table.kind, 0)


@dataclass(frozen=True, slots=True)
class _Cells:
    """The cells of single slots."""

    given: Descriptions
    means: Mapping[str, Mapping[str, Meaning]]
    doubted: Collection[Place]
    policy: Manifest | None
    vocabulary: Vocabulary | None

    def table(self, role: str, is_input: bool, slots: SlotTable, width: int) -> LayoutTable:
        rows = []
        for index, names in enumerate(slots.rows):
            cells = {
                robot: self._cell(Place(is_input, slots.kind, index, robot), name)
                for robot, name in names.items()
            }
            slot = self.vocabulary.slot(slots.kind, index) if self.vocabulary else None
            if self.policy is None:
                rows.append(LayoutRow(cells, slot=slot))
                continue
            trained = trained_slots(self.policy, is_input, slots.kind)
            is_trained = trained is not None and index in trained.trained
            ends = trained_range(self.policy, is_input, slots.kind, index)
            rows.append(LayoutRow(cells, is_trained, ends, slot))
        return LayoutTable(role, slots.kind, tuple(rows), width)

    def _cell(self, place: Place, name: str) -> LayoutCell:
        joints = place.kind.measured is DataType.JOINT_POSITIONS
        meaning = self.means.get(place.robot, {}).get(name) if joints else None
        cell = LayoutCell(
            name, meaning.role if meaning else None, is_doubted=place in self.doubted
        )
        if place.robot in self.given.robots:
            robot = self.given.robots[place.robot]
            own, ends = robot.scale_offset(place.kind, name), robot.reach(place.kind, name)
            cell = replace(cell, scale=own.scale, offset=own.offset, reach=ends)
            source = source_of(robot, place.kind, name) if place.is_input else None
            cell = replace(cell, treatment=source.treatment if source else '')
        if self.policy is None or place.robot not in self.given.input:
            return cell
        fitting = compatibility(self.policy, place.is_input, place.kind, place.index)
        return replace(cell, compatibility=fitting)
