"""Proposals for a robot: what ``describe`` would write otherwise, beside another one or alone."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import numpy as np

from neuracore_ros.alignment.align import align, align_cameras
from neuracore_ros.alignment.align_frames import WrittenFrames, propose
from neuracore_ros.alignment.arm import DescribedArm
from neuracore_ros.alignment.chain_frames import matrix, placement, relative
from neuracore_ros.alignment.frame_differences import PoseSlot, other_scale, tips_differ
from neuracore_ros.alignment.name_heuristics import alike
from neuracore_ros.alignment.slot_proposal import SlotProposal
from neuracore_ros.arrays import FloatArray
from neuracore_ros.description import DataType, Robot
from neuracore_ros.errors import DescriptionError
from neuracore_ros.viewer.joint_proposals import (
    Proposal,
    index_proposal,
    joint_proposals,
    to_index,
)
from neuracore_ros.viewer.layout_warnings import LayoutComparison
from neuracore_ros.viewer.robot_file_editor import FRAMES
from neuracore_ros.viewer.robot_file_editor import RobotFileEditor as Editor
from neuracore_ros.wording import number_list

__all__ = ['Proposal', 'apply_all', 'proposals']

_CAMERAS = (DataType.RGB_IMAGES, DataType.DEPTH_IMAGES)
# Frames that are nearer are one, as hands are measured [deg], [m].
_SAME_WAY, _SAME_PLACE = 15.0, 0.05
_LEFT, _RIGHT = 'left.', 'right.'
# More steps lead nowhere.
_MOST_STEPS = 100


def proposals(
    robot: Robot, like: Robot | None, comparison: LayoutComparison
) -> tuple[Proposal, ...]:
    """Propose edits of a robot, only where it differs from another one, or from its vocabulary.

    Each is what its reasons say of the robot as it is now: applying one may change others, so
    ask again afterwards. A joint that turns the other way has its zero proposed once it is
    turned.

    Args:
        robot: Whose slots and frames are proposed.
        like: Whose index space it is, with its signs, zeros and frames; None: that of the
            vocabulary that the robot's file names, if it names one.
        comparison: Holds their URDFs.

    Raises:
        DescriptionError: A URDF cannot be used.
    """
    if like is None:
        return (*_commands(robot), *_in_vocabulary(robot, comparison))
    return (
        *_commands(robot),
        *_beside(robot, like, comparison),
        *_cameras(robot, like),
        *_frames(robot, like, comparison),
    )


def apply_all(editor: Editor, like: Robot | None, comparison: LayoutComparison) -> int:
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
    """Joints that are commanded at another index, or in another sense, than they are measured."""
    for kind, slots in robot.output.items():
        indices = {name: index for index, name in robot.input.get(kind.measured, {}).items()}
        for index, name in slots.items():
            wanted = indices.get(name, index)
            if wanted == index:
                continue
            edit = to_index(kind, name, wanted, slots.get(wanted, ''))
            text = f"command '{name}' at index {wanted}, where it is measured, and not at {index}"
            yield Proposal(kind, name, text, edit)
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


def _beside(robot: Robot, like: Robot, comparison: LayoutComparison) -> Iterator[Proposal]:
    """By the rules of the vocabulary that both name, as ``layout`` holds them; else by roles."""
    if comparison.arm(robot).places() and comparison.arm(like).places():
        yield from _in_vocabulary(robot, comparison)
    else:
        yield from _joints(robot, like, comparison)


def _joints(robot: Robot, like: Robot, comparison: LayoutComparison) -> Iterator[Proposal]:
    arm, other = comparison.arm(robot), comparison.arm(like)
    if not (arm.has_joints and other.has_joints):
        return
    slots, theirs, means = arm.joints(), other.joints(), other.meanings()
    indices = {name: index for index, name in slots.items()}

    def may_move(place: SlotProposal) -> bool:
        is_known = place.role is not None or alike(place.name, place.counterpart)
        neighbour = means.get(theirs.get(indices[place.name], ''))
        is_stranger = neighbour is not None and neighbour.role is not place.role
        return is_known and (bool(place.counterpart) or (place.fits and is_stranger))

    places = [place for place in align(arm, other) if place.same]
    yield from joint_proposals(
        arm,
        [place for place in places if may_move(place)],
        [place for place in places if place.role is not None and place.counterpart in means],
    )


def _in_vocabulary(robot: Robot, comparison: LayoutComparison) -> Iterator[Proposal]:
    """The slots that the vocabulary of a file gives the joints of its URDF."""
    places = [place for place in comparison.places_in_vocabulary(robot) if place.counterpart]
    if places:
        arm = comparison.arm(robot)
        places = _of_its_side(arm, places)
        yield from joint_proposals(arm, places, places)


def _of_its_side(arm: DescribedArm, places: list[SlotProposal]) -> list[SlotProposal]:
    """The places of an arm that is alone in its URDF, and may be the left one of two in its file.

    It is if more of its joints stand in slots of the left arm than of the right one.
    """
    vocabulary = arm.robot.vocabulary
    if vocabulary is None or any(place.counterpart.startswith(_LEFT) for place in places):
        return places
    names = vocabulary.names(DataType.JOINT_POSITIONS)
    stand = [names.get(index, '') for index in arm.joints()]
    sides = [sum(name.startswith(side) for name in stand) for side in (_LEFT, _RIGHT)]
    if sides[0] <= sides[1]:
        return places
    lefts = {name.removeprefix(_LEFT): i for i, name in names.items() if name.startswith(_LEFT)}
    return [
        replace(
            place,
            index=lefts[rest],
            counterpart=f'{_LEFT}{rest}',
            why=place.why.replace(_RIGHT, _LEFT),
        )
        if (rest := place.counterpart.removeprefix(_RIGHT)) in lefts
        else place
        for place in places
    ]


def _cameras(robot: Robot, like: Robot) -> Iterator[Proposal]:
    for kind in _CAMERAS:
        slots, theirs = robot.input.get(kind, {}), like.input.get(kind, {})
        for place in align_cameras(list(slots.values()), theirs, like.name) if theirs else ():
            index = next(own for own, name in slots.items() if name == place.name)
            if place.fits and place.index != index:
                yield index_proposal(kind, place, slots.get(place.index, ''))


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
                f"place {which} of '{chain.name}' at xyz {number_list(placed.xyz)} rpy "
                f'{number_list(placed.rpy)}, {apart} from where it is: {why}',
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
