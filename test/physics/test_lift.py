import numpy as np
import pytest

from helpers.trajectory_messages import SECOND, trajectory

# First of all, since it tells MuJoCo how to draw, which looks once.
from neuracore_ros.physics.arms import ARMS

pytest.importorskip('robosuite', reason="needs pip install 'neuracore_ros[mujoco]'")

from neuracore_ros.description import load_robot
from neuracore_ros.description.shipped import shipped
from neuracore_ros.physics.expert import LiftExpert
from neuracore_ros.physics.lift import ARM_TOPIC, GRIPPER_TOPIC, LiftRobot
from neuracore_ros.sim.simulation import STEP_NS, Simulation


@pytest.fixture(scope='module')
def robots():
    """Each takes seconds to make; every test resets what it uses."""
    return {name: LiftRobot(arm) for name, arm in ARMS.items()}


@pytest.fixture(params=ARMS)
def robot(request, robots):
    robot = robots[request.param]
    robot.disturbance = 0.0
    robot.reset(3)
    return robot


def run_expert(robot, seed, most_s=8.0):
    """Drive the robot as the node does, until the cube is up; the seconds it took."""
    simulation = Simulation(robot, lambda: LiftExpert(robot), seed, SECOND)
    simulation.switch_expert(True)
    for step in range(round(most_s * SECOND / STEP_NS)):
        simulation.advance(simulation.now_ns + STEP_NS)
        for target in simulation.targets():
            message = trajectory(target.joint_names, (target.ahead_s, target.positions))
            assert robot.accept(target.topic, message, simulation.now_ns) is None
        if robot.distance() <= robot.tolerance() / 2:
            return step * STEP_NS / SECOND
    return None


def play(robot, topic, names, positions, duration_s):
    """Send one point and let time pass; positions at the end by published name."""
    assert robot.accept(topic, trajectory(names, (0.1, positions)), SECOND) is None
    for step in range(1, round(duration_s * 100) + 1):
        robot.step(SECOND + step * STEP_NS, STEP_NS / SECOND)
    return dict(zip(robot.published, robot.measure()[0], strict=True))


def test_the_expert_lifts_the_cube_wherever_it_lies(robot):
    for seed in range(3):
        assert run_expert(robot, seed) < 3.5


def test_the_expert_asks_of_no_joint_more_than_it_can(robot):
    simulation = Simulation(robot, lambda: LiftExpert(robot), 1, SECOND)
    simulation.switch_expert(True)
    fastest = np.zeros(len(robot.arm.joints))
    for _ in range(100):
        simulation.advance(simulation.now_ns + STEP_NS)
        for target in simulation.targets():
            message = trajectory(target.joint_names, (target.ahead_s, target.positions))
            robot.accept(target.topic, message, simulation.now_ns)
            if target.topic == ARM_TOPIC:
                asked = np.abs(target.positions - robot.positions) / target.ahead_s
                fastest = np.maximum(fastest, asked)
    assert (fastest < robot.arm.speeds).all()


def test_the_expert_lifts_the_cube_although_it_is_pushed(robot):
    robot.disturbance = 0.07
    for seed in range(2):
        assert run_expert(robot, seed) is not None


def test_one_seed_puts_the_cube_at_one_place_on_every_table(robots):
    for seed in (0, 1):
        for robot in robots.values():
            robot.reset(seed)
        panda, *others = (robot.goal() for robot in robots.values())
        for other in others:
            np.testing.assert_allclose(panda, other, atol=1e-3)
        again = robots['lift_panda']
        before = again.measure()[0]
        again.reset(seed)
        np.testing.assert_array_equal(again.measure()[0], before)


def test_cubes_lie_all_over_the_middle_of_the_table(robots):
    places = []
    for seed in range(50):
        robots['lift_panda'].reset(seed)
        places.append(robots['lift_panda'].goal())
    places = np.array(places)
    assert (np.abs(places[:, :2]) < 0.085).all()
    assert (np.ptp(places[:, :2], axis=0) > 0.13).all()
    assert np.ptp(places[:, 2]) < 0.001


def test_the_arm_follows_its_trajectory(robot):
    target = robot.positions + 0.05
    play(robot, ARM_TOPIC, robot.arm.joints, target, 0.5)
    np.testing.assert_allclose(robot.positions, target, atol=0.003)


def test_the_gripper_opens_and_closes_as_its_joint_says(robot):
    arm = robot.arm
    closed = play(robot, GRIPPER_TOPIC, (arm.finger,), [arm.closed], 1.5)
    opened = play(robot, GRIPPER_TOPIC, (arm.finger,), [arm.opened], 1.5)
    span = arm.opened - arm.closed
    assert abs(opened[arm.finger] - arm.opened) < 0.1 * abs(span)
    # The pads of Robotiq's grippers meet before their joints are at their limits.
    assert (opened[arm.finger] - closed[arm.finger]) / span > 0.65
    for mimic in arm.mimic:
        assert opened[mimic] == pytest.approx(opened[arm.finger], abs=0.1 * abs(span))


def test_a_gripper_that_holds_the_cube_does_not_let_go_at_a_new_command(robot):
    assert run_expert(robot, 5) is not None
    for _ in range(10):
        play(robot, GRIPPER_TOPIC, (robot.arm.finger,), [robot.arm.closed], 0.1)
    assert robot.distance() <= robot.tolerance()


def test_a_trial_begins_with_a_command_that_opens_the_hand(robot):
    (target,) = robot.opening()
    opened = play(robot, target.topic, target.joint_names, target.positions, 1.5)
    span = abs(robot.arm.opened - robot.arm.closed)
    assert opened[robot.arm.finger] == pytest.approx(robot.arm.opened, abs=0.1 * span)


def test_what_is_published_is_what_the_robot_file_declares(robot):
    file = load_robot(shipped(robot.arm.name))
    sources = {source.topic: set() for source in file.input_sources()}
    for source in file.input_sources():
        sources[source.topic].add(source.message_name)
    assert sources['joint_states'] <= set(robot.published)
    assert {f'{name}/image_raw' for name in robot.cameras} <= set(sources)
    for command in file.commands():
        assert {j.message_name for j in command.joints} == set(robot.controllers[command.topic])


def test_a_gripper_counts_as_open_where_it_is(robot):
    (finger,) = (c for c in load_robot(shipped(robot.arm.name)).commands() if len(c.joints) == 1)
    (joint,) = finger.joints
    assert joint.to_message(1.0) == pytest.approx(robot.arm.opened, abs=1e-9)
    assert joint.to_message(0.0) == pytest.approx(robot.arm.closed, abs=1e-9)


def test_a_command_to_joints_that_are_not_there_is_rejected(robot):
    wrong = trajectory(['elbow'], (0.1, [0.0]))
    assert "'elbow' is not controlled here" in robot.accept(ARM_TOPIC, wrong, SECOND)


@pytest.mark.parametrize('arm', ARMS.values(), ids=list(ARMS))
def test_both_cameras_show_where_the_cube_is(robots, arm):
    robot = robots[arm.name]
    centres = []
    for seed in (0, 1, 2, 4):
        robot.reset(seed)
        red, green, blue = np.moveaxis(robot.draw('agentview').astype(int), 2, 0)
        rows, columns = np.nonzero((red > 90) & (red > 2 * green) & (red > 2 * blue))
        assert len(rows) > 10
        centres.append((columns.mean(), robot.goal()[1]))
    by_side = sorted(centres, key=lambda pair: pair[1])
    assert [c for c, _ in by_side] == sorted(c for c, _ in centres)
    assert robot.draw('wrist').shape == (128, 128, 3)
