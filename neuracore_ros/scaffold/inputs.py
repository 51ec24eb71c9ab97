"""Sources of a drafted robot's inputs: the topics of its joints, grippers and cameras."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from neuracore_ros.alignment.align import SlotProposal
from neuracore_ros.description.data_type import DataType
from neuracore_ros.description.gripper import opening
from neuracore_ros.description.routes import ScaleOffset
from neuracore_ros.description.source import default_max_age_s, default_type, enough_age_s
from neuracore_ros.description.units import Unit
from neuracore_ros.scaffold.draft_entries import Note, Route, RouteSection
from neuracore_ros.scaffold.facts import ImageTopic, NumberTopic
from neuracore_ros.scaffold.joints import KnownJoints
from neuracore_ros.scaffold.slots import IMAGES, OPENINGS, POSITIONS, Places

_STATES = 'joint_states'
_MOST_JOINTS = 12
_UNHEARD = Note('the usual topic; nothing was listened to')
_NAMELESS = Note('its publisher names no joint; see that the order is right')
_OTHER_UNIT = Note('in another unit than its range, by the values that were seen')
# Stamps this far from arrival would be stale, or of another clock [s].
_STAMP_OFF_S = 1.0
# A robot is not driven by streams slower than this [s].
_SLOW_S = 1.0


def input_sources(
    known: KnownJoints, places: Places, passed: Sequence[NumberTopic], rescaled: Collection[str]
) -> list[RouteSection | Note]:
    """The ``sources`` of all that is measured; of what has no place, in comments.

    Args:
        known: The joints.
        places: Their indices, and those of cameras.
        passed: Topics that measure the same joints, and were not taken.
        rescaled: Grippers whose commands are not in the unit of their range.
    """
    sections: list[RouteSection | Note] = []
    if joints := places.fitting(POSITIONS):
        sections.append(RouteSection(POSITIONS, [_joint(place, known) for place in joints]))
    for topic in passed:
        names = ', '.join(topic.joints[:_MOST_JOINTS]) or f'{topic.width} numbers'
        sections.append(Note(f'not {topic.name}, which also has {names}'))
    if hands := places.fitting(OPENINGS):
        routes = [_gripper(place, known, rescaled) for place in hands]
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


def _gripper(place: SlotProposal, known: KnownJoints, rescaled: Collection[str]) -> Route:
    if place.name not in known.topics:
        return Route(place.name, {'topic': _STATES}, '', (_UNHEARD,))
    options, notes = _numbers(OPENINGS, known.topics[place.name])
    found = known.amounts.get(place.name)
    if found is None and place.name in rescaled:
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


def source_options(
    kind: DataType, topic: NumberTopic | ImageTopic, order: Sequence[str] = ()
) -> tuple[dict[str, object], tuple[Note, ...]]:
    """Options of a source that reads a topic, and notes on them."""
    options: dict[str, object] = {'topic': topic.name}
    notes: list[Note] = []
    if topic.type != default_type(kind, topic.name):
        options['type'] = topic.type
    if order:
        options['order'] = list(order)
    ages = default_max_age_s(kind)
    if topic.stamp_off_s > _STAMP_OFF_S:
        options['stamp'] = 'receive'
        off = f'header stamps are {topic.stamp_off_s:.3g} s off the time of arrival'
        notes.append(Note(off))
    if ages is not None and topic.period_s > ages / 2:
        age_s = enough_age_s(topic.period_s)
        if topic.period_s < _SLOW_S:
            options['max_age_s'] = age_s
            notes.append(Note(f'messages come {topic.period_s:.2g} s apart'))
        else:
            slow = (
                f'messages come {topic.period_s:.3g} s apart, too slow to drive a robot by: to '
                f'convert such a recording, add max_age_s: {age_s:g}'
            )
            notes.append(Note(slow, guessed=False))
    return options, tuple(notes)


def sense(place: SlotProposal, unit: Unit | None = None) -> dict[str, object]:
    """The scale and offset of a joint for its slot, as far as they are not 1 and 0."""
    options: dict[str, object] = {}
    scale, offset = place.scale, place.offset
    if unit:
        scale, offset = scale * unit.scale, scale * unit.offset + offset
    if scale != 1.0:
        options['scale'] = scale
    if offset != 0.0:
        options['offset'] = round(offset, 4)
    return options


def scaled(scaling: ScaleOffset | None) -> dict[str, object]:
    """The scale and offset of a gripper whose range does not give 0..1."""
    if scaling is None:
        return {}
    options: dict[str, object] = {'scale': scaling.scale}
    if scaling.offset:
        options['offset'] = round(scaling.offset, 4)
    return options
