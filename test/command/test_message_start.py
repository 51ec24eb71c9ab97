"""How a message begins for a robot that is not quite where it was sent."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from helpers.small_arms import arm, joints_of
from neuracore_ros.command.joints import Limits
from neuracore_ros.command.message import delayed_first_knot
from neuracore_ros.command.spline import Spline, fastest

LIMITS = Limits.of(joints_of(arm((-9, 9, 1.0), (-9, 9, 1.0))).joints)
STILL = np.zeros(2)


def straight(*times_s, speed=0.5):
    """A motion at one speed that ends at once, with knots at these times."""
    times = np.array([0.0, *times_s])
    path = times[:, None] * [speed, -speed]
    return Spline(0, times, path, np.tile([speed, -speed], (len(times), 1)))


def first_s(spline, lag, enough_s=0.05, limits=LIMITS):
    return delayed_first_knot(spline, lag, limits, enough_s).times_s[1]


def test_a_robot_at_its_setpoint_is_sent_every_knot():
    motion = straight(1e-6, 0.001, 0.01, 0.05, 0.1)
    assert delayed_first_knot(motion, STILL, LIMITS, 0.05) is motion


@pytest.mark.parametrize(
    ('lag', 'first'),
    [(1e-6, 0.001), (1e-3, 0.01), (0.01, 0.05), (-0.01, 0.01), (0.2, 0.05)],
)
def test_the_more_it_lags_the_later_is_the_first_point_but_a_step_is_late_enough(lag, first):
    motion = straight(1e-6, 0.001, 0.01, 0.05, 0.1)
    assert first_s(motion, np.array([lag, 0.0])) == first


def test_where_nobody_knows_how_far_it_lags_the_first_point_is_a_step_away():
    assert first_s(straight(1e-4, 0.02, 0.04, 0.05, 0.1), None) == 0.05


def test_the_last_knot_is_always_sent():
    assert first_s(straight(1e-4, 0.02), np.array([0.3, 0.0])) == 0.02
    assert first_s(straight(1e-4), None) == 1e-4


def test_a_joint_that_is_about_to_rest_at_its_limit_is_not_sent_beyond_it():
    # The first joint rests after 20 ms, half a hundredth further; the other one lags.
    motion = Spline(
        0,
        np.array([0.0, 0.02, 0.5]),
        np.array([[0.995, 0.0], [1.0, 0.01], [1.0, 0.2]]),
        np.array([[0.5, 0.5], [0.0, 0.5], [0.0, 0.0]]),
    )
    near = Limits.of(joints_of(arm((-1, 1, 1.0), (-9, 9, 1.0))).joints)
    # To leave the knot out would send the first joint 0.03 beyond its limit: 30 times as bad.
    assert first_s(motion, np.array([0.0, 0.02]), np.inf, near) == 0.02
    assert first_s(motion, np.array([0.0, 0.02]), np.inf) == 0.5


@settings(max_examples=300, deadline=None)
@given(
    times=st.lists(st.floats(1e-6, 0.4), min_size=1, max_size=6, unique=True),
    lag=st.tuples(st.floats(-0.2, 0.2), st.floats(-0.2, 0.2)),
    seed=st.integers(0, 2**32 - 1),
)
# The last knot was taken for late enough, and asked for more speed than the first one.
@example([0.03125, 0.0078125], (0.0, 0.0), 7825184)
def test_no_robot_has_to_hurry_more_than_it_would_have_had_to(times, lag, seed):
    random = np.random.default_rng(seed)
    times_s = np.array([0.0, *sorted(times)])
    motion = Spline(
        0,
        times_s,
        random.uniform(-0.1, 0.1, (len(times_s), 2)),
        random.uniform(-1, 1, (len(times_s), 2)),
    )

    def hurry(spline):
        ways = (spline.positions[:1] - lag, spline.positions[1:2])
        return fastest(spline.times_s[1], ways, (spline.velocities[:1], spline.velocities[1:2]))

    opened = delayed_first_knot(motion, np.array(lag), LIMITS, 0.05)
    assert opened.times_s[1] >= motion.times_s[1]
    assert opened.times_s[-1] == motion.times_s[-1]
    assert (opened.positions[0] == motion.positions[0]).all()
    before, after = hurry(motion).max(), hurry(opened).max()
    assert after <= max(before, 1.001) or opened.times_s[1] >= 0.04995
