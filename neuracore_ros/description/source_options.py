"""The options of sources as a robot file writes them: their parsers, and what is refused."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields

from neuracore_ros.description.chain import Chain
from neuracore_ros.description.chain_scales import ChainScales, parse_chain_scales
from neuracore_ros.description.crop import Crop, parse_crop
from neuracore_ros.description.data_type import DataType
from neuracore_ros.description.named_numbers import (
    NAMED_NUMBERS,
    ODOMETRY,
)
from neuracore_ros.description.routes import (
    RouteOptions,
    Routes,
    option,
    parse_frame,
    parse_names,
    parse_order,
    parse_positive,
    parse_recorded_topic,
    parse_routes,
    parse_scale,
    parse_type,
    parse_word,
)
from neuracore_ros.description.source import (
    ANGLES,
    CHAIN_TYPES,
    FLOAT64,
    IMAGE_TYPES,
    JOINT_STATE,
    JOINT_TRAJECTORY,
    MULTI_ARRAYS,
    POSE_STAMPED,
    TF_MESSAGE,
    default_max_age_s,
    default_type,
    lacks_order,
    types_of,
)
from neuracore_ros.errors import DescriptionError
from neuracore_ros.yaml_value import YamlValue

MESSAGE_TYPES = tuple(dict.fromkeys(t for data_type in DataType for t in types_of(data_type)))
"""ROS 2 types of all messages that are read."""

TELEOP = 'teleop'
"""The section in which a human commands."""

HUMAN_MAX_AGE_S = 0.2
"""A human's command is obeyed for no longer [s]; recorded targets hold until replaced."""

_LONGEST_HUMAN_S = 1.0

