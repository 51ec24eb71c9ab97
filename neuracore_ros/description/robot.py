"""The robot file: one robot, as every tool reads it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from neuracore_ros.description.command import Command, CommandTable, parse_commands
from neuracore_ros.description.data_type import DataType
from neuracore_ros.description.embodiment import EmbodimentDescription, parse_embodiment
from neuracore_ros.description.limits import JointLimit, PartialLimit, parse_limit
from neuracore_ros.description.source import Source, SourceTable, parse_sources
from neuracore_ros.description.urdf import read_urdf_limits
from neuracore_ros.description.yaml_value import YamlValue, nearest, read_yaml
from neuracore_ros.errors import DescriptionError

_KEYS = ('robot', 'urdf', 'limits', 'input', 'output', 'sources', 'commands')

# What the package can command: positions, of joints and of grippers.
_COMMANDABLE = {
    DataType.JOINT_POSITIONS,
    DataType.JOINT_TARGET_POSITIONS,
    DataType.PARALLEL_GRIPPER_OPEN_AMOUNTS,
    DataType.PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS,
}


@dataclass(frozen=True, slots=True)
class Robot:
    """One robot file, checked as a whole.

    Attributes:
        name: The robot.
        path: The file.
        input: What the model reads.
        output: What the model commands.
        limits: (DataType, name) of an output joint -> its limits, in the robot's own units.
    """

    name: str
    path: Path
    input: EmbodimentDescription
    output: EmbodimentDescription
    limits: Mapping[tuple[DataType, str], JointLimit]
    _sources: SourceTable
    _commands: CommandTable

    def input_sources(self) -> tuple[Source, ...]:
        """Where each input comes from, in canonical and index order.

        Raises:
            DescriptionError: An input has no source.
        """
        return self._described(self.input)

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
        return tuple(
            self._sources.source(kind.measured, index, name)
            for kind, slots in self.output.items()
            for index, name in slots.items()
        )

    def commands(self) -> tuple[Command, ...]:
        """The command topics, each with its joints in index order.

        Raises:
            DescriptionError: An output has no command, or none is declared.
        """
        if not self.output:
            raise DescriptionError(f'{self.path}: the robot has no output: nothing to command')
        return self._commands.commands(self.output, self.limits)

    def _described(self, description: EmbodimentDescription) -> tuple[Source, ...]:
        return tuple(
            self._sources.source(kind, index, name)
            for kind, slots in description.items()
            for index, name in slots.items()
        )


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
    fields = value.fields('a robot file', _KEYS)
    for key in ('robot', 'input', 'output'):
        if key not in fields:
            raise value.error(f"a robot file needs the key '{key}'")
    name = fields['robot'].string('robot')
    given, wanted = parse_embodiment(fields['input']), parse_embodiment(fields['output'])
    if not given:
        raise fields['input'].error('the robot has no input: a model could read nothing')
    file = str(path)
    # A commanded joint must be measured, so sources may speak of that type and name, too.
    names: dict[DataType, list[str]] = {}
    for description in (given, wanted):
        for kind, slots in description.items():
            names.setdefault(kind, []).extend(slots.values())
    for kind, slots in wanted.items():
        names.setdefault(kind.measured, []).extend(slots.values())
    sources = parse_sources(fields.get('sources'), names, file)
    output_names = {kind: list(slots.values()) for kind, slots in wanted.items()}
    commands = parse_commands(fields.get('commands'), output_names, file)
    described = {name for known in names.values() for name in known}
    described |= {commands.message_name(k, n) for k, known in output_names.items() for n in known}
    limits = _limits(fields.get('limits'), _urdf(fields.get('urdf'), path), described)
    output_limits = _output_limits(wanted, commands, limits, file)
    return Robot(name, path, given, wanted, output_limits, sources, commands)


def _urdf(value: YamlValue | None, path: Path) -> dict[str, PartialLimit]:
    if value is None:
        return {}
    urdf = path.parent / value.string('urdf')
    if not urdf.is_file():
        raise value.error(f'urdf {value}: there is no file {urdf}')
    return read_urdf_limits(urdf)


def _limits(
    value: YamlValue | None, limits: dict[str, PartialLimit], described: set[str]
) -> dict[str, PartialLimit]:
    for joint, (key, limit) in value.mapping('limits').items() if value else ():
        if joint not in described and joint not in limits:
            raise key.error(f'limits: no joint {key}{nearest(joint, described | set(limits))}')
        limits[joint] = parse_limit(limit, joint).over(limits.get(joint, PartialLimit()))
    return limits


def _output_limits(
    output: EmbodimentDescription,
    commands: CommandTable,
    limits: Mapping[str, PartialLimit],
    file: str,
) -> Mapping[tuple[DataType, str], JointLimit]:
    found: dict[tuple[DataType, str], JointLimit] = {}
    for kind in _COMMANDABLE & output.keys():
        for index, name in output[kind].items():
            own = limits.get(name, PartialLimit())
            known = own.over(limits.get(commands.message_name(kind, name), PartialLimit()))
            limit = known.complete()
            if limit is None:
                lacks = 'velocity' if known.position else 'position'
                raise DescriptionError(
                    f"{file}: output '{name}' ({kind} index {index}) has no {lacks} limit. "
                    f'Add under limits: {name}: {{position: [lower, upper], velocity: v}}'
                )
            found[kind, name] = limit
    return MappingProxyType(found)
