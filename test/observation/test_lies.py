"""Ways in which a stream can lie, and what is said of each."""

import math
import tracemalloc
from types import SimpleNamespace

import numpy as np
import pytest

from helpers.observer_examples import (
    MS,
    RGB,
    T0,
    J,
    JointState,
    Observation,
    S,
    fault,
    header,
    image,
    observer,
    only_status,
    source,
    state,
    values,
)

JOINTS = '/joint_states'


def told(eyes, tick_ns):
    """FaultKind and text of the fault, which must be one line."""
    kind, text = fault(eyes.observe(tick_ns))
    assert '\n' not in text
    return kind, text


def test_a_driver_that_repeats_its_last_message_goes_stale():
    eyes = observer(source(0, 'a'))
    for number in range(40):
        eyes.receive(JOINTS, state(T0, a=1.0), T0 + number * 10 * MS)
    kind, text = told(eyes, T0 + 390 * MS)
    assert kind == 'stale'
    assert text.endswith('max_age_s is 0.2. Since then: messages repeat its stamp')
    assert only_status(eyes, T0).drops == {'repeated': 39}


def test_a_current_value_that_is_not_finite_never_shows_and_soon_stops():
    eyes = observer(source(0, 'a'))
    eyes.receive(JOINTS, state(T0, a=1.0), T0)
    for number in range(1, 40):
        stamp_ns = T0 + number * 10 * MS
        eyes.receive(JOINTS, state(stamp_ns, a=math.nan), stamp_ns)
    assert values(eyes.observe(T0 + 200 * MS)) == [1]
    kind, text = told(eyes, T0 + 390 * MS)
    assert kind == 'not_finite'
    assert 'the value is nan' in text


def test_a_value_beyond_float32_is_not_finite_to_the_model():
    eyes = observer(source(0, 'a', scale=1e10))
    eyes.receive(JOINTS, state(T0, a=1e35), T0)
    assert told(eyes, T0)[0] == 'not_finite'


def test_one_bad_joint_does_not_age_the_others():
    eyes = observer(source(0, 'a'), source(1, 'b'))
    eyes.receive(JOINTS, state(T0, a=math.inf, b=1.0), T0)
    seen = eyes.observe(T0)
    assert [reason.source.name for reason in seen.reasons] == ['a']
    assert 'the value is inf' in only_status(eyes, T0).problem


def test_stamps_of_the_future_are_not_used_and_the_line_to_write_is_told():
    eyes = observer(source(0, 'a'))
    eyes.receive(JOINTS, state(T0 + 5 * S, a=1.0), T0)
    kind, text = told(eyes, T0)
    assert kind == 'future'
    assert 'header stamps lie 5 s after the arrival' in text
    assert text.endswith('write `stamp: receive` in sources: JOINT_POSITIONS')
    trusting = observer(source(0, 'a', stamp='receive'))
    trusting.receive(JOINTS, state(T0 + 5 * S, a=1.0), T0)
    assert values(trusting.observe(T0)) == [1]


def test_one_stamp_of_the_future_does_not_keep_out_what_follows():
    eyes = observer(source(0, 'a'))
    eyes.receive(JOINTS, state(T0 + 3600 * S, a=9.0), T0)
    eyes.receive(JOINTS, state(T0 + MS, a=1.0), T0 + MS)
    assert values(eyes.observe(T0 + MS)) == [1]


def test_clocks_that_differ_by_milliseconds_are_no_error():
    eyes = observer(source(0, 'a'))
    eyes.receive(JOINTS, state(T0 + 20 * MS, a=1.0), T0)
    assert eyes.observe(T0).ages_s == {(J, 'a'): -0.02}


@pytest.mark.parametrize('stamp_ns', [42 * S, T0 + 40 * 365 * 24 * 3600 * S])
def test_a_clock_that_is_years_apart_is_told_with_the_line_to_write(stamp_ns):
    eyes = observer(source(0, 'a'))
    eyes.receive(JOINTS, state(stamp_ns, a=1.0), T0)
    kind, text = told(eyes, T0)
    assert kind == 'clock'
    assert 'years' in text
    assert 'write `stamp: receive`' in text


