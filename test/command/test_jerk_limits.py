"""Profile ruckig: whatever a policy says, velocity, acceleration and jerk stay within limits."""

import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.small_arms import SECOND, accepted, arm, chunk, joints_of, motion_of
from neuracore_ros.command.braking import Braking, MotionState
from neuracore_ros.command.jerk_profile import JerkLimitedProfile
from neuracore_ros.command.joints import Limits
from neuracore_ros.errors import DescriptionError, UserError

pytest.importorskip('ruckig', reason='needs pip install .[ruckig]')
STEP_NS = SECOND // 20
# lower, upper, velocity, acceleration, jerk; the second joint's jerk is the default.
LIMITS = [(-1.0, 1.0, 2.0, 10.0, 200.0), (-0.3, 2.0, 1.0, 5.0), (-1e9, 1e9, 3.0, 20.0, 400.0)]
LOWER, UPPER, VELOCITY, ACCELERATION = (np.array([row[i] for row in LIMITS]) for i in range(4))
JERK = np.array([200.0, 50.0, 400.0])
NOBODY = np.zeros(len(LIMITS), bool)


def knots(spline, until_ns):
    """Positions, velocities, accelerations at both ends, and jerks, of each segment before."""
    h = np.diff(spline.times_s)[:, None]
    slope = np.diff(spline.positions, axis=0) / h
    leaving, arriving = spline.velocities[:-1], spline.velocities[1:]
    bend, skew = leaving + arriving - 2 * slope, 3 * slope - 2 * leaving - arriving
    begins, ends, jerk = 2 * skew / h, (2 * skew + 6 * bend) / h, 6 * bend / h**2
    before = spline.start_ns + spline.times_s[:-1] * 1e9 < until_ns
    return [values[before] for values in (spline.positions[1:], arriving, begins, ends, jerk)]


def check_limits(spline, until_ns):
    """What is executed until another message comes; all of it, if none does."""
    # A segment of microseconds holds no jerk that could be told from rounding.
    long = np.diff(spline.times_s) > 1e-4
    position, velocity, begins, ends, jerk = knots(spline, until_ns)
    long = long[: len(jerk)]
    assert (position >= LOWER - 1e-6).all()
    assert (position <= UPPER + 1e-6).all()
    assert (np.abs(velocity) <= VELOCITY * (1 + 1e-4)).all()
    assert (np.abs(begins[long]) <= ACCELERATION * (1 + 1e-3)).all()
    assert (np.abs(ends[long]) <= ACCELERATION * (1 + 1e-3)).all()
    assert (np.abs(jerk[long]) <= JERK * 1.01 + 1e-2).all()


targets = st.one_of(st.floats(-3.0, 3.0), st.sampled_from([-1e9, -1.0, 0.0, 1.0, 2.0, 1e9]))
events = st.lists(
    st.tuples(
        st.sampled_from(['merge', 'merge', 'extend', 'extend', 'extend', 'stop']),
        st.floats(0.0, 1.6),
        st.integers(0, 2**32 - 1),
        st.lists(targets, min_size=1, max_size=6),
    ),
    min_size=1,
    max_size=14,
)


@settings(max_examples=150, deadline=None)
@given(
    start=st.lists(st.floats(0.0, 1.0), min_size=3, max_size=3),
    events=events,
    blend_in=st.booleans(),
    max_ahead_s=st.sampled_from([0.2, 0.3, 0.5, 1.0]),
)
def test_what_is_executed_obeys_all_limits(start, events, blend_in, max_ahead_s):
    motion = motion_of(arm(*LIMITS), max_ahead_s=max_ahead_s, jerk_limited=True)
    now_ns = 10**18
    low, high = np.maximum(LOWER, -5), np.minimum(UPPER, 5)
    motion.begin(low + np.array(start) * (high - low), blend_in, now_ns)
    for what, steps, seed, values in events:
        before = motion.executed[-1]
        if what == 'stop':
            commands = motion.stop(now_ns, motion.setpoint(now_ns)[0], NOBODY)
        elif what == 'merge':
            if motion.stopping:
                now_ns += round(motion.rests_in_s(now_ns) * SECOND)
                motion.begin(motion.setpoint(now_ns)[0], blend_in, now_ns)
                before = motion.executed[-1]
            commands = motion.merge(chunk(seed, values, len(LIMITS)), now_ns)
        else:
            commands = motion.extend(now_ns)
        after = motion.executed[-1]
        for command in commands:
            assert what == 'stop' or command.times_s[-1] <= max_ahead_s + 1e-9
            accepted(command, now_ns)
            for one, other in zip(after.at(now_ns), before.at(now_ns), strict=True):
                assert np.allclose(one, other, atol=1e-9)
            away = np.abs(after.acceleration_at(now_ns) - before.acceleration_at(now_ns))
            # The jerk of a microsecond, where two changes of jerk were taken for one.
            assert (away <= 1e-3 * ACCELERATION).all() or now_ns >= before.end_ns
            assert not after.velocities[-1].any()
            check_limits(after, after.end_ns)
        now_ns += round(steps * STEP_NS)


