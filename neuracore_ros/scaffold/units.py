"""Units of drivers that publish degrees, ticks or percent, guessed by their values."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

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
# A dataset is often in degrees.
_ANY_ANGLE_OF_FEATURES = 2 * math.pi


@dataclass(frozen=True, slots=True)
class GuessedUnit:
    """A unit that values give away.

    Attributes:
        readings: Each unit that the values may have, by joint, the likely one first.
        why: How it shows.
        is_bounded: Whether limits are known.
    """

    readings: tuple[Mapping[str, Unit], ...]
    why: str
    is_bounded: bool = True

    @property
    def units(self) -> tuple[Unit, ...]:
        """The units; one that depends on a joint's limits is that of some joint."""
        return tuple(next(iter(units.values())) for units in self.readings)

    @property
    def unit(self) -> Unit:
        """The likely one."""
        return self.units[0]

    @property
    def said(self) -> str:
        """The sentence in which a person is told."""
        others = ' or '.join(unit.name for unit in self.units[1:])
        return f'{self.unit.name}: {self.why}' + (f'; or in {others}?' if others else '')

    @property
    def asked(self) -> str:
        """The question that a person has to answer."""
        names = ', or in '.join(unit.name for unit in self.units)
        return f'in {names}? {self.why}: choose its scale in the file'

    def like(self, other: GuessedUnit) -> GuessedUnit:
        """The units that both may be; these, if there is none."""
        names = {unit.name for unit in other.units}
        both = zip(self.units, self.readings, strict=True)
        common = tuple(reading for unit, reading in both if unit.name in names)
        return replace(self, readings=common) if common else self

    def is_asked(self, of_feature: bool) -> bool:
        """True for a unit that is not written, but asked for.

        Datasets are in degrees as often as in percent, and percent has no scale without a
        calibration.
        """
        return of_feature or self.unit.of_limits


@dataclass(frozen=True, slots=True)
class GuessedAmount:
    """A scaling of a gripper's values to 0..1 that values give away.

    Attributes:
        readings: Scalings that may be right, each with a name, the likely one first.
        seen: How it shows.
    """

    readings: tuple[tuple[str, ScaleOffset], ...]
    seen: str

    @property
    def scaling(self) -> ScaleOffset:
        """The likely one."""
        return self.readings[0][1]

    @property
    def said(self) -> str:
        """The sentence in which a person is told."""
        return f'{self.seen}: taken as {self.readings[0][0]}'

    @property
    def asked(self) -> str:
        """The question that a person has to answer."""
        names = ', or '.join(name for name, _ in self.readings)
        return f'{self.seen}: {names}? Choose its scale in the file'


def guess_unit(
    motions: Mapping[str, ObservedMotion],
    limits: Mapping[str, PartialLimit],
    slides: bool = False,
    of_feature: bool = False,
) -> GuessedUnit | None:
    """Guess the unit of joints of one topic that all turn, or all slide; None of [rad] or [m].

    Args:
        motions: How they moved.
        limits: Those of the URDF.
        slides: Whether they are prismatic.
        of_feature: Whether they are of a dataset, and not of a driver of ROS.
    """
    widest = _ANY_ANGLE_OF_FEATURES if of_feature else _ANY_ANGLE
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
        if fitting:
            why = f'{_seen(joint, motions[joint])}, far outside of its limits'
            readings = [_of_all(unit, motions, bounded, slides) for unit in fitting]
            return GuessedUnit(tuple(readings), why)
    if not bounded and not slides and limits.keys().isdisjoint(motions):
        for joint, motion in motions.items():
            if max(abs(motion.lower), abs(motion.upper)) > widest:
                of_each = [likely_units(_range(each), _ANY_TURN) for each in motions.values()]
                plain = [
                    dict.fromkeys(motions, unit)
                    for unit in likely_units(_range(motion), _ANY_TURN)
                    if not unit.of_limits and all(unit in units for units in of_each)
                ]
                seen = _seen(joint, motion)
                return GuessedUnit(tuple(plain), seen, is_bounded=False) if plain else None
    return None


def _of_all(
    unit: Unit,
    motions: Mapping[str, ObservedMotion],
    bounded: Mapping[str, tuple[float, float]],
    slides: bool,
) -> dict[str, Unit]:
    """The unit of each joint; percent of a range is one of its own for each range."""
    if not unit.of_limits:
        return dict.fromkeys(motions, unit)
    return {
        joint: each
        for joint, bounds in bounded.items()
        for each in likely_units(_range(motions[joint]), bounds, slides)
        if each.name == unit.name
    }


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


def amount(motion: ObservedMotion, limit: PartialLimit | None) -> GuessedAmount | None:
    """The scaling of a gripper's values to 0..1; None where its range brings them there."""
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
    readings = []
    if share:
        readings.append((f'{share.name}, 0 closed', ScaleOffset(share.scale, share.offset)))
    scaling = opening(*bounds)
    if angle_or_length and scaling:
        unit = angle_or_length
        offset = scaling.scale * unit.offset + scaling.offset
        own = (unit.name, ScaleOffset(scaling.scale * unit.scale, offset))
        readings.insert(0 if limit.slides else len(readings), own)
    if not readings:
        ends = opening(*values) if motion.upper > motion.lower else None
        where = 'closed and open where it was seen to end'
        readings.append((where, ends or ScaleOffset()))
    return GuessedAmount(tuple(readings), seen)


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
