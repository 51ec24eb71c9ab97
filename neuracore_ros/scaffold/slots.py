"""Indices of the joints, grippers and cameras of a drafted robot."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from neuracore_ros.alignment.align import align_cameras, align_joints
from neuracore_ros.alignment.arm import DescribedArm
from neuracore_ros.alignment.joint_meanings import joint_meanings
from neuracore_ros.alignment.name_heuristics import camera, view
from neuracore_ros.alignment.roles import Meaning
from neuracore_ros.alignment.slot_proposal import SlotProposal
from neuracore_ros.alignment.vocabulary_names import place_cameras, place_grippers
from neuracore_ros.description.data_type import DataType
from neuracore_ros.description.source import COMPRESSED_IMAGE
from neuracore_ros.description.vocabulary import Vocabulary
from neuracore_ros.kinematics.joint_tree import JointTree
from neuracore_ros.scaffold.facts import Facts, ImageTopic
from neuracore_ros.scaffold.features import plain_camera
from neuracore_ros.scaffold.joint_names import Arms, labels
from neuracore_ros.scaffold.joints import KnownJoints
from neuracore_ros.scaffold.named_places import place_joints

POSITIONS, OPENINGS = DataType.JOINT_POSITIONS, DataType.PARALLEL_GRIPPER_OPEN_AMOUNTS
_ONE_PICTURE = 'a single picture came, which would be stale ever after'
IMAGES = DataType.RGB_IMAGES, DataType.DEPTH_IMAGES


@dataclass(frozen=True, slots=True)
class Places:
    """The index of each joint, gripper and camera.

    Attributes:
        inputs: JOINT_POSITIONS, PARALLEL_GRIPPER_OPEN_AMOUNTS, RGB_IMAGES and DEPTH_IMAGES ->
            its joints or cameras; empty where the robot has none.
        pictures: Image type -> camera -> its topic.
        warnings: What a person should check, one line each.
        note: What was guessed of all joints, in words; '' if nothing.
    """

    inputs: Mapping[DataType, Sequence[SlotProposal]]
    pictures: Mapping[DataType, Mapping[str, ImageTopic]]
    warnings: tuple[str, ...]
    note: str = ''

    def fitting(self, kind: DataType) -> list[SlotProposal]:
        """The names of a DataType that fit the layout."""
        return [place for place in self.inputs[kind] if place.fits]


def places_of(
    known: KnownJoints,
    facts: Facts,
    tree: JointTree | None,
    like: DescribedArm | None,
    vocabulary: Vocabulary | None,
    arms: Arms,
) -> Places:
    """Give each name an index: of a vocabulary, by its order, or its counterpart's.

    Args:
        known: The joints.
        facts: The cameras.
        tree: The URDF.
        like: A robot to align with, instead of a vocabulary.
        vocabulary: None for 0, 1, 2, ... by the order of names.
        arms: Which of the joints are of which of several arms.
    """
    named = None
    if like is None and vocabulary is not None:
        named = place_joints(vocabulary, known, arms, tree)
        joints, hands = named.joints, _unexplained(place_grippers(known.grippers, vocabulary))
    else:
        joints, hands = _joints(known, tree, like), _grippers(known.grippers, like)
    pictures = {
        kind: _pictures(facts.images, is_depth=kind is DataType.DEPTH_IMAGES) for kind in IMAGES
    }
    placed_by = None if named is None else _named_cameras(pictures, vocabulary)
    views = {
        kind: [
            replace(place, fits=False, why=_ONE_PICTURE)
            if topics[place.name].count == 1
            else place
            for place in _cameras(kind, [*topics], like, placed_by)
        ]
        for kind, topics in pictures.items()
    }
    warnings = [
        f'{place.name}: {_ONE_PICTURE}: written as a comment'
        for placed in views.values()
        for place in placed
        if place.why == _ONE_PICTURE
    ]
    if named is not None:
        warnings = [*named.warnings, *warnings]
    if like is not None:
        warnings += _warnings(joints, like.robot.name)
        for kind, placed in {OPENINGS: hands, **views}.items():
            warnings += _not_shared(kind, placed, like)
    inputs = {POSITIONS: joints, OPENINGS: hands, **views}
    return Places(inputs, pictures, tuple(warnings), named.note if named else '')


def _named_cameras(
    pictures: Mapping[DataType, Mapping[str, ImageTopic]], vocabulary: Vocabulary | None
) -> dict[str, SlotProposal]:
    """Camera -> its slot, the same of its colours and its depths."""
    names = list(dict.fromkeys(name for named in pictures.values() for name in named))
    # Names alone do not say more than their order does; a better one comes first.
    names.sort(key=lambda name: (view(name) % 100, name))
    placed = place_cameras(names, vocabulary) if vocabulary else []
    return {place.name: place for place in _unexplained(placed)}


def _unexplained(placed: Sequence[SlotProposal]) -> list[SlotProposal]:
    """Places in which only those are explained that have no slot: names of slots speak."""
    return [
        replace(place, why='' if place.counterpart else place.why, doubts=()) for place in placed
    ]


def _in_order(names: Sequence[str]) -> list[SlotProposal]:
    return [SlotProposal(name, index, '') for index, name in enumerate(names)]


def _joints(
    known: KnownJoints, tree: JointTree | None, like: DescribedArm | None
) -> list[SlotProposal]:
    names, motions = known.arm, known.motions
    if like is None or not names or not like.has_joints:
        return _in_order(names)
    home = {name: (motions[name].lower + motions[name].upper) / 2 for name in motions}
    means: dict[str, Meaning] = {}
    for own in known.arms() if tree and like.tree else ():
        # Of several arms of one kind, each means the same by its own names.
        at_home = {in_urdf: home[name] for in_urdf, name in own.items() if name in home}
        found = joint_meanings(tree, list(own), at_home) if tree else {}
        means |= {own[in_urdf]: meaning for in_urdf, meaning in found.items()}
    middles = {
        name: middle
        for name, limit in known.limits.items()
        # A continuous joint has none.
        if limit.position and math.isfinite(middle := sum(limit.position) / 2)
    }
    return align_joints(names, means, {**middles, **home}, like)


def _warnings(joints: Sequence[SlotProposal], other: str) -> list[str]:
    found = []
    for joint in joints:
        found += [f'{joint.name}: {doubt}' for doubt in joint.doubts]
        if not joint.fits:
            found.append(
                f'{joint.name}: {joint.why}: written as a comment. A controller that needs '
                f'all joints will refuse commands without it: align {other} with this robot '
                'instead, or leave it the index and train anew'
            )
    return found


def _not_shared(kind: DataType, placed: Sequence[SlotProposal], like: DescribedArm) -> list[str]:
    """Grippers or cameras that only one of two robots has."""
    mine = [place for place in placed if not place.fits and place.why != _ONE_PICTURE]
    found = [f'{place.name}: {place.why}: written as a comment' for place in mine]
    taken = {place.counterpart for place in placed if place.fits}
    theirs = [name for name in like.robot.input.get(kind, {}).values() if name not in taken]
    if theirs:
        found.append(
            f'{kind} of {like.robot.name} ({", ".join(theirs)}): nothing here corresponds: the '
            'model will see nothing there'
        )
    return found


def _grippers(names: Sequence[str], like: DescribedArm | None) -> list[SlotProposal]:
    if like is None:
        return _in_order(names)
    slots, their = like.robot.input.get(OPENINGS, {}), like.robot.name
    beyond = max(slots, default=-1) + 1
    placed = []
    for name, index in zip(names, [*slots, *range(beyond, beyond + len(names))], strict=False):
        why = f"{their}'s {slots[index]}" if index in slots else f'{their} has no such slot'
        placed.append(SlotProposal(name, index, why, slots.get(index, ''), index in slots))
    return placed


def _cameras(
    kind: DataType,
    names: list[str],
    like: DescribedArm | None,
    named: Mapping[str, SlotProposal] | None,
) -> list[SlotProposal]:
    if named is not None:
        return sorted((named[name] for name in names), key=lambda place: place.index)
    if like is not None:
        return align_cameras(names, like.robot.input.get(kind, {}), like.robot.name)
    return _in_order(sorted(names, key=lambda name: (view(name) % 100, name)))


def _pictures(images: Sequence[ImageTopic], *, is_depth: bool) -> dict[str, ImageTopic]:
    """Camera -> its topic; of one picture in two forms, the compressed one."""
    pictures: dict[str, ImageTopic] = {}
    wanted = [image for image in images if image.is_depth is is_depth]
    for image in sorted(wanted, key=lambda image: (image.type == COMPRESSED_IMAGE, image.name)):
        plain = image.name.removesuffix('/compressedDepth').removesuffix('/compressed')
        if image.is_feature:
            plain = plain_camera(plain)
        pictures[plain] = image
    called: dict[str, list[str]] = {}
    for plain in sorted(pictures):
        called.setdefault(camera(plain), []).append(plain)
    named: dict[str, ImageTopic] = {}
    for name, topics in called.items():
        # Of cameras with one name, such as those of two arms, each has what tells it apart.
        apart = labels(topics) if len(topics) > 1 else {}
        for plain in topics:
            label = apart.get(plain, '')
            own = f'{label}_{name}' if label else name
            named[own if own not in named else plain.strip('/').replace('/', '_')] = pictures[
                plain
            ]
    return named
