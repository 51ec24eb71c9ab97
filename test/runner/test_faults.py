"""Anything wrong stops the robot, and says why."""

import re

import numpy as np
import pytest

from helpers.runner_rig import SECOND, STEP_NS, TARGET, Rig, hold


def stale(rig):
    rig.joints_alive = False


def frozen_stamp(rig):
    rig.joints_alive = False
    stamp_ns, publish = rig.now_ns, rig.publish
    step = rig.step

    def stepped(steps=1):
        for _ in range(steps):
            step()
            publish(stamp_ns=stamp_ns)
        return rig

    rig.step = stepped


def name_gone(rig):
    rig.names = ['a', 'other']


def not_a_number(rig):
    rig.joints_alive = False
    publish, step = rig.publish, rig.step

    def stepped(steps=1):
        for _ in range(steps):
            step()
            publish(positions=[np.nan, rig.positions[1]])
        return rig

    rig.step = stepped


def unheard(rig):
    rig.listeners = {'arm': 0}


def late(rig):
    rig.latency_steps = 40.0


def raises(rig):
    def model(request):
        raise ArithmeticError('boom')

    rig.model = model


def predicts_nan(rig):
    rig.model = lambda request: np.full((16, 3), np.nan)


def predicts_infinity(rig):
    rig.model = lambda request: np.full((16, 3), np.inf)


def too_short(rig):
    rig.model = lambda request: np.zeros((15, 3))


def too_narrow(rig):
    rig.model = lambda request: np.zeros((16, 2))


def flat(rig):
    rig.model = lambda request: np.zeros(48)


def hindered(rig):
    rig.hindrances = ['the robot runs at 50 % of its speed']


def back(rig):
    rig.skew_ns -= 10 * STEP_NS


def forward(rig):
    rig.skew_ns += 10 * STEP_NS


def blocked(rig):
    rig.follows = False


def lies(rig):
    publish = rig.publish
    rig.publish = lambda: publish(positions=rig.positions + 0.9)


INPUT = [
    (stale, "joint_states: 'a' .* is 0.25 s old; max_age_s is 0.2"),
    (frozen_stamp, 'max_age_s is 0.2'),
    (name_gone, "'b' .* is 0.25 s old"),
    (not_a_number, 'max_age_s is 0.2'),
    (unheard, 'nobody listens to arm'),
    (hindered, 'runs at 50 %'),
    (back, r'clock jumped back by 0.45 s'),
    (forward, r'clock jumped forward by 0.55 s'),
    (late, 'prediction late: the plan has run out'),
]
NEEDS_ENABLE = [
    (raises, 'boom'),
    (predicts_nan, r"not finite at JOINT_TARGET_POSITIONS index 0 \('a'\)"),
    (predicts_infinity, r"not finite at JOINT_TARGET_POSITIONS index 0 \('a'\)"),
    (too_short, r'shape \(15, 3\), wants \(16, W\)'),
    (too_narrow, r"shape \(16, 2\), wants \(16, W\) for JOINT_TARGET_POSITIONS index 2 \('b'\)"),
    (flat, r'shape \(48,\)'),
    (lies, "'a' is reported to have jumped to 1"),
    (blocked, "'a' does not follow: it is at -?0.*, more than max_tracking_error"),
]


def swing(request):
    """A sine of each joint, 0.5 rad, up to 1 rad/s."""
    due = request.tick + 1 + np.arange(16)
    return np.tile(0.5 * np.sin(0.1 * due)[:, None], (1, 3))


def until_held(rig):
    """Steps until it stands; how many it took to be held."""
    for steps in range(1, 80):
        rig.step()
        if rig.state == 'HOLDING':
            return steps
    raise AssertionError(f'still {rig.state} ({rig.runner.reason})')


@pytest.mark.parametrize(('fault', 'reason'), INPUT + NEEDS_ENABLE)
def test_a_fault_holds_the_robot_with_its_reason(rig, fault, reason):
    running = rig(model=swing, latency_steps=1.0).step(25)
    assert running.state == 'RUNNING'
    fault(running)
    until_held(running)
    assert re.search(reason, running.runner.reason), running.runner.reason
    assert running.runner.counters.holds == 1
    moving = len(running.path)
    running.joints_alive = False
    running.latency_steps = 40.0
    running.step(30)
    # Braking ends within half a second, whatever happens.
    assert np.ptp(running.path[moving + 100 :], axis=0) == pytest.approx([0.0, 0.0])


