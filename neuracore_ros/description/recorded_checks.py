"""Checks of recorded values against the robot file: limits, speeds, units, copies.

The node judges such things live, and holds the robot. Here the same is judged of recordings,
before anything is learnt from them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from neuracore_ros.description.data_type import DataType
from neuracore_ros.description.limits import FASTER, START_MAX
from neuracore_ros.description.recorded_units import unit_texts, wrong_units
from neuracore_ros.description.recorded_values import LEAST_STEPS, TURN, RecordedValues, span_text
from neuracore_ros.description.source import ANGLES
from neuracore_ros.description.units import DEGREES
from neuracore_ros.wording import few

# Speeds beyond limits matter even if they are short [of all steps].
_FAST_SHARE = 0.01
# Smaller motions are noise, or a joint at rest [rad], [m] or of an opening.
_MOVES = 0.05
# A share of steps that counts as all.
_NEARLY_ALL = 0.99
# Below this coherence, directions have no middle.
_LEAST_COHERENCE = 0.3
# Correlation of what follows its target in the other direction; a lag alone is far from it.
_AGAINST = -0.9


class Severity(str, Enum):
    """The consequence of a doubt."""

    REFUSED = 'refused'  # Values in another unit, from which nothing right can be learnt.
    HELD = 'held'  # A robot that the node would not move.
    DOUBTED = 'doubted'  # Values that a person should check.

    __str__ = str.__str__


@dataclass(frozen=True, slots=True)
class Doubt:
    """Recorded values that contradict the robot file.

    Attributes:
        severity: The consequence.
        text: One line: which names, their values, what is expected, and the correction.
    """

    severity: Severity
    text: str


def doubts(values: RecordedValues) -> list[Doubt]:
    """The contradictions of values and robot file, the severest first; like joints together."""
    if not values.steps:
        return []
    refused = wrong_units(values)
    found = [Doubt(Severity.REFUSED, text) for text in unit_texts(values, refused)]
    places = [place for place in range(len(values.sources)) if place not in refused]
    astray = _never_started(values, places)
    found += [Doubt(Severity.HELD, text) for text in _start_texts(values, astray)]
    places = [place for place in places if place not in astray]
    for check in (_outside, _fast, _turned, _still, _copied, _opposed):
        found += [Doubt(Severity.DOUBTED, text) for text in check(values, places)]
    return found


def _never_started(values: RecordedValues, places: Sequence[int]) -> list[int]:
    """Joints that are measured mostly where the node would not start."""
    return [
        place
        for place in places
        if values.sources[place].data_type is DataType.JOINT_POSITIONS
        and place < values.measured
        and values.astray[place] > values.steps / 2
    ]


def _start_texts(values: RecordedValues, astray: Sequence[int]) -> Iterator[str]:
    if astray:
        widest = max(astray, key=values.excess)
        yield (
            f'{values.label(widest)} is measured from {values.range_text(widest)}, mostly more '
            f'than {START_MAX:g} outside its limits {span_text(values.expected[widest].ends)}: '
            'the node would never start: correct its limits, or scale and offset of its source'
            + values.likewise(astray, widest)
        )


def _outside(values: RecordedValues, places: Sequence[int]) -> Iterator[str]:
    """Names that leave their limits."""
    groups: dict[DataType, list[int]] = {}
    for place in places:
        if values.is_often(values.outside[place]):
            groups.setdefault(values.sources[place].data_type, []).append(place)
    for kind, group in groups.items():
        widest = max(group, key=values.excess)
        ends = values.expected[widest].ends
        text = f'{values.label(widest)} goes from {values.range_text(widest)}'
        if kind.is_gripper:
            text += '; 0 (closed) to 1 (open) is expected: check its limits, or its scale'
        elif kind is DataType.JOINT_VELOCITIES:
            text += f'; its velocity limit is {ends[1]:.4g}'
        else:
            then = 'the node clamps what it commands' if kind.is_target else 'check them'
            text += f', outside its limits {span_text(ends)}: {then}'
        yield text + values.likewise(group, widest)


def _fast(values: RecordedValues, places: Sequence[int]) -> Iterator[str]:
    """Joints that move faster than their limits."""
    for is_target in (False, True):
        fast = [
            place
            for place in places
            if values.sources[place].is_target is is_target
            and values.fast[place] >= max(2, _FAST_SHARE * values.steps)
        ]
        if not fast:
            continue
        worst = max(fast, key=lambda place: values.speed[place] / values.expected[place].speed)
        then = (
            'the node will follow such commands later'
            if is_target
            else f'the node stops for a joint {FASTER:g} times faster than its limit'
        )
        yield (
            f'{values.label(worst)} moves at up to {values.speed[worst]:.3g} a second, its '
            f'limit is {values.expected[worst].speed:.3g}: {then}'
            + _or_in_degrees(values, worst)
            + values.likewise(fast, worst)
        )


def _or_in_degrees(values: RecordedValues, place: int) -> str:
    """The unit of a joint that stays within wide limits, and is far too fast for [rad/s]."""
    source, expected = values.sources[place], values.expected[place]
    is_angle = source.data_type.measured is DataType.JOINT_POSITIONS and not expected.slides
    if not is_angle or not values.is_often(values.very_fast[place]):
        return ''
    options = DEGREES.options(source.scale, source.offset)
    return f'; or is it in degrees? Then write under sources: {source.data_type}: {{{options}}}'


def _turned(values: RecordedValues, places: Sequence[int]) -> Iterator[str]:
    """Continuous joints that have several values in one place."""
    apart = {target for (target, _), n in zip(values.pairs, values.turned, strict=True) if n}
    said = set[str]()
    for place in places:
        source, jumps = values.sources[place], int(values.jumps[place])
        if source.name in said or not (jumps or place in apart):
            continue
        said.add(source.name)
        times = 'once' if jumps == 1 else f'{jumps} times'
        what = f'jumps by a turn {times}' if jumps else 'is a turn away from what is measured'
        middle = _middle(values, place)
        if source.around is not None or middle is None:
            advice = 'its motion covers a whole turn, so it jumps at every beginning of one'
        else:
            kinds = [
                s.data_type
                for s in values.sources
                if s.name == source.name and s.data_type.measured in ANGLES
            ]
            where = ', '.join(
                f'{kind}: {{{source.name}: {{around: {middle:.2f}}}}}'
                for kind in dict.fromkeys(kinds)
            )
            advice = f'so that its values are one turn about a middle, write to sources: {where}'
        yield f'{values.label(place)}, a continuous joint, {what}: {advice}'


def _still(values: RecordedValues, places: Sequence[int]) -> Iterator[str]:
    """Streams that never change, and joints that do not follow their target."""
    if values.steps < LEAST_STEPS:
        return
    moved = values.largest - values.least
    streams: dict[tuple[DataType, str], list[int]] = {}
    for place in places:
        streams.setdefault(values.stream(place), []).append(place)
    still = set[int]()
    for (kind, topic), group in streams.items():
        if len(group) > 1 and not moved[group].any():
            still |= {*group}
            names = [*dict.fromkeys(values.sources[place].name for place in group)]
            yield f'{kind} of {topic} never changes: {few(names)}'
    both_ways = (*values.pairs, *((source, target) for target, source in values.pairs))
    for one, other in both_ways:
        if one not in still and not moved[one] and moved[other] > _MOVES:
            yield (
                f'{values.label(one)} stays at {values.least[one]:.4g}, while '
                f'{values.sources[other].data_type} goes from {values.range_text(other)}'
            )


def _copied(values: RecordedValues, _: Sequence[int]) -> Iterator[str]:
    """Targets that equal the measurement of the same step."""
    moved = values.largest - values.least
    copies = [
        target
        for (target, source), equal in zip(values.pairs, values.equal, strict=True)
        if equal >= _NEARLY_ALL * values.steps and moved[target] > _MOVES
    ]
    for kind in dict.fromkeys(values.sources[place].data_type for place in copies):
        own = [place for place in copies if values.sources[place].data_type is kind]
        yield (
            f'{values.label(own[0])} equals {kind.measured} of the same step: a policy would '
            'learn not to move. If no command was recorded, write '
            f'{kind.measured} in place of {kind} under output and commands: it learns the '
            'measurement of the next step' + values.likewise(own, own[0])
        )


def _opposed(values: RecordedValues, places: Sequence[int]) -> Iterator[str]:
    """Names that move against their target."""
    moved = values.largest - values.least
    against: dict[DataType, list[int]] = {}
    for (target, source), alike in zip(values.pairs, values.correlations(), strict=True):
        is_moved = min(moved[target], moved[source]) > _MOVES and values.steps >= LEAST_STEPS
        if is_moved and alike < _AGAINST and {target, source} <= {*places}:
            against.setdefault(values.sources[target].data_type, []).append(target)
    for kind, group in against.items():
        yield (
            f'{values.label(group[0])} moves against {kind.measured}: is the scale of one of '
            'the two sources of another sign?' + values.likewise(group, group[0])
        )


def _middle(values: RecordedValues, place: int) -> float | None:
    """The angle about which a joint moves, [rad]; None if it moves all around."""
    cosine, sine = values.direction[place] / values.steps
    if math.hypot(cosine, sine) <= _LEAST_COHERENCE:
        return None
    middle = math.atan2(sine, cosine)
    # Beside the place where most drivers jump, the positive one of two equal angles.
    return middle + TURN if middle < -0.75 * math.pi else middle
