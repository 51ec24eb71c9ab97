"""The node's last words, of steps on a clock that somebody sets."""

import pytest

pytest.importorskip('rclpy')

from neuracore_ros.node.rate_statistics import RateStatistics
from neuracore_ros.runner import Counters

SECOND_NS = 10**9


@pytest.mark.parametrize('jump_s', [1_795_967_548.0, -1_795_967_548.0])
def test_a_simulated_clock_that_is_set_is_no_time_of_activity(jump_s):
    statistics = RateStatistics(20.0)
    for start_s in (100.0, 101.0 + jump_s):
        for step in range(20):
            statistics.step(round((start_s + step / 20) * SECOND_NS), ())
    assert statistics.rate_hz == pytest.approx(20.0)
    said = 'active for 1.9 s: 20.00 of 20 steps a second, longest gap 0.050 s'
    assert statistics.report(Counters()).startswith(said)
