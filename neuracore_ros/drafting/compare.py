"""Whether two robots' joints mean the same: axis, sign and zero."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from neuracore_ros.description.data_type import DataType
from neuracore_ros.description.embodiment import Slots
from neuracore_ros.description.robot import Robot
from neuracore_ros.drafting.kinematics import Kinematics, MovingJoint
from neuracore_ros.errors import DescriptionError

# Of axes in the zero pose: more than this is one direction, less is across.
_SAME_DIRECTION = 0.8
# A hand lies beside the axis that rolls it, by as much as its fingers are long.
_ALONG_THE_HAND = 0.7
# Midpoints of two ranges further apart than this tell of another zero [rad].
_OTHER_ZERO = 0.5


@dataclass(frozen=True, slots=True)
class Other:
    """The robot that is aligned with.

    Attributes:
        robot: Its file.
        arm: Its URDF; None where that is not known, and then axes are not compared.
    """

    robot: Robot
    arm: Kinematics | None

    def joints(self) -> Slots:
        """Its measured or commanded joints by index.

        Raises:
            DescriptionError: It has none.
        """
        for description in (self.robot.input, self.robot.output):
            for kind in (DataType.JOINT_POSITIONS, DataType.JOINT_TARGET_POSITIONS):
                if kind in description:
                    return description[kind]
        raise DescriptionError(f'{self.robot.path}: has no joints to align with')

    def output_type(self) -> DataType:
        """What it is commanded in."""
        for kind in (DataType.JOINT_TARGET_POSITIONS, DataType.JOINT_POSITIONS):
            if kind in self.robot.output:
                return kind
        return DataType.JOINT_TARGET_POSITIONS

    def sense(self, name: str) -> tuple[float, float]:
        """Scale and offset from a joint's own value to its slot's."""
        for source in self.robot.measured_sources():
            if source.name == name:
                return source.scale, source.offset
        return 1.0, 0.0

    def range(self, name: str) -> tuple[float, float] | None:
        """Position limits of a joint, in its slot's sense; None without."""
        for (kind, joint), limit in self.robot.limits.items():
            if joint == name and not kind.is_gripper and math.isfinite(limit.upper - limit.lower):
                scale, offset = self.sense(name)
                ends = sorted((scale * limit.lower + offset, scale * limit.upper + offset))
                return ends[0], ends[1]
        return None

    def joint(self, name: str) -> MovingJoint | None:
        """A joint in its URDF."""
        if self.arm is None:
            return None
        own = {s.name: s.message_name for s in self.robot.measured_sources()}
        named = self.arm.named()
        return named.get(name) or named.get(own.get(name, ''))


def compare_axes(
    name: str, counterpart: str, arm: Kinematics | None, other: Other, is_wrist: bool
) -> tuple[bool, list[str]]:
    """Compare what two joints turn about in the zero pose.

    Args:
        name: Of the new robot.
        counterpart: Of the other robot.
        arm: The new robot's URDF.
        other: The other robot.
        is_wrist: Whether each is the last joint before the hand.

    Returns:
        Whether they turn opposite ways, and what is wrong, one line each.
    """
    mine, its = arm.named().get(name) if arm else None, other.joint(counterpart)
    if mine is None or its is None:
        return False, []
    if mine.slides != its.slides:
        kinds = ('turns', 'slides')
        return False, [f'{name} {kinds[mine.slides]}, {counterpart} {kinds[its.slides]}']
    sense = math.copysign(1.0, other.sense(counterpart)[0])
    if is_wrist and min(abs(mine.outward), abs(its.outward)) > _ALONG_THE_HAND:
        return _compare_rolls(mine, its, sense)
    along = float(np.dot(mine.axis, its.axis)) * sense
    if along > _SAME_DIRECTION:
        return False, []
    if along < -_SAME_DIRECTION:
        return True, [
            f'turns about {mine.direction()}, {counterpart} about {its.direction()} in the zero '
            'pose: opposite sign'
        ]
    better = [
        f'{theirs} (index {index})'
        for index, theirs in other.joints().items()
        if (joint := other.joint(theirs)) is not None
        and joint.slides == mine.slides
        and abs(float(np.dot(mine.axis, joint.axis))) > _SAME_DIRECTION
    ]
    hint = f'; about the same axis turn {", ".join(better)}' if better else ''
    return False, [
        f'turns about {mine.direction()}, {counterpart} about {its.direction()} in the zero pose: '
        f'another motion, or another zero of the joints before{hint}'
    ]


def _compare_rolls(mine: MovingJoint, its: MovingJoint, sense: float) -> tuple[bool, list[str]]:
    """Two joints that roll the hand, wherever it points in the zero pose."""
    if mine.outward * its.outward * sense > 0:
        return False, []
    ways = ('out of', 'into')
    return True, [
        f'rolls the hand about an axis {ways[mine.outward < 0]} the arm, {its.name} about one '
        f'{ways[its.outward < 0]} it: opposite sign'
    ]


def compare_ranges(
    name: str,
    counterpart: str,
    own: tuple[float, float] | None,
    opposite: bool,
    other: Other,
) -> list[str]:
    """What the ranges tell about the zeros, one line each; those of a turn and more tell nothing.

    Args:
        name: Of the new robot.
        counterpart: Of the other robot.
        own: Position limits of the new robot's joint.
        opposite: Whether its sign is to be turned.
        other: The other robot.
    """
    theirs = other.range(counterpart)
    if own is None or theirs is None or max(own[1] - own[0], theirs[1] - theirs[0]) > 2 * math.pi:
        return []
    mine = (-own[1], -own[0]) if opposite else own
    apart = (mine[0] + mine[1] - theirs[0] - theirs[1]) / 2
    if abs(apart) <= _OTHER_ZERO:
        return []
    turned = ' with its sign turned' if opposite else ''
    return [
        f'goes from {mine[0]:.2f} to {mine[1]:.2f}{turned}, {counterpart} from {theirs[0]:.2f} to '
        f'{theirs[1]:.2f}: zero may mean another pose, about {apart:+.1f} apart'
    ]
