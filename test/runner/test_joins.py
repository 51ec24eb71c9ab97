"""Where messages meet and where they end, the command goes on: behind a robot that lags."""

import importlib.util

import numpy as np
import pytest

from helpers.runner_rig import ROBOT, STEP_NS, LaggingRig, make_runner
from neuracore_ros.command.plan import BLENDS

FAST = ROBOT.replace('velocity: 2.0', 'velocity: 3.0, acceleration: 8.0').replace(
    'velocity: 1.0, acceleration: 10.0', 'velocity: 3.0, acceleration: 8.0'
)
RUCKIG = ['ruckig'] if importlib.util.find_spec('ruckig') else []
MODES = {
    **{blend: {'blend': blend} for blend in sorted(BLENDS)},
    'every second step': {'blend': 'ensemble', 'execute_steps': 2},
    **{profile: {'profile': profile} for profile in RUCKIG},
}
VARIANTS = ['measured', 'desired']
MOST = 1.5
"""Change of the commanded speed in one cycle of 2 ms [rad/s], at 1 rad/s."""


def sweep(request):
    """Both joints swing by 0.4 rad with at most 1 rad/s."""
    due = (request.tick + 1 + np.arange(16)[:, None]) / 20
    return np.array([0.4, 0.0, 0.4]) * np.sin(due / 0.4 + np.array([0.0, 0.0, 1.0]))


def running(folder, variant, settings, steps=80, **of_robot):
    """A rig that has been following the policy for some seconds."""
    runner = make_runner(folder, FAST, start_tolerance=2.0, start_max=2.0, **settings)
    rig = LaggingRig(runner, sweep, variant=variant, **of_robot)
    rig.step(40)
    rig.since_ns = rig.true_ns
    rig.step(steps)
    assert rig.state == 'RUNNING'
    return rig


def jump(rig):
    return rig.robot.worst_jump(rig.since_ns)


@pytest.mark.parametrize('settings', MODES.values(), ids=MODES)
@pytest.mark.parametrize('variant', VARIANTS)
def test_predictions_join_without_a_jump_of_the_command(tmp_path, variant, settings):
    assert jump(running(tmp_path, variant, settings)) < MOST


@pytest.mark.parametrize('settings', MODES.values(), ids=MODES)
@pytest.mark.parametrize('variant', VARIANTS)
def test_messages_with_a_stamp_join_however_late_they_come(tmp_path, variant, settings):
    rig = running(tmp_path, variant, {**settings, 'stamp': 'now'}, delay_s=(0.005, 0.03))
    assert jump(rig) < 0.5


@pytest.mark.parametrize('variant', VARIANTS)
def test_a_stop_with_a_stamp_is_taken_however_late_it_comes(tmp_path, variant):
    # The rig fails where the controller refuses a message, as it does what ends in the past.
    rig = running(tmp_path, variant, {'stamp': 'now'}, steps=3, delay_s=(0.13, 0.15))
    rig.do(rig.runner.enable(False, rig.now_ns))
    stop = rig.last
    rig.step(10)
    assert stop.times_s[-2] < 0.13
    assert np.allclose(rig.positions, stop.positions[-1], atol=0.01)


@pytest.mark.parametrize('settings', MODES.values(), ids=MODES)
@pytest.mark.parametrize('variant', VARIANTS)
@pytest.mark.parametrize('way', ['disable', 'reset', 'stop'])
def test_a_stop_begins_without_a_jump_of_the_command(tmp_path, way, variant, settings):
    rig = running(tmp_path, variant, settings, steps=3)
    rig.since_ns = rig.true_ns - 1
    now_ns = rig.now_ns
    calls = {
        'disable': lambda: rig.runner.enable(False, now_ns),
        'reset': lambda: rig.runner.reset(now_ns),
        'stop': lambda: rig.runner.stop(now_ns),
    }
    rig.do(calls[way]())
    rig.step(4)
    assert jump(rig) < MOST


@pytest.mark.parametrize('variant', VARIANTS)
def test_a_start_while_the_joints_still_catch_up_from_a_stop_has_no_jump(tmp_path, variant):
    rig = running(tmp_path, variant, {}, steps=3, lag_s=0.1)
    rig.latency_steps = 0.1
    rig.since_ns = rig.true_ns
    rig.do(rig.runner.reset(rig.now_ns))
    while rig.state == 'WAITING':
        rig.step()
    assert np.abs(rig.runner.setpoint(rig.now_ns)[0] - rig.positions).max() > 0.02
    rig.step(4)
    # It hurries after a path that went on meanwhile.
    assert jump(rig) < 2 * MOST


def messages(rig):
    return np.array([now_ns for now_ns, _ in rig.sent if now_ns > rig.since_ns])


def test_nothing_is_sent_again_just_after_it_was_sent(tmp_path):
    def fast(request):
        return 3.0 * sweep(request)

    rig = running(tmp_path, 'measured', {}, steps=1)
    rig.model, rig.latency_steps = fast, 0.9
    rig.step(80)
    assert np.diff(messages(rig)).min() > STEP_NS / 4


def test_a_robot_that_lags_too_far_to_be_joined_is_sent_few_messages(tmp_path):
    rig = running(tmp_path, 'measured', {}, lag_s=0.2)
    assert len(messages(rig)) <= 80 / 4 + 1
