"""The sources of a robot file: their options, and what they become for each name."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, fields

from neuracore_ros.description.crop import Crop, parse_crop
from neuracore_ros.description.data_type import DataType
from neuracore_ros.description.routes import (
    RouteOptions,
    Routes,
    ScaleOffset,
    option,
    parse_frame,
    parse_names,
    parse_order,
    parse_positive,
    parse_routes,
    parse_scale,
    parse_type,
    parse_word,
)
from neuracore_ros.description.source import (
    ANGLES,
    FLOAT64,
    IMAGE_TYPES,
    JOINT_STATE,
    JOINT_TRAJECTORY,
    MULTI_ARRAYS,
    POSE_STAMPED,
    TF_MESSAGE,
    WRENCH_NAMES,
    WRENCH_STAMPED,
    Source,
    default_max_age_s,
    default_type,
    lacks_order,
    types_of,
)
from neuracore_ros.errors import DescriptionError
from neuracore_ros.similar_names import known_names
from neuracore_ros.yaml_value import YamlValue

MESSAGE_TYPES = tuple(dict.fromkeys(t for data_type in DataType for t in types_of(data_type)))
"""ROS 2 types of all messages that are read."""

_WITH_FIELDS = (JOINT_STATE, JOINT_TRAJECTORY)
_WITH_ORDER = (*_WITH_FIELDS, *MULTI_ARRAYS)
_OF_JOINTS = (*_WITH_ORDER, FLOAT64)
_NUMBERS = (*_OF_JOINTS, WRENCH_STAMPED)
# A hand is open or closed within seconds; more is a time in milliseconds.
_LONGEST_S = 60.0
_FIELDS = {DataType.JOINT_VELOCITIES: 'velocity', DataType.JOINT_TORQUES: 'effort'}


def _parse_qos(value: YamlValue, what: str) -> str:
    reliability = value.fields(what, ('reliability',)).get('reliability')
    words = ('match', 'reliable', 'best_effort')
    return reliability.choice(f'reliability in {what}', words) if reliability else 'match'


def _parse_follow(value: YamlValue, what: str) -> float:
    follow_s = parse_positive(value, what)
    if follow_s > _LONGEST_S:
        raise value.error(f'{what} is in seconds, at most {_LONGEST_S:g}, not {value}')
    return follow_s


@dataclass(frozen=True, slots=True)
class SourceOptions(RouteOptions):
    """The options of a source as they are written; :class:`Source` explains them.

    Attributes:
        type: '' where it is not written; so of ``field``, ``parent`` and ``child``.
        max_age_s: [s]; None where it is not written.
        around: [rad]; None where it is not written.
        qos: The reliability.
        child: The frame of a transform whose pose is read; '': the name.
    """

    type: str = option(parse_type(MESSAGE_TYPES), '')
    stamp: str = option(parse_word('header', 'receive'), 'header')
    qos: str = option(_parse_qos, 'match')
    max_age_s: float | None = option(parse_positive)
    names: Mapping[str, str] | None = option(
        parse_names, types=(*_WITH_ORDER, WRENCH_STAMPED, TF_MESSAGE)
    )
    order: tuple[str, ...] = option(parse_order, (), _WITH_ORDER)
    scale: float | None = option(parse_scale, types=_NUMBERS)
    offset: float | None = option(YamlValue.number, types=_NUMBERS)
    around: float | None = option(YamlValue.number, types=_OF_JOINTS)
    field: str = option(parse_word('position', 'velocity', 'effort'), '', _WITH_FIELDS)
    parent: str = option(parse_frame, '', (POSE_STAMPED, TF_MESSAGE))
    child: str = option(parse_frame, '', (TF_MESSAGE,))
    crop: Crop | None = option(parse_crop, types=IMAGE_TYPES)  # noqa: RUF009
    follow_s: float | None = option(_parse_follow, types=_OF_JOINTS)

    def type_for(self, data_type: DataType) -> str:
        """The message type, where it is not written the usual one; '' if there is none."""
        return self.type or default_type(data_type, self.topic, self.follow_s is not None)

    def longest_age_s(self, data_type: DataType) -> float | None:
        """The age at which a sample is stale, [s]; None for what never ages."""
        usual_s = default_max_age_s(data_type)
        if self.follow_s is not None or usual_s is None:
            return None
        return self.max_age_s or usual_s


def options_of(message_type: str) -> list[str]:
    """The options that mean something to a message type."""
    return [
        each.name
        for each in fields(SourceOptions)
        if each.metadata['types'] is None or message_type in each.metadata['types']
    ]


@dataclass(frozen=True, slots=True)
class SourceTable:
    """The ``sources`` of a robot file.

    Attributes:
        file: Begins messages.
        routes: Their options.
        amounts: Joint -> what brings its positions to a gripper's 0..1, where it is known.
    """

    file: str
    routes: Routes[SourceOptions]
    amounts: Mapping[str, ScaleOffset]

    def has(self, data_type: DataType, name: str) -> bool:
        """True if a topic is given for a name."""
        return bool(self.routes.options(data_type, name).topic)

    def message_name(self, data_type: DataType, name: str) -> str:
        """The name in the message."""
        options = self.routes.options(data_type, name)
        return options.child or options.message_name(name)

    def scaling(self, data_type: DataType, name: str) -> ScaleOffset | None:
        """The scale to a name's slot; None for a gripper of unknown range, left raw."""
        options = self.routes.options(data_type, name)
        if not data_type.is_gripper or options.is_scaled:
            return options.written_scale
        message_name = self.message_name(data_type, name)
        return self.amounts.get(name) or self.amounts.get(message_name)

    def source(self, data_type: DataType, index: int, name: str) -> Source:
        """The source of one name.

        Raises:
            DescriptionError: There is none, it lacks an option, or its DataType is not supported.
        """
        options = self.routes.options(data_type, name)
        message_type = options.type_for(data_type)
        message_name = self.message_name(data_type, name)
        if problem := next(self._problems(data_type, index, name, message_type), ''):
            raise DescriptionError(f"{self.file}: '{name}' ({data_type} index {index}){problem}")
        scaling = self.scaling(data_type, name) or ScaleOffset()
        return Source(
            data_type=data_type,
            index=index,
            name=name,
            topic=options.topic,
            type=message_type,
            field=options.field or _FIELDS.get(data_type, 'position'),
            message_name=message_name,
            order=options.order or None,
            scale=scaling.scale,
            offset=scaling.offset,
            max_age_s=options.longest_age_s(data_type),
            stamp=options.stamp,
            reliability=options.qos,
            parent=options.parent,
            around=options.around,
            crop=options.crop,
            follow_s=options.follow_s,
        )

    def _problems(
        self, data_type: DataType, index: int, name: str, message_type: str
    ) -> Iterator[str]:
        """The mistakes of one name's options; the first may be the cause of the others."""
        options = self.routes.options(data_type, name)
        called, order = self.message_name(data_type, name), options.order
        if not message_type:
            supported = ', '.join(kind for kind in DataType if types_of(kind))
            yield (
                ' is not supported: no message type is known for it. Leave it out; supported are '
                f'{supported}'
            )
        if data_type is DataType.LANGUAGE and index != 0:
            yield ': a robot has one task at a time: only index 0 is supported'
        if not options.topic:
            # Where others have topics of their own, one for all would be another mistake.
            named = self.routes.named.items()
            apart = any(kind is data_type and own.topic for (kind, _), own in named)
            added = f'{{{name}: {{topic: /...}}}}' if apart else '{topic: /...}'
            yield f' has no source. Add under sources: {data_type}: {added}'
        if options.follow_s is not None and self.scaling(data_type, name) is None:
            yield (
                ' follows its command, but its range is not known. Add under limits: '
                f'{name}: {{position: [closed, open]}}, or give its source scale and offset'
            )
        if message_type == TF_MESSAGE and not options.parent:
            yield ' is a transform: add parent: the frame in which it is given'
        if message_type in MULTI_ARRAYS and not order:
            yield f': {lacks_order(message_type)}'
        if (times := order.count(called)) > 1:
            yield f": order has '{called}' {times} times"
        if message_type in MULTI_ARRAYS and called not in order:
            yield f": order lacks '{called}'{known_names(called, order)}"
        if message_type == WRENCH_STAMPED and called not in WRENCH_NAMES:
            known = known_names(called, WRENCH_NAMES)
            yield f": a WrenchStamped has no '{called}'{known}. Write names: {{{name}: force.x}}"


