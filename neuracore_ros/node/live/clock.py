"""Judgements on the time in which all live; pure functions of what was found."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from neuracore_ros.durations import SECOND_NS
from neuracore_ros.node.live.facts import ClockFacts, Line

_SLOWEST_CLOCK = 0.9


def judge_clock(facts: ClockFacts, rate_hz: float | None) -> Iterator[Line]:
    """In which time everybody lives, and whether that time can be trusted.

    Args:
        facts: What was found.
        rate_hz: Of the policy; None where that is not known.
    """
    simulated = sorted(node for node, used in facts.use_sim_time.items() if used)
    # Whoever makes the time cannot live by it.
    real = sorted(
        node
        for node, used in facts.use_sim_time.items()
        if not used and node not in facts.publishers
    )
    if not facts.publishers:
        if simulated:
            yield Line(
                'error',
                f'/clock: nobody publishes it, but {", ".join(simulated)} has use_sim_time: true '
                'and so stands still in time: start the simulator, or set it to false',
            )
        return
    publishers = ', '.join(facts.publishers)
    if len(facts.publishers) > 1:
        yield Line(
            'error', f'/clock: {publishers} all publish it: time would jump; end all but one'
        )
    if facts.domain == 'wall' and not len(facts.clock_ns) and not simulated:
        return
    if facts.domain == 'wall' and len(facts.clock_ns):
        yield Line(
            'warning',
            f'/clock: {publishers} publishes it, but the streams are stamped in wall time: run '
            'the node without use_sim_time, and end what is left of a simulation',
        )
        return
    yield from _clock_rate(facts, publishers, rate_hz)
    if real:
        yield Line(
            'warning',
            f'/clock: {", ".join(real)} has use_sim_time: false, while the streams are stamped in '
            'simulated time: set it to true, or its stamps and timeouts are of another time',
        )


def _clock_rate(facts: ClockFacts, publishers: str, rate_hz: float | None) -> Iterator[Line]:
    steps = np.diff(facts.clock_ns)
    wall_s = (facts.receive_ns[-1] - facts.receive_ns[0]) / SECOND_NS if len(steps) else 0.0
    if not len(steps) or wall_s <= 0 or not steps.any():
        yield Line(
            'error', f'/clock: {publishers} publishes it, but it stands still: is it paused?'
        )
        return
    if (steps < 0).any():
        yield Line(
            'error',
            f'/clock: it jumped back {int((steps < 0).sum())} times; the node stops the robot at '
            'each: end whatever resets the simulation',
        )
        return
    step_s, speed = float(np.median(steps[steps > 0])) / SECOND_NS, steps.sum() / 1e9 / wall_s
    told = f'{1 / step_s:.0f} times a simulated second, {speed:.2f} times as fast as real time'
    if rate_hz is not None and step_s > _SLOWEST_CLOCK / rate_hz:
        yield Line(
            'error',
            f'/clock: it comes only {told}: too coarse for the {rate_hz:g} Hz of the policy; let '
            f'{publishers} publish it at least {2 * rate_hz:g} times a second',
        )
    else:
        yield Line(
            'ok', f'/clock: {publishers} publishes it {told}: run the node with use_sim_time:=true'
        )
