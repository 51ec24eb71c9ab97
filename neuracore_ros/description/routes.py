"""Options by DataType and by name, as ``sources`` and ``commands`` of a robot file have them."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import partial
from types import MappingProxyType
from typing import Any, Generic, TypeVar

from neuracore_ros.description.data_type import DataType
from neuracore_ros.description.embodiment import parse_data_type
from neuracore_ros.errors import DescriptionError
from neuracore_ros.similar_names import known_names
from neuracore_ros.yaml_value import YamlValue

# The characters of a ROS 2 topic name; `~` would be the node's own namespace.
_TOPIC = re.compile(r'/?[A-Za-z_][A-Za-z0-9_]*(/[A-Za-z_][A-Za-z0-9_]*)*')
_FEATURE = re.compile(r'[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)+')

OptionParser = Callable[[YamlValue, str], Any]
"""Reads one option: its value, and its name for messages."""


def option(parse: OptionParser, default: Any = None, types: Collection[str] | None = None) -> Any:
    """A field of a class of options; the name of the field is the key in the robot file.

    Args:
        parse: Reads it.
        default: Its value where it is not written.
        types: Message types to which it means something; None: all of them.
    """
    return field(default=default, metadata={'parse': parse, 'types': types})


def parse_type(types: Collection[str]) -> OptionParser:
    """A parser of message types, also in their short forms ``Image`` and ``sensor_msgs/Image``."""

    def parse(value: YamlValue, what: str) -> str:
        word = value.string(what)
        for full in types:
            package, _, name = full.split('/')
            if word in {full, f'{package}/{name}', name}:
                return full
        raise value.error(f'{what}: {value} is not supported{known_names(word, types)}')

    return parse


def parse_word(*words: str) -> OptionParser:
    """A parser of one of several words."""
    return lambda value, what: value.choice(what, words)


parse_positive = partial(YamlValue.number, low=0.0)
"""A finite number above 0."""


def parse_scale(value: YamlValue, what: str) -> float:
    """A finite number that is not 0."""
    scale = value.number(what)
    if scale == 0.0:
        raise value.error(f'{what} must not be zero')
    return scale


def parse_flag(value: YamlValue, what: str) -> bool:
    """``true`` or ``false``."""
    return value.choice(what, ('true', 'false')) == 'true'


def parse_frame(value: YamlValue, what: str) -> str:
    """The name of a frame; in ROS 1, it had a leading slash."""
    return value.string(what).lstrip('/')


def parse_order(value: YamlValue, what: str) -> tuple[str, ...]:
    """Names by position, as the message would call them."""
    return tuple(element.string(f'a name in {what}') for element in value.elements(what))


def parse_names(value: YamlValue, what: str) -> dict[str, str]:
    """Names of the robot file, and what the message calls them."""
    return {
        name: message_name.string(f"'{name}' in {what}")
        for name, (_, message_name) in value.mapping(what).items()
    }


def _parse_topic(value: YamlValue, what: str) -> str:
    topic = value.string(what)
    if is_feature(topic):
        raise value.error(f'{what}: {value} is a feature of a LeRobot dataset, and no ROS topic')
    if is_feature(bare := topic.strip('/')):
        raise value.error(
            f'{what}: {value} is no ROS topic name; a feature of a LeRobot dataset has no slash: '
            f'{bare}'
        )
    if not _TOPIC.fullmatch(topic):
        raise value.error(f'{what}: {value} is no ROS topic name')
    return topic


def parse_recorded_topic(value: YamlValue, what: str) -> str:
    """A ROS topic, or a feature of a LeRobot dataset, such as ``observation.state``."""
    return topic if is_feature(topic := value.string(what)) else _parse_topic(value, what)


def is_feature(topic: str) -> bool:
    """True for a name with dots, which features of LeRobot datasets have and no topic has."""
    return _FEATURE.fullmatch(topic) is not None


def require_order(order: Collection[str], names: Collection[str], where: str) -> None:
    """Check that an order names each joint or number of a message once.

    Raises:
        DescriptionError: It does not; ``where`` begins the message.
    """
    for name in order:
        if name not in names:
            raise DescriptionError(
                f"{where}: '{name}' is not commanded there{known_names(name, names)}"
            )
        if list(order).count(name) > 1:
            raise DescriptionError(f"{where}: '{name}' is given twice")
    if missing := [name for name in names if name not in order]:
        raise DescriptionError(
            f"{where} lacks '{missing[0]}': it must name each joint of the message once: "
            f'{", ".join(names)}'
        )


@dataclass(frozen=True, slots=True)
class ScaleOffset:
    """The slot's value of the robot's own value x: ``scale * x + offset``."""

    scale: float = 1.0
    offset: float = 0.0


@dataclass(frozen=True, slots=True)
class RouteOptions:
    """The options that sources and commands share.

    Attributes:
        topic: '' where none is given.
        names: Name of the robot file -> name in the message, of those that differ.
        scale: The slot's value is ``scale * x + offset``; None where it is not written.
        offset: See ``scale``.
        order: Names in the message by position; empty where it is not written.
    """

    topic: str = option(_parse_topic, '')
    names: Mapping[str, str] | None = option(parse_names)
    scale: float | None = option(parse_scale)
    offset: float | None = option(YamlValue.number)
    order: tuple[str, ...] = option(parse_order, ())

    @property
    def is_scaled(self) -> bool:
        """True if a scale or an offset is written."""
        return self.scale is not None or self.offset is not None

    @property
    def written_scale(self) -> ScaleOffset:
        """The scale and the offset, 1 and 0 where they are not written."""
        scale = 1.0 if self.scale is None else self.scale
        return ScaleOffset(scale, self.offset or 0.0)

    def message_name(self, name: str) -> str:
        """The name in the message."""
        return (self.names or {}).get(name, name)

    def differences(self, other: RouteOptions) -> list[str]:
        """Names of the options that were not taken from other ones of the same class."""
        return [
            each.name
            for each in fields(self)
            if getattr(self, each.name) is not getattr(other, each.name)
        ]


Options = TypeVar('Options', bound=RouteOptions)


@dataclass(frozen=True, slots=True)
class Routes(Generic[Options]):
    """Options by DataType, and by name where one differs.

    Attributes:
        common: DataType -> options of all its names.
        named: (DataType, name) -> options of one name, the common ones included.
        unwritten: The options of other DataTypes.
    """

    common: Mapping[DataType, Options]
    named: Mapping[tuple[DataType, str], Options]
    unwritten: Options

    def options(self, data_type: DataType, name: str) -> Options:
        """The options of one name."""
        common = self.common.get(data_type, self.unwritten)
        return self.named.get((data_type, name), common)


def parse_routes(
    value: YamlValue | None,
    section: str,
    unwritten: Options,
    names: Mapping[DataType, Collection[str]],
    joints: Mapping[str, Collection[str]] = MappingProxyType({}),
) -> Routes[Options]:
    """Read ``sources`` or ``commands``: options by DataType, and by name over them.

    Args:
        value: None if the section is missing.
        section: Its key, for messages.
        unwritten: The options where nothing is written.
        names: DataType -> names that it may speak of.
        joints: Chain -> its joints, which ``names`` of a pose may rename.

    Raises:
        DescriptionError: An unknown DataType, key or name, or a wrong value.
    """
    words = [each.name for each in fields(unwritten)]
    common: dict[DataType, Options] = {}
    named: dict[tuple[DataType, str], Options] = {}
    for type_key, routes in value.mapping(section).values() if value else ():
        kind = parse_data_type(type_key)
        if kind in common:
            raise type_key.error(f'{section}: {kind} is given twice')
        if kind not in names:
            raise type_key.error(f'{section}: the robot has no {kind}{known_names(kind, names)}')
        what = f'{section} of {kind}'
        entries, known = routes.mapping(what), names[kind]
        shared = {key: each for key, (_, each) in entries.items() if key in words}
        chained = [joint for name in known if kind.is_pose for joint in joints.get(name, ())]
        common[kind] = _replaced(unwritten, shared, what, [*known, *chained])
        for name, (key, own) in entries.items():
            if name in words:
                continue
            if name not in known:
                raise key.error(
                    f'{what}: {key} is neither an option nor a name of the robot'
                    f'{known_names(name, [*words, *known])}'
                )
            inner = f"{what} '{name}'"
            written = own.fields(inner, words)
            named[kind, name] = _replaced(common[kind], written, inner, [*known, *chained])
        if 'names' in entries:
            found = Routes(common, named, unwritten)
            _require_distinct(entries['names'][1], kind, found, what)
    return Routes(common, named, unwritten)


def _replaced(
    options: Options, written: Mapping[str, YamlValue], what: str, known: Collection[str]
) -> Options:
    """The options with those that are written in their place."""
    parsers = {each.name: each.metadata['parse'] for each in fields(options)}
    parsed = {key: parsers[key](value, f'{key} of {what}') for key, value in written.items()}
    for name in parsed.get('names', ()):
        if name not in known:
            key, _ = written['names'].mapping('names')[name]
            raise key.error(f'names of {what}: the robot has no {key}{known_names(name, known)}')
    return replace(options, **parsed)


def _require_distinct(
    names: YamlValue, kind: DataType, routes: Routes[Options], what: str
) -> None:
    """Check that no two names are one name of one topic; two arms may use equal names."""
    earlier: dict[tuple[str, str], str] = {}
    for name, (_, message_name) in names.mapping(f'names of {what}').items():
        options = routes.options(kind, name)
        called = options.topic, options.message_name(name)
        if (twin := earlier.setdefault(called, name)) != name:
            raise message_name.error(
                f"names of {what}: {message_name} is given twice, to '{twin}' and '{name}': give "
                'each a topic of its own, or another name'
            )
