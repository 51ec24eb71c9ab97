"""Checks of times: the rate of /clock, header stamps, message rates and losses."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from neuracore_ros.arrays import FloatArray, IntArray
from neuracore_ros.description.source import write_age
from neuracore_ros.durations import SECOND_NS, span
from neuracore_ros.node.live.facts import (
    CheckResult,
    ClockFacts,
    Domain,
    StreamFacts,
    error,
    listed,
    ok,
    warning,
)
from neuracore_ros.observation.streams import AHEAD_NS, BEHIND_NS

# Larger messages are split for UDP or fill a shared memory segment, and best effort drops them.
LARGE_BYTES = 64_000
LARGE_IMAGES = 'docs/troubleshooting.md'
# Frames are counted by their stamps: cameras shake by less than this share of a period.
STAMP_SHAKE = 0.2
FASTEST_CAMERA_HZ = 120
LEAST_STAMPS = 10
# A gap this many times the median is worth a word even where max_age_s allows it.
LONG_GAP = 5.0


def check_rate(facts: StreamFacts, domain: Domain, rate_hz: float | None) -> Iterator[CheckResult]:
    """Check the rate and the gaps of a stream against the node and the policy."""
    arrivals = facts.arrivals
    times_ns = arrivals.now_ns(domain)
    gaps_s = np.diff(times_ns) / SECOND_NS
    seconds = float(gaps_s.sum())
    if seconds <= 0:
        yield error(f'{facts.topic}: /clock stood still while its messages came')
        return
    got_hz = len(gaps_s) / seconds
    described = f'{facts.topic}: {got_hz:.1f} Hz{_gaps(gaps_s, got_hz)}{_published_as(facts)}'
    limit_s = min((s.max_age_s for s in facts.sources if s.max_age_s is not None), default=None)
    late_s = _lateness_s(facts, domain)
    usual_s, worst_s = float(np.median(gaps_s)) + late_s, float(gaps_s.max()) + late_s
    lost = _lost(facts, seconds)
    if limit_s is not None and usual_s > limit_s:
        cure = lost or f'raise the rate of its driver, or {write_age(facts.sources, usual_s)}'
        yield error(
            f'{facts.topic}: {got_hz:.1f} Hz; its samples are usually {usual_s:.2f} s old before '
            f'the next one comes, max_age_s is {limit_s:g}: the robot would be stopped all the '
            f'time. {_sentence(cure)}'
        )
        return
    if lost:
        # It is also why there are gaps, and why the rate is low.
        yield warning(f'{facts.topic}: {got_hz:.1f} Hz arrive. {_sentence(lost)}')
        return
    if limit_s is not None and worst_s > limit_s:
        yield warning(
            f'{facts.topic}: one gap made a sample {worst_s:.2f} s old, max_age_s is {limit_s:g}: '
            'the robot would have been stopped; look for load on this computer or the network'
        )
    if rate_hz is not None and got_hz < 0.9 * rate_hz and limit_s is not None:
        yield warning(
            f'{facts.topic}: {got_hz:.1f} Hz is slower than the {rate_hz:g} Hz of the policy: '
            'steps will see the same sample twice'
        )
    yield ok(described)


def check_loss(facts: StreamFacts) -> CheckResult | None:
    """Check the losses of a topic, of all its publishers; None if there are none."""
    times_ns = facts.arrivals.receive_ns
    lost = _lost(facts, float(times_ns[-1] - times_ns[0]) / SECOND_NS)
    return warning(f'{facts.topic}: {_sentence(lost)}') if lost else None


def _gaps(gaps_s: FloatArray, got_hz: float) -> str:
    low, high = 1000 * float(gaps_s.min()), 1000 * float(gaps_s.max())
    shaky = ', uneven' if high > LONG_GAP * 1000 / got_hz else ''
    return f', gaps of {low:.1f} to {high:.1f} ms{shaky}'


def _published_as(facts: StreamFacts) -> str:
    offered = ' and '.join(sorted({p.reliability.replace('_', ' ') for p in facts.publishers}))
    deadlines = [p.deadline_s for p in facts.publishers if p.deadline_s]
    promised = f', deadline {min(deadlines):g} s' if deadlines else ''
    picture = f'{facts.picture}, ' if facts.picture else ''
    return f'; {picture}{offered}{promised}, from {listed(facts.publishers)}'


def _lateness_s(facts: StreamFacts, domain: Domain) -> float:
    """The usual age of a sample on arrival [s]; 0 if its stamp is unused or wrong."""
    arrivals = facts.arrivals
    if facts.sources[0].stamp == 'receive' or not arrivals.stamp_ns.any():
        return 0.0
    known = arrivals.stamp_ns > 0
    late_s = float(np.median((arrivals.now_ns(domain) - arrivals.stamp_ns)[known])) / SECOND_NS
    return late_s if 0.0 <= late_s <= BEHIND_NS / SECOND_NS else 0.0


def _lost(facts: StreamFacts, seconds: float) -> str:
    """Number of lost messages, with the cure; empty if none are known."""
    arrivals = facts.arrivals
    lost, how = arrivals.lost, 'counted by the middleware'
    best_effort = any(publisher.reliability == 'best_effort' for publisher in facts.publishers)
    if not lost and best_effort and arrivals.size >= LARGE_BYTES:
        lost = max(frames_sent(arrivals.stamp_ns) - arrivals.count, 0)
        how = 'estimated from gaps between header stamps'
    if not lost:
        return ''
    share = lost / (lost + arrivals.count)
    if share < 0.01:
        return ''
    return (
        f'{lost} of {lost + arrivals.count} messages in {seconds:.1f} s were lost '
        f'({100 * share:.0f} %, {how}): {cure_of_loss(facts)}'
    )


def cure_of_loss(facts: StreamFacts) -> str:
    """The cure for lost messages."""
    best_effort = [p for p in facts.publishers if p.reliability == 'best_effort']
    if best_effort and facts.arrivals.size >= LARGE_BYTES:
        return (
            f'large messages ({facts.arrivals.size / 1e6:.1f} MB) do not survive best effort with '
            f'default settings. Let {listed(best_effort)} publish RELIABLE, or give its process '
            f'a Fast DDS profile with a larger SHM segment ({LARGE_IMAGES}). '
            'FASTDDS_BUILTIN_TRANSPORTS=LARGE_DATA helps only if it is set for both processes: '
            'with one alone they do not find each other'
        )
    return 'this computer or the network was too busy'


def frames_sent(stamp_ns: IntArray) -> int:
    """Number of frames that a camera took from the first to the last stamp, inclusive.

    A camera is regular, so that every stamp lies a whole number of periods after the first; the
    longest such period is believed. Where there is none, or there are too few stamps, nothing is
    taken to be lost.
    """
    stamps = np.unique(stamp_ns[stamp_ns > 0])
    if len(stamps) < LEAST_STAMPS:
        return len(stamps)
    passed_s = (stamps - stamps[0]) / SECOND_NS
    for count in range(len(stamps) - 1, int(FASTEST_CAMERA_HZ * passed_s[-1]) + 1):
        steps = passed_s * (count / passed_s[-1])
        if np.mean(np.abs(steps - np.rint(steps)) < STAMP_SHAKE) >= 0.95:
            return count + 1
    return len(stamps)


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:]


# Clocks of two computers that are disciplined differ by less; and drift by far less a second.
NOTABLE_OFFSET_S = 0.02
NOTABLE_DRIFT = 1e-3
LEAST_DRIFT_S = 3.0
# Drift is a straight line through what was fastest in each part of the time.
_PARTS, _LEAST_IN_PART = 6, 3
_CROOKED = 0.25


def check_stamps(facts: StreamFacts, clock: ClockFacts) -> Iterator[CheckResult]:
    """Check header stamps against the clock that the node has to use; empty if they are unused."""
    arrivals, source = facts.arrivals, facts.sources[0]
    if source.stamp == 'receive' or not len(arrivals.stamp_ns):
        return
    stamps = arrivals.stamp_ns
    if not stamps.any():
        yield warning(
            f'{facts.topic}: header stamps are zero{_zero(facts, clock)}: the time of arrival is '
            'used, so that what is late on the way looks fresh; let its driver stamp what it '
            'sends'
        )
        return
    now_ns, valid = arrivals.now_ns(clock.domain), stamps > 0
    ages_s = (now_ns - stamps)[valid] / SECOND_NS
    offset_s = float(np.median(ages_s))
    yield from _offset(facts, clock, offset_s)
    steps = np.diff(stamps[valid])
    seconds = (now_ns[valid] - now_ns[valid][0]) / SECOND_NS
    # A sensor and its driver that are not in step shift stamps to and fro by up to one period.
    period_s = float(np.median(np.abs(steps))) / SECOND_NS if len(steps) else 0.0
    drift = clock_drift(seconds, ages_s, period_s)
    if abs(drift) > NOTABLE_DRIFT:
        yield warning(
            f'{facts.topic}: its clock drifts by {1000 * abs(drift):.1f} ms a second against this '
            "computer's: synchronise them (chrony, PTP), or write stamp: receive in its source"
        )
    if repeated := int((steps == 0).sum()):
        yield warning(
            f'{facts.topic}: {repeated} of {arrivals.count} messages repeat the stamp before '
            'them, and so are no new samples: its driver sends old data again'
        )
    if back := int((steps < 0).sum()):
        yield warning(
            f'{facts.topic}: {back} of {arrivals.count} messages have a stamp older than the one '
            'before, and are passed over: was a clock set back, or do two programs send it?'
        )


def _zero(facts: StreamFacts, clock: ClockFacts) -> str:
    """The reason for zero stamps, if it is simulated time without a publisher of /clock."""
    stand_still = [
        publisher
        for publisher in facts.publishers
        if not clock.publishers and clock.use_sim_time.get(publisher.node)
    ]
    if not stand_still:
        return ''
    return f', since {listed(stand_still)} has use_sim_time: true, and nobody publishes /clock'


def _another_time(facts: StreamFacts, clock: ClockFacts) -> str:
    """The cure for stamps of simulated time among stamps of real time, or the reverse."""
    nodes = listed(facts.publishers)
    if clock.domain == 'sim':
        return f'They are not of simulated time, as others are: set use_sim_time: true for {nodes}'
    if not clock.publishers:
        return ''
    makers = ', '.join(clock.publishers)
    if len(clock.clock_ns):
        return (
            f'They look like simulated time, as {makers} publishes on /clock, and others are not: '
            f'set use_sim_time: false for {nodes}'
        )
    return f'They look like simulated time, and /clock of {makers} stands still: is it paused?'


def _offset(facts: StreamFacts, clock: ClockFacts, offset_s: float) -> Iterator[CheckResult]:
    ours = '/clock' if clock.domain == 'sim' else "this computer's clock"
    side = 'behind' if offset_s > 0 else 'ahead of'
    apart = f'{span(abs(round(offset_s * SECOND_NS)))} {side} {ours}'
    kinds = ', '.join(dict.fromkeys(s.data_type.value for s in facts.sources))
    receive = f'write under sources: {kinds}: {{topic: {facts.sources[0].topic}, stamp: receive}}'
    ages = [s.max_age_s for s in facts.sources if s.max_age_s is not None]
    if not -AHEAD_NS <= offset_s * SECOND_NS <= BEHIND_NS:
        astray = abs(offset_s) * SECOND_NS > BEHIND_NS
        cure = _another_time(facts, clock) if astray else ''
        yield error(
            f'{facts.topic}: header stamps lie {apart}, so no message would be used. '
            f'{cure or f"If its publisher has another clock: {receive}"}'
        )
    elif ages and offset_s > min(ages):
        yield error(
            f'{facts.topic}: header stamps lie {apart}, max_age_s is {min(ages):g}: every message '
            f'is stale on arrival. Synchronise the clocks, or {receive}'
        )
    elif offset_s < -NOTABLE_OFFSET_S:
        yield warning(
            f'{facts.topic}: header stamps lie {apart}: synchronise the clocks (chrony, PTP)'
        )


def clock_drift(seconds: FloatArray, ages_s: FloatArray, period_s: float) -> float:
    """The drift of the stamps' clock against ours [s/s]; 0 if it cannot be determined.

    A message may always come later, on a busy computer say, but never earlier than its way takes.
    So drift shows in the fastest message of each part of the time, and these lie on a line.

    Args:
        seconds: When messages arrived, since the first, shape (M,).
        ages_s: Arrival minus stamp [s], shape (M,).
        period_s: Between two stamps; the drift must exceed it over the time of the check.
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


