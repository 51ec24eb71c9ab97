"""The likely unit of a driver's values, where it is not the expected one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from neuracore_ros.description.limits import Range


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit of a driver's values x; ``scale * x + offset`` is in the expected unit.

    Attributes:
        name: Its plural, for people.
        scale: To [rad], [m], or an amount from 0 to 1.
        offset: The expected unit's value at this unit's zero.
    """

    name: str
    scale: float
    offset: float = 0.0

    def options(self, scale: float = 1.0, offset: float = 0.0) -> str:
        """The options to write to a source that has these ones, as ``scale: 0.0174533``."""
        moved = scale * self.offset + offset
        return f'scale: {scale * self.scale:.6g}' + (f', offset: {moved:.6g}' if moved else '')


DEGREES = Unit('degrees', math.pi / 180)
TICKS = Unit('servo ticks (4096 a turn)', 2 * math.pi / 4096, -math.pi)
MILLIMETRES = Unit('millimetres', 1e-3)
CENTIMETRES = Unit('centimetres', 1e-2)
AMOUNTS = Unit('amounts from 0 to 1', 1.0)
PERCENT = Unit('percent', 1e-2)
BYTES = Unit('steps from 0 to 255', 1 / 255)
THOUSANDTHS = Unit('thousandths', 1e-3)

# The likely first.
_ANGLES = (DEGREES, TICKS)
LENGTHS = (MILLIMETRES, CENTIMETRES)
"""Units of prismatic joints."""
_AMOUNTS = (AMOUNTS, PERCENT, BYTES, THOUSANDTHS)

# Positions so far outside the limits are normal, of their width: limits are rounded, zeros drift.
_SLACK = 0.25
# A gripper that opens by less may be in another unit, such as that of two fingers [amount].
_OPENS, _OPENS_A_BIT = {AMOUNTS: 0.5}, 0.02
# A joint of unknown kind that moves further than this does not slide [m].
_LONGEST_SLIDE = 1.0


def far_outside(values: Range, limits: Range, slides: bool = False) -> bool:
    """True for positions so far outside a joint's limits that they have another unit.

    Args:
        values: Least and largest, as they are taken: in [rad] or [m] if the unit is right.
        limits: Least and largest position, [rad] or [m]; infinite ones are never left.
        slides: True for a joint that is known to be prismatic.
    """
    lower, upper = limits
    away = max(lower - values[0], values[1] - upper)
    largest = max(abs(values[0]), abs(values[1]))
    return away > upper - lower and largest > largest_position(slides)


def largest_position(slides: bool) -> float:
    """The largest distance from zero of a joint with limits, [rad] or [m] if it slides.

    Narrow limits alone make no unit suspect.
    """
    return 2.0 if slides else 2 * math.pi


def likely_unit(values: Range, limits: Range, slides: bool = False) -> Unit | None:
    """The unit in which positions that are far outside would be within limits; None without.

    Args:
        values: Least and largest, as the driver reports them.
        limits: Least and largest position, [rad] or [m].
        slides: True for a joint that is known to be prismatic.
    """
    if slides:
        return _first(LENGTHS, values, limits)
    may_slide = limits[1] - limits[0] <= _LONGEST_SLIDE
    return _first((*_ANGLES, *(LENGTHS if may_slide else ())), values, limits)


def likely_unit_of_amounts(values: Range) -> Unit | None:
    """The unit in which a gripper's driver reports an opening, not a joint position."""
    known = [unit for unit in _AMOUNTS if unit.scale * values[1] > _OPENS.get(unit, _OPENS_A_BIT)]
    return _first(known, values, (0.0, 1.0))


def _first(units: Sequence[Unit], values: Range, limits: Range) -> Unit | None:
    slack = _SLACK * (limits[1] - limits[0])
    for unit in units:
        least, largest = (unit.scale * value + unit.offset for value in values)
        if limits[0] - slack <= least and largest <= limits[1] + slack:
            return unit
    return None
