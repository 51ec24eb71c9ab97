"""Stopping: one motion that brakes every joint from the setpoint to rest."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.small_arms import SECOND, accepted, arm, motion_of, sampled
from neuracore_ros.command.braking import LONGEST_CATCH_UP_S, stop
from neuracore_ros.command.joints import Limits

ONE, NONE = np.zeros(1, bool), np.zeros(2, bool)


def limits(*rows):
    return Limits.of([joint for command in [arm(*rows)] for joint in command.joints])


def at(position, speed):
    return np.atleast_1d(float(position)), np.atleast_1d(float(speed))


def test_a_joint_brakes_with_its_own_acceleration_limit():
    spline = stop(0, at(0.0, 1.0), limits((-9, 9, 2.0, 5.0)), None, ONE)
    assert spline.times_s[-1] == pytest.approx(0.2)
    assert spline.positions[-1, 0] == pytest.approx(0.1)
    # A parabola: the speed falls evenly.
    assert spline.at(SECOND // 10)[1][0] == pytest.approx(0.5)


def test_without_one_full_speed_is_brought_to_rest_in_a_quarter_second():
    spline = stop(0, at(0.0, 2.0), limits((-9, 9, 2.0)), None, ONE)
    assert spline.times_s[-1] == pytest.approx(0.25)
    assert spline.positions[-1, 0] == pytest.approx(0.25)


def test_all_joints_brake_together_so_that_the_direction_stays():
    setpoint = (np.zeros(2), np.array([2.0, -0.5]))
    spline = stop(0, setpoint, limits((-9, 9, 2.0), (-9, 9, 2.0)), None, NONE)
    positions, _ = sampled(spline)
    assert positions[:, 1] == pytest.approx(-0.25 * positions[:, 0])


def test_a_joint_close_to_its_limit_brakes_harder_and_ends_there():
    setpoint = (np.array([0.95, 0.0]), np.array([2.0, 2.0]))
    spline = stop(0, setpoint, limits((-1, 1, 2.0), (-9, 9, 2.0)), None, NONE)
    positions, _ = sampled(spline)
    assert positions[:, 0].max() == pytest.approx(1.0, abs=1e-6)
    assert positions[:, 0].max() <= 1.0
    assert positions[-1, 1] == pytest.approx(0.25)


def test_a_robot_that_lags_behind_gets_time_to_arrive():
    measured = np.array([0.02])
    near = stop(0, at(0.0, 0.0), limits((-1, 1, 1.0)), None, ONE)
    behind = stop(0, at(0.22, 0.0), limits((-1, 1, 1.0)), measured, ONE)
    assert near.times_s[-1] == pytest.approx(0.1)
    # From rest to rest over 0.2 rad: 1.5 * 0.2 / 0.3 s is the velocity limit.
    assert behind.times_s[-1] == pytest.approx(0.3)


def test_a_lost_joint_goes_slowly_to_where_it_is_reported_to_be():
    # A dead encoder reports where the joint was; the joint itself is where it was sent.
    spline = stop(0, at(0.2, 1.0), limits((-9, 9, 3.0)), np.array([0.0]), np.ones(1, bool))
    assert spline.positions[:, 0] == pytest.approx(0.0)
    # From rest to rest over 0.2 rad, at a quarter of the velocity limit.
    assert spline.times_s[-1] == pytest.approx(1.5 * 0.2 / (0.25 * 3.0))


def test_a_joint_that_does_not_follow_is_held_where_it_was_measured():
    setpoint = (np.array([0.8, 0.0]), np.array([1.0, 1.0]))
    measured = np.array([0.2, 0.0])
    spline = stop(
        0, setpoint, limits((-1, 1, 2.0), (-1, 1, 2.0)), measured, np.array([1, 0], bool)
    )
    assert spline.positions[:, 0].tolist() == pytest.approx([0.2] * len(spline.positions))
    assert not spline.velocities[:, 0].any()
    assert spline.positions[-1, 1] > 0.1


def test_a_continuous_joint_stops():
    spline = stop(0, at(100.0, -1.0), limits((-np.inf, np.inf, 1.0)), None, ONE)
    assert spline.positions[-1, 0] == pytest.approx(99.875)


@settings(max_examples=400, deadline=None)
@given(
    where=st.lists(st.floats(0.0, 1.0), min_size=3, max_size=3),
    speed=st.lists(st.floats(-1.0, 1.0), min_size=3, max_size=3),
    lag=st.lists(st.floats(-0.3, 0.3), min_size=3, max_size=3),
    fresh=st.booleans(),
    lost=st.lists(st.booleans(), min_size=3, max_size=3),
)
def test_a_stop_starts_at_the_setpoint_and_stays_within_all_limits(where, speed, lag, fresh, lost):
    # A joint that is not given an acceleration brakes from full speed within 0.25 s.
    robot = limits((-1, 1, 2.0), (0, 0.04, 0.1), (-3, 3, 1.0, 4.0))
    position = robot.lower + np.array(where) * (robot.upper - robot.lower)
    velocity = np.array(speed) * robot.velocity
    # What is executed comes to rest before a limit, so close to one it is slow.
    velocity = np.clip(velocity, -60 * (position - robot.lower), 60 * (robot.upper - position))
    measured = np.clip(position + np.array(lag), robot.lower, robot.upper) if fresh else None
    gone = np.array(lost) & fresh
    spline = stop(0, (position, velocity), robot, measured, gone)
    positions, velocities = sampled(spline)
    assert np.allclose(positions[0][~gone], position[~gone])
    assert np.allclose(velocities[0][~gone], velocity[~gone])
    assert (positions >= robot.lower - 1e-7).all()
    assert (positions <= robot.upper + 1e-7).all()
    assert (np.abs(velocities) <= robot.velocity * (1 + 1e-6)).all()
    assert (np.diff(spline.times_s) >= 1e-9).all()
    assert not spline.velocities[-1].any()
    # The speed of a joint only falls: no segment reverses it.
    assert (velocities * np.sign(velocity) >= -1e-6 * robot.velocity).all()
    assert spline.times_s[-1] <= max(0.25, LONGEST_CATCH_UP_S) + 1e-9


def moving(speed=1.0):
    """A motion in the middle of a straight line."""
    motion = motion_of(arm((-9, 9, 2.0), (-9, 9, 2.0)))
    motion.begin(np.zeros(2), False, 0)
    motion.merge(speed * 0.05 * np.arange(1, 11)[:, None] * [1.0, -0.5], 0)
    return motion


@pytest.mark.parametrize('after_s', [0.0, 0.01, 0.13, 0.25, 0.4, 0.44])
def test_a_stop_goes_on_with_position_and_velocity_of_what_is_executed(after_s):
    motion, now_ns = moving(), round(after_s * SECOND)
    position, velocity = motion.setpoint(now_ns)
    (command,) = motion.stop(now_ns, None, NONE)
    accepted(command, now_ns)
    assert np.allclose(motion.setpoint(now_ns), (position, velocity))
    assert not command.velocities[-1].any()
    assert np.allclose(command.positions[-1], position + 0.5 * command.times_s[-1] * velocity)


def test_one_stop_is_enough():
    motion = moving()
    assert len(motion.stop(SECOND // 5, None, NONE)) == 1
    assert motion.stop(SECOND, None, NONE) == ()


def test_a_motion_that_has_ended_needs_no_stop():
    assert moving().stop(SECOND, None, NONE) == ()


def test_where_nothing_was_commanded_nothing_is_published():
    motion = motion_of(arm((-1, 1, 1.0), (-1, 1, 1.0)))
    assert motion.stop(SECOND, np.zeros(2), NONE) == ()


def test_at_rest_a_joint_that_was_moved_away_is_held_where_it_is_once():
    motion = moving()
    measured = np.array([0.1, -0.25])
    (command,) = motion.stop(SECOND, measured, np.array([1, 0], bool))
    rests_at = motion.setpoint(SECOND)[0][1]
    assert command.positions[-1].tolist() == pytest.approx([0.1, rests_at])
    assert motion.stop(2 * SECOND, measured, NONE) == ()


def test_after_a_new_start_nothing_is_compared_with_what_was_executed_before():
    # A measurement may be older than the start; the robot may have been moved by hand before it.
    motion = moving()
    motion.begin(np.array([3.0, 3.0]), False, 2 * SECOND)
    assert motion.setpoint(2 * SECOND - 1) is None
    assert motion.setpoint(2 * SECOND)[0].tolist() == [3.0, 3.0]