_SLOWEST_CLOCK = 0.9


def check_clock(facts: ClockFacts, rate_hz: float | None) -> Iterator[CheckResult]:
    """Check the time that nodes use: use_sim_time, and the rate of /clock.

    Args:
        facts: What was found.
        rate_hz: Of the policy; None where that is not known.
    """
    simulated = sorted(node for node, used in facts.use_sim_time.items() if used)
    # The publisher of /clock must not use it.
    real = sorted(
        node
        for node, used in facts.use_sim_time.items()
        if not used and node not in facts.publishers
    )
    if not facts.publishers:
        if simulated:
            yield error(
                f'/clock: nobody publishes it, but {", ".join(simulated)} has use_sim_time: true '
                'and so stands still in time: start the simulator, or set it to false'
            )
        return
    publishers = ', '.join(facts.publishers)
    if len(facts.publishers) > 1:
        yield error(f'/clock: {publishers} all publish it: time would jump; end all but one')
    if facts.domain == 'wall' and not len(facts.clock_ns) and not simulated:
        return
    if facts.domain == 'wall' and len(facts.clock_ns):
        yield warning(
            f'/clock: {publishers} publishes it, but the streams are stamped in wall time: run '
            'the node without use_sim_time, and end what is left of a simulation'
        )
        return
    yield from _clock_rate(facts, publishers, rate_hz)
    if real:
        yield warning(
            f'/clock: {", ".join(real)} has use_sim_time: false, while the streams are stamped in '
            'simulated time: set it to true, or its stamps and timeouts are of another time'
        )


