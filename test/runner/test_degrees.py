"""A robot that is commanded in degrees: the node's distances stay radians."""

import numpy as np
import pytest

from helpers.runner_rig import ROBOT, Rig, make_runner

DEGREE = 0.017453292519943295
DEGREES = (
    ROBOT.replace('position: [-1, 1], velocity: 2.0', 'position: [-60, 60], velocity: 115.0')
    .replace(
        'position: [-2, 0.5], velocity: 1.0, acceleration: 10.0', 'position: none, velocity: 60.0'
    )
    .replace('topic: joint_states', f'topic: joint_states, scale: {DEGREE}')
    .replace('topic: arm', f'topic: arm, scale: {DEGREE}')
)


def rig_of(folder, model, start=(0.0, 0.0), **settings):
    rig = Rig(make_runner(folder, DEGREES, **settings), model=model, start=start)
    rig.velocity = np.array([115.0, 60.0])
    return rig


def wanting(a, b=0.0):
    return lambda request: np.tile([a, 0.0, b], (16, 1))


def test_what_is_near_in_radians_starts_at_once(tmp_path):
    near = rig_of(tmp_path, wanting(0.09)).step(20)
    assert (near.state, near.runner.reason) == ('RUNNING', '')
    assert near.positions[0] == pytest.approx(0.09 / DEGREE, abs=1e-3)


def test_what_is_far_in_radians_is_refused_with_the_distance_as_start_max_has_it(tmp_path):
    far = rig_of(tmp_path, wanting(0.6)).step(6)
    assert far.state == 'HOLDING'
    assert far.runner.reason == (
        "first action of 'a' is 34.377, measured 0.000: 0.600 rad or m apart, more than "
        'start_max 0.5'
    )


def test_a_lag_of_some_degrees_is_no_fault_and_one_of_twenty_is(tmp_path):
    def sweep(request):
        due = request.tick + 1 + np.arange(16)[:, None]
        return np.minimum(0.02 * due, 0.9) * np.array([1.0, 0.0, 0.0])

    rig = rig_of(tmp_path, sweep).step(8)
    rig.follows = False
    rig.step(3)
    assert rig.state == 'RUNNING'
    rig.step(20)
    assert rig.state == 'HOLDING'
    assert "'a' does not follow" in rig.runner.reason
    frozen = rig.positions.copy()
    rig.follows = True
    rig.step(20)
    assert np.abs(rig.positions - frozen).max() * DEGREE <= 0.02


def test_a_continuous_joint_turns_after_360_and_not_after_six(tmp_path):
    # It is measured half a turn away from zero, and wanted just beyond.
    turning = rig_of(tmp_path, wanting(0.0, -3.1), start=(0.0, 179.0)).step(20)
    assert turning.state == 'RUNNING'
    assert turning.positions[1] == pytest.approx(360.0 - 3.1 / DEGREE, abs=1e-2)
