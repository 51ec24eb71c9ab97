"""Senses of slots: the scale and offset between a robot's own value and that of its slot.

A joint whose sign or zero is another one than it was moves the other way, or to another place, and
no number shows it. A joint whose scale has another size has another driver, in another unit: what
its sign and zero were says nothing then.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Protocol

from neuracore_ros.description.data_type import DataType
from neuracore_ros.description.robot import Robot
from neuracore_ros.description.routes import ScaleOffset, is_feature
from neuracore_ros.description.source import Source
from neuracore_ros.errors import DescriptionError

# Scales that differ by less are one, however they were rounded.
ROUNDED = 0.02
_SAME_ZERO = 1e-3
# A zero that was measured anew is nearer to the old one, and one of another convention is not
# [rad] or [m].
_MOVED = 0.1


class Scaled(Protocol):
    """A slot with a scale and an offset, on its way in or out."""

    @property
    def scale(self) -> float:
        """The slot's value is ``scale * x + offset`` of the robot's own value x."""

    @property
    def offset(self) -> float:
        """See ``scale``."""


def scaling(own: Scaled) -> str:
    """Write scale and offset in words of the robot file."""
    return f'scale {own.scale:g}, offset {own.offset:g}'


def is_turned(now: Scaled, then: Scaled) -> bool:
    """True if one unit has another sign or zero than it had: the same number is elsewhere."""
    if not math.isclose(abs(now.scale), abs(then.scale), rel_tol=ROUNDED):
        return False
    return now.scale * then.scale < 0.0 or abs(now.offset - then.offset) > _MOVED


def is_same(now: Scaled, then: Scaled) -> bool:
    """True if both are the same but for rounding."""
    alike = math.isclose(now.scale, then.scale, rel_tol=ROUNDED)
    return alike and math.isclose(now.offset, then.offset, abs_tol=_SAME_ZERO)


def senses(robot: Robot) -> Mapping[tuple[DataType, str], ScaleOffset]:
    """Find the sense of each number among a robot's slots.

    Poses have frames instead. What is read from a LeRobot dataset is left out, since that has
    units and senses of its own, and so is what has neither source nor command.
    """
    found: dict[tuple[DataType, str], ScaleOffset] = {}
    parts: tuple[Callable[[], Iterable[tuple[DataType, str, Scaled]]], ...] = (
        lambda: _commanded(robot),
        lambda: _read(robot.output_sources()),
        lambda: _read(robot.input_sources()),
    )
    for part in parts:
        with suppress(DescriptionError):  # It is told by whoever needs what is missing.
            found |= {
                (kind, name): ScaleOffset(own.scale, own.offset)
                for kind, name, own in part()
                if kind.is_numeric and not kind.is_pose
            }
    return found


def chain_senses(robot: Robot, kind: DataType, name: str) -> Mapping[str, ScaleOffset] | None:
    """The sense of each joint that the pose of a chain is computed from; None where none is."""
    try:
        source = robot.source(kind, name)
    except DescriptionError:
        return None
    if source is None or source.chain is None or is_feature(source.topic):
        return None
    return dict(zip(source.chain.joints, source.joint_scales, strict=False)) or None


def _commanded(robot: Robot) -> Iterator[tuple[DataType, str, Scaled]]:
    for command in robot.all_commands():
        for slot in command.slots:
            if not slot.chain:
                yield slot.data_type, slot.name, slot


def _read(sources: Iterable[Source]) -> Iterator[tuple[DataType, str, Scaled]]:
    for source in sources:
        if not is_feature(source.topic):
            yield source.data_type, source.name, source
