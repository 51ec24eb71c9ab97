"""Judgements on the streams of a running graph; pure functions of what was found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from neuracore_ros.description.source import JOINT_STATE
from neuracore_ros.node.live_facts import (
    Arrivals,
    Domain,
    Endpoint,
    Line,
    MeasuredJoint,
    StreamFacts,
    Times,
)
from neuracore_ros.observation.streams import AHEAD_NS, BEHIND_NS, SECOND_NS, span

# Larger messages are split for UDP or fill a shared memory segment, and best effort drops them.
LARGE_BYTES = 64_000
LARGE_IMAGES = 'docs/large_images.md'
# Frames are counted by their stamps: cameras shake by less than this share of a period.
STAMP_SHAKE = 0.2
FASTEST_CAMERA_HZ = 120
LEAST_STAMPS = 10
# Clocks of two computers that are disciplined differ by less; and drift by far less a second.
NOTABLE_OFFSET_S = 0.02
NOTABLE_DRIFT = 1e-3
LEAST_DRIFT_S = 3.0
# A gap this many times the median is worth a word even where max_age_s allows it.
LONG_GAP = 5.0


def judge_stream(facts: StreamFacts, domain: Domain, rate_hz: float | None) -> list[Line]:
    """Everything about one declared topic.

    Args:
        facts: What was found.
        domain: The time in which the node has to live.
        rate_hz: Of the policy; None where that is not known.

    Returns:
        At least one line. Of a topic that the policy does not read, errors are warnings.
    """
    lines = list(_judge(facts, domain, rate_hz))
    if not facts.needed:
        lines = [
            Line('warning', f'{line.text} (the policy does not read it)')
            if line.kind == 'error'
            else line
            for line in lines
        ]
    return lines


def judge_joints(joints: Sequence[MeasuredJoint], robot_file: str) -> list[Line]:
    """Whether each commanded joint is where its limits allow it to be."""
    lines = []
    for measured in joints:
        limit, position = measured.joint.limit, measured.position
        if limit.lower <= position <= limit.upper:
            continue
        lines.append(
            Line(
                'error',
                f"{measured.topic}: '{measured.joint.name}' is at {position:.4g}, outside its "
                f'position limits [{limit.lower:.4g}, {limit.upper:.4g}]: correct the limits, '
                f'scale or offset in {robot_file}, or move the joint back',
            )
        )
    if joints and not lines:
        lines.append(Line('ok', f'all {len(joints)} commanded joints are within their limits'))
    return lines


def _judge(facts: StreamFacts, domain: Domain, rate_hz: float | None) -> Iterator[Line]:
    if lines := _publishers(facts):
        yield from lines
        if any(line.kind == 'error' for line in lines):
            return
    if facts.is_static or all(source.max_age_s is None for source in facts.sources):
        yield _lasting(facts)
        return
    if facts.arrivals.count < 2:
        yield _silent(facts)
        return
    times = list(_times(facts, domain))
    yield from times
    yield from _rate(facts, domain, rate_hz)
    # A wrong clock has been explained; that each name is then refused says nothing more.
    if not any(line.kind == 'error' for line in times):
        yield from (Line('error', text) for text in facts.faults)


def did_you_mean(topic: str, similar: Sequence[str]) -> str:
    """The end of a line about a topic where nobody is.

    Args:
        topic: As declared.
        similar: Full names of topics where somebody is, the likeliest first.
    """
    if not similar:
        return ''
    if not topic.startswith('/') and similar[0].endswith(f'/{topic}'):
        namespace = similar[0].removesuffix(topic).rstrip('/')
        meant = f'--namespace {namespace}' if namespace else 'to leave --namespace out'
    else:
        meant = similar[0]
    others = f' There are also {", ".join(similar[1:])}.' if similar[1:] else ''
    return f'; did you mean {meant}?{others}'


def _publishers(facts: StreamFacts) -> list[Line]:
    source = facts.sources[0]
    if not facts.publishers:
        what = f'{source.data_type} {", ".join(s.name for s in facts.sources)}'
        meant = did_you_mean(source.topic, facts.similar)
        cure = meant or ': start its driver, or correct topic in sources'
        return [Line('error', f'{facts.topic} ({what}): nobody publishes it{cure}')]
    lines = []
    for publisher in facts.publishers:
        if publisher.type != source.type:
            lines.append(
                Line(
                    'error',
                    f'{facts.topic}: {publisher.node} sends {publisher.type}, the robot file '
                    f'expects {source.type}; write under sources: {source.data_type}: '
                    f'{{topic: {source.topic}, type: {publisher.type}}}',
                )
            )
        elif publisher.refusal:
            lines.append(
                Line(
                    'error',
                    f'{facts.topic}: {publisher.node} offers {publisher.reliability}, which our '
                    f'subscription does not accept ({publisher.refusal}); write in its source: '
                    'qos: {reliability: match}',
                )
            )
    return lines or _several(facts)


def _several(facts: StreamFacts) -> list[Line]:
    """Two publishers on one topic: harmless only if they speak of different joints."""
    publishers = facts.publishers
    if len(publishers) < 2:
        return []
    names = _listed(publishers)
    shared = {
        name for one, other in combinations(facts.name_sets, 2) for name in set(one) & set(other)
    }
    if facts.sources[0].type == JOINT_STATE and len(facts.name_sets) >= len(publishers):
        if not shared:
            return [Line('ok', f'{facts.topic}: {names} share it, each with its own joints')]
        several = f'{names} send the same joints ({", ".join(sorted(shared))})'
    else:
        several = f'{len(publishers)} publishers send it: {names}'
    mixed = len({publisher.reliability for publisher in publishers}) > 1
    also = '; one is reliable, one best effort: all are heard as best effort' if mixed else ''
    return [
        Line(
            'error',
            f'{facts.topic}: {several}; the values would jump between them: end all but one{also}',
        )
    ]


def _lasting(facts: StreamFacts) -> Line:
    """A stream whose last message holds until there is another."""
    who, count = _listed(facts.publishers), facts.arrivals.count
    if count:
        return Line('ok', f'{facts.topic}: {who} publishes it; messages that came: {count}')
    return Line(
        'warning',
        f'{facts.topic}: {who} publishes it, but no message came: the node waits for one',
    )


def _silent(facts: StreamFacts) -> Line:
    who, count = _listed(facts.publishers), facts.arrivals.count
    came = 'no message' if count == 0 else 'one message only'
    lost = ''
    if facts.arrivals.lost:
        lost = f', {facts.arrivals.lost} were lost on the way: {_cure(facts)}'
    cure = lost or ': is its driver running, and in the same ROS_DOMAIN_ID and network?'
    return Line('error', f'{facts.topic}: {who} publishes it, but {came} came{cure}')


# Times


def _times(facts: StreamFacts, domain: Domain) -> Iterator[Line]:
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
    now_ns, valid = _now(arrivals, domain), stamps > 0
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


# Rate


def _rate(facts: StreamFacts, domain: Domain, rate_hz: float | None) -> Iterator[Line]:
    arrivals = facts.arrivals
    times_ns = _now(arrivals, domain)
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
        cure = lost or 'raise the rate of its driver, or max_age_s'
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


def _gaps(gaps_s: NDArray[np.float64], got_hz: float) -> str:
    low, high = 1000 * float(gaps_s.min()), 1000 * float(gaps_s.max())
    shaky = ', uneven' if high > LONG_GAP * 1000 / got_hz else ''
    return f', gaps of {low:.1f} to {high:.1f} ms{shaky}'


def _seen_as(facts: StreamFacts) -> str:
    offered = ' and '.join(sorted({p.reliability.replace('_', ' ') for p in facts.publishers}))
    deadlines = [p.deadline_s for p in facts.publishers if p.deadline_s]
    promised = f', deadline {min(deadlines):g} s' if deadlines else ''
    picture = f'{facts.picture}, ' if facts.picture else ''
    return f'; {picture}{offered}{promised}, from {_listed(facts.publishers)}'


def _lateness_s(facts: StreamFacts, domain: Domain) -> float:
    """How old a sample usually is when it arrives; 0 where its stamp is not used or wrong."""
    arrivals = facts.arrivals
    if facts.sources[0].stamp == 'receive' or not arrivals.stamp_ns.any():
        return 0.0
    known = arrivals.stamp_ns > 0
    late_s = float(np.median((_now(arrivals, domain) - arrivals.stamp_ns)[known])) / SECOND_NS
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
        f'({100 * share:.0f} %, {how}): {_cure(facts)}'
    )


def _cure(facts: StreamFacts) -> str:
    best_effort = [p for p in facts.publishers if p.reliability == 'best_effort']
    if best_effort and facts.arrivals.size >= LARGE_BYTES:
        return (
            f'large messages ({facts.arrivals.size / 1e6:.1f} MB) do not survive best effort with '
            f'default settings. Let {_listed(best_effort)} publish RELIABLE, or give its process '
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


def _now(arrivals: Arrivals, domain: Domain) -> Times:
    return arrivals.clock_ns if domain == 'sim' else arrivals.receive_ns


def _slope(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    """Of a line through the medians of the first and the last third; outliers do not matter."""
    third = len(x) // 3
    if third < 3:
        return 0.0
    rise = np.median(y[-third:]) - np.median(y[:third])
    run = np.median(x[-third:]) - np.median(x[:third])
    return float(rise / run) if run > 0 else 0.0


def _listed(endpoints: Sequence[Endpoint]) -> str:
    return ', '.join(dict.fromkeys(endpoint.node for endpoint in endpoints))


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:]