def test_wall_stamps_under_a_simulated_clock_are_told():
    eyes = observer(source(0, 'a'))
    eyes.receive(JOINTS, state(T0, a=1.0), 3 * S)
    assert told(eyes, 3 * S)[0] == 'clock'


def test_a_sample_that_was_old_on_arrival_names_the_delay():
    eyes = observer(source(0, 'a'))
    eyes.receive(JOINTS, state(T0, a=1.0), T0 + 600 * S)
    kind, text = told(eyes, T0 + 600 * S)
    assert kind == 'stale'
    assert 'arrived 600 s late' in text
    assert '`stamp: receive`' in text


def test_an_older_stamp_that_comes_later_changes_nothing():
    eyes = observer(source(0, 'a'))
    eyes.receive(JOINTS, state(T0 + 10 * MS, a=2.0), T0 + 10 * MS)
    eyes.receive(JOINTS, state(T0, a=1.0), T0 + 20 * MS)
    assert values(eyes.observe(T0 + 20 * MS)) == [2]
    assert only_status(eyes, T0).drops == {'older': 1}


def test_a_clock_that_was_set_back_goes_stale_and_says_so():
    eyes = observer(source(0, 'a'))
    eyes.receive(JOINTS, state(T0, a=1.0), T0)
    for number in range(1, 40):
        now_ns = T0 + number * 10 * MS
        eyes.receive(JOINTS, state(now_ns - S, a=2.0), now_ns)
    kind, text = told(eyes, now_ns)
    assert kind == 'stale'
    assert 'was a clock set back?' in text


def test_a_name_that_vanishes_goes_stale_while_the_others_live():
    eyes = observer(source(0, 'a'), source(1, 'b'))
    eyes.receive(JOINTS, state(T0, a=1.0, b=1.0), T0)
    eyes.receive(JOINTS, state(T0 + 300 * MS, a=2.0), T0 + 300 * MS)
    seen = eyes.observe(T0 + 300 * MS)
    assert [(r.source.name, r.kind) for r in seen.reasons] == [('b', 'stale')]


def test_in_one_instant_of_a_simulated_clock_the_last_message_without_stamp_counts():
    eyes = observer(source(0, 'a'))
    eyes.receive(JOINTS, state(0, a=1.0), T0)
    eyes.receive(JOINTS, state(0, a=2.0), T0)
    assert values(eyes.observe(T0)) == [2]


def test_two_drivers_of_one_topic_do_not_hide_each_other():
    eyes = observer(source(0, 'a'), source(1, 'b'))
    for number in range(40):
        stamp_ns = T0 + number * 10 * MS
        eyes.receive(JOINTS, state(stamp_ns, a=float(number)), stamp_ns)
        eyes.receive(JOINTS, state(stamp_ns, b=-float(number)), stamp_ns)
    assert values(eyes.observe(stamp_ns)) == [39, -39]
    assert only_status(eyes, stamp_ns).drops == {}


def test_a_second_driver_of_another_clock_is_told_though_the_first_is_well():
    eyes = observer(source(0, 'a'), source(1, 'grip'))
    eyes.receive(JOINTS, state(T0, a=1.0), T0)
    eyes.receive(JOINTS, state(42 * S, grip=1.0), T0)
    kind, text = told(eyes, T0)
    assert kind == 'clock'
    assert "lacks 'grip'" in text
    assert '`stamp: receive`' in text


def test_a_name_twice_in_a_message_is_not_guessed():
    message = state(T0, a=1.0)
    message.name, message.position = ['a', 'a'], [1.0, 2.0]
    eyes = observer(source(0, 'a'))
    eyes.receive(JOINTS, message, T0)
    assert told(eyes, T0)[0] == 'malformed'


