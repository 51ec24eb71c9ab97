"""Mistakes that one robot's file shows by itself: exchanged names, and limits in another unit."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from itertools import combinations

from neuracore_ros.description.command import Joint
from neuracore_ros.description.data_type import DataType
from neuracore_ros.description.robot import Robot
from neuracore_ros.description.units import DEGREES

# No joint with limits turns or slides further from zero [rad], [m].
_WIDEST_ANGLE, _WIDEST_SLIDE = 4 * math.pi, 10.0
# Limits this wide stand for no limit [deg].
_ENDLESS = 1e4
# No joint of an arm is faster in [rad/s], or as slow in degrees a second.
_FASTEST = 12.0
# The fastest motors of light robots turn by 20 to 40 [rad/s].
_FASTEST_OF_ALL = 45.0
# No gripper takes longer to open [s].
_SLOWEST_S = 60.0
# The relative difference of two scales that are equal but for rounding.
_ROUNDED = 0.02


def split_joints(robot: Robot) -> Iterator[tuple[DataType, int, str]]:
    """The joints that are measured at one index and commanded at another.

    Yields:
        The DataType and the index of the command, and a line that says what to write.
    """
    for kind, slots in robot.output.items():
        measured = {name: index for index, name in robot.input.get(kind.measured, {}).items()}
        for index, name in slots.items():
            if measured.get(name, index) != index:
                yield (
                    kind,
                    index,
                    f"{robot.path}: '{name}' is measured at {kind.measured} index "
                    f'{measured[name]}, but commanded at {kind} index {index}: give it one index',
                )


def exchanged_parts(robot: Robot) -> Iterator[str]:
    """Joints and cameras that seem to be exchanged within a robot file, one line each.

    Raises:
        DescriptionError: A source or a command is missing.
    """
    yield from _exchanged_joints(robot)
    yield from _exchanged_cameras(robot)


def suspect_limits(robot: Robot) -> Iterator[str]:
    """Limits in another unit than commands are; joints alike are one line."""
    groups: dict[str, list[tuple[str, str]]] = {}
    scaled: list[Joint] = []
    for command in robot.commands():
        for joint in command.joints:
            if _is_made_degrees(joint):
                scaled.append(joint)
            elif (found := _unit(joint)) is not None:
                groups.setdefault(found[0], []).append((joint.name, found[1]))
    for what, joints in groups.items():
        (name, advice), *others = joints
        yield (
            f"{robot.path}: limits of '{name}' {what}: write under limits: {advice}"
            f'{_likewise(other for other, _ in others)}'
        )
    if scaled:
        first, *more = scaled
        advice = 'scale: -1' if first.scale < 0.0 else 'no scale'
        yield (
            f"{robot.path}: scale {first.scale:g} of '{first.name}' makes degrees of rad, but "
            f'slots are in rad: write {advice}, under sources and commands'
            f'{_likewise(joint.name for joint in more)}'
        )


def suspect_speeds(robot: Robot) -> Iterator[str]:
    """Velocity limits that slow no arm, in one line, and those by which no gripper opens."""
    for command in robot.commands():
        for joint in command.joints:
            taken_s = (joint.limit.upper - joint.limit.lower) / joint.limit.velocity
            if joint.data_type.is_gripper and taken_s > _SLOWEST_S:
                yield (
                    f"{robot.path}: by its limits, '{joint.name}' takes {taken_s:.0f} s to open: "
                    'write its position and its velocity in one unit'
                )
    # Some URDFs write such for want of better.
    fast = {
        joint.name: joint.limit.velocity
        for command in robot.commands()
        for joint in command.joints
        if not joint.data_type.is_gripper
        and not joint.limit.slides
        and not _is_made_degrees(joint)
        and abs(joint.scale) * joint.limit.velocity > _FASTEST_OF_ALL
    }
    if fast:
        (name, speed), *others = fast.items()
        more = f' (likewise {", ".join(other for other, _ in others)})' if others else ''
        yield (
            f"{robot.path}: the velocity limit of '{name}' is {speed:.4g}: in degrees, it is "
            f'velocity: {DEGREES.scale * speed:.4g}; in rad/s, it limits nothing{more}'
        )


def _exchanged_joints(robot: Robot) -> Iterator[str]:
    measured = {(s.data_type, s.name): s for s in robot.measured_sources()}
    sides: dict[str, tuple[str, str]] = {}
    for command in robot.commands():
        names: dict[str, tuple[str, str]] = {}
        for joint in command.joints:
            source = measured[joint.measured, joint.name]
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


def _exchanged_cameras(robot: Robot) -> Iterator[str]:
    cameras = [s for s in robot.input_sources() if s.data_type is DataType.RGB_IMAGES]
    for one, other in combinations(cameras, 2):
        if one.topic == other.topic and one.crop == other.crop:
            yield (
                f"{robot.path}: the cameras '{one.name}' and '{other.name}' both read "
                f'{one.topic}: give each its own topic, or a crop'
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


def _likewise(names: Iterable[str]) -> str:
    listed = ', '.join(names)
    return f' (likewise {listed})' if listed else ''


def _is_made_degrees(joint: Joint) -> bool:
    """True for a joint that turns within its limits in [rad], and whose slot has degrees."""
    limit, ratio = joint.limit, abs(joint.scale) * DEGREES.scale
    if joint.data_type.is_gripper or limit.slides or abs(ratio - 1.0) > _ROUNDED:
        return False
    widest = max(abs(limit.lower), abs(limit.upper))
    return _WIDEST_ANGLE / abs(joint.scale) < widest <= _WIDEST_ANGLE


def _unit(joint: Joint) -> tuple[str, str] | None:
    """The mistake in a joint's limits, and the line to write; None if they may be right."""
    limit, scale = joint.limit, abs(joint.scale)
    ends = (limit.lower, limit.upper)
    if joint.data_type.is_gripper or not math.isfinite(limit.upper - limit.lower):
        return None
    far = max(abs(joint.from_message(end)) for end in ends)
    if limit.slides and far > _WIDEST_SLIDE:
        return 'look like millimetres; m are meant', _limits(joint, 1e-3)
    if not limit.slides and far >= _ENDLESS:
        advice = f'{joint.name}: {{position: none, velocity: {limit.velocity:.4g}}}'
        return 'limit nothing; a continuous joint has none', advice
    if not limit.slides and far > _WIDEST_ANGLE:
        return 'look like degrees; rad are meant', _limits(joint, DEGREES.scale)
    if abs(scale / DEGREES.scale - 1.0) < _ROUNDED and limit.upper - limit.lower < _WIDEST_ANGLE:
        what = f'look like rad, but it is commanded in degrees (scale {joint.scale:g})'
        return what, _limits(joint, 1.0 / DEGREES.scale)
    return None


def _limits(joint: Joint, factor: float) -> str:
    limit = joint.limit
    lower, upper = f'{factor * limit.lower:.4g}', f'{factor * limit.upper:.4g}'
    # A velocity may be in the other unit than the position beside it.
    is_fast = limit.velocity > _FASTEST
    speed = limit.velocity * (factor if is_fast is (factor < 1.0) else 1.0)
    return f'{joint.name}: {{position: [{lower}, {upper}], velocity: {speed:.4g}}}'
