"""Contents of command messages. The rig puts each to the controller's checks."""

import numpy as np
import pytest

from helpers.runner_rig import ROBOT, SECOND, START_NS, STEP_NS, TARGET, hold, joint_state
from neuracore_ros.errors import DescriptionError


def test_a_command_has_only_and_all_of_the_robots_own_joints_in_index_order(rig):
    command = rig().step(3).last
    assert (command.topic, command.type) == ('arm', 'trajectory_msgs/msg/JointTrajectory')
    assert command.joint_names == ('a', 'b')
    assert command.positions.shape == command.velocities.shape == (10, 2)


def test_names_are_those_of_the_command_message(rig):
    robot = ROBOT.replace('{topic: arm}', '{topic: arm, names: {a: arm_a}}')
    renamed = rig(robot=robot)
    renamed.controller.joint_names = ('arm_a', 'b')
    assert renamed.step(3).last.joint_names == ('arm_a', 'b')


def test_velocities_are_central_differences_and_zero_at_the_last_point(rig):
    running = rig(model=lambda r: np.tile(0.005 * np.arange(1, 17)[:, None] ** 1.2, (1, 3)))
    command = running.step(3).last
    # The last two points brake, in less than a step.
    inner = (command.positions[2:-1] - command.positions[:-3]) / 0.1
    assert command.velocities[1:-2, 0] == pytest.approx(inner[:, 0])
    assert command.velocities[-1].tolist() == [0.0, 0.0]


def test_where_the_path_turns_the_velocity_is_zero_so_that_no_spline_overshoots(rig):
    there = 0.02 * np.minimum(np.arange(1, 17), 8 - np.arange(1, 17))
    command = rig(model=lambda r: np.tile(there[:, None], (1, 3)), latency_steps=0).step(3).last
    turn = int(np.argmax(command.positions[:, 0]))
    assert command.velocities[turn, 0] == 0.0


@pytest.mark.parametrize('max_ahead_s', [0.05, 0.2, 0.5, 2.0])
def test_no_message_reaches_further_than_max_ahead_and_the_arm_never_runs_dry(rig, max_ahead_s):
    def ramp(request):
        return np.tile(0.01 * (request.tick + 1 + np.arange(16))[:, None], (1, 3))

    running = rig(model=ramp, max_ahead_s=max_ahead_s, execute_steps=12).step(40)
    assert max(c.times_s[-1] for _, c in running.sent) <= max_ahead_s + 1e-9
    speed = np.diff(np.array(running.path)[100:350, 0]) / 0.005
    assert speed.min() > (0.1 if max_ahead_s > 0.05 else -1e-9)


def test_messages_are_sent_no_oftener_than_needed(rig):
    # 12 steps of plan, 10 of them in a message: one at the prediction, one before it ends.
    running = rig(model=hold(0.05), execute_steps=12).step(61)
    assert len(running.sent) <= 2 * len(running.requests)


def test_positions_are_clamped_and_counted(rig):
    running = rig(model=hold(0.0)).step(5)
    assert running.runner.counters.clamps == 0
    running.model = hold(7.0)
    running.step(60)
    assert running.positions == pytest.approx([1.0, 0.5], abs=1e-6)
    assert (np.max(running.path, axis=0) <= np.array([1.0, 0.5]) + 1e-5).all()
    assert running.runner.counters.clamps > 0


def test_one_factor_slows_all_joints_so_that_the_path_keeps_its_shape(rig):
    robot = ROBOT.replace(', acceleration: 10.0', '').replace('[-2, 0.5]', '[-2, 2]')
    running = rig(robot=robot, model=hold(0.0)).step(5)
    # 0.9 rad within one step is far beyond the limits of 2 and 1 rad/s.
    running.model = lambda r: np.tile([0.9, 0.0, 0.9], (16, 1))
    sent = len(running.sent)
    running.step(10)
    positions = np.concatenate([c.positions for _, c in running.sent[sent:]])
    assert positions[:, 0] == pytest.approx(positions[:, 1], abs=1e-9)


def test_where_predictions_overlap_the_new_one_takes_over_in_shares(rig):
    jumps = {}
    for blend in ('none', 'linear'):
        running = rig(model=hold(0.0), blend=blend, latency_steps=0).step(3)
        running.model = hold(0.03)
        running.step(10)
        jumps[blend] = np.abs(np.diff(running.last.positions[:, 0], prepend=0.0)).max()
    assert jumps['none'] == pytest.approx(0.03)
    assert jumps['linear'] == pytest.approx(0.03 / 5)


POINTS = ROBOT.replace('{topic: arm}', '{topic: arm, stream: point}')
ARRAY = ROBOT.replace('{topic: arm}', '{topic: arm, type: std_msgs/msg/Float64MultiArray}')


class Points:
    """A rig's controller that jumps to each point at once, as forward controllers do."""

    def __init__(self, rig):
        self.target = rig.positions.copy()
        self.at_ns = []

    def accept(self, message, now_ns, positions, velocities):
        assert len(message.points) == 1
        self.target = np.array(message.points[0].positions)
        self.at_ns.append(now_ns)

    def reference(self, now_ns):
        return self.target


def test_a_trajectory_topic_may_take_one_point_a_step(rig):
    running = rig(robot=POINTS, model=hold(0.05)).step(20)
    points = [c for _, c in running.sent]
    assert all(c.times_s.tolist() == [0.05] and c.velocities is None for c in points)
    assert points[-1].positions[0] == pytest.approx([0.05, 0.05])
    assert len(points) == 18


