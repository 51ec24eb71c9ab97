"""A robot that an emergency stop has frozen does not move by itself when it is let go."""

import itertools

import numpy as np
import pytest

from helpers.runner_rig import ROBOT, SECOND, LaggingRig, make_runner

NO_FURTHER = 0.02
FAST = ROBOT.replace('velocity: 1.0, acceleration: 10.0', 'velocity: 2.0')


def sweep(request):
    """Both joints are on their way all the time, at 0.72 and 0.52 rad/s."""
    due = request.tick + 1 + np.arange(16)[:, None]
    return -0.9 + np.array([0.036, 0.0, 0.026]) * due


def boom(request):
    raise ArithmeticError('boom')


def dies(rig):
    rig.joints_alive = False


def fails(rig):
    rig.model = boom


def deaf(rig):
    rig.listeners = {'arm': 0}


def mute(rig):
    rig.latency_steps = 1e6


def jump(rig):
    rig.skew_ns += SECOND


def nothing(rig):
    pass


WAYS = {
    'it does not follow': nothing,
    'disabled': lambda rig: rig.do(rig.runner.enable(False, rig.now_ns)),
    'deactivated': lambda rig: rig.do(rig.runner.stop(rig.now_ns)),
    'disturbed': lambda rig: rig.do(rig.runner.disturbed('goal aborted', rig.now_ns)),
    'stale joints': dies,
    'the model fails': fails,
    'the model is late': mute,
    'nobody listens': deaf,
    'the clock jumps': jump,
}


def moving(folder, variant, steps):
    runner = make_runner(folder, FAST, start_tolerance=2.0, start_max=2.0, rearm='manual')
    rig = LaggingRig(runner, sweep, variant=variant, start=(-0.9, -0.9))
    rig.step(steps)
    assert rig.state == 'RUNNING'
    assert (np.abs(rig.velocities) > 0.3).all()
    return rig


def moved_after_release(rig):
    """How far each joint moves by itself, once it is let go."""
    frozen = rig.positions.copy()
    rig.follows = True
    rig.step(40)
    return np.abs(rig.positions - frozen)


@pytest.mark.parametrize('variant', ['measured', 'desired'])
@pytest.mark.parametrize('frozen_steps', [0, 1, 2, 4])
@pytest.mark.parametrize('way', WAYS)
def test_no_joint_moves_on_when_the_robot_is_let_go(tmp_path, way, frozen_steps, variant):
    rig = moving(tmp_path, variant, 20)
    rig.follows = False
    rig.step(frozen_steps)
    rig.simulate(17_000_000)
    WAYS[way](rig)
    rig.step(40)
    rig.joints_alive = True
    rig.step(10)
    assert rig.state in ('HOLDING', 'DISABLED')
    assert (moved_after_release(rig) <= NO_FURTHER).all()


@pytest.mark.parametrize('variant', ['measured', 'desired'])
@pytest.mark.parametrize('steps', [0, 1, 2, 3, 5])
@pytest.mark.parametrize('way', ['disabled', 'deactivated', 'the model fails', 'stale joints'])
def test_nor_does_one_that_was_frozen_while_it_was_braked(tmp_path, way, steps, variant):
    rig = moving(tmp_path, variant, 20)
    WAYS[way](rig)
    rig.step(steps)
    rig.follows = False
    rig.step(40)
    rig.joints_alive = True
    rig.step(10)
    assert (moved_after_release(rig) <= NO_FURTHER).all()


@pytest.mark.parametrize('variant', ['measured', 'desired'])
def test_nor_does_one_whose_encoders_are_noisy(tmp_path, variant):
    rig = moving(tmp_path, variant, 20)
    noise = itertools.cycle([0.002, -0.002])
    rig.publish = lambda stamp_ns: LaggingRig.publish(rig, rig.positions + next(noise), stamp_ns)
    dies(rig)
    rig.follows = False
    rig.step(40)
    rig.joints_alive = True
    rig.step(6)
    assert rig.runner.settled
    assert (moved_after_release(rig) <= NO_FURTHER).all()


def test_a_healthy_robot_is_left_alone_after_a_stop(tmp_path):
    rig = moving(tmp_path, 'measured', 20)
    rig.do(rig.runner.enable(False, rig.now_ns))
    sent = len(rig.sent)
    assert not rig.runner.settled
    rig.step(40)
    assert rig.runner.settled
    assert len(rig.sent) == sent


def test_a_robot_that_sags_under_its_load_is_held_where_it_is_once(tmp_path):
    rig = moving(tmp_path, 'measured', 20)
    sag = np.array([0.03, 0.0])
    rig.publish = lambda stamp_ns: LaggingRig.publish(rig, rig.positions - sag, stamp_ns)
    rig.do(rig.runner.enable(False, rig.now_ns))
    sent = len(rig.sent)
    rig.step(100)
    assert len(rig.sent) == sent + 1
    assert rig.runner.settled


# One of 0.2 rad, while the joint moves, could be true.
@pytest.mark.parametrize(
    ('at', 'lie'),
    [('before', 0.9), ('before', -0.9), *(('after', lie) for lie in (0.9, -0.9, 0.2, -0.2))],
)
def test_a_sensor_that_lies_about_where_a_joint_stands_moves_nothing(tmp_path, at, lie):
    rig = moving(tmp_path, 'measured', 20)

    def lies():
        rig.publish = lambda stamp_ns: LaggingRig.publish(
            rig, rig.positions + np.array([lie, 0.0]), stamp_ns
        )

    if at == 'before':
        lies()
        rig.step(2)
    rig.do(rig.runner.enable(False, rig.now_ns))
    sent = len(rig.sent)
    rig.step(2)
    lies()
    rig.step(40)
    assert len(rig.sent) == sent


def test_what_somebody_else_moves_after_a_stop_is_not_taken_from_them(tmp_path):
    rig = moving(tmp_path, 'measured', 20)
    rig.do(rig.runner.disturbed('teleop commands arm, too', rig.now_ns))
    rig.step(2)
    rig.do(rig.runner.disturbed('teleop commands arm, too', rig.now_ns))
    sent = len(rig.sent)
    rig.controller.hold(rig.positions + 0.1)
    rig.step(40)
    assert len(rig.sent) == sent
