"""The plan as viewers see it: what the robot does next, if nothing new is predicted."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from helpers.direct_rig import HAND, VELOCITIES, DirectRig
from helpers.hand_rig import RELATIVE, START, PoseRig, manifest, stay
from helpers.runner_rig import RATE_HZ, ROBOT, STEP_NS, hold
from helpers.small_chain import describe, pose, same_pose
from neuracore_ros.command.limits import follow, pursued
from neuracore_ros.command.plan import Plan
from neuracore_ros.description import load_robot
from neuracore_ros.description.commanded_joints import commanded_joints, joint_names
from neuracore_ros.runner import Runner, Settings
from neuracore_ros.runner.plan_ahead import (
    PlanAhead,
    planned_hands,
)


def ramp(request):
    """Joint a goes 0.5 rad/s from where it is measured, b stays."""
    here = next(iter(request.inputs.values()))[-1]
    chunk = np.tile([here[0], np.nan, here[2]], (16, 1))
    chunk[:, 0] += 0.5 * np.arange(1, 17) / RATE_HZ
    return chunk


def ahead(rig):
    return rig.runner.ahead(rig.now_ns).positions


def test_it_begins_at_the_setpoint_and_goes_a_step_a_row_to_the_end_of_the_prediction(rig):
    moved = rig(model=ramp).step(20)
    assert moved.state == 'RUNNING'
    setpoint = moved.runner.setpoint(moved.now_ns)[0]
    rows = ahead(moved)
    assert np.allclose(rows[0], setpoint)
    # The prediction of 16 steps is a few steps old.
    assert 10 <= len(rows) - 1 <= 16
    # The last row is where the prediction ends, less than a step after the one before.
    assert np.allclose(np.diff(rows[:-1, 0]), 0.5 / RATE_HZ, atol=3e-3)
    assert np.allclose(rows[:, 1], 0.0, atol=1e-9)


def test_it_is_what_is_commanded_where_nothing_new_is_predicted(rig):
    moved = rig(model=ramp, execute_steps=12).step(8)
    told, told_ns = ahead(moved), moved.now_ns
    asked = len(moved.requests)
    executed = []
    for _ in range(4):
        moved.step()
        executed.append(moved.runner.setpoint(moved.now_ns)[0])
    assert len(moved.requests) == asked
    assert moved.now_ns == told_ns + 4 * STEP_NS
    assert np.allclose(told[1:5], executed, atol=2e-4)


def test_a_robot_that_starts_slowly_is_shown_on_its_slow_way(rig):
    started = rig(model=hold(0.4), start=(0.0, 0.2), start_tolerance=0.05, start_speed=0.1)
    while started.state != 'RUNNING':
        started.step()
    speeds = np.abs(np.diff(ahead(started), axis=0)) * RATE_HZ
    assert 0.1 < speeds[:, 0].max() <= 0.2 * 1.5


def test_it_keeps_to_the_limits_that_the_prediction_does_not(rig):
    moved = rig(model=hold(0.0)).step(20)
    moved.model = hold(5.0)
    moved.step(8)
    rows = ahead(moved)
    assert np.all(rows <= [1.0 + 1e-9, 0.5 + 1e-9])
    assert np.all(np.abs(np.diff(rows, axis=0)) * RATE_HZ <= np.array([2.0, 1.0]) + 1e-9)


@pytest.mark.parametrize('end', ['disable', 'stop', 'reset', 'fault'])
def test_nothing_is_ahead_of_a_robot_that_is_not_led(rig, end):
    moved = rig(model=ramp).step(20)
    assert len(ahead(moved)) and moved.runner.plans[0] is not None
    if end == 'disable':
        moved.do(moved.runner.enable(False, moved.now_ns))
    elif end == 'stop':
        moved.do(moved.runner.stop(moved.now_ns))
    elif end == 'reset':
        moved.do(moved.runner.reset(moved.now_ns))
    else:
        moved.do(moved.runner.disturbed('another commands', moved.now_ns))
    assert ahead(moved).shape == (0, 2) and moved.runner.plans == (None, None)


def test_nothing_is_ahead_before_the_first_prediction(rig):
    assert ahead(rig()).shape == (0, 2)


def test_a_merged_prediction_is_another_plan_and_a_tick_alone_is_not(rig):
    moved = rig(model=ramp, execute_steps=8).step(20)
    plans = []
    for _ in range(16):
        moved.step()
        plans.append(moved.runner.plans[0])
    changes = sum(one is not other for one, other in pairwise(plans))
    assert changes == 2


@pytest.mark.parametrize('seed', range(20))
def test_pursuing_is_following_wherever_no_cubic_is_too_fast(rig, seed):
    random = np.random.default_rng(seed)
    limits = rig().runner._joints.limits
    limits = replace(limits, acceleration=np.array([np.inf, random.uniform(2.0, 20.0)]))
    # Slower than two thirds of the limits, so that no cubic is too fast.
    steps = np.cumsum(random.uniform(-0.02, 0.02, (12, 2)), axis=0)
    plan = Plan(0, STEP_NS, np.concatenate([np.zeros((1, 2)), steps]))
    times_s = np.arange(1, 13) / RATE_HZ
    start = np.zeros(2), np.zeros(2)
    wanted = follow(start, plan, 0, times_s, limits, rests=False).positions
    assert np.allclose(pursued(start, plan, 0, times_s, limits), wanted, atol=1e-9)


# Hands


def planar(folder, text=RELATIVE):
    robot = load_robot(describe(folder, text))
    return robot, list(planned_hands(robot, robot.all_commands()))


def test_the_way_of_a_chain_is_that_of_its_grasp_frame_seen_from_its_base_link(tmp_path):
    robot, (hand,) = planar(tmp_path)
    moved = PoseRig(Runner(robot, manifest(), Settings()), model=stay((0.7, 0.7, -0.2)))
    moved.step(5)
    plan = moved.runner.ahead(moved.now_ns)
    assert (hand.name, hand.frame) == ('hand', 'base')
    way = hand.way(plan)
    assert len(way) == len(plan.positions) > 10
    # The shared base frame is turned by a quarter against the link.
    for row, joints in zip(way, plan.positions, strict=True):
        x, y, z = pose(*joints)[:3]
        assert np.allclose(row[:3], [-y, x, z], atol=1e-9)
    assert np.allclose(plan.positions[0], START, atol=0.1)


JOINTS_OF_CHAIN = """
robot: planar
urdf: planar.urdf
chains: {hand: {base: base, tip: tool}}
input: {JOINT_POSITIONS: {0: shoulder, 1: elbow, 2: turn}}
output: {JOINT_TARGET_POSITIONS: {0: shoulder, 1: elbow, 2: turn}}
sources: {JOINT_POSITIONS: {topic: joint_states}}
commands:
  JOINT_TARGET_POSITIONS: {topic: arm}
