"""The sources of a robot file: what their options become for each name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from neuracore_ros.description.chain import Chain
from neuracore_ros.description.chain_scales import ChainScales
from neuracore_ros.description.data_type import DataType
from neuracore_ros.description.named_numbers import (
    NAMED_NUMBERS,
    example_name,
    misnamed,
)
from neuracore_ros.description.routes import (
    Routes,
    ScaleOffset,
)
from neuracore_ros.description.source import (
    CHAIN_TYPES,
    MULTI_ARRAYS,
    TF_MESSAGE,
    Source,
    lacks_order,
    types_of,
)
from neuracore_ros.description.source_options import TELEOP, SourceOptions, is_target
from neuracore_ros.errors import DescriptionError
from neuracore_ros.similar_names import known_names

_FIELDS = {DataType.JOINT_VELOCITIES: 'velocity', DataType.JOINT_TORQUES: 'effort'}


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
            is_target=is_target(data_type, self.section),
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
                replace(own, data_type=DataType.JOINT_POSITIONS, index=index, name=joint)
                for index, (joint, own) in enumerate(
                    zip(chain.joints, pose.of_joints(), strict=True)
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
