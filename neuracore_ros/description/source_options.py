"""The options of a source, as a robot file has them."""

from collections.abc import Collection, Mapping
from typing import Any

from neuracore_ros.description.data_type import DataType
from neuracore_ros.description.routes import (
    ROUTE_OPTIONS,
    Parser,
    Routes,
    parse_order,
    parse_routes,
    parse_type,
)
from neuracore_ros.description.source import (
    FLOAT32_MULTI_ARRAY,
    FLOAT64,
    FLOAT64_MULTI_ARRAY,
    JOINT_STATE,
    JOINT_TRAJECTORY,
    MULTI_ARRAYS,
    POSE_STAMPED,
    TF_MESSAGE,
    WRENCH_STAMPED,
    default_max_age_s,
    default_type,
    lacks_order,
    types_of,
)
from neuracore_ros.errors import DescriptionError
from neuracore_ros.yaml_value import YamlValue

_FIELD_NAMES = ('position', 'velocity', 'effort')
_EVERY = {'topic', 'type', 'stamp', 'qos', 'max_age_s'}
_NUMBER = {'scale', 'offset'}
_ANGLE = {*_NUMBER, 'around'}
ANGLES = {DataType.JOINT_POSITIONS, DataType.VISUAL_JOINT_POSITIONS}
"""Measured types whose values may go round; so may the targets of such."""
_MEANT: Mapping[str, set[str]] = {
    JOINT_STATE: {*_ANGLE, 'names', 'order', 'field'},
    JOINT_TRAJECTORY: {*_ANGLE, 'names', 'order', 'field'},
    FLOAT64_MULTI_ARRAY: {*_ANGLE, 'names', 'order'},
    FLOAT32_MULTI_ARRAY: {*_ANGLE, 'names', 'order'},
    FLOAT64: _ANGLE,
    WRENCH_STAMPED: {*_NUMBER, 'names'},
    POSE_STAMPED: {'parent'},
    TF_MESSAGE: {'names', 'parent', 'child'},
}
"""Message type -> the options that mean something to it, besides those of every source."""


def parse_sources(
    value: YamlValue | None, names: Mapping[DataType, Collection[str]], file: str
) -> Routes:
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
        _require_sense(kind, options, options.keys(), file)
    for (kind, _), options in routes.named.items():
        common = routes.common[kind]
        own = {word for word, option in options.items() if common.get(word) is not option}
        _require_sense(kind, options, own, file)
    return routes


def _reliability(value: YamlValue, what: str, _: Collection[str]) -> str:
    fields = value.fields(f'qos of {what}', ('reliability',))
    if 'reliability' not in fields:
        return 'match'
    words = ('match', 'reliable', 'best_effort')
    return fields['reliability'].choice(f'reliability of {what}', words)


_ALL_TYPES = tuple(dict.fromkeys(kind for data_type in DataType for kind in types_of(data_type)))
_OPTIONS: Mapping[str, Parser] = {
    **ROUTE_OPTIONS,
    'type': lambda value, what, _: parse_type(value, what, _ALL_TYPES),
    'field': lambda value, what, _: value.choice(f'field of {what}', _FIELD_NAMES),
    'order': parse_order,
    'around': lambda value, what, _: value.number(f'around of {what}'),
    'max_age_s': lambda value, what, _: value.number(f'max_age_s of {what}', low=0.0),
    'stamp': lambda value, what, _: value.choice(f'stamp of {what}', ('header', 'receive')),
    'qos': _reliability,
    # Frames had a leading slash in ROS 1.
    'parent': lambda value, what, _: value.string(f'parent of {what}').lstrip('/'),
    'child': lambda value, what, _: value.string(f'child of {what}').lstrip('/'),
}


def _require_sense(
    kind: DataType, options: Mapping[str, Any], own: Collection[str], file: str
) -> None:
    """Refuse what could only be misread: an image as a number, an age of what never ages."""
    types = types_of(kind)
    chosen = options.get('type')
    if chosen and chosen not in types:
        raise DescriptionError(
            f'{file}: sources of {kind}: type {chosen} does not hold it. '
            f'Known: {", ".join(types) or "none: it is not supported"}'
        )
    if chosen in MULTI_ARRAYS and not options.get('order'):
        raise lacks_order(f'{file}: sources of {kind}', chosen)
    if 'max_age_s' in own and default_max_age_s(kind) is None:
        what = 'a target' if kind.is_target else 'what was said'
        raise DescriptionError(
            f'{file}: sources of {kind}: {what} holds until it is replaced: remove max_age_s'
        )
    if 'around' in own and kind.measured not in ANGLES:
        raise DescriptionError(
            f'{file}: sources of {kind}: around is an angle of a continuous joint; remove it'
        )
    if not types or not (chosen or 'topic' in options):
        return
    chosen = chosen or default_type(kind, options['topic'])
    meant = _EVERY | _MEANT.get(chosen, set())
    for word in own:
        if word not in meant:
            raise DescriptionError(
                f"{file}: sources of {kind}: '{word}' means nothing to {chosen}: remove it"
            )
