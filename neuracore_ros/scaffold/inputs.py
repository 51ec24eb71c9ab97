"""Sources of a drafted robot's inputs: the topics of its joints, grippers and cameras."""

from __future__ import annotations

from collections.abc import Sequence

from neuracore_ros.alignment.align import SlotProposal
from neuracore_ros.description.data_type import DataType
from neuracore_ros.description.gripper import opening
from neuracore_ros.scaffold.facts import NumberTopic
from neuracore_ros.scaffold.joints import KnownJoints
from neuracore_ros.scaffold.outputs import OutputRoutes
from neuracore_ros.scaffold.robot_draft import Note, Route, RouteSection
from neuracore_ros.scaffold.routes import scaled, sense, source_options
from neuracore_ros.scaffold.slots import IMAGES, OPENINGS, POSITIONS, Places

_STATES = 'joint_states'
_MOST_JOINTS = 12
_UNHEARD = Note('the usual topic; nothing was listened to')
_NAMELESS = Note('its publisher names no joint; see that the order is right')
_OTHER_UNIT = Note('in another unit than its range, by the values that were seen')


def input_sources(
    known: KnownJoints, places: Places, passed: Sequence[NumberTopic], outputs: OutputRoutes
) -> list[RouteSection | Note]:
    """The ``sources`` of all that is measured; of what has no place, in comments.

    ``passed`` are topics that measure the same joints, and were not taken.
    """
    sections: list[RouteSection | Note] = []
    if joints := places.fitting(POSITIONS):
        sections.append(RouteSection(POSITIONS, [_joint(place, known) for place in joints]))
    for topic in passed:
        names = ', '.join(topic.joints[:_MOST_JOINTS]) or f'{topic.width} numbers'
        sections.append(Note(f'not {topic.name}, which also has {names}'))
    if hands := places.fitting(OPENINGS):
        routes = [_gripper(place, known, outputs) for place in hands]
        sections.append(RouteSection(OPENINGS, routes))
    for kind in IMAGES:
        for active in (True, False):
            those = [place for place in places.inputs[kind] if place.fits is active]
            if those:
                routes = [_camera(kind, place, places) for place in those]
                sections.append(RouteSection(kind, routes, active))
    return sections


def _joint(place: SlotProposal, known: KnownJoints) -> Route:
    unit = known.units.get(place.name)
    if place.name not in known.topics:
        return Route(place.name, {'topic': _STATES, **sense(place)}, '', (_UNHEARD,))
    options, notes = _numbers(POSITIONS, known.topics[place.name])
    if unit:
        notes += (Note(f'it measures in {unit.name}, by the values that were seen'),)
    name = known.message_names.get(place.name, '')
    return Route(place.name, {**options, **sense(place, unit)}, name, notes)


def _gripper(place: SlotProposal, known: KnownJoints, outputs: OutputRoutes) -> Route:
    if place.name not in known.topics:
        return Route(place.name, {'topic': _STATES}, '', (_UNHEARD,))
    options, notes = _numbers(OPENINGS, known.topics[place.name])
    found = known.amounts.get(place.name)
    if found is None and outputs.limit_scaling(place.name) is not None:
        # The limits of the file are those of its commands, which are of another unit.
        limit = known.limits.get(place.name)
        found = opening(*limit.position) if limit and limit.position else None
    notes += (_OTHER_UNIT,) if found else ()
    name = known.message_names.get(place.name, '')
    return Route(place.name, {**options, **scaled(found)}, name, notes)


def _camera(kind: DataType, place: SlotProposal, places: Places) -> Route:
    options, notes = source_options(kind, places.pictures[kind][place.name])
    named = (Note(f'{place.name}: {note.text}', note.guessed) for note in notes)
    return Route(place.name, options, notes=tuple(named))


def _numbers(kind: DataType, topic: NumberTopic) -> tuple[dict[str, object], tuple[Note, ...]]:
    options, notes = source_options(kind, topic, topic.order)
    return options, (*notes, _NAMELESS) if topic.order else notes
