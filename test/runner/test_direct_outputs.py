"""Outputs that are sent as they are, in every state of the runner: they end, and stay in limits."""

import numpy as np
import pytest

from helpers.direct_rig import (
    BASE,
    HAND,
    HORIZON,
    INTEGRATED,
    TORQUES,
    VELOCITIES,
    DirectRig,
    always,
    fastest,
)
from helpers.runner_rig import SECOND, STEP_NS
from neuracore_ros.command.streamed import REPEATS
from neuracore_ros.errors import DescriptionError, UserError

MAX_AHEAD_S = 0.5
HALF = always(0.4, -0.3, 0.0)
HOME = np.array([0, 0, 0, 0, 0, 0, 1.0])


@pytest.fixture
def base(tmp_path):
    return DirectRig(tmp_path, BASE, HALF)


def hand(tmp_path, message='PoseStamped', model=None, **settings):
    return DirectRig(tmp_path, HAND.replace('TYPE', message), model or onwards(), **settings)


def onwards(speed=0.2):
    """A model that moves the hand along x from where it is measured."""

    def model(request):
        here = np.asarray(request.inputs['END_EFFECTOR_POSES'])[-1, 0]
        chunk = np.tile(here, (HORIZON, 1, 1))
        chunk[:, 0, 0] += speed * 0.05 * np.arange(1, HORIZON + 1)
        return chunk

    return model


def accelerations(rig):
    """Of the first number, between messages; those of one moment are one."""
    last = {t: command.values[0] for t, command in rig.sent}
    return np.abs(np.diff(list(last.values())) / np.diff(list(last)) * SECOND)


def stops(rig, since_ns):
    """The messages of a stop: they ramp to zero in time, say it again, and then end."""
    rig.step(20)
    stop = rig.values(since_ns)
    zero = (stop == 0.0).all(axis=1)
    assert zero[-REPEATS:].all()
    assert zero.sum() == REPEATS
    magnitude = np.abs(stop).max(axis=1)
    assert (np.diff(magnitude) <= 1e-9).all()
    moving_ns = [
        t for (t, _), still in zip(rig.sent[-len(stop) :], zero, strict=True) if not still
    ]
    assert max(moving_ns, default=since_ns) - since_ns <= MAX_AHEAD_S * SECOND
    assert rig.silent()


def test_a_base_without_joints_runs_and_its_twist_has_all_six_numbers(base):
    base.step(10)
    assert base.state == 'RUNNING'
    assert base.values()[-1].tolist() == pytest.approx([0.4, 0, 0, 0, 0, -0.3])
    assert base.runner.settled
    assert base.runner.setpoint(base.now_ns)[0].shape == (0,)


def test_it_waits_without_a_word_until_everything_is_there(base):
    base.alive = False
    base.step(10)
    assert (base.state, base.sent) == ('WAITING', [])


def test_numbers_become_what_is_wanted_within_limits(base):
    base.model = always(3.0, -3.0, 0.0)
    base.step(20)
    sent = base.values()
    assert sent.max(axis=0)[0] == pytest.approx(1.0 * (MAX_AHEAD_S - 0.05))
    assert sent.min() == -1.0
    assert np.diff(sent[:, 0]).max() <= 0.05 + 1e-9
    assert base.runner.counters.clamps > 0
    (line,) = [text for text in base.runner.warnings if 'kept to' in text]
    assert line.startswith("'forward' is kept to 0.45 of 0.5")


@pytest.mark.parametrize('rate_hz', [0.0, 100.0])
@pytest.mark.parametrize('text', [BASE, VELOCITIES])
def test_a_model_that_is_late_ends_in_zero(tmp_path, text, rate_hz):
    rig = DirectRig(tmp_path, text, HALF, command_rate_hz=rate_hz)
    rig.step(10)
    rig.late = True
    # What was predicted is still followed.
    while rig.state == 'RUNNING':
        rig.step()
    assert rig.reason == 'prediction late: the plan has run out'
    assert np.abs(rig.values()[-2]).max() > 0.3
    stops(rig, rig.true_ns - STEP_NS)


@pytest.mark.parametrize('rate_hz', [0.0, 100.0])
def test_a_stale_stream_ends_in_zero_and_it_goes_on_by_itself(tmp_path, rate_hz):
    rig = DirectRig(tmp_path, BASE, HALF, command_rate_hz=rate_hz)
    rig.step(10)
    rig.alive = False
    while rig.state == 'RUNNING':
        rig.step()
    assert rig.state == 'HOLDING'
    stops(rig, rig.true_ns - STEP_NS)
    rig.alive = True
    rig.step(20)
    assert rig.state == 'RUNNING'
    assert rig.values()[-1][0] == pytest.approx(0.4)


