"""The sampling rule of one name, against its definition in a few slow lines."""

import math
from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.observer_examples import MS, T0, Observation, S, observer, source, state

NAMES = ('arm', 'grip')
AHEAD, MAX_AGE, DAY = 100 * MS, 200 * MS, 24 * 3600 * S


@dataclass(frozen=True)
class Message:
    received: int
    header: int
    positions: dict[str, float]

    @property
    def stamp(self) -> int:
        return self.header or self.received

    @property
    def is_of_this_clock(self) -> bool:
        return -DAY <= self.stamp - self.received <= AHEAD


@st.composite
def recordings(draw):
    """Messages in the order of arrival: late, early, repeated, of other clocks, not finite."""
    found, now = [], T0
    for _ in range(draw(st.integers(0, 12))):
        now += draw(st.integers(0, 3)) * 25 * MS
        near = st.integers(-10, 6).map(lambda steps, now=now: now + steps * 25 * MS)
        stamp = draw(near | st.sampled_from([0, 42 * S, T0 + 9 * S, T0]))
        values = st.integers(-9, 9).map(float) | st.sampled_from([math.nan, math.inf, 1e300])
        names = draw(st.sets(st.sampled_from([*NAMES, 'stranger'])))
        found.append(Message(now, stamp, {name: draw(values) for name in sorted(names)}))
    return found


def by_the_rule(messages, name, tick):
    """Of the finite samples received at or before the tick, the one with the newest stamp."""
    candidates = [
        message
        for message in messages
        if message.received <= tick
        and message.is_of_this_clock
        and abs(message.positions.get(name, math.nan)) < 1e30
    ]
    if not candidates:
        return None
    newest = max(message.stamp for message in candidates)
    if tick - newest > MAX_AGE:
        return None
    equal = [message for message in candidates if message.stamp == newest]
    # A repeated stamp is no new sample; one that is the time of arrival is no repetition.
    arrived_then = [message for message in equal[1:] if message.received == newest]
    return (arrived_then or equal)[-1 if arrived_then else 0].positions[name]


@settings(deadline=None)
@given(recordings(), st.lists(st.integers(0, 40), max_size=6))
def test_every_tick_of_any_recording_follows_the_rule(messages, ticks):
    eyes = observer(*(source(index, name) for index, name in enumerate(NAMES)))
    for message in messages:
        eyes.receive('/joint_states', state(message.header, **message.positions), message.received)
    # Ticks behind the newest arrivals, too: nothing that came later may show.
    for tick in (T0 + steps * 25 * MS for steps in ticks):
        wanted = {name: by_the_rule(messages, name, tick) for name in NAMES}
        seen = eyes.observe(tick)
        lacking = {name for name in NAMES if wanted[name] is None}
        if isinstance(seen, Observation):
            assert not lacking
            assert list(seen.inputs['JOINT_POSITIONS']) == list(wanted.values())
        else:
            assert {reason.source.name for reason in seen.reasons} == lacking


@settings(deadline=None)
@given(recordings())
def test_ticks_while_messages_arrive_follow_the_rule(messages):
    eyes = observer(source(0, 'arm'))
    for number, message in enumerate(messages):
        eyes.receive('/joint_states', state(message.header, **message.positions), message.received)
        seen = eyes.observe(message.received)
        wanted = by_the_rule(messages[: number + 1], 'arm', message.received)
        found = seen.inputs['JOINT_POSITIONS'][0] if isinstance(seen, Observation) else None
        assert found == wanted
