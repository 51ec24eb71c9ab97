"""Slots, signs and zeros of a robot's joints and cameras in the index space of another robot."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from neuracore_ros.alignment.arm import DescribedArm
from neuracore_ros.alignment.name_heuristics import alike, side, view
from neuracore_ros.alignment.roles import Meaning, Role
from neuracore_ros.alignment.slot_proposal import SlotProposal
from neuracore_ros.description.embodiment import Slots

_SWINGS = 'which swings the hand sideways like its'
# Less is no offset [rad].
_NOTHING = 5e-4


def align(robot: DescribedArm, like: DescribedArm) -> tuple[SlotProposal, ...]:
    """Propose slot, sign and zero of each joint of a robot, after those of another.

    Args:
        robot: Whose joints are placed; its present indices, scales and offsets say nothing.
        like: Whose index space it is, with the scales and offsets of its file.

    Returns:
        One proposal a joint, by index.

    Raises:
        DescriptionError: One of them has no joints.
    """
    names = list(robot.joints().values())
    return tuple(align_joints(names, robot.meanings(), robot.usual(), like))


def align_joints(
    names: Sequence[str],
    means: Mapping[str, Meaning],
    usual: Mapping[str, float],
    like: DescribedArm,
) -> list[SlotProposal]:
    """Propose slots for joints that no robot file describes yet.

    Args:
        names: The new robot's joints, from base to wrist.
        means: What they mean, as far as it is known.
        usual: Joint -> position in a usual pose, or the middle of its range [rad].
        like: Whom to align with.

    Returns:
        One proposal a joint, by index.
    """
    slots, theirs, theirs_usual = like.joints(), like.meanings(), like.usual()
    reasons = _by_name(names, slots) or _by_role(names, means, slots, theirs)
    reasons = reasons or _by_order(names, slots)
    proposals = []
    for name in names:
        index, reason = reasons[name]
        counterpart = slots.get(index, '')
        mine, its = means.get(name), theirs.get(counterpart)
        why = f"{like.robot.name}'s {counterpart}{reason}"
        place = SlotProposal(name, index, why, counterpart, role=mine.role if mine else None)
        if index > max(slots):
            why = f'{like.robot.name} has no slot for it: index {index} would widen the layout'
            place = replace(place, why=why, fits=False)
        elif not counterpart:
            place = replace(place, why=f'{like.robot.name} leaves this index empty')
        elif mine and its and not _alike(mine.role, its.role):
            doubt = (
                f'Its role is {mine.role}, that of {counterpart} {its.role}: one slot would '
                'mean two motions'
            )
            place = replace(place, same=False, doubts=(doubt,))
        elif mine and its:
            both = usual.get(name, 0.0), theirs_usual.get(counterpart, 0.0)
            turns = _whole_turns(mine, its, both)
            scale, offset = _sense(mine, its, like.sense(counterpart), turns)
            known = mine.role is Role.SLIDE or None not in (mine.offset, its.offset)
            doubts = _doubts(mine, its, '' if known else counterpart)
            place = replace(place, scale=scale, offset=offset, zero_known=known, doubts=doubts)
        proposals.append(place)
    return sorted(proposals, key=lambda proposal: proposal.index)


def align_cameras(names: Sequence[str], slots: Slots, robot: str) -> list[SlotProposal]:
    """Propose an index for each camera by what its name says it sees."""
    free = dict(slots)
    placed: dict[str, SlotProposal] = {}
    rules = (
        (lambda mine, its: mine == its, 'by name'),
        (lambda mine, its: view(mine) == view(its) >= 0, 'looks from the same side, by its name'),
    )
    for rule, why in rules:
        for name in (name for name in names if name not in placed):
            match = next((i for i, its in free.items() if rule(name, its)), None)
            if match is not None:
                its = free.pop(match)
                placed[name] = SlotProposal(name, match, f"{robot}'s {its}: {why}", its)
    left = [name for name in names if name not in placed]
    why = f"none of {robot}'s cameras ({', '.join(slots.values()) or 'it has none'}) is like it"
    beyond = enumerate(left, max(slots, default=-1) + 1)
    placed |= {name: SlotProposal(name, index, why, fits=False) for index, name in beyond}
    return sorted(placed.values(), key=lambda place: place.index)


Reasons = dict[str, tuple[int, str]]


def _by_name(names: Sequence[str], slots: Slots) -> Reasons:
    """Slots by equal names, if every joint has one; a few equal names may mislead."""
    found = {name: [i for i, its in slots.items() if alike(name, its)] for name in names}
    if not all(len(match) == 1 for match in found.values()):
        return {}
    return {name: (match[0], ', by name') for name, match in found.items()}


def _by_role(
    names: Sequence[str],
    means: Mapping[str, Meaning],
    slots: Slots,
    theirs: Mapping[str, Meaning],
) -> Reasons:
    """Slots by equal roles, if all are known; the other joints take gaps, then further indices."""
    if not all(name in means for name in names) or not all(s in theirs for s in slots.values()):
        return {}
    found: Reasons = {}
    free = dict(slots)
    for is_same in (lambda mine, its: mine is its, _alike):
        for name in names:
            mine = means[name].role
            candidates = [i for i, its in free.items() if is_same(mine, theirs[its].role)]
            # Of two arms, the one of its own side.
            match = min(candidates, key=lambda i: side(free[i]) != side(name), default=None)
            if name not in found and match is not None:
                its = theirs[free.pop(match)].role
                found[name] = match, f': {mine}' if mine is its else f': {mine}, {_SWINGS} {its}'
    gaps = [index for index in range(max(slots)) if index not in slots]
    rest = [*gaps, *free, *range(max(slots) + 1, max(slots) + 1 + len(names))]
    for name in names:
        if name not in found:
            found[name] = rest.pop(0), ', which is free'
    return found


def _by_order(names: Sequence[str], slots: Slots) -> Reasons:
    """Slots by order from the base; the last joint takes the last slot, so wrists share one."""
    width = max(slots) + 1
    indices = list(range(len(names)))
    if len(names) < width:
        indices[-1] = width - 1
    found = {name: (i, ', by order from the base') for name, i in zip(names, indices, strict=True)}
    if indices[-1] == width - 1:
        found[names[-1]] = width - 1, ': the last joint before the hand'
    return found


def _alike(mine: Role, its: Role) -> bool:
    """Tell whether two roles may share a slot: the same, or both swing the hand sideways."""
    return mine is its or (mine.swings and its.swings)


def _sense(
    mine: Meaning, its: Meaning, sense: tuple[float, float], turns: float
) -> tuple[float, float]:
    """Scale and offset that bring a position to the slot's value of the same angle."""
    between = turns
    if mine.offset is not None and its.offset is not None:
        between += mine.offset - its.offset
    offset = sense[0] * its.scale * between + sense[1]
    return sense[0] * mine.scale * its.scale, offset if abs(offset) > _NOTHING else 0.0