_WITH_FIELDS = (JOINT_STATE, JOINT_TRAJECTORY)
_WITH_ORDER = (*_WITH_FIELDS, *MULTI_ARRAYS)
_OF_JOINTS = (*_WITH_ORDER, FLOAT64)
_NUMBERS = (*_OF_JOINTS, *NAMED_NUMBERS)
# A hand is open or closed within seconds; more is a time in milliseconds.
_LONGEST_S = 60.0


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
        joints: Of a chain's source: the unit of its joints; None where it is that of the URDF.
    """

    topic: str = option(parse_recorded_topic, '')
    type: str = option(parse_type(MESSAGE_TYPES), '')
    stamp: str = option(parse_word('header', 'receive'), 'header')
    qos: str = option(_parse_qos, 'match')
    max_age_s: float | None = option(parse_positive)
    names: Mapping[str, str] | None = option(
        parse_names, types=(*_WITH_ORDER, *NAMED_NUMBERS, TF_MESSAGE)
    )
    order: tuple[str, ...] = option(parse_order, (), _WITH_ORDER)
    scale: float | None = option(parse_scale, types=(*_NUMBERS, POSE_STAMPED, TF_MESSAGE))
    offset: float | None = option(YamlValue.number, types=_NUMBERS)
    around: float | None = option(YamlValue.number, types=_OF_JOINTS)
    field: str = option(parse_word('position', 'velocity', 'effort'), '', _WITH_FIELDS)
    parent: str = option(parse_frame, '', (POSE_STAMPED, ODOMETRY, TF_MESSAGE))
    child: str = option(parse_frame, '', (TF_MESSAGE,))
    crop: Crop | None = option(parse_crop, types=IMAGE_TYPES)  # noqa: RUF009
    follow_s: float | None = option(_parse_follow, types=_OF_JOINTS)
    joints: ChainScales | None = option(parse_chain_scales, types=CHAIN_TYPES)  # noqa: RUF009

    def type_for(
        self, data_type: DataType, is_chain: bool = False, section: str = 'sources'
    ) -> str:
        """The message type, where it is not written the usual one; '' if there is none."""
        is_command = is_target(data_type, section) or self.follow_s is not None
        is_human = section == TELEOP
        return self.type or default_type(data_type, self.topic, is_chain, is_command, is_human)

    def longest_age_s(self, data_type: DataType, section: str = 'sources') -> float | None:
        """The age at which a sample is stale, [s]; None for what never ages."""
        if section == TELEOP:
            return self.max_age_s or HUMAN_MAX_AGE_S
        if section == 'targets':
            return None
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


def parse_sources(
    value: YamlValue | None,
    names: Mapping[DataType, Collection[str]],
    file: str,
    chains: Mapping[str, Chain],
    section: str = 'sources',
) -> Routes[SourceOptions]:
    """Read ``sources``, ``targets`` or ``teleop`` of a robot file, for the names of its slots.

    Args:
        value: None: none are written.
        names: DataType -> names that it may speak of.
        file: Begins messages.
        chains: The robot's, by name.
        section: Its key.

    Raises:
        DescriptionError: An unknown key, name or word, or a wrong number.
    """
    unwritten = SourceOptions()
    joints = {name: chain.joints for name, chain in chains.items()}
    routes = parse_routes(value, section, unwritten, names, joints)
    for kind, options in routes.common.items():
        is_chain = kind.is_pose and any(name in chains for name in names[kind])
        own = options.differences(unwritten)
        _require_sense(kind, options, own, file, section, is_chain)
    for (kind, name), options in routes.named.items():
        is_chain = kind.is_pose and name in chains
        own = options.differences(routes.common[kind])
        _require_sense(kind, options, own, file, section, is_chain)
    return routes


def is_target(data_type: DataType, section: str) -> bool:
    """True for what was commanded, and holds until it is replaced."""
    return section == 'targets' or (section == 'sources' and data_type.is_target)


def _require_sense(
    kind: DataType,
    options: SourceOptions,
    own: Collection[str],
    file: str,
    section: str,
    is_chain: bool,
) -> None:
    """Refuse options that could only be misread: an image as a number, a target that ages."""
    problem, types = '', types_of(kind, is_chain)
    message_type = ''
    if options.type or options.topic:
        message_type = options.type_for(kind, is_chain, section)
    if options.type and options.type not in types:
        known = ', '.join(types) or 'none: it is not supported'
        problem = f'type {options.type} does not hold it. Known: {known}'
        if kind.is_pose and options.type in CHAIN_TYPES:
            problem += '; the pose of a chain can be computed from joints: see chains'
    elif options.type in MULTI_ARRAYS and not options.order:
        problem = lacks_order(options.type)
    elif section == TELEOP and (unfit := _unfit_for_human(options)):
        problem = unfit
    elif 'max_age_s' in own and options.longest_age_s(kind, section) != options.max_age_s:
        what = 'a target' if is_target(kind, section) else 'a text'
        if options.follow_s is not None:
            what = 'a command (follow_s)'
        problem = f'{what} holds until it is replaced: remove max_age_s'
    elif 'around' in own and kind.measured not in ANGLES:
        problem = 'around is an angle of a continuous joint; remove it'
    elif 'follow_s' in own and kind is not DataType.PARALLEL_GRIPPER_OPEN_AMOUNTS:
        problem = (
            'follow_s is for PARALLEL_GRIPPER_OPEN_AMOUNTS, which follow their command: remove it'
        )
    elif kind.is_pose and (misplaced := _misplaced_in_pose(own, message_type)):
        problem = misplaced
    elif message_type and (meaningless := _meaningless(own, message_type, is_chain)):
        problem = f"'{meaningless[0]}' means nothing to {message_type}: remove it"
    if problem:
        raise DescriptionError(f'{file}: {section} of {kind}: {problem}')


def _meaningless(own: Collection[str], message_type: str, is_chain: bool) -> list[str]:
    """The options that a message type, or a slot that is no chain, has no use for."""
    known = options_of(message_type)
    return [w for w in own if w not in known or (w == 'joints' and not is_chain)]


def _unfit_for_human(options: SourceOptions) -> str:
    """The problem of an option that sources have, but no human who commands."""
    if options.follow_s is not None:
        return 'a human who commands follows nothing: remove follow_s'
    if (options.max_age_s or 0.0) <= _LONGEST_HUMAN_S:
        return ''
    return (
        f'max_age_s is {options.max_age_s:g}: a robot whose human is silent stops within at most '
        f'{_LONGEST_HUMAN_S:g} s'
    )


def _misplaced_in_pose(own: Collection[str], message_type: str) -> str:
    """The problem of an option that numbers of the same messages have, but poses have not."""
    if 'offset' in own:
        return 'a pose is moved by base_offset and tip_offset of its chain: remove offset'
    if 'names' in own and message_type == ODOMETRY:
        return 'an Odometry has one pose, which has no name: remove names'
    return 'the pose of a chain follows from positions: remove field' if 'field' in own else ''
