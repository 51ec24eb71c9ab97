"""Everything that goes wrong while a human moves the robot, in lockstep.

Whatever it is, the robot comes to rest within its limits, nobody commands it then, the reason says
why, and it goes on only through the start gate.
"""

import importlib.util
import math
from types import SimpleNamespace

import numpy as np
import pytest

from helpers.direct_rig import BASE, HAND, manifest_of, pose_message
from helpers.hand_rig import RELATIVE, PoseRig, manifest, stay
from helpers.runner_rig import SECOND, START_NS, STEP_NS, LaggingRig, hold, joint_state
from helpers.small_chain import describe
from helpers.takeover_rig import LED, TakeoverRig, make_led, speeds
from neuracore_ros.control import Commander
from neuracore_ros.description import load_robot
from neuracore_ros.runner import Runner, Settings

VELOCITY = np.array([2.0, 1.0])
LIMITED = LED.replace('velocity: 2.0}', 'velocity: 2.0, acceleration: 9.0, jerk: 300}')
PROFILES = ['spline', 'ruckig'] if importlib.util.find_spec('ruckig') else ['spline']
# From a stale stream to rest: what a stop takes, and a step.
REST_STEPS = 11


def swinging(t):
    return (0.4 * math.sin(1.5 * t), 0.2 * math.sin(1.5 * t))


@pytest.fixture
def led(tmp_path):
    """A rig that a human moves, through the middle of a swing."""

    def make(**options):
        rig = make_led(tmp_path, **{'leader': swinging, **options}).step(10).take_over()
        rig.step(40)
        assert rig.human_moves(), rig.runner.reason
        assert np.abs(rig.velocities).max() > 0.1
        return rig

    return make


def silent(rig):
    rig.leader_alive = False


def other_names(rig):
    rig.names_led = ('a', 'c')


def not_numbers(rig):
    rig.leader = lambda t: (math.nan, 0.0)


def infinite(rig):
    rig.leader = lambda t: (math.inf, 0.0)


def stamped_ahead(rig):
    rig.stamped_by_s = 10.0


def stamped_ago(rig):
    rig.stamped_by_s = -10.0


def frozen_stamp(rig):
    stamp_ns = rig.now_ns
    rig.lead = lambda: TakeoverRig.lead(rig, stamp_ns)


def slow(rig):
    rig.every = 50


def empty(rig):
    rig.names_led, rig.leader = (), lambda t: ()


def jumping(rig):
    rig.leader = lambda t: (swinging(t)[0] - 1.3 * np.sign(swinging(t)[0] or 1.0), 0.0)


STALE = 'max_age_s is 0.2'


@pytest.mark.parametrize(
    ('fault', 'says', 'steps'),
    [
        (silent, STALE, 5),
        (other_names, "'b'", 5),
        (not_numbers, 'the value is nan', 5),
        (infinite, 'the value is inf', 5),
        (stamped_ahead, '10 s after the arrival', 5),
        (stamped_ago, 'older stamps', 5),
        (frozen_stamp, 'messages repeat its stamp', 5),
        (slow, STALE, 5),
        (empty, 'name[] is empty', 5),
        (jumping, "the human's 'a' jumped", 1),
    ],
    ids=lambda value: getattr(value, '__name__', ''),
)
@pytest.mark.parametrize('rearm', ['auto', 'manual'])
def test_a_human_who_fails_brakes_the_robot_and_comes_back_through_the_gate(
    led, fault, says, steps, rearm
):
    rig = led(rearm=rearm)
    untouched = dict(vars(rig))
    fault(rig)
    for _ in range(steps):
        rig.step()
    assert not rig.human_moves()
    assert rig.state == 'TAKEOVER' and rig.runner.commander is Commander.NOBODY
    assert says in rig.runner.reason and '\n' not in rig.runner.reason
    rig.step(REST_STEPS)
    rested, sent = len(rig.path), len(rig.sent)
    rig.step(20)
    if fault is not slow:
        assert len(rig.sent) == sent and not speeds(rig, rested).any()
    # The human is back, but has gone elsewhere: 0.7 rad away from where the robot stands.
    for name in ('leader_alive', 'names_led', 'stamped_by_s', 'every'):
        setattr(rig, name, untouched[name])
    rig.__dict__.pop('lead', None)
    stands = rig.positions.copy()
    rig.leader = lambda t: (stands[0] - 0.7 * np.sign(stands[0]), stands[1])
    rig.step(10)
    assert not rig.human_moves()
    rig.leader = lambda t: (stands[0] + 0.3 * np.sin(t), stands[1] + 0.05)
    rig.step(5)
    if rearm == 'manual':
        assert not rig.human_moves() and rig.runner.latched
        rig.do(rig.runner.enable(True, rig.now_ns))
    rig.leader = lambda t: stands
    assert rig.step(10).human_moves()
    assert (speeds(rig).max(axis=0) <= VELOCITY * 1.002).all()


