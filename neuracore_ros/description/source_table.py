"""The sources of a robot file: their options, and what they become for each name."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, fields, replace

from neuracore_ros.description.chain import Chain
from neuracore_ros.description.chain_scales import ChainScales, parse_chain_scales
from neuracore_ros.description.crop import Crop, parse_crop
from neuracore_ros.description.data_type import DataType
from neuracore_ros.description.named_numbers import (
    NAMED_NUMBERS,
    ODOMETRY,
    example_name,
    misnamed,
)
from neuracore_ros.description.routes import (
    RouteOptions,
    Routes,
    ScaleOffset,
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
        is_command = _is_target(data_type, section) or self.follow_s is not None
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


@dataclass(frozen=True, slots=True)
class SourceTable:
    """The ``sources`` of a robot file, or its ``targets``.

    Attributes:
        file: Begins messages.
        routes: Their options.
        amounts: Joint -> what brings its positions to a gripper's 0..1, where it is known.
        chains: The robot's, by name.
        section: ``sources``; or ``targets``, which hold what was commanded; or ``teleop``, where
            a human commands.
    """

    file: str
    routes: Routes[SourceOptions]
    amounts: Mapping[str, ScaleOffset]
    chains: Mapping[str, Chain]
    section: str = 'sources'

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
        chain = self.chain(data_type, name)
        message_type = options.type_for(data_type, chain is not None, self.section)
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
            max_age_s=options.longest_age_s(data_type, self.section),
            stamp=options.stamp,
            reliability=options.qos,
            parent=options.parent,
            around=options.around,
            crop=options.crop,
            follow_s=options.follow_s,
            chain=chain,
            joint_names=tuple(options.message_name(joint) for joint in chain.joints)
            if chain
            else (),
            joint_scales=tuple(map((options.joints or ChainScales()).of, chain.joints))
            if chain
            else (),
            is_target=_is_target(data_type, self.section),
            section=self.section,
        )

    def chain(self, data_type: DataType, name: str) -> Chain | None:
        """The chain that a pose slot names; None for any other slot."""
        return self.chains.get(name) if data_type.is_pose else None

    def joint_sources(self, data_type: DataType, name: str) -> tuple[Source, ...]:
        """The sources of the measured joints of a chain, in its order.

        They are read where its pose is computed from, or else as JOINT_POSITIONS; in either case
        in the URDF's sense.

        Raises:
            DescriptionError: Nothing measures one of them.
        """
        chain = self.chains[name]
        pose = self.source(data_type, 0, name) if self.has(data_type, name) else None
        if pose is not None and pose.is_kinematic:
            return tuple(
                replace(
                    pose,
                    data_type=DataType.JOINT_POSITIONS,
                    index=index,
                    name=joint,
                    message_name=message_name,
                    scale=own.scale,
                    offset=own.offset,
                    chain=None,
                    joint_names=(),
                    joint_scales=(),
                )
                for index, (joint, message_name, own) in enumerate(
                    zip(chain.joints, pose.joint_names, pose.joint_scales, strict=True)
                )
            )
        for joint in chain.joints:
            if not self.has(DataType.JOINT_POSITIONS, joint):
                raise DescriptionError(
                    f"{self.file}: '{name}' ({data_type}) is commanded through its joints, and "
                    f"nothing measures '{joint}'. Add under sources: JOINT_POSITIONS: "
                    '{topic: /...}'
                )
        return tuple(
            replace(
                self.source(DataType.JOINT_POSITIONS, index, joint),
                scale=1.0,
                offset=0.0,
                around=None,
            )
            for index, joint in enumerate(chain.joints)
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
            yield f' has no source. Add under {self.section}: {data_type}: {added}'
        if options.follow_s is not None and self.scaling(data_type, name) is None:
            yield (
                ' follows its command, but its range is not known. Add under limits: '
                f'{name}: {{position: [closed, open]}}, or give its source scale and offset'
            )
        if data_type.is_pose and message_type in CHAIN_TYPES and name not in self.chains:
            yield (
                f' is read from a {message_type.rpartition("/")[2]}, and so must be a chain. Add '
                f'chains: {{{name}: {{base: LINK, tip: LINK}}}}'
                f'{known_names(name, self.chains) if self.chains else ""}'
            )
        if message_type == TF_MESSAGE and not options.parent:
            yield ' is a transform: add parent: the frame in which it is given'
        if message_type in MULTI_ARRAYS and not order:
            other = '; or write type: Twist, TwistStamped or Joy' if self.section == TELEOP else ''
            yield f': {lacks_order(message_type)}{other}'
        if (times := order.count(called)) > 1:
            yield f": order has '{called}' {times} times"
        chain = self.chain(data_type, name)
        wanted = [*map(options.message_name, chain.joints)] if chain else [called]
        if message_type in MULTI_ARRAYS and (
            absent := [each for each in wanted if each not in order]
        ):
            yield f": order lacks '{absent[0]}'{known_names(absent[0], order)}"
        scaled = (options.joints.named or {}) if options.joints and chain else {}
        if chain and (strange := [joint for joint in scaled if joint not in chain.joints]):
            yield (
                f": joints of its source speak of '{strange[0]}', which is none of the chain"
                f'{known_names(strange[0], chain.joints)}'
            )
        is_number = not data_type.is_pose and message_type in NAMED_NUMBERS
        if is_number and (problem := misnamed(message_type, called)):
            yield f': {problem}. Write names: {{{name}: {example_name(message_type, called)}}}'


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


def _is_target(data_type: DataType, section: str) -> bool:
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
        what = 'a target' if _is_target(kind, section) else 'a text'
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
