"""Deterministic mode: equal recordings give equal commands, however fast the model is."""

import numpy as np
import pytest

from helpers.runner_rig import ROBOT, START_NS, STEP_NS, TARGET, joint_state, make_runner
from neuracore_ros.errors import UserError


def recorded(ticks=80):
    """(time, positions, or None for a tick): a stream that no command influences."""
    wave = np.random.default_rng(5).normal(0, 0.002, (ticks * 5, 2)).cumsum(axis=0)
    for i, positions in enumerate(wave):
        now_ns = START_NS + i * STEP_NS // 5
        yield now_ns, positions
        if i % 5 == 4:
            yield now_ns + 1_000_000, None


def predict(request):
    measured = request.inputs['JOINT_POSITIONS'][-1]
    noise = np.random.default_rng(request.tick).normal(0, 0.02, (16, 3)).cumsum(axis=0)
    return measured + 0.3 * noise


def commands(folder, latency_s, **settings):
    """Every bit that is commanded when answers take ``latency_s(n)`` seconds."""
    given = {'delay_steps': 3, 'max_tracking_error': 10.0} | settings
    runner = make_runner(folder, **given)
    sent, answers = [], []

    def obey(now_ns, outcome):
        sent.extend(
            (now_ns, c.times_s.tobytes(), c.positions.tobytes(), c.velocities.tobytes())
            for c in outcome.commands
        )
        if outcome.request:
            due_ns = now_ns + round(1e9 * latency_s(len(answers)))
            answers.append((due_ns, outcome.request))

    asked = 0
    for now_ns, positions in recorded():
        while asked < len(answers) and answers[asked][0] <= now_ns:
            at_ns, request = answers[asked]
            asked += 1
            obey(at_ns, runner.predicted(request, {TARGET: predict(request)}, at_ns))
        if positions is None:
            obey(now_ns, runner.tick(now_ns, {'arm': 1}))
        else:
            runner.receive('joint_states', joint_state('ab', positions, now_ns), now_ns)
    return sent, runner


@pytest.mark.parametrize('blend', ['none', 'ensemble'])
def test_equal_messages_give_equal_bits_whatever_the_latency(tmp_path, blend):
    random = np.random.default_rng(1)
    jitter = random.uniform(0.0, 0.14, 100)
    fast, _ = commands(tmp_path, lambda n: 0.0, blend=blend)
    slow, _ = commands(tmp_path, lambda n: 0.14, blend=blend)
    mixed, runner = commands(tmp_path, lambda n: jitter[n], blend=blend)
    assert len(fast) > 10
    assert fast == slow == mixed
    assert runner.state.value == 'RUNNING'


def test_without_it_the_latency_shows(tmp_path):
    fast, _ = commands(tmp_path, lambda n: 0.0, delay_steps=0)
    slow, _ = commands(tmp_path, lambda n: 0.14, delay_steps=0)
    assert fast != slow


def test_the_first_output_used_is_the_one_due_after_the_delay(tmp_path):
    runner = make_runner(tmp_path, delay_steps=3)
    ramp = np.tile(0.001 * np.arange(1, 17)[:, None], (1, 3))
    request, sent = None, []
    for k in range(8):
        now_ns = START_NS + k * STEP_NS
        runner.receive('joint_states', joint_state('ab', [0.0, 0.0], now_ns), now_ns)
        outcome = runner.tick(now_ns, {'arm': 1})
        sent += [(k, command) for command in outcome.commands]
        if outcome.request:
            request = outcome.request
            assert runner.predicted(request, {TARGET: ramp}, now_ns).commands == ()
    step, command = sent[0]
    assert step == request.tick + 3
    assert command.positions[:-1, 0] == pytest.approx(0.001 * (4 + np.arange(9)))


def test_an_answer_after_its_step_stops_the_robot(tmp_path):
    _, runner = commands(tmp_path, lambda n: 0.0 if n < 3 else 0.2, rearm='manual')
    assert (runner.state.value, runner.reason) == ('HOLDING', 'prediction late: none for 0.15 s')
    assert runner.counters.late == 1


def test_a_failure_waits_for_its_step_too(tmp_path):
    runner = make_runner(tmp_path, delay_steps=2)
    states = []
    for k in range(6):
        now_ns = START_NS + k * STEP_NS
        runner.receive('joint_states', joint_state('ab', [0.0, 0.0], now_ns), now_ns)
        outcome = runner.tick(now_ns, {'arm': 1})
        states.append(runner.state.value)
        if outcome.request:
            runner.failed(outcome.request, 'boom', now_ns)
    assert states == ['WAITING'] * 3 + ['HOLDING'] * 3
    assert runner.reason == 'boom'


@pytest.mark.parametrize(('delay', 'execute'), [(9, 0), (5, 12)])
def test_a_delay_that_the_plan_cannot_bridge_is_refused(tmp_path, delay, execute):
    with pytest.raises(UserError, match=f'delay_steps is {delay}: with a prediction every'):
        make_runner(tmp_path, delay_steps=delay, execute_steps=execute)


def test_after_a_pause_longer_than_the_horizon_it_is_late_and_asks_again(tmp_path):
    robot = ROBOT.replace('{topic: joint_states}', '{topic: joint_states, max_age_s: 5}')
    runner = make_runner(tmp_path, robot=robot, delay_steps=1)
    request = None
    for k in [0, 1, 2, 25, 26, 27]:
        now_ns = START_NS + k * STEP_NS
        runner.receive('joint_states', joint_state('ab', [0.0, 0.0], now_ns), now_ns)
        outcome = runner.tick(now_ns, {'arm': 1})
        if k == 25:
            assert runner.reason.startswith('prediction late')
        request = outcome.request or request
        if outcome.request:
            runner.predicted(request, {TARGET: np.zeros((16, 3))}, now_ns)
    assert request.tick == 26
