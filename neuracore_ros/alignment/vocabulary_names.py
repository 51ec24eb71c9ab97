"""Slots of a vocabulary by names alone: of cameras, and of joints whose URDF nobody has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from neuracore_ros.alignment.joint_function import (
    ELBOW_PITCH,
    FLANGE_ROLL,
    FOREARM_ROLL,
    SHOULDER_PITCH,
    SHOULDER_YAW,
    UPPER_ARM_ROLL,
    WRIST_PITCH,
    WRIST_YAW,
)
from neuracore_ros.alignment.name_heuristics import parts, side
from neuracore_ros.alignment.slot_proposal import SlotProposal
from neuracore_ros.description.data_type import DataType
from neuracore_ros.description.vocabulary import Vocabulary

_JOINTS, _GRIPPERS = DataType.JOINT_POSITIONS, DataType.PARALLEL_GRIPPER_OPEN_AMOUNTS
_CAMERAS = DataType.RGB_IMAGES
_UNKNOWN = 'its sign and zero are not known without a URDF: see docs/vocabulary.md'

_YAW, _PITCH, _ROLL = (
    {'pan', 'yaw', 'rotation'},
    {'lift', 'pitch', 'flex', 'angle'},
    {'roll', 'rotate'},
)
# The words that a name has all of one set of -> its slot; the first that fits counts.
_RULES: tuple[tuple[tuple[set[str], ...], str], ...] = (
    (({'head', 'neck'}, {'pan', 'yaw'}), 'head.pan'),
    (({'head', 'neck'}, {'tilt', 'pitch'}), 'head.tilt'),
    (({'head', 'neck'}, {'roll'}), 'head.roll'),
    (({'torso', 'spine', 'column'}, {'lift'}), 'torso.lift'),
    (({'torso', 'spine', 'waist'}, {'yaw'}), 'torso.yaw'),
    (({'torso', 'spine', 'waist'}, {'pitch'}), 'torso.pitch'),
    (({'torso', 'spine', 'waist'}, {'roll'}), 'torso.roll'),
    (({'forearm'}, _ROLL), FOREARM_ROLL),
    (({'upper', 'upperarm'}, _ROLL), UPPER_ARM_ROLL),
    (({'shoulder'}, _PITCH), SHOULDER_PITCH),
    (({'shoulder', 'base', 'waist'}, _YAW), SHOULDER_YAW),
    (({'elbow'}, _PITCH), ELBOW_PITCH),
    (({'wrist'}, _PITCH), WRIST_PITCH),
    (({'wrist'}, _ROLL), FLANGE_ROLL),
    (({'wrist'}, {'1'}), WRIST_PITCH),
    (({'wrist'}, {'2'}), FOREARM_ROLL),
    (({'wrist'}, {'3'}), FLANGE_ROLL),
    (({'waist', 'base'},), SHOULDER_YAW),
    (({'shoulder'},), SHOULDER_PITCH),
    (({'elbow'},), ELBOW_PITCH),
)
# Joints of no arm, also where their names do not say which way they turn.
_BODY = {'head', 'neck', 'torso', 'spine', 'column'}
# Arms of so many joints, if nothing is known but their order.
_ORDERS: Mapping[int, tuple[str, ...]] = {
    1: (SHOULDER_YAW,),
    2: (SHOULDER_YAW, SHOULDER_PITCH),
    3: (SHOULDER_YAW, SHOULDER_PITCH, ELBOW_PITCH),
    4: (SHOULDER_YAW, SHOULDER_PITCH, ELBOW_PITCH, WRIST_PITCH),
    5: (SHOULDER_YAW, SHOULDER_PITCH, ELBOW_PITCH, WRIST_PITCH, FLANGE_ROLL),
    6: (SHOULDER_YAW, SHOULDER_PITCH, ELBOW_PITCH, FOREARM_ROLL, WRIST_PITCH, FLANGE_ROLL),
    7: (
        SHOULDER_YAW, SHOULDER_PITCH, UPPER_ARM_ROLL, ELBOW_PITCH, FOREARM_ROLL, WRIST_PITCH,
        FLANGE_ROLL,
    ),
}  # fmt: skip

# Joints from base to wrist, those first that an arm has rather than others.
_LIKELY = (0, 1, 3, 5, 6, 4, 2)

_HANDS = {'wrist', 'hand', 'eef', 'tool', 'gripper', 'arm'}
# From the one that sees most of the work to the one that sees least.
_SCENES: tuple[tuple[set[str], str], ...] = (
    ({'overhead', 'top', 'above', 'ceiling', 'bird', 'high'}, ''),
    ({'head', 'mast', 'torso', 'chest'}, ''),
    (
        {
            'scene',
            'external',
            'exterior',
            'third',
            'workspace',
            'world',
            'base',
            'exo',
            'agentview',
        },
        '',
    ),
    ({'front', 'low'}, 'scene.front'),
    ({'left'}, 'scene.left'),
    ({'right', 'side'}, 'scene.right'),
    ({'back', 'rear', 'behind', 'shoulder'}, 'scene.back'),
)


def place_by_names(names: Sequence[str], vocabulary: Vocabulary) -> list[SlotProposal]:
    """Give joints their slots by their names, or else by their order.

    Args:
        names: From base to wrist, without grippers; of two arms, one after the other.
        vocabulary: Whose slots have the names of ``arm/1``.

    Returns:
        One proposal a joint, by index; signs and zeros are not known.

    Raises:
        DescriptionError: The vocabulary lacks a slot.
    """
    body = {name: slot for name in names if '.' in (slot := _by_words(name))}
    arms: dict[str, list[str]] = {}
    for name in names:
        if name not in body and not _BODY & set(parts(name)):
            arms.setdefault('left' if side(name) == 'l' else 'right', []).append(name)
    if set(arms) == {'left'}:
        arms = {'right': arms['left']}  # The first or only arm is the right one.
    found = {name: (slot, 'by its name') for name, slot in body.items()}
    for which, own in arms.items():
        slots, why = _of_arm(own)
        found |= {name: (f'{which}.{slot}', why) for name, slot in slots.items()}
    placed, taken = list[SlotProposal](), set[str]()
    beyond = vocabulary.first_own(_JOINTS)
    for name in names:
        slot, why = found.get(name, ('', ''))
        if not slot or slot in taken:
            doubts = ('its name says nothing of what it does: an index of your own', _UNKNOWN)
            placed.append(SlotProposal(name, beyond, doubts[0], zero_known=False, doubts=doubts))
            beyond += 1
            continue
        taken.add(slot)
        doubts = (f'{slot} {why} alone', _UNKNOWN)
        place = SlotProposal(
            name, vocabulary.index(_JOINTS, slot), f'{slot}, {why}', slot, doubts=doubts
        )
        placed.append(replace(place, zero_known=False))
    return sorted(placed, key=lambda place: place.index)


def place_grippers(names: Sequence[str], vocabulary: Vocabulary) -> list[SlotProposal]:
    """Give grippers their slots by the side that their names say; the first is the right one."""
    left = [name for name in names if side(name) == 'l']
    right = [name for name in names if name not in left]
    if not left or not right:  # No side tells two apart, or there is only one hand.
        right, left = list(names[:1]), list(names[1:])
    slots = {'right.gripper': right[:1], 'left.gripper': left[:1]}
    placed = [
        SlotProposal(name, vocabulary.index(_GRIPPERS, slot), f'{slot}, by its side', slot)
        for slot, own in slots.items()
        for name in own
    ]
    further = [name for name in names if name not in {place.name for place in placed}]
    return placed + _own(further, vocabulary.first_own(_GRIPPERS), 'grippers')


def place_cameras(names: Sequence[str], vocabulary: Vocabulary) -> list[SlotProposal]:
    """Give cameras their slots by what their names say they see."""
    slots: dict[str, str] = {}
    hands = [name for name in names if set(parts(name)) & _HANDS]
    for name in sorted(hands, key=lambda name: (side(name) == 'l', name)):
        wanted = 'left.wrist' if side(name) == 'l' and len(hands) > 1 else 'right.wrist'
        slots.setdefault(wanted, name)
    views = {name: _scene(name) for name in names if name not in slots.values()}
    scenes = sorted(views, key=lambda name: (views[name], names.index(name)))
    for place, name in enumerate(scenes):
        number = views[name]
        slot = 'scene' if place == 0 else _SCENES[number][1] if number < len(_SCENES) else ''
        if slot:
            slots.setdefault(slot, name)
    placed = [
        SlotProposal(name, vocabulary.index(_CAMERAS, slot), f'{slot}, by its name', slot)
        for slot, name in slots.items()
    ]
    left = [name for name in names if name not in slots.values()]
    placed += _own(left, vocabulary.first_own(_CAMERAS), 'cameras')
    return sorted(placed, key=lambda place: place.index)


def _own(names: Sequence[str], first: int, kind: str) -> list[SlotProposal]:
    why = f'the vocabulary has no slot left for it among {kind}: an index of your own'
    return [
        SlotProposal(name, first + place, why, doubts=(why,)) for place, name in enumerate(names)
    ]


def _of_arm(names: Sequence[str]) -> tuple[dict[str, str], str]:
    slots = {name: _by_words(name) for name in names}
    words = {name: set(parts(name)) for name in names}
    turns = {
        part: {
            turn: name
            for name in names
            for turn in words[name] & {'roll', 'pitch', 'yaw'}
            if part in words[name]
        }
        for part in ('shoulder', 'wrist')
    }
    if len(turns['shoulder']) == 3:  # Of a humanoid, which lifts the arm first.
        slots[turns['shoulder']['roll']] = SHOULDER_YAW
        slots[turns['shoulder']['yaw']] = UPPER_ARM_ROLL
    if len(turns['wrist']) == 3:
        slots[turns['wrist']['roll']] = FOREARM_ROLL
        slots[turns['wrist']['yaw']] = WRIST_YAW
    if all(slots.values()) and len(set(slots.values())) == len(slots):
        return slots, 'by its name'
    if between := _between(slots):
        return between, 'by its name and its neighbours'
    order = _ORDERS.get(len(names), ())
    return dict(zip(names, order, strict=False)), 'by its order from the base'


def _between(slots: Mapping[str, str]) -> dict[str, str]:
    """Slots of all joints where the names of some tell, and the others lie between those.

    Empty where no name tells, where they contradict the order, or where too few slots are left.
    """
    whole = _ORDERS[max(_ORDERS)]
    ranks = [whole.index(slot) if slot in whole else -1 for slot in slots.values()]
    told = [rank for rank in ranks if rank >= 0]
    if not told or told != sorted(set(told)):
        return {}
    found: list[int] = []
    at = 0
    while at < len(ranks):
        end = next((i for i in range(at, len(ranks)) if ranks[i] >= 0), len(ranks))
        low = found[-1] if found else -1
        high = ranks[end] if end < len(ranks) else len(whole)
        free = [rank for rank in _LIKELY if low < rank < high]
        if len(free) < end - at:
            return {}
        found += sorted(free[: end - at])
        found += ranks[end : end + 1]
        at = end + 1
    return {name: whole[rank] for name, rank in zip(slots, found, strict=True)}


def _by_words(name: str) -> str:
    words = set(parts(name))
    fits = (slot for groups, slot in _RULES if all(words & group for group in groups))
    return next(fits, '')


def _scene(name: str) -> int:
    words = set(parts(name))
    fits = (number for number, (known, _) in enumerate(_SCENES) if words & known)
    return next(fits, len(_SCENES))