@pytest.mark.parametrize('text', [BASE, VELOCITIES, TORQUES.replace('STOP', 'zero')])
@pytest.mark.parametrize('value', [np.nan, np.inf, -np.inf])
def test_what_is_no_number_never_leaves_and_holds_until_it_is_enabled(tmp_path, text, value):
    rig = DirectRig(tmp_path, text, HALF)
    rig.step(10)
    before_ns = rig.true_ns
    rig.model = always(0.4, value, value)
    while rig.state == 'RUNNING':
        rig.step()
    assert 'not finite at' in rig.reason
    assert np.isfinite(rig.values(before_ns)).all()
    stops(rig, rig.true_ns - STEP_NS)
    rig.model = HALF
    rig.step(20)
    assert rig.state == 'HOLDING'
    rig.runner.enable(True, rig.now_ns)
    rig.step(20)
    assert rig.state == 'RUNNING'


@pytest.mark.parametrize(
    'stop',
    [
        lambda rig: rig.runner.enable(False, rig.now_ns),
        lambda rig: rig.runner.disturbed('somebody commands cmd_vel, too', rig.now_ns),
        lambda rig: rig.runner.stop(rig.now_ns),
    ],
    ids=['disabled', 'disturbed', 'deactivated'],
)
def test_every_stop_ends_in_zero(base, stop):
    base.step(10)
    since_ns = base.true_ns
    base.do(stop(base))
    stops(base, since_ns)
    assert base.runner.at_rest(base.now_ns)


def test_nobody_who_listens_is_a_stop(base):
    base.step(10)
    base.listeners = {'cmd_vel': 0}
    base.step()
    assert base.reason == 'nobody listens to cmd_vel'
    stops(base, base.true_ns - STEP_NS)


@pytest.mark.parametrize('rate_hz', [0.0, 50.0])
def test_a_node_that_ends_has_sent_zero_before(tmp_path, rate_hz):
    rig = DirectRig(tmp_path, BASE, HALF, command_rate_hz=rate_hz)
    rig.step(10)
    since_ns = rig.true_ns
    rig.brake()
    stop = rig.values(since_ns - 1)
    assert (stop[-REPEATS:] == 0.0).all()
    assert rig.true_ns - since_ns <= (MAX_AHEAD_S + (REPEATS + 2) * 0.05) * SECOND


def test_a_reset_starts_afresh_from_zero(base):
    base.step(10)
    base.do(base.runner.reset(base.now_ns))
    base.step(30)
    assert base.state == 'RUNNING'
    assert (base.values() == 0.0).all(axis=1).sum() == REPEATS
    assert accelerations(base).max() <= 1.0 + 1e-6


@pytest.mark.parametrize('jump_s', [-3600.0, 3600.0, -1.0, 1.0])
def test_a_clock_that_jumps_is_a_stop_and_no_leap(tmp_path, jump_s):
    rig = DirectRig(tmp_path, BASE, HALF, command_rate_hz=100.0)
    rig.step(10)
    rig.skew_ns = round(jump_s * SECOND)
    rig.step()
    assert rig.reason.startswith('clock jumped')
    rig.step(40)
    assert rig.state == 'RUNNING'
    assert (rig.values() == 0.0).all(axis=1).sum() == REPEATS
    assert accelerations(rig).max() <= 1.0 + 1e-6


def test_where_time_stands_still_it_is_told_to_rest_at_once(base):
    base.step(10)
    told = [base.runner.halt(base.now_ns) for _ in range(REPEATS + 2)]
    assert [len(messages) for messages in told] == [1] * REPEATS + [0, 0]
    assert all((message.values == 0.0).all() for (message,) in told[:REPEATS])
    base.step(40)
    assert base.state == 'RUNNING'
    assert base.values()[-1][0] == pytest.approx(0.4)


@pytest.mark.parametrize(
    'settings',
    [
        {'profile': 'ruckig'},
        {'blend': 'none'},
        {'blend': 'ensemble'},
        {'blend': 'minimum_jerk'},
        {'delay_steps': 3},
        {'execute_steps': HORIZON},
        {'max_ahead_s': 0.05},
        {'max_ahead_s': 0.05, 'command_rate_hz': 500.0},
    ],
    ids=lambda settings: ' '.join(f'{key} {value}' for key, value in settings.items()),
)
def test_every_setting_of_joints_runs_a_robot_without_joints_too(tmp_path, settings):
    if 'profile' in settings:
        pytest.importorskip('ruckig')
    near = np.array([0.05, 0, 0, 0, 0, 0, 1.0])
    for text, model in ((BASE, HALF), (HAND.replace('TYPE', 'PoseStamped'), always(near))):
        rig = DirectRig(tmp_path, text, model, **settings)
        rig.step(40)
        assert (rig.state, rig.runner.counters.holds) == ('RUNNING', 0)
        rig.do(rig.runner.enable(False, rig.now_ns))
        rig.step(20)
        assert rig.silent()


