"""Recorded values in another unit than the robot file expects."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from neuracore_ros.description.data_type import DataType
from neuracore_ros.description.recorded_values import TURN, RecordedValues, span_text
from neuracore_ros.description.routes import is_feature
from neuracore_ros.description.units import (
    DEGREES,
    LENGTHS,
    Unit,
    likely_unit_of_amounts,
    likely_units,
)

# No hand opens further [m].
_WIDEST_HAND = 0.3
# A recorded hand opens by more [of its range].
_OPENS = 0.1


@dataclass(frozen=True, slots=True)
class UnitReading:
    """One unit that a name's values may be in, and the options to write if they are."""

    unit: Unit
    options: str


Readings = tuple[UnitReading, ...]
"""The likely first; several where the values do not tell; none if no unit fits."""


def wrong_units(values: RecordedValues) -> dict[int, Readings]:
    """Place -> the units that it may be in, if it is not the expected one."""
    found = {
        place: readings
        for place in range(len(values.sources))
        if (readings := _readings(values, place)) is not None
    }
    # A driver reports all joints in one unit: what one of them cannot be, the others are not. A
    # dataset of LeRobot has measurements and commands of one driver.
    of_dataset = any(is_feature(source.topic) for source in values.sources)
    streams: dict[tuple[DataType, str], list[int]] = {}
    for place, readings in found.items():
        kind, topic = values.stream(place)
        if not kind.is_gripper and readings and readings[0].unit not in LENGTHS:
            driver = (kind.measured, '') if of_dataset else (kind, topic)
            streams.setdefault(driver, []).append(place)
    for places in streams.values():
        turning = [place for place in places if values.expected[place].turns]
        bounded = [place for place in places if place not in turning]
        if not bounded:
            continue
        common = set.intersection(*({r.unit.name for r in found[p]} for p in bounded))
        for place in bounded if common else ():
            found[place] = tuple(r for r in found[place] if r.unit.name in common)
        # Degrees and ticks of a continuous joint look alike; its neighbours decide.
        shared = [r.unit for r in found[bounded[0]] if not r.unit.of_limits]
        for place in turning if shared else ():
            found[place] = tuple(_reading(values, place, unit) for unit in shared)
    return found


def _readings(values: RecordedValues, place: int) -> Readings | None:
    """The units of one name by its own values; None if it is in the expected one."""
    expected = values.expected[place]
    raw = values.raw(place)
    if values.is_often(values.far[place]):
        if values.sources[place].data_type.is_gripper:
            return _of_gripper(values, place)
        units = likely_units(raw, values.to_raw(place, expected.ends), expected.slides)
        return tuple(_reading(values, place, unit) for unit in units)
    is_angle = expected.turns and max(map(abs, raw)) > TURN
    if is_angle and values.is_often(values.very_fast[place]):
        return (_reading(values, place, DEGREES),)
    return None


def _of_gripper(values: RecordedValues, place: int) -> Readings:
    """The units of a gripper: of an amount, or of the joint whose limits are its ends."""
    raw, ends = values.raw(place), values.to_raw(place, (0.0, 1.0))
    share = likely_unit_of_amounts(raw)
    found = [UnitReading(share, share.options())] if share else []
    if ends == (0.0, 1.0) or (share and share.scale == 1.0):
        return tuple(found)  # Those ends are amounts, too.
    slides = ends[1] - ends[0] <= _WIDEST_HAND
    units = [
        unit
        for unit in likely_units(raw, ends, slides)
        if not unit.of_limits and unit.scale * (raw[1] - raw[0]) > _OPENS * (ends[1] - ends[0])
    ]
    return (*found, *(_reading(values, place, unit) for unit in units))


def _reading(values: RecordedValues, place: int, unit: Unit) -> UnitReading:
    source = values.sources[place]
    return UnitReading(unit, unit.options(source.scale, source.offset))


def unit_texts(values: RecordedValues, units: Mapping[int, Readings]) -> Iterator[str]:
    """Texts about names in another unit, those of one DataType and unit together."""
    groups: dict[tuple[DataType, str, str], list[int]] = {}
    for place, readings in units.items():
        first = readings[0] if readings else UnitReading(Unit('', 1.0), '')
        options = '' if first.unit.of_limits else first.options
        key = values.sources[place].data_type, first.unit.name, options
        groups.setdefault(key, []).append(place)
    for (kind, _, _), places in groups.items():
        worst = max(places, key=values.excess)
        what, ends = values.label(worst), values.expected[worst].ends
        slides = values.expected[worst].slides or any(r.unit in LENGTHS for r in units[worst][:1])
        expected = 'm' if slides else 'rad'
        if kind.is_gripper:
            expected = 'amounts from 0 to 1'
            reported, opens = span_text(values.raw(worst)), span_text(values.to_raw(worst, ends))
            text = f'{what} is reported as {reported}, far outside of {opens}, closed to open'
        elif math.isfinite(ends[0]):
            limits = f'its limits {span_text(ends)}'
            text = f'{what} goes from {values.range_text(worst)}, far outside of {limits}'
        else:
            speed, most = values.speed[worst], values.expected[worst].speed
            text = f'{what} moves at up to {speed:.4g} rad/s; its limit is {most:.4g}'
        if units[worst]:
            unlike = '' if kind.is_gripper else f', not {expected}'
            advice = _advice(values, {place: units[place] for place in places}, worst, unlike)
        else:
            advice = f'in no unit that is known: give its source scale and offset ({expected})'
            advice += ', or correct its limits'
        yield f'{text}: {advice}{values.likewise(places, worst)}'


def _advice(values: RecordedValues, units: Mapping[int, Readings], worst: int, unlike: str) -> str:
    """The line to write for each unit that the names may be in."""
    first, *others = units[worst]
    kind, name = values.sources[worst].data_type, first.unit.name
    line = f'{kind}: {_line(values, units, name)}'
    if first.unit.of_limits:
        told = (
            f'in {name}{unlike}? Only the calibration of the robot tells its scale: if the ends '
            f'are its limits, write under sources: {line}, and check it on the robot'
        )
    else:
        told = f'in {name}{unlike}? Write under sources: {line}'
    for other in others:
        line = _line(values, units, other.unit.name)
        told += f'; if in {other.unit.name}, '
        told += f'and the ends are its limits: {line}' if other.unit.of_limits else line
    return told


def _line(values: RecordedValues, units: Mapping[int, Readings], name: str) -> str:
    """The options for all names that may be in a unit, in braces; by name where they differ."""
    options = {
        values.sources[place].name: reading.options
        for place, readings in units.items()
        for reading in readings
        if reading.unit.name == name
    }
    is_of_limits = any(
        r.unit.of_limits for own in units.values() for r in own if r.unit.name == name
    )
    if not is_of_limits and len({*options.values()}) == 1:
        return f'{{{next(iter(options.values()))}}}'
    return f'{{{", ".join(f"{joint}: {{{own}}}" for joint, own in options.items())}}}'
