"""Slots of a vocabulary for the joints and cameras of a robot, with the sign and zero of each."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from neuracore_ros.alignment.arm_in_plane import functions_of
from neuracore_ros.alignment.drawn_arm import drawn_hand, drawn_joints, front_of, upright
from neuracore_ros.alignment.joint_function import JointFunction
from neuracore_ros.alignment.name_heuristics import parts
from neuracore_ros.alignment.robot_parts import Arm, RobotParts, parts_of
from neuracore_ros.alignment.slot_proposal import SlotProposal
from neuracore_ros.description.data_type import DataType
from neuracore_ros.description.vocabulary import Vocabulary
from neuracore_ros.kinematics.joint_tree import JointTree

_JOINTS, _GRIPPERS = DataType.JOINT_POSITIONS, DataType.PARALLEL_GRIPPER_OPEN_AMOUNTS
_TORSO = {'lift': 'torso.lift', 'yaw': 'torso.yaw', 'pitch': 'torso.pitch', 'roll': 'torso.roll'}
_HEAD = {'yaw': 'head.pan', 'pitch': 'head.tilt', 'roll': 'head.roll'}
_NO_FRONT = (
    'it is drawn upright, so that nothing says which way is forward: if it works at its back, add '
    'half a turn to the shoulder yaw, and turn the signs and offsets of all pitches'
)


@dataclass(frozen=True, slots=True)
class VocabularyPlaces:
    """The slots of a robot's joints.

    Attributes:
        joints: By index; ``counterpart`` is the name of the slot, empty of an own index.
        grippers: One joint of each hand, by index.
        left_out: Joint -> why it has no slot.
        doubts: What concerns the whole robot, in words.
    """

    joints: tuple[SlotProposal, ...]
    grippers: tuple[SlotProposal, ...]
    left_out: Mapping[str, str]
    doubts: tuple[str, ...] = ()


def place_in_vocabulary(
    tree: JointTree, vocabulary: Vocabulary, names: Collection[str] | None = None
) -> VocabularyPlaces:
    """Give each joint of a robot its slot of a vocabulary, by the robot's URDF.

    Args:
        tree: The URDF.
        vocabulary: Whose slots have the names of ``arm/1``.
        names: The joints that are wanted; None: all that move. All count as parts of the body.

    Raises:
        DescriptionError: pinocchio is not installed, the tree is no robot's, or the vocabulary
            lacks a slot.
    """
    return place_parts(tree, parts_of(tree), vocabulary, names)


def place_parts(
    tree: JointTree,
    robot: RobotParts,
    vocabulary: Vocabulary,
    names: Collection[str] | None = None,
) -> VocabularyPlaces:
    """Give each joint of a robot its slot where the parts of the robot are known already."""
    placing = _Placing(tree, robot, vocabulary)
    left_out = {**robot.left_out, **placing.other_fingers()}
    wanted = robot.posed.keys() if names is None else set(names)
    return VocabularyPlaces(
        tuple(sorted(placing.joints(wanted), key=lambda place: place.index)),
        tuple(place for place in placing.grippers() if place.name in wanted),
        {name: why for name, why in left_out.items() if name in wanted},
        placing.doubts,
    )


class _Placing:
    """One robot whose joints are placed."""

    def __init__(self, tree: JointTree, robot: RobotParts, vocabulary: Vocabulary) -> None:
        self._tree, self._robot, self._vocabulary = tree, robot, vocabulary
        self._arms = {'right': robot.right, 'left': robot.left}
        self._turn, self.doubts = robot.turn, robot.doubts
        if robot.is_alone and robot.right is not None:
            arm = [robot.posed[name] for name in robot.right.joints]
            self._turn, is_known = front_of(tree, [joint for joint in arm if not joint.slides])
            self.doubts = robot.doubts if is_known else (*robot.doubts, _NO_FRONT)
        self.doubts += tuple(self._askew())

    def joints(self, wanted: Collection[str]) -> Iterator[SlotProposal]:
        own = self._vocabulary.first_own(_JOINTS)
        for place in (*self._of_arms(), *self._of_body()):
            if place.name not in wanted:
                continue
            if place.counterpart:
                yield place
            else:
                yield replace(place, index=own)
                own += 1

    def grippers(self) -> Iterator[SlotProposal]:
        """The gripper of each hand that is none of many fingers."""
        for which, arm in self._arms.items():
            if arm is not None and (finger := _gripper(arm)):
                slot = f'{which}.gripper'
                index = self._vocabulary.index(_GRIPPERS, slot)
                yield SlotProposal(finger, index, f'{slot}, by its name', slot)

    def other_fingers(self) -> dict[str, str]:
        """Joint of a hand -> why it has no slot."""
        found: dict[str, str] = {}
        for arm in filter(None, self._arms.values()):
            chosen = _gripper(arm)
            why = f'is another finger of {chosen}' if chosen else 'is of a hand with many joints'
            found |= {name: why for name in arm.fingers if name != chosen}
        return found

    def _askew(self) -> Iterator[str]:
        """The arms whose bases are tilted, with the angle."""
        found: dict[str, list[str]] = {}
        for which, arm in self._arms.items():
            chain = [self._robot.posed[name] for name in arm.joints] if arm else []
            turning = [joint for joint in chain if not joint.slides]
            turned = upright(turning, self._robot.turn) @ self._robot.turn.T
            angle = math.degrees(math.acos(np.clip((np.trace(turned) - 1) / 2, -1.0, 1.0)))
            if angle > 1.0:
                found.setdefault(f'{angle:.0f}', []).append(which)
        for degrees, sides in found.items():
            own = f'base of the {sides[0]} arm is' if len(sides) == 1 else 'bases of both arms are'
            yield (
                f'the {own} tilted by {degrees} degrees: slots are those that they would have '
                'on a level base'
            )

    def _of_arms(self) -> Iterator[SlotProposal]:
        found: dict[str, JointFunction] = {}
        for which, arm in self._arms.items():
            if arm is None:
                continue
            turning = [name for name in arm.joints if not self._robot.posed[name].slides]
            chain = [self._robot.posed[name] for name in turning]
            fingers = [self._robot.posed[name] for name in arm.fingers]
            turn = upright(chain, self._turn)
            joints = drawn_joints(self._tree, chain, turn)
            hand = drawn_hand(chain, fingers, turn)
            found = functions_of(joints, hand, list(found.values()))
            slid = False
            for name in arm.joints:
                if name not in found:
                    below = not turning or arm.joints.index(name) < arm.joints.index(turning[0])
                    yield self._slide(name, '' if slid else f'{which}.slide', is_below=below)
                    slid = True
                    continue
                function = found[name]
                if not function.slot:
                    yield self._own(name, 'no slot of the vocabulary does what it does')
                    continue
                yield self._named(
                    name,
                    f'{which}.{function.slot}',
                    function.scale,
                    function.offset,
                    zero_known=function.zero_known,
                    doubts=function.doubts,
                )

    def _of_body(self) -> Iterator[SlotProposal]:
        for names, slots in ((self._robot.torso, _TORSO), (self._robot.head, _HEAD)):
            free = dict(slots)
            for name in names:
                posed = self._robot.posed[name]
                axis = self._turn @ posed.axis
                place = int(np.argmax(np.abs(axis)))
                motion = 'lift' if posed.slides and place == 2 else ('roll', 'pitch', 'yaw')[place]
                slot = free.pop(motion, '') if posed.slides == (motion == 'lift') else ''
                if not slot:
                    yield self._own(name, f'a further {motion}, for which there is no slot')
                    continue
                scale = -1.0 if axis[place] < 0 else 1.0
                offset = self._from_lowest(name, scale) if posed.slides else 0.0
                yield self._named(name, slot, scale, offset)
        for name in self._robot.others:
            yield self._own(name, 'it is of no arm, torso or head that is known')

    def _named(
        self,
        name: str,
        slot: str,
        scale: float,
        offset: float,
        *,
        zero_known: bool = True,
        doubts: Sequence[str] = (),
    ) -> SlotProposal:
        index = self._vocabulary.index(_JOINTS, slot)
        return SlotProposal(
            name,
            index,
            f'{slot}, by what it does',
            slot,
            scale=scale,
            offset=offset,
            zero_known=zero_known,
            doubts=tuple(doubts),
        )

    def _own(self, name: str, why: str) -> SlotProposal:
        doubt = f'{why}: an index of your own'
        return SlotProposal(name, -1, why, doubts=(doubt,), zero_known=False)

    def _slide(self, name: str, slot: str, *, is_below: bool) -> SlotProposal:
        if not slot:
            return self._own(name, 'a further slide, for which there is no slot')
        axis = self._turn @ self._robot.posed[name].axis
        # Up, or else left, or else forward.
        place = max((2, 1, 0), key=lambda which: round(abs(float(axis[which])), 1))
        scale = -1.0 if axis[place] < 0 else 1.0
        limit = self._tree.urdf.limits[name].position
        if limit is None or not all(map(math.isfinite, limit)):
            return self._named(name, slot, scale, 0.0, zero_known=False)
        is_rail = is_below and place != 2
        offset = -scale * sum(limit) / 2 if is_rail else self._from_lowest(name, scale)
        return self._named(name, slot, scale, offset)

    def _from_lowest(self, name: str, scale: float) -> float:
        limit = self._tree.urdf.limits[name].position
        if limit is None or not all(map(math.isfinite, limit)):
            return 0.0
        return -min(scale * limit[0], scale * limit[1]) + 0.0


def _gripper(arm: Arm) -> str:
    """The joint that stands for a gripper's opening; empty for a hand of many fingers."""
    of_hand = {'thumb', 'index', 'middle', 'ring', 'pinky', 'little'}
    if any(of_hand & set(parts(name)) for name in arm.fingers):
        return ''
    return arm.fingers[0] if arm.fingers else ''
