"""Units of drivers that publish degrees, ticks or percent, guessed by their values."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from neuracore_ros.description.gripper import opening
from neuracore_ros.description.limits import PartialLimit
from neuracore_ros.description.routes import ScaleOffset
from neuracore_ros.description.units import (
    Unit,
    far_outside,
    likely_unit_of_amounts,
    likely_units,
)
from neuracore_ros.scaffold.facts import ObservedMotion

# Where no limits are known, no joint of an arm turns so often, or slides so far [rad], [m].
_ANY_ANGLE, _ANY_TURN = 4 * math.pi, (-2 * math.pi, 2 * math.pi)


@dataclass(frozen=True, slots=True)
class GuessedUnit:
    """A unit that values give away.

    Attributes:
        unit: The likely one.
        why: How it shows.
        others: Names of others that the values may have as well.
    """

    unit: Unit
    why: str
    others: tuple[str, ...] = ()

    @property
    def doubt(self) -> str:
        """The other units, for the end of a sentence; '' if there is none."""
        return f'; or in {" or ".join(self.others)}?' if self.others else ''


def guess_unit(
    motions: Mapping[str, ObservedMotion], limits: Mapping[str, PartialLimit], slides: bool = False
) -> GuessedUnit | None:
    """Guess the unit of joints of one topic that all turn, or all slide; None of [rad] or [m]."""
    bounded = {joint: bounds for joint in motions if (bounds := _bounds(limits.get(joint)))}
    for joint, bounds in bounded.items():
        values = _range(motions[joint])
        if not far_outside(values, bounds, slides):
            continue
        fitting = [
            unit
            for unit in likely_units(values, bounds, slides)
            if _fits_all(unit, motions, bounded, slides)
        ]
        # Percent of a range has no scale that could be written without a calibration.
        if fitting and not fitting[0].of_limits:
            why = f'{_seen(joint, motions[joint])}, far outside of its limits'
            return GuessedUnit(fitting[0], why, tuple(unit.name for unit in fitting[1:]))
    if not bounded and not slides and limits.keys().isdisjoint(motions):
        for joint, motion in motions.items():
            if max(abs(motion.lower), abs(motion.upper)) > _ANY_ANGLE:
                units = likely_units(_range(motion), _ANY_TURN)
                plain = [unit for unit in units if not unit.of_limits]
                return GuessedUnit(plain[0], _seen(joint, motion)) if plain else None
    return None


def _fits_all(
    unit: Unit,
    motions: Mapping[str, ObservedMotion],
    bounded: Mapping[str, tuple[float, float]],
    slides: bool,
) -> bool:
    """Tell whether all joints of a driver may be in a unit that fits one of them."""
    if unit.of_limits:
        values = {joint: _range(motions[joint]) for joint in bounded}
        return all(
            unit.name in {each.name for each in likely_units(values[joint], bounds, slides)}
            for joint, bounds in bounded.items()
        )
    return not any(
        far_outside(_range(converted(motions[joint], unit)), bounds, slides)
        for joint, bounds in bounded.items()
    )


def strangers(
    motions: Mapping[str, ObservedMotion], limits: Mapping[str, PartialLimit]
) -> list[str]:
    """A line for each joint whose values are far outside of its limits."""
    lines = []
    for joint, motion in motions.items():
        bounds = _bounds(limits.get(joint))
        if bounds is None or not far_outside(_range(motion), bounds, limits[joint].slides):
            continue
        units = likely_units(_range(motion), bounds, limits[joint].slides)
        what = 'another unit, or the URDF of another robot? Write scale and offset'
        if units:
            what = f'in {units[0].name}? Then write {units[0].options()}'
        seen = f'{_seen(joint, motion)}, far outside of its limits, {_shown(bounds)}'
        lines.append(f'{seen}: {what}')
    return lines


def amount(motion: ObservedMotion, limit: PartialLimit | None) -> tuple[ScaleOffset, str] | None:
    """The scaling of a gripper's values to 0..1, if they lie outside of its range.

    Returns:
        The scaling, and what gives it away; None where the range brings them there.
    """
    bounds = _bounds(limit)
    values = _range(motion)
    if limit is None or bounds is None:
        return None
    width = bounds[1] - bounds[0]
    if bounds[0] - width <= values[0] and values[1] <= bounds[1] + width:
        return None
    seen = f'its values are {_shown(values)}, its range {_shown(bounds)}'
    units = [unit for unit in likely_units(values, bounds, limit.slides) if not unit.of_limits]
    angle_or_length = units[0] if units else None
    share = likely_unit_of_amounts(values)
    if share and not (limit.slides and angle_or_length):
        return ScaleOffset(share.scale, share.offset), f'{seen}: taken as {share.name}, 0 closed'
    scaling = opening(*bounds)
    if angle_or_length and scaling:
        unit = angle_or_length
        scaled = ScaleOffset(
            scaling.scale * unit.scale, scaling.scale * unit.offset + scaling.offset
        )
        return scaled, f'{seen}: taken as {unit.name}'
    ends = opening(*values) if motion.upper > motion.lower else None
    return ends or ScaleOffset(), f'{seen}: taken as closed and open where it was seen to end'


def converted(motion: ObservedMotion, unit: Unit) -> ObservedMotion:
    """A motion in [rad] or [m]."""
    lower, upper = (unit.scale * end + unit.offset for end in (motion.lower, motion.upper))
    return ObservedMotion(lower, upper, motion.speed * unit.scale)


def _bounds(limit: PartialLimit | None) -> tuple[float, float] | None:
    position = limit.position if limit else None
    return position if position and math.isfinite(position[1] - position[0]) else None


def _range(motion: ObservedMotion) -> tuple[float, float]:
    return motion.lower, motion.upper


def _seen(joint: str, motion: ObservedMotion) -> str:
    return f'{joint} was seen at {_shown(_range(motion))}'


def _shown(values: tuple[float, float]) -> str:
    return f'{values[0]:.3g} to {values[1]:.3g}'
