"""Velocities, torques and other numbers, message by message: they end whatever happens."""

import numpy as np
import pytest

from neuracore_ros.command.plan import BLENDS
from neuracore_ros.command.streamed import REPEATS
from neuracore_ros.command.streamed_values import StreamedValues
from neuracore_ros.description import DataType
from neuracore_ros.description.direct import DirectLimit, DirectSlot

STEP_NS = 50_000_000
PERIOD_NS = 10_000_000
NONE = BLENDS['none']
NOWHERE = np.array([np.nan])


def slot(name, most=1.0, change=None, holds=False):
    return DirectSlot(
        DataType.JOINT_VELOCITIES, 0, name, name, 1.0, 0.0, DirectLimit(most, change), holds
    )


def values_of(*slots, max_ahead_s=0.5):
    return StreamedValues(slots, STEP_NS / 1e9, PERIOD_NS / 1e9, max_ahead_s)


def play(values, start_ns, until_ns):
    """All that is sent from one time on until another, a message a period, (N, D)."""
    times = range(start_ns, until_ns, PERIOD_NS)
    sent = [values.next(now_ns) for now_ns in times]
    return np.array([message for message in sent if message is not None])


def begun(*slots, wants=0.8, steps=8, **more):
    values = values_of(*slots, **more)
    values.begin(0)
    values.merge(np.full((steps, len(slots)), wants), 0, NONE)
    return values


def test_nothing_is_sent_before_the_first_prediction():
    values = values_of(slot('a'))
    assert values.next(0) is None
    values.begin(0)
    assert values.next(0) is None
    assert values.rests_in_s(0) == 0.0
    values.stop()
    assert values.next(PERIOD_NS) is None


def test_what_is_wanted_for_the_next_step_is_sent_at_once():
    values = values_of(slot('a'))
    values.begin(0)
    values.merge(np.array([[0.1], [0.3], [0.5]]), 0, NONE)
    sent = play(values, 0, 2 * STEP_NS)
    assert sent[0] == pytest.approx(0.1)
    assert sent[5] == pytest.approx(0.3)
    assert (np.diff(sent[:, 0]) > 0.0).all()


def test_no_number_leaves_its_limit_and_each_clamped_step_counts():
    values = begun(slot('a'), slot('b', most=0.2), wants=3.0)
    sent = play(values, 0, STEP_NS)
    assert np.abs(sent).max(axis=0).tolist() == [1.0, 0.2]
    assert values.clamps == 8


def test_no_number_changes_faster_than_its_acceleration():
    values = begun(slot('a', change=4.0), wants=1.0)
    sent = play(values, 0, 6 * STEP_NS)
    assert np.abs(np.diff(np.concatenate([[0.0], sent[:, 0]]))).max() <= 0.04 + 1e-9
    assert sent[-1] == pytest.approx(1.0)


@pytest.mark.parametrize('change', [None, 4.0, 0.5])
@pytest.mark.parametrize('max_ahead_s', [0.1, 0.5])
def test_a_stop_ramps_to_zero_within_max_ahead_and_says_it_again(change, max_ahead_s):
    values = begun(slot('a', change=change), wants=1.0, steps=40, max_ahead_s=max_ahead_s)
    sent = play(values, 0, 30 * STEP_NS)
    values.stop()
    left_s = values.rests_in_s(30 * STEP_NS)
    stop = play(values, 30 * STEP_NS, 60 * STEP_NS)
    zeros = int(np.sum(stop[:, 0] == 0.0))
    assert zeros == REPEATS
    assert (len(stop) - zeros) * PERIOD_NS / 1e9 <= max_ahead_s
    assert len(stop) * PERIOD_NS / 1e9 <= left_s + 1e-6
    path = np.concatenate([sent[-1:], stop])[:, 0]
    assert (np.diff(path) <= 0.0).all()
    if change:
        assert np.abs(np.diff(path)).max() <= change * PERIOD_NS / 1e9 + 1e-9


def test_what_cannot_come_to_rest_in_time_is_kept_slower_and_told():
    values = begun(slot('base', change=0.5), wants=1.0, steps=60)
    (line,) = values.warnings
    assert line.startswith("'base' is kept to 0.245 of 1: from there it comes to rest within max")
    assert play(values, 0, 50 * STEP_NS).max() == pytest.approx(0.245)


