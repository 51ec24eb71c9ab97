"""Time is counted in steps."""

import numpy as np
import pytest

from helpers.runner_rig import START_NS, STEP_NS, TARGET, joint_state, make_runner, manifest
from neuracore_ros.errors import UserError


def ramp():
    """Output i is 0.001 * (i + 1): the steps from the observation to when it is due."""
    return {TARGET: np.tile(0.001 * np.arange(1, 17)[:, None], (1, 3))}


def ready(runner):
    """Two ticks of an enabled runner, with joints at zero; the second, at START_NS, asks."""
    runner.enable(False, START_NS - STEP_NS)
    for k in (-1, 0):
        now_ns = START_NS + k * STEP_NS
        runner.receive('joint_states', joint_state('ab', [0.0, 0.0], now_ns), now_ns)
        outcome = runner.tick(now_ns, {'arm': 1})
        runner.enable(True, now_ns)
    return outcome


@pytest.mark.parametrize(('arrives_in', 'first_due'), [(0, 1), (0.4, 1), (0.6, 2), (3, 4)])
def test_a_prediction_that_arrives_in_tick_m_drops_its_first_m_minus_k_outputs(
    tmp_path, arrives_in, first_due
):
    runner = make_runner(tmp_path)
    request = ready(runner).request
    now_ns = START_NS + round(arrives_in * STEP_NS)
    (command,) = runner.predicted(request, ramp(), now_ns).commands
    # The last point is where it brakes to rest.
    assert command.positions[:-1, 0] == pytest.approx(0.001 * (first_due + np.arange(9)))


def test_the_first_output_left_goes_out_one_step_ahead_and_the_next_a_step_later(tmp_path):
    runner = make_runner(tmp_path)
    request = ready(runner).request
    (command,) = runner.predicted(request, ramp(), START_NS + 20_000_000).commands
    assert command.times_s[:-1] == pytest.approx(0.05 * np.arange(1, 10))


def test_a_prediction_of_which_nothing_is_left_is_late_and_holds_the_robot(tmp_path):
    runner = make_runner(tmp_path)
    request = ready(runner).request
    for k in range(1, 17):
        now_ns = START_NS + k * STEP_NS
        runner.receive('joint_states', joint_state('ab', [0.0, 0.0], now_ns), now_ns)
        runner.tick(now_ns, {'arm': 1})
    assert runner.predicted(request, ramp(), now_ns).commands == ()
    assert runner.state.value == 'HOLDING'
    assert runner.reason == 'prediction late: 16 steps after its observation, horizon 16'
    assert runner.counters.late == 1


def test_the_plan_bridges_a_slow_model_until_it_runs_out(rig):
    running = rig(latency_steps=6.0).step(30)
    assert running.state == 'RUNNING'
    assert running.runner.counters.late == 0
    # 8 steps between two requests and 16 outputs: the plan is out 8 steps after a request.
    slow = rig(latency_steps=6.0).step(20)
    slow.latency_steps = 30.0
    slow.step(20)
    assert slow.runner.reason == 'prediction late: the plan has run out'
    assert np.ptp(slow.path[-10:], axis=0) == pytest.approx(0.0)


def test_after_a_late_prediction_it_goes_on_by_itself(rig):
    late = rig(latency_steps=20.0).step(30)
    assert (late.state, late.runner.counters.late) == ('HOLDING', 1)
    late.latency_steps = 1.0
    assert late.step(25).state == 'RUNNING'


@pytest.mark.parametrize(
    ('settings', 'policy', 'every'),
    [({}, manifest(16), 8), ({}, manifest(64), 10), ({'execute_steps': 3}, manifest(16), 3)],
)
def test_a_new_prediction_is_asked_for_every_execute_steps(rig, settings, policy, every):
    running = rig(policy=policy, **settings)
    running.model = lambda _: np.full((policy.horizon, 3), 0.01)
    running.step(41)
    ticks = [request.tick for request in running.requests]
    assert set(np.diff(ticks)) == {every}


def test_there_is_never_a_second_request_before_an_answer(rig):
    # The rig itself asserts it at every request.
    assert len(rig(latency_steps=12.0, execute_steps=2).step(60).requests) > 3


def test_a_skipped_tick_skips_a_step(tmp_path):
    runner = make_runner(tmp_path, execute_steps=4)
    request = ready(runner).request
    runner.predicted(request, ramp(), START_NS)
    for k in (1, 3, 5):
        now_ns = START_NS + k * STEP_NS
        state = runner.setpoint(now_ns)[0]
        runner.receive('joint_states', joint_state('ab', state, now_ns), now_ns)
        outcome = runner.tick(now_ns, {'arm': 1})
    assert outcome.request.tick == request.tick + 5


def test_before_enough_steps_have_passed_the_first_is_repeated(rig):
    running = rig(policy=manifest(16, observation_steps=3), execute_steps=2, start=(0.01, 0.0))
    running.step(5)
    first, second = (r.inputs['JOINT_POSITIONS'] for r in running.requests[:2])
    assert first.shape == (3, 3)
    assert first[:, 0].tolist() == pytest.approx([0.01, 0.01, 0.01])
    # Two steps later: the first, the one between, and the newest, oldest first.
    assert second[0, 0] == pytest.approx(0.01)
    assert second[0, 0] < second[1, 0] < second[2, 0]
    assert running.requests[0].valid['JOINT_POSITIONS'].tolist() == [True, False, True]


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        ({'execute_steps': 17}, 'execute_steps is 17; the policy predicts 16 steps'),
        ({'max_ahead_s': 0.01}, 'max_ahead_s is 0.01, shorter than one step of the policy'),
        ({'rearm': 'maybe'}, "rearm must be one of auto, manual, is 'maybe'"),
        ({'blend': 'min'}, "blend must be one of ensemble, linear, minimum_jerk, none, is 'min'"),
        ({'start_max': 0.01}, 'start_max must be at least 0.1, is 0.01'),
        ({'start_speed': 1.5}, 'start_speed must be above 0 and at most 1, is 1.5'),
        ({'max_tracking_error': float('nan')}, 'max_tracking_error must be'),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused(tmp_path, settings, message):
    with pytest.raises(UserError, match=message.replace('(', r'\(')):
        make_runner(tmp_path, **settings)


def test_the_same_calls_give_the_same_commands(rig):
    def sent():
        running = rig(latency_steps=2.3)
        running.model = lambda r: np.full((16, 3), 0.3 * np.sin(r.tick / 9))
        return [
            (now_ns, c.positions.tolist(), c.velocities.tolist())
            for now_ns, c in running.step(60).sent
        ]

    assert sent() == sent()


def test_a_model_that_never_answers_at_first_is_late_and_not_waited_for_for_ever(rig):
    hung = rig(latency_steps=1e6).step(15)
    assert (hung.state, hung.runner.reason) == ('WAITING', 'first prediction under way')
    hung.step(10)
    assert hung.state == 'HOLDING'
    assert hung.runner.reason.startswith('prediction late: none for 1')
    assert (hung.runner.counters.late, hung.runner.counters.holds) == (1, 1)
    # Somebody enables it while the model still hangs: it says so again.
    hung.do(hung.runner.enable(True, hung.now_ns))
    assert hung.step(2).state == 'HOLDING'
    assert hung.sent == []
    # It answers, much too late, and from then on in time.
    hung.pending = (hung.now_ns, hung.pending[1])
    hung.latency_steps = 1.0
    assert hung.step(10).state == 'RUNNING'
