"""Parts of a robot that seem to be exchanged within its own file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from neuracore_ros.description.data_type import DataType
from neuracore_ros.description.robot import Robot


def crossed(robot: Robot) -> Iterator[str]:
    """What is measured at one place and commanded at another's, one line each.

    Raises:
        DescriptionError: A source or a command is missing.
    """
    yield from _joints(robot)
    yield from _cameras(robot)


def _joints(robot: Robot) -> Iterator[str]:
    measured = {(s.data_type, s.name): s for s in robot.measured_sources()}
    sides: dict[str, tuple[str, str]] = {}
    for command in robot.commands():
        names: dict[str, tuple[str, str]] = {}
        for joint in command.joints:
            source = measured[joint.data_type.measured, joint.name]
            names[joint.name] = source.message_name, joint.message_name
            sides[joint.name] = _side(source.topic), _side(command.topic)
        if (name := _exchanged(names)) is not None:
            read, sent = names[name]
            yield (
                f"{robot.path}: '{name}' is measured as '{read}', but commanded as '{sent}', the "
                'name of another of its joints: write the same names under sources and commands'
            )
    if (name := _exchanged(sides)) is not None:
        read, sent = sides[name]
        yield (
            f"{robot.path}: '{name}' is measured on a topic of /{read}, but commanded on one of "
            f'/{sent}, where other joints of it are measured: exchange the topics'
        )


def _cameras(robot: Robot) -> Iterator[str]:
    cameras = [s for s in robot.input_sources() if s.data_type is DataType.RGB_IMAGES]
    for number, one in enumerate(cameras):
        for other in cameras[number + 1 :]:
            if one.topic == other.topic:
                yield (
                    f"{robot.path}: the cameras '{one.name}' and '{other.name}' both read "
                    f'{one.topic}: give each its own topic'
                )
            if one.name in other.topic.split('/') and other.name in one.topic.split('/'):
                yield (
                    f"{robot.path}: the camera '{one.name}' reads {one.topic}, and '{other.name}' "
                    f'reads {other.topic}: exchange the topics'
                )


def _exchanged(pairs: Mapping[str, tuple[str, str]]) -> str | None:
    """A name whose two words differ, where all words of one side are those of the other."""
    read, sent = ({pair[side] for pair in pairs.values()} for side in (0, 1))
    if read != sent:
        return None
    return next((name for name, (one, other) in pairs.items() if one != other), None)


def _side(topic: str) -> str:
    """The first word of a topic that has several, such as ``left``."""
    first, slash, _ = topic.strip('/').partition('/')
    return first if slash else ''
