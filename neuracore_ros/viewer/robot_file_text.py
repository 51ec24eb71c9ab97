"""Text of a robot file with other options, indices or frames; all else stays as it is written."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence

from neuracore_ros.description import DataType, Robot
from neuracore_ros.description.chain import Placement
from neuracore_ros.description.data_type import data_type
from neuracore_ros.errors import DescriptionWarning
from neuracore_ros.viewer.file_meaning import Route, names_in
from neuracore_ros.viewer.written_yaml import (
    WrittenEntry,
    WrittenList,
    WrittenMapping,
    WrittenYaml,
    resolved,
)
from neuracore_ros.viewer.yaml_edits import (
    Content,
    renumbered,
    rounded,
    with_content,
    with_entry,
    with_indices,
)


def with_options(
    yaml: WrittenYaml, robot: Robot, route: Route, numbers: Mapping[str, float]
) -> WrittenYaml:
    """Write numbers of one name in one section; they hold for this name alone.

    Args:
        yaml: The file.
        robot: What it means.
        route: Where.
        numbers: Key -> number.
    """
    for key, number in numbers.items():
        yaml = _with_option(yaml, robot, route, key, number)
    return yaml


def _with_option(
    yaml: WrittenYaml, robot: Robot, route: Route, key: str, content: Content
) -> WrittenYaml:
    section, kind, name = route
    holder = _of_kind(yaml, section, kind)
    if holder is None:
        return yaml
    names = names_in(robot, section, kind)
    own = _entry(holder, name)
    where = holder if own is None and names == [name] else own
    if where is None:
        return with_entry(yaml, holder, name, {key: content}, _before(holder, names, name))
    written = _entry(where, key)
    if own is not None and written is None and names == [name] and _entry(holder, key):
        written = _entry(holder, key)  # It is written for the DataType, which has this name only.
    if written is None:
        first = 'offset' if key == 'scale' else ''
        return with_entry(yaml, where, key, content, _last_option(where, names, first))
    if isinstance(content, float):
        return renumbered(yaml, written.value, content)
    return with_content(yaml, written.value, content)


def with_order(
    yaml: WrittenYaml, robot: Robot, orders: Mapping[Route, Sequence[str]]
) -> WrittenYaml:
    """Write the names of messages by position; once, where it holds for a whole DataType."""
    for section, kind in dict.fromkeys(route[:2] for route in orders):
        names = names_in(robot, section, kind)
        own = {name: orders.get((section, kind, name)) for name in names}
        holder, order = _of_kind(yaml, section, kind), own[names[0]]
        if holder is not None and order is not None and set(own.values()) == {order}:
            yaml = with_entry(yaml, holder, 'order', order, _last_option(holder, names, ''))
            continue
        for name, order in own.items():
            if order is not None:
                yaml = _with_option(yaml, robot, (section, kind, name), 'order', order)
    return yaml


def with_slots(
    yaml: WrittenYaml, robot: Robot, role: str, kind: DataType, indices: Mapping[str, int]
) -> WrittenYaml:
    """Give names other indices in the ``input`` or the ``output`` of one DataType."""
    holder = _of_kind(yaml, role, kind)
    slots = (robot.input if role == 'input' else robot.output).get(kind, {})
    before = {name: index for index, name in slots.items()}
    labels = {} if robot.vocabulary is None else robot.vocabulary.names(kind)
    return yaml if holder is None else with_indices(yaml, holder, before, indices, labels)


def with_frame(yaml: WrittenYaml, chain: str, which: str, placement: Placement) -> WrittenYaml:
    """Write ``base_offset`` or ``tip_offset`` of a chain; zeros that are not written stay so."""
    for key, values in (('rpy', placement.rpy), ('xyz', placement.xyz)):
        numbers = [rounded(value) for value in values]
        holder = _at(yaml, 'chains', chain)
        assert holder is not None
        frame = _entry(holder, which)
        written = None if frame is None else _entry(frame, key)
        if written is not None:
            yaml = _with_numbers(yaml, chain, which, key, numbers)
        elif any(numbers) and frame is not None:
            yaml = with_entry(yaml, frame, key, numbers, -1 if key == 'xyz' else None)
        elif any(numbers):
            earlier = ('base', 'tip', 'base_offset')
            yaml = with_entry(yaml, holder, which, {key: numbers}, _last(holder, earlier))
    return yaml


def _with_numbers(
    yaml: WrittenYaml, chain: str, which: str, key: str, numbers: Sequence[float]
) -> WrittenYaml:
    for place, number in enumerate(numbers):
        entry = _at(yaml, 'chains', chain, which, key)
        values = resolved(entry.value) if entry else None
        if isinstance(values, WrittenList):
            yaml = renumbered(yaml, values.elements[place], number)
    return yaml


def with_text(yaml: WrittenYaml, key: str, text: str) -> WrittenYaml:
    """Exchange the text of a key at the top of the file."""
    entry = yaml.root.entry(key)
    return yaml if entry is None else with_content(yaml, entry.value, text)


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
