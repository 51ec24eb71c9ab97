"""A robot as its file describes it: what every tool asks of it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from neuracore_ros.description.chain import Chain
from neuracore_ros.description.command import (
    ChainOutput,
    Command,
    Joint,
    measured_type,
)
from neuracore_ros.description.command_table import CommandOptions, CommandTable
from neuracore_ros.description.data_type import DataType
from neuracore_ros.description.direct import DirectCommand
from neuracore_ros.description.direct_table import (
    DirectLimits,
    direct_commands,
    direct_topics,
    require_one_spelling,
    require_single,
)
from neuracore_ros.description.embodiment import EmbodimentDescription
from neuracore_ros.description.limits import JointLimit, Range
from neuracore_ros.description.routes import Routes, ScaleOffset, is_feature
from neuracore_ros.description.source import Source, require_distinct
from neuracore_ros.description.source_options import SourceOptions
from neuracore_ros.description.source_table import SourceTable
from neuracore_ros.description.vocabulary import Vocabulary
from neuracore_ros.errors import DescriptionError


@dataclass(frozen=True, slots=True)
class Robot:
    """One robot file, checked as a whole.

    Attributes:
        name: The robot.
        path: The file.
        input: The inputs of the model.
        output: The outputs of the model.
        limits: (DataType, name) of an output joint -> its limits, in the robot's own units. Of a
            chain, the DataType is that of its pose, and the names are those of its joints.
        direct_limits: (DataType, name) of a direct output -> its limits, likewise.
        urdf: The URDF that the file names; None without.
        chains: Name -> chain, whose pose is computed from its joints.
        vocabulary: The names of its slots; None where the file names no vocabulary.
    """

    name: str
    path: Path
    input: EmbodimentDescription
    output: EmbodimentDescription
    limits: Mapping[tuple[DataType, str], JointLimit]
    direct_limits: DirectLimits
    urdf: Path | None
    chains: Mapping[str, Chain]
    _sources: SourceTable
    _targets: SourceTable
    _commands: CommandTable
    _teleop: SourceTable | None = None
    vocabulary: Vocabulary | None = None

    def input_sources(self) -> tuple[Source, ...]:
        """The source of each input, in canonical and index order.

        A LANGUAGE input without a topic is left out: see :meth:`texts`.

        Raises:
            DescriptionError: An input has no source.
        """
        return self._described(self.input)

    def source(self, kind: DataType, name: str) -> Source | None:
        """The source of one input or measured joint; None where it is not written.

        Raises:
            DescriptionError: The source lacks an option, or its DataType is not supported.
        """
        known = {own: index for index, own in self.input.get(kind, {}).items()}
        has_source = self._sources.has(kind, name)
        return self._source(kind, known.get(name, 0), name, None) if has_source else None

    def texts(self, task: str) -> dict[int, str]:
        """Index -> the user's task, of the LANGUAGE inputs that no topic gives."""
        slots = self.input.get(DataType.LANGUAGE, {})
        return {index: task for index, name in slots.items() if self._is_given(name)}

    def output_sources(self) -> tuple[Source, ...]:
        """The source from which each output is recorded, in canonical and index order.

        It is that of ``targets``, where there is one: what was commanded.

        Raises:
            DescriptionError: An output has no source.
        """
        return self._described(self.output, self._targets)

    def measured_sources(self) -> tuple[Source, ...]:
        """The source of each commanded joint's measured position.

        Returns:
            One source per output joint, of the measured DataType (JOINT_POSITIONS for
            JOINT_TARGET_POSITIONS), **at the output's index**; of a pose that is commanded by
            inverse kinematics, one per joint of its chain, at the joint's place in it; none of
            direct outputs, see :meth:`direct_sources`.

        Raises:
            DescriptionError: Nothing measures an output.
        """
        sources: list[Source] = []
        for kind, slots in self.output.items():
            for index, name in slots.items():
                if self._commands.chain(kind, name) is not None:
                    sources += self._sources.joint_sources(kind, name)
                elif self._commands.is_of_joints(kind, name):
                    sources.append(self._sources.source(measured_type(kind), index, name))
        require_distinct(sources, str(self.path))
        return tuple(sources)

    def commands(self) -> tuple[Command, ...]:
        """The command topics, each with its joints in index order.

        Raises:
            DescriptionError: An output has no command, or none is declared.
        """
        if not self.output:
            raise DescriptionError(f'{self.path}: the robot has no output: nothing to command')
        commands = self._commands.commands(self.output, self.limits)
        return tuple(
            replace(command, joints=tuple(map(self._with_measured_zero, command.joints)))
            for command in commands
        )

    def _with_measured_zero(self, joint: Joint) -> Joint:
        """A joint that is commanded by its velocity, with the zero that its positions have."""
        kind, name = DataType.JOINT_POSITIONS, joint.name
        if not joint.is_integrated or not self._sources.has(kind, name):
            return joint
        return replace(joint, offset=self._sources.source(kind, 0, name).offset)

    def direct_commands(self) -> tuple[DirectCommand, ...]:
        """The topics of outputs that are sent as they are, each with its slots.

        Raises:
            DescriptionError: An output has no command.
        """
        return direct_commands(self._commands, self.output, self.direct_limits, self.pose_scale)

    def all_measured(self) -> tuple[Source, ...]:
        """The sources of everything that is measured because it is commanded.

        Raises:
            DescriptionError: Nothing measures what must be.
        """
        return (*self.measured_sources(), *self.direct_sources())

    def all_commands(self) -> tuple[Command | DirectCommand, ...]:
        """All command topics: those of joints first.

        Raises:
            DescriptionError: An output has no command, none is declared, or a joint is commanded
                in two ways.
        """
        direct = self.direct_commands()
        commands: tuple[Command | DirectCommand, ...] = (*self.commands(), *direct)
        require_one_spelling(commands, self.path)
        require_single(commands, self.path)
        return commands

    def direct_sources(self) -> tuple[Source, ...]:
        """The sources of what direct outputs are measured by, each at its output's index.

        Poses must be measured, and torques that a stop holds; velocities and other torques are
        where a topic is given for them, and so are the positions of joints that have limits of
        position. A topic that is commanded measures nothing.

        Raises:
            DescriptionError: Nothing measures what must be.
        """
        sent = {each.strip('/') for each in direct_topics(self._commands, self.output).values()}
        sources = []
        for kind, name in direct_topics(self._commands, self.output):
            needed = kind.is_pose or self._commands.routes.options(kind, name).stop == 'hold'
            known = self._sources.has(kind, name) and kind is not DataType.CUSTOM_1D
            index = next(i for i, each in self.output[kind].items() if each == name)
            position = DataType.JOINT_POSITIONS
            if self.direct_limits[kind, name].ends and self._sources.has(position, name):
                sources.append(self._source(position, index, name, None))
            if not (needed or known):
                continue
            source = self._source(kind, index, name, None)
            if source.topic.strip('/') not in sent:
                sources.append(source)
            elif needed:
                raise DescriptionError(
                    f"{self.path}: sources of {kind}: '{name}' is read from {source.topic}, where "
                    'it is commanded: give the topic of what is measured; what is recorded of '
                    'commands belongs under targets'
                )
        return tuple(sources)

    def teleop_sources(self) -> tuple[Source, ...]:
        """The source from which a human commands each output, in canonical and index order.

        Returns:
            One source per output, at its index; none without the section ``teleop``.
        """
        if self._teleop is None:
            return ()
        return self._described(self.output, self._teleop)

    def chain_outputs(self) -> tuple[ChainOutput, ...]:
        """The pose outputs that inverse kinematics turns into joints, in index order."""
        return tuple(
            ChainOutput(kind, index, self.pose_scale(kind, name), chain)
            for kind, slots in self.output.items()
            for index, name in slots.items()
            if (chain := self._commands.chain(kind, name)) is not None
        )

    def pose_scale(self, kind: DataType, name: str) -> float:
        """The number by which a slot's positions are larger than the robot's; 1 if none is given.

        A pose has one scale, wherever in the file it is written.
        """
        tables = (self._sources, self._targets, self._teleop)
        scales = [
            *(table.routes.options(kind, name).scale for table in tables if table is not None),
            self._commands.routes.options(kind, name).scale,
        ]
        return next((scale for scale in scales if scale is not None), 1.0)

    def slot_range(self, kind: DataType, name: str) -> Range:
        """The range of a commanded output, in its slot's sense: of positions where it is one.

        Returns:
            Least and largest value, infinite for a continuous joint; of a gripper 0 and 1.
        """
        if (direct := self.direct_limits.get((kind, name))) is not None:
            most = abs(self._commands.routes.options(kind, name).written_scale.scale) * direct.most
            return -most, most
        limit = self.limits[kind, name]
        scaling = self._commands.scaling(kind, name, limit)
        if kind is DataType.JOINT_VELOCITIES:
            most = abs(scaling.scale) * limit.velocity
            return -most, most
        ends = [scaling.scale * bound + scaling.offset for bound in (limit.lower, limit.upper)]
        return min(ends), max(ends)

    def reach(self, kind: DataType, name: str) -> Range | None:
        """The position limits of a measured or commanded joint in its slot's sense.

        Returns:
            Least and largest value, [rad] or [m]; None without limits, or for a whole turn and
            more.
        """
        for output, joint in self.limits:
            if joint != name or kind.is_gripper or kind not in (output, output.measured):
                continue
            # Limits are in the unit of commands, which need not be that of measurements.
            ends = self.slot_range(output, name)
            if ends[1] - ends[0] < 2 * math.pi:
                return ends
        return None

    @property
    def routes(self) -> Mapping[str, Routes[SourceOptions] | Routes[CommandOptions]]:
        """Section of the file -> its options by DataType and name, as they are written."""
        tables = (self._sources, self._targets, self._teleop)
        found = {table.section: table.routes for table in tables if table is not None}
        return {**found, 'commands': self._commands.routes}

    def scalings(self, kind: DataType, name: str) -> Mapping[str, ScaleOffset]:
        """The scale and offset from a name's own value to its slot's, by section of the file.

        Returns:
            Sections that give the name a topic; a gripper of unknown range is taken as it is.
        """
        tables = (self._sources, self._targets, self._teleop)
        found = {
            table.section: table.scaling(kind, name) or ScaleOffset()
            for table in tables
            if table is not None and table.has(kind, name)
        }
        if self._commands.has(kind, name):
            limit = self.limits.get((kind, name))
            written = self._commands.routes.options(kind, name).written_scale
            scaling = self._commands.scaling(kind, name, limit) if limit else written
            found['commands'] = scaling
        return found

    def scale_offset(self, kind: DataType, name: str) -> ScaleOffset:
        """The scale and offset from a joint's own value to its slot's; 1 and 0 of no joint."""
        try:
            for (output, joint), (measured, commanded) in self.scale_offsets().items():
                if joint == name and kind in (output, output.measured):
                    return commanded if kind is output else measured
        except DescriptionError:
            pass
        return ScaleOffset()

    def scale_offsets(self) -> Mapping[tuple[DataType, str], tuple[ScaleOffset, ScaleOffset]]:
        """The scale and offset of each commanded joint, as measured and as commanded.

        Joints that are read from a LeRobot dataset are left out.

        Raises:
            DescriptionError: A source or a command is missing.
        """
        measured = {(s.data_type, s.name): s for s in self.measured_sources()}
        found = {}
        joints = (joint for command in self.commands() for joint in command.joints)
        for joint in (joint for joint in joints if not (joint.chain or joint.is_integrated)):
            source = measured[joint.measured, joint.name]
            if is_feature(source.topic):
                continue  # A dataset has units of its own, whatever the robot's are.
            found[joint.data_type, joint.name] = (
                ScaleOffset(source.scale, source.offset),
                ScaleOffset(joint.scale, joint.offset),
            )
        return found

    def _described(
        self, description: EmbodimentDescription, targets: SourceTable | None = None
    ) -> tuple[Source, ...]:
        sources = tuple(
            self._source(kind, index, name, targets)
            for kind, slots in description.items()
            for index, name in slots.items()
            if not (kind is DataType.LANGUAGE and self._is_given(name) and index == 0)
        )
        require_distinct(sources, str(self.path))
        return sources

    def _source(
        self, kind: DataType, index: int, name: str, targets: SourceTable | None
    ) -> Source:
        table = targets if targets and targets.has(kind, name) else self._sources
        found = table.source(kind, index, name)
        return replace(found, scale=self.pose_scale(kind, name)) if kind.is_pose else found

    def _is_given(self, name: str) -> bool:
        """True for a text that the user gives."""
        return not self._sources.has(DataType.LANGUAGE, name)
