"""A human takes over from the policy, and hands back, through the same gate and limits."""

from dataclasses import replace

import numpy as np
import pytest

from helpers.runner_rig import STEP_NS, hold, make_runner, manifest
from helpers.takeover_rig import LED, TakeoverRig, make_led, speeds
from neuracore_ros.control import Commander
from neuracore_ros.description import DataType
from neuracore_ros.errors import UserError
from neuracore_ros.policy.manifest import InputSlots


@pytest.fixture
def led(tmp_path):
    return lambda **options: make_led(tmp_path, **options)


def swinging(t):
    return (0.3 * np.sin(1.5 * t), 0.2 * np.sin(1.5 * t))


def test_the_human_commands_once_the_robot_rests_and_the_policy_after_it_is_handed_back(led):
    rig = led(leader=swinging).step(20)
    assert (rig.state, rig.runner.commander) == ('RUNNING', Commander.POLICY)
    rig.take_over()
    assert (rig.state, rig.runner.commander) == ('TAKEOVER', Commander.NOBODY)
    requests = len(rig.requests)
    rig.step(20)
    assert (rig.state, rig.runner.commander) == ('TAKEOVER', Commander.HUMAN)
    behind = []
    for _ in range(60):
        rig.step()
        # Two steps behind the human, and no more.
        t = (rig.true_ns - 2 * STEP_NS - rig.began_ns) / 1e9
        behind.append(np.abs(rig.positions - swinging(t)).max())
    assert max(behind) < 0.02
    assert len(rig.requests) == requests
    rig.take_over(False)
    assert (rig.state, rig.runner.commander) == ('WAITING', Commander.NOBODY)
    rig.step(30)
    assert (rig.state, rig.runner.commander) == ('RUNNING', Commander.POLICY)
    assert rig.positions == pytest.approx([0.05, 0.05], abs=1e-3)
    assert (speeds(rig).max(axis=0) <= np.array([2.0, 1.0]) * 1.002).all()


def test_it_is_refused_in_a_line_that_says_what_to_write(tmp_path):
    rig = TakeoverRig(make_runner(tmp_path))
    rig.step(5)
    with pytest.raises(
        UserError, match=r'add teleop: \{JOINT_TARGET_POSITIONS: \{topic: /...\}\}'
    ):
        rig.take_over()
    assert rig.step(5).state == 'RUNNING'
    rig.take_over(False)
    assert rig.step(5).state == 'RUNNING'


def test_a_second_takeover_changes_nothing(led):
    rig = led(leader=swinging).step(10).take_over().step(20)
    assert rig.human_moves()
    sent = len(rig.sent)
    rig.take_over()
    assert rig.human_moves() and len(rig.sent) == sent
    rig.step(10)
    assert rig.human_moves()
    rig.take_over(False).take_over(False)
    assert rig.step(20).state == 'RUNNING'


def test_a_leader_far_away_moves_nothing_until_it_is_brought_near(led):
    rig = led(leader=lambda t: (0.9, 0.0), rearm='manual').step(10).take_over().step(20)
    moved, sent = len(rig.path), len(rig.sent)
    rig.step(20)
    assert rig.state == 'TAKEOVER' and not rig.human_moves()
    assert rig.runner.reason == (
        "the human's 'a' is 0.900, measured 0.050: 0.850 apart, more than start_max 0.5"
    )
    assert len(rig.sent) == sent and not speeds(rig, moved).any()
    rig.leader = lambda t: (0.45, 0.0)
    rig.step(5)
    assert rig.human_moves() and rig.runner.reason == 'blending in'
    first = len(rig.path)
    rig.step(40)
    assert speeds(rig, first).max(axis=0)[0] <= 0.25 * 2.0 * 1.01
    assert rig.positions == pytest.approx([0.45, 0.0], abs=2e-3)


def test_a_human_beyond_the_limits_is_clamped(led):
    rig = led(leader=lambda t: (min(0.5 * t, 1.8), 0.0)).take_over().step(120)
    assert rig.human_moves()
    assert rig.positions[0] == pytest.approx(1.0, abs=1e-6)
    assert np.array(rig.path)[:, 0].max() <= 1.0 + 1e-9
    assert rig.runner.counters.clamps > 0


def test_a_disabled_robot_stays_disabled_until_it_is_enabled(led):
    rig = led(leader=swinging, enabled=False).step(5).take_over()
    assert rig.step(10).state == 'DISABLED'
    assert rig.runner.reason == 'disabled, and a human has taken over'
    assert rig.sent == []
    rig.do(rig.runner.enable(True, rig.now_ns))
    assert rig.step(10).human_moves()
    rig.do(rig.runner.enable(False, rig.now_ns))
    assert rig.step(20).state == 'DISABLED'
    assert not speeds(rig, -50).any()
    rig.do(rig.runner.enable(True, rig.now_ns))
    # The person, not the policy, goes on.
    assert rig.step(10).human_moves()
    rig.do(rig.runner.enable(False, rig.now_ns))
    rig.take_over(False)
    assert rig.runner.reason == 'disabled'
    rig.do(rig.runner.enable(True, rig.now_ns))
    assert rig.step(20).state == 'RUNNING'


