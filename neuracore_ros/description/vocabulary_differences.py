"""Differences of two vocabularies, in words."""

from __future__ import annotations

from neuracore_ros.description.robot import Robot
from neuracore_ros.description.sense import scaling
from neuracore_ros.description.vocabulary import Vocabulary, VocabularyId, known_vocabulary
from neuracore_ros.errors import DescriptionError, quoted
from neuracore_ros.wording import counted

_RULES = ('index', 'unit', 'sign', 'zero')
# A smaller offset changes no zero [rad] or [m].
_MOVED = 1e-3


def differing_slots(one: Vocabulary, other: Vocabulary) -> list[str]:
    """The slots that two vocabularies do not have alike, a few words for each."""
    found = []
    for group in dict.fromkeys((*one.slots, *other.slots)):
        mine, theirs = (
            {slot.name: slot.rules() for slot in each.slots.get(group, {}).values()}
            for each in (one, other)
        )
        for name in dict.fromkeys((*mine, *theirs)):
            if name not in mine or name not in theirs:
                found.append(f'{name} is only in one of them')
                continue
            for word, own, its in zip(_RULES, mine[name], theirs[name], strict=False):
                if own != its:
                    found.append(f'{name} has {word} {quoted(own)} and {quoted(its)}')
    return found


def mismatch(
    own: VocabularyId | Vocabulary, other: VocabularyId | Vocabulary, whose: tuple[str, str]
) -> str:
    """The difference of two vocabularies in one sentence; '' if they are one.

    Args:
        own: One of them, and
        other: another one.
        whose: Who has which, such as ``('ur5.yaml', 'the policy')``.
    """
    mine, theirs = (each.id if isinstance(each, Vocabulary) else each for each in (own, other))
    if mine == theirs:
        return ''
    if mine.name != theirs.name:
        return (
            f"{whose[0]} has the vocabulary '{mine.name}' and {whose[1]} has '{theirs.name}': an "
            'index may mean another joint, sign or zero'
        )
    text = f'{whose[0]} and {whose[1]} mean two vocabularies by {mine} and {theirs}'
    both = [
        each if isinstance(each, Vocabulary) else known_vocabulary(each) for each in (own, other)
    ]
    if both[0] is None or both[1] is None:
        return f'{text}: one of the files was changed'
    found = differing_slots(both[0], both[1])
    more = f', and {counted(len(found) - 1, "more difference")}' if found[1:] else ''
    return f'{text}: {found[0]}{more}'


def turned_joint(robot: Robot) -> str:
    """A joint whose slot has another sign or zero than itself, in words; '' of none."""
    try:
        joints = robot.scale_offsets()
    except DescriptionError:  # It is told by whoever needs its sources.
        return ''
    for (kind, name), (_, own) in joints.items():
        if not kind.is_gripper and (own.scale < 0.0 or abs(own.offset) > _MOVED):
            return f"'{name}': {scaling(own)}"
    return ''