def test_a_dead_stream_stops_the_robot_within_max_age_and_one_period(rig):
    running = rig(model=swing, latency_steps=1.0).step(25)
    stale(running)
    assert until_held(running) * STEP_NS <= 0.2 * SECOND + STEP_NS


def recover(rig: Rig):
    """End every fault."""
    rig.__dict__.pop('step', None)
    rig.__dict__.pop('publish', None)
    rig.joints_alive, rig.follows, rig.latency_steps = True, True, 1.0
    rig.names, rig.listeners, rig.hindrances = ['a', 'b'], {'arm': 1}, []
    rig.model = lambda request: np.zeros((16, 3)) + rig_positions(request)


def rig_positions(request):
    return np.asarray(request.inputs['JOINT_POSITIONS'][-1])


@pytest.mark.parametrize('fault', [fault for fault, _ in INPUT])
def test_after_an_input_fault_it_goes_on_by_itself(rig, fault):
    running = rig(model=swing, latency_steps=1.0).step(25)
    fault(running)
    until_held(running)
    recover(running)
    assert running.step(60).state == 'RUNNING'
    assert running.runner.reason == ''


@pytest.mark.parametrize('fault', [fault for fault, _ in NEEDS_ENABLE])
def test_after_a_model_or_tracking_fault_it_waits_for_enable(rig, fault):
    running = rig(model=swing, latency_steps=1.0).step(25)
    fault(running)
    until_held(running)
    recover(running)
    reason, sent = running.runner.reason, len(running.sent)
    running.step(40)
    running.do(running.runner.reset(running.now_ns))
    running.step(5)
    assert (running.state, running.runner.reason) == ('HOLDING', reason)
    assert len(running.sent) == sent
    running.do(running.runner.enable(True, running.now_ns))
    assert running.step(5).state == 'RUNNING'


@pytest.mark.parametrize('fault', [fault for fault, _ in INPUT])
def test_with_rearm_manual_every_fault_waits_for_enable(rig, fault):
    running = rig(model=swing, latency_steps=1.0, rearm='manual').step(25)
    fault(running)
    until_held(running)
    recover(running)
    assert running.step(60).state == 'HOLDING'
    running.do(running.runner.enable(True, running.now_ns))
    assert running.step(60).state == 'RUNNING'


def test_a_fault_before_the_start_needs_no_enable_even_with_rearm_manual(rig):
    starting = rig(rearm='manual')
    starting.listeners = {'arm': 0}
    starting.step(5)
    assert (starting.state, starting.runner.reason) == ('HOLDING', 'nobody listens to arm')
    starting.listeners = {'arm': 1}
    assert starting.step(5).state == 'RUNNING'


def test_a_prediction_asked_for_before_a_stop_is_not_used_after_it(rig):
    running = rig(model=swing, latency_steps=3.0).step(12)
    while not running.pending:
        running.step()
    running.do(running.runner.enable(False, running.now_ns))
    running.do(running.runner.enable(True, running.now_ns))
    sent = len(running.sent)
    old = running.requests[-1]
    running.step(3)
    assert len(running.sent) == sent
    # The next one is asked for only when the old one is answered and the robot rests.
    running.step(6)
    assert running.requests[-1].generation > old.generation
    assert running.state == 'RUNNING'


def test_waiting_means_that_no_observation_was_complete_yet(rig):
    waiting = rig()
    waiting.joints_alive = False
    waiting.step(5)
    assert waiting.state == 'WAITING'
    assert "'a'" in waiting.runner.reason
    assert waiting.sent == []
    waiting.joints_alive = True
    assert waiting.step(3).state == 'RUNNING'


def test_disabled_it_neither_asks_nor_moves(rig):
    disabled = rig(enabled=False).step(10)
    assert (disabled.state, disabled.requests, disabled.sent) == ('DISABLED', [], [])
    disabled.do(disabled.runner.enable(True, disabled.now_ns))
    assert disabled.step(3).state == 'RUNNING'


def test_disable_brakes_once(rig):
    running = rig(model=swing, latency_steps=1.0).step(25)
    sent = len(running.sent)
    running.do(running.runner.enable(False, running.now_ns))
    running.step(20)
    running.do(running.runner.enable(False, running.now_ns))
    running.do(running.runner.stop(running.now_ns))
    assert len(running.sent) == sent + 1
    assert running.state == 'DISABLED'


def test_after_stop_nothing_moves_until_start(rig):
    running = rig(model=swing, latency_steps=1.0).step(25)
    running.do(running.runner.stop(running.now_ns))
    sent = len(running.sent)
    running.do(running.runner.enable(True, running.now_ns))
    assert len(running.step(10).sent) == sent
    assert running.state == 'DISABLED'
    running.model = hold(float(running.positions[0]))
    running.runner.start(running.now_ns)
    running.positions[1] = running.positions[0]
    assert running.step(5).state == 'RUNNING'