def parse_sources(
    value: YamlValue | None, names: Mapping[DataType, Collection[str]], file: str
) -> Routes[SourceOptions]:
    """Read ``sources`` of a robot file, for the names of its slots; None: none are written.

    Raises:
        DescriptionError: An unknown key, name or word, or a wrong number.
    """
    unwritten = SourceOptions()
    routes = parse_routes(value, 'sources', unwritten, names)
    for kind, options in routes.common.items():
        _require_sense(kind, options, options.differences(unwritten), file)
    for (kind, _), options in routes.named.items():
        _require_sense(kind, options, options.differences(routes.common[kind]), file)
    return routes


def _require_sense(
    kind: DataType, options: SourceOptions, own: Collection[str], file: str
) -> None:
    """Refuse options that could only be misread: an image as a number, a target that ages."""
    problem, types = '', types_of(kind)
    message_type = options.type_for(kind) if options.type or options.topic else ''
    if options.type and options.type not in types:
        known = ', '.join(types) or 'none: it is not supported'
        problem = f'type {options.type} does not hold it. Known: {known}'
    elif options.type in MULTI_ARRAYS and not options.order:
        problem = lacks_order(options.type)
    elif 'max_age_s' in own and options.longest_age_s(kind) != options.max_age_s:
        what = 'a target' if kind.is_target else 'a text'
        if options.follow_s is not None:
            what = 'a command (follow_s)'
        problem = f'{what} holds until it is replaced: remove max_age_s'
    elif 'around' in own and kind.measured not in ANGLES:
        problem = 'around is an angle of a continuous joint; remove it'
    elif 'follow_s' in own and kind is not DataType.PARALLEL_GRIPPER_OPEN_AMOUNTS:
        problem = (
            'follow_s is for PARALLEL_GRIPPER_OPEN_AMOUNTS, which follow their command: remove it'
        )
    elif message_type and (meaningless := [w for w in own if w not in options_of(message_type)]):
        problem = f"'{meaningless[0]}' means nothing to {message_type}: remove it"
    if problem:
        raise DescriptionError(f'{file}: sources of {kind}: {problem}')