def _clock_rate(
    facts: ClockFacts, publishers: str, rate_hz: float | None
) -> Iterator[CheckResult]:
    steps = np.diff(facts.clock_ns)
    wall_s = (facts.receive_ns[-1] - facts.receive_ns[0]) / SECOND_NS if len(steps) else 0.0
    if not len(steps) or wall_s <= 0 or not steps.any():
        yield error(f'/clock: {publishers} publishes it, but it stands still: is it paused?')
        return
    if (steps < 0).any():
        yield error(
            f'/clock: it jumped back {int((steps < 0).sum())} times; the node stops the robot at '
            'each: end whatever resets the simulation'
        )
        return
    step_s, speed = float(np.median(steps[steps > 0])) / SECOND_NS, steps.sum() / 1e9 / wall_s
    pace = f'{1 / step_s:.0f} times a simulated second, {speed:.2f} times as fast as real time'
    if rate_hz is not None and step_s > _SLOWEST_CLOCK / rate_hz:
        yield error(
            f'/clock: it comes only {pace}: too coarse for the {rate_hz:g} Hz of the policy; let '
            f'{publishers} publish it at least {2 * rate_hz:g} times a second'
        )
    else:
        yield ok(f'/clock: {publishers} publishes it {pace}: run the node with use_sim_time:=true')