def test_reset_brakes_and_starts_afresh(rig):
    running = rig(model=swing, latency_steps=1.0).step(25)
    running.do(running.runner.reset(running.now_ns))
    assert running.state == 'WAITING'
    assert not running.last.velocities[-1].any()
    assert running.step(20).state == 'RUNNING'
    assert running.runner.counters.holds == 0


def test_stop_before_anything_was_commanded_publishes_nothing(rig):
    idle = rig(enabled=False).step(5)
    assert idle.runner.stop(idle.now_ns).commands == ()


def test_a_stop_after_the_stream_died_starts_from_the_setpoint_not_from_an_old_measurement(rig):
    running = rig(model=swing, latency_steps=1.0).step(25)
    running.publish(positions=[-0.5, -0.5], stamp_ns=running.now_ns - SECOND // 10)
    stale(running)
    until_held(running)
    assert np.abs(running.last.positions - running.positions).max() < 0.1


def test_a_robot_in_emergency_stop_is_held_where_it_is_so_that_it_does_not_leap(rig):
    running = rig(model=swing, latency_steps=1.0).step(40)
    blocked(running)
    until_held(running)
    stood = running.positions.copy()
    assert running.last.positions[-1, 0] == pytest.approx(stood[0], abs=1e-3)
    running.follows = True
    running.step(40)
    assert np.abs(running.positions - stood)[0] < 1e-3


def test_a_dry_run_needs_nobody_to_listen_or_to_follow(rig):
    dry = rig(model=swing, latency_steps=1.0, dry_run=True)
    dry.listeners, dry.follows = {'arm': 0}, False
    assert dry.step(60).state == 'RUNNING'


def test_latencies_are_counted_from_request_to_answer(rig):
    counters = rig(latency_steps=0.4).step(20).runner.counters
    assert counters.latency_ms(50) == pytest.approx(20.0)
    assert counters.latency_ms(99) == pytest.approx(20.0)


def test_target_types_are_those_of_the_robot(rig):
    request = rig().step(2).requests[0]
    assert TARGET not in request.inputs


def test_it_does_not_start_again_before_the_robot_rests(rig):
    running = rig(model=swing, latency_steps=1.0).step(26)
    running.step(2)
    running.do(running.runner.enable(False, running.now_ns))
    stop = running.last
    stopped_ns = running.now_ns
    running.do(running.runner.enable(True, running.now_ns))
    asked = len(running.requests)
    running.step(20)
    first = running.requests[asked]
    assert first.made_ns >= stopped_ns + stop.times_s[-1] * SECOND
    assert running.state == 'RUNNING'


def test_a_prediction_that_comes_after_a_jump_of_the_clock_is_not_used(rig):
    running = rig(model=swing, latency_steps=1.0).step(20)
    while not running.pending:
        running.step()
    sent = len(running.sent)
    request, running.pending = running.pending[1], None
    late_ns = running.now_ns + 8 * STEP_NS
    outcome = running.runner.predicted(request, {TARGET: np.zeros((16, 3))}, late_ns)
    assert outcome.commands == ()
    assert len(running.sent) == sent


def test_a_disturbance_stops_a_running_robot_until_it_is_enabled_and_leaves_others_alone(rig):
    running = rig(model=swing).step(20)
    assert running.state == 'RUNNING'
    running.do(running.runner.disturbed('somebody else commands', running.now_ns))
    assert (running.state, running.runner.reason) == ('HOLDING', 'somebody else commands')
    assert running.last.velocities[-1].tolist() == [0.0, 0.0]
    running.step(40)
    assert running.state == 'HOLDING'
    sent = len(running.sent)
    running.do(running.runner.disturbed('again', running.now_ns))
    assert len(running.sent) == sent
    running.do(running.runner.enable(True, running.now_ns))
    running.step(10)
    assert running.state == 'RUNNING'


def test_a_model_that_never_answers_is_what_holds_the_robot_once_its_streams_are_well_again(rig):
    running = rig(model=swing, latency_steps=1.0).step(25)
    running.latency_steps = 4000.0
    running.step(6)
    running.joints_alive = False
    running.step(10)
    assert 'max_age_s is 0.2' in running.runner.reason
    running.joints_alive = True
    running.step(30)
    assert running.state == 'HOLDING'
    assert running.runner.reason.startswith('prediction late: none for ')
    assert running.runner.counters.holds == 1