def test_in_a_dry_run_nobody_need_listen(tmp_path):
    rig = DirectRig(tmp_path, BASE, HALF, dry_run=True)
    rig.listeners = None
    rig.step(20)
    assert rig.state == 'RUNNING'


def test_messages_must_come_often_enough_to_end_in_time(tmp_path):
    with pytest.raises(UserError, match='command_rate_hz is 1.5: .* Use at least 2, or 0'):
        DirectRig(tmp_path, BASE, HALF, command_rate_hz=1.5)
    DirectRig(tmp_path, BASE, HALF, command_rate_hz=2.0)


def test_a_late_message_is_a_delay_and_no_leap_but_may_come_to_rest(base):
    base.step(10)
    base.model = always(0.0, 0.0, 0.0)
    base.step(20)
    assert base.values()[-1][0] == pytest.approx(0.0, abs=1e-6)
    base.model = HALF
    while base.values()[-1][0] < 0.04:
        base.step()
    before = base.values()[-1][0]
    base.true_ns += 4 * STEP_NS
    base.step()
    assert base.state == 'RUNNING'
    assert before < base.values()[-1][0] <= before + 2 * 0.05 + 1e-6
    base.step(10)
    assert base.values()[-1][0] == pytest.approx(0.4)
    base.model = always(0.0, 0.0, 0.0)
    while base.values()[-1][0] > 0.39:
        base.step()
    fast = base.values()[-1][0]
    base.true_ns += 4 * STEP_NS
    base.step()
    assert base.values()[-1][0] <= fast - 5 * 0.05 + 1e-6


# Velocities and torques


def test_velocities_come_in_the_order_of_the_controller(tmp_path):
    rig = DirectRig(tmp_path, VELOCITIES, always(0.4, -0.3))
    rig.step(10)
    assert rig.values()[-1] == pytest.approx([-0.3, 0.4])


def test_a_joint_that_is_measured_must_be_measured_in_time(tmp_path):
    rig = DirectRig(tmp_path, VELOCITIES, always(0.4, -0.3))
    rig.step(10)
    rig.velocities = np.array([np.nan, 0.0])
    rig.step(10)
    assert rig.state == 'HOLDING'
    assert 'JOINT_VELOCITIES' in rig.reason or "'a'" in rig.reason


def test_integrated_velocities_are_a_trajectory_that_brakes(tmp_path):
    rig = DirectRig(tmp_path, INTEGRATED, always(0.4, -0.3))
    for _ in range(30):
        setpoint = rig.runner.setpoint(rig.now_ns + STEP_NS)
        if setpoint is not None:
            rig.positions = setpoint[0].copy()
        rig.step()
    assert rig.state == 'RUNNING'
    command = rig.sent[-1][1]
    assert command.type == 'trajectory_msgs/msg/JointTrajectory'
    assert (command.velocities[-1] == 0.0).all()
    assert rig.runner.setpoint(rig.now_ns)[1] == pytest.approx([0.4, -0.3], abs=0.01)


def test_integrated_velocities_end_at_the_limits_of_position(tmp_path):
    rig = DirectRig(tmp_path, INTEGRATED, always(1.5, -0.9))
    for _ in range(80):
        setpoint = rig.runner.setpoint(rig.now_ns + STEP_NS)
        if setpoint is not None:
            rig.positions = setpoint[0].copy()
        rig.step()
    sent = np.concatenate([c.positions for _, c in rig.sent])
    assert np.abs(sent).max() <= 1.0 + 1e-9
    assert rig.positions == pytest.approx([1.0, -1.0], abs=1e-3)


def test_torques_stop_at_zero_or_at_what_was_measured(tmp_path):
    zero = DirectRig(tmp_path, TORQUES.replace('STOP', 'zero'), always(10.0, -4.0))
    hold = DirectRig(tmp_path, TORQUES.replace('STOP', 'hold'), always(10.0, -4.0))
    for rig in (zero, hold):
        rig.efforts = np.array([9.0, -3.0])
        rig.step(10)
        assert rig.values()[-1].tolist() == [10.0, -4.0]
        rig.do(rig.runner.enable(False, rig.now_ns))
        rig.step(20)
        assert rig.silent()
    assert zero.values()[-1].tolist() == [0.0, 0.0]
    assert hold.values()[-1].tolist() == [9.0, -3.0]


