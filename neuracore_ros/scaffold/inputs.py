"""Sources of a drafted robot's inputs: the topics of its joints, grippers and cameras."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from neuracore_ros.alignment.arm import DescribedArm
from neuracore_ros.alignment.slot_proposal import SlotProposal
from neuracore_ros.description.data_type import DataType
from neuracore_ros.description.gripper import opening
from neuracore_ros.description.layout_checks import source_of
from neuracore_ros.description.source import Source
from neuracore_ros.scaffold.draft_entries import Note, Route, RouteSection
from neuracore_ros.scaffold.facts import NumberTopic
from neuracore_ros.scaffold.joints import KnownJoints
from neuracore_ros.scaffold.options import scaled, sense, source_options
from neuracore_ros.scaffold.outputs import OutputRoutes
from neuracore_ros.scaffold.slots import IMAGES, OPENINGS, POSITIONS, Places
from neuracore_ros.scaffold.unit_questions import amount_questions, unit_questions
from neuracore_ros.scaffold.units import GuessedAmount

_STATES = 'joint_states'
_MOST_JOINTS = 12
UNHEARD_STATES = Note('the usual topic; nothing was listened to')
_NAMELESS = Note('its publisher names no joint; see that the order is right')
_OTHER_UNIT = Note('in another unit than its range, by the values that were seen')


def input_sources(
    known: KnownJoints,
    places: Places,
    passed: Sequence[NumberTopic],
    outputs: OutputRoutes,
    like: DescribedArm | None,
) -> list[RouteSection | Note]:
    """The ``sources`` of all that is measured; of what has no place, in comments.

    Args:
        known: The joints.
        places: Their indices, and those of cameras.
        passed: Topics that measure the same joints, and were not taken.
        outputs: The commands, which an opening may follow.
        like: A robot that inputs are to mean the same as.
    """
    sections: list[RouteSection | Note] = []
    if joints := places.fitting(POSITIONS):
        sections.append(RouteSection(POSITIONS, [_joint(place, known) for place in joints]))
        sections += unit_questions(POSITIONS, joints, known.asked)
    for topic in passed:
        names = ', '.join(topic.joints[:_MOST_JOINTS]) or f'{topic.width} numbers'
        sections.append(Note(f'not {topic.name}, which also has {names}'))
    if hands := places.fitting(OPENINGS):
        routes = [_opening(place, known, outputs, like) for place in hands]
        sections.append(RouteSection(OPENINGS, routes))
        sections += amount_questions(OPENINGS, hands, asked_amounts(known))
    for kind in IMAGES:
        for active in (True, False):
            those = [place for place in places.inputs[kind] if place.fits is active]
            if those:
                routes = [_camera(kind, place, places, like) for place in those]
                sections.append(RouteSection(kind, routes, active))
    return sections


def asked_amounts(known: KnownJoints) -> dict[str, GuessedAmount]:
    """Gripper -> the scalings that a person has to choose from."""
    return {n: guess for n, guess in known.amounts.items() if known.topics[n].is_feature}


def _joint(place: SlotProposal, known: KnownJoints) -> Route:
    unit = None if place.name in known.asked else known.units.get(place.name)
    if place.name not in known.topics:
        return Route(place.name, {'topic': _STATES, **sense(place)}, '', (UNHEARD_STATES,))
    options, notes = _numbers(POSITIONS, known.topics[place.name])
    if unit:
        notes += (Note(f'it measures in {unit.name}, by the values that were seen'),)
    name = known.message_names.get(place.name, '')
    return Route(place.name, {**options, **sense(place, unit)}, name, notes)


def _opening(
    place: SlotProposal, known: KnownJoints, outputs: OutputRoutes, like: DescribedArm | None
) -> Route:
    """The source of a gripper: measured, or following its command where the other robot's does."""
    measured = _gripper(place, known, outputs)
    theirs = _source_like(like, OPENINGS, place)
    if like is None or theirs is None or theirs.follow_s is None:
        return measured
    if route := outputs.followed(place, theirs.follow_s, like.robot.name):
        return route
    lack = Note(
        f'on {like.robot.name} it follows the command: once a topic has the commands of '
        f'{place.name}, write it here with follow_s: {theirs.follow_s:g}'
    )
    return replace(measured, notes=(*measured.notes, lack))


def _source_like(like: DescribedArm | None, kind: DataType, place: SlotProposal) -> Source | None:
    """The source of a name's counterpart on the other robot; None where there is none."""
    if like is None or not place.counterpart:
        return None
    return source_of(like.robot, kind, place.counterpart)


def _gripper(place: SlotProposal, known: KnownJoints, outputs: OutputRoutes) -> Route:
    if place.name not in known.topics:
        return Route(place.name, {'topic': _STATES}, '', (UNHEARD_STATES,))
    options, notes = _numbers(OPENINGS, known.topics[place.name])
    guess = known.amounts.get(place.name)
    is_asked = known.topics[place.name].is_feature
    found = guess.scaling if guess and not is_asked else None
    if guess is None and outputs.limit_scaling(place.name):
        # The limits of the file are those of its commands, which are of another unit.
        limit = known.limits.get(place.name)
        found = opening(*limit.position) if limit and limit.position else None
    notes += (_OTHER_UNIT,) if found else ()
    name = known.message_names.get(place.name, '')
    return Route(place.name, {**options, **scaled(found)}, name, notes)


def _camera(
    kind: DataType, place: SlotProposal, places: Places, like: DescribedArm | None
) -> Route:
    options, notes = source_options(kind, places.pictures[kind][place.name])
    theirs = _source_like(like, kind, place)
    if like is not None and theirs is not None and theirs.crop is not None:
        text = (
            f'{like.robot.name} is cropped to {theirs.crop} of its own pixels: add crop: [x, y, '
            'width, height] of the same part of the scene in the pixels of this camera'
        )
        notes = (*notes, Note(text))
    named = (Note(f'{place.name}: {note.text}', note.guessed) for note in notes)
    return Route(place.name, options, notes=tuple(named))


def _numbers(kind: DataType, topic: NumberTopic) -> tuple[dict[str, object], tuple[Note, ...]]:
    options, notes = source_options(kind, topic, topic.order)
    return options, (*notes, _NAMELESS) if topic.order else notes
