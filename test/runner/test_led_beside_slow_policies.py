"""A human beside a slow policy is followed in steps of their own, and the policy in its own."""

from dataclasses import replace

import numpy as np
import pytest

from helpers.runner_rig import SECOND, manifest
from helpers.takeover_rig import LED, TakeoverRig, make_led, speeds
from neuracore_ros.description import DataType
from neuracore_ros.runner.human_way import HumanWay

FLOATS = LED.replace('{topic: arm}', '{topic: arm, type: std_msgs/msg/Float64MultiArray}')
POINTS = LED.replace('{topic: arm}', '{topic: arm, stream: point}')


class PacedRig(TakeoverRig):
    """Ticks as often as the runner wants it."""

    def step(self, steps=1):
        for _ in range(steps):
            self.simulate(round(SECOND / self.runner.tick_rate_hz))
            self.do(self.runner.tick(self.now_ns, self.listeners))
        return self


def swinging(t):
    return (0.3 * np.sin(1.5 * t), 0.2 * np.sin(1.5 * t))


@pytest.fixture
def led(tmp_path):
    def make(rate_hz, robot=LED, **options):
        policy = replace(manifest(), rate_hz=rate_hz)
        options = {'leader': swinging, 'latency_steps': 0.1, **options}
        return make_led(tmp_path, robot, kind=PacedRig, policy=policy, **options)

    return make


def behind_s(rig):
    """How far the robot is behind the leader: the delay that explains its way best [s]."""
    first = len(rig.path)
    began_ns = rig.true_ns
    while rig.true_ns < began_ns + 3 * SECOND:
        rig.step()
    path = np.array(rig.path[first:])
    times_s = (began_ns - rig.began_ns) / SECOND + 0.005 * np.arange(1, len(path) + 1)
    delays_s = np.arange(0.0, 0.6, 0.01)
    off = [np.abs(np.transpose(swinging(times_s - each)) - path).max() for each in delays_s]
    assert min(off) < 0.01
    return delays_s[int(np.argmin(off))]


@pytest.mark.parametrize('rate_hz', [2.5, 5.0, 10.0, 15.0, 20.0])
def test_a_robot_is_as_close_behind_a_human_however_slow_the_policy_is(led, rate_hz):
    rig = led(rate_hz).step(10)
    assert rig.state == 'RUNNING' and rig.runner.tick_rate_hz == rate_hz
    rig.take_over().step(20)
    assert rig.human_moves(), rig.runner.reason
    assert rig.runner.tick_rate_hz == 20.0
    # Two steps, and a little more than a period of the leader.
    assert behind_s(rig) == pytest.approx(0.112, abs=0.011)
    assert (speeds(rig).max(axis=0) <= np.array([2.0, 1.0]) * 1.002).all()
    rig.take_over(False)
    assert rig.runner.tick_rate_hz == rate_hz
    assert rig.step(15).state == 'RUNNING'


def test_beside_a_faster_policy_a_human_is_followed_in_its_steps(led):
    rig = led(50.0).step(30).take_over().step(50)
    assert rig.human_moves() and rig.runner.tick_rate_hz == 50.0
    assert behind_s(rig) == pytest.approx(0.052, abs=0.011)


@pytest.mark.parametrize('every', [1, 2, 3, 4, 7, 10])
@pytest.mark.parametrize('rate_hz', [5.0, 20.0])
def test_a_stream_that_comes_at_other_times_than_steps_is_followed_smoothly(led, rate_hz, every):
    rig = led(rate_hz, leader=lambda t: (0.1 * t, 0.0))
    # Of 100 Hz, and as slow as 10 Hz.
    rig.every = every
    rig.step(10).take_over().step(50)
    assert rig.human_moves(), rig.runner.reason
    rig.step(20)
    # Else the robot would go and stand by turns.
    moved = speeds(rig, -201)[:, 0]
    assert moved == pytest.approx(np.full(200, 0.1), abs=0.005)


