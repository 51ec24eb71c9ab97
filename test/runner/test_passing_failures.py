"""A policy on a server may fail and come back: the robot is held, and goes on by itself."""

import numpy as np
import pytest

from helpers.runner_rig import Rig, hold, make_runner


def failing(rig, why='the server is gone'):
    def model(request):
        raise ArithmeticError(why)

    rig.model = model
    return rig


@pytest.fixture
def moving(tmp_path):
    return Rig(make_runner(tmp_path), remote=True).step(20)


def test_a_failure_of_a_server_brakes_the_robot_at_once(moving):
    failing(moving).step(10)
    assert (moving.state, moving.runner.reason) == ('HOLDING', 'the server is gone')
    assert not moving.runner.latched
    still = moving.positions.copy()
    moving.step(20)
    assert np.array_equal(moving.positions, still)


def test_it_goes_on_when_the_server_answers_again(moving):
    failing(moving).step(40)
    moving.model = hold(0.3)
    moving.step(60)
    assert (moving.state, moving.runner.reason) == ('RUNNING', '')
    assert moving.positions[0] == pytest.approx(0.3, abs=0.01)


def test_it_asks_again_at_the_usual_pace_and_not_at_every_step(moving):
    failing(moving).step(10)
    asked = len(moving.requests)
    moving.step(80)
    assert 5 <= len(moving.requests) - asked <= 11


def test_with_manual_rearm_it_waits_for_a_person(tmp_path):
    rig = failing(Rig(make_runner(tmp_path, rearm='manual'), remote=True).step(20)).step(10)
    rig.model = hold(0.0)
    rig.step(40)
    assert (rig.state, rig.runner.reason) == ('HOLDING', 'the server is gone')
    rig.do(rig.runner.enable(True, rig.now_ns))
    assert rig.step(20).state == 'RUNNING'


def test_a_failure_of_a_model_here_waits_for_a_person(tmp_path):
    rig = failing(Rig(make_runner(tmp_path)).step(20)).step(10)
    rig.model = hold(0.0)
    assert rig.step(40).state == 'HOLDING'
    assert rig.runner.latched


def test_a_far_first_action_after_an_outage_passes_the_start_gate(tmp_path):
    rig = Rig(make_runner(tmp_path), remote=True).step(20)
    failing(rig).step(20)
    rig.model = hold(0.95)
    rig.step(30)
    assert rig.state == 'HOLDING' and 'start_max' in rig.runner.reason
