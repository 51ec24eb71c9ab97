"""The units of LeRobot's numbers, as the scale and offset that bring them to a robot's slots."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from neuracore_ros.description import DataType, Robot
from neuracore_ros.description.routes import ScaleOffset
from neuracore_ros.errors import DescriptionError, PolicyError
from neuracore_ros.similar_names import known_names

_DEGREE = math.pi / 180
# An offset below this is none [rad].
_STILL_ZERO = 1e-3
# A scale that was rounded is within this of what was meant.
_ROUNDED = 0.01


class LerobotUnits(str, Enum):
    """The units of joints in a LeRobot dataset."""

    DEGREES = 'degrees'
    RADIANS = 'radians'
    NORMALIZED = 'normalized'
    SLOTS = 'slots'

    __str__ = str.__str__


@dataclass(frozen=True, slots=True)
class JointUnits:
    """The units of one dataset.

    Attributes:
        units: Of its joints; `SLOTS`: all numbers are those of the robot file's slots.
        gripper: Its number for a closed gripper, and for an open one; None where it is not known.
        half_ranges: Joint -> half of its calibrated range, [rad], for `NORMALIZED`.
    """

    units: LerobotUnits
    gripper: tuple[float, float] | None = None
    half_ranges: Mapping[str, float] = field(default_factory=dict)

    def scaling(self, robot: Robot, kind: DataType, name: str, number: str) -> ScaleOffset:
        """The scaling by which slot = scale * LeRobot's number + offset.

        Args:
            robot: Whose slot it is, and whose file says what its slots are in.
            kind: Of the slot.
            name: Of the slot, in the robot file.
            number: LeRobot's name of it.

        Raises:
            PolicyError: It cannot be known.
        """
        if self.units is LerobotUnits.SLOTS or kind is DataType.CUSTOM_1D:
            return ScaleOffset()
        if kind.is_gripper:
            return self._opening(robot, kind, name)
        if kind is DataType.JOINT_TORQUES:
            return ScaleOffset()
        if 'gripper' in number.lower() and self.units is not LerobotUnits.RADIANS:
            raise PolicyError(
                f"'{number}' is a gripper, of which LeRobot tells the opening, not an angle; "
                f"{robot.path} has '{name}' as {kind}: describe it under "
                'PARALLEL_GRIPPER_OPEN_AMOUNTS and PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS, or give '
                '--units slots or --map FILE'
            )
        limit = next((each for (_, own), each in robot.limits.items() if own == name), None)
        if limit is not None and limit.slides and self.units is not LerobotUnits.RADIANS:
            raise PolicyError(
                f"'{number}' cannot be in {self.units}: '{name}' slides by the URDF of "
                f'{robot.path}. --map FILE takes a server file, which has a scale for each number'
            )
        _require_lerobots_sense(robot, kind, name)
        return ScaleOffset(self._radians(name, number) / _slot_unit(robot, kind, name))

    def _radians(self, name: str, number: str) -> float:
        """One of LeRobot's numbers of a joint, [rad]."""
        if self.units is LerobotUnits.RADIANS:
            return 1.0
        if self.units is LerobotUnits.DEGREES:
            return _DEGREE
        for known in (number, number.removesuffix('.pos'), name):
            if known in self.half_ranges:
                return self.half_ranges[known] / 100.0
        if not self.half_ranges:
            raise PolicyError(
                f"'{number}' from -100 to 100 is of the joint's calibrated range: give that, "
                '--calibration FILE, as LeRobot keeps it in '
                '~/.cache/huggingface/lerobot/calibration/robots'
            )
        raise PolicyError(
            f"the calibration lacks '{number}'{known_names(number, self.half_ranges)}"
        )

    def _opening(self, robot: Robot, kind: DataType, name: str) -> ScaleOffset:
        if self.gripper is None:
            raise PolicyError(
                f"'{name}' of {robot.path} is a gripper: say which numbers of the dataset are "
                'closed and open, such as --gripper 0,1'
            )
        closed, opened = self.gripper
        scale = _open(robot, kind, name) / (opened - closed)
        return ScaleOffset(scale, -scale * closed)


def _require_lerobots_sense(robot: Robot, kind: DataType, name: str) -> None:
    """Refuse a slot that a vocabulary turns or moves: LeRobot's numbers know nothing of it.

    Without a vocabulary, sign and offset are what makes the slot LeRobot's.
    """
    own = _scale_offset(robot, kind, name)
    if robot.vocabulary is None or (own.scale > 0.0 and abs(own.offset) < _STILL_ZERO):
        return
    raise PolicyError(
        f"{robot.path}: '{name}' has scale {own.scale:g}, offset {own.offset:g} for the "
        f"vocabulary '{robot.vocabulary.name}', and LeRobot's numbers have its own signs and "
        'zeros: give a robot file with those and without a vocabulary (describe --vocabulary '
        'none), or --map FILE'
    )


def _slot_unit(robot: Robot, kind: DataType, name: str) -> float:
    """One unit of a joint's slot, [rad]: what the robot file's scale makes of radians."""
    scale = abs(_scale_offset(robot, kind, name).scale)
    for unit in (1.0, _DEGREE):
        if math.isclose(scale * unit, 1.0, rel_tol=_ROUNDED):
            return unit
    raise PolicyError(
        f"{robot.path}: '{name}' has scale {scale:g}, so its slot is neither in radians nor in "
        'degrees: give --units slots, where LeRobot has the same numbers, or --map FILE'
    )


def _open(robot: Robot, kind: DataType, name: str) -> float:
    """The value of a gripper's slot where it is open; closed, it is 0."""
    targets = DataType.PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS
    if (targets, name) not in robot.limits:
        return 1.0
    low, high = robot.slot_range(targets, name)
    for most in (1.0, 100.0):
        if abs(low) < most * _ROUNDED and math.isclose(high, most, rel_tol=_ROUNDED):
            return most
    raise PolicyError(
        f"{robot.path}: '{name}' goes from {low:g} to {high:g}, so it is neither 0 to 1 nor 0 to "
        '100: give --units slots, where LeRobot has the same numbers, or --map FILE'
    )


def _scale_offset(robot: Robot, kind: DataType, name: str) -> ScaleOffset:
    """The scaling from a joint's own value to its slot's."""
    if (DataType.JOINT_TARGET_POSITIONS, name) in robot.limits:
        return robot.scale_offset(kind, name)
    try:
        source = robot.source(kind, name)
    except DescriptionError:
        source = None
    return ScaleOffset(source.scale, source.offset) if source else ScaleOffset()