def test_after_an_activation_the_policy_commands(led):
    rig = led(leader=swinging).take_over().step(20)
    assert rig.human_moves()
    rig.do(rig.runner.stop(rig.now_ns))
    assert rig.runner.commander is Commander.NOBODY
    rig.step(20)
    assert not speeds(rig, -50).any()
    rig.take_over(True)
    rig.runner.start(rig.now_ns)
    assert rig.step(20).state == 'RUNNING'


def test_a_model_fault_that_latched_does_not_hinder_it(led):
    def broken(request):
        raise ArithmeticError('broken')

    rig = led(leader=swinging, model=broken).step(10)
    assert rig.state == 'HOLDING' and rig.runner.latched
    rig.take_over().step(20)
    assert rig.human_moves()
    rig.take_over(False).step(20)
    assert rig.state == 'HOLDING' and rig.runner.reason == 'broken'


def test_a_server_that_never_answers_does_not_hinder_it(led):
    rig = led(leader=swinging, latency_steps=1e6).step(60)
    assert 'prediction late' in rig.runner.reason
    rig.take_over().step(100)
    assert rig.human_moves() and rig.runner.reason == ''


def test_a_prediction_from_before_the_takeover_is_never_executed(led):
    asked = []

    def model(request):
        asked.append(request)
        return np.tile([0.4, np.nan, 0.4], (16, 1))

    rig = led(leader=lambda t: (0.0, 0.0), model=model, latency_steps=12.4).step(2)
    assert rig.pending is not None
    rig.take_over().step(5)
    assert rig.human_moves()
    rig.take_over(False)
    # The answer to the request of before comes now, and is dropped.
    while not asked:
        rig.step()
    assert np.abs(np.array(rig.path)).max() < 1e-3
    assert rig.state == 'WAITING'
    rig.step(40)
    assert len(asked) > 1 and rig.state == 'RUNNING'


def test_handed_back_far_from_the_policys_first_action_it_is_held_as_at_every_start(led):
    rig = led(leader=lambda t: (max(-0.9, -0.4 * t), 0.0), model=hold(0.05))
    rig.step(10).take_over().step(80)
    assert rig.positions[0] == pytest.approx(-0.9, abs=1e-3)
    rig.take_over(False).step(20)
    assert rig.state == 'HOLDING'
    assert rig.runner.reason == (
        "first action of 'a' is 0.050, measured -0.900: 0.950 apart, more than start_max 0.5"
    )
    rig.take_over()
    rig.leader = lambda t: (-0.3, 0.0)
    rig.step(5)
    assert not rig.human_moves()


def test_cameras_and_other_inputs_of_the_policy_may_be_missing(led):
    seeing = LED.replace('2: b}}\noutput', '2: b}, CUSTOM_1D: {0: force}}\noutput').replace(
        'sources: {', 'sources: {CUSTOM_1D: {topic: force, type: Float64}, '
    )
    base = manifest()
    policy = replace(base, input={**base.input, DataType.CUSTOM_1D: InputSlots(1, (0,))})
    rig = led(robot=seeing, policy=policy, leader=swinging).step(10)
    assert rig.state == 'WAITING' and 'force' in rig.runner.reason
    rig.take_over().step(20)
    assert rig.human_moves()


def test_a_dry_run_is_taken_over_dry(led):
    rig = led(leader=swinging, dry_run=True, robot=LED).step(5).take_over()
    for _ in range(20):
        rig.runner.tick(rig.now_ns)
        rig.simulate(STEP_NS)
    assert rig.state == 'TAKEOVER'
    assert rig.runner.commander is Commander.NOBODY


def test_handed_back_the_policy_begins_with_a_fresh_history(led):
    rig = led(
        leader=lambda t: (min(0.3 * t, 0.45), 0.0),
        policy=manifest(observation_steps=3),
        model=lambda request: np.tile([0.4, np.nan, 0.0], (16, 1)),
    )
    rig.step(10).take_over().step(40)
    assert rig.human_moves()
    before = len(rig.requests)
    rig.take_over(False)
    rested = rig.positions.copy()
    while len(rig.requests) == before:
        rig.step()
    first = rig.requests[before].inputs[DataType.JOINT_POSITIONS]
    # Every step of it is from after the hand-back.
    assert np.abs(first[:, [0, 2]] - rig.positions).max() < 0.02
    assert np.abs(rested - rig.positions).max() < 0.05
