"""A robot that is stopped from outside, as by an emergency stop, and let go: it stays.

All joints move, behind both starts of the controller and a lag. Whatever ends the motion meanwhile,
nothing may be left in the controller that a released joint would snap to.
"""

import importlib.util

import numpy as np
import pytest

from helpers.cyclic_controller import VARIANTS
from helpers.runner_rig import ROBOT, STEP_NS, LaggingRig, make_runner

PROFILES = ['spline', 'ruckig'] if importlib.util.find_spec('ruckig') else ['spline']
MOST = 0.02
"""What a joint may move by when the robot is let go [rad]."""

FAST = ROBOT.replace(
    'velocity: 1.0, acceleration: 10.0', 'velocity: 2.0, acceleration: 10.0'
).replace('velocity: 2.0}', 'velocity: 2.0, acceleration: 10.0}')


def sweep(request):
    """One joint at 0.72 rad/s, the other back at 0.52."""
    due = request.tick + 1 + np.arange(16)[:, None]
    return np.array([-0.9, 0.0, 0.4]) + np.array([0.036, 0.0, -0.026]) * due


def moving(folder, variant, **settings):
    runner = make_runner(folder, FAST, start_tolerance=2.0, start_max=2.0, **settings)
    rig = LaggingRig(runner, sweep, start=(-0.9, 0.4), variant=variant)
    rig.step(20)
    assert rig.state == 'RUNNING'
    return rig


def joints_die_for_a_while(rig):
    rig.joints_alive = False
    rig.step(20)
    rig.joints_alive = True


def model_raises(rig):
    def model(_):
        raise ArithmeticError('boom')

    rig.model = model


def disturbed(rig):
    rig.do(rig.runner.disturbed('/teleop commands arm, too', rig.now_ns))


def clock_jumps(rig):
    rig.skew_ns -= 9 * STEP_NS


def model_is_late(rig):
    rig.latency_steps = 40.0


def nobody_listens(rig):
    rig.listeners = {'arm': 0}


def slowed_down(rig):
    rig.hindrances = ['the robot runs at 50 % of its speed']


def disable(rig):
    rig.do(rig.runner.enable(False, rig.now_ns))


def deactivate(rig):
    rig.do(rig.runner.stop(rig.now_ns))


ENDS = [
    joints_die_for_a_while,
    model_raises,
    disturbed,
    clock_jumps,
    model_is_late,
    nobody_listens,
    slowed_down,
    disable,
    deactivate,
]


def released(rig):
    """Let the robot go; how far each joint then moves, (J,) [rad]."""
    at = rig.positions.copy()
    began = len(rig.path)
    rig.follows = True
    rig.step(40)
    return np.abs(np.array(rig.path[began:]) - at).max(axis=0)


@pytest.mark.parametrize('variant', VARIANTS)
@pytest.mark.parametrize('profile', PROFILES)
def test_a_released_emergency_stop_moves_no_joint(tmp_path, profile, variant):
    rig = moving(tmp_path, variant, profile=profile)
    rig.follows = False
    rig.step(40)
    assert rig.state == 'HOLDING', rig.runner.reason
    assert 'does not follow' in rig.runner.reason
    moved = released(rig)
    assert (moved <= MOST).all(), moved


@pytest.mark.parametrize('variant', ['measured', 'desired'])
@pytest.mark.parametrize('end', ENDS)
@pytest.mark.parametrize('steps', [3, 5])
def test_whatever_ends_the_motion_of_a_stopped_robot_leaves_it_at_rest_when_it_is_let_go(
    tmp_path, steps, end, variant
):
    rig = moving(tmp_path, variant, rearm='manual')
    rig.follows = False
    rig.step(steps)
    end(rig)
    rig.step(40)
    assert rig.state != 'RUNNING', rig.runner.reason
    moved = released(rig)
    assert (moved <= MOST).all(), moved
