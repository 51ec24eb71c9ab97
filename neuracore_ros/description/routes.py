"""Options by DataType and by name, as ``sources`` and ``commands`` of a robot file have them."""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from neuracore_ros.description.data_type import DataType
from neuracore_ros.description.embodiment import parse_data_type
from neuracore_ros.similar_names import known_names
from neuracore_ros.yaml_value import YamlValue

# The characters of a ROS 2 topic name; `~` would be the node's own namespace.
_TOPIC = re.compile(r'/?[A-Za-z_][A-Za-z0-9_]*(/[A-Za-z_][A-Za-z0-9_]*)*')

Parser = Callable[[YamlValue, str, Collection[str]], Any]
"""Reads one option: its value, what it belongs to (for messages), the names that may occur."""


@dataclass(frozen=True, slots=True)
class Routes:
    """Options by DataType, and by name where one differs.

    Attributes:
        common: DataType -> options of all its names.
        named: (DataType, name) -> options of one name, the common ones included.
    """

    common: Mapping[DataType, Mapping[str, Any]]
    named: Mapping[tuple[DataType, str], Mapping[str, Any]]

    def options(self, data_type: DataType, name: str) -> Mapping[str, Any]:
        """What holds for one name."""
        return self.named.get((data_type, name), self.common.get(data_type, {}))

    def scales(self, data_type: DataType, name: str) -> bool:
        """Whether a scale or an offset is written for one name."""
        return bool(self.options(data_type, name).keys() & {'scale', 'offset'})


def parse_routes(
    value: YamlValue | None,
    section: str,
    options: Mapping[str, Parser],
    names: Mapping[DataType, Collection[str]],
) -> Routes:
    """Read ``sources`` or ``commands``: options by DataType, and by name over them.

    Args:
        value: What is written there; None where nothing is.
        section: Its key, for messages.
        options: The options that there are.
        names: DataType -> names that it may speak of.

    Raises:
        DescriptionError: An unknown DataType, key or name, or a wrong value.
    """
    common: dict[DataType, dict[str, Any]] = {}
    named: dict[tuple[DataType, str], dict[str, Any]] = {}
    for type_key, routes in value.mapping(section).values() if value else ():
        kind = parse_data_type(type_key)
        if kind in common:
            raise type_key.error(f'{section}: {kind} is given twice')
        if kind not in names:
            raise type_key.error(f'{section}: the robot has no {kind}{known_names(kind, names)}')
        what = f'{section} of {kind}'
        entries = routes.mapping(what)
        common[kind] = {
            key: options[key](option, what, names[kind])
            for key, (_, option) in entries.items()
            if key in options
        }
        for name, (key, own) in entries.items():
            if name in options:
                continue
            if name not in names[kind]:
                raise key.error(
                    f'{what}: {key} is neither an option nor a name of the robot'
                    f'{known_names(name, [*options, *names[kind]])}'
                )
            inner = f"{what} '{name}'"
            named[kind, name] = common[kind] | {
                word: options[word](option, inner, names[kind])
                for word, option in own.fields(inner, options).items()
            }
        if 'names' in entries:
            _require_distinct(entries['names'][1], kind, Routes(common, named), what)
    return Routes(common, named)


def parse_type(value: YamlValue, what: str, types: Collection[str]) -> str:
    """A message type, also in its short forms ``Image`` and ``sensor_msgs/Image``.

    Raises:
        DescriptionError: A type that is not among ``types``.
    """
    word = value.string(f'type of {what}')
    for full in types:
        package, _, name = full.split('/')
        if word in {full, f'{package}/{name}', name}:
            return full
    raise value.error(f'{what}: type {value} is not supported{known_names(word, types)}')


def parse_order(value: YamlValue, what: str, _: Collection[str]) -> tuple[str, ...]:
    """Names by position, as the message would call them."""
    elements = value.elements(f'order of {what}')
    return tuple(element.string(f'a name in order of {what}') for element in elements)


def _topic(value: YamlValue, what: str, _: Collection[str]) -> str:
    topic = value.string(f'topic of {what}')
    if not _TOPIC.fullmatch(topic):
        raise value.error(f'topic of {what}: {value} is no ROS topic name')
    return topic


def _names(value: YamlValue, what: str, known: Collection[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, (key, message_name) in value.mapping(f'names of {what}').items():
        if name not in known:
            raise key.error(f'names of {what}: the robot has no {key}{known_names(name, known)}')
        found[name] = message_name.string(f"name of '{name}' in the message")
    return found


def _require_distinct(names: YamlValue, kind: DataType, routes: Routes, what: str) -> None:
    """Check that no two names are one name of one topic; two arms may use equal names."""
    seen: dict[tuple[Any, ...], str] = {}
    for name, (_, message_name) in names.mapping(f'names of {what}').items():
        options = routes.options(kind, name)
        called = options['names'].get(name, name)
        if (twin := seen.setdefault((options.get('topic'), called), name)) != name:
            raise message_name.error(
                f"names of {what}: {message_name} is given twice, to '{twin}' and '{name}': give "
                'each a topic of its own, or another name'
            )


def _scale(value: YamlValue, what: str, _: Collection[str]) -> float:
    scale = value.number(f'scale of {what}')
    if scale == 0.0:
        raise value.error(f'scale of {what} must not be zero')
    return scale


ROUTE_OPTIONS: Mapping[str, Parser] = {
    'topic': _topic,
    'names': _names,
    'scale': _scale,
    'offset': lambda value, what, _: value.number(f'offset of {what}'),
}
"""The options that sources and commands share."""
