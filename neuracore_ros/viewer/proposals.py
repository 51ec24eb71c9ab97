"""Proposals for a robot beside another one: what ``describe --like`` would write otherwise."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from neuracore_ros.alignment.align import SlotProposal, align, align_cameras
from neuracore_ros.alignment.align_frames import WrittenFrames, propose
from neuracore_ros.alignment.arm import DescribedArm
from neuracore_ros.alignment.chain_frames import matrix, placement, relative
from neuracore_ros.alignment.frame_differences import PoseSlot, other_scale, tips_differ
from neuracore_ros.alignment.name_heuristics import alike
from neuracore_ros.alignment.roles import Role
from neuracore_ros.arrays import FloatArray
from neuracore_ros.description import DataType, Robot
from neuracore_ros.errors import DescriptionError
from neuracore_ros.viewer.layout_warnings import LayoutComparison
from neuracore_ros.viewer.robot_file_editor import FRAMES
from neuracore_ros.viewer.robot_file_editor import RobotFileEditor as Editor

_JOINTS = DataType.JOINT_POSITIONS
_CAMERAS = (DataType.RGB_IMAGES, DataType.DEPTH_IMAGES)
# Zeros that are nearer are one, as they are drawn [rad], [m].
_SAME_ZERO = 0.01
# Behind the point, as `describe` writes offsets.
_DIGITS = 4
# Frames that are nearer are one, as hands are measured [deg], [m].
_SAME_WAY, _SAME_PLACE = 15.0, 0.05
# More steps lead nowhere.
_MOST_STEPS = 100


@dataclass(frozen=True, slots=True)
class Proposal:
    """One edit that would bring a robot nearer to another one.

    Attributes:
        kind: DataType of the slot.
        name: The robot file's name for it.
        text: What is proposed, and the reason, in one line.
        apply: Does it.
    """

    kind: DataType
    name: str
    text: str
    apply: Callable[[Editor], None]


def proposals(robot: Robot, like: Robot, comparison: LayoutComparison) -> tuple[Proposal, ...]:
    """Propose edits of a robot, only where it differs from another one.

    Each is what its reasons say of the robot as it is now: applying one may change others, so
    ask again afterwards. A joint that turns the other way has its zero proposed once it is
    turned.

    Args:
        robot: Whose slots and frames are proposed.
        like: Whose index space it is, with its signs, zeros and frames.
        comparison: Holds their URDFs.

    Raises:
        DescriptionError: A URDF cannot be used.
    """
    return (
        *_commands(robot),
        *_joints(robot, like, comparison),
        *_cameras(robot, like),
        *_frames(robot, like, comparison),
    )


def apply_all(editor: Editor, like: Robot, comparison: LayoutComparison) -> int:
    """Apply proposals until there are none; one undo takes all of them back.

    Returns:
        The number of those that were applied.

    Raises:
        UserError: An edit was refused, and none is left.
    """
    seen = {editor.text}
    with editor.as_one():
        for count in range(_MOST_STEPS):
            found = proposals(editor.robot, like, comparison)
            if not found:
                return count
            found[0].apply(editor)
            if editor.text in seen:
                return count
            seen.add(editor.text)
    return _MOST_STEPS


def _commands(robot: Robot) -> Iterator[Proposal]:
    """Joints that are commanded in another sense than they are measured in."""
    try:
        scalings = robot.scale_offsets()
    except DescriptionError:
        return
    for (kind, name), (measured, commanded) in scalings.items():
        if measured != commanded and not kind.is_gripper:
            yield Proposal(
                kind,
                name,
                f"command '{name}' as it is measured, with scale {measured.scale:g} and offset "
                f'{measured.offset:g}: it is commanded with {commanded.scale:g} and '
                f'{commanded.offset:g}',
                partial(Editor.match_commands, kind=kind, name=name),
            )


def _joints(robot: Robot, like: Robot, comparison: LayoutComparison) -> Iterator[Proposal]:
    arm, other = comparison.arm(robot), comparison.arm(like)
    if not (arm.has_joints and other.has_joints):
        return
    slots, theirs, means = arm.joints(), other.joints(), other.meanings()
    found = {each.name: each for each in align(arm, other)}
    swapped: set[str] = set()
    for index, name in slots.items():
        place = found[name]
        is_known = place.role is not None or alike(name, place.counterpart)
        neighbour = means.get(theirs.get(index, ''))
        is_stranger = neighbour is not None and neighbour.role is not place.role
        if not (is_known and place.same):
            continue
        if place.index != index and (place.counterpart or (place.fits and is_stranger)):
            if name not in swapped:
                yield _moved(name, place, slots.get(place.index, ''))
                swapped.add(slots.get(place.index, ''))
        elif place.counterpart in means and place.role is not None:
            yield from _sense(arm, place)


def _moved(name: str, place: SlotProposal, there: str) -> Proposal:
    why = f'{place.why}{_doubts(place)}'
    if there:
        text = f"swap '{name}' with '{there}', to index {place.index}: {why}"
        return Proposal(
            _JOINTS, name, text, partial(Editor.swap, kind=_JOINTS, one=name, other=there)
        )
    text = f"put '{name}' at index {place.index}: {why}"
    return Proposal(
        _JOINTS,
        name,
        text,
        partial(Editor.set_index, kind=_JOINTS, name=name, index=place.index),
    )


def _sense(arm: DescribedArm, place: SlotProposal) -> Iterator[Proposal]:
    scale, offset = arm.sense(place.name)
    if scale * place.scale < 0.0:
        yield Proposal(
            _JOINTS,
            place.name,
            f"turn the sign of '{place.name}': it turns the other way than '{place.counterpart}'"
            f'{_doubts(place)}',
            partial(Editor.flip_sign, kind=_JOINTS, name=place.name),
        )
        return
    by = place.offset - offset
    if place.role is not Role.SLIDE:
        by = math.remainder(by, 2 * math.pi)
    by = round(offset + by, _DIGITS) - offset
    if place.zero_known and abs(by) > _SAME_ZERO:
        unit = 'm' if place.role is Role.SLIDE else 'rad'
        yield Proposal(
            _JOINTS,
            place.name,
            f"move the zero of '{place.name}' by {by:+.4f} {unit}, to that of "
            f"'{place.counterpart}'{_doubts(place)}",
            partial(Editor.move_zero, kind=_JOINTS, name=place.name, by=by),
        )


def _doubts(place: SlotProposal) -> str:
    return f' ({"; ".join(place.doubts)})' if place.doubts else ''


def _cameras(robot: Robot, like: Robot) -> Iterator[Proposal]:
    for kind in _CAMERAS:
        slots, theirs = robot.input.get(kind, {}), like.input.get(kind, {})
        for place in align_cameras(list(slots.values()), theirs, like.name) if theirs else ():
            index = next(own for own, name in slots.items() if name == place.name)
            if not place.fits or place.index == index:
                continue
            if place.index not in slots:
                text = f"put '{place.name}' at index {place.index}: {place.why}"
                edit = partial(Editor.set_index, kind=kind, name=place.name, index=place.index)
            else:
                there = slots[place.index]
                text = f"swap '{place.name}' with '{there}', to index {place.index}: {place.why}"
                edit = partial(Editor.swap, kind=kind, one=place.name, other=there)
            yield Proposal(kind, place.name, text, edit)


def _frames(robot: Robot, like: Robot, comparison: LayoutComparison) -> Iterator[Proposal]:
    theirs = {(slot.kind, slot.index): slot for slot in comparison.pose_slots(like)}
    for slot in comparison.pose_slots(robot):
        other = theirs.get((slot.kind, slot.index))
        if other is not None:
            yield from _frames_of(slot, other.frames)


def _frames_of(slot: PoseSlot, like: WrittenFrames) -> Iterator[Proposal]:
    mine, chain = slot.frames, slot.frames.chain
    made = propose(mine.shape, like)
    base = mine.shape.base_link @ matrix(made.base_offset)
    grasp = mine.shape.tip_link @ matrix(made.tip_offset)
    if not mine.shape.grasp.knows_tips:
        # The URDF does not show how long the hand is: the file may.
        grasp[:3, 3] = mine.grasp[:3, 3]
    if (scale := other_scale(mine, like)) is not None:
        scale = float(f'{scale:.4g}')
        yield Proposal(
            slot.kind,
            chain.name,
            f"scale '{chain.name}' by {scale:g} instead of {mine.scale:g}: it reaches "
            f"{mine.reach_m:.2f} m, {like.robot}'s '{like.chain.name}' {like.reach_m:.2f} m",
            partial(Editor.set_pose_scale, kind=slot.kind, name=chain.name, scale=scale),
        )
    tip = tips_differ(mine, like)
    for which, written, offset, wanted, why, may_differ in (
        (FRAMES[0], mine.base, chain.base_offset, base, made.base_why, True),
        (FRAMES[1], mine.grasp, chain.tip_offset, grasp, made.tip_why, tip),
    ):
        if may_differ and (apart := _apart(written, wanted)):
            link = written @ np.linalg.inv(matrix(offset))
            placed = placement(relative(link, wanted))
            yield Proposal(
                slot.kind,
                chain.name,
                f"place {which} of '{chain.name}' at xyz {_listed(placed.xyz)} rpy "
                f'{_listed(placed.rpy)}, {apart} from where it is: {why}',
                partial(
                    Editor.set_frame,
                    chain=chain.name,
                    which=which,
                    xyz=placed.xyz,
                    rpy=placed.rpy,
                ),
            )


def _apart(one: FloatArray, other: FloatArray) -> str:
    """The difference of two frames in words; '' where they are one, as far as is known."""
    seen = relative(one, other)
    cosine = (float(np.trace(seen[:3, :3])) - 1.0) / 2.0
    angle = math.degrees(math.acos(max(-1.0, min(1.0, cosine))))
    distance = float(np.linalg.norm(seen[:3, 3]))
    parts = [f'{angle:.0f} degrees'] if angle > _SAME_WAY else []
    parts += [f'{100 * distance:.0f} cm'] if distance > _SAME_PLACE else []
    return ' and '.join(parts)


def _listed(values: tuple[float, float, float]) -> str:
    return f'[{", ".join(f"{value:.4g}" for value in values)}]'
