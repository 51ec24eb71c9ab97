"""A robot stands still while the first prediction is made: what was due meanwhile is still ahead."""

import numpy as np

from neuracore_ros.description import DataType

STEPS = np.arange(1, 17)[:, None]


def moving(per_step):
    """A policy of velocities, added up from what is measured, as a server's are."""
    return lambda request: request.inputs[DataType.JOINT_POSITIONS][-1] + per_step * STEPS


def test_a_late_first_prediction_of_a_fast_policy_begins_with_its_first_row(rig):
    # Six rows later it would be 0.56 rad away, which start_max refuses, again and again.
    late = rig(model=moving(0.08), latency_steps=6.4).step(10)
    assert (late.state, late.runner.reason) == ('RUNNING', '')
    late.step(20)
    assert late.state == 'RUNNING' and late.positions[0] > 0.5


def test_a_row_that_is_due_and_near_enough_is_approached_slowly_as_ever(rig):
    late = rig(model=moving(0.03), latency_steps=6.4).step(10)
    assert (late.state, late.runner.reason) == ('RUNNING', 'blending in')


def test_a_first_row_that_is_far_is_refused_however_late_it_comes(rig):
    far = rig(model=lambda _: np.full((16, 3), 0.6), latency_steps=6.4).step(20)
    assert (far.state, far.sent) == ('HOLDING', [])
    assert 'more than start_max 0.5' in far.runner.reason
