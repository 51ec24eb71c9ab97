"""Where a drafted robot is measured: the topics of its joints, grippers and cameras."""

from __future__ import annotations

from collections.abc import Sequence

from neuracore_ros.alignment.align import SlotProposal
from neuracore_ros.description.data_type import DataType
from neuracore_ros.description.gripper import opening
from neuracore_ros.scaffold.facts import NumberTopic
from neuracore_ros.scaffold.joints import KnownJoints
from neuracore_ros.scaffold.outputs import OutputRoutes
from neuracore_ros.scaffold.routes import Route, route_lines, scaled, sense, source_options
from neuracore_ros.scaffold.slots import IMAGES, OPENINGS, POSITIONS, Places
from neuracore_ros.scaffold.yaml_writer import YamlLine

_STATES = 'joint_states'
_MOST_JOINTS = 12
_GUESSED = 'guessed: '
_UNHEARD = 'guessed: the usual topic; nothing was listened to'
_NAMELESS = 'guessed: its publisher names no joint; see that the order is right'
_OTHER_UNIT = 'guessed: in another unit than its range, by the values that were seen'


class InputRoutes:
    """What is measured.

    Args:
        known: What is known of joints.
        places: Where each joint and camera sits.
        passed: Topics that measure the same joints, and were not taken.
        outputs: What is commanded, since the limits of grippers are in the unit of that.
    """

    def __init__(
        self,
        known: KnownJoints,
        places: Places,
        passed: Sequence[NumberTopic],
        outputs: OutputRoutes,
    ) -> None:
        self._known, self._places, self._outputs = known, places, outputs
        self._passed = passed

    def source_lines(self) -> list[YamlLine]:
        """Their lines of ``sources``; of what has no place, comments."""
        lines = []
        if joints := self._places.fitting(POSITIONS):
            lines += route_lines(POSITIONS, [self._joint(place) for place in joints])
        for topic in self._passed:
            names = ', '.join(topic.joints[:_MOST_JOINTS]) or f'{topic.width} numbers'
            lines.append(YamlLine(1, '', f'guessed: not {topic.name}, which also has {names}'))
        if hands := self._places.fitting(OPENINGS):
            lines += route_lines(OPENINGS, [self._gripper(place) for place in hands])
        for kind in IMAGES:
            lines += self._cameras(kind)
        return lines

    def _joint(self, place: SlotProposal) -> Route:
        topic = self._known.topics.get(place.name)
        if topic is None:
            return Route(place.name, {'topic': _STATES, **sense(place)}, '', (_UNHEARD,))
        options, notes = _options(POSITIONS, topic)
        unit = self._known.units.get(place.name)
        if unit:
            notes += (f'guessed: it measures in {unit.name}, by the values that were seen',)
        name = self._known.message_names.get(place.name, '')
        return Route(place.name, {**options, **sense(place, unit)}, name, notes)

    def _gripper(self, place: SlotProposal) -> Route:
        topic = self._known.topics.get(place.name)
        if topic is None:
            return Route(place.name, {'topic': _STATES}, '', (_UNHEARD,))
        options, notes = _options(OPENINGS, topic)
        own = self._amount(place.name)
        notes += (_OTHER_UNIT,) if own else ()
        name = self._known.message_names.get(place.name, '')
        return Route(place.name, {**options, **own}, name, notes)

    def _amount(self, gripper: str) -> dict[str, object]:
        """What brings a gripper to 0..1, where its limits do not."""
        found = self._known.amounts.get(gripper)
        if found is None and self._outputs.limit_scaling(gripper) is not None:
            # The limits of the file are those of its commands, which are of another unit.
            limit = self._known.limits.get(gripper)
            found = opening(*limit.position) if limit and limit.position else None
        return scaled(found)

    def _cameras(self, kind: DataType) -> list[YamlLine]:
        lines: list[YamlLine] = []
        for is_active in (True, False):
            those = [place for place in self._places.inputs[kind] if place.fits is is_active]
            if not those:
                continue
            found = route_lines(kind, [self._picture(kind, place) for place in those], is_active)
            # Comments stand below the active ones, under one key.
            lines += [line for line in found if line.indent > 1] if lines else found
        return lines

    def _picture(self, kind: DataType, place: SlotProposal) -> Route:
        options, notes = source_options(kind, self._places.pictures[kind][place.name])
        return Route(place.name, options, notes=tuple(_of(place.name, note) for note in notes))


def _options(kind: DataType, topic: NumberTopic) -> tuple[dict[str, object], tuple[str, ...]]:
    options, notes = source_options(kind, topic, topic.order)
    return options, (*notes, _NAMELESS) if topic.order else notes


def _of(name: str, note: str) -> str:
    """A note on one of several names."""
    mark = _GUESSED if note.startswith(_GUESSED) else ''
    return f'{mark}{name}: {note.removeprefix(mark)}'
