"""The section ``teleop`` of a robot file: where a human commands each output in a takeover."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from neuracore_ros.description.command_table import CommandTable
from neuracore_ros.description.data_type import DataType
from neuracore_ros.description.named_numbers import NAMED_NUMBERS
from neuracore_ros.description.source import Source
from neuracore_ros.description.source_options import TELEOP, parse_sources
from neuracore_ros.description.source_table import SourceTable
from neuracore_ros.errors import DescriptionError, DescriptionWarning
from neuracore_ros.yaml_value import YamlValue

if TYPE_CHECKING:
    from neuracore_ros.description.robot import Robot


def parse_teleop(
    value: YamlValue | None,
    output: Mapping[DataType, Mapping[int, str]],
    sources: SourceTable,
    commands: CommandTable,
    names: Mapping[DataType, Collection[str]],
) -> SourceTable | None:
    """Read where a human commands the outputs of a robot.

    Args:
        value: None: it is not written.
        output: The robot's.
        sources: Of its file, whose ranges of grippers hold for a human's, too.
        commands: Of its file.
        names: DataType -> names of all that it reads.

    Returns:
        A table with a source for each output; None without the section.

    Raises:
        DescriptionError: An output has no source there, an option is wrong, or a topic is one on
            which the robot is commanded, or measured.
    """
    if value is None:
        return None
    wanted = {kind: list(slots.values()) for kind, slots in output.items()}
    routes = parse_sources(value, wanted, sources.file, sources.chains, TELEOP)
    table = replace(sources, routes=routes, section=TELEOP)
    for kind, slots in output.items():
        for index, name in slots.items():
            source = table.source(kind, index, name)
            _require_own_topic(source, sources, commands, names)
            _warn_of_scale(source, table, commands)
    return table


def missing_teleop(file: str, output: Collection[DataType]) -> str:
    """Write what lets a human take over a robot whose file does not say where one commands."""
    entries = ', '.join(f'{kind}: {{topic: /...}}' for kind in output)
    return (
        f'{file}: does not say where a human commands: to take over, add teleop: {{{entries}}}, '
        'and configure again'
    )


def teleop_lines(robot: Robot) -> list[str]:
    """Write where a human commands, one line each topic; nothing without the section."""
    topics: dict[str, list[Source]] = {}
    for source in robot.teleop_sources():
        topics.setdefault(source.topic, []).append(source)
    return [
        f'a human can take over on {topic} ({sources[0].type.rpartition("/")[2]}): '
        f'{", ".join(source.name for source in sources)}'
        for topic, sources in topics.items()
    ]


def _require_own_topic(
    source: Source,
    sources: SourceTable,
    commands: CommandTable,
    names: Mapping[DataType, Collection[str]],
) -> None:
    """Refuse a topic on which the robot itself is commanded or measured."""
    where = f"{sources.file}: teleop of {source.data_type}: '{source.name}' is read from"
    for kind, name in _each(names):
        sent = commands.routes.options(kind, name).topic
        if sent.strip('/') == source.topic.strip('/'):
            raise DescriptionError(
                f'{where} {source.topic}, where this node commands the robot: a second commander '
                'there stops it. Let the leader publish on a topic of its own'
            )
        options = sources.routes.options(kind, name)
        if options.topic.strip('/') != source.topic.strip('/'):
            continue
        is_chain = sources.chain(kind, name) is not None
        if (other := options.type_for(kind, is_chain)) != source.type:
            raise DescriptionError(
                f"{where} {source.topic} as {source.type}, and '{name}' under sources as "
                f'{other}: a topic has one type'
            )
        is_measured = not (kind.is_target or kind is DataType.CUSTOM_1D or options.follow_s)
        if is_measured and sources.message_name(kind, name) == source.message_name:
            raise DescriptionError(
                f"{where} {source.topic}, where '{name}' is measured: the robot would be sent "
                'where it is. Give the topic of the leader'
            )


def _each(names: Mapping[DataType, Collection[str]]) -> Iterator[tuple[DataType, str]]:
    return ((kind, name) for kind, known in names.items() for name in known)


def _warn_of_scale(source: Source, table: SourceTable, commands: CommandTable) -> None:
    """Warn where a command has a scale and the human's has none: they are seldom of two units."""
    kind, name = source.data_type, source.name
    options = commands.routes.options(kind, name)
    if kind.is_pose or source.type in NAMED_NUMBERS or not options.is_scaled:
        return
    if not table.routes.options(kind, name).is_scaled:
        warnings.warn(
            f"{table.file}: '{name}' is commanded with a scale or offset, but the human's under "
            f'teleop: {kind} has none: if the leader publishes in the unit and sense of the '
            'robot, write the same there, else scale: 1',
            DescriptionWarning,
            stacklevel=2,
        )