def test_a_human_who_is_faster_than_the_robot_for_long_is_not_chased(led):
    rig = led()
    began, since = rig.positions.copy(), rig.true_ns

    def racing(t):
        gone_s = (rig.true_ns - since) / SECOND
        return (began[0] + 0.4 * gone_s, began[1] + np.clip(-2.5 * gone_s, -1.4, 0.0))

    rig.leader = racing
    for _ in range(20):
        rig.step()
        if not rig.human_moves():
            break
    assert "the human's 'b' is faster than the robot" in rig.runner.reason
    rig.step(REST_STEPS)
    rested = len(rig.path)
    rig.step(3)
    assert not speeds(rig, rested).any()
    assert (speeds(rig).max(axis=0) <= VELOCITY * 1.002).all()


def test_a_joint_that_jumps_by_less_than_start_max_is_followed_within_the_limits(led):
    rig = led()
    here = rig.positions.copy()
    there = np.add(here, (0.4, -0.3))
    rig.leader = lambda t: there
    rig.step(30)
    assert rig.human_moves()
    assert rig.positions == pytest.approx(there, abs=1e-3)
    assert (speeds(rig).max(axis=0) <= VELOCITY * 1.002).all()


def test_a_sample_that_is_not_finite_among_good_ones_is_no_value(led):
    rig = led()
    usual, count = rig.leader, [0]

    def sometimes(t):
        count[0] += 1
        return (math.nan, 0.0) if count[0] % 4 == 0 else usual(t)

    rig.leader = sometimes
    rig.step(40)
    assert rig.human_moves()
    assert np.isfinite(np.array(rig.path)).all()


def test_measured_joints_must_be_fresh(led):
    rig = led()
    rig.joints_alive = False
    led_on = rig.publish
    rig.step(6)
    assert not rig.human_moves() and 'joint_states' in rig.runner.reason
    # The leader lives; that is not enough.
    for _ in range(20):
        rig.lead()
        rig.step()
    assert not rig.human_moves()
    assert not speeds(rig, -30).any()
    rig.joints_alive, stands = True, rig.positions.copy()
    rig.leader = lambda t: stands
    assert led_on and rig.step(10).human_moves()


def test_a_robot_that_does_not_follow_waits_for_enable_also_when_it_is_handed_back(led):
    rig = led(max_tracking_error=0.1)
    rig.follows = False
    for _ in range(40):
        rig.step()
        if not rig.human_moves():
            break
    assert 'does not follow' in rig.runner.reason and rig.runner.latched
    stood = rig.positions.copy()
    rig.step(20)
    # It is let go, and does not leap.
    rig.follows = True
    rig.step(20)
    assert np.abs(rig.positions - stood).max() < 0.02
    rig.take_over(False)
    assert rig.state == 'HOLDING' and 'does not follow' in rig.runner.reason
    rig.step(20)
    assert rig.state == 'HOLDING'
    rig.do(rig.runner.enable(True, rig.now_ns))
    assert rig.step(40).state in ('RUNNING', 'HOLDING')


def test_a_second_commander_and_a_refused_command_stop_a_human_until_enable(led):
    rig = led()
    rig.do(rig.runner.disturbed('/pilot commands arm, too', rig.now_ns))
    assert (rig.state, rig.runner.commander) == ('TAKEOVER', Commander.NOBODY)
    assert rig.step(30).runner.reason == '/pilot commands arm, too'
    assert not speeds(rig, -40).any()
    stands = rig.positions.copy()
    rig.leader = lambda t: stands
    rig.do(rig.runner.enable(True, rig.now_ns))
    assert rig.step(10).human_moves()


def test_nobody_who_listens_and_a_slow_controller_stop_a_human(led):
    rig = led()
    rig.listeners = {'arm': 0}
    rig.step()
    assert not rig.human_moves() and rig.runner.reason == 'nobody listens to arm'
    rig.listeners = {'arm': 1}
    rig.hindrances = ['the slider is at 50 %']
    rig.step(20)
    assert rig.runner.reason == 'the slider is at 50 %'
    stands = rig.positions.copy()
    rig.hindrances, rig.leader = [], lambda t: stands
    assert rig.step(15).human_moves()


@pytest.mark.parametrize('by_s', [-5.0, 5.0])
def test_a_clock_that_jumps_stops_a_human(led, by_s):
    rig = led()
    rig.skew_ns += round(by_s * SECOND)
    rig.step()
    assert not rig.human_moves() and 'clock jumped' in rig.runner.reason
    stands = rig.positions.copy()
    rig.leader = lambda t: stands
    rig.step(30)
    assert rig.human_moves()
    assert (speeds(rig).max(axis=0) <= VELOCITY * 1.002).all()


