import numpy as np
import pytest

from helpers.lagging_robot import LaggingRobot
from helpers.trajectory_messages import SECOND, trajectory


def stepped(robot, time_s):
    for _ in range(round(time_s * SECOND) // robot.period_ns):
        assert robot.step() is None
    return robot


def test_a_joint_at_constant_speed_is_behind_by_its_lag():
    robot = LaggingRobot(['a'], [0.0], lag_s=0.04, delay_s=(0.0, 0.0))
    robot.send(trajectory(['a'], (0.0, [0.0], [1.0]), (2.0, [2.0], [1.0]), (3.0, [2.0], [0.0])), 0)
    stepped(robot, 1.0)
    assert robot.commands[-1].item() - robot.positions.item() == pytest.approx(0.04, abs=2e-3)
    assert robot.velocities.item() == pytest.approx(1.0, abs=1e-3)
    since_ns = robot.times_ns[5]
    assert robot.worst_jump(since_ns) < 1e-6
    assert robot.worst_jump() == pytest.approx(1.0, abs=0.01)


def test_a_frozen_joint_stays():
    robot = LaggingRobot(['a'], [0.5])
    robot.frozen = True
    robot.send(trajectory(['a'], (0.1, [1.0])), 0)
    assert stepped(robot, 0.3).positions.item() == 0.5
    robot.frozen = False
    assert stepped(robot, 0.5).positions.item() == pytest.approx(1.0, abs=1e-3)


def test_messages_arrive_late_and_in_order():
    robot = LaggingRobot(['a'], [0.0], lag_s=0.0, delay_s=(0.01, 0.03))
    for value in range(1, 20):
        robot.send(trajectory(['a'], (0.0, [value])), 0)
    stepped(robot, 0.04)
    told = np.array(robot.commands)[:, 0]
    assert (np.diff(told) >= 0).all()
    assert told[4] == 0.0
    assert told[-1] == 19.0


def test_what_the_controller_rejects_is_told_in_the_cycle():
    robot = LaggingRobot(['a'], [0.0], delay_s=(0.0, 0.0))
    robot.send(trajectory(['b'], (0.1, [1.0])), 0)
    assert "'b' is not controlled here" in robot.step()
    assert robot.step() is None
