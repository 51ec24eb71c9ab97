"""The start gate, at every entry into RUNNING."""

from functools import partial

import numpy as np
import pytest

from helpers.runner_rig import ROBOT, hold, manifest
from neuracore_ros.description import DataType

GRIPPER = DataType.PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS


def speeds(rig, first=0):
    return np.abs(np.diff(rig.path[first:], axis=0)) / 0.005


def test_a_first_action_close_to_the_joints_goes_at_once(rig):
    close = rig(model=hold(0.09)).step(4)
    assert (close.state, close.runner.reason) == ('RUNNING', '')
    assert speeds(close)[:, 0].max() > 0.25 * 2.0


def test_a_first_action_further_away_is_blended_in_at_a_share_of_the_velocity_limits(rig):
    further = rig(model=hold(0.4)).step(6)
    assert (further.state, further.runner.reason) == ('RUNNING', 'blending in')
    further.step(40)
    fastest = speeds(further).max(axis=0) / [2.0, 1.0]
    assert (fastest <= 0.25 + 1e-3).all()
    assert (fastest > 0.2).all()
    assert further.positions == pytest.approx([0.4, 0.4], abs=1e-3)
    assert further.runner.reason == ''
    # From there on the plan is followed at full speed.
    further.model = hold(0.0)
    further.step(20)
    assert speeds(further)[:, 0].max() > 0.65 * 2.0


def test_a_first_action_beyond_start_max_holds_and_names_joint_value_and_distance(rig):
    beyond = rig(model=hold(0.5), start=(0.0, -0.3)).step(10)
    assert (beyond.state, beyond.sent) == ('HOLDING', [])
    assert beyond.runner.reason == (
        "first action of 'b' is 0.500, measured -0.300: 0.800 apart, more than start_max 0.5"
    )


def test_a_joint_outside_its_limits_is_brought_back_slowly_or_not_at_all(rig):
    # A policy that wants it to stay there; at once the limits would bring it back at full speed.
    def stay(position):
        return {
            'model': lambda _: np.tile([position, 0.0, 0.0], (16, 1)),
            'start': (position, 0.0),
        }

    staying = rig(**stay(1.2)).step(4)
    assert staying.state == 'RUNNING'
    staying.step(20)
    assert speeds(staying)[:, 0].max() <= 0.25 * 2.0 + 1e-3
    assert staying.positions[0] == pytest.approx(1.0, abs=1e-3)
    wrong = rig(**stay(1.7)).step(10)
    assert (wrong.state, wrong.sent) == ('HOLDING', [])
    assert wrong.runner.reason == (
        "'a' is measured at 1.700, 0.700 outside its limits (-1 to 1), more than start_max 0.5: "
        'correct the limits in the robot file, or move it back by hand'
    )


def test_it_is_tried_again_by_itself_or_after_enable_as_rearm_says(rig):
    for rearm, then in (('auto', 'RUNNING'), ('manual', 'HOLDING')):
        beyond = rig(model=hold(0.5), start=(0.0, -0.9), rearm=rearm).step(10)
        beyond.model = hold(0.0)
        assert beyond.step(20).state == 'HOLDING'
        beyond.model = lambda request: np.tile([0.0, 0.0, -0.9], (16, 1))
        assert beyond.step(20).state == then, rearm
        beyond.do(beyond.runner.enable(True, beyond.now_ns))
        assert beyond.step(5).state == 'RUNNING'


def test_the_gate_stands_at_every_entry_not_only_the_first(rig):
    running = rig().step(10)
    running.joints_alive = False
    running.step(10)
    assert running.state == 'HOLDING'
    running.move_by_hand([-0.9, 0.0])
    running.joints_alive = True
    assert running.step(10).state == 'HOLDING'
    assert "first action of 'a' is 0.050, measured -0.900" in running.runner.reason


def test_it_starts_from_the_measured_joints_even_where_they_were_moved_by_hand(rig):
    running = rig().step(10)
    running.do(running.runner.enable(False, running.now_ns))
    running.step(10)
    running.move_by_hand([-0.4, 0.0])
    running.do(running.runner.enable(True, running.now_ns))
    first = len(running.path)
    running.step(6)
    assert running.state == 'RUNNING'
    assert speeds(running, first)[:, 0].max() <= 0.25 * 2.0 + 1e-3


def test_a_joint_that_rests_outside_its_range_comes_in_within_the_velocity_limits(rig):
    outside = rig(model=hold(0.45), start=(1.02, 0.53), start_max=1.0).step(40)
    assert outside.state == 'RUNNING'
    assert outside.positions == pytest.approx([0.45, 0.45], abs=1e-3)
    assert (np.array(outside.path) <= [1.02 + 1e-9, 0.53 + 1e-9]).all()
    assert (speeds(outside) <= [2.0 + 0.01, 1.0 + 0.01]).all()


