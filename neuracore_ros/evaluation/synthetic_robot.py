"""A robot file for a robot of which there is only a dataset.

Everything is in the slots' sense already, so nothing is scaled. Its messages are those that
`EpisodeTrack` makes of the dataset's rows.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from neuracore_ros.description import DataType, EmbodimentDescription, Robot, Slots, plain
from neuracore_ros.description.robot_file import parse_robot
from neuracore_ros.description.source import (
    FLOAT64_MULTI_ARRAY,
    IMAGE,
    JOINT_STATE,
    POSE_STAMPED,
    STRING,
)
from neuracore_ros.yaml_value import from_python

# No joint comes near: limits that are not known limit nothing.
_FAR, _FAST = 1e6, 1e6
_COMMANDS = 'commands'


def synthetic_robot(
    name: str,
    given: EmbodimentDescription,
    wanted: EmbodimentDescription,
    known: Robot | None = None,
) -> Robot:
    """Describe the robot as its dataset has it; with the joint limits of its robot file, if any.

    Raises:
        DescriptionError: An output is none that can be commanded, or the file lacks one.
    """
    names = {kind: list(slots.values()) for kind, slots in given.items()}
    for kind, slots in wanted.items():
        names.setdefault(kind.measured, []).extend(slots.values())
    limits = _limits(known) if known else {}
    bounds: dict[str, Mapping[str, Any]] = {}
    for kind, slots in wanted.items():
        for each in slots.values():
            # A gripper and a pose may have one name.
            bounds[each] = limits.get(each) or {**bounds.get(each, {}), **_no_limits(kind)}
    record = {
        'robot': name,
        'limits': bounds,
        'input': plain(given),
        'output': plain(wanted),
        'sources': {kind.value: _source(kind, own) for kind, own in names.items()},
        'commands': {kind.value: _command(kind, own) for kind, own in wanted.items()},
    }
    where = f"robot '{name}' of the dataset"
    return parse_robot(from_python(record, where), Path(where))


def topic(kind: DataType, name: str = '') -> str:
    """The topic of the samples of a DataType, or of one name of it."""
    word = ''.join(c if c.isascii() and c.isalnum() else f'_{ord(c):x}' for c in name)
    return f'{kind.value}/_{word}' if name else kind.value


def is_by_name(kind: DataType) -> bool:
    """True if each name has a topic of its own."""
    return kind.is_image or kind.is_pose or kind is DataType.LANGUAGE


def _source(kind: DataType, names: list[str]) -> Mapping[str, Any]:
    if is_by_name(kind):
        message = POSE_STAMPED if kind.is_pose else IMAGE if kind.is_image else STRING
        return {name: {'topic': topic(kind, name), 'type': message} for name in names}
    if kind is DataType.CUSTOM_1D:
        order = list(dict.fromkeys(names))
        return {'topic': topic(kind), 'type': FLOAT64_MULTI_ARRAY, 'order': order}
    # Written out, since a gripper's would else follow from its limits.
    return {'topic': topic(kind), 'type': JOINT_STATE, 'scale': 1.0, 'offset': 0.0}


def _no_limits(kind: DataType) -> Mapping[str, Any]:
    if kind.is_pose:
        return {'velocity': _FAST, 'angular_velocity': _FAST}
    if kind is DataType.CUSTOM_1D:
        return {'velocity': _FAST}
    if kind is DataType.JOINT_TORQUES:
        return {'effort': _FAST}
    return {'position': [-_FAR, _FAR], 'velocity': _FAST}


def _command(kind: DataType, slots: Slots) -> Mapping[str, Any]:
    """Poses and other numbers are sent as they are: a dataset knows no chain of joints."""
    where = f'{_COMMANDS}/{kind.value}'
    if kind.is_pose:
        return {
            name: {'topic': f'{where}_{index}', 'type': POSE_STAMPED, 'frame': 'base'}
            for index, name in slots.items()
        }
    whole = {'topic': where, 'scale': 1.0, 'offset': 0.0}
    if kind.measured is DataType.JOINT_POSITIONS or kind.is_gripper:
        return whole
    torques = {'allow_torques': 'true', 'stop': 'zero'} if kind is DataType.JOINT_TORQUES else {}
    return {**whole, 'type': FLOAT64_MULTI_ARRAY, **torques}


def _limits(robot: Robot) -> dict[str, Mapping[str, Any]]:
    """The limits of a robot file, brought to the slots' sense."""
    found: dict[str, Mapping[str, Any]] = {}
    for command in robot.commands():
        for joint in command.joints:
            limit = joint.limit
            ends = sorted(joint.scale * end + joint.offset for end in (limit.lower, limit.upper))
            bounds: Any = ends if math.isfinite(ends[1] - ends[0]) else 'none'
            own = {'velocity': limit.velocity, 'acceleration': limit.acceleration}
            own['jerk'] = limit.jerk
            scaled = {key: abs(joint.scale) * value for key, value in own.items() if value}
            found[joint.name] = {'position': bounds, **scaled}
    return found
