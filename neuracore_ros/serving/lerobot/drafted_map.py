"""The server file of a LeRobot policy, written of names that both sides have."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from neuracore_ros.description import DataType, Robot
from neuracore_ros.description.data_type import POSE_COMPONENTS
from neuracore_ros.errors import PolicyError, quoted
from neuracore_ros.serving.lerobot.checkpoint import (
    ACTION,
    IMAGES,
    STATE,
    TASK,
    LerobotCheckpoint,
)
from neuracore_ros.serving.lerobot.names import INFO, LerobotNames
from neuracore_ros.serving.lerobot.units import JointUnits
from neuracore_ros.similar_names import did_you_mean
from neuracore_ros.wording import counted, few

_COLUMN = re.compile(r'([A-Z][A-Z0-9_]*)\.(0|[1-9][0-9]{0,4})(?:\.([a-z]+))?')
_ROTATION = POSE_COMPONENTS[3:]
_OWN_CAMERA = re.compile(r'observation\.images\.rgb_(0|[1-9][0-9]{0,4})')

# Where a bare name is several things, the first of these is meant by `.pos`, the last by `.vel`.
_READ = {
    '.pos': (DataType.JOINT_POSITIONS, DataType.PARALLEL_GRIPPER_OPEN_AMOUNTS),
    '.vel': (DataType.JOINT_VELOCITIES,),
}
_TOLD = {
    '.pos': (DataType.JOINT_TARGET_POSITIONS, DataType.PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS),
    '.vel': (DataType.JOINT_VELOCITIES,),
}


@dataclass(frozen=True, slots=True)
class LerobotWiring:
    """The names, units and cameras of a checkpoint, as a user gives them.

    Attributes:
        names: Of its state and its action; and its rate.
        robot: Whose slots they are; None where the names are columns of our own datasets.
        units: Of its numbers; None where they are not known.
        cameras: Its images, by feature or by what follows ``observation.images.`` -> a camera of
            the robot file.
        has_task: Whether the server has a task for who sends none.
    """

    names: LerobotNames = field(default_factory=LerobotNames)
    robot: Robot | None = None
    units: JointUnits | None = None
    cameras: Mapping[str, str] = field(default_factory=dict)
    has_task: bool = False

    def action_names(self, checkpoint: LerobotCheckpoint) -> tuple[str, ...]:
        """The names of the action: those that are said, or else the checkpoint's own."""
        return self.names.action or checkpoint.action_names


def server_file_of(
    checkpoint: LerobotCheckpoint, wiring: LerobotWiring, horizon: int, execute: int | None
) -> str:
    """Write the server file of a checkpoint.

    Args:
        checkpoint: What it reads and predicts.
        wiring: Which slots these are.
        horizon: Rows of a chunk, H.
        execute: Rows that LeRobot executes of it; None: not known.

    Returns:
        YAML.

    Raises:
        PolicyError: Names, a rate or units are not known, or a side lacks a name of the other.
    """
    others = [name for name in checkpoint.vectors if name != STATE]
    if others:
        raise PolicyError(
            f'{checkpoint.folder}: reads {few(others)}, whose slots only a server file can say: '
            '--map FILE'
        )
    record: dict[str, Any] = {
        'server': 'openpi',
        'rate_hz': _rate(wiring, checkpoint.dataset),
        'horizon': horizon,
    }
    if execute is not None and execute < horizon:
        record['execute'] = execute
    if checkpoint.observation_steps > 1:
        steps = list(range(1 - checkpoint.observation_steps, 1))
        record['steps'] = {'images': steps, 'numbers': steps}
    send: dict[str, Any] = {}
    if STATE in checkpoint.vectors:
        names = wiring.names.state
        columns = _Side(STATE, '--state', names, checkpoint.vectors[STATE], checkpoint.dataset)
        send[STATE] = list(_columns(columns, wiring, is_output=False))
    send |= dict(_images(checkpoint, wiring))
    if checkpoint.reads_task:
        send |= _task(wiring)
    names = wiring.action_names(checkpoint)
    columns = _Side(ACTION, '--action', names, checkpoint.actions, checkpoint.dataset)
    record['send'] = send
    record['receive'] = {ACTION: list(_columns(columns, wiring, is_output=True))}
    return _yaml(record)