@pytest.mark.parametrize('positions', [[], [1.0], [1.0, 2.0, 3.0]])
def test_values_that_do_not_match_the_names_are_not_guessed(positions):
    message = state(T0, a=1.0, b=2.0)
    message.position = positions
    eyes = observer(source(0, 'a'))
    eyes.receive(JOINTS, message, T0)
    kind, text = told(eyes, T0)
    assert kind == 'size'
    assert f'position has {len(positions)} values for 2 names' in text


def test_no_names_at_all_are_told_with_the_option_that_helps():
    message = state(T0)
    message.position = [1.0]
    eyes = observer(source(0, 'a'))
    eyes.receive(JOINTS, message, T0)
    assert 'write `order: [...]`' in told(eyes, T0)[1]


@pytest.mark.parametrize('names', [['a', 'b'], []])
def test_messages_that_hold_velocities_only_are_told_apart(names):
    message = JointState(header=header(T0), name=names, velocity=[1.0, 2.0])
    eyes = observer(source(0, 'a'))
    eyes.receive(JOINTS, message, T0)
    kind, text = told(eyes, T0)
    assert kind == 'size' and text.endswith('position is empty: messages hold velocity only')


def test_velocities_of_other_joints_on_the_topic_do_no_harm():
    eyes = observer(source(0, 'a'))
    eyes.receive(JOINTS, state(T0, a=1.0), T0)
    wheels = JointState(header=header(T0 + MS), name=['left_wheel'], velocity=[3.0])
    eyes.receive(JOINTS, wheels, T0 + MS)
    assert values(eyes.observe(T0 + MS)) == [1] and only_status(eyes, T0 + MS).problem == ''


def test_blank_names_are_none():
    message = JointState(header=header(T0), name=['', ''], position=[1.0, 2.0])
    eyes = observer(source(0, 'a', order=('a', 'b')))
    eyes.receive(JOINTS, message, T0)
    assert values(eyes.observe(T0)) == [1]
    eyes = observer(source(0, 'a'))
    eyes.receive(JOINTS, message, T0)
    assert 'write `order: [...]`' in told(eyes, T0)[1]


def test_a_declared_order_longer_than_the_array_is_told():
    message = state(T0)
    message.position = [1.0]
    eyes = observer(source(0, 'a', order=('a', 'b')))
    eyes.receive(JOINTS, message, T0)
    assert told(eyes, T0)[0] == 'size'
    message.position = [1.0, 2.0, 3.0]
    eyes.receive(JOINTS, message, T0)
    assert values(eyes.observe(T0)) == [1], 'but an array may go on after the last name'


def test_huge_messages_and_ever_new_names_stay_small_in_memory_and_text():
    eyes = observer(source(0, 'wrist'))
    crowd = {f'joint_{number}': 0.0 for number in range(20_000)}
    eyes.receive(JOINTS, state(T0, **crowd), T0)

    def invent(first, count):
        for number in range(first, first + count):
            message = state(T0 + 1 + number, **{f'invented_{number}': 1.0})
            eyes.receive(JOINTS, message, T0 + number)

    invent(0, 500)
    assert len(told(eyes, T0 + 500)[1]) < 400
    (stream,) = eyes.streams
    assert len(stream.names_received) <= 512
    tracemalloc.start()
    try:
        invent(500, 500)
        before, _ = tracemalloc.get_traced_memory()
        invent(1000, 5000)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # Lookups that were kept would be a megabyte.
    assert after - before < 100_000


def test_names_that_are_no_names_neither_raise_nor_break_the_line():
    eyes = observer(source(0, 'wrist'))
    for names in (['\n', 'w' * 10_000, 'wrist_1'], [1, 2, None], 'wrist'):
        message = SimpleNamespace(name=names, position=[0.0] * len(names), header=header(0))
        eyes.receive(JOINTS, message, T0)
    assert "did you mean 'wrist_1'?). It has: wrist_1, " in told(eyes, T0)[1]


