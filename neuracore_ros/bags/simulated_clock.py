"""Simulated time in a recording: what /clock said at each log time."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from neuracore_ros.durations import span, time_ns
from neuracore_ros.errors import BagError

CLOCK, CLOCK_TYPE = '/clock', 'rosgraph_msgs/msg/Clock'
OPTION = '--use-sim-time'


class SimulatedClock:
    """The simulated time at each log time, as a node with ``use_sim_time`` had it.

    Both times of each message on /clock, [ns], are in order, and never less than the one before.
    """

    def __init__(self, log_ns: Sequence[int], time_ns: Sequence[int]) -> None:
        self._log_ns, self._time_ns = log_ns, time_ns

    @property
    def span_ns(self) -> tuple[int, int]:
        """The first and the last simulated time, [ns]."""
        return self._time_ns[0], self._time_ns[-1]

    def at(self, log_ns: int) -> int | None:
        """The time then, [ns]; None before the first message."""
        place = bisect_right(self._log_ns, log_ns)
        return self._time_ns[place - 1] if place else None


def read_clock(messages: Iterable[tuple[str, Any, int]], bag: Path) -> SimulatedClock:
    """Read all messages on /clock, in log order.

    Raises:
        BagError: There is no message, or the time goes back.
    """
    log_times: list[int] = []
    times: list[int] = []
    for _, message, log_time_ns in messages:
        now_ns = time_ns(message.clock)
        if times and now_ns < times[-1]:
            after = span(log_time_ns - log_times[0])
            raise BagError(
                f'{bag}: {OPTION}: {CLOCK} goes back by {span(times[-1] - now_ns)}, {after} '
                'after its start: the simulation was reset; record each of its runs by itself'
            )
        log_times.append(log_time_ns)
        times.append(now_ns)
    if not times:
        raise BagError(
            f'{bag}: {OPTION}: it has no {CLOCK}; record that, too: ros2 bag record '
            f'{OPTION} ... {CLOCK}'
        )
    return SimulatedClock(log_times, times)
