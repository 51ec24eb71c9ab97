"""Statistics of a robot's joints and grippers in a recording, which reveal their units."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuracore_ros.arrays import FloatArray
from neuracore_ros.description.data_type import DataType
from neuracore_ros.description.limits import FASTER, START_MAX, Range
from neuracore_ros.description.robot import Robot
from neuracore_ros.description.routes import is_feature
from neuracore_ros.description.source import Source
from neuracore_ros.description.units import largest_position
from neuracore_ros.wording import few

TURN = 2 * math.pi
MUCH_FASTER = 5.0
"""So much faster moves what is not in radians: degrees are 57 times as many."""

# Limits are rounded, and targets lie a little beyond them on purpose [of the range].
_SLACK = 0.05
# A jump by a turn ends so near to where it began, the short way [rad].
_NEAR = 1.0
LEAST_STEPS = 10
"""Fewer steps prove nothing."""

# Single values of a sensor may be wrong: a doubt needs this share of all steps.
_SHARE = 0.05
_EVERYWHERE = (-math.inf, math.inf)


@dataclass(frozen=True, slots=True)
class Expected:
    """The range and speed of one number by its robot file, in its slot's sense.

    Attributes:
        ends: Least and largest value; infinite where nothing is said.
        speed: Largest speed, a second; infinite where nothing is said.
        turns: True for a continuous joint, which comes to the same place after a turn.
        slides: True for a prismatic joint by its URDF.
    """

    ends: Range = _EVERYWHERE
    speed: float = math.inf
    turns: bool = False
    slides: bool = False

    @classmethod
    def of(cls, robot: Robot, source: Source) -> Expected:
        """The range and speed of one source by its limits."""
        kind, name = source.data_type, source.name
        if kind.is_gripper:
            return cls((0.0, 1.0))
        for (output, joint), limit in robot.limits.items():
            if joint != name or output.is_gripper or kind.is_pose:
                continue
            if output.is_pose:
                # The joints of a chain have the URDF's limits, whatever their pose is scaled by; a
                # dataset may have another unit, so that of its scale only the sense is theirs.
                own = replace(source, scale=math.copysign(1.0, source.scale))
                theirs = own if is_feature(source.topic) else source
                first, last = (theirs.value(end) for end in (limit.lower, limit.upper))
                ends = min(first, last), max(first, last)
            else:
                ends = robot.slot_range(output, name)
            width = limit.upper - limit.lower
            unit = (ends[1] - ends[0]) / width if math.isfinite(width) else abs(source.scale)
            if kind is DataType.JOINT_VELOCITIES:
                return cls((-limit.velocity * unit, limit.velocity * unit))
            if kind is not DataType.JOINT_TORQUES:
                turns = not math.isfinite(width) and not limit.slides
                return cls(ends, limit.velocity * unit, turns, limit.slides)
        return cls()


class RecordedValues:
    """The values of one robot's joints and grippers, step by step.

    C is the number of its named numbers: those that are measured, then those that were
    commanded. All are in their slots' sense, in [rad], [m] or amounts from 0 to 1.

    Attributes:
        sources: The C sources of the numbers.
        measured: Number of measured ones, which come first.
        expected: The expected range and speed of each.
        pairs: (place of a target, place of what is measured of the same name).
        steps: Number of steps.
        least: (C,).
        largest: (C,).
        speed: Largest between two samples, (C,); a continuous joint goes the short way.
        outside: Steps outside of what is expected, (C,).
        astray: Steps so far outside that the node would not start, (C,).
        far: Steps outside by more than the whole range that is expected, (C,).
        fast: Steps faster than the node believes, (C,).
        very_fast: Steps much faster still, (C,).
        jumps: Steps at which a continuous joint jumped by a turn, (C,).
        direction: Sums of cosine and sine, (C, 2).
        equal: Steps at which a target was what was measured, for each of the pairs.
        turned: Steps at which it was more than half a turn away, for each of the pairs.
        moments: For each of the P pairs, sums of target and measurement, of their squares, and
            of their product, (5, P).
    """

    def __init__(
        self, robot: Robot, measured: Sequence[Source], commanded: Sequence[Source]
    ) -> None:
        """Begin without any step; of the commanded sources, some may be of measured types."""
        first = [s for s in measured if is_judged(s.data_type)]
        self.sources = (*first, *(s for s in commanded if is_judged(s.data_type)))
        self.measured = len(first)
        self.expected = tuple(Expected.of(robot, source) for source in self.sources)
        self.pairs = tuple(
            (place, other)
            for place, target in enumerate(self.sources)
            for other, source in enumerate(self.sources)
            if target.data_type.is_target
            and source.data_type is target.data_type.measured
            and source.name == target.name
        )
        self._targets = [target for target, _ in self.pairs]
        self._places = [place for _, place in self.pairs]
        self._lower, self._upper = np.array([each.ends for each in self.expected]).reshape(-1, 2).T
        self._width = self._upper - self._lower
        self._limit = np.array([each.speed for each in self.expected], float)
        self._turns = np.array([each.turns for each in self.expected], bool)
        self._far = np.array(
            [_far(s, each) for s, each in zip(self.sources, self.expected, strict=True)], float
        )
        self._before: tuple[int, FloatArray, FloatArray] | None = None
        count = len(self.sources)
        self.steps = 0
        self.least, self.largest = np.full(count, np.inf), np.full(count, -np.inf)
        self.speed, self.direction = np.zeros(count), np.zeros((count, 2))
        self.outside, self.astray, self.far = (np.zeros(count, int) for _ in range(3))
        self.fast, self.very_fast, self.jumps = (np.zeros(count, int) for _ in range(3))
        self.equal, self.turned = (np.zeros(len(self.pairs), int) for _ in range(2))
        self.moments = np.zeros((5, len(self.pairs)))

    def add(
        self,
        time_ns: int,
        measured: Mapping[DataType, NDArray[Any]],
        commanded: Mapping[DataType, NDArray[Any]],
        ages_s: Mapping[tuple[DataType, str], float] = MappingProxyType({}),
    ) -> None:
        """Take the values of one step.

        Args:
            time_ns: When it was.
            measured: Of each DataType, (W,).
            commanded: Likewise.
            ages_s: (DataType, name) -> how much older its sample is [s]; 0 where it is not said.
        """
        values = np.array(
            [
                (measured if place < self.measured else commanded)[s.data_type][s.index]
                for place, s in enumerate(self.sources)
            ],
            float,
        )
        self.steps += 1
        self.least = np.minimum(self.least, values)
        self.largest = np.maximum(self.largest, values)
        away = np.maximum(self._lower - values, values - self._upper)
        self.outside += away > _SLACK * np.minimum(self._width, TURN)
        self.astray += away > START_MAX
        self.far += (away > self._width) & (np.abs(values) > self._far)
        self.direction += np.stack([np.cos(values), np.sin(values)], axis=1)
        if self.pairs:
            target, given = values[self._targets], values[self._places]
            self.moments += target, given, target**2, given**2, target * given
            apart = np.abs(target - given)
            self.equal += apart == 0.0
            self.turned += (apart > TURN / 2) & self._turns[self._targets]
        ages = np.array([ages_s.get((s.data_type, s.name), 0.0) for s in self.sources], float)
        if self._before is not None and time_ns > self._before[0]:
            before_ns, values_before, ages_before = self._before
            step_s = (time_ns - before_ns) / 1e9
            # A stream that is slower than the steps moves in one step by what took several.
            elapsed_s = np.maximum(step_s, step_s + ages_before - ages)
            self._move(values - values_before, elapsed_s)
        self._before = time_ns, values, ages

    def _move(self, moved: FloatArray, elapsed_s: FloatArray) -> None:
        rounds = np.where(self._turns, np.rint(moved / TURN), 0.0)
        way = np.abs(moved - TURN * rounds)
        speed = way / elapsed_s
        self.speed = np.maximum(self.speed, speed)
        # A joint that moves far in one step may have gone the long way.
        self.jumps += (rounds != 0.0) & (way < _NEAR)
        self.fast += speed > FASTER * self._limit
        self.very_fast += speed > MUCH_FASTER * self._limit

    def correlations(self) -> FloatArray:
        """The correlation of target and measurement, (P,), from -1 to 1."""
        target, given, target_2, given_2, both = self.moments / max(self.steps, 1)
        spread = np.sqrt(np.maximum((target_2 - target**2) * (given_2 - given**2), 0.0))
        alike: FloatArray = np.zeros(len(spread))
        np.divide(both - target * given, spread, alike, where=spread > 0)
        return alike

    def pause(self) -> None:
        """Take that what comes next does not follow what came last."""
        self._before = None

    def merge(self, other: RecordedValues) -> None:
        """Add the steps of another recording of the same robot."""
        self.steps += other.steps
        self.least = np.minimum(self.least, other.least)
        self.largest = np.maximum(self.largest, other.largest)
        self.speed = np.maximum(self.speed, other.speed)
        for counter in (
            'outside', 'astray', 'far', 'fast', 'very_fast', 'jumps', 'direction', 'equal',
            'turned', 'moments',
        ):  # fmt: skip
            setattr(self, counter, getattr(self, counter) + getattr(other, counter))
        self.pause()

    def stream(self, place: int) -> tuple[DataType, str]:
        """The DataType and the topic of a name."""
        source = self.sources[place]
        return source.data_type, source.topic

    def is_often(self, steps: int) -> bool:
        """True for so many steps that single wrong values are not the cause."""
        least = min(LEAST_STEPS, self.steps)
        return bool(steps >= max(least, _SHARE * self.steps))

    def excess(self, place: int) -> float:
        """The largest distance outside of the expected range."""
        lower, upper = self.expected[place].ends
        return float(max(lower - self.least[place], self.largest[place] - upper))

    def raw(self, place: int) -> Range:
        """Least and largest value as the driver reports it."""
        return self.to_raw(place, (self.least[place], self.largest[place]))

    def to_raw(self, place: int, values: Range) -> Range:
        """A range of the slot as the driver reports it."""
        source = self.sources[place]
        first, second = sorted((value - source.offset) / source.scale for value in values)
        return first, second

    def range_text(self, place: int) -> str:
        """The least and the largest value, for messages."""
        return span_text((self.least[place], self.largest[place]))

    def label(self, place: int) -> str:
        """The name with its slot, for messages."""
        source = self.sources[place]
        return f"'{source.name}' ({source.data_type} index {source.index})"

    def likewise(self, places: Iterable[int], but: int) -> str:
        """The other names of the same doubt."""
        names = [self.sources[place].name for place in places]
        # A name that is measured and commanded alike has two places.
        others = [n for n in dict.fromkeys(names) if n != self.sources[but].name]
        return f' (likewise {few(others)})' if others else ''


def is_judged(kind: DataType) -> bool:
    """True for joints and grippers, of which a robot file gives limits."""
    return kind.is_numeric and not kind.is_pose and kind is not DataType.CUSTOM_1D


def _far(source: Source, expected: Expected) -> float:
    """The distance from zero beyond which a value must be in another unit."""
    return 0.0 if source.data_type.is_gripper else largest_position(expected.slides)


def span_text(ends: Range) -> str:
    """``-1.57 to 1.57``, for messages."""
    return f'{ends[0]:.3g} to {ends[1]:.3g}'
