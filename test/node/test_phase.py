"""Ticks move towards the arrivals of images."""

import pytest

from neuracore_ros.node.phase import Phase


def run(rate_hz, camera_hz, offset_s, seconds=20.0, drift=0.0):
    """The wait of every tick behind the newest image [s], and the periods of the ticks."""
    phase = Phase(1 / rate_hz)
    now, earlier, arrived, waits, periods = 0.0, 0.0, 0, [], []
    while now < seconds:
        while (arrival := offset_s + arrived * (1 + drift) / camera_hz) <= now:
            phase.arrived(arrival)
            newest, arrived = arrival, arrived + 1
        if arrived:
            waits.append(now - newest)
        period, earlier = 1 / rate_hz - earlier, phase.tick(now)
        periods.append(period)
        now += period
    return waits, periods


@pytest.mark.parametrize('offset_ms', [0.5, 5, 12, 25, 33])
def test_an_image_that_was_always_old_becomes_fresh(offset_ms):
    waits, _ = run(10.0, 30.0, offset_ms / 1e3)
    assert all(0.0 < wait < 0.004 for wait in waits[-20:])


def test_a_step_stays_as_long_as_in_training_within_five_percent():
    _, periods = run(10.0, 30.0, 0.005)
    assert all(0.0949 < period < 0.1051 for period in periods)
    assert min(periods) < 0.0999


def test_a_camera_whose_clock_drifts_is_followed():
    waits, _ = run(10.0, 30.0, 0.005, seconds=120.0, drift=2e-4)
    assert max(waits[300:]) < 0.006


def test_rates_that_do_not_divide_are_left_alone_once_some_tick_is_close():
    waits, periods = run(20.0, 30.0, 0.010)
    assert min(waits[-4:]) < 0.004
    assert periods[-40:] == [0.05] * 40


def test_without_images_nothing_moves():
    phase = Phase(0.1)
    assert {phase.tick(0.1 * n) for n in range(100)} == {0.0}
