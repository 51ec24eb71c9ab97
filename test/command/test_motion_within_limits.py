"""Whatever a policy says and whenever: what the controller plays stays within the limits."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.small_arms import SECOND, accepted, arm, chunk, motion_of, played, sampled
from neuracore_ros.command.plan import BLENDS

STEP_NS = SECOND // 20
LIMITS = [(-1.0, 1.0, 2.0), (-0.3, 2.0, 1.0), (0.0, 0.04, 0.1), (-1.0, 1.0, 3.0, 8.0)]
LOWER, UPPER, VELOCITY = (np.array([limit[i] for limit in LIMITS]) for i in range(3))
NOBODY = np.zeros(len(LIMITS), bool)

targets = st.one_of(st.floats(-3.0, 3.0), st.sampled_from([-1e9, -1.0, 0.0, 1.0, 2.0, 1e9]))
events = st.lists(
    st.tuples(
        st.sampled_from(['merge', 'merge', 'extend', 'extend', 'stop']),
        st.floats(0.0, 1.6),
        st.integers(0, 2**32 - 1),
        st.lists(targets, min_size=1, max_size=6),
    ),
    min_size=1,
    max_size=14,
)


def check(command, motion, before, now_ns):
    """All that must hold of every message that follows a motion."""
    accepted(command, now_ns)
    position, velocity = before
    assert np.allclose(motion.setpoint(now_ns)[0], position, atol=1e-9)
    assert np.allclose(motion.setpoint(now_ns)[1], velocity, atol=1e-9)
    positions, velocities = sampled(played(command, position, velocity, now_ns))
    assert (positions >= LOWER - 1e-8).all()
    assert (positions <= UPPER + 1e-8).all()
    assert (np.abs(velocities) <= VELOCITY * (1 + 1e-6)).all()
    # A controller that does not measure velocities starts each message at rest. What first goes
    # on as before, at a stop or close to a position limit, is then up to a third faster.
    follows = command.times_s[0] == pytest.approx(0.05) and not motion.stopping
    positions, velocities = sampled(played(command, position, np.zeros(len(LIMITS)), now_ns))
    assert (positions >= LOWER - 1e-8).all()
    assert (positions <= UPPER + 1e-8).all()
    assert (np.abs(velocities) <= VELOCITY * (1.0 if follows else 4 / 3) * (1 + 1e-6)).all()


@settings(max_examples=300, deadline=None)
@given(
    start=st.lists(st.floats(0.0, 1.0), min_size=4, max_size=4),
    events=events,
    blend=st.sampled_from(sorted(BLENDS)),
    blend_in=st.booleans(),
    max_ahead_s=st.sampled_from([0.05, 0.1, 0.5]),
    grips=st.sampled_from([(), (2,), (0, 1, 2, 3)]),
)
def test_no_message_leaves_the_limits_or_jumps(start, events, blend, blend_in, max_ahead_s, grips):
    motion = motion_of(arm(*LIMITS, grips=grips), blend=blend, max_ahead_s=max_ahead_s)
    now_ns = 10**18
    motion.begin(LOWER + np.array(start) * (UPPER - LOWER), blend_in, now_ns)
    for what, steps, seed, values in events:
        before = motion.setpoint(now_ns)
        if what == 'stop':
            commands = motion.stop(now_ns, before[0], NOBODY)
        elif what == 'merge':
            if motion.setpoint(now_ns) and motion.stopping:
                now_ns = max(now_ns, now_ns + round(motion.rests_in_s(now_ns) * SECOND))
                motion.begin(motion.setpoint(now_ns)[0], blend_in, now_ns)
                before = motion.setpoint(now_ns)
            commands = motion.merge(chunk(seed, values, len(LIMITS)), now_ns)
        else:
            commands = motion.extend(now_ns)
        for command in commands:
            assert what == 'stop' or command.times_s[-1] <= max_ahead_s + 1e-9
            check(command, motion, before, now_ns)
        now_ns += round(steps * STEP_NS)


def test_a_gripper_that_is_too_slow_for_its_step_does_not_slow_the_arm_down():
    limits = [(-1.0, 1.0, 2.0), (0.0, 0.04, 0.1)]
    motion = motion_of(arm(*limits, grips=(1,)))
    motion.begin(np.array([0.0, 0.04]), False, 0)
    (command,) = motion.merge(np.array([[0.05 * i, 0.0] for i in range(1, 11)]), 0)
    # At the end it brakes from 1 rad/s, in an eighth of a second.
    np.testing.assert_allclose(command.positions[:7, 0], 0.05 * np.arange(1, 8))
    np.testing.assert_allclose(command.positions[-1, 0], 0.35 + 0.5 * 0.125, atol=1e-6)
    assert command.positions[0, 1] > 0.03
    assert command.positions[-1, 1] < 0.015
