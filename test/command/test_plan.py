"""The plan: predictions that follow each other."""

import numpy as np
import pytest

from neuracore_ros.command.plan import BLENDS, Plan

STEP = 50_000_000


def plan(*positions, origin_ns=0):
    return Plan(origin_ns, STEP, np.array(positions, float)[:, None])


def test_setpoint_i_is_due_i_plus_one_steps_after_the_prediction_came():
    times = STEP * np.arange(4)
    assert plan(0, 1, 2).at(times)[:, 0].tolist() == [0, 1, 2, 2]


def test_between_setpoints_it_is_straight():
    assert plan(0, 1, 3).at(np.array([STEP // 2, STEP + STEP // 4]))[:, 0].tolist() == [0.5, 1.5]


def test_none_takes_the_new_prediction_at_once():
    merged = plan(0, 0, 0, 0).merged(np.ones((5, 1)), STEP, BLENDS['none'])
    assert merged.positions[:, 0].tolist() == [0, 1, 1, 1, 1, 1]
    assert merged.end_ns == 6 * STEP


def test_linear_shares_only_the_steps_that_both_cover():
    # The old plan has two steps left; its last two setpoints fade out over them.
    merged = plan(0, 0, 0, 0).merged(np.ones((5, 1)), STEP, BLENDS['linear'])
    assert merged.positions[:, 0] == pytest.approx([0, 1 / 3, 2 / 3, 1, 1, 1])


def test_linear_takes_over_within_four_steps():
    merged = plan(*[0] * 20).merged(np.ones((10, 1)), STEP, BLENDS['linear'])
    assert merged.positions[1:6, 0] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0])


def test_an_old_plan_that_has_ended_is_not_blended():
    merged = plan(0, 0).merged(np.ones((2, 1)), 5 * STEP, BLENDS['linear'])
    assert merged.positions[:, 0].tolist() == [0, 1, 1]
