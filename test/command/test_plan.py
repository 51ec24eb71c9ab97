"""The plan: predictions that follow each other."""

import numpy as np
import pytest

from neuracore_ros.command.plan import BLENDS, Plan, merged, seam

STEP = 50_000_000


def plan(*positions, origin_ns=0):
    return Plan(origin_ns, STEP, np.array(positions, float)[:, None])


def test_setpoint_i_is_due_i_plus_one_steps_after_the_prediction_came():
    times = STEP * np.arange(4)
    assert plan(0, 1, 2).at(times)[:, 0].tolist() == [0, 1, 2, 2]


def test_between_setpoints_it_is_straight():
    assert plan(0, 1, 3).at(np.array([STEP // 2, STEP + STEP // 4]))[:, 0].tolist() == [0.5, 1.5]


def test_none_takes_the_new_prediction_at_once():
    after = merged(plan(0, 0, 0, 0), np.ones((5, 1)), STEP, BLENDS['none'])
    assert after.positions[:, 0].tolist() == [0, 1, 1, 1, 1, 1]
    assert after.end_ns == 6 * STEP


def test_linear_shares_only_the_steps_that_both_cover():
    # The old plan has two steps left; its last two setpoints fade out over them.
    after = merged(plan(0, 0, 0, 0), np.ones((5, 1)), STEP, BLENDS['linear'])
    assert after.positions[:, 0] == pytest.approx([0, 1 / 3, 2 / 3, 1, 1, 1])


def test_linear_takes_over_within_four_steps():
    after = merged(plan(*[0] * 20), np.ones((10, 1)), STEP, BLENDS['linear'])
    assert after.positions[1:6, 0] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0])


def test_an_old_plan_that_has_ended_is_not_blended():
    after = merged(plan(0, 0), np.ones((2, 1)), 5 * STEP, BLENDS['linear'])
    assert after.positions[:, 0].tolist() == [0, 1, 1]


def test_minimum_jerk_takes_over_gently_at_both_ends():
    after = merged(plan(*[0] * 20), np.ones((10, 1)), STEP, BLENDS['minimum_jerk'])
    share = after.positions[1:6, 0]
    # 10 t^3 - 15 t^4 + 6 t^5 at 0.2, 0.4, 0.6, 0.8.
    assert share == pytest.approx([0.05792, 0.31744, 0.68256, 0.94208, 1.0])


def test_an_ensemble_is_the_mean_of_all_predictions_of_a_step_the_oldest_first():
    followed = merged(plan(0), np.zeros((6, 1)), 0, BLENDS['ensemble'])
    followed = merged(followed, np.ones((6, 1)), STEP, BLENDS['ensemble'])
    followed = merged(followed, np.full((6, 1), 3.0), 2 * STEP, BLENDS['ensemble'])
    weights = np.exp(-0.01 * np.arange(3))
    three = weights @ [0, 1, 3] / weights.sum()
    # From step 7 on the first prediction has ended; of the others the second is now the oldest.
    two = weights[:2] @ [1, 3] / weights[:2].sum()
    assert followed.positions[1:, 0] == pytest.approx([three] * 4 + [two, 3.0])


def test_an_ensemble_forgets_predictions_that_have_ended():
    followed = plan(0)
    for step in range(20):
        followed = merged(followed, np.zeros((4, 1)), step * STEP, BLENDS['ensemble'])
    assert len(followed.chunks) == 4


def test_a_seam_is_how_far_the_plan_moved_at_the_first_step_that_both_cover():
    before = plan(0, 0.1, 0.2, 0.3)
    after = merged(before, np.array([[0.5], [0.6]]), STEP, BLENDS['none'])
    assert seam(before, after) == pytest.approx(0.3)
    assert seam(before, merged(before, np.ones((2, 1)), 3 * STEP, BLENDS['none'])) is None
