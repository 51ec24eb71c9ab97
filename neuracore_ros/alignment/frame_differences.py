"""Differences between the frames of pose slots that robots share."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from neuracore_ros.alignment.align_frames import WrittenFrames, propose
from neuracore_ros.arrays import FloatArray
from neuracore_ros.description.chain import Chain, Placement
from neuracore_ros.description.data_type import DataType
from neuracore_ros.description.layout_checks import Finding, Place
from neuracore_ros.description.robot import Robot
from neuracore_ros.errors import DescriptionError
from neuracore_ros.kinematics.joint_tree import JointTree, read_joint_tree
from neuracore_ros.wording import number_list

# Frames differ by more than arms are drawn differently [deg].
_TILTED, _TURNED, _OPPOSITE = 30.0, 45.0, 90.0
# Reaches that differ by more are of robots of different size; so do errors of poses that are
# allowed.
_OTHER_SIZE, _FAR_LARGER, _LOOSER = 1.5, 2.0, 3.9
_FREE = 6
# Home may be written a little outside [m].
_SLACK_M = 1e-3
_NOWHERE = Placement()


@dataclass(frozen=True, slots=True)
class PoseSlot:
    """A pose slot of one robot that is a chain.

    Attributes:
        robot: The robot.
        kind: DataType of the slot.
        index: Of the slot.
        frames: The frames of its chain.
    """

    robot: Robot
    kind: DataType
    index: int
    frames: WrittenFrames


FindFrames: TypeAlias = Callable[[str, JointTree, Chain, float], WrittenFrames | None]
"""Finds the frames of a chain as :meth:`WrittenFrames.of` does, or remembers them."""


def pose_slots(robot: Robot, find: FindFrames = WrittenFrames.of) -> list[PoseSlot]:
    """The pose slots of a robot that are chains, with their frames.

    Args:
        robot: The robot.
        find: Finds the frames of one chain, which takes a tenth of a second.

    Raises:
        DescriptionError: The URDF cannot be used, or pinocchio is not installed.
    """
    found: dict[tuple[DataType, int], str] = {}
    for description in (robot.input, robot.output):
        for kind, slots in description.items():
            for index, name in slots.items() if kind.is_pose else ():
                if name in robot.chains:
                    found.setdefault((kind, index), name)
    if not found or robot.urdf is None:
        return []
    tree = read_joint_tree(robot.urdf)
    slots_: list[PoseSlot] = []
    for (kind, index), name in found.items():
        scale = robot.pose_scale(kind, name)
        frames = find(robot.name, tree, robot.chains[name], scale)
        if frames is not None:
            slots_.append(PoseSlot(robot, kind, index, frames))
    return slots_


def frame_differences(slots: Sequence[PoseSlot]) -> list[Finding]:
    """Hold the frames of robots that share a pose slot against those of the first of them.

    Returns:
        One finding for each difference: which robots, what differs, by how much, what to write.
    """
    shared: dict[tuple[DataType, int], list[PoseSlot]] = {}
    for slot in slots:
        shared.setdefault((slot.kind, slot.index), []).append(slot)
    found: list[Finding] = []
    for (kind, index), those in shared.items():
        for slot in those:
            place = _places(slot)
            found += [
                Finding(f'{kind} index {index}: {text} ({slot.robot.path})', place)
                for text in (
                    *_own(slot),
                    *(_between(slot, those[0]) if slot is not those[0] else ()),
                )
            ]
    return found


def tips_differ(mine: WrittenFrames, its: WrittenFrames) -> bool:
    """True if the grasp frame of a robot means something else than another robot's.

    A frame at a flange differs only where its URDF shows how long its hand is.
    """
    if _is_bare(mine, its):
        return mine.shape.grasp.knows_tips
    return _tilt(mine, its) > _TILTED or _turn(mine, its) > _TURNED


def _is_bare(mine: WrittenFrames, its: WrittenFrames) -> bool:
    """True if only the other robot has its frame between the fingertips."""
    return _is_raw(mine.chain) and not _is_raw(its.chain) and _is_far(mine)


def _places(slot: PoseSlot) -> tuple[Place, ...]:
    name = slot.frames.chain.name
    return tuple(
        Place(is_input, slot.kind, slot.index, slot.robot.name)
        for is_input, described in ((True, slot.robot.input), (False, slot.robot.output))
        if described.get(slot.kind, {}).get(slot.index) == name
    )


def _own(slot: PoseSlot) -> Iterator[str]:
    """Mistakes that one robot's file shows by itself."""
    frames, chain = slot.frames, slot.frames.chain
    home = frames.hand[:3, 3]
    if chain.home.keys() >= set(chain.joints):
        for axis, (low, high) in chain.workspace.items():
            value = float(home['xyz'.index(axis)])
            if not low - _SLACK_M <= value <= high + _SLACK_M:
                yield (
                    f"at home, '{chain.name}' of {frames.robot} is at {axis} {value:.3f}, outside "
                    f'of its workspace {axis}: [{low:g}, {high:g}]: correct one of the two'
                )
    if frames.base_turn[2, 2] < math.cos(math.radians(_TURNED)):
        angle = _between_axes(frames.base_turn[:3, 2], np.array([0.0, 0.0, 1.0]))
        yield (
            f"the base frame of '{chain.name}' of {frames.robot} has its z {angle:.0f} degrees "
            'from upright; if its base stands level, correct rpy of base_offset'
        )