@pytest.mark.parametrize('late_s', [0.03, 0.08, 0.12])
def test_a_leader_whose_messages_take_long_is_followed_as_smoothly(led, late_s):
    rig = led(20.0, leader=lambda t: (0.1 * t, 0.0))
    rig.stamped_by_s = -late_s
    rig.step(10).take_over().step(50)
    assert rig.human_moves(), rig.runner.reason
    moved = speeds(rig, -201)[:, 0]
    assert moved == pytest.approx(np.full(200, 0.1), abs=0.005)


def test_what_is_of_one_sample_alone_moves_nothing_until_the_rate_of_the_leader_is_known(led):
    rig = led(5.0)
    rig.leader_alive = False
    rig.step(10).take_over().step(10)
    rig.lead()
    assert not rig.step().human_moves()
    rig.leader_alive = True
    assert rig.step(4).human_moves()
    rig.step(60)
    assert behind_s(rig) < 0.15


def test_after_a_stop_and_a_start_the_policy_has_its_own_steps(led):
    rig = led(5.0).step(10).take_over().step(30)
    assert rig.human_moves() and rig.runner.tick_rate_hz == 20.0
    rig.do(rig.runner.stop(rig.now_ns))
    rig.step(20)
    rig.runner.start(rig.now_ns)
    assert rig.runner.tick_rate_hz == 5.0
    assert rig.step(15).state == 'RUNNING'


def test_single_points_go_out_in_the_steps_of_the_human_within_the_limits(led):
    rig = led(5.0, POINTS).step(10)
    rig.take_over().step(40)
    assert rig.human_moves(), rig.runner.reason
    sent = len(rig.sent)
    rig.step(20)
    points = [command for _, command in rig.sent[sent:]]
    assert [len(command.times_s) for command in points] == [1] * 20
    assert {command.times_s[0] for command in points} == {0.05}
    moved = np.abs(np.diff([command.positions[0] for command in points], axis=0))
    assert (moved <= np.array([2.0, 1.0]) * 0.05 * 1.001).all()


def test_single_points_do_not_leap_when_the_policy_has_the_robot_again(led):
    """The timer of a node takes its new period after the next call, which still comes soon."""
    slow = FLOATS.replace('velocity: 2.0', 'velocity: 2.0, acceleration: 1.5')
    leader = {'leader': lambda t: (0.7 * np.sin(1.3 * t), 0.0)}
    rig = led(5.0, slow, max_ahead_s=0.8, **leader).step(10).take_over().step(52)
    before, last = (command.positions[0][0] for _, command in rig.sent[-2:])
    assert abs(last - before) > 0.03
    rig.take_over(False)
    rig.simulate(SECOND // 20)
    rig.do(rig.runner.tick(rig.now_ns, rig.listeners))
    soon = rig.sent[-1][1]
    assert soon.type.endswith('Float64MultiArray') and soon.positions[0][0] != last
    assert abs(soon.positions[0][0] - last) <= abs(last - before) * 1.001
    assert rig.step(15).state == 'RUNNING'


def test_a_leader_whose_messages_take_longer_and_longer_is_followed_smoothly_again(led):
    """As through a wireless network: at first as long as then, the robot would go and stand."""
    rig = led(20.0, leader=lambda t: (0.1 * t, 0.0)).step(10).take_over().step(50)
    assert rig.human_moves(), rig.runner.reason
    rig.stamped_by_s = -0.13
    rig.step(40)
    moved = speeds(rig, -201)[:, 0]
    assert moved == pytest.approx(np.full(200, 0.1), abs=0.005)


def test_a_place_is_known_for_as_long_as_any_delay_however_fast_the_steps_are():
    way = HumanWay(0.25)
    for k in range(100):
        way.add((DataType.JOINT_POSITIONS, 'a'), 10_000_000 * k, np.asarray(0.01 * k))
    for back_ms in (5, 15, 205, 605):
        there = way.at((DataType.JOINT_POSITIONS, 'a'), 990_000_000 - 1_000_000 * back_ms)
        assert there == pytest.approx(0.99 - 0.001 * back_ms)
