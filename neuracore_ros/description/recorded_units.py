"""Recorded values in another unit than the robot file expects."""

from __future__ import annotations

import math
from collections.abc import Iterator

from neuracore_ros.description.data_type import DataType
from neuracore_ros.description.recorded_values import TURN, RecordedValues, span_text
from neuracore_ros.description.units import (
    AMOUNTS,
    DEGREES,
    LENGTHS,
    Unit,
    likely_unit,
    likely_unit_of_amounts,
)

_NO_UNIT = Unit('', 1.0)


def wrong_units(values: RecordedValues) -> dict[int, Unit]:
    """Place -> its unit, if it is not the expected one; `_NO_UNIT` if none fits."""
    found = {
        place: unit
        for place in range(len(values.sources))
        if (unit := _unit(values, place)) is not None
    }
    turns = {place for place in found if values.expected[place].turns}
    # Degrees and ticks of a continuous joint look alike; its neighbours decide.
    neighbours = {
        values.stream(place): unit
        for place, unit in found.items()
        if place not in turns and unit.name and unit not in LENGTHS
    }
    return found | {place: neighbours.get(values.stream(place), found[place]) for place in turns}


def _unit(values: RecordedValues, place: int) -> Unit | None:
    expected = values.expected[place]
    raw = values.raw(place)
    if values.is_often(values.far[place]):
        if values.sources[place].data_type.is_gripper:
            return likely_unit_of_amounts(raw) or _NO_UNIT
        ends = values.to_raw(place, expected.ends)
        return likely_unit(raw, ends, expected.slides) or _NO_UNIT
    is_angle = expected.turns and max(map(abs, raw)) > TURN
    return DEGREES if is_angle and values.is_often(values.very_fast[place]) else None


def unit_texts(values: RecordedValues, units: dict[int, Unit]) -> Iterator[str]:
    """Texts about names in another unit, those of one DataType and unit together."""
    groups: dict[tuple[DataType, str, str], list[int]] = {}
    for place, unit in units.items():
        source = values.sources[place]
        own = (1.0, 0.0) if source.data_type.is_gripper else (source.scale, source.offset)
        options = '' if unit is _NO_UNIT else unit.options(*own)
        groups.setdefault((source.data_type, unit.name, options), []).append(place)
    for (kind, unit_name, options), places in groups.items():
        worst = max(places, key=values.excess)
        what, ends = values.label(worst), values.expected[worst].ends
        slides = values.expected[worst].slides or units[worst] in LENGTHS
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
        if options:
            is_in = f'in {unit_name}' + ('' if kind.is_gripper else f', not {expected}')
            advice = f'{is_in}? Write under sources: {kind}: {{{options}}}'
            advice += '' if units[worst] is AMOUNTS else _or_as_a_length(values, worst)
        else:
            advice = f'in no unit that is known: give its source scale and offset ({expected})'
            advice += ', or correct its limits'
        yield f'{text}: {advice}{values.likewise(places, worst)}'


def _or_as_a_length(values: RecordedValues, place: int) -> str:
    """The other option of a gripper whose values may be an amount or a length."""
    source = values.sources[place]
    ends = values.to_raw(place, (0.0, 1.0))
    # No hand opens by a metre: those ends are amounts, too.
    if not source.data_type.is_gripper or ends[1] - ends[0] >= 1.0:
        return ''
    unit = likely_unit(values.raw(place), ends, slides=True)
    options = unit.options(source.scale, source.offset) if unit else ''
    return f'; if in {unit.name}, {{{options}}}' if unit else ''
