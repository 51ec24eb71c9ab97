"""The robot file: one robot, as every tool reads it."""

import warnings
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from neuracore_ros.description.command import Command, CommandTable, parse_commands
from neuracore_ros.description.data_type import DataType
from neuracore_ros.description.embodiment import EmbodimentDescription, parse_embodiment
from neuracore_ros.description.gripper import amounts
from neuracore_ros.description.limits import JointLimit, PartialLimit, parse_limit
from neuracore_ros.description.source import Source, SourceTable, require_distinct
from neuracore_ros.description.source_options import parse_sources
from neuracore_ros.description.urdf import Urdf, read_urdf
from neuracore_ros.description.yaml_value import YamlValue, nearest, read_yaml
from neuracore_ros.errors import DescriptionError, DescriptionWarning, near

_KEYS = ('robot', 'urdf', 'limits', 'input', 'output', 'sources', 'commands')


@dataclass(frozen=True, slots=True)
class Robot:
    """One robot file, checked as a whole.

    Attributes:
        name: The robot.
        path: The file.
        input: What the model reads.
        output: What the model commands.
        limits: (DataType, name) of an output joint -> its limits, in the robot's own units.
        urdf: The URDF that the file names; None without.
    """

    name: str
    path: Path
    input: EmbodimentDescription
    output: EmbodimentDescription
    limits: Mapping[tuple[DataType, str], JointLimit]
    urdf: Path | None
    _sources: SourceTable
    _commands: CommandTable

    def input_sources(self) -> tuple[Source, ...]:
        """Where each input comes from, in canonical and index order.

        A LANGUAGE input without a topic is left out: see :meth:`texts`.

        Raises:
            DescriptionError: An input has no source.
        """
        return self._described(self.input)

    def source(self, kind: DataType, name: str) -> Source | None:
        """Where one input or measured joint comes from; None where that is not written.

        Raises:
            DescriptionError: What is written lacks an option, or its DataType is not supported.
        """
        known = {own: index for index, own in self.input.get(kind, {}).items()}
        has_source = self._sources.has(kind, name)
        return self._sources.source(kind, known.get(name, 0), name) if has_source else None

    def texts(self, task: str) -> dict[int, str]:
        """The LANGUAGE inputs that no topic gives, but the user.

        Args:
            task: What the user says.

        Returns:
            Index -> the task.
        """
        slots = self.input.get(DataType.LANGUAGE, {})
        return {index: task for index, name in slots.items() if self._is_given(name)}

    def output_sources(self) -> tuple[Source, ...]:
        """Where each output was recorded from, in canonical and index order.

        Raises:
            DescriptionError: An output has no source.
        """
        return self._described(self.output)

    def measured_sources(self) -> tuple[Source, ...]:
        """Where each commanded joint reports its position.

        Returns:
            One source per output joint, of the measured DataType (JOINT_POSITIONS for
            JOINT_TARGET_POSITIONS), **at the output's index**.

        Raises:
            DescriptionError: Nothing measures an output.
        """
        sources = tuple(
            self._sources.source(kind.measured, index, name)
            for kind, slots in self.output.items()
            for index, name in slots.items()
        )
        require_distinct(sources, str(self.path))
        return sources

    def commands(self) -> tuple[Command, ...]:
        """The command topics, each with its joints in index order.

        Raises:
            DescriptionError: An output has no command, or none is declared.
        """
        if not self.output:
            raise DescriptionError(f'{self.path}: the robot has no output: nothing to command')
        return self._commands.commands(self.output, self.limits)

    def slot_range(self, kind: DataType, name: str) -> tuple[float, float]:
        """The position limits of a commanded output, in its slot's sense.

        Returns:
            Least and largest value, infinite for a continuous joint; of a gripper 0 and 1.
        """
        limit = self.limits[kind, name]
        scaling = self._commands.scaling(kind, name, limit)
        ends = [scaling.scale * bound + scaling.offset for bound in (limit.lower, limit.upper)]
        return min(ends), max(ends)

    def _described(self, description: EmbodimentDescription) -> tuple[Source, ...]:
        sources = tuple(
            self._sources.source(kind, index, name)
            for kind, slots in description.items()
            for index, name in slots.items()
            if not (kind is DataType.LANGUAGE and self._is_given(name) and index == 0)
        )
        require_distinct(sources, str(self.path))
        return sources

    def _is_given(self, name: str) -> bool:
        """Whether a text comes from the user."""
        return not self._sources.has(DataType.LANGUAGE, name)


def load_robot(path: Path | str) -> Robot:
    """Read one robot file.

    Raises:
        DescriptionError: Anything in it is wrong, with file and line.
    """
    path = Path(path)
    return parse_robot(read_yaml(path), path)