def test_its_stop_is_one_trajectory(rig):
    running = rig(
        robot=POINTS, model=lambda r: np.tile(0.02 * (r.tick + np.arange(16))[:, None], 3)
    )
    running.step(8)
    running.do(running.runner.stop(running.now_ns))
    assert not running.last.velocities[-1].any()
    sent = len(running.sent)
    assert len(running.step(10).sent) == sent
    assert running.runner.at_rest(running.now_ns)


def test_a_float64_multi_array_takes_points_and_its_stop_is_streamed(rig):
    running = rig(
        robot=ARRAY, model=lambda r: np.tile(0.02 * (r.tick + np.arange(16))[:, None], 3)
    )
    running.controller = Points(running)
    running.step(12)
    assert running.last.type == 'std_msgs/msg/Float64MultiArray'
    running.do(running.runner.stop(running.now_ns))
    at = [running.controller.target[0]]
    while not running.runner.at_rest(running.now_ns):
        running.step()
        at.append(running.controller.target[0])
    assert 2 < len(at) < 10
    assert (np.diff(at) > -1e-9).all()
    assert running.runner.points(running.now_ns + STEP_NS) == ()


def test_points_may_come_oftener_than_steps(tmp_path, rig):
    running = rig(robot=ARRAY, model=hold(0.1), command_rate_hz=100.0)
    running.controller = Points(running)
    assert running.runner.point_rate_hz == 100.0
    moved = [0.0]
    for _ in range(30):
        running.step()
        for i in range(5):
            for command in running.runner.points(running.now_ns + i * SECOND // 100):
                moved.append(command.positions[0, 0])
    assert np.abs(np.diff(moved)).max() <= 2.0 / 100 + 1e-9
    assert moved[-1] == pytest.approx(0.1)


def test_a_late_point_is_a_delay_and_no_jump(rig):
    running = rig(robot=ARRAY, model=hold(0.09), command_rate_hz=50.0).step(2)
    running.simulate(STEP_NS // 2)
    first = running.runner.points(running.now_ns)[0].positions[0]
    later = running.runner.points(running.now_ns + 5 * STEP_NS)[0].positions[0]
    assert (np.abs(later - first) <= np.array([2.0, 1.0]) / 50 + 1e-9).all()


def test_several_topics_share_one_timeline(rig):
    robot = ROBOT.replace(
        'commands: {JOINT_TARGET_POSITIONS: {topic: arm}}',
        'commands: {JOINT_TARGET_POSITIONS: {a: {topic: arm}, b: {topic: hand}}}',
    )
    runner = rig(robot=robot).runner
    assert set(runner.command_topics) == {'arm', 'hand'}
    for now_ns in (START_NS, START_NS + STEP_NS):
        runner.receive('joint_states', joint_state('ab', [0.0, 0.0], now_ns), now_ns)
        request = runner.tick(now_ns, {'arm': 1, 'hand': 1}).request
    chunk = {TARGET: np.tile([0.01, 0.0, 0.02], (16, 1))}
    arm, hand = runner.predicted(request, chunk, now_ns).commands
    assert (arm.topic, arm.joint_names, arm.positions[-1].tolist()) == ('arm', ('a',), [0.01])
    assert hand.positions[-1, 0] == pytest.approx(0.02)
    assert arm.times_s.tolist() == hand.times_s.tolist()
    assert runner.tick(now_ns + STEP_NS, {'arm': 1, 'hand': 0}).commands != ()
    assert runner.reason == 'nobody listens to hand'


def test_an_input_that_the_policy_does_not_read_is_not_subscribed_to(rig):
    robot = ROBOT.replace(
        'input: {JOINT_POSITIONS: {0: a, 2: b}}',
        'input: {JOINT_POSITIONS: {0: a, 2: b}, JOINT_VELOCITIES: {0: a}}',
    ).replace('sources: {', 'sources: {JOINT_VELOCITIES: {topic: speeds}, ')
    runner = rig(robot=robot).runner
    assert runner.topics == {'joint_states': ('sensor_msgs/msg/JointState', 'match')}
    assert 'JOINT_VELOCITIES, which the policy does not read' in runner.warnings[0]


def test_profile_ruckig_moves_the_robot_within_acceleration_and_jerk(rig):
    pytest.importorskip('ruckig')
    robot = ROBOT.replace('velocity: 2.0', 'velocity: 2.0, acceleration: 9.0, jerk: 200')
    running = rig(robot=robot, profile='ruckig', model=swing, latency_steps=1.0).step(60)
    assert (running.state, running.runner.warnings) == ('RUNNING', ())
    due = 60 - 1
    assert running.positions == pytest.approx([swing_at(due)] * 2, abs=0.02)
    path = np.array(running.path)[::5]
    bend = np.diff(path, 2, axis=0) / 0.025**2
    assert (np.abs(bend).max(axis=0) <= [9.0 * 1.05, 10.0 * 1.05]).all()
    running.do(running.runner.enable(False, running.now_ns))
    running.step(20)
    assert not running.last.velocities[-1].any()
    assert np.ptp(running.path[-50:], axis=0) == pytest.approx([0.0, 0.0])


def test_profile_ruckig_needs_accelerations_and_says_what_max_ahead_costs(rig):
    with pytest.raises(DescriptionError, match="'a' has no acceleration limit"):
        rig(profile='ruckig')
    slow = ROBOT.replace('velocity: 2.0', 'velocity: 2.0, acceleration: 1.0')
    assert "'a' is kept to 0.2 of 2 rad/s" in rig(robot=slow, profile='ruckig').runner.warnings[0]


def swing_at(step):
    return 0.3 * (1 - np.cos(0.1 * step))


def swing(request):
    return np.tile(swing_at(request.tick + 1 + np.arange(16))[:, None], (1, 3))
