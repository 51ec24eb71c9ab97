"""Openings that follow a command: the exact response, whoever asks and however often."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from std_msgs.msg import Float64, Float64MultiArray

from helpers.observer_examples import (
    MS,
    T0,
    DataType,
    Observation,
    S,
    fault,
    observer,
    only_status,
    source,
    state,
    trajectory,
)
from neuracore_ros.observation.following import follow

GRIP = DataType.PARALLEL_GRIPPER_OPEN_AMOUNTS
TRAJECTORY = 'trajectory_msgs/msg/JointTrajectory'
FLOAT64 = 'std_msgs/msg/Float64'


def hand(name='g', follow_s=0.4, **changes):
    usual = {'topic': '/cmd', 'type': TRAJECTORY, 'max_age_s': None, 'follow_s': follow_s}
    return source(0, name, GRIP, **(usual | changes))


def opening(eyes, now_ns):
    seen = eyes.observe(now_ns)
    assert isinstance(seen, Observation), seen
    return float(seen.inputs[GRIP][0])


def stepped(command, dt_s, steps, v=1.0, follow_s=0.4):
    """The reference: many small steps of v' = (command - v) / T."""
    small = 2000
    for _ in range(steps * small):
        v += (command - v) * dt_s / small / follow_s
    return v


def test_before_the_first_command_the_hand_counts_as_open():
    eyes = observer(hand())
    assert eyes.is_complete(T0)
    assert opening(eyes, T0) == 1.0
    assert eyes.observe(T0).ages_s[GRIP, 'g'] == 0.0


def test_a_command_is_approached_with_the_time_constant_and_never_ages():
    eyes = observer(hand(type=FLOAT64))
    eyes.receive('/cmd', Float64(data=0.2), T0)
    assert opening(eyes, T0) == 1.0
    assert opening(eyes, T0 + 400 * MS) == pytest.approx(0.2 + 0.8 / math.e)
    assert opening(eyes, T0 + 100 * MS) == pytest.approx(stepped(0.2, 0.1, 1), abs=1e-4)
    assert opening(eyes, T0 + 3600 * S) == pytest.approx(0.2)
    assert only_status(eyes, T0 + 3600 * S).stale == ''


def test_an_eighth_of_the_way_each_fiftieth_of_a_second_is_what_was_measured_to_work():
    # The figure of the experiments: 1/8 each 50 ms.
    share = 1 - follow(1.0, (0.0, 0.0), 50 * MS, 0.4)
    assert share == pytest.approx(1 / 8, abs=0.01)


