"""Continuous joints go the short way; no other joint does."""

import numpy as np
import pytest

from helpers.small_arms import SECOND, arm, joint, joints_of, motion_of
from neuracore_ros.command.start import start_gate
from neuracore_ros.command.tracking import Measured, Tracking
from neuracore_ros.description import Command, DataType, JointLimit

INF = np.inf
# A wheel and a limited joint.
WHEEL = arm((-INF, INF, 1.0), (-4, 4, 1.0))


def test_outputs_go_to_the_equivalent_angle_nearest_to_the_setpoint():
    outputs = np.array([[-3.1, -3.1], [-3.0, -3.0]])
    unwound = joints_of(WHEEL).unwound(outputs, np.array([3.1, 3.1]))
    assert unwound[:, 0] == pytest.approx([-3.1 + 2 * np.pi, -3.0 + 2 * np.pi])
    assert unwound[:, 1].tolist() == [-3.1, -3.0]


def test_outputs_that_wrap_on_their_way_go_on():
    unwound = joints_of(WHEEL).unwound(np.array([[3.0, 0], [-3.1, 0], [-2.9, 0]]), np.zeros(2) + 3)
    assert np.diff(unwound[:, 0]) == pytest.approx([2 * np.pi - 6.1, 0.2])


def test_a_gripper_without_a_range_does_not_turn():
    kind = DataType.PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS
    grip = joint(0, JointLimit(-INF, INF, 1.0), kind)
    assert not joints_of(Command('hand', 'x', 'point', (grip,))).turns.any()


def test_a_rail_without_an_end_does_not_turn():
    rail = joint(0, JointLimit(-INF, INF, 1.0, slides=True))
    assert not joints_of(Command('rail', 'x', 'point', (rail,))).turns.any()


def test_the_start_gate_measures_the_short_way():
    joints = joints_of(WHEEL)
    measured = np.array([-3.1, 0.0])
    assert start_gate(np.array([3.15, 0.0]), measured, joints, 0.1, 0.5).refusal is None
    assert start_gate(np.array([3.15, 3.1]), measured, joints, 0.1, 0.5).refusal is not None


def test_an_encoder_that_wraps_is_no_jump_and_no_tracking_fault():
    joints = joints_of(WHEEL)
    tracking = Tracking(joints, 0.3)
    stamps = np.zeros(2, np.int64)
    tracking.note(Measured(np.array([3.13, 3.13]), stamps))
    wrapped = Measured(np.array([-3.13, -3.13]), stamps + SECOND // 20)
    assert tracking.jumped(wrapped).tolist() == [False, True]
    motion = motion_of(WHEEL)
    motion.begin(np.array([3.13, 3.13]), False, 0)
    assert tracking.lost(wrapped, motion).tolist() == [False, True]


@pytest.mark.parametrize('turns', [0, 3, -2])
def test_the_motion_goes_the_short_way_and_on_over_the_wrap(turns):
    start = np.array([3.1 + 2 * np.pi * turns, 0.0])
    motion = motion_of(WHEEL)
    motion.begin(start, False, 0)
    (command,) = motion.merge(np.tile([-3.0, 0.0], (8, 1)), 0)
    assert command.positions[-1, 0] == pytest.approx(start[0] + 2 * np.pi - 6.1)
    assert (np.diff(command.positions[:, 0]) > -1e-9).all()


def test_a_stop_measures_the_lag_the_short_way_and_holds_a_lost_joint_where_it_is():
    def stopped(measured, lost):
        motion = motion_of(WHEEL)
        motion.begin(np.array([3.1, 0.0]), False, 0)
        motion.merge(np.tile([3.3, 0.0], (8, 1)), 0)
        (command,) = motion.stop(SECOND // 10, np.array([measured, 0.0]), np.array(lost))
        return command

    near, wrapped = (stopped(3.18 - turn, [False, False]) for turn in (0, 2 * np.pi))
    assert wrapped.times_s == pytest.approx(near.times_s)
    held = stopped(2.5 - 2 * np.pi, [True, False])
    assert held.positions[:, 0] == pytest.approx([2.5] * len(held.positions))
