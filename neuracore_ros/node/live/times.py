"""Judgements on the stamps of a stream; pure functions of what was found."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from neuracore_ros.node.live.facts import Domain, Line, StreamFacts
from neuracore_ros.observation.streams import AHEAD_NS, BEHIND_NS, SECOND_NS, span

# Clocks of two computers that are disciplined differ by less; and drift by far less a second.
NOTABLE_OFFSET_S = 0.02
NOTABLE_DRIFT = 1e-3
LEAST_DRIFT_S = 3.0


def judge_times(facts: StreamFacts, domain: Domain) -> Iterator[Line]:
    """Whether header stamps can be used; nothing where they are not."""
    arrivals, source = facts.arrivals, facts.sources[0]
    if source.stamp == 'receive' or not len(arrivals.stamp_ns):
        return
    stamps = arrivals.stamp_ns
    if not stamps.any():
        yield Line(
            'warning',
            f'{facts.topic}: header stamps are zero: the time of arrival is used, so that '
            'what is late on the way looks fresh; let its driver stamp what it sends',
        )
        return
    now_ns, valid = arrivals.now_ns(domain), stamps > 0
    ages_s = (now_ns - stamps)[valid] / SECOND_NS
    offset_s = float(np.median(ages_s))
    yield from _offset(facts, domain, offset_s)
    seconds = (now_ns[valid] - now_ns[valid][0]) / SECOND_NS
    drift = _slope(seconds, ages_s)
    if seconds[-1] >= LEAST_DRIFT_S and abs(drift) > NOTABLE_DRIFT:
        yield Line(
            'warning',
            f'{facts.topic}: its clock drifts by {1000 * abs(drift):.1f} ms a second against this '
            "computer's: synchronise them (chrony, PTP), or write stamp: receive in its source",
        )
    steps = np.diff(stamps[valid])
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


def _offset(facts: StreamFacts, domain: Domain, offset_s: float) -> Iterator[Line]:
    clock = '/clock' if domain == 'sim' else "this computer's clock"
    side = 'behind' if offset_s > 0 else 'ahead of'
    apart = f'{span(abs(round(offset_s * SECOND_NS)))} {side} {clock}'
    kinds = ', '.join(dict.fromkeys(s.data_type.value for s in facts.sources))
    receive = f'write under sources: {kinds}: {{topic: {facts.sources[0].topic}, stamp: receive}}'
    ages = [s.max_age_s for s in facts.sources if s.max_age_s is not None]
    if not -AHEAD_NS <= offset_s * SECOND_NS <= BEHIND_NS:
        yield Line(
            'error',
            f'{facts.topic}: header stamps lie {apart}, so no message would be used. If its '
            f'publisher has another clock: {receive}',
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


def _slope(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    """Of a line through the medians of the first and the last third; outliers do not matter."""
    third = len(x) // 3
    if third < 3:
        return 0.0
    rise = np.median(y[-third:]) - np.median(y[:third])
    run = np.median(x[-third:]) - np.median(x[:third])
    return float(rise / run) if run > 0 else 0.0