def test_a_trajectory_is_followed_point_by_point():
    eyes = observer(hand())
    eyes.receive('/cmd', trajectory(0, g={0.0: 1.0, 1.0: 0.0, 2.0: 0.5}), T0)
    command = np.interp(np.arange(0, 3, 1e-4), [0, 1, 2], [1.0, 0.0, 0.5])
    v = 1.0
    for at, c in enumerate(command):
        if at % 5000 == 0:
            assert opening(eyes, T0 + at * MS // 10) == pytest.approx(v, abs=1e-3), at
        v += (c - v) * 1e-4 / 0.4


def test_a_command_that_starts_later_counts_from_then_on():
    eyes = observer(hand())
    eyes.receive('/cmd', trajectory(T0 + S, g={0.0: 0.0}), T0)
    assert opening(eyes, T0 + S) == 1.0
    assert opening(eyes, T0 + S + 400 * MS) == pytest.approx(1 / math.e)


def test_a_replaced_command_counts_until_the_other_arrives():
    eyes = observer(hand(type=FLOAT64))
    eyes.receive('/cmd', Float64(data=0.0), T0)
    eyes.receive('/cmd', Float64(data=1.0), T0 + 400 * MS)
    low = 1 / math.e
    assert opening(eyes, T0 + 400 * MS) == pytest.approx(low)
    assert opening(eyes, T0 + 800 * MS) == pytest.approx(1 - (1 - low) / math.e)


def test_a_late_stamp_does_not_change_what_was_already_seen():
    one, other = observer(hand()), observer(hand())
    for eyes in (one, other):
        eyes.receive('/cmd', trajectory(T0, g={0.0: 1.0}), T0)
    seen = opening(one, T0 + S)
    # Stamped half a second before it came.
    for eyes in (one, other):
        eyes.receive('/cmd', trajectory(T0 + S // 2, g={0.0: 0.0}), T0 + S)
    assert opening(one, T0 + S) == opening(other, T0 + S) == seen


def test_a_tick_just_before_the_newest_command_has_its_own_value():
    eyes = observer(hand(type=FLOAT64))
    eyes.receive('/cmd', Float64(data=0.0), T0)
    expected = opening(eyes, T0 + 99 * MS)
    eyes.receive('/cmd', Float64(data=1.0), T0 + 100 * MS)
    assert opening(eyes, T0 + 99 * MS) == expected


@pytest.mark.parametrize(
    ('kind', 'message', 'options'),
    [
        ('sensor_msgs/msg/JointState', state(T0, g=0.02), {}),
        ('std_msgs/msg/Float64MultiArray', Float64MultiArray(data=[9.0, 0.02]), {'order': 'xg'}),
        (FLOAT64, Float64(data=0.02), {}),
        (TRAJECTORY, trajectory(T0, g={0.0: 0.02}), {}),
    ],
)
def test_every_kind_of_command_can_be_followed_with_its_scale(kind, message, options):
    order = tuple(options.get('order', ())) or None
    eyes = observer(hand(type=kind, order=order, scale=-25.0, offset=1.0))
    eyes.receive('/cmd', message, T0)
    assert opening(eyes, T0 + 400 * MS) == pytest.approx(0.5 + 0.5 / math.e)


def test_messages_without_its_name_are_a_fault_and_not_an_open_hand():
    eyes = observer(hand())
    eyes.receive('/cmd', trajectory(T0, finger={0.0: 0.0}), T0)
    kind, text = fault(eyes.observe(T0))
    assert kind == 'missing' and "lacks 'g'" in text and 'finger' in text
    assert not eyes.is_complete(T0)


def test_a_first_command_that_is_no_number_is_a_fault():
    eyes = observer(hand(type=FLOAT64))
    eyes.receive('/cmd', Float64(data=math.nan), T0)
    assert fault(eyes.observe(T0))[0] == 'not_finite'
    eyes.receive('/cmd', Float64(data=0.0), T0 + S)
    eyes.receive('/cmd', Float64(data=math.nan), T0 + S + MS)
    assert opening(eyes, T0 + S + 400 * MS) == pytest.approx(1 / math.e), 'it is passed over'


def test_after_a_jump_of_the_clock_it_is_where_the_last_command_led():
    eyes = observer(hand())
    eyes.receive('/cmd', trajectory(T0, g={0.0: 1.0, 5.0: 0.25}), T0)
    eyes.clear()
    assert opening(eyes, T0 - 9 * S) == 0.25
    eyes.clear()
    assert opening(eyes, T0 - 9 * S) == 0.25
    eyes.receive('/cmd', trajectory(0, g={0.0: 0.75}), T0 - 8 * S)
    now_ns = T0 - 8 * S + 400 * MS
    assert opening(eyes, now_ns) == pytest.approx(0.75 - 0.5 / math.e)


def test_more_commands_than_are_kept_leave_the_value_right():
    eyes = observer(hand(type=FLOAT64))
    v = 1.0
    for number in range(1000):
        command = 0.5 + 0.5 * math.sin(number / 30)
        eyes.receive('/cmd', Float64(data=command), T0 + number * MS)
        expected, v = v, command + (v - command) * math.exp(-0.001 / 0.4)
        assert opening(eyes, T0 + number * MS) == pytest.approx(expected, abs=1e-6)
    # So late a tick does not fall back to the open hand.
    late = opening(eyes, T0 + 900 * MS)
    assert late == pytest.approx(opening(eyes, T0 + 984 * MS), abs=0.05)


def test_two_hands_may_follow_one_topic_each_in_its_own_time():
    eyes = observer(hand('left'), replace(hand('right', follow_s=0.2), index=1))
    eyes.receive('/cmd', trajectory(T0, right={0.0: 0.0}, left={0.0: 0.5}), T0)
    seen = eyes.observe(T0 + 400 * MS).inputs[GRIP]
    assert seen == pytest.approx([0.5 + 0.5 / math.e, 1 / math.e**2])


def test_an_opening_and_a_target_may_read_one_topic():
    target = source(0, 'g', DataType.PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS)
    eyes = observer(hand(), target)
    eyes.receive('/cmd', trajectory(T0, g={0.0: 0.0}), T0)
    seen = eyes.observe(T0 + 400 * MS)
    assert seen.inputs[GRIP][0] == pytest.approx(1 / math.e)
    assert seen.inputs[target.data_type][0] == 0.0


times = st.integers(0, 3000)
commands = st.lists(
    st.tuples(times, st.lists(st.floats(0, 1), min_size=1, max_size=3), st.integers(-200, 400)),
    max_size=25,
)


@given(commands, st.lists(times, max_size=20))
def test_the_value_does_not_depend_on_how_often_it_is_asked(came, asked):
    """Nor on a tick in between: an eager and a lazy reader agree to the last bit."""
    eager, lazy = observer(hand()), observer(hand())
    events = [(at, None) for at in asked] + [(at, (path, ahead)) for at, path, ahead in came]
    for at, command in sorted(events, key=lambda event: event[0]):
        now_ns = T0 + at * MS
        if command is None:
            assert 0.0 <= opening(eager, now_ns) <= 1.0
            continue
        path = {0.1 * number: value for number, value in enumerate(command[0])}
        message = trajectory(now_ns + command[1] * MS, g=path)
        eager.receive('/cmd', message, now_ns)
        lazy.receive('/cmd', message, now_ns)
    assert opening(eager, T0 + 4 * S) == opening(lazy, T0 + 4 * S)


@given(
    st.floats(0, 1), st.floats(0, 1), st.floats(0, 1),
    st.integers(1, 10**12), st.floats(1e-300, 60),
)  # fmt: skip
def test_the_response_stays_between_the_value_and_the_command(v, begin, end, duration_ns, time_s):
    found = follow(v, (begin, end), duration_ns, time_s)
    assert min(v, begin, end) - 1e-6 <= found <= max(v, begin, end) + 1e-6