def test_all_numbers_come_to_rest_together_so_that_a_base_keeps_its_curve():
    values = values_of(slot('forward'), slot('turn', most=2.0))
    values.begin(0)
    values.merge(np.tile([0.8, -0.4], (8, 1)), 0, NONE)
    play(values, 0, STEP_NS)
    values.stop()
    stop = play(values, STEP_NS, 20 * STEP_NS)
    moving = stop[stop[:, 0] != 0.0]
    assert moving[:, 1] / moving[:, 0] == pytest.approx(np.full(len(moving), -0.5))


def test_a_plan_that_nobody_renews_ends_without_a_word_from_anybody():
    values = begun(slot('a'), steps=4)
    sent = play(values, 0, 40 * STEP_NS)
    assert sent[-1] == 0.0
    assert len(sent) * PERIOD_NS <= (4 + 1) * STEP_NS + 0.25e9 + (REPEATS + 1) * PERIOD_NS
    assert values.at_rest


def test_a_late_call_does_not_make_a_stop_longer():
    values = begun(slot('a'), wants=1.0)
    play(values, 0, STEP_NS)
    values.stop()
    assert values.next(STEP_NS + 400_000_000) == 0.0


def test_a_clock_that_jumps_is_no_time_that_has_passed():
    values = begun(slot('a', change=1.0), wants=0.4)
    play(values, 0, STEP_NS)
    hour_ns = 3600 * 10**9
    before = values.values.copy()
    values.shift(hour_ns)
    values.stop()
    after = values.next(hour_ns + STEP_NS)
    assert 0.0 <= before[0] - after[0] <= 0.011
    values.shift(-2 * hour_ns)
    assert values.next(-hour_ns) <= after


def test_a_stop_that_holds_ends_in_what_was_measured_when_it_began():
    values = values_of(slot('lift', most=20.0, holds=True))
    values.measure(np.array([9.0]), NOWHERE)
    values.begin(0)
    values.merge(np.full((8, 1), 12.0), 0, NONE)
    play(values, 0, STEP_NS)
    values.measure(np.array([10.0]), NOWHERE)
    values.stop()
    values.measure(np.array([-50.0]), NOWHERE)
    values.measure(np.array([np.nan]), NOWHERE)
    assert play(values, STEP_NS, 20 * STEP_NS)[-1] == 10.0


def test_what_is_held_stays_within_the_limit():
    values = values_of(slot('lift', most=5.0, holds=True))
    values.measure(np.array([30.0]), NOWHERE)
    values.begin(0)
    values.merge(np.full((2, 1), 1.0), 0, NONE)
    values.stop()
    assert np.abs(play(values, 0, 20 * STEP_NS)).max() == 5.0


def test_a_prediction_in_the_middle_of_a_ramp_goes_on_from_there():
    values = begun(slot('a', change=4.0), wants=1.0)
    play(values, 0, 6 * STEP_NS)
    values.stop()
    play(values, 6 * STEP_NS, 8 * STEP_NS)
    middle = values.values[0]
    assert 0.5 < middle < 1.0
    values.begin(8 * STEP_NS)
    values.merge(np.full((8, 1), 1.0), 8 * STEP_NS, NONE)
    assert values.next(8 * STEP_NS)[0] == pytest.approx(middle + 0.04)


def test_a_start_right_after_a_message_is_no_faster_than_any_other():
    values = begun(slot('a', change=4.0), wants=1.0)
    values.stop()
    play(values, 0, 2 * STEP_NS)
    assert values.at_rest
    values.begin(2 * STEP_NS)
    values.merge(np.full((8, 1), 1.0), 2 * STEP_NS, NONE)
    assert values.next(2 * STEP_NS)[0] == pytest.approx(0.04)


def test_what_is_forgotten_is_not_sent():
    values = begun(slot('a'))
    play(values, 0, STEP_NS)
    values.forget()
    assert values.next(STEP_NS) is None
    assert values.values.tolist() == [0.0]
