"""A policy of poses drives the joints of a chain, through all that guards joint commands."""

import math

import numpy as np
import pytest

from helpers.hand_rig import HORIZON, POSES, RELATIVE, START, PoseRig, manifest, stay
from helpers.runner_rig import RATE_HZ, SECOND
from helpers.small_chain import JOINTS, describe, pose
from neuracore_ros.description import load_robot
from neuracore_ros.runner import Runner, Settings


def rig(folder, model, robot=RELATIVE, start=START, **settings):
    runner = Runner(load_robot(describe(folder, robot)), manifest(), Settings(**settings))
    return PoseRig(runner, model=model, start=start)


def sweep(speed=0.4):
    """The hand goes round its base at so many rad/s, from where it is measured."""

    def model(request):
        x, y, *_ = np.asarray(request.inputs[POSES], float)[-1, 0]
        angle, reach = math.atan2(y, x), math.hypot(x, y)
        now = request.inputs[POSES][-1, 0]
        yaw = 2.0 * math.atan2(now[5], now[6])
        ahead = speed * np.arange(1, HORIZON + 1) / RATE_HZ
        return [
            [
                reach * math.cos(angle + turn),
                reach * math.sin(angle + turn),
                0.0,
                0.0,
                0.0,
                math.sin((yaw + turn) / 2),
                math.cos((yaw + turn) / 2),
            ]
            for turn in ahead
        ]

    return model


def test_the_hand_goes_where_the_policy_says(tmp_path):
    goal = (0.7, 0.7, -0.2)
    moved = rig(tmp_path, stay(goal)).step(60)
    assert moved.state == 'RUNNING'
    assert np.allclose(moved.pose()[:3], pose(*goal)[:3], atol=2e-3)


def test_commands_name_the_joints_of_the_chain(tmp_path):
    moved = rig(tmp_path, sweep()).step(40)
    assert moved.state == 'RUNNING'
    assert moved.last.joint_names == JOINTS and moved.last.topic == 'arm'
    assert moved.positions[0] > START[0] + 0.3
    # Going round the base moves the shoulder alone.
    assert np.allclose(moved.positions[1:], START[1:], atol=5e-3)


def test_a_pose_beyond_reach_holds_the_robot_by_name_and_distance(tmp_path):
    far = np.tile([2.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0], (HORIZON, 1))
    held = rig(tmp_path, lambda request: far).step(40)
    assert held.state == 'HOLDING' and held.sent == []
    assert "'hand' cannot reach" in held.runner.reason and 'cm' in held.runner.reason
    assert not held.runner.latched


def test_a_robot_that_is_sent_beyond_reach_is_braked_and_goes_on_when_it_can(tmp_path):
    far = np.tile([2.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0], (HORIZON, 1))
    wild = []
    model = sweep()
    moved = rig(tmp_path, lambda request: far if wild else model(request)).step(30)
    assert moved.state == 'RUNNING'
    wild.append(True)
    moved.step(30)
    assert moved.state == 'HOLDING' and np.allclose(moved.velocities, 0.0, atol=1e-6)
    wild.clear()
    assert moved.step(30).state == 'RUNNING'


def test_a_pose_far_from_the_hand_is_refused_by_the_start_gate(tmp_path):
    held = rig(tmp_path, stay((-0.8, 0.9, -0.4))).step(40)
    assert held.state == 'HOLDING' and held.sent == []
    assert "'shoulder'" in held.runner.reason


def test_a_jump_of_the_pose_while_running_is_never_executed_at_once(tmp_path):
    jump = []
    model = sweep()

    def jumping(request):
        chunk = np.array(model(request))
        if jump:
            chunk[5:] = pose(-1.5, 0.9, -0.4)
        return chunk

    moved = rig(tmp_path, jumping).step(30)
    jump.append(True)
    moved.step(40)
    assert moved.state == 'HOLDING' and 'cannot reach' in moved.runner.reason
    speeds = np.abs(np.diff(np.array(moved.path), axis=0)) / 0.005
    assert (speeds <= np.array([2.0, 2.0, 4.0]) * 1.01).all()


@pytest.mark.parametrize(
    ('value', 'reason'),
    [
        ([math.nan, 0, 0, 0, 0, 0, 1], 'not finite'),
        ([0.3, 0.3, 0, 0, 0, 0, 2.0], 'length 2'),
        ([0.3, 0.3, 0, 0, 0, 0, 0.0], 'length 0'),
    ],
)
def test_what_is_no_pose_holds_the_robot(tmp_path, value, reason):
    held = rig(tmp_path, lambda request: np.tile(np.array(value, float), (HORIZON, 1))).step(40)
    assert held.state == 'HOLDING' and held.sent == []
    assert reason in held.runner.reason


def test_the_hand_stays_in_its_workspace(tmp_path):
    wall = pose(*START)[0] + 0.03
    text = RELATIVE.replace('    tip: tool', f'    tip: tool\n    workspace: {{x: [-1, {wall}]}}')
    start = pose(*START)

    def towards(request):
        chunk = np.tile(start, (HORIZON, 1))
        chunk[:, 0] += 0.1
        return chunk

    moved = rig(tmp_path, towards, text).step(60)
    assert moved.state == 'RUNNING' and moved.runner.counters.clamps > 0
    assert max(pose(*row)[0] for row in moved.path) <= wall + 1e-3


def test_a_lost_joint_stops_the_robot(tmp_path):
    moved = rig(tmp_path, sweep()).step(30)
    moved.joints_alive = False
    moved.step(20)
    assert moved.state == 'HOLDING' and 'old' in moved.runner.reason
    assert np.allclose(moved.velocities, 0.0, atol=1e-6)


def test_a_scaled_slot_moves_the_same_hand(tmp_path):
    text = RELATIVE.replace('{topic: joint_states}', '{topic: joint_states, scale: 2.0}')
    goal = pose(0.7, 0.7, -0.2)
    goal[:3] *= 2.0
    moved = rig(tmp_path, lambda request: np.tile(goal, (HORIZON, 1)), text).step(60)
    assert np.allclose(moved.pose()[:3], goal[:3] / 2.0, atol=2e-3)
    seen = moved.requests[0].inputs[POSES][-1, 0]
    assert np.allclose(seen[:3], 2.0 * pose(*START)[:3], atol=1e-5)


def test_equal_recordings_give_equal_joints(tmp_path):
    one, other = (rig(tmp_path, sweep()).step(40).positions for _ in range(2))
    assert (one == other).all()


def test_a_stop_brakes_the_joints(tmp_path):
    moved = rig(tmp_path, sweep()).step(40)
    moved.do(moved.runner.enable(False, moved.now_ns))
    moved.simulate(SECOND)
    assert np.allclose(moved.velocities, 0.0, atol=1e-6)
    assert moved.last.velocities[-1].tolist() == [0.0, 0.0, 0.0]
