"""A robot that is compared with another one: its robot file, beside its URDF."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from neuracore_ros.alignment.joint_meanings import joint_meanings
from neuracore_ros.alignment.roles import Meaning
from neuracore_ros.alignment.slot_proposal import SlotProposal
from neuracore_ros.alignment.vocabulary_meanings import meaning_of
from neuracore_ros.alignment.vocabulary_slots import place_in_vocabulary
from neuracore_ros.description.data_type import DataType
from neuracore_ros.description.embodiment import Slots
from neuracore_ros.description.robot import Robot
from neuracore_ros.description.routes import ScaleOffset, is_feature
from neuracore_ros.description.units import TICKS
from neuracore_ros.description.vocabulary import USUAL
from neuracore_ros.errors import DescriptionError
from neuracore_ros.kinematics.joint_tree import JointTree, read_joint_tree

# Scales that differ by less are one, however they were rounded.
_ROUNDED = 1e-3


@dataclass(frozen=True, slots=True)
class DescribedArm:
    """A robot file, and what is known of the arm.

    Attributes:
        robot: Its file.
        tree: Its URDF; None where that is not known, and then joints are compared by
            their order and names only.
        home: Joint -> position in some usual pose [rad]; may be empty.
    """

    robot: Robot
    tree: JointTree | None
    home: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def of(
        cls, robot: Robot, urdf: Path | str | None = None, home: Mapping[str, float] | None = None
    ) -> DescribedArm:
        """A robot with its URDF.

        Raises:
            DescriptionError: The URDF cannot be read.
        """
        urdf = urdf or robot.urdf
        return cls(robot, None if urdf is None else read_joint_tree(Path(urdf)), home or {})

    def joints(self) -> Slots:
        """The measured or commanded joints by index.

        Raises:
            DescriptionError: It has none.
        """
        if not (slots := self._joint_slots()):
            raise DescriptionError(f'{self.robot.path}: has no joints to align with')
        return slots

    @property
    def has_joints(self) -> bool:
        """True if joints have slots; a robot may have slots of poses only."""
        return bool(self._joint_slots())

    def output_type(self) -> DataType:
        """The DataType in which the joints are commanded."""
        targets, positions = DataType.JOINT_TARGET_POSITIONS, DataType.JOINT_POSITIONS
        output = self.robot.output
        return positions if positions in output and targets not in output else targets

    def index(self, kind: DataType, name: str, otherwise: int) -> int:
        """The index of a name in one DataType, of the input or else of the output."""
        for description in (self.robot.input, self.robot.output):
            for index, own in description.get(kind, {}).items():
                if own == name:
                    return index
        return otherwise

    def sense(self, name: str) -> tuple[float, float]:
        """Scale and offset from a joint's own value, [rad] or [m], to its slot's."""
        source = self.robot.source(DataType.JOINT_POSITIONS, name)
        if source is None:
            return 1.0, 0.0
        unit = self.unit(name)
        scale = source.scale / unit.scale
        return scale, source.offset - scale * unit.offset

    def unit(self, name: str) -> ScaleOffset:
        """The scale and offset from a joint's measured value to [rad] or [m].

        Only that of a LeRobot dataset has another unit: its source's scale is the joint's sense
        and the unit in one.
        """
        source = self.robot.source(DataType.JOINT_POSITIONS, name)
        if source is None or not is_feature(source.topic):
            return ScaleOffset()
        for (_, joint), limit in self.robot.limits.items():
            percent = (limit.upper - limit.lower) / 200
            if joint == name and math.isclose(abs(source.scale), percent, rel_tol=_ROUNDED):
                return ScaleOffset(abs(source.scale), (limit.upper + limit.lower) / 2)
        # Ticks count from the middle of a turn, or from one end: then there is an offset.
        unit = TICKS.offset if source.offset and _is_in_ticks(source.scale) else 0.0
        return ScaleOffset(abs(source.scale), unit)

    def turn(self, name: str) -> float:
        """By how much the zero of a joint may be elsewhere without it being known [rad].

        A whole turn; or half of one where a dataset has servo ticks, which do not tell from where
        they count.
        """
        unit = self.unit(name)
        return math.pi if _is_in_ticks(unit.scale) else 2 * math.pi

    def usual(self) -> dict[str, float]:
        """Joint -> where it usually is [rad]: its home, or the middle of its limits."""
        found = dict.fromkeys(self.joints().values(), 0.0)
        for (kind, joint), limit in self.robot.limits.items():
            middle = (limit.lower + limit.upper) / 2
            if joint in found and not kind.is_gripper and math.isfinite(middle):
                found[joint] = middle
        return {joint: self.home.get(joint, middle) for joint, middle in found.items()}

    def meanings(self) -> dict[str, Meaning]:
        """The meanings of the joints by their names in the robot file; empty without a URDF."""
        own = self.urdf_names()
        if self.tree is None or not own:
            return {}
        if places := self.places():
            known = {name: meaning_of(place) for name, place in places.items()}
            return {name: meaning for name, meaning in known.items() if meaning is not None}
        home = {called: self.home[name] for called, name in own.items() if name in self.home}
        found = joint_meanings(self.tree, list(own), home)
        return {own[called]: meaning for called, meaning in found.items()}

    def urdf_names(self) -> dict[str, str]:
        """Joint of the URDF -> its name in the robot file, of those that have a slot."""
        if self.tree is None:
            return {}
        in_urdf = {joint.name for joint in self.tree.moving}
        own = {}
        for name in self._joint_slots().values():
            source = self.robot.source(DataType.JOINT_POSITIONS, name)
            called = source.message_name if source and name not in in_urdf else name
            if called in in_urdf:
                own[called] = name
        return own

    def places(self) -> dict[str, SlotProposal]:
        """Joint of the file -> where the vocabulary that the file names has it, by its URDF.

        Empty where the file names none, or another one than the shipped one, whose rules are not
        known; without joints that have no slot.
        """
        vocabulary, own = self.robot.vocabulary, self.urdf_names()
        if self.tree is None or vocabulary is None or vocabulary.name != USUAL:
            return {}
        placed = place_in_vocabulary(self.tree, vocabulary).joints
        return {
            own[place.name]: replace(place, name=own[place.name])
            for place in placed
            if place.counterpart and place.name in own
        }

    def _joint_slots(self) -> Slots:
        for description in (self.robot.input, self.robot.output):
            for kind in (DataType.JOINT_POSITIONS, DataType.JOINT_TARGET_POSITIONS):
                if kind in description:
                    return description[kind]
        return {}


def _is_in_ticks(scale: float) -> bool:
    return math.isclose(abs(scale), TICKS.scale, rel_tol=_ROUNDED)