def test_torques_that_a_stop_holds_must_be_measured(tmp_path):
    text = TORQUES.replace('STOP', 'hold').replace('  JOINT_TORQUES: {topic: joint_states}\n', '')
    with pytest.raises(DescriptionError, match=r"'a' \(JOINT_TORQUES index 0\) has no source"):
        DirectRig(tmp_path, text, HALF)


def test_a_stop_holds_the_torque_that_was_measured_before_a_stream_went_stale(tmp_path):
    rig = DirectRig(tmp_path, TORQUES.replace('STOP', 'hold'), always(10.0, -4.0))
    rig.efforts = np.array([9.0, -3.0])
    rig.step(10)
    rig.alive = False
    rig.step(20)
    assert rig.state == 'HOLDING'
    assert rig.values()[-1].tolist() == [9.0, -3.0]


@pytest.mark.parametrize('rate_hz', [0.0, 100.0])
@pytest.mark.parametrize('scale', [1.0, -2.0])
def test_a_velocity_ends_before_the_limit_of_its_position(tmp_path, rate_hz, scale):
    text = VELOCITIES.replace('a: {', 'a: {position: [-1, 1], ').replace(
        'JOINT_VELOCITIES: {topic: velocities,',
        f'JOINT_VELOCITIES: {{scale: {scale}, topic: velocities,',
    )
    text = text.replace('JOINT_POSITIONS: {topic', f'JOINT_POSITIONS: {{scale: {scale}, topic')
    rig = DirectRig(tmp_path, text, always(1.5 * scale, 0.0), command_rate_hz=rate_hz)
    rig.joint_of, rig.lag_ns = [1, 0], 50_000_000
    rig.step(100)
    assert rig.state == 'RUNNING'
    assert 0.95 < rig.way[-1][1][0] <= max(at[0] for _, at in rig.way) <= 1.0
    # And back again.
    rig.model = always(-1.5 * scale, 0.0)
    rig.step(15)
    assert rig.values()[-1][1] == pytest.approx(-1.5)


def test_a_velocity_whose_position_nothing_measures_is_told(tmp_path):
    text = VELOCITIES.replace('a: {', 'a: {position: [-1, 1], ')
    assert not DirectRig(tmp_path, text, HALF).runner.warnings
    blind = text.replace('  JOINT_POSITIONS: {topic: joint_states}\n', '').replace(
        'input: {JOINT_POSITIONS: {0: a, 1: b}}', 'input: {JOINT_VELOCITIES: {0: a, 1: b}}'
    )
    (line,) = DirectRig(tmp_path, blind, HALF).runner.warnings
    assert line.startswith("'a' may be driven beyond its limits of position: nothing measures it.")


def test_integrated_velocities_start_where_the_joint_is_whatever_the_zero_of_its_slot(tmp_path):
    text = INTEGRATED.replace('{topic: joint_states}', '{topic: joint_states, offset: 1.5}')
    rig = DirectRig(tmp_path, text, always(0.4, -0.3))
    rig.positions = np.array([0.2, -0.3])
    rig.step(5)
    assert rig.state == 'RUNNING'
    assert rig.sent[0][1].positions[0] == pytest.approx([0.2, -0.3], abs=0.03)


# Poses


@pytest.mark.parametrize('rate_hz', [0.0, 100.0])
def test_a_hand_follows_poses_and_stops_on_its_way(tmp_path, rate_hz):
    rig = hand(tmp_path, command_rate_hz=rate_hz)
    rig.step(30)
    assert rig.state == 'RUNNING'
    period_s = 1.0 / (rate_hz or 20.0)
    assert fastest(rig.values(), period_s)[0] <= 0.5 + 1e-6
    assert rig.pose[0] > 0.1
    rig.late = True
    while rig.state == 'RUNNING':
        rig.step()
    rig.step(20)
    sent = rig.values()
    assert sent[-REPEATS:] == pytest.approx(np.tile(sent[-1], (REPEATS, 1)))
    steps = np.diff(sent[:, 0])
    assert (steps[steps != 0.0][-3:] > 0.0).all()
    assert rig.silent()


