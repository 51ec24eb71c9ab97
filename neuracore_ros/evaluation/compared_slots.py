"""The commanded values of one robot, in the slots' sense, and how far two of them are apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from neuracore_ros.arrays import FloatArray
from neuracore_ros.command.joints import Joints
from neuracore_ros.description import DataType, Joint, Layout, Robot
from neuracore_ros.description.data_type import POSE_COMPONENTS
from neuracore_ros.description.direct import DirectSlot
from neuracore_ros.description.vocabulary import Vocabulary
from neuracore_ros.kinematics.rotations import angles_between

_SIZE = len(POSE_COMPONENTS)
POSITION, ROTATION = 'cm', 'deg'
"""Units of the two errors of a pose."""


@dataclass(frozen=True, slots=True)
class ComparedSlot:
    """One error: that of a joint or gripper, or of a pose's position or rotation.

    Attributes:
        kind: Its DataType.
        index: Its slot.
        name: The robot's joint, or chain.
        unit: ``rad``, ``m``, ``rad/s``, ``Nm``, ``open`` of a gripper (0 closed, 1 open), ``cm``
            of a position, ``deg`` of a rotation; '' unknown.
        meaning: The name of the slot in the vocabulary; '' without one.
    """

    kind: DataType
    index: int
    name: str
    unit: str
    meaning: str = ''

    @property
    def label(self) -> str:
        """A label for people, unlike those of the other slots."""
        what = {'open': ' open', POSITION: ' position', ROTATION: ' rotation'}
        return f'{self.index} {self.name}{what.get(self.unit, "")}'


@dataclass(frozen=True, slots=True)
class Column:
    """One of the V numbers of a commanded slot, for a chart."""

    label: str
    unit: str


class ComparedSlots:
    """The commanded slots of one robot: V numbers, of which C errors are told.

    First come single numbers, in the order of the command topics, with one error each, joints
    before what is sent as it is; then poses, of seven numbers, with the distance of their
    positions and the angle of their rotations.

    Attributes:
        slots: The C errors.
        columns: The V numbers.
        valid: DataType -> bool, (W,): which of a policy's outputs they are.
        cm: Of each pose, centimetres of the robot in one unit of its positions.
    """

    def __init__(
        self,
        robot: Robot,
        layout: Layout | None = None,
        scaled: Robot | None = None,
        vocabulary: Vocabulary | None = None,
    ) -> None:
        """Take every joint and pose that the robot file commands.

        Args:
            robot: The robot.
            layout: Of a policy's outputs; by default the narrowest that holds the robot's.
            scaled: The robot file that knows the scales of poses; by default ``robot``.
            vocabulary: Names the slots.

        Raises:
            DescriptionError: An output has no command; or the kinematics of a chain fail.
        """
        joints = Joints.of(robot.commands(), robot.chain_outputs())
        own = [joint for joint in joints.joints if not joint.chain]
        direct = [slot for command in robot.direct_commands() for slot in command.slots]
        self._poses = [
            (kind, index, name)
            for kind, names in robot.output.items()
            if kind.is_pose
            for index, name in names.items()
        ]
        told: list[Joint | DirectSlot] = [*own]
        told += [slot for slot in direct if not slot.data_type.is_pose]
        single = [
            ComparedSlot(each.data_type, each.index, each.name, _unit(each)) for each in told
        ]
        self._single = tuple(single)
        both = (POSITION, ROTATION)
        poses = [ComparedSlot(*pose, unit) for pose in self._poses for unit in both]
        self.slots = tuple(_named(slot, vocabulary) for slot in (*single, *poses))
        parts = [(*pose, part) for pose in self._poses for part in POSE_COMPONENTS]
        self.columns = (
            *(Column(slot.label, slot.unit) for slot in single),
            *(
                Column(f'{index} {name} {part}', '' if part.startswith('q') else 'm')
                for _, index, name, part in parts
            ),
        )
        self.valid = (layout or Layout.of([robot.output])).valid(robot.output)
        self._chains = {(c.output.data_type, c.output.index): c for c in joints.chains}
        self._own = np.array([not joint.chain for joint in joints.joints], bool)
        self._scale = np.array([joint.scale for joint in own])
        self._offset = np.array([joint.offset for joint in own])
        self._integrated = np.array([joint.is_integrated for joint in own], bool)
        # A continuous joint is back where it was after a turn.
        turns = joints.turns[self._own] & ~self._integrated
        self._turn = np.full(len(single), np.inf)
        self._turn[: len(own)] = np.where(turns, 2 * np.pi * np.abs(self._scale), np.inf)
        # Positions are told in the robot's own centimetres.
        scale = (scaled or robot).pose_scale
        self.cm = tuple(100 / scale(kind, name) for kind, _, name in self._poses)

    def of_slots(self, values: Mapping[DataType, NDArray[np.floating]]) -> FloatArray:
        """DataType -> (..., W), poses (..., W, 7), as (..., V)."""
        numbers = [values[slot.kind][..., slot.index, None] for slot in self._single]
        numbers += [values[kind][..., index, :] for kind, index, _ in self._poses]
        return np.concatenate(numbers, axis=-1).astype(np.float64)

    def of_joints(self, positions: FloatArray) -> FloatArray:
        """Positions (J,) in the robot's own units and sense, (V,) in the slots'.

        A chain has the pose of its joints. NaN stands for what is no position of a joint.
        """
        own = np.where(self._integrated, np.nan, self._scale * positions[self._own] + self._offset)
        found = [own, np.full(len(self._single) - len(own), np.nan)]
        for kind, index, _ in self._poses:
            chain = self._chains.get((kind, index))
            pose = (
                chain.poses(positions[None, chain.columns])[0] if chain else np.full(_SIZE, np.nan)
            )
            found.append(pose.astype(np.float64))
        return np.concatenate(found)

    def distance(self, found: FloatArray, wanted: FloatArray) -> FloatArray:
        """The errors (..., C) between values (..., V), NaN where one is not known."""
        count = len(self._single)
        apart = np.abs(found[..., :count] - wanted[..., :count])
        turned = np.isfinite(self._turn)
        turn = self._turn[turned]
        around = apart[..., turned] % turn
        apart[..., turned] = np.minimum(around, turn - around)
        errors = [apart]
        for one, other, cm in zip(self.poses(found), self.poses(wanted), self.cm, strict=True):
            errors.append(cm * np.linalg.norm(one[..., :3] - other[..., :3], axis=-1)[..., None])
            errors.append(np.degrees(angles_between(one[..., 3:], other[..., 3:]))[..., None])
        return np.concatenate(errors, axis=-1)

    def poses(self, values: FloatArray) -> list[FloatArray]:
        """The poses (..., 7) among values (..., V), in the order of their errors."""
        poses = values[..., len(self._single) :]
        return np.split(poses, len(self._poses), axis=-1) if self._poses else []


def _named(slot: ComparedSlot, vocabulary: Vocabulary | None) -> ComparedSlot:
    """The slot with its name in the vocabulary, if that has one for it."""
    named = vocabulary.slot(slot.kind, slot.index) if vocabulary is not None else None
    return replace(slot, meaning=named.name) if named is not None else slot


def _unit(slot: Joint | DirectSlot) -> str:
    kind = slot.data_type
    if kind.is_gripper:
        return 'open'
    if kind.measured is DataType.JOINT_POSITIONS:
        return 'm' if isinstance(slot, Joint) and slot.limit.slides else 'rad'
    return {DataType.JOINT_VELOCITIES: 'rad/s', DataType.JOINT_TORQUES: 'Nm'}.get(kind, '')