def test_the_first_value_after_a_stop_is_not_one_from_before_it(led):
    rig = led()
    rig.do(rig.runner.reset(rig.now_ns))
    stands = rig.positions.copy()
    # While the robot is braked, the human goes to where it will rest.
    rig.leader = lambda t: (stands[0], stands[1] + 0.45)
    rig.step(12)
    assert rig.human_moves()
    first = len(rig.path)
    rig.step(10)
    assert speeds(rig, first)[:, 1].max() <= 0.25 * 1.0 * 1.02


@pytest.mark.parametrize('profile', PROFILES)
@pytest.mark.parametrize('variant', ['measured', 'desired'])
def test_a_controller_that_lags_is_led_within_limits_and_never_leaps(tmp_path, profile, variant):
    class LaggingLed(TakeoverRig, LaggingRig):
        def __post_init__(self):
            LaggingRig.__post_init__(self)
            self.told, self.began_ns = 0, self.true_ns

    robot = LIMITED if profile == 'ruckig' else LED
    rig = make_led(tmp_path, robot=robot, kind=LaggingLed, leader=swinging, profile=profile)
    rig.variant = variant
    rig.step(20).take_over().step(100)
    assert rig.human_moves(), rig.runner.reason
    t = (rig.true_ns - 3 * STEP_NS - rig.began_ns) / SECOND
    assert np.abs(rig.positions - swinging(t)).max() < 0.05
    moved = np.abs(np.diff(rig.path, axis=0)) / (rig.robot.period_ns / SECOND)
    assert (moved.max(axis=0) <= VELOCITY * 1.05).all()
    rig.leader_alive = False
    rig.step(20)
    assert not rig.human_moves()
    assert np.abs(np.diff(rig.path[-100:], axis=0)).max() < 1e-4


@pytest.mark.parametrize('profile', PROFILES)
def test_acceleration_stays_within_its_limit(tmp_path, profile):
    rig = make_led(tmp_path, robot=LIMITED, leader=swinging, profile=profile).step(10)
    rig.take_over().step(60)
    assert rig.human_moves()
    rig.leader = lambda t: (0.9, 0.4) if swinging(t)[0] > 0 else (-0.9, -0.4)
    rig.step(60)
    for _, command in rig.sent:
        h = np.diff(command.times_s)[:, None]
        if len(h) > 1:
            change = np.diff(command.velocities, axis=0)[:-1] / h[:-1]
            assert (np.abs(change) <= np.array([9.0, 10.0]) * 5 / 3 + 1e-6).all()


@pytest.mark.parametrize('seed', range(6))
def test_whatever_is_called_whenever_no_limit_is_left_and_only_who_may_commands(tmp_path, seed):
    random = np.random.default_rng(seed)
    policy = {'wants': 0.0}
    rig = make_led(
        tmp_path,
        leader=swinging,
        model=lambda request: np.full((16, 3), policy['wants']),
        rearm=str(random.choice(['auto', 'manual'])),
        latency_steps=float(random.uniform(0.2, 6.0)),
    )
    human = disabled = False
    for _ in range(120):
        what = random.integers(9)
        if what < 2:
            human = bool(what)
            rig.take_over(human)
        elif what == 2:
            disabled = not disabled
            rig.do(rig.runner.enable(not disabled, rig.now_ns))
        elif what == 3:
            rig.do(rig.runner.reset(rig.now_ns))
        elif what == 4:
            rig.leader_alive = not rig.leader_alive
        elif what == 5:
            reach = random.uniform(-2, 2)
            rig.leader = lambda t, reach=reach: (reach * math.sin(2 * t), 0.3 * math.sin(t))
        elif what == 6:
            policy['wants'] = random.uniform(-0.6, 0.6)
        elif what == 7:
            rig.do(rig.runner.enable(True, rig.now_ns))
            disabled = False
        rig.step(int(random.integers(1, 8)))
        allowed = (
            {Commander.NOBODY}
            if disabled
            else {
                Commander.NOBODY,
                Commander.HUMAN if human else Commander.POLICY,
            }
        )
        assert rig.runner.commander in allowed
        assert (rig.state == 'TAKEOVER') is (human and not disabled)
    path = np.array(rig.path)
    assert (speeds(rig).max(axis=0) <= VELOCITY * 1.002).all()
    assert (path >= [-1.0 - 1e-9, -2.0 - 1e-9]).all() and (path <= [1.0 + 1e-9, 0.5 + 1e-9]).all()