def test_a_pose_message_has_its_frame_and_its_time(tmp_path):
    rig = hand(tmp_path)
    rig.step(5)
    at_ns, message = rig.sent[-1]
    assert (message.frame, message.stamp_ns) == ('base_link', at_ns)


def test_a_first_pose_far_away_is_refused_with_its_distance(tmp_path):
    far = np.array([0.8, 0, 0, 0, 0, 0, 1.0])
    rig = hand(tmp_path, model=always(far))
    rig.step(5)
    assert rig.state == 'HOLDING'
    assert rig.reason == (
        "first pose of 'hand' is 0.800 m and 0.000 rad from the measured one, more than "
        'start_max 0.5'
    )
    assert rig.sent == []


def test_a_first_pose_at_some_distance_is_gone_to_slowly(tmp_path):
    rig = hand(tmp_path, model=always(np.array([0.3, 0, 0, 0, 0, 0, 1.0])))
    rig.step(4)
    assert rig.reason == 'blending in'
    rig.step(16)
    assert fastest(rig.values(), 0.05)[0] <= 0.25 * 0.5 + 1e-6
    rig.step(80)
    assert (rig.state, rig.reason) == ('RUNNING', '')
    assert rig.pose[0] == pytest.approx(0.3, abs=1e-3)


@pytest.mark.parametrize(
    ('change', 'says'),
    [
        (lambda pose: pose * [1, 1, 1, 2, 2, 2, 2], 'a quaternion of length 2, not 1'),
        (lambda pose: pose * [1, 1, 1, 0, 0, 0, 0], 'a quaternion of length 0, not 1'),
        (lambda pose: pose * [np.nan, 1, 1, 1, 1, 1, 1], 'not finite'),
        (lambda pose: pose * [1, 1, 1, 1, 1, 1, np.inf], 'not finite'),
    ],
)
def test_what_is_no_pose_never_leaves(tmp_path, change, says):
    rig = hand(tmp_path)
    rig.step(10)
    rig.model = lambda request: change(np.tile(HOME, (HORIZON, 1, 1)))
    while rig.state == 'RUNNING':
        rig.step()
    rig.step(10)
    assert says in rig.reason
    assert np.isfinite(rig.values()).all()
    assert np.linalg.norm(rig.values()[:, 3:], axis=1) == pytest.approx(np.ones(len(rig.sent)))


def test_a_hand_that_does_not_follow_is_held_where_it_is_measured(tmp_path):
    rig = hand(tmp_path)
    rig.step(10)
    rig.follows = False
    rig.model = always(rig.pose + np.eye(7)[0])
    while rig.state == 'RUNNING':
        rig.step()
    assert "'hand' does not follow" in rig.reason
    rig.step(10)
    assert rig.values()[-1] == pytest.approx(rig.pose)
    assert rig.silent()


@pytest.mark.parametrize('message', ['PoseStamped', 'TwistStamped'])
def test_one_wrong_pose_of_the_hand_moves_nothing_at_a_start(tmp_path, message):
    rig = hand(tmp_path, message, always(HOME))
    true, rig.pose = rig.pose, np.array([0.3, 0, 0, 0, 0, 0, 1.0])
    rig.step()
    rig.pose = true
    rig.step(20)
    assert rig.state == 'RUNNING'
    assert np.abs(rig.values()[:, :3]).max() < 0.01


def test_a_hand_that_is_reported_to_have_jumped_is_held_on_its_way_and_not_there(tmp_path):
    rig = hand(tmp_path)
    rig.step(10)
    before = rig.values()[-1]
    rig.follows = False
    rig.pose = before + 0.2 * np.eye(7)[1]
    rig.step(10)
    assert "'hand' is reported to have jumped to" in rig.reason
    assert np.abs(rig.values()[-10:, 1]).max() < 1e-6
    rig.step(20)
    assert rig.state == 'HOLDING'


def test_a_twist_is_driven_towards_the_poses_and_ends_in_zero(tmp_path):
    rig = hand(tmp_path, 'TwistStamped', command_rate_hz=100.0)
    rig.follows = False
    for _ in range(40):
        rig.step()
        rig.pose[:3] += rig.sent[-1][1].values[:3] * 0.05 if rig.sent else 0.0
    assert rig.state == 'RUNNING'
    assert rig.pose[0] > 0.1
    assert np.linalg.norm(rig.values()[:, :3], axis=1).max() <= 0.5 + 1e-9
    rig.do(rig.runner.enable(False, rig.now_ns))
    since_ns = rig.true_ns
    rig.step(20)
    assert (rig.values(since_ns)[-REPEATS:] == 0.0).all()
    assert rig.silent()
