"""The sources and commands of a drafted robot file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from neuracore_ros.alignment.align import SlotProposal
from neuracore_ros.description.data_type import DataType
from neuracore_ros.description.routes import ScaleOffset
from neuracore_ros.description.source import default_max_age_s, default_type, enough_age_s
from neuracore_ros.description.units import Unit
from neuracore_ros.scaffold.facts import ImageTopic, NumberTopic
from neuracore_ros.scaffold.yaml_writer import COLUMNS, YamlLine, flow, scalar, value

# Stamps this far from arrival would be stale, or of another clock [s].
_STAMP_OFF_S = 1.0
_LONGEST = COLUMNS - 3
# A robot is not driven by streams slower than this [s].
_SLOW_S = 1.0


@dataclass(frozen=True, slots=True)
class Route:
    """Where one name comes from or goes to.

    Attributes:
        name: Of the robot file.
        options: As written, but for ``names``, which one list holds for all.
        message_name: Where it differs from ``name``.
        notes: Comments, one line each.
    """

    name: str
    options: Mapping[str, object]
    message_name: str = ''
    notes: tuple[str, ...] = ()


def source_options(
    kind: DataType, topic: NumberTopic | ImageTopic, order: Sequence[str] = ()
) -> tuple[dict[str, object], tuple[str, ...]]:
    """Options of a source that reads a topic which was seen, and notes on them."""
    options: dict[str, object] = {'topic': topic.name}
    notes: list[str] = []
    if topic.type != default_type(kind, topic.name):
        options['type'] = topic.type
    if order:
        options['order'] = list(order)
    ages = default_max_age_s(kind)
    if topic.stamp_off_s > _STAMP_OFF_S:
        options['stamp'] = 'receive'
        notes.append(
            f'guessed: header stamps are {topic.stamp_off_s:.3g} s off the time of arrival'
        )
    if ages is not None and topic.period_s > ages / 2:
        age_s = enough_age_s(topic.period_s)
        if topic.period_s < _SLOW_S:
            options['max_age_s'] = age_s
            notes.append(f'guessed: messages come {topic.period_s:.2g} s apart')
        else:
            notes.append(
                f'messages come {topic.period_s:.3g} s apart, too slow to drive a robot by: to '
                f'convert such a recording, add max_age_s: {age_s:g}'
            )
    return options, tuple(notes)


def route_lines(kind: DataType, routes: Sequence[Route], active: bool = True) -> list[YamlLine]:
    """Options by DataType, and by name where they differ."""
    notes = list(dict.fromkeys(note for route in routes for note in route.notes))
    beside = notes.pop() if len(notes) == 1 else ''
    lines = [YamlLine(1, '', note) for note in notes]
    first = routes[0].options
    common: dict[str, object] = {
        key: option
        for key, option in first.items()
        if all(key in route.options and route.options[key] == option for route in routes)
    }
    if kind.is_image or 'topic' not in common:
        # An array of numbers is no type without its order.
        has_order = any('order' in route.options for route in routes)
        shared = {} if kind.is_image or (has_order and 'order' not in common) else common
        lines.append(YamlLine(1, f'{kind}:', beside, active))
        lines += [
            YamlLine(2, f'{key}: {value(option)}', '', active) for key, option in shared.items()
        ]
        return lines + [
            YamlLine(2, f'{scalar(route.name)}: {flow(_own(route, shared))}', '', active)
            for route in routes
        ]
    rest = {
        route.name: {key: o for key, o in route.options.items() if key not in common}
        for route in routes
    }
    names = {route.name: route.message_name for route in routes if route.message_name}
    common |= {'names': names} if names else {}
    text = f'{kind}: {flow(common)}'
    if len(text) <= _LONGEST and not any(rest.values()):
        return [*lines, YamlLine(1, text, beside, active)]
    lines.append(YamlLine(1, f'{kind}:', beside, active))
    lines += [YamlLine(2, f'{key}: {value(option)}', '', active) for key, option in common.items()]
    lines += [
        YamlLine(2, f'{scalar(name)}: {flow(own)}', '', active)
        for name, own in rest.items()
        if own
    ]
    return lines


def _own(route: Route, shared: Mapping[str, object]) -> dict[str, object]:
    """The options of one name, but for those that all share."""
    names = {'names': {route.name: route.message_name}} if route.message_name else {}
    own = {key: option for key, option in route.options.items() if key not in shared}
    return {**own, **names}


def sense(place: SlotProposal, unit: Unit | None = None) -> dict[str, object]:
    """What brings a joint into its slot's sense, as far as it differs.

    Args:
        place: The slot.
        unit: Of the message's numbers, where it is not [rad] or [m].
    """
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
    """What brings a gripper's values to 0..1, where its range does not."""
    if scaling is None:
        return {}
    options: dict[str, object] = {'scale': scaling.scale}
    if scaling.offset:
        options['offset'] = round(scaling.offset, 4)
    return options