def test_a_hand_is_led_by_poses_and_what_it_cannot_reach_stops_it(tmp_path):
    text = RELATIVE + 'teleop: {END_EFFECTOR_POSES: {topic: pen, type: JointState}}\n'
    runner = Runner(load_robot(describe(tmp_path, text)), manifest(), Settings())
    rig = PoseRig(runner, model=stay())
    place = {'joints': np.array(rig.positions)}
    publish = rig.publish

    def publish_both(*arguments):
        publish(*arguments)
        message = joint_state(rig.names, place['joints'], rig.now_ns)
        runner.receive('pen', message, rig.now_ns)

    rig.publish = publish_both
    rig.step(5)
    rig.do(runner.take_over(True, rig.now_ns))
    rig.step(15)
    assert runner.commander is Commander.HUMAN
    for k in range(40):
        place['joints'] = np.add(rig.start, (0.01 * k, 0.005 * k, 0.0))
        rig.step()
    assert runner.commander is Commander.HUMAN, runner.reason
    rig.step(10)
    assert rig.positions == pytest.approx(place['joints'], abs=0.03)
    place['joints'] = place['joints'] + [1.5, 0.0, 0.0]
    rig.step(2)
    assert runner.commander is Commander.NOBODY
    assert 'hand' in runner.reason or 'shoulder' in runner.reason


def test_a_base_is_led_by_a_joystick_and_comes_to_rest_without_it(tmp_path):
    path = tmp_path / 'base.yaml'
    path.write_text(
        BASE
        + 'teleop: {CUSTOM_1D: {topic: joy, type: Joy, names: {forward: axes.1, turn: axes.0}, '
        'forward: {scale: 0.5}}}\n'
    )
    robot = load_robot(path)
    runner = Runner(robot, manifest_of(robot), Settings())
    sent, now_ns = [], START_NS
    axes = [0.5, 1.0]
    alive = True

    def step():
        nonlocal now_ns
        for _ in range(5):
            now_ns += STEP_NS // 5
            header = SimpleNamespace(
                stamp=SimpleNamespace(sec=now_ns // SECOND, nanosec=now_ns % SECOND)
            )
            if alive:
                joy = SimpleNamespace(header=header, axes=axes, buttons=[])
                runner.receive('joy', joy, now_ns)
        sent.extend(runner.tick(now_ns, {'cmd_vel': 1}).commands)

    runner.take_over(True, now_ns)
    for _ in range(30):
        step()
    # Neither the range that the policy reads nor anything measured is needed.
    assert runner.commander is Commander.HUMAN, runner.reason
    # From 0.45 m/s it comes to rest within max_ahead_s.
    assert sent[-1].values[[0, 5]] == pytest.approx([0.45, 0.5])
    axes[1] = 5.0
    for _ in range(30):
        step()
    assert sent[-1].values[0] == pytest.approx(0.45)
    alive = False
    for _ in range(20):
        step()
    assert runner.commander is Commander.NOBODY
    assert sent[-1].values == pytest.approx(np.zeros(6))


def test_a_hand_that_takes_poses_as_they_are_is_led_by_a_tracker(tmp_path):
    path = tmp_path / 'hand.yaml'
    path.write_text(
        HAND.replace('TYPE', 'PoseStamped') + 'teleop: {END_EFFECTOR_POSES: {topic: tracker}}\n'
    )
    robot = load_robot(path)
    runner = Runner(robot, manifest_of(robot), Settings())
    here, lead = np.array([0.3, 0.0, 0.4, 0, 0, 0, 1.0]), np.array([0.3, 0.0, 0.4, 0, 0, 0, 1.0])
    now_ns, sent = START_NS, []

    def step(moved):
        nonlocal now_ns
        for _ in range(5):
            now_ns += STEP_NS // 5
            lead[0] += moved / 5
            here[:] = sent[-1].values if sent else here
            runner.receive('hand/pose', pose_message(here, now_ns), now_ns)
            runner.receive('tracker', pose_message(lead, now_ns), now_ns)
        sent.extend(runner.tick(now_ns, {'hand/target': 1}).commands)

    runner.take_over(True, now_ns)
    for _ in range(20):
        step(0.0)
    assert runner.commander is Commander.HUMAN, runner.reason
    for _ in range(40):
        step(0.005)
    assert runner.commander is Commander.HUMAN, runner.reason
    assert sent[-1].values[0] == pytest.approx(lead[0], abs=0.03)
    steps = np.diff([command.values[0] for command in sent])
    assert steps.max() <= 0.5 / 20 * 1.01
    lead[0] += 1.2
    step(0.0)
    assert runner.commander is Commander.NOBODY
    assert "the human's 'hand' jumped" in runner.reason


def test_after_the_policy_far_away_the_human_brings_it_back(tmp_path):
    rig = make_led(tmp_path, model=hold(0.45), start=(-0.3, -0.3)).step(10)
    assert rig.state == 'HOLDING'
    rig.leader = lambda t: (min(-0.3 + 0.2 * max(t - 1.0, 0.0), 0.4), -0.3 + 0.0 * t)
    rig.take_over().step(120)
    assert rig.human_moves() and rig.positions[0] == pytest.approx(0.4, abs=2e-3)