@dataclass(frozen=True, slots=True)
class _Side:
    """A feature of numbers: its names, how many it has, and what gives names."""

    feature: str
    option: str
    names: tuple[str, ...]
    count: int
    dataset: str

    def require_names(self, wiring: LerobotWiring) -> None:
        """Require a name for each number."""
        slots = ''
        if wiring.robot is not None:
            there = wiring.robot.input if self.feature == STATE else wiring.robot.output
            slots = f'. {wiring.robot.path} has: {_shown(there)}'
        if not self.names:
            raise PolicyError(
                f'{self.feature} has {counted(self.count, "number")}, which the checkpoint does '
                f'not name: give --dataset DIR ({self._which()}of which {INFO} is read), or '
                f'{self.option} NAME,NAME,...{slots}'
            )
        if len(self.names) != self.count:
            raise PolicyError(
                f'{self.feature} has {counted(self.count, "number")}, but there are '
                f'{counted(len(self.names), "name")}: {few(self.names, 12)}{slots}'
            )

    def _which(self) -> str:
        return f'it was trained on {quoted(self.dataset)}, ' if self.dataset else ''


def _rate(wiring: LerobotWiring, dataset: str) -> float:
    if wiring.names.rate_hz is None:
        which = f' ({quoted(dataset)})' if dataset else ''
        raise PolicyError(
            'the checkpoint does not say at which rate it was trained: give --dataset DIR'
            f'{which}, or --rate-hz HZ'
        )
    return wiring.names.rate_hz


def _columns(side: _Side, wiring: LerobotWiring, is_output: bool) -> Iterator[Any]:
    """The columns of a feature as a server file has them."""
    side.require_names(wiring)
    seen: dict[tuple[DataType, int, str], str] = {}
    for place, number in enumerate(side.names):
        match = _COLUMN.fullmatch(number)
        if match and match[1] in DataType.__members__:
            column = _own_column(match, side.names[place:], wiring, is_output)
        else:
            column = _named_column(side, number, wiring, is_output)
        if column is None:  # one of a rotation, which its first number has brought
            continue
        if not column:  # Where a robot lacks a slot, our datasets have zeros.
            yield None if is_output else 0.0
            continue
        kind = next(key for key in column if key in DataType.__members__)
        slot = DataType(kind), column[kind], column.get('part', '')
        if (other := seen.setdefault(slot, number)) != number or other in side.names[:place]:
            raise PolicyError(
                f"{side.feature}: '{other}' and '{number}' are both {kind} index {column[kind]}"
            )
        yield column


def _own_column(
    match: re.Match[str], rest: Sequence[str], wiring: LerobotWiring, is_output: bool
) -> dict[str, Any] | None:
    """The column of a number of our own datasets; empty where the robot lacks the slot."""
    kind, index, part = DataType(match[1]), int(match[2]), match[3]
    if bool(part) != kind.is_pose or (part and part not in POSE_COMPONENTS):
        raise PolicyError(f"'{match[0]}' is no column of a dataset of this package")
    if wiring.robot is not None:
        description = wiring.robot.output if is_output else wiring.robot.input
        if index not in description.get(kind, {}):
            return {}
    if part == _ROTATION[0]:
        wanted = [f'{kind}.{index}.{number}' for number in _ROTATION]
        if list(rest[: len(wanted)]) != wanted:
            raise PolicyError(f"'{match[0]}' is not followed by {', '.join(wanted[1:])}")
        return {kind.value: index, 'part': 'xyzw'}
    if part in _ROTATION:
        return None
    return {kind.value: index} | ({'part': part} if part else {})


def _named_column(
    side: _Side, number: str, wiring: LerobotWiring, is_output: bool
) -> dict[str, Any]:
    """The column of a number that has a name of the robot file."""
    if wiring.robot is None:
        raise PolicyError(
            f"{side.feature}: '{number}' is no column of a dataset of this package, such as "
            'JOINT_POSITIONS.0: give --robot FILE, whose names it is among, or --map FILE'
        )
    kind, index, name = _slot(side, number, wiring.robot, is_output)
    if wiring.units is None:
        raise PolicyError(
            f"the unit of '{number}' is not known: give --units degrees, radians, normalized "
            '(-100 to 100 of the calibrated range) or slots (as the robot file has them)'
        )
    scaling = wiring.units.scaling(wiring.robot, kind, name, number)
    column: dict[str, Any] = {kind.value: index}
    if scaling.scale != 1.0:
        column['scale'] = scaling.scale
    if scaling.offset != 0.0:
        column['offset'] = scaling.offset
    return column