def _between(slot: PoseSlot, first: PoseSlot) -> Iterator[str]:
    mine, its = slot.frames, first.frames
    who, whose = f"'{mine.chain.name}' of {mine.robot}", f"'{its.chain.name}' of {its.robot}"
    is_bare = _is_bare(mine, its)
    if is_bare or _is_bare(its, mine):
        lacks, has = (who, whose) if is_bare else (whose, who)
        advice = _tip_line(mine, its) if is_bare else _tip_line(its, mine)
        yield (
            f'{lacks} has no tip_offset, {has} has: a frame at a flange and one between '
            f'fingertips are two meanings. Write {advice}'
        )
    elif (tilt := _tilt(mine, its)) > _TILTED:
        yield (
            f'z of {who} points {tilt:.0f} degrees away from where z of {whose} points, as the '
            f'approach of each hand goes. Write {_tip_line(mine, its)}'
        )
    elif (turn := _turn(mine, its)) > _TURNED:
        yield (
            f'x of {who} is turned by {turn:.0f} degrees about the approach at home, against x '
            f'of {whose}. Write {_tip_line(mine, its)}'
        )
    yield from _bases(mine, its, who, whose)
    yield from _sizes(mine, its, who, whose)
    yield from _targets(slot, first, who, whose)
    yield from _errors(mine.chain, its.chain, who, whose)


def _is_raw(chain: Chain) -> bool:
    return chain.tip_offset == _NOWHERE


def _is_far(frames: WrittenFrames) -> bool:
    """True if a frame at the tip link is none between fingertips, as far as is known."""
    turn, shape = frames.grasp_turn, frames.shape.grasp
    if not shape.knows_tips:
        return True
    tilted = _between_axes(turn[:3, 2], np.array([0.0, 0.0, 1.0])) > _TILTED
    return tilted or float(np.linalg.norm(turn[:3, 3])) > 0.03


def _tilt(mine: WrittenFrames, its: WrittenFrames) -> float:
    """Angle between the two z, each seen from the approach of its own hand [deg]; else at home."""
    if mine.shape.grasp.knows_approach and its.shape.grasp.knows_approach:
        return _between_axes(mine.grasp_turn[:3, 2], its.grasp_turn[:3, 2])
    return _between_axes(mine.hand[:3, 2], its.hand[:3, 2])


def _turn(mine: WrittenFrames, its: WrittenFrames) -> float:
    """Angle between the two x about the approach at home [deg]; 0 where it is not known."""
    for frames in (mine, its):
        is_home = frames.chain.home.keys() >= set(frames.chain.joints)
        if not (is_home or frames.shape.grasp.knows_closing):
            return 0.0
    one, other = mine.hand[:3, :3], its.hand[:3, :3]
    across = other[:, 0] - one[:, 2] * (one[:, 2] @ other[:, 0])
    length = float(np.linalg.norm(across))
    return _between_axes(one[:, 0], across / length) if length > 0.5 else 0.0


