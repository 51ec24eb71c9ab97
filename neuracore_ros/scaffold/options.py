"""Options of drafted sources and commands: what a topic needs, and what brings values to slots."""

from __future__ import annotations

from collections.abc import Sequence

from neuracore_ros.alignment.slot_proposal import SlotProposal
from neuracore_ros.description.data_type import DataType
from neuracore_ros.description.routes import ScaleOffset
from neuracore_ros.description.source import default_max_age_s, default_type, enough_age_s
from neuracore_ros.description.units import Unit
from neuracore_ros.scaffold.draft_entries import Note
from neuracore_ros.scaffold.facts import ImageTopic, NumberTopic

# Stamps this far from arrival would be stale, or of another clock [s].
_STAMP_OFF_S = 1.0
# A robot is not driven by streams slower than this [s].
_SLOW_S = 1.0


def source_options(
    kind: DataType, topic: NumberTopic | ImageTopic, order: Sequence[str] = ()
) -> tuple[dict[str, object], tuple[Note, ...]]:
    """Options of a source that reads a topic, and notes on them."""
    options: dict[str, object] = {'topic': topic.name}
    notes: list[Note] = []
    # A feature of a dataset serves all types.
    if topic.type != default_type(kind, topic.name) and not topic.is_feature:
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
