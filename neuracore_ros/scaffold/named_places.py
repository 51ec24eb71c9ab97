"""Slots of a vocabulary for the joints of a drafted robot: by its URDF, or else by names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from neuracore_ros.alignment.name_heuristics import side
from neuracore_ros.alignment.slot_proposal import SlotProposal
from neuracore_ros.alignment.vocabulary_names import place_by_names
from neuracore_ros.alignment.vocabulary_slots import VocabularyPlaces, place_in_vocabulary
from neuracore_ros.description.data_type import DataType
from neuracore_ros.description.vocabulary import Vocabulary
from neuracore_ros.errors import DescriptionError
from neuracore_ros.kinematics.joint_tree import JointTree
from neuracore_ros.scaffold.joint_names import Arms
from neuracore_ros.scaffold.joints import KnownJoints

_POSITIONS = DataType.JOINT_POSITIONS
_RIGHT, _LEFT = 'right', 'left'
_SIDES = {'r': _RIGHT, 'l': _LEFT}


@dataclass(frozen=True, slots=True)
class NamedPlaces:
    """The joints in the slots of a vocabulary.

    Attributes:
        joints: By index.
        note: What was guessed of all of them, in words; '' if nothing.
        warnings: What a person should check, one line each.
    """

    joints: Sequence[SlotProposal]
    note: str = ''
    warnings: tuple[str, ...] = ()


def place_joints(
    vocabulary: Vocabulary, known: KnownJoints, arms: Arms, tree: JointTree | None
) -> NamedPlaces:
    """Give each joint of the arms a slot: by what it does, or without a URDF by its name.

    Args:
        vocabulary: Whose slots have the names of ``arm/1``.
        known: The joints.
        arms: Those of them that have one URDF, each with the joints that it has.
        tree: The URDF.
    """
    if not known.arm:
        return NamedPlaces(())
    groups = _groups(known, arms)
    why = 'no URDF says what joints do'
    if tree is not None:
        why = f'{tree.where} does not say what joints do'
        try:
            places = place_in_vocabulary(tree, vocabulary)
        except DescriptionError as error:
            why = f'what joints do is not known: {error}'
        else:
            placed = list(_by_urdf(vocabulary, groups, places))
            # Of a sketch, whose axes are no arm's, names tell more.
            of_arm = [place for place in placed if place.fits]
            if 2 * sum(bool(place.counterpart) for place in of_arm) > len(of_arm):
                joints = _own_last(vocabulary, placed)
                warnings = *places.doubts, *_doubts(joints)
                return NamedPlaces(joints, '. '.join(places.doubts), warnings)
    return _by_names(vocabulary, groups, known.order_note.text, why)


def _groups(known: KnownJoints, arms: Arms) -> dict[str, dict[str, str]]:
    """Side of each arm -> its joints by their names in the URDF; '' if there is one arm.

    Of two arms without sides the first is the right one; a third has none.
    """
    by_label: dict[str, dict[str, str]] = {}
    for joint in known.arm:
        own = by_label.setdefault(arms.label_of(joint), {})
        own[known.urdf_names.get(joint, joint)] = joint
    if len(by_label) == 1:
        return {'': next(iter(by_label.values()))}
    sides = {label: _SIDES[side(label)] for label in by_label if side(label)}
    free = [which for which in (_RIGHT, _LEFT) if which not in sides.values()]
    for number, label in enumerate(label for label in by_label if label not in sides):
        sides[label] = free[number] if number < len(free) else f'arm{number + 1}'
    found: dict[str, dict[str, str]] = {}
    for label, own in by_label.items():
        found.setdefault(sides[label], {}).update(own)
    return found


def _by_names(
    vocabulary: Vocabulary, groups: Mapping[str, Mapping[str, str]], order: str, why: str
) -> NamedPlaces:
    """What is doubtful of all joints alike is said once."""
    placed = [
        _on_side(place, which, vocabulary)
        for which, own in groups.items()
        for place in place_by_names(list(own.values()), vocabulary)
    ]
    ways = dict.fromkeys(place.why.partition(', ')[2] for place in placed if place.counterpart)
    told = ' or '.join(ways).replace(' its ', ' their ') or 'by nothing'
    joints = _own_last(
        vocabulary,
        [replace(each, why='' if each.counterpart else each.why, doubts=()) for each in placed],
    )
    names = ', '.join(joint for own in groups.values() for joint in own.values())
    warning = (
        f'{names}: slots of {vocabulary.name} are guessed {told}, and signs and zeros are not '
        f'known: {why}. Give a URDF that does, or compare each with docs/vocabulary.md'
    )
    note = f'{order}; slots of {vocabulary.name} {told}, without sign and zero: {why}'
    return NamedPlaces(joints, note, (warning, *_doubts(joints)))


def _by_urdf(
    vocabulary: Vocabulary,
    groups: Mapping[str, Mapping[str, str]],
    places: VocabularyPlaces,
) -> Iterator[SlotProposal]:
    by_name = {place.name: place for place in places.joints}
    for which, own in groups.items():
        for in_urdf, joint in own.items():
            place = by_name.get(in_urdf)
            if place is None:
                # Legs and wheels are not what a policy of arms moves, nor what it learns from.
                why = f'{places.left_out.get(in_urdf, "is in no URDF")}: left out'
                yield SlotProposal(joint, -1, why, fits=False)
                continue
            yield _on_side(_with_zero(replace(place, name=joint, why='')), which, vocabulary)


def _on_side(place: SlotProposal, which: str, vocabulary: Vocabulary) -> SlotProposal:
    """A place of a robot of one arm, for one of several such arms; unchanged without a side."""
    if not which or not place.counterpart.startswith(f'{_RIGHT}.'):
        return place
    slot = f'{which}.{place.counterpart.removeprefix(f"{_RIGHT}.")}'
    indices = {name: index for index, name in vocabulary.names(_POSITIONS).items()}
    if slot not in indices:
        why = 'a further arm has no slots: an index of your own'
        return replace(place, index=-1, counterpart='', why=why, doubts=())
    return replace(place, index=indices[slot], counterpart=slot)


def _own_last(vocabulary: Vocabulary, placed: Sequence[SlotProposal]) -> list[SlotProposal]:
    """Places by index; joints without a slot, or whose slot is taken, get indices of their own."""
    first: dict[int, SlotProposal] = {}
    rest: list[SlotProposal] = []
    for place in placed:
        if not place.counterpart or place.index in first:
            rest.append(place)
        else:
            first[place.index] = place
    own = vocabulary.first_own(_POSITIONS)
    behind = [
        replace(
            place,
            index=own + number,
            counterpart='',
            scale=1.0,
            offset=0.0,
            why=place.why or next(iter(place.doubts), 'its slot is taken: an index of your own'),
            doubts=(),
        )
        for number, place in enumerate(rest)
    ]
    return [*(first[index] for index in sorted(first)), *behind]


def _with_zero(place: SlotProposal) -> SlotProposal:
    """A place that says so where its zero is not known, and nothing else says it."""
    if place.zero_known or place.doubts:
        return place
    return replace(place, doubts=('its URDF does not tell its zero',))


def _doubts(joints: Sequence[SlotProposal]) -> Iterator[str]:
    """Each doubt once, with the joints that it is of."""
    of: dict[str, list[str]] = {}
    for place in joints:
        for doubt in place.doubts or ((place.why,) if place.why else ()):
            of.setdefault(doubt, []).append(place.name)
    for doubt, names in of.items():
        yield f'{", ".join(names)}: {doubt}'