@settings(max_examples=200, deadline=None)
@given(
    velocity=st.lists(st.floats(-1.0, 1.0), min_size=3, max_size=3),
    acceleration=st.lists(st.floats(-1.0, 1.0), min_size=3, max_size=3),
)
def test_braking_ends_at_rest_within_acceleration_and_jerk(velocity, acceleration):
    limits = Limits.of(joints_of(arm(*LIMITS)).joints)
    start = MotionState(
        np.zeros(3), np.array(velocity) * VELOCITY, np.array(acceleration) * ACCELERATION
    )
    braking = Braking.of(start, limits)
    assert (braking.durations >= 0).all()
    states = braking.at(np.linspace(0, braking.duration_s, 400))
    assert np.allclose(states.velocity[-1], 0, atol=1e-9)
    assert np.allclose(states.acceleration[-1], 0, atol=1e-9)
    assert (np.abs(states.acceleration) <= ACCELERATION * (1 + 1e-9)).all()
    low, high = braking.range()
    assert (states.position >= low - 1e-9).all()
    assert (states.position <= high + 1e-9).all()
    assert np.allclose(states.position.min(axis=0), low, atol=1e-3)
    assert np.allclose(states.position.max(axis=0), high, atol=1e-3)


def test_braking_takes_the_least_time():
    # v/a + a/j where the acceleration is reached, else 2 sqrt(v/j).
    limits = Limits.of(joints_of(arm((-9, 9, 5.0, 10.0, 100.0), (-9, 9, 5.0, 10.0, 100.0))).joints)
    still = np.zeros(2)
    braking = Braking.of(MotionState(still, np.array([2.0, -0.25]), still), limits)
    assert braking.durations.sum(axis=0) == pytest.approx([0.3, 0.1])


def swing(motion, steps=100, every=8):
    """Follow a slow sine; the executed positions at each step, and the sine."""
    seen, wanted = [], []
    motion.begin(np.zeros(1), False, 0)
    for k in range(steps):
        now_ns = k * STEP_NS
        path = 0.4 * (1 - np.cos(0.08 * (k + 1 + np.arange(16))))[:, None]
        (motion.merge(path, now_ns) if k % every == 0 else motion.extend(now_ns))
        seen.append(motion.setpoint(now_ns)[0][0])
        wanted.append(0.4 * (1 - np.cos(0.08 * k)))
    return np.array(seen), np.array(wanted)


def test_a_path_within_the_limits_is_followed():
    motion = motion_of(arm((-1, 1, 2.0, 10.0)), jerk_limited=True)
    seen, wanted = swing(motion)
    assert np.abs(seen - wanted).max() < 2e-3


def test_a_step_is_reached_in_the_least_time():
    motion = motion_of(arm((-1, 1, 2.0, 10.0, 100.0)), jerk_limited=True)
    motion.begin(np.zeros(1), False, 0)
    motion.merge(np.full((16, 1), 0.2), 0)
    for k in range(1, 16):
        motion.extend(k * STEP_NS)
    # 0.2 rad at 10 rad/s2 and 100 rad/s3 take 0.38 s; the step is one of 0.05 s.
    arrived = [abs(motion.setpoint(k * STEP_NS)[0][0] - 0.2) < 1e-3 for k in range(16)]
    assert arrived.index(True) == 8


def test_joints_that_could_not_brake_within_max_ahead_are_slowed_and_named():
    profile = JerkLimitedProfile(joints_of(arm((-1, 1, 3.0, 2.0))), 0.05, 0.5)
    (line,) = profile.warnings
    assert line == (
        "'j0' is kept to 0.4 of 3 rad/s: from there it brakes within max_ahead_s (0.5 s)"
    )
    assert JerkLimitedProfile(joints_of(arm((-1, 1, 3.0, 20.0))), 0.05, 0.5).warnings == ()


def test_a_joint_without_acceleration_is_refused_by_name():
    with pytest.raises(DescriptionError, match="'j1' has no acceleration limit. Add under limits"):
        JerkLimitedProfile(joints_of(arm((-1, 1, 1.0, 1.0), (-1, 1, 1.0))), 0.05, 0.5)


def test_without_ruckig_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, 'ruckig', None)
    with pytest.raises(UserError, match=r"not installed: pip install 'neuracore_ros\[ruckig\]'"):
        JerkLimitedProfile(joints_of(arm((-1, 1, 1.0, 1.0))), 0.05, 0.5)


def test_too_short_a_max_ahead_is_refused():
    with pytest.raises(UserError, match='it must be at least 4 steps'):
        JerkLimitedProfile(joints_of(arm((-1, 1, 1.0, 1.0))), 0.05, 0.1)
