"""Judgements on how often a stream comes, and what is lost; pure functions of what was found."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from neuracore_ros.description.source import write_age
from neuracore_ros.durations import SECOND_NS
from neuracore_ros.node.live.facts import Domain, Line, StreamFacts, Times, listed
from neuracore_ros.observation.streams import BEHIND_NS

# Larger messages are split for UDP or fill a shared memory segment, and best effort drops them.
LARGE_BYTES = 64_000
LARGE_IMAGES = 'docs/large_images.md'
# Frames are counted by their stamps: cameras shake by less than this share of a period.
STAMP_SHAKE = 0.2
FASTEST_CAMERA_HZ = 120
LEAST_STAMPS = 10
# A gap this many times the median is worth a word even where max_age_s allows it.
LONG_GAP = 5.0


def judge_rate(facts: StreamFacts, domain: Domain, rate_hz: float | None) -> Iterator[Line]:
    """Whether a stream comes often enough, and evenly, for the node and the policy."""
    arrivals = facts.arrivals
    times_ns = arrivals.now_ns(domain)
    gaps_s = np.diff(times_ns) / SECOND_NS
    seconds = float(gaps_s.sum())
    if seconds <= 0:
        yield Line('error', f'{facts.topic}: /clock stood still while its messages came')
        return
    got_hz = len(gaps_s) / seconds
    told = f'{facts.topic}: {got_hz:.1f} Hz{_gaps(gaps_s, got_hz)}{_seen_as(facts)}'
    limit_s = min((s.max_age_s for s in facts.sources if s.max_age_s is not None), default=None)
    late_s = _lateness_s(facts, domain)
    usual_s, worst_s = float(np.median(gaps_s)) + late_s, float(gaps_s.max()) + late_s
    lost = _lost(facts, seconds)
    if limit_s is not None and usual_s > limit_s:
        cure = lost or f'raise the rate of its driver, or {write_age(facts.sources, usual_s)}'
        yield Line(
            'error',
            f'{facts.topic}: {got_hz:.1f} Hz; its samples are usually {usual_s:.2f} s old before '
            f'the next one comes, max_age_s is {limit_s:g}: the robot would be stopped all the '
            f'time. {_sentence(cure)}',
        )
        return
    if lost:
        # It is also why there are gaps, and why the rate is low.
        yield Line('warning', f'{facts.topic}: {got_hz:.1f} Hz arrive. {_sentence(lost)}')
        return
    if limit_s is not None and worst_s > limit_s:
        yield Line(
            'warning',
            f'{facts.topic}: one gap made a sample {worst_s:.2f} s old, max_age_s is {limit_s:g}: '
            'the robot would have been stopped; look for load on this computer or the network',
        )
    if rate_hz is not None and got_hz < 0.9 * rate_hz and limit_s is not None:
        yield Line(
            'warning',
            f'{facts.topic}: {got_hz:.1f} Hz is slower than the {rate_hz:g} Hz of the policy: '
            'steps will see the same sample twice',
        )
    yield Line('ok', told)


def judge_loss(facts: StreamFacts) -> Line | None:
    """What a topic lost on the way, whoever sent it; None where that is nothing."""
    times_ns = facts.arrivals.receive_ns
    lost = _lost(facts, float(times_ns[-1] - times_ns[0]) / SECOND_NS)
    return Line('warning', f'{facts.topic}: {_sentence(lost)}') if lost else None


def _gaps(gaps_s: NDArray[np.float64], got_hz: float) -> str:
    low, high = 1000 * float(gaps_s.min()), 1000 * float(gaps_s.max())
    shaky = ', uneven' if high > LONG_GAP * 1000 / got_hz else ''
    return f', gaps of {low:.1f} to {high:.1f} ms{shaky}'


def _seen_as(facts: StreamFacts) -> str:
    offered = ' and '.join(sorted({p.reliability.replace('_', ' ') for p in facts.publishers}))
    deadlines = [p.deadline_s for p in facts.publishers if p.deadline_s]
    promised = f', deadline {min(deadlines):g} s' if deadlines else ''
    picture = f'{facts.picture}, ' if facts.picture else ''
    return f'; {picture}{offered}{promised}, from {listed(facts.publishers)}'


def _lateness_s(facts: StreamFacts, domain: Domain) -> float:
    """How old a sample usually is when it arrives; 0 where its stamp is not used or wrong."""
    arrivals = facts.arrivals
    if facts.sources[0].stamp == 'receive' or not arrivals.stamp_ns.any():
        return 0.0
    known = arrivals.stamp_ns > 0
    late_s = float(np.median((arrivals.now_ns(domain) - arrivals.stamp_ns)[known])) / SECOND_NS
    return late_s if 0.0 <= late_s <= BEHIND_NS / SECOND_NS else 0.0


def _lost(facts: StreamFacts, seconds: float) -> str:
    """How many messages were lost, and the cure; empty if none, or nobody could tell."""
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
    """What would bring the messages through."""
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


def frames_sent(stamp_ns: Times) -> int:
    """How many frames a camera took between the first and the last stamp, both included.

    A camera is regular, so that every stamp lies a whole number of periods after the first; the
    longest such period is believed. Where there is none, or too few stamps to tell, nothing is
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