def _whole_turns(mine: Meaning, its: Meaning, usual: tuple[float, float]) -> float:
    """The turns to add to an angle of the other robot's role, so that both stand ready [rad].

    Angles repeat after a turn: of the positions that hold an arm ready, forearm and hand at right
    angles, each robot takes the one nearest to where it usually is.
    """
    if mine.role is Role.SLIDE:
        return 0.0
    turn = math.pi if mine.half_turns and its.half_turns else 2 * math.pi
    return turn * (_turns(its, usual[1], turn) - _turns(mine, usual[0], turn))


def _turns(meaning: Meaning, usual: float, turn: float) -> int:
    ready = math.pi / 2 if meaning.role in {Role.ELBOW_PITCH, Role.WRIST_PITCH} else 0.0
    # A hair more, so that of two as near the positive one is taken.
    angle = meaning.scale * (usual + 1e-3) + (meaning.offset or 0.0)
    return round((angle - ready) / turn)


def _doubts(mine: Meaning, its: Meaning, unknown: str) -> tuple[str, ...]:
    # Of two robots of one kind, the same guess is right or wrong for both.
    guesses = {mine.guess, its.guess} - {''} if mine.guess != its.guess else set()
    if not unknown:
        return tuple(guesses)
    return (
        f'Its zero and that of {unknown} cannot be compared by their URDFs: see which positions '
        'turn both hands alike',
        *guesses,
    )