"""


def test_a_chain_whose_joints_a_policy_commands_has_a_way_too(tmp_path):
    (hand,) = planar(tmp_path, JOINTS_OF_CHAIN)[1]
    assert (hand.name, hand.frame) == ('hand', 'base')


def test_a_robot_in_degrees_has_the_same_way(tmp_path):
    degrees = JOINTS_OF_CHAIN.replace('topic: arm}', 'topic: arm, scale: 0.017453292519943295}')
    ways = []
    for text, unit in ((JOINTS_OF_CHAIN, 1.0), (degrees, 180.0 / np.pi)):
        (hand,) = planar(tmp_path, text)[1]
        positions = unit * np.array([[0.5, 0.9, -0.4]])
        ways.append(hand.way(PlanAhead(positions, np.zeros((0, 0, 7)), STEP_NS)))
    assert same_pose(*ways)


def test_a_chain_with_a_joint_that_nobody_commands_has_no_way(tmp_path):
    text = JOINTS_OF_CHAIN.replace(
        'output: {JOINT_TARGET_POSITIONS: {0: shoulder, 1: elbow, 2: turn}}',
        'output: {JOINT_TARGET_POSITIONS: {0: shoulder, 1: elbow}}',
    )
    assert planar(tmp_path, text)[1] == []


def test_the_way_of_a_hand_that_is_commanded_by_poses_is_in_the_frame_of_its_command(tmp_path):
    def away(request):
        poses = np.tile([0.0, 0, 0, 0, 0, 0, 1], (16, 1, 1))
        poses[:, 0, 0] = np.linspace(0.01, 0.16, 16)
        return poses

    moved = DirectRig(tmp_path, HAND.replace('TYPE', 'PoseStamped'), away).step(20)
    (hand,) = planned_hands(moved.robot, moved.runner.commands)
    assert (hand.name, hand.frame) == ('hand', 'base_link')
    plan = moved.runner.ahead(moved.now_ns)
    assert plan.positions.shape == (0, 0) and moved.runner.plans[0] is None
    way = hand.way(plan)
    assert np.allclose(way[0], moved.pose) and way[-1, 0] > way[0, 0] + 0.05
    moved.do(moved.runner.enable(False, moved.now_ns))
    assert hand.way(moved.runner.ahead(moved.now_ns)).shape == (0, 7)
    assert moved.runner.plans == (None, None)


def test_velocities_alone_have_neither_plan_nor_way(tmp_path):
    moved = DirectRig(tmp_path, VELOCITIES, lambda request: np.zeros((16, 2))).step(5)
    assert list(planned_hands(moved.robot, moved.runner.commands)) == []
    assert joint_names(commanded_joints(moved.runner.commands)) == []
    plan = moved.runner.ahead(moved.now_ns)
    assert plan.positions.shape == (0, 0) and plan.poses.shape == (0, 0, 7)


# Names


def test_joints_have_their_names_in_messages(tmp_path):
    path = tmp_path / 'robot.yaml'
    path.write_text(ROBOT.replace('topic: arm}', 'topic: arm, names: {a: joint_1}}'))
    assert joint_names(commanded_joints(load_robot(path).all_commands())) == ['joint_1', 'b']


def test_two_arms_whose_drivers_use_the_same_names_have_those_of_the_robot_file(tmp_path):
    path = tmp_path / 'robot.yaml'
    two = """
commands:
  JOINT_TARGET_POSITIONS:
    a: {topic: left/arm, names: {a: joint_1}}
    b: {topic: right/arm, names: {b: joint_1}}
"""
    path.write_text(ROBOT[: ROBOT.index('commands:')] + two)
    assert joint_names(commanded_joints(load_robot(path).all_commands())) == ['a', 'b']
