"""Ticks move towards the arrivals of images."""

from random import Random

import pytest

from neuracore_ros.node.tick_phase import TickPhase


def run(rate_hz, camera_hz, *offsets_s, seconds=30.0, drift=0.0, shake_s=0.0):
    """The ages of the images of all cameras at every tick [s], and the periods of the ticks."""
    phase, random = TickPhase(1 / rate_hz), Random(0)
    now, earlier, ages, periods = 0.0, 0.0, [], []
    arrived, newest = [0] * len(offsets_s), [None] * len(offsets_s)
    delays = [0.0] * len(offsets_s)
    while now < seconds:
        for n, offset_s in enumerate(offsets_s):
            while (at := offset_s + delays[n] + arrived[n] * (1 + drift) / camera_hz) <= now:
                phase.arrived(f'/camera_{n}', at)
                newest[n], arrived[n] = at, arrived[n] + 1
                delays[n] = random.uniform(0.0, shake_s)
        if None not in newest:
            ages.append([now - at for at in newest])
        period, earlier = 1 / rate_hz - earlier, phase.tick(now)
        periods.append(period)
        now += period
    return ages, periods


@pytest.mark.parametrize('offset_ms', [0.5, 5, 12, 25, 33])
def test_an_image_that_was_always_old_becomes_fresh(offset_ms):
    ages, _ = run(10.0, 30.0, offset_ms / 1e3)
    assert all(0.001 < age < 0.005 for [age] in ages[-20:])


@pytest.mark.parametrize('first_ms', [0, 8, 16, 24, 32])
def test_a_tick_waits_for_the_second_of_two_cameras(first_ms):
    ages, _ = run(10.0, 30.0, first_ms / 1e3, (first_ms + 7) / 1e3)
    assert all(0.001 < second < 0.005 and first < 0.012 for first, second in ages[-20:])


def test_a_step_stays_as_long_as_in_training_within_five_percent():
    _, periods = run(10.0, 30.0, 0.005)
    assert all(0.0949 < period < 0.1051 for period in periods)
    assert min(periods) < 0.0999


def test_arrivals_that_shake_are_seldom_missed():
    ages, _ = run(10.0, 30.0, 0.012, seconds=100.0, shake_s=0.006)
    late = [age for [age] in ages[100:] if age > 0.02]
    assert len(late) < 0.1 * len(ages[100:])
    assert sum(age for [age] in ages[100:]) / len(ages[100:]) < 0.012


def test_a_camera_whose_clock_drifts_is_followed():
    ages, _ = run(10.0, 30.0, 0.005, seconds=120.0, drift=2e-4)
    assert max(age for [age] in ages[300:]) < 0.008


def test_rates_that_do_not_divide_keep_some_tick_close_to_an_arrival():
    ages, periods = run(20.0, 30.0, 0.010)
    assert min(age for [age] in ages[-4:]) < 0.005
    assert periods[-40:] == [0.05] * 40


def test_a_camera_that_has_stopped_moves_nothing():
    phase = TickPhase(0.1)
    phase.arrived('/camera', 0.0)
    phase.arrived('/camera', 0.03)
    assert {phase.tick(0.05 + 0.1 * n) for n in range(11, 60)} == {0.0}


def test_without_images_nothing_moves():
    phase = TickPhase(0.1)
    assert {phase.tick(0.1 * n) for n in range(100)} == {0.0}
