"""Judgements on the stamps of a stream; pure functions of what was found."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from neuracore_ros.durations import SECOND_NS, span
from neuracore_ros.node.live.facts import ClockFacts, Domain, Line, StreamFacts, listed
from neuracore_ros.observation.streams import AHEAD_NS, BEHIND_NS

# Clocks of two computers that are disciplined differ by less; and drift by far less a second.
NOTABLE_OFFSET_S = 0.02
NOTABLE_DRIFT = 1e-3
LEAST_DRIFT_S = 3.0
# Drift is a straight line through what was fastest in each part of the time.
_PARTS, _LEAST_IN_PART = 6, 3
_CROOKED = 0.25


def judge_times(
    facts: StreamFacts, domain: Domain, clock: ClockFacts | None = None
) -> Iterator[Line]:
    """Whether header stamps can be used; nothing where they are not.

    Args:
        facts: What was found.
        domain: The time in which the node has to live.
        clock: What is known of /clock.
    """
    arrivals, source = facts.arrivals, facts.sources[0]
    if source.stamp == 'receive' or not len(arrivals.stamp_ns):
        return
    stamps = arrivals.stamp_ns
    if not stamps.any():
        yield Line(
            'warning',
            f'{facts.topic}: header stamps are zero{_zero(facts, clock)}: the time of arrival is '
            'used, so that what is late on the way looks fresh; let its driver stamp what it '
            'sends',
        )
        return
    now_ns, valid = arrivals.now_ns(domain), stamps > 0
    ages_s = (now_ns - stamps)[valid] / SECOND_NS
    offset_s = float(np.median(ages_s))
    yield from _offset(facts, domain, offset_s, clock)
    steps = np.diff(stamps[valid])
    seconds = (now_ns[valid] - now_ns[valid][0]) / SECOND_NS
    # A sensor and its driver that are not in step shift stamps to and fro by up to one period.
    period_s = float(np.median(np.abs(steps))) / SECOND_NS if len(steps) else 0.0
    drift = clock_drift(seconds, ages_s, period_s)
    if abs(drift) > NOTABLE_DRIFT:
        yield Line(
            'warning',
            f'{facts.topic}: its clock drifts by {1000 * abs(drift):.1f} ms a second against this '
            "computer's: synchronise them (chrony, PTP), or write stamp: receive in its source",
        )
    if repeated := int((steps == 0).sum()):
        yield Line(
            'warning',
            f'{facts.topic}: {repeated} of {arrivals.count} messages repeat the stamp before '
            'them, and so are no new samples: its driver sends old data again',
        )
    if back := int((steps < 0).sum()):
        yield Line(
            'warning',
            f'{facts.topic}: {back} of {arrivals.count} messages have a stamp older than the one '
            'before, and are passed over: was a clock set back, or do two programs send it?',
        )


def _zero(facts: StreamFacts, clock: ClockFacts | None) -> str:
    """That simulated time, which nobody makes, is why stamps are zero; else nothing."""
    stand_still = [
        publisher
        for publisher in facts.publishers
        if clock and not clock.publishers and clock.use_sim_time.get(publisher.node)
    ]
    if not stand_still:
        return ''
    return f', since {listed(stand_still)} has use_sim_time: true, and nobody publishes /clock'


def _another_time(facts: StreamFacts, domain: Domain, clock: ClockFacts | None) -> str:
    """What mends stamps of simulated time among others of real time, or the other way round."""
    nodes = listed(facts.publishers)
    if domain == 'sim':
        return f'They are not of simulated time, as others are: set use_sim_time: true for {nodes}'
    if clock is None or not clock.publishers:
        return ''
    makers = ', '.join(clock.publishers)
    if len(clock.clock_ns):
        return (
            f'They look like simulated time, as {makers} publishes on /clock, and others are not: '
            f'set use_sim_time: false for {nodes}'
        )
    return f'They look like simulated time, and /clock of {makers} stands still: is it paused?'


def _offset(
    facts: StreamFacts, domain: Domain, offset_s: float, clock: ClockFacts | None
) -> Iterator[Line]:
    ours = '/clock' if domain == 'sim' else "this computer's clock"
    side = 'behind' if offset_s > 0 else 'ahead of'
    apart = f'{span(abs(round(offset_s * SECOND_NS)))} {side} {ours}'
    kinds = ', '.join(dict.fromkeys(s.data_type.value for s in facts.sources))
    receive = f'write under sources: {kinds}: {{topic: {facts.sources[0].topic}, stamp: receive}}'
    ages = [s.max_age_s for s in facts.sources if s.max_age_s is not None]
    if not -AHEAD_NS <= offset_s * SECOND_NS <= BEHIND_NS:
        astray = abs(offset_s) * SECOND_NS > BEHIND_NS
        cure = _another_time(facts, domain, clock) if astray else ''
        yield Line(
            'error',
            f'{facts.topic}: header stamps lie {apart}, so no message would be used. '
            f'{cure or f"If its publisher has another clock: {receive}"}',
        )
    elif ages and offset_s > min(ages):
        yield Line(
            'error',
            f'{facts.topic}: header stamps lie {apart}, max_age_s is {min(ages):g}: every message '
            f'is stale on arrival. Synchronise the clocks, or {receive}',
        )
    elif offset_s < -NOTABLE_OFFSET_S:
        yield Line(
            'warning',
            f'{facts.topic}: header stamps lie {apart}: synchronise the clocks (chrony, PTP)',
        )


def clock_drift(
    seconds: NDArray[np.float64], ages_s: NDArray[np.float64], period_s: float
) -> float:
    """How fast the clock of the stamps goes wrong against ours; 0 where nobody can tell.

    A message may always come later, on a busy computer say, but never earlier than its way takes.
    So drift shows in the fastest message of each part of the time, and these lie on a line.

    Args:
        seconds: When messages arrived, since the first, shape (M,).
        ages_s: Arrival minus stamp [s], shape (M,).
        period_s: Between two stamps; the drift must be more than that while we looked.
    """
    if not len(seconds) or seconds[-1] < LEAST_DRIFT_S:
        return 0.0
    part = np.minimum((seconds / seconds[-1] * _PARTS).astype(int), _PARTS - 1)
    if np.bincount(part, minlength=_PARTS).min() < _LEAST_IN_PART:
        return 0.0
    fastest = [np.flatnonzero(part == k)[ages_s[part == k].argmin()] for k in range(_PARTS)]
    x, y = seconds[fastest], ages_s[fastest]
    slope, start = np.polyfit(x, y, 1)
    rise_s = abs(slope) * seconds[-1]
    crooked = np.abs(y - (slope * x + start)).max() > _CROOKED * rise_s
    return 0.0 if crooked or rise_s < period_s else float(slope)
