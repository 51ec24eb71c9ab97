"""Changes of the text of a robot file: other options, indices or frames."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence

from neuracore_ros.description import DataType, Robot
from neuracore_ros.description.chain import Placement
from neuracore_ros.description.data_type import data_type
from neuracore_ros.errors import DescriptionWarning
from neuracore_ros.viewer.file_meaning import Route, names_in
from neuracore_ros.viewer.written_yaml import (
    Change,
    WrittenEntry,
    WrittenList,
    WrittenMapping,
    WrittenYaml,
    resolved,
)
from neuracore_ros.viewer.yaml_edits import (
    Content,
    content_change,
    entries_change,
    index_changes,
    number_changes,
    rounded,
)


def option_changes(
    yaml: WrittenYaml, robot: Robot, route: Route, numbers: Mapping[str, float]
) -> list[Change]:
    """Write numbers of one name in one section; they hold for this name alone.

    Args:
        yaml: The file.
        robot: What it means.
        route: Where.
        numbers: Key -> number.
    """
    section, kind, name = route
    if (holder := _of_kind(yaml, section, kind)) is None:
        return []
    names = names_in(robot, section, kind)
    own, is_only = _entry(holder, name), names == [name]
    changes, lacking = list[Change](), dict[str, Content]()
    for key, number in numbers.items():
        # A DataType that has this name only may have its options beside the topic.
        places = (own, holder) if is_only else (own,)
        written = next((w for place in places if place and (w := _entry(place, key))), None)
        if written is None:
            lacking[key] = number
        else:
            changes += number_changes(yaml, written.value, number)
    if lacking:
        changes.append(_options_change(yaml, holder, own, names, name, lacking))
    return changes


def _options_change(
    yaml: WrittenYaml,
    holder: WrittenEntry,
    own: WrittenEntry | None,
    names: Sequence[str],
    name: str,
    options: Mapping[str, Content],
) -> Change:
    """Add options to those of a name, which may have none yet."""
    if own is None and names != [name]:
        return entries_change(yaml, holder, {name: options}, _before(holder, names, name))
    where = own or holder
    first = 'offset' if 'scale' in options else ''
    return entries_change(yaml, where, options, _last_option(where, names, first))


def order_changes(
    yaml: WrittenYaml, robot: Robot, orders: Mapping[Route, Sequence[str]]
) -> list[Change]:
    """Write the names of messages by position; once, where it holds for a whole DataType."""
    changes: list[Change] = []
    for section, kind in dict.fromkeys(route[:2] for route in orders):
        names = names_in(robot, section, kind)
        own = {name: orders.get((section, kind, name)) for name in names}
        if (holder := _of_kind(yaml, section, kind)) is None:
            continue
        order = own[names[0]]
        if order is not None and set(own.values()) == {order}:
            place = _last_option(holder, names, '')
            changes.append(entries_change(yaml, holder, {'order': order}, place))
            continue
        changes += [
            _options_change(yaml, holder, _entry(holder, name), names, name, {'order': each})
            for name, each in own.items()
            if each is not None
        ]
    return changes


def slot_changes(
    yaml: WrittenYaml, robot: Robot, role: str, kind: DataType, indices: Mapping[str, int]
) -> list[Change]:
    """Give names other indices in the ``input`` or the ``output`` of one DataType."""
    holder = _of_kind(yaml, role, kind)
    slots = (robot.input if role == 'input' else robot.output).get(kind, {})
    before = {name: index for index, name in slots.items()}
    labels = {} if robot.vocabulary is None else robot.vocabulary.names(kind)
    return [] if holder is None else index_changes(yaml, holder, before, indices, labels)


def frame_changes(yaml: WrittenYaml, chain: str, which: str, placement: Placement) -> list[Change]:
    """Write ``base_offset`` or ``tip_offset`` of a chain; zeros that are not written stay so."""
    holder = _at(yaml, 'chains', chain)
    assert holder is not None
    frame = _entry(holder, which)
    changes, lacking = list[Change](), dict[str, Content]()
    for key, values in (('xyz', placement.xyz), ('rpy', placement.rpy)):
        numbers = [rounded(value) for value in values]
        written = None if frame is None else _entry(frame, key)
        if written is None:
            lacking |= {key: numbers} if any(numbers) else {}
            continue
        listed = resolved(written.value)
        assert isinstance(listed, WrittenList)
        for element, number in zip(listed.elements, numbers, strict=True):
            changes += number_changes(yaml, element, number)
    if lacking and frame is None:
        place = _last(holder, ('base', 'tip', 'base_offset'))
        changes.append(entries_change(yaml, holder, {which: lacking}, place))
    elif lacking and frame is not None:
        changes.append(entries_change(yaml, frame, lacking, -1 if 'xyz' in lacking else None))
    return changes


def text_change(yaml: WrittenYaml, key: str, text: str) -> list[Change]:
    """Exchange the text of a key at the top of the file."""
    entry = yaml.root.entry(key)
    return [] if entry is None else [content_change(yaml, entry.value, text)]


def _at(yaml: WrittenYaml, *keys: str) -> WrittenEntry | None:
    """The entry that a way of keys leads to."""
    entry = yaml.root.entry(keys[0])
    for key in keys[1:]:
        entry = None if entry is None else _entry(entry, key)
    return entry


def _entry(holder: WrittenEntry, key: str) -> WrittenEntry | None:
    mapping = resolved(holder.value)
    return mapping.entry(key) if isinstance(mapping, WrittenMapping) else None


def _entries(holder: WrittenEntry) -> Sequence[WrittenEntry]:
    mapping = resolved(holder.value)
    return mapping.entries if isinstance(mapping, WrittenMapping) else ()


def _of_kind(yaml: WrittenYaml, section: str, kind: DataType) -> WrittenEntry | None:
    """The entry of a DataType, in whichever spelling it is written."""
    top = yaml.root.entry(section)
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', DescriptionWarning)
        return next((e for e in (_entries(top) if top else ()) if data_type(e.name) is kind), None)


def _before(holder: WrittenEntry, names: Sequence[str], name: str) -> int | None:
    """The place of the entry that a name's new one follows: options first, then by index."""
    places = [
        place
        for place, entry in enumerate(_entries(holder))
        if entry.name not in names or names.index(entry.name) < names.index(name)
    ]
    return places[-1] if places else -1


def _last_option(holder: WrittenEntry, names: Sequence[str], first: str) -> int | None:
    """The place of the last option, or the one before a certain option; names stand behind."""
    entries = _entries(holder)
    for place, entry in enumerate(entries):
        if entry.name == first:
            return place - 1
    places = [place for place, entry in enumerate(entries) if entry.name not in names]
    return places[-1] if places else -1


def _last(holder: WrittenEntry, keys: Sequence[str]) -> int:
    places = [place for place, entry in enumerate(_entries(holder)) if entry.name in keys]
    return places[-1] if places else -1
