"""Checks of recorded values against the robot file: limits, speeds, units, copies.

The node judges such things live, and holds the robot. Here the same is judged of recordings,
before anything is learnt from them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum

from neuracore_ros.description.data_type import DataType
from neuracore_ros.description.limits import FASTER, START_MAX, Range
from neuracore_ros.description.recorded_values import TURN, RecordedValues
from neuracore_ros.description.source import ANGLES
from neuracore_ros.description.units import (
    AMOUNTS,
    DEGREES,
    LENGTHS,
    Unit,
    likely_unit,
    likely_unit_of_amounts,
)
from neuracore_ros.wording import few

# Single values of a sensor may be wrong: a doubt needs so many steps, and such a share of all.
_LEAST_STEPS, _SHARE = 10, 0.05
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


class Gravity(str, Enum):
    """The consequence of a doubt."""

    REFUSED = 'refused'  # Values in another unit, from which nothing right can be learnt.
    HELD = 'held'  # A robot that the node would not move.
    DOUBTED = 'doubted'  # Values that a person should check.

    __str__ = str.__str__


@dataclass(frozen=True, slots=True)
class Doubt:
    """Recorded values that contradict the robot file.

    Attributes:
        gravity: The consequence.
        text: One line: which names, their values, what is expected, and the correction.
    """

    gravity: Gravity
    text: str


def doubts(values: RecordedValues) -> list[Doubt]:
    """The contradictions of values and robot file, the gravest first; like joints together."""
    if not values.steps:
        return []
    judge = _Judge(values)
    refused = judge.units()
    found = [Doubt(Gravity.REFUSED, text) for text in judge.in_units(refused)]
    judge.places = [place for place in judge.places if place not in refused]
    found += [Doubt(Gravity.HELD, text) for text in judge.never_started()]
    for texts in (
        judge.outside(),
        judge.fast(),
        judge.turned(),
        judge.still(),
        judge.copied(),
        judge.opposed(),
    ):
        found += [Doubt(Gravity.DOUBTED, text) for text in texts]
    return found


_NO_UNIT = Unit('', 1.0)


class _Judge:
    """Checks of C names; ``places`` are those without a grave doubt."""

    def __init__(self, values: RecordedValues) -> None:
        self.values = values
        self.places = list(range(len(values.sources)))

    def units(self) -> dict[int, Unit]:
        """Place -> its unit, if it is not the expected one; `_NO_UNIT` if none fits."""
        found = {place: unit for place in self.places if (unit := self._unit(place)) is not None}
        turns = {place for place in found if self.values.expected[place].turns}
        # Degrees and ticks of a continuous joint look alike; its neighbours decide.
        neighbours = {
            self._stream(place): unit
            for place, unit in found.items()
            if place not in turns and unit.name and unit not in LENGTHS
        }
        return found | {
            place: neighbours.get(self._stream(place), found[place]) for place in turns
        }

    def _unit(self, place: int) -> Unit | None:
        values, expected = self.values, self.values.expected[place]
        raw = self._raw(place)
        if self._often(values.far[place]):
            if values.sources[place].data_type.is_gripper:
                return likely_unit_of_amounts(raw) or _NO_UNIT
            ends = self._in_raw(place, expected.ends)
            return likely_unit(raw, ends, expected.slides) or _NO_UNIT
        is_angle = expected.turns and max(map(abs, raw)) > TURN
        return DEGREES if is_angle and self._often(values.very_fast[place]) else None

    def in_units(self, units: dict[int, Unit]) -> Iterator[str]:
        """Texts about names in another unit, those of one DataType and unit together."""
        groups: dict[tuple[DataType, str, str], list[int]] = {}
        for place, unit in units.items():
            source = self.values.sources[place]
            own = (1.0, 0.0) if source.data_type.is_gripper else (source.scale, source.offset)
            options = '' if unit is _NO_UNIT else unit.options(*own)
            groups.setdefault((source.data_type, unit.name, options), []).append(place)
        for (kind, unit_name, options), places in groups.items():
            worst = max(places, key=self._excess)
            what, ends = self._label(worst), self.values.expected[worst].ends
            slides = self.values.expected[worst].slides or units[worst] in LENGTHS
            expected = 'm' if slides else 'rad'
            if kind.is_gripper:
                expected = 'amounts from 0 to 1'
                reported, opens = _span(self._raw(worst)), _span(self._in_raw(worst, ends))
                text = f'{what} is reported as {reported}, far outside of {opens}, closed to open'
            elif math.isfinite(ends[0]):
                limits = f'its limits {_span(ends)}'
                text = f'{what} goes from {self._range(worst)}, far outside of {limits}'
            else:
                speed, most = self.values.speed[worst], self.values.expected[worst].speed
                text = f'{what} moves at up to {speed:.4g} rad/s; its limit is {most:.4g}'
            if options:
                is_in = f'in {unit_name}' + ('' if kind.is_gripper else f', not {expected}')
                advice = f'{is_in}? Write under sources: {kind}: {{{options}}}'
                advice += '' if units[worst] is AMOUNTS else self._or_as_a_length(worst)
            else:
                advice = f'in no unit that is known: give its source scale and offset ({expected})'
                advice += ', or correct its limits'
            yield f'{text}: {advice}{self._likewise(places, worst)}'

    def _or_as_a_length(self, place: int) -> str:
        """The other option of a gripper whose values may be an amount or a length."""
        source = self.values.sources[place]
        ends = self._in_raw(place, (0.0, 1.0))
        # No hand opens by a metre: those ends are amounts, too.
        if not source.data_type.is_gripper or ends[1] - ends[0] >= 1.0:
            return ''
        unit = likely_unit(self._raw(place), ends, slides=True)
        options = unit.options(source.scale, source.offset) if unit else ''
        return f'; if in {unit.name}, {{{options}}}' if unit else ''

    def _stream(self, place: int) -> tuple[DataType, str]:
        source = self.values.sources[place]
        return source.data_type, source.topic

    def never_started(self) -> Iterator[str]:
        """Joints that are measured mostly where the node would not start."""
        steps, values = self.values.steps, self.values
        astray = [
            place
            for place in self.places
            if values.astray[place] > steps / 2 and self._is_measured_joint(place)
        ]
        if astray:
            widest = max(astray, key=self._excess)
            yield (
                f'{self._label(widest)} is measured from {self._range(widest)}, mostly more than '
                f'{START_MAX:g} outside its limits {_span(values.expected[widest].ends)}: the '
                'node would never start: correct its limits, or scale and offset of its source'
                + self._likewise(astray, widest)
            )
        self.places = [place for place in self.places if place not in astray]

    def outside(self) -> Iterator[str]:
        """Names that leave their limits."""
        groups: dict[DataType, list[int]] = {}
        for place in self.places:
            if self._often(self.values.outside[place]):
                groups.setdefault(self.values.sources[place].data_type, []).append(place)
        for kind, places in groups.items():
            widest = max(places, key=self._excess)
            ends = self.values.expected[widest].ends
            text = f'{self._label(widest)} goes from {self._range(widest)}'
            if kind.is_gripper:
                text += '; 0 (closed) to 1 (open) is expected: check its limits, or its scale'
            elif kind is DataType.JOINT_VELOCITIES:
                text += f'; its velocity limit is {ends[1]:.4g}'
            else:
                then = 'the node clamps what it commands' if kind.is_target else 'check them'
                text += f', outside its limits {_span(ends)}: {then}'
            yield text + self._likewise(places, widest)

    def fast(self) -> Iterator[str]:
        """Joints that move faster than their limits."""
        values = self.values
        for is_target in (False, True):
            fast = [
                place
                for place in self.places
                if values.sources[place].data_type.is_target is is_target
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
                f'{self._label(worst)} moves at up to {values.speed[worst]:.3g} a second, its '
                f'limit is {values.expected[worst].speed:.3g}: {then}'
                + self._likewise(fast, worst)
            )

    def turned(self) -> Iterator[str]:
        """Continuous joints that have several values in one place."""
        values = self.values
        apart = {target for (target, _), n in zip(values.pairs, values.turned, strict=True) if n}
        said = set[str]()
        for place in self.places:
            source, jumps = values.sources[place], int(values.jumps[place])
            if source.name in said or not (jumps or place in apart):
                continue
            said.add(source.name)
            times = 'once' if jumps == 1 else f'{jumps} times'
            what = f'jumps by a turn {times}' if jumps else 'is a turn away from what is measured'
            middle = self._middle(place)
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
                advice = (
                    f'so that its values are one turn about a middle, write to sources: {where}'
                )
            yield f'{self._label(place)}, a continuous joint, {what}: {advice}'

    def still(self) -> Iterator[str]:
        """Streams in which nothing ever moves, and joints that do not follow their target."""
        values = self.values
        if values.steps < _LEAST_STEPS:
            return
        moved = values.largest - values.least
        streams: dict[tuple[DataType, str], list[int]] = {}
        for place in self.places:
            streams.setdefault(self._stream(place), []).append(place)
        still = set[int]()
        for (kind, topic), places in streams.items():
            if len(places) > 1 and not moved[places].any():
                still |= {*places}
                names = [*dict.fromkeys(values.sources[place].name for place in places)]
                yield f'{kind} of {topic} never changes: {few(names)}'
        both_ways = (*values.pairs, *((source, target) for target, source in values.pairs))
        for one, other in both_ways:
            if one not in still and not moved[one] and moved[other] > _MOVES:
                yield (
                    f'{self._label(one)} stays at {values.least[one]:.4g}, while '
                    f'{values.sources[other].data_type} goes from {self._range(other)}'
                )

    def copied(self) -> Iterator[str]:
        """Targets that are what was measured in the same step."""
        values = self.values
        moved = values.largest - values.least
        copies = [
            target
            for (target, source), equal in zip(values.pairs, values.equal, strict=True)
            if equal >= _NEARLY_ALL * values.steps and moved[target] > _MOVES
        ]
        for kind in dict.fromkeys(values.sources[place].data_type for place in copies):
            own = [place for place in copies if values.sources[place].data_type is kind]
            yield (
                f'{self._label(own[0])} equals {kind.measured} of the same step: a policy would '
                'learn not to move. If no command was recorded, write '
                f'{kind.measured} in place of {kind} under output and commands: it learns the '
                'measurement of the next step' + self._likewise(own, own[0])
            )

    def opposed(self) -> Iterator[str]:
        """Names that move against their target."""
        values = self.values
        moved = values.largest - values.least
        against: dict[DataType, list[int]] = {}
        for (target, source), alike in zip(values.pairs, values.correlations(), strict=True):
            is_moved = min(moved[target], moved[source]) > _MOVES and values.steps >= _LEAST_STEPS
            if is_moved and alike < _AGAINST and {target, source} <= {*self.places}:
                against.setdefault(values.sources[target].data_type, []).append(target)
        for kind, places in against.items():
            yield (
                f'{self._label(places[0])} moves against {kind.measured}: is the scale of one of '
                'the two sources of another sign?' + self._likewise(places, places[0])
            )

    def _often(self, steps: int) -> bool:
        least = min(_LEAST_STEPS, self.values.steps)
        return bool(steps >= max(least, _SHARE * self.values.steps))

    def _is_measured_joint(self, place: int) -> bool:
        kind = self.values.sources[place].data_type
        return kind is DataType.JOINT_POSITIONS and place < self.values.measured

    def _excess(self, place: int) -> float:
        lower, upper = self.values.expected[place].ends
        return float(max(lower - self.values.least[place], self.values.largest[place] - upper))

    def _middle(self, place: int) -> float | None:
        """The angle about which a joint moves, [rad]; None if it moves all around."""
        cosine, sine = self.values.direction[place] / self.values.steps
        if math.hypot(cosine, sine) <= _LEAST_COHERENCE:
            return None
        middle = math.atan2(sine, cosine)
        # Beside the place where most drivers jump, the positive one of two equal angles.
        return middle + TURN if middle < -0.75 * math.pi else middle

    def _raw(self, place: int) -> Range:
        """Least and largest value as the driver reports it."""
        return self._in_raw(place, (self.values.least[place], self.values.largest[place]))

    def _in_raw(self, place: int, values: Range) -> Range:
        source = self.values.sources[place]
        first, second = sorted((value - source.offset) / source.scale for value in values)
        return first, second

    def _range(self, place: int) -> str:
        return _span((self.values.least[place], self.values.largest[place]))

    def _label(self, place: int) -> str:
        source = self.values.sources[place]
        return f"'{source.name}' ({source.data_type} index {source.index})"

    def _likewise(self, places: Iterable[int], but: int) -> str:
        """The other names of the same doubt."""
        names = [self.values.sources[place].name for place in places]
        # A name that is measured and commanded alike has two places.
        others = [n for n in dict.fromkeys(names) if n != self.values.sources[but].name]
        return f' (likewise {few(others)})' if others else ''


def _span(ends: Range) -> str:
    return f'{ends[0]:.3g} to {ends[1]:.3g}'