def test_a_frozen_camera_is_told_though_its_stamps_are_new():
    eyes = observer(source(0, 'top', RGB), frozen_after_s=1.0)
    for number in range(34):
        stamp_ns = T0 + number * 33 * MS
        eyes.receive('/top', image(stamp_ns, 7), stamp_ns)
        assert isinstance(eyes.observe(stamp_ns), Observation) == (number * 33 < 1000)
    kind, text = told(eyes, stamp_ns)
    assert kind == 'frozen'
    assert 'identical bytes under new stamps since 1.09 s' in text
    assert only_status(eyes, stamp_ns).drops == {'frozen': 3}
    eyes.receive('/top', image(stamp_ns + MS, 8), stamp_ns + MS)
    assert isinstance(eyes.observe(stamp_ns + MS), Observation)


def test_one_changed_byte_proves_a_camera_alive():
    eyes = observer(source(0, 'top', RGB), frozen_after_s=0.1)
    for number in range(10):
        stamp_ns = T0 + number * 33 * MS
        frame = image(stamp_ns, 7)
        frame.data[number] = 8
        eyes.receive('/top', frame, stamp_ns)
    assert isinstance(eyes.observe(stamp_ns), Observation)


def test_a_resting_scene_is_no_fault_unless_asked_for():
    eyes = observer(source(0, 'top', RGB))
    for number in range(100):
        eyes.receive('/top', image(T0 + number * 33 * MS, 7), T0 + number * 33 * MS)
    assert isinstance(eyes.observe(T0 + 99 * 33 * MS), Observation)


def test_a_camera_that_repeats_a_stamp_with_new_bytes_goes_stale():
    eyes = observer(source(0, 'top', RGB))
    for number in range(30):
        eyes.receive('/top', image(T0, number), T0 + number * 33 * MS)
    assert told(eyes, T0 + 29 * 33 * MS)[0] == 'stale'


def test_a_damaged_image_is_told_once_in_the_counters_and_at_every_tick():
    eyes = observer(source(0, 'top', RGB))
    frame = image(T0, 7)
    frame.step = 11
    eyes.receive('/top', frame, T0)
    for _ in range(3):
        assert told(eyes, T0) == (
            'undecodable',
            "/top: 'top' (RGB_IMAGES index 0): rgb8 image of 4 x 4: step is 11, but a row has "
            '12 bytes',
        )
    assert only_status(eyes, T0).drops == {'undecodable': 1}
    eyes.receive('/top', image(T0 + MS, 7), T0 + MS)
    assert isinstance(eyes.observe(T0 + MS), Observation)


def test_an_image_where_numbers_belong_is_malformed_and_the_reverse():
    eyes = observer(source(0, 'a'), source(0, 'top', RGB))
    eyes.receive(JOINTS, image(T0, 7), T0)
    eyes.receive('/top', state(T0, a=1.0), T0)
    seen = eyes.observe(T0)
    assert [reason.kind for reason in seen.reasons] == ['malformed', 'malformed']


def test_an_observation_is_not_changed_by_what_comes_later():
    eyes = observer(source(0, 'a'), source(0, 'top', RGB))
    eyes.receive(JOINTS, state(T0, a=1.0), T0)
    eyes.receive('/top', image(T0, 7), T0)
    before = eyes.observe(T0)
    before.inputs[RGB][:] = 0
    eyes.receive(JOINTS, state(T0 + MS, a=2.0), T0 + MS)
    assert values(before) == [1]
    assert np.all(eyes.observe(T0 + MS).inputs[RGB] == 7), 'nor can its reader change the next'


def test_an_unknown_topic_is_ignored():
    eyes = observer(source(0, 'a'))
    eyes.receive('/other', state(T0, a=1.0), T0)
    assert told(eyes, T0)[0] == 'missing'


def test_a_camera_that_changes_its_size_is_not_frozen():
    eyes = observer(source(0, 'top', RGB), frozen_after_s=0.05)
    for number, size in enumerate((4, 8, 4)):
        now_ns = T0 + number * 100 * MS
        message = image(now_ns, 7)
        message.height, message.data = size, bytes([7] * (12 * size))
        eyes.receive('/top', message, now_ns)
        assert isinstance(eyes.observe(now_ns), Observation)