def _slot(side: _Side, number: str, robot: Robot, is_output: bool) -> tuple[DataType, int, str]:
    """The slot of the robot file that has the number's name, with or without LeRobot's ending."""
    description = robot.output if is_output else robot.input
    endings = _TOLD if is_output else _READ
    found = [
        (kind, index, name)
        for kind, slots in description.items()
        if kind.is_numeric and not kind.is_pose
        for index, name in slots.items()
        if name == number
    ]
    for ending, kinds in endings.items():
        if not found and number.endswith(ending):
            bare = number.removesuffix(ending)
            found = [
                (kind, index, name)
                for kind in kinds
                for index, name in description.get(kind, {}).items()
                if name == bare
            ]
    if len(found) == 1:
        return found[0]
    places = [f'{kind}.{index}' for kind, index, _ in found]
    if found:
        raise PolicyError(
            f"{side.feature}: {robot.path} has '{number}' as {' and as '.join(places)}: name "
            f'the one that is meant by {side.option} ...,{places[0]},...'
        )
    names = [name for slots in description.values() for name in slots.values()]
    raise PolicyError(
        f"{side.feature}: {robot.path} has no '{number}'"
        f'{did_you_mean(number.partition(".")[0], names) or "."} It has: {_shown(description)}; '
        f'the checkpoint: {few(side.names, 12)}. {side.option} NAME,... gives the names of the '
        'robot file in the order of the checkpoint'
    )


def _images(
    checkpoint: LerobotCheckpoint, wiring: LerobotWiring
) -> Iterator[tuple[str, dict[str, Any]]]:
    short = {feature.removeprefix(IMAGES): feature for feature in checkpoint.cameras}
    given = {short.get(key, key): name for key, name in wiring.cameras.items()}
    for feature in given:
        if feature not in checkpoint.cameras:
            raise PolicyError(
                f"--camera: the checkpoint has no image '{feature}'"
                f'{did_you_mean(feature, [*checkpoint.cameras, *short]) or "."} It has: '
                f'{few(list(short), 8) or "none"}'
            )
    seen: dict[int, str] = {}
    for feature, size in checkpoint.cameras.items():
        index = _camera(feature, given, wiring.robot, short)
        if index in seen:
            raise PolicyError(
                f"'{feature}' and '{seen[index]}' are both the camera at RGB_IMAGES index {index}"
            )
        seen[index] = feature
        yield feature, {DataType.RGB_IMAGES.value: index, 'size': list(size)}


def _camera(
    feature: str, given: Mapping[str, str], robot: Robot | None, short: Collection[str]
) -> int:
    """The slot of an image."""
    own = _OWN_CAMERA.fullmatch(feature)
    if own and feature not in given:
        return int(own[1])
    if robot is None:
        raise PolicyError(
            f"'{feature}' is no camera of a dataset of this package, such as "
            f'{IMAGES}rgb_0: give --robot FILE, whose cameras it is among, or --map FILE'
        )
    slots = robot.input.get(DataType.RGB_IMAGES, {})
    name = given.get(feature, feature.removeprefix(IMAGES))
    for index, each in slots.items():
        if each == name:
            return index
    raise PolicyError(
        f"{robot.path} has no camera '{name}'{did_you_mean(name, slots.values()) or '.'} It has: "
        f'{few(list(slots.values()), 8) or "none"}; the checkpoint: {few(list(short), 8)}. '
        f'--camera {feature.removeprefix(IMAGES)}=NAME says which one it is'
    )


def _task(wiring: LerobotWiring) -> dict[str, Any]:
    slots = wiring.robot.input.get(DataType.LANGUAGE, {}) if wiring.robot else {0: TASK}
    if slots:
        column: dict[str, Any] = {DataType.LANGUAGE.value: min(slots)}
        return {TASK: column | ({'optional': True} if wiring.has_task else {})}
    if wiring.has_task:
        return {}
    path = wiring.robot.path if wiring.robot else ''
    raise PolicyError(
        f'the policy reads what it is to do, and {path} has no LANGUAGE: give it the input '
        'LANGUAGE: {0: task}, or serve with --task TEXT'
    )


def _shown(description: Mapping[DataType, Mapping[int, str]]) -> str:
    """Names of numbers, for an error."""
    names = [
        name for kind, slots in description.items() if kind.is_numeric for name in slots.values()
    ]
    return few(list(dict.fromkeys(names)), 12) or 'no numbers'


def _yaml(record: Mapping[str, Any]) -> str:
    """The file as people write it: what is deep on one line."""
    text: str = yaml.safe_dump(dict(record), sort_keys=False, default_flow_style=None, width=10**6)
    return text
