"""Openings that follow a command: the state of a gripper that means the same on every hand."""

import math
from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Iterator, Sequence
from itertools import pairwise, zip_longest

from neuracore_ros.description import Source
from neuracore_ros.durations import SECOND_NS
from neuracore_ros.observation.samples import Sample
from neuracore_ros.observation.streams import HISTORY, Stream
from neuracore_ros.observation.trajectories import TrajectoryChannel

OPEN = 1.0
"""The opening of a hand that has had no command yet."""


def follow(
    value: float, command: tuple[float, float], duration_ns: int, time_constant_s: float
) -> float:
    """Solve ``v' = (command - v) / time_constant_s`` over a time in which the command is a line.

    Args:
        value: v at its begin.
        command: At begin and end.
        duration_ns: The time, above 0 [ns].
        time_constant_s: Above 0 [s].

    Returns:
        v at its end.
    """
    begin, end = command
    passed_s = duration_ns / SECOND_NS
    share = -math.expm1(-passed_s / time_constant_s)
    slope = (end - begin) / passed_s
    return value + (begin - value) * share + slope * (passed_s - time_constant_s * share)


class FollowingChannel(TrajectoryChannel):
    """Opening of a gripper, 0 to 1, that follows its command.

    At each instant the command is what was in force by all that had arrived then. The value is
    worked out from one arrival to the next, and from there to the tick: it depends on the
    arrivals alone, not on when it is asked for.

    Before the first command the hand counts as open: a node that has commanded nothing yet must
    be able to predict. After a jump of the clock, by an unknown time, it counts as being where
    the last command led.

    Attributes:
        commanded: Whether a command has come, at any time.
    """

    __slots__ = ('_at_arrivals', '_rest', 'commanded')

    def __init__(self, stream: Stream, source: Source):
        super().__init__(stream, source)
        self.commanded = False
        self._rest = OPEN
        # Time of an arrival [ns], and the value then.
        self._at_arrivals: deque[tuple[int, float]] = deque(maxlen=HISTORY)

    def keep(self, sample: Sample) -> None:
        """Take a command that is one number, which holds until the next one."""
        self.command(sample.stamp_ns, sample.receive_ns, (sample.stamp_ns,), (sample.value,))

    def command(
        self, start_ns: int, receive_ns: int, times_ns: Sequence[int], values: Sequence[float]
    ) -> None:
        """Add a command."""
        self._at_arrivals.append((receive_ns, self._value(receive_ns)))
        super().command(start_ns, receive_ns, times_ns, values)
        self.commanded = True

    def newest(self, tick_ns: int) -> Sample | None:
        """Return the value at this tick, as old as the tick.

        None where messages came before the first command, but none that could be one: under
        another name, say, in which case no other would ever come.
        """
        if not self.commanded and (self.stream.names_received or self._last_refusal()):
            return None
        return Sample(tick_ns, tick_ns, self._value(tick_ns))

    def clear(self) -> None:
        """Forget all times, but not where the last command led."""
        if self._pieces:
            self._rest = self._pieces[-1].values[-1]
        self._at_arrivals.clear()
        super().clear()

    def _value(self, time_ns: int) -> float:
        """Work out the value at a time; before all arrivals that are kept, that of the first."""
        if not self._at_arrivals:
            return self._rest
        begin_ns, value = next(
            (each for each in reversed(self._at_arrivals) if each[0] <= time_ns),
            self._at_arrivals[0],
        )
        assert self.source.follow_s is not None, 'grouping opens this channel for such sources'
        for duration_ns, command in self._commands(begin_ns, time_ns):
            value = follow(value, command, duration_ns, self.source.follow_s)
        return value

    def _commands(self, begin_ns: int, end_ns: int) -> Iterator[tuple[int, tuple[float, float]]]:
        """Give the straight parts of the command between two times, of what had come at the first.

        Yields:
            Their duration, above 0 [ns], and the command at begin and end.
        """
        known = [piece for piece in self._pieces if piece.receive_ns <= begin_ns]
        for piece, after in zip_longest(known, known[1:]):
            start_ns = max(piece.start_ns, begin_ns)
            until_ns = min(after.start_ns, end_ns) if after else end_ns
            due_ns = piece.times_ns
            points = due_ns[bisect_right(due_ns, start_ns) : bisect_left(due_ns, until_ns)]
            for one_ns, other_ns in pairwise((start_ns, *points, until_ns)):
                if one_ns < other_ns:
                    yield other_ns - one_ns, (piece.value(one_ns), piece.value(other_ns))
