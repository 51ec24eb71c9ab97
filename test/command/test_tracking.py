"""Which measurements are believed."""

import numpy as np

from helpers.small_arms import SECOND, arm, joints_of
from neuracore_ros.command.tracking import Measured, Tracking


def tracking(*steps):
    """After steps of (positions, stamps in steps of 50 ms) of two joints of 1 rad/s."""
    made = Tracking(joints_of(arm((-3, 3, 1.0), (-3, 3, 1.0))), max_error=0.3)
    for step in steps:
        made.note(step and measured(*step))
    return made


def measured(positions, stamps):
    return Measured(np.array(positions, float), np.array(stamps) * SECOND // 20)


def test_one_measurement_is_not_enough_and_a_second_that_agrees_is():
    assert not tracking(([0, 0], [0, 0])).confirmed
    assert tracking(([0, 0], [0, 0]), ([0, 0.1], [1, 1])).confirmed


def test_the_same_sample_twice_is_no_second_one():
    assert not tracking(([0, 0], [0, 0]), ([0, 0], [0, 0])).confirmed


def test_joints_of_slow_topics_may_take_turns():
    steps = ([0, 0], [0, 0]), ([0, 0], [1, 0]), ([0, 0], [1, 2])
    assert not tracking(*steps[:2]).confirmed
    assert tracking(*steps).confirmed


def test_after_a_gap_or_a_jump_it_begins_anew():
    steady = ([0, 0], [0, 0]), ([0, 0], [1, 1])
    assert not tracking(*steady, None, ([0, 0], [3, 3])).confirmed
    assert not tracking(*steady, ([0, 1], [2, 2])).confirmed
    assert tracking(*steady, ([0, 1], [2, 2]), ([0, 1], [3, 3])).confirmed


def test_a_joint_that_moves_faster_than_any_robot_has_jumped():
    seen = tracking(([0, 0], [0, 0]))
    assert seen.jumped(measured([0.2, 0.3], [1, 1])).tolist() == [False, True]
    # Longer ago, it may have come there.
    assert not seen.jumped(measured([0.2, 0.3], [4, 4])).any()
