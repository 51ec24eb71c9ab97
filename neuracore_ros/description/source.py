"""Sources: where the samples of a robot's data come from, live and in a bag."""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from neuracore_ros.description.data_type import DataType
from neuracore_ros.description.embodiment import parse_data_type
from neuracore_ros.description.yaml_value import YamlValue, nearest
from neuracore_ros.errors import DescriptionError

JOINT_STATE = 'sensor_msgs/msg/JointState'
JOINT_TRAJECTORY = 'trajectory_msgs/msg/JointTrajectory'
FLOAT64_MULTI_ARRAY = 'std_msgs/msg/Float64MultiArray'
IMAGE = 'sensor_msgs/msg/Image'
COMPRESSED_IMAGE = 'sensor_msgs/msg/CompressedImage'

# The characters of a ROS 2 topic name; `~` would be the node's own namespace.
_TOPIC = re.compile(r'/?[A-Za-z_][A-Za-z0-9_]*(/[A-Za-z_][A-Za-z0-9_]*)*')

_NUMBER_TYPES = (JOINT_STATE, JOINT_TRAJECTORY, FLOAT64_MULTI_ARRAY)
_IMAGE_TYPES = (IMAGE, COMPRESSED_IMAGE)
_FIELD_NAMES = ('position', 'velocity', 'effort')
_FIELDS = {DataType.JOINT_VELOCITIES: 'velocity', DataType.JOINT_TORQUES: 'effort'}
Parser = Callable[[YamlValue, str, Collection[str]], Any]
"""Reads one option: its value, what it belongs to (for messages), the names that may occur."""


@dataclass(frozen=True, slots=True)
class Source:
    """One name of one DataType, with everything resolved.

    Attributes:
        data_type: What the sample is.
        index: The slot that it fills.
        name: The robot file's name for it.
        topic: Without a leading slash, it is relative to the node's namespace.
        type: ROS 2 message type, such as ``sensor_msgs/msg/JointState``.
        field: ``position``, ``velocity`` or ``effort`` of a JointState or JointTrajectory.
        message_name: Its name in the message.
        order: Names by position, for publishers that name nothing.
        scale: The slot's value is ``scale * x + offset``.
        offset: See ``scale``.
        max_age_s: An older sample is stale [s]; None for what never ages.
        stamp: ``header``, or ``receive`` where the header cannot be trusted.
        reliability: ``match`` (the publishers'), ``reliable`` or ``best_effort``.
    """

    data_type: DataType
    index: int
    name: str
    topic: str
    type: str
    field: str
    message_name: str
    order: tuple[str, ...] | None
    scale: float
    offset: float
    max_age_s: float | None
    stamp: str
    reliability: str


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


@dataclass(frozen=True, slots=True)
class SourceTable:
    """The ``sources`` of a robot file.

    Attributes:
        file: For messages.
        routes: Their options.
    """

    file: str
    routes: Routes

    def source(self, data_type: DataType, index: int, name: str) -> Source:
        """The source of one name.

        Raises:
            DescriptionError: There is none, or its DataType cannot be read from messages yet.
        """
        options = self.routes.options(data_type, name)
        if not (data_type.is_numeric or data_type is DataType.RGB_IMAGES):
            raise DescriptionError(
                f"{self.file}: {data_type} ('{name}') is not supported: no message type is "
                'known for it'
            )
        if 'topic' not in options:
            raise DescriptionError(
                f"{self.file}: '{name}' ({data_type} index {index}) has no source. "
                f'Add under sources: {data_type}: {{topic: /...}}'
            )
        message_type = options.get('type') or default_type(data_type, options['topic'])
        default_age = None if data_type.is_target else 0.5 if data_type.is_image else 0.2
        return Source(
            data_type=data_type,
            index=index,
            name=name,
            topic=options['topic'],
            type=message_type,
            field=options.get('field', _FIELDS.get(data_type, 'position')),
            message_name=options.get('names', {}).get(name, name),
            order=options.get('order'),
            scale=options.get('scale', 1.0),
            offset=options.get('offset', 0.0),
            max_age_s=options.get('max_age_s', default_age),
            stamp=options.get('stamp', 'header'),
            reliability=options.get('qos', 'match'),
        )


def default_type(data_type: DataType, topic: str) -> str:
    """The message type of a topic on which the robot file is silent."""
    if data_type.is_image:
        return COMPRESSED_IMAGE if topic.endswith('/compressed') else IMAGE
    return JOINT_TRAJECTORY if data_type.is_target else JOINT_STATE