def test_without_a_fresh_sample_of_every_output_joint_it_does_not_start(rig):
    # The policy reads only 'a'; 'b' is commanded, and so must be measured.
    robot = ROBOT.replace(
        'input: {JOINT_POSITIONS: {0: a, 2: b}}', 'input: {JOINT_POSITIONS: {0: a}}'
    )
    blind = rig(robot=robot)
    blind.names = ['a', 'other']
    blind.step(10)
    assert blind.sent == []
    assert blind.state == 'WAITING'
    assert "lacks 'b'" in blind.runner.reason
    blind.names = ['a', 'b']
    assert blind.step(5).state == 'RUNNING'


def test_it_does_not_start_from_a_last_sample_that_no_other_one_confirms(rig):
    waiting = rig(model=hold(0.05), latency_steps=2.5)
    while not waiting.requests:
        waiting.step()
    waiting.joints_alive = False
    waiting.publish(positions=[0.0, 0.45])
    waiting.step(3)
    assert waiting.pending is None
    assert (waiting.state, waiting.sent) == ('WAITING', [])
    waiting.joints_alive = True
    assert waiting.step(8).state == 'RUNNING'


def test_values_are_compared_in_the_robots_own_units(rig):
    # Slot value = -2 x + 0.2 of the robot's own x: 0.2 in the slot is 0 on the robot.
    robot = ROBOT.replace(
        'commands: {JOINT_TARGET_POSITIONS: {topic: arm}}',
        'commands: {JOINT_TARGET_POSITIONS: {topic: arm, scale: -2, offset: 0.2}}',
    ).replace('{topic: joint_states}', '{topic: joint_states, scale: -2, offset: 0.2}')
    turned = rig(robot=robot, model=hold(0.1)).step(10)
    assert turned.requests[0].inputs['JOINT_POSITIONS'][0].tolist() == pytest.approx([0.2, 0, 0.2])
    assert turned.positions == pytest.approx([0.05, 0.05], abs=1e-6)


GRIPS = """
robot: grips
limits: {a: {position: [-1, 1], velocity: 2.0}, b: {position: [0, 1], velocity: 1.0}}
input: {JOINT_POSITIONS: {0: a}}
output: {JOINT_TARGET_POSITIONS: {0: a}, PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS: {0: b}}
sources:
  JOINT_POSITIONS: {topic: joint_states}
  PARALLEL_GRIPPER_OPEN_AMOUNTS: {topic: joint_states, type: sensor_msgs/msg/JointState}
commands:
  JOINT_TARGET_POSITIONS: {topic: arm}
  PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS: {topic: arm}
"""


def closing_on_a_thing(rig):
    """A gripper that was sent to 0, and stays at 0.6, since the thing is as wide."""
    policy = manifest(outputs=(DataType.JOINT_TARGET_POSITIONS, GRIPPER))
    grips = rig(robot=GRIPS, policy=policy, start=(0.0, 0.7))
    predicted = grips.runner.predicted

    def closing(request, chunk, now_ns):
        return predicted(request, {**chunk, GRIPPER: np.zeros((16, 3))}, now_ns)

    grips.runner.predicted = closing
    publish = grips.publish
    grips.publish = lambda: publish(positions=[grips.positions[0], max(grips.positions[1], 0.6)])
    return grips.step(40)


def test_a_gripper_that_holds_a_thing_neither_bars_the_start_nor_lets_go(rig):
    grips = closing_on_a_thing(rig)
    assert grips.state == 'RUNNING', grips.runner.reason
    assert grips.last.positions[-1, 1] == pytest.approx(0.0)
    grips.do(grips.runner.enable(False, grips.now_ns))
    grips.step(5)
    grips.do(grips.runner.enable(True, grips.now_ns))
    grips.step(5)
    assert grips.state == 'RUNNING', grips.runner.reason
    assert grips.last.positions[:, 1] == pytest.approx(0.0)


def test_a_gripper_that_was_opened_while_the_robot_was_disabled_does_not_snap_shut(rig):
    grips = closing_on_a_thing(rig)
    grips.do(grips.runner.enable(False, grips.now_ns))
    grips.step(5)
    # Somebody takes the thing out.
    positions = grips.positions
    grips.publish = partial(type(grips).publish, grips, positions=[positions[0], 1.0])
    grips.step(5)
    grips.do(grips.runner.enable(True, grips.now_ns))
    while grips.state != 'RUNNING':
        grips.step(1)
    assert grips.last.positions[0, 1] > 0.9


def test_a_policy_that_is_always_faster_than_the_start_speed_is_caught_up_with(rig):
    # The first action is 0.12 rad away, as late as it comes; start_speed is 0.25 rad/s for b.
    def ahead(request):
        due = request.tick + 1 + np.arange(16)[:, None]
        return np.minimum(-0.84 + 0.03 * due, 0.4) * np.array([1.0, 0.0, 1.0])

    reaching = rig(model=ahead, start=(-0.9, -0.9), start_tolerance=0.1, start_max=0.5)
    reaching.step(4)
    assert reaching.runner.reason == 'blending in'
    reaching.step(30)
    assert reaching.runner.reason == ''
    # The reach of 1.3 rad at 0.6 rad/s takes 2.2 s, beside what was lost at the start.
    reaching.step(28)
    assert reaching.positions == pytest.approx([0.4, 0.4], abs=0.01)
