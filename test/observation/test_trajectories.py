"""Recorded commands as functions of time."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st
from trajectory_msgs.msg import JointTrajectory

from helpers.observer_examples import (
    MS,
    T0,
    TARGET,
    S,
    fault,
    observer,
    only_status,
    source,
    trajectory,
    values,
)


def arm():
    return observer(source(0, 'arm', TARGET))


def at(eyes, seconds):
    return values(eyes.observe(T0 + round(seconds * S)), TARGET)


def test_the_first_command_waits_at_its_first_point_and_holds_its_last():
    eyes = arm()
    eyes.receive('/cmd', trajectory(T0, arm={1.0: 1.0, 2.0: 3.0}), T0)
    assert [at(eyes, t) for t in (0, 0.5, 1, 1.5, 2, 3600)] == [[1], [1], [1], [2], [3], [3]]


def test_a_zero_stamp_starts_on_arrival():
    eyes = arm()
    eyes.receive('/cmd', trajectory(0, arm={0.0: 0.0, 1.0: 10.0}), T0 + S)
    assert fault(eyes.observe(T0 + S - 1))[0] == 'missing'
    assert at(eyes, 1.25) == [2.5]


def test_a_new_command_leads_from_where_the_one_before_was():
    eyes = arm()
    eyes.receive('/cmd', trajectory(0, arm={0.0: 0.0, 2.0: 2.0}), T0)
    eyes.receive('/cmd', trajectory(0, arm={1.0: 5.0}), T0 + S)
    assert [at(eyes, t) for t in (1, 1.5, 2, 3)] == [[1], [3], [5], [5]]


def test_a_command_for_later_leaves_the_present_one_in_force():
    eyes = arm()
    eyes.receive('/cmd', trajectory(0, arm={0.0: 0.0, 4.0: 4.0}), T0)
    eyes.receive('/cmd', trajectory(T0 + 2 * S, arm={1.0: 0.0}), T0 + S)
    assert [at(eyes, t) for t in (1, 2, 2.5, 3)] == [[1], [2], [1], [0]]


def test_a_command_between_changes_where_the_later_one_begins():
    eyes = arm()
    eyes.receive('/cmd', trajectory(T0 + 4 * S, arm={1.0: 0.0}), T0)
    eyes.receive('/cmd', trajectory(T0 + 2 * S, arm={0.0: 8.0}), T0 + S)
    assert [at(eyes, t) for t in (2, 4, 4.5, 5)] == [[8], [8], [4], [0]]


def test_a_joint_that_a_command_lacks_keeps_its_own():
    eyes = observer(source(0, 'arm', TARGET), source(1, 'grip', TARGET))
    eyes.receive('/cmd', trajectory(0, arm={0.0: 1.0}, grip={0.0: 2.0}), T0)
    eyes.receive('/cmd', trajectory(0, grip={0.0: 3.0}), T0 + S)
    assert at(eyes, 1) == [1, 3]


def test_scale_and_offset_apply_to_commands():
    eyes = observer(source(0, 'arm', TARGET, scale=2.0, offset=1.0, message_name='j1'))
    eyes.receive('/cmd', trajectory(0, j1={0.0: 3.0}), T0)
    assert at(eyes, 0) == [7]


def test_a_command_that_starts_before_the_running_one_is_dropped():
    eyes = arm()
    eyes.receive('/cmd', trajectory(T0, arm={0.0: 1.0}), T0)
    eyes.receive('/cmd', trajectory(T0 - MS, arm={0.0: 2.0}), T0 + MS)
    eyes.receive('/cmd', trajectory(T0, arm={0.0: 3.0}), T0 + 2 * MS)
    assert at(eyes, 1) == [1]
    assert only_status(eyes, T0).drops == {'older': 1, 'repeated': 1}


def test_what_a_controller_would_reject_is_dropped_and_told():
    for points, words in (
        ({}, 'without points'),
        ({1.0: 0.0, 0.5: 1.0}, 'do not increase'),
        ({0.0: float('nan')}, 'not finite'),
    ):
        eyes = arm()
        eyes.receive('/cmd', trajectory(0, arm=points), T0)
        assert words in fault(eyes.observe(T0))[1]
        assert sum(only_status(eyes, T0).drops.values()) == 1


def test_a_point_with_too_few_positions_is_told_with_numbers():
    message = trajectory(0, arm={0.0: 1.0})
    message.joint_names = ['arm', 'grip']
    eyes = arm()
    eyes.receive('/cmd', message, T0)
    assert 'a point has 1 positions for 2 names' in fault(eyes.observe(T0))[1]
    eyes.receive('/cmd', JointTrajectory(), T0 + 1)
    assert '`order: [...]`' in fault(eyes.observe(T0 + 1))[1]


def test_a_start_in_another_clock_is_told_with_the_line_to_write():
    for stamp_ns, kind in ((42 * S, 'clock'), (T0 - 60 * S, 'clock'), (T0 + 60 * S, 'future')):
        eyes = arm()
        eyes.receive('/cmd', trajectory(stamp_ns, arm={0.0: 1.0}), T0)
        told = fault(eyes.observe(T0))
        assert told[0] == kind
        assert 'write `stamp: receive` in sources: JOINT_TARGET_POSITIONS' in told[1]
    eyes = observer(source(0, 'arm', TARGET, stamp='receive'))
    eyes.receive('/cmd', trajectory(42 * S, arm={0.0: 1.0}), T0)
    assert at(eyes, 0) == [1]


def test_a_stream_of_thousands_of_commands_keeps_few():
    eyes = arm()
    for number in range(2000):
        path = {0.01: float(number)}
        eyes.receive('/cmd', trajectory(0, arm=path), T0 + number * 10 * MS)
    assert at(eyes, 19.995) == [1998.5]


@st.composite
def commands(draw):
    """(arrival, start, {offset: value}) in the order of arrival, in steps of 100 ms."""
    found, now = [], 0
    for _ in range(draw(st.integers(1, 6))):
        now += draw(st.integers(0, 8))
        start = draw(st.none() | st.integers(max(1, now - 6), now + 10))
        times = sorted(draw(st.sets(st.integers(0, 9), min_size=1, max_size=3)))
        path = {time / 10: draw(st.integers(-9, 9)) for time in times}
        found.append((now, start, path))
    return found


def by_the_rule(known, time):
    """The rule itself: accepted commands by their start; each leads on from the one before."""
    accepted = []
    for arrival, stamp, path in known:
        start = arrival if stamp is None else stamp
        running = [one for one in accepted if one[0] <= arrival]
        is_late = any(one[0] > start for one in running)
        is_repeat = start != arrival and any(one[0] == start for one in accepted)
        if not (is_late or is_repeat):
            accepted.append((start, arrival, path))
            accepted.sort(key=lambda one: one[0])
    value = None
    for number, (start, _, path) in enumerate(accepted):
        knots = [(start + offset * 10, float(y)) for offset, y in path.items()]
        if knots[0][0] > start:
            knots.insert(0, (start, knots[0][1] if number == 0 else value(start)))
        value = _line(knots)
        if start <= time:
            in_force = value
    return in_force(time) if accepted and accepted[0][0] <= time else None


def _line(knots):
    def value(time):
        for (begin, low), (end, high) in pairwise(knots):
            if begin <= time < end:
                return low + (high - low) * (time - begin) / (end - begin)
        return knots[-1][1]

    return value


@settings(deadline=None)
@given(commands(), st.lists(st.integers(0, 30), max_size=3))
def test_any_series_of_commands_follows_the_rule(series, delays):
    eyes, known = arm(), []
    for arrival, start, path in series:
        stamp_ns = 0 if start is None else T0 + start * 100 * MS
        eyes.receive('/cmd', trajectory(stamp_ns, arm=path), T0 + arrival * 100 * MS)
        known.append((arrival, start, path))
    for delay in delays:
        tick = series[-1][0] + delay
        wanted = by_the_rule(known, tick)
        seen = eyes.observe(T0 + tick * 100 * MS)
        if wanted is None:
            assert fault(seen)[0] in {'missing', 'older', 'repeated'}
        else:
            assert values(seen, TARGET) == [round(wanted, 5)]


def test_after_a_jump_of_the_clock_no_command_is_in_force():
    eyes = observer(source(0, 'a', TARGET))
    eyes.receive('/cmd', trajectory(T0, a={0.0: 1.0}), T0)
    assert values(eyes.observe(T0), TARGET) == [1.0]
    eyes.clear()
    assert fault(eyes.observe(T0 + S))[0] == 'missing'


def stream_notes(eyes):
    (stream,) = eyes.streams
    return stream.notes()


def test_commands_that_are_replaced_long_before_their_first_point_are_told():
    eyes = arm()
    for n in range(10):
        eyes.receive('/cmd', trajectory(0, arm={2.0: 1.0, 2.1: 2.0}), T0 + 20 * n * MS)
    assert stream_notes(eyes) == (
        '/cmd: 9 of 9 trajectories were replaced long before their first point was due (one '
        'after 0.02 s of 2 s), so that the command hardly moves towards them: time_from_start '
        'counts from the stamp of its own message',
    )


def test_a_first_point_that_holds_does_not_hide_that_the_next_one_is_never_reached():
    eyes = arm()
    for n in range(10):
        eyes.receive('/cmd', trajectory(0, arm={0.0: 0.0, 2.0: 1.0}), T0 + 20 * n * MS)
    assert stream_notes(eyes)[0].startswith('/cmd: 9 of 9 trajectories were replaced')


def test_a_receding_horizon_is_no_reason_to_say_anything():
    eyes = arm()
    for n in range(10):
        path = {0.02 * k: 1.0 for k in range(1, 20)}
        eyes.receive('/cmd', trajectory(0, arm=path), T0 + 20 * n * MS)
    eyes.receive('/cmd', trajectory(0, arm={2.0: 1.0}), T0 + S)
    eyes.receive('/cmd', trajectory(0, arm={2.0: 1.0}), T0 + S + MS)
    assert stream_notes(eyes) == ()