def parse_sources(
    value: YamlValue | None, names: Mapping[DataType, Collection[str]], file: str
) -> SourceTable:
    """Read ``sources`` of a robot file.

    Args:
        value: What is written there; None where nothing is.
        names: DataType -> names that the robot's descriptions hold.
        file: For messages.

    Raises:
        DescriptionError: An unknown key, name or word, or a wrong number.
    """
    routes = parse_routes(value, 'sources', _OPTIONS, names)
    for kind, options in routes.common.items():
        _require_sense(kind, options, file)
    for (kind, _), options in routes.named.items():
        _require_sense(kind, options, file)
    return SourceTable(file, routes)


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
            raise type_key.error(f'{section}: the robot has no {kind}{nearest(kind, names)}')
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
                    f'{nearest(name, [*options, *names[kind]])}'
                )
            inner = f"{what} '{name}'"
            named[kind, name] = common[kind] | {
                word: options[word](option, inner, names[kind])
                for word, option in own.fields(inner, options).items()
            }
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
    raise value.error(f'{what}: type {value} is not supported{nearest(word, types)}')


def _topic(value: YamlValue, what: str, _: Collection[str]) -> str:
    topic = value.string(f'topic of {what}')
    if not _TOPIC.fullmatch(topic):
        raise value.error(f'topic of {what}: {value} is no ROS topic name')
    return topic


def _names(value: YamlValue, what: str, known: Collection[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, (key, message_name) in value.mapping(f'names of {what}').items():
        if name not in known:
            raise key.error(f'names of {what}: the robot has no {key}{nearest(name, known)}')
        text = message_name.string(f"name of '{name}' in the message")
        if text in found.values():
            raise message_name.error(f'names of {what}: {message_name} is given twice')
        found[name] = text
    return found


def _scale(value: YamlValue, what: str, _: Collection[str]) -> float:
    scale = value.number(f'scale of {what}')
    if scale == 0.0:
        raise value.error(f'scale of {what} must not be zero')
    return scale


def _order(value: YamlValue, what: str, _: Collection[str]) -> tuple[str, ...]:
    elements = value.elements(f'order of {what}')
    return tuple(element.string(f'a name in order of {what}') for element in elements)


def _reliability(value: YamlValue, what: str, _: Collection[str]) -> str:
    fields = value.fields(f'qos of {what}', ('reliability',))
    if 'reliability' not in fields:
        return 'match'
    words = ('match', 'reliable', 'best_effort')
    return fields['reliability'].choice(f'reliability of {what}', words)


ROUTE_OPTIONS: Mapping[str, Parser] = {
    'topic': _topic,
    'names': _names,
    'scale': _scale,
    'offset': lambda value, what, _: value.number(f'offset of {what}'),
}
"""The options that sources and commands share."""

_OPTIONS: Mapping[str, Parser] = {
    **ROUTE_OPTIONS,
    'type': lambda value, what, _: parse_type(value, what, _NUMBER_TYPES + _IMAGE_TYPES),
    'field': lambda value, what, _: value.choice(f'field of {what}', _FIELD_NAMES),
    'order': _order,
    'max_age_s': lambda value, what, _: value.number(f'max_age_s of {what}', low=0.0),
    'stamp': lambda value, what, _: value.choice(f'stamp of {what}', ('header', 'receive')),
    'qos': _reliability,
}


def _require_sense(kind: DataType, options: Mapping[str, Any], file: str) -> None:
    """Refuse what could only be misread: an image as a number, an age of what never ages."""
    chosen = options.get('type')
    if chosen and (chosen in _IMAGE_TYPES) != kind.is_image:
        types = _IMAGE_TYPES if kind.is_image else _NUMBER_TYPES
        raise DescriptionError(
            f'{file}: sources of {kind}: type {chosen} does not hold it. Known: {", ".join(types)}'
        )
    if chosen == FLOAT64_MULTI_ARRAY and not options.get('order'):
        raise DescriptionError(
            f'{file}: sources of {kind}: a Float64MultiArray names nothing: '
            'add order: [names by position]'
        )
    if kind.is_target and 'max_age_s' in options:
        raise DescriptionError(
            f'{file}: sources of {kind}: a target holds until it is replaced: remove max_age_s'
        )
