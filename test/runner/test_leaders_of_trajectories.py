"""A leader that publishes trajectories: they are obeyed only while it goes on to publish."""

import pytest

from helpers.runner_rig import SECOND, STEP_NS, as_message
from helpers.takeover_rig import LED, make_led
from neuracore_ros.runner import JointCommand

TRAJECTORIES = LED.replace('{topic: leader}', '{topic: leader, type: JointTrajectory}')


def trajectory(stamp_ns, *points):
    """Points of a, b 0.5 s apart."""
    times_s = [0.5 * (1 + i) for i in range(len(points))]
    return as_message(
        JointCommand('leader', '', ('a', 'b'), times_s, Rows(points), None, stamp_ns)
    )


class Rows(list):
    def tolist(self):
        return [list(row) for row in self]


@pytest.fixture
def rig(tmp_path):
    """In a takeover in which nobody leads."""
    rig = make_led(tmp_path, robot=TRAJECTORIES).step(5)
    rig.leader_alive = False
    return rig.take_over().step(15)


def test_a_trajectory_of_minutes_is_obeyed_no_longer_than_any_value(rig):
    minutes = [(0.02 * i, 0.0) for i in range(120)]
    rig.runner.receive('leader', trajectory(rig.now_ns, *minutes), rig.now_ns)
    rig.step(4)
    assert rig.human_moves(), rig.runner.reason
    rig.step(3)
    assert not rig.human_moves() and 'max_age_s is 0.2' in rig.runner.reason
    rig.step(12)
    rested = rig.positions.copy()
    rig.step(60)
    assert rig.positions == pytest.approx(rested)


def test_what_a_leader_wants_later_is_not_obeyed_when_the_leader_is_gone(rig):
    later_ns = rig.now_ns + 3 * SECOND
    rig.runner.receive('leader', trajectory(later_ns, (0.2, 0.0)), rig.now_ns)
    for _ in range(4 * SECOND // STEP_NS):
        rig.step()
        assert not rig.human_moves()
    assert '3 s after the arrival' in rig.runner.reason


def test_a_trajectory_is_followed_between_its_points_while_it_is_renewed(rig):
    began_ns = rig.now_ns

    def wanted(time_s):
        return 0.1 * time_s, -0.1 * time_s

    for number in range(60):
        passed_s = (rig.now_ns - began_ns) / SECOND
        if number % 3 == 0:
            ahead = [wanted(passed_s + 0.5), wanted(passed_s + 1.0)]
            rig.runner.receive('leader', trajectory(rig.now_ns, *ahead), rig.now_ns)
        rig.step()
    assert rig.human_moves(), rig.runner.reason
    passed_s = (rig.now_ns - 2 * STEP_NS - began_ns) / SECOND
    assert rig.positions == pytest.approx(wanted(passed_s), abs=0.005)
