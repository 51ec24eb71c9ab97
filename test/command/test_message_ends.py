"""How a message ends that is not replaced: by braking, as hard as a stop and no harder."""

import numpy as np
import pytest

from helpers.small_arms import arm, motion_of, played, sampled

BEGIN_NS = 10**18


def straight(motion, speed, steps=16):
    """The message with which a straight line is followed that has been followed for 2 s."""
    motion.begin(np.zeros(1), False, BEGIN_NS)
    for first in range(0, 40, 2):
        line = 0.05 * speed * np.arange(first + 1, first + 1 + steps)[:, None]
        (command,) = motion.merge(line, BEGIN_NS + first * 50_000_000)
    return command


def hardest(command):
    """The largest change of speed in it [rad/s2]."""
    positions = command.positions[0], command.velocities[0]
    spline = played(command, *positions, 0)
    return max(
        np.abs(spline.acceleration_at(round(1e9 * t))).max()
        for t in np.linspace(0.0, spline.times_s[-1] - 1e-6, 2000)
    )


@pytest.mark.parametrize('speed', [0.3, 1.0, 2.0])
@pytest.mark.parametrize('steps', [3, 16])
def test_a_message_that_is_not_replaced_brakes_within_the_acceleration_limit(speed, steps):
    command = straight(motion_of(arm((-9, 9, 3.0, 8.0))), speed, steps)
    assert command.times_s[-1] <= 0.5 + 1e-9
    assert not command.velocities[-1].any()
    assert hardest(command) <= 8.0 * 1.001


@pytest.mark.parametrize('speed', [0.3, 1.0, 2.0])
def test_without_an_acceleration_limit_it_brakes_as_a_stop_does(speed):
    # From the velocity limit to rest in a quarter of a second.
    assert hardest(straight(motion_of(arm((-9, 9, 3.0))), speed)) <= 12.0 * 1.001


def test_a_joint_too_fast_to_brake_within_max_ahead_is_kept_slower_and_named():
    motion = motion_of(arm((-9, 9, 3.0, 2.0)))
    assert motion.warnings == (
        "'j0' is kept to 0.8 of 3 rad/s: from there it brakes within max_ahead_s (0.5 s)",
    )
    command = straight(motion, 3.0)
    assert np.abs(command.velocities).max() <= 0.8 * 1.001
    assert command.times_s[-1] <= 0.5 + 1e-9


def test_a_joint_that_would_leave_its_range_while_it_brakes_does_not():
    motion = motion_of(arm((-1, 0.5, 2.0)))
    command = straight(motion, 2.0)
    positions, _ = sampled(played(command, command.positions[0], command.velocities[0], 0))
    assert positions.max() <= 0.5 + 1e-8


def test_where_no_message_has_time_to_brake_it_is_said():
    motion = motion_of(arm((-9, 9, 0.1, 8.0)), max_ahead_s=0.06)
    assert motion.warnings == (
        'max_ahead_s (0.06 s) leaves a message no time to brake within the limits of acceleration: '
        'let it be at least 0.075 s',
    )


def test_a_message_of_one_step_has_no_time_to_brake_and_rests_at_its_end():
    command = straight(motion_of(arm((-9, 9, 2.0)), max_ahead_s=0.05), 1.0)
    assert command.times_s[-1] == pytest.approx(0.05)
    assert not command.velocities[-1].any()
