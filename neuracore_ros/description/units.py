"""The likely units of a driver's values, where they are not in the expected one."""

from __future__ import annotations

import math
from dataclasses import dataclass

from neuracore_ros.description.limits import Range


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit of a driver's values x; ``scale * x + offset`` is in the expected unit.

    Attributes:
        name: Its plural, for people.
        scale: To [rad], [m], or an amount from 0 to 1.
        offset: The expected unit's value at this unit's zero.
        of_limits: True if scale and offset are right only where the ends of the unit are the
            limits of the joint, which its calibration decides.
    """

    name: str
    scale: float
    offset: float = 0.0
    of_limits: bool = False

    def options(self, scale: float = 1.0, offset: float = 0.0) -> str:
        """The options to write to a source that has these ones, as ``scale: 0.0174533``."""
        moved = scale * self.offset + offset
        return f'scale: {scale * self.scale:.6g}' + (f', offset: {moved:.6g}' if moved else '')


DEGREES = Unit('degrees', math.pi / 180)
TICKS = Unit('servo ticks (4096 a turn)', 2 * math.pi / 4096, -math.pi)
_TICKS_ABOUT_ZERO = Unit('servo ticks (4096 a turn) about 0', 2 * math.pi / 4096)
_FEW_TICKS = Unit(
    'servo ticks (1024 in 300 degrees)', math.radians(300) / 1024, -math.radians(150)
)
MILLIMETRES = Unit('millimetres', 1e-3)
CENTIMETRES = Unit('centimetres', 1e-2)
AMOUNTS = Unit('amounts from 0 to 1', 1.0)
PERCENT = Unit('percent', 1e-2)
SIGNED_PERCENT = Unit('percent, -100 to 100', 0.005, 0.5)
BYTES = Unit('steps from 0 to 255', 1 / 255)
THOUSANDTHS = Unit('thousandths', 1e-3)

# The likely first. Ticks that count from one end are never negative.
_TICKS = (TICKS, _FEW_TICKS)
_ANGLES = (DEGREES, *_TICKS)
LENGTHS = (MILLIMETRES, CENTIMETRES)
"""Units of prismatic joints."""
_AMOUNTS = (AMOUNTS, PERCENT, BYTES, THOUSANDTHS)

# Positions so far outside the limits are normal, of their width: limits are rounded, zeros drift.
_SLACK = 0.25
# A gripper that opens by less may be in another unit, such as that of two fingers [amount].
_OPENS, _OPENS_A_BIT = {AMOUNTS: 0.5}, 0.02
# A closed one is hardly below zero [of its largest value].
_CLOSES = 0.1
# A joint of unknown kind that moves further than this does not slide [m].
_LONGEST_SLIDE = 1.0
# Percent end at 100, but for rounding and overshoot.
_MOST_PERCENT = 101.0


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


def likely_units(values: Range, limits: Range, slides: bool = False) -> tuple[Unit, ...]:
    """The units in which positions that are far outside would be within limits.

    Args:
        values: Least and largest, as the driver reports them.
        limits: Least and largest position, [rad] or [m].
        slides: True for a joint that is known to be prismatic.

    Returns:
        The likely first; several where the values alone do not tell; empty if none fits.
    """
    may_slide = slides or limits[1] - limits[0] <= _LONGEST_SLIDE
    known = (*(() if slides else _ANGLES), *(LENGTHS if may_slide else ()))
    found = [unit for unit in known if _fits(unit, values, limits)]
    if DEGREES in found:
        # Some degrees are ticks near the end of a range: a driver of ticks would be beyond it.
        found = [u for u in found if u not in _TICKS or _fits(u, values, limits, slack=0.0)]
    found += _percents(values, limits, may_slide)
    if not found and not slides and _fits(_TICKS_ABOUT_ZERO, values, limits):
        found.append(_TICKS_ABOUT_ZERO)
    return tuple(found)


def likely_unit_of_amounts(values: Range) -> Unit | None:
    """The unit in which a gripper's driver reports an opening, not a joint position."""
    known = [unit for unit in _AMOUNTS if unit.scale * values[1] > _OPENS.get(unit, _OPENS_A_BIT)]
    if values[0] < -_CLOSES * max(values[1], 0.0):
        known = [unit for unit in known if unit is AMOUNTS]
        known += [SIGNED_PERCENT] if max(map(abs, values)) <= _MOST_PERCENT else []
    return next((unit for unit in known if _fits(unit, values, (0.0, 1.0))), None)


def _percents(values: Range, limits: Range, slides: bool) -> list[Unit]:
    """The percent of a joint's range that its values may be."""
    lower, upper = limits
    if not math.isfinite(upper - lower) or max(map(abs, values)) > _MOST_PERCENT:
        return []
    width, middle = upper - lower, (lower + upper) / 2
    if slides and values[0] > 100.0 - _MOST_PERCENT:
        return [Unit('percent of its range, 0 to 100', width / 100, lower, of_limits=True)]
    return [Unit('percent of its range, -100 to 100', width / 200, middle, of_limits=True)]


def _fits(unit: Unit, values: Range, limits: Range, slack: float = _SLACK) -> bool:
    if unit in _TICKS and values[0] < 0.0:
        return False
    least, largest = (unit.scale * value + unit.offset for value in values)
    beyond = slack * (limits[1] - limits[0])
    return limits[0] - beyond <= least and largest <= limits[1] + beyond
