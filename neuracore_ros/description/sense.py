"""Senses of slots: the scale and offset between a robot's own value and that of its slot.

A joint whose sign or zero is another one than it was moves the other way, or to another place, and
no number shows it. A joint whose scale has another size has another driver, in another unit: what
its sign and zero were says nothing then.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Protocol

from neuracore_ros.description.command import Joint
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


@dataclass(frozen=True, slots=True)
class Sense:
    """Sense of one slot; what is None is unknown.

    Attributes:
        read: Of the value that is measured, or recorded: that of a leader may be another one than
            the robot's.
        around: The angle about which turns of that value are taken [rad]; None for as they come.
        sent: Of the value that is commanded; None of what is measured as well.
    """

    read: ScaleOffset | None = None
    around: float | None = None
    sent: ScaleOffset | None = None

    def is_comparable(self, then: Sense) -> bool:
        """True if both are known."""
        return self._deciding(then) is not None

    def is_turned(self, then: Sense) -> bool:
        """True if one unit has another sign or zero than it had: the same number is elsewhere."""
        pair = self._deciding(then)
        return pair is not None and _is_turned(*pair)

    def is_reversed(self, then: Sense) -> bool:
        """True if one unit has another sign than it had."""
        pair = self._deciding(then)
        return pair is not None and _is_turned(*map(_without_zero, pair))

    def is_same(self, then: Sense) -> bool:
        """True if what is known of both is the same but for rounding."""
        return not any(self.differences(then))

    def moves_alike(self, then: Sense) -> bool:
        """True if a robot does the same of one number, by whatever it was recorded."""
        pair = self._deciding(then)
        is_read = pair is not None and pair[0] is self.read
        return pair is None or (_is_same(*pair) and not (is_read and self.winds_otherwise(then)))

    def differences(self, then: Sense) -> Iterator[str]:
        """List what has changed, in words of the robot file, with both values."""
        for what, now, before in (
            ('', self.read, then.read),
            ('commanded with ', self.sent, then.sent),
        ):
            if now and before and not _is_same(now, before):
                yield f'{what}{scaling(now)} (then {scaling(before)})'
        if self.winds_otherwise(then):
            yield f'around {_number(self.around)} (then {_number(then.around)})'

    def winds_otherwise(self, then: Sense) -> bool:
        """True if values are taken at other turns than they were."""
        if self.read is None or then.read is None:
            return False
        if self.around is None or then.around is None:
            return self.around is not then.around
        return not math.isclose(self.around, then.around, abs_tol=_SAME_ZERO)

    def _deciding(self, then: Sense) -> tuple[ScaleOffset, ScaleOffset] | None:
        """Where both commands are known, the robot moves by them."""
        for now, before in ((self.sent, then.sent), (self.read, then.read)):
            if now and before:
                return now, before
        return None


def scaling(own: Scaled) -> str:
    """Write scale and offset in words of the robot file."""
    return f'scale {own.scale:g}, offset {own.offset + 0.0:g}'


def senses(robot: Robot) -> Mapping[tuple[DataType, str], Sense]:
    """Find the sense of each number among a robot's slots.

    Poses have frames instead. What is read from a LeRobot dataset is left out, since that has
    units and senses of its own, and so is what has neither source nor command.
    """
    inputs = _known(lambda: _read(robot.input_sources()))
    recorded = _known(lambda: _read(robot.output_sources()))
    sent = _known(lambda: _commanded(robot))
    found = {
        each: replace(recorded.get(each, Sense()), sent=sent.get(each, Sense()).sent)
        for each in {**sent, **recorded}
    }
    return found | inputs


def chain_senses(robot: Robot, kind: DataType, name: str) -> Mapping[str, ScaleOffset] | None:
    """The sense of each joint that the pose of a chain is computed from; None where none is."""
    try:
        source = robot.source(kind, name)
    except DescriptionError:
        return None
    if source is None or source.chain is None or is_feature(source.topic):
        return None
    return dict(zip(source.chain.joints, source.joint_scales, strict=False)) or None


def turned_joints(
    now: Mapping[str, ScaleOffset], then: Mapping[str, ScaleOffset]
) -> Iterator[tuple[str, ScaleOffset, ScaleOffset]]:
    """Joints of a chain that had another sign or zero, with both senses."""
    for name, own in now.items():
        if name in then and _is_turned(own, then[name]):
            yield name, own, then[name]


def _is_turned(now: Scaled, then: Scaled) -> bool:
    if not math.isclose(abs(now.scale), abs(then.scale), rel_tol=ROUNDED):
        return False
    return now.scale * then.scale < 0.0 or abs(now.offset - then.offset) > _MOVED


def _without_zero(own: Scaled) -> ScaleOffset:
    return ScaleOffset(own.scale)


def _is_same(now: Scaled, then: Scaled) -> bool:
    alike = math.isclose(now.scale, then.scale, rel_tol=ROUNDED)
    return alike and math.isclose(now.offset, then.offset, abs_tol=_SAME_ZERO)


def _number(value: float | None) -> str:
    return 'none' if value is None else f'{value:g}'


_Named = tuple[DataType, str, Sense]


def _known(part: Callable[[], Iterable[_Named]]) -> dict[tuple[DataType, str], Sense]:
    """Senses of numbers; none where the file lacks what it takes to tell."""
    with suppress(DescriptionError):  # It is told by whoever needs what is missing.
        return {
            (kind, name): sense
            for kind, name, sense in part()
            if kind.is_numeric and not kind.is_pose
        }
    return {}


def _commanded(robot: Robot) -> Iterator[_Named]:
    for command in robot.all_commands():
        for slot in command.slots:
            if slot.chain:
                continue
            # The offset of a velocity that is integrated is the zero of its position.
            is_speed = isinstance(slot, Joint) and slot.is_integrated
            sent = ScaleOffset(slot.scale, 0.0 if is_speed else slot.offset)
            yield slot.data_type, slot.name, Sense(sent=sent)


def _read(sources: Iterable[Source]) -> Iterator[_Named]:
    for source in sources:
        if not is_feature(source.topic):
            read = ScaleOffset(source.scale, source.offset)
            yield source.data_type, source.name, Sense(read, source.around)