def parse_robot(value: YamlValue, path: Path) -> Robot:
    """Check a robot file that was read.

    Raises:
        DescriptionError: Anything in it is wrong, with file and line.
    """
    _require_a_robot(value, path)
    fields = value.fields('a robot file', _KEYS)
    for key in ('robot', 'input', 'output'):
        if key not in fields:
            raise value.error(f"a robot file needs the key '{key}'")
    name = fields['robot'].string('robot')
    given_input, wanted = parse_embodiment(fields['input']), parse_embodiment(fields['output'])
    if not given_input:
        raise fields['input'].error('the robot has no input: a model could read nothing')
    file = str(path)
    # A commanded joint must be measured, so sources may speak of that type and name, too.
    names: dict[DataType, list[str]] = {}
    for description in (given_input, wanted):
        for kind, slots in description.items():
            names.setdefault(kind, []).extend(slots.values())
    for kind, slots in wanted.items():
        names.setdefault(kind.measured, []).extend(slots.values())
    routes = parse_sources(fields.get('sources'), names, file)
    output_names = {kind: list(slots.values()) for kind, slots in wanted.items()}
    commands = parse_commands(fields.get('commands'), output_names, file)
    urdf_path = _urdf_path(fields.get('urdf'), path)
    urdf = read_urdf(urdf_path) if urdf_path else Urdf({}, {})
    table = SourceTable(file, routes, {})
    described = {name for known in names.values() for name in known}
    described |= {table.message_name(kind, n) for kind, known in names.items() for n in known}
    described |= {commands.message_name(k, n) for k, known in output_names.items() for n in known}
    if urdf.limits and urdf.limits.keys().isdisjoint(described):
        warnings.warn(
            f'{urdf_path}: has none of the joints of {file}: is it the URDF of another robot?',
            DescriptionWarning,
            stacklevel=2,
        )
    given = _limits(fields.get('limits'), urdf, described)
    sources = SourceTable(file, routes, amounts(given, urdf.limits, urdf.mimics))
    output_limits = _output_limits(wanted, commands, given, urdf, file)
    _warn_of_grippers(names, wanted, sources, commands)
    return Robot(name, path, given_input, wanted, output_limits, urdf_path, sources, commands)


def _require_a_robot(value: YamlValue, path: Path) -> None:
    """Refuse files that people mistake for the file of a robot."""
    if not isinstance(value.content, tuple):
        raise value.error(
            f'a robot file must be a mapping, not {value}; neuracore_ros describe drafts one'
        )
    top = value.mapping('a robot file')
    if 'robots' in top and top.keys().isdisjoint(_KEYS):
        listed = top['robots'][1]
        files = listed.pairs('robots') if listed.is_mapping() else ()
        one = next((f': {path.parent / str(file.content)}' for _, file in files), '')
        raise value.error(f'lists several robots; give the file of one of them{one}')
    require_no_parameters(top)


def require_no_parameters(top: Mapping[str, tuple[YamlValue, YamlValue]]) -> None:
    """Refuse the parameters file of the node, which people take for the robot file.

    Args:
        top: The outermost keys and their values.

    Raises:
        DescriptionError: It is one.
    """
    for key, inner in top.values():
        if inner.is_mapping() and any(k.content == 'ros__parameters' for k, _ in inner.pairs('')):
            raise key.error('is a file of ROS parameters; the robot file is another one')


def _urdf_path(value: YamlValue | None, path: Path) -> Path | None:
    if value is None:
        return None
    if value.string('urdf').startswith('package://'):
        raise value.error(f'urdf {value}: write the path of the file, relative to {path}')
    urdf = path.parent / value.string('urdf')
    if not urdf.is_file():
        why = f'{urdf} is a folder' if urdf.is_dir() else f'there is no file {urdf}{near(urdf)}'
        raise value.error(f'urdf {value}: {why}')
    return urdf


def _limits(value: YamlValue | None, urdf: Urdf, described: set[str]) -> dict[str, PartialLimit]:
    """What the file itself says of joints."""
    limits = {}
    for joint, (key, limit) in value.mapping('limits').items() if value else ():
        known = described | set(urdf.limits)
        if joint not in known:
            raise key.error(f'limits: no joint {key}{nearest(joint, known)}')
        limits[joint] = parse_limit(limit, joint)
    return limits


def _output_limits(
    output: EmbodimentDescription,
    commands: CommandTable,
    given: Mapping[str, PartialLimit],
    urdf: Urdf,
    file: str,
) -> Mapping[tuple[DataType, str], JointLimit]:
    def known(joint: str) -> PartialLimit:
        nothing = PartialLimit()
        return given.get(joint, nothing).over(urdf.limits.get(joint, nothing))

    found: dict[tuple[DataType, str], JointLimit] = {}
    for kind, slots in output.items():
        for index, name in slots.items() if kind.is_commandable else ():
            joint = commands.message_name(kind, name)
            if joint in urdf.mimics:
                raise DescriptionError(
                    f"{file}: output '{name}' ({kind} index {index}): '{joint}' mimics "
                    f"'{urdf.mimics[joint].joint}' in the URDF and takes no command: command "
                    f"'{urdf.mimics[joint].joint}'"
                )
            limit = known(name).over(known(joint)).complete()
            if limit is None:
                lacks = 'velocity' if known(name).over(known(joint)).position else 'position'
                raise DescriptionError(
                    f"{file}: output '{name}' ({kind} index {index}) has no {lacks} limit. "
                    f'Add under limits: {name}: {{position: [lower, upper], velocity: v}}'
                )
            found[kind, name] = limit
    return MappingProxyType(found)


def _warn_of_grippers(
    names: Mapping[DataType, Collection[str]],
    output: EmbodimentDescription,
    sources: SourceTable,
    commands: CommandTable,
) -> None:
    """Tell what may be meant otherwise: amounts in raw units, and a sense in one place only."""
    for kind, known in names.items():
        for name in dict.fromkeys(known if kind.is_gripper else ()):
            if sources.has(kind, name) and sources.scaling(kind, name) is None:
                warnings.warn(
                    f"{sources.file}: {kind} '{name}' is taken raw, not as 0 (closed) to 1 "
                    f'(open): its range is not known. Add under limits: {name}: {{position: '
                    '[closed, open]}, or give its source scale and offset',
                    DescriptionWarning,
                    stacklevel=2,
                )
    for kind, slots in output.items():
        for name in slots.values() if kind.is_gripper else ():
            if sources.routes.scales(kind.measured, name) > commands.routes.scales(kind, name):
                warnings.warn(
                    f"{sources.file}: {kind} '{name}' is measured with a scale or offset, but "
                    'commanded without: if both are in one unit, write the same under commands',
                    DescriptionWarning,
                    stacklevel=2,
                )
