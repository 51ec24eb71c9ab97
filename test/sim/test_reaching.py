import numpy as np
import pytest

from helpers.trajectory_messages import SECOND, trajectory
from neuracore_ros.pairs import pair_seed
from neuracore_ros.sim.arms import ARMS, ArmKinematics
from neuracore_ros.sim.expert import ReachExpert, solve_posture
from neuracore_ros.sim.reaching import (
    AZIMUTH,
    RADIUS,
    draw_trial,
)
from neuracore_ros.sim.robot import COMMAND_TOPIC, ReachRobot

ALL_ARMS = pytest.mark.parametrize('arm', ARMS.values(), ids=list(ARMS))
STEP_S, STEP_NS = 0.01, 10_000_000
TOPIC = COMMAND_TOPIC


def run_expert(robot, duration_s=4.0):
    """Drive ``robot`` as the node does; yields it after every step."""
    expert = ReachExpert(robot)
    for step in range(round(duration_s / STEP_S)):
        now = SECOND + step * STEP_NS
        if step % 5 == 0:
            (target,) = expert.targets(0.05)
            command = trajectory(target.joint_names, (target.ahead_s, target.positions))
            assert robot.accept(TOPIC, command, now) is None
        robot.step(now + STEP_NS, STEP_S)
        yield robot


@ALL_ARMS
def test_the_expert_reaches_every_target_and_keeps_the_limits(arm):
    limits = ArmKinematics(arm)
    for seed in range(50):
        robot = ReachRobot(arm, seed)
        assert robot.distance() > 2 * robot.tolerance()
        for _ in run_expert(robot, 3.0):
            assert np.all(np.abs(robot.velocities) <= limits.velocity + 1e-9)
            assert np.all((limits.lower <= robot.positions) & (robot.positions <= limits.upper))
        assert robot.distance() <= robot.tolerance(), f'seed {seed}: {robot.distance():.3f} m'
        assert np.all(np.abs(robot.velocities) <= 0.05)


@ALL_ARMS
def test_the_expert_comes_back_to_the_target_although_it_is_pushed(arm):
    farthest = 0.0
    for seed in range(10):
        pushed, calm = ReachRobot(arm, seed), ReachRobot(arm, seed)
        pushed.disturbance = 0.2
        distances = []
        for _ in zip(run_expert(pushed), run_expert(calm), strict=True):
            farthest = max(farthest, float(np.abs(pushed.positions - calm.positions).max()))
            distances.append(pushed.distance())
        assert min(distances[-100:]) <= pushed.tolerance()
    assert 0.02 < farthest < 0.4


@ALL_ARMS
def test_a_step_reference_does_not_teleport(arm):
    robot = ReachRobot(arm)
    before, limits = robot.positions.copy(), robot.kinematics
    far = np.clip(before + 1.0, limits.lower, limits.upper)
    assert robot.accept(TOPIC, trajectory(arm.joint_names, (0.0, far)), SECOND) is None
    robot.step(SECOND + STEP_NS, STEP_S)
    assert np.all(robot.positions - before <= limits.velocity * STEP_S + 1e-12)
    for step in range(2, 300):
        robot.step(SECOND + step * STEP_NS, STEP_S)
    np.testing.assert_allclose(robot.positions, far)


@ALL_ARMS
def test_one_target_has_one_posture_and_near_targets_have_near_postures(arm):
    kinematics = ArmKinematics(arm)
    for seed in range(20):
        target = draw_trial(kinematics, seed).target
        posture = solve_posture(kinematics, target)
        moved = solve_posture(kinematics, target + 0.01 * arm.reach * np.eye(3)[0])
        np.testing.assert_allclose(kinematics.tool(posture), target, atol=1e-3 * arm.reach)
        assert np.abs(moved - posture).max() < 0.1


@ALL_ARMS
def test_a_seed_always_gives_the_same_trial_within_reach(arm):
    kinematics = ArmKinematics(arm)
    once, again = draw_trial(kinematics, 7), draw_trial(kinematics, 7)
    np.testing.assert_array_equal(once.target, again.target)
    np.testing.assert_array_equal(once.start, again.start)
    targets = np.array([draw_trial(kinematics, seed).target for seed in range(200)])
    radii = np.hypot(targets[:, 0], targets[:, 1]) / arm.reach
    angles = np.arctan2(targets[:, 1], targets[:, 0])
    assert RADIUS[0] <= radii.min() and radii.max() <= RADIUS[1]
    assert AZIMUTH[0] <= angles.min() and angles.max() <= AZIMUTH[1]
    assert np.ptp(radii) > 0.2 and np.ptp(angles) > 1.0


def test_a_reset_forgets_the_running_trajectory():
    robot = ReachRobot(ARMS['ur5'], 0)
    target = robot.kinematics.home + 0.5
    assert robot.accept(TOPIC, trajectory(ARMS['ur5'].joint_names, (1.0, target)), SECOND) is None
    robot.reset(1)
    start = robot.positions.copy()
    for step in range(50):
        robot.step(SECOND + step * STEP_NS, STEP_S)
    np.testing.assert_array_equal(robot.positions, start)
    assert not robot.velocities.any()


@ALL_ARMS
def test_the_expert_keeps_a_pace_that_every_arm_can_follow(arm):
    robot = ReachRobot(arm, 3)
    before, fastest = robot.kinematics.tool(robot.positions), 0.0
    for _ in run_expert(robot, 3.0):
        after = robot.kinematics.tool(robot.positions)
        fastest = max(fastest, float(np.linalg.norm(after - before)) / STEP_S / arm.reach)
        before = after
    assert 0.25 < fastest < 1.1 * ReachExpert.PACE


def test_one_label_puts_the_ball_at_one_place_before_every_arm():
    places = set()
    for label in ('0', '7', 'red cube'):
        trials = {
            name: draw_trial(ArmKinematics(arm), pair_seed(label)) for name, arm in ARMS.items()
        }
        # Arms of any size play the same game: places are told in their reaches.
        found = {tuple(np.round(t.target / ARMS[n].reach, 9)) for n, t in trials.items()}
        assert len(found) == 1
        places |= found
    assert len(places) == 3