def _bases(mine: WrittenFrames, its: WrittenFrames, who: str, whose: str) -> Iterator[str]:
    ways = [frames.hand[:2, 3] for frames in (mine, its)]
    if min(float(np.linalg.norm(way)) for way in ways) < 0.05:
        return
    apart = _between_axes(*(way / np.linalg.norm(way) for way in ways))
    if apart > _OPPOSITE:
        made = propose(mine.shape, its).base_offset
        yield (
            f'at home, {who} is {apart:.0f} degrees away from {whose}, seen from their base '
            f'frames: x of both is where they work. Write base_offset: {_line(made)} under '
            f'chains: {mine.chain.name}'
        )


def _sizes(mine: WrittenFrames, its: WrittenFrames, who: str, whose: str) -> Iterator[str]:
    ratio = its.reach_m / mine.reach_m
    reaches = f'{who} reaches {mine.reach_m:.2f} m, {whose} {its.reach_m:.2f} m'
    if mine.scale == its.scale == 1.0:
        if max(ratio, 1.0 / ratio) > _FAR_LARGER:
            yield (
                f'{reaches}, and neither has a scale: poses of one are out of reach of the other. '
                'If both do the same in their own size, write scale: 1 / reach for the pose of '
                'each'
            )
    elif (scale := other_scale(mine, its)) is not None:
        found = mine.scale / its.scale / ratio
        yield (
            f'{reaches}, and their scales are {mine.scale:.4g} and {its.scale:.4g}: one is '
            f'{found:.2g} times what the reaches say. Write scale: {scale:.4g} for the pose of '
            f'{who}, or the reaches of both'
        )


def other_scale(mine: WrittenFrames, its: WrittenFrames) -> float | None:
    """The scale that a robot of another size needs beside another robot that has one.

    Returns:
        None where neither has a scale, or both are as their reaches say.
    """
    wanted = its.scale * its.reach_m / mine.reach_m
    is_one = mine.scale == its.scale == 1.0
    apart = mine.scale / wanted
    return None if is_one or max(apart, 1.0 / apart) <= _OTHER_SIZE else wanted


def _targets(slot: PoseSlot, first: PoseSlot, who: str, whose: str) -> Iterator[str]:
    known = _has_target(slot), _has_target(first)
    if None in known or known[0] == known[1]:
        return
    lacks, has = (who, whose) if known[1] else (whose, who)
    yield (
        f'{has} has targets, {lacks} has none: one learns what was commanded, the other what is '
        f'measured a step later. Write targets: {slot.kind}: {{topic: /...}} for {lacks}'
    )


def _has_target(slot: PoseSlot) -> bool | None:
    """True if a recording's commanded poses are read; None if poses are no output."""
    try:
        sources = slot.robot.output_sources()
    except DescriptionError:
        return None
    own = [s for s in sources if (s.data_type, s.index) == (slot.kind, slot.index)]
    return own[0].is_target if own else None


def _errors(mine: Chain, its: Chain, who: str, whose: str) -> Iterator[str]:
    if min(len(mine.joints), len(its.joints)) < _FREE:
        return
    for one, other, unit in (
        (mine.max_error_m, its.max_error_m, 'm'),
        (mine.max_error_rad, its.max_error_rad, 'rad'),
    ):
        if max(one / max(other, 1e-9), other / max(one, 1e-9)) > _LOOSER:
            yield (
                f'max_ik_error of {who} is {one:g} {unit}, that of {whose} {other:g} {unit}: the '
                'looser one may put the hand beside where the policy sends it. Write the same'
            )


def _tip_line(mine: WrittenFrames, its: WrittenFrames) -> str:
    made = propose(mine.shape, its)
    if not mine.shape.grasp.knows_tips:
        return (
            f'the length of the hand of {mine.robot}, which its URDF does not show, as z of '
            f'tip_offset under chains: {mine.chain.name}, seen from {made.tip}, with rpy '
            f'{_line(made.tip_offset).partition("rpy: ")[2]}'.removesuffix('}')
        )
    return (
        f'tip: {made.tip}, tip_offset: {_line(made.tip_offset)} under chains: '
        f'{mine.chain.name} of {mine.robot}'
    )


def _line(placement: Placement) -> str:
    return f'{{xyz: {number_list(placement.xyz)}, rpy: {number_list(placement.rpy)}}}'


def _between_axes(one: FloatArray, other: FloatArray) -> float:
    """Angle between two ways of length 1 [deg]."""
    return math.degrees(math.acos(max(-1.0, min(1.0, float(one @ other)))))
