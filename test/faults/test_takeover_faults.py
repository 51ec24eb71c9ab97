"""A human takes over on real topics, and everything that goes wrong then."""

import time
from dataclasses import dataclass

import numpy as np
import pytest
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from std_msgs.msg import String
from std_srvs.srv import SetBool

from helpers import message_faults
from helpers.fault_rig import BRAKING_S, SLACK_S, FaultRig
from helpers.fault_table import STEP_S
from helpers.faulty_relays import COMMANDS, robot_file
from helpers.leader import LEADER, Leader, led
from helpers.misbehaving_policy import write_misbehaving_policy
from neuracore_ros.control import Control

MAX_AGE_S = 0.2


@pytest.fixture(scope='module')
def rig(domain, tmp_path_factory):
    """As for other faults, with a leader arm."""
    rig = FaultRig(led(robot_file(tmp_path_factory.mktemp('robot'))))
    rig.leader = Leader(rig.relays)
    rig.said = []
    qos = QoSProfile(
        depth=10,
        reliability=ReliabilityPolicy.RELIABLE,
        durability=DurabilityPolicy.TRANSIENT_LOCAL,
    )

    def hear(message):
        rig.said.append(Control.from_text(message.data).commander.value)

    rig.world.node.create_subscription(String, 'infer/control', hear, qos)
    yield rig
    rig.close()


def take_over(rig, on=True):
    return rig.world.call(SetBool, 'infer/takeover', data=on)


def until_said(rig, commander):
    rig.world.until(lambda: rig.said and rig.said[-1] == commander, f'{commander} commands')


@pytest.fixture
def led_rig(started_rig):
    """The rig while a human moves the robot."""
    rig = started_rig
    rig.leader.heal()
    rig.relays.heal()
    rig.recover()
    let_go(rig)
    assert take_over(rig).success
    rig.world.until_still()
    grasp(rig)
    rig.begin()
    yield rig
    rig.leader.heal()
    rig.relays.heal()
    if world_is_active(rig):
        take_over(rig, False)


def world_is_active(rig):
    return rig.node.process.poll() is None and rig.world.lifecycle() == 'active'


def let_go(rig):
    """The leader lies somewhere else, and nobody holds it."""
    rig.leader.sways = False
    rig.world.until(lambda: rig.world.motion, 'joint states')
    away = np.full(len(rig.world.positions), 1.0)
    away[0] = 1.5
    rig.relays.do(lambda: setattr(rig.leader, 'place', rig.world.positions + away))
    rig.world.let_pass(0.1)


def grasp(rig):
    """The human brings the leader to the robot, and moves on."""
    rig.world.until(lambda: rig.world.motion, 'joint states')
    rig.relays.do(lambda: rig.leader.grasp(rig.world.positions))
    until_said(rig, 'human')
    rig.world.until_moving()


@dataclass(frozen=True)
class HumanFault:
    """What goes wrong with the human's stream, what is said, and within which time."""

    name: str
    provoke: object
    says: str
    within_s: float
    still: bool = True


def changed(change):
    return lambda leader: setattr(leader, 'change', change())


def stale(name, change, says=f'max_age_s is {MAX_AGE_S:g}', still=True):
    return HumanFault(name, changed(change), says, MAX_AGE_S + STEP_S, still)


HUMAN_FAULTS = (
    HumanFault('killed', lambda leader: leader.kill(), 'max_age_s is 0.2', MAX_AGE_S + STEP_S),
    stale('silent', message_faults.silent),
    stale('same stamp', message_faults.repeated, 'messages repeat its stamp'),
    # Each sample that comes lets it in again through the gate, for as long as it is fresh.
    stale('slowed to 2 Hz', lambda: message_faults.slowed(50), still=False),
    stale('NaN', lambda: message_faults.values(np.nan), 'the value is nan'),
    stale('other names', lambda: message_faults.renamed(3), "'wrist_1_joint'"),
    stale('stamped 10 s ahead', lambda: message_faults.shifted(10.0), '10 s after the arrival'),
    stale('stamped 10 s ago', lambda: message_faults.shifted(-10.0), 'older stamps'),
    HumanFault(
        'jumps by 0.9 rad',
        changed(lambda: message_faults.added(0, 0.9)),
        "the human's 'shoulder_pan_joint' jumped",
        2 * STEP_S,
    ),
)


@pytest.mark.parametrize('fault', HUMAN_FAULTS, ids=lambda fault: fault.name)
def test_a_human_who_fails_brakes_the_robot_and_comes_back_through_the_gate(led_rig, fault):
    rig, world, leader = led_rig, led_rig.world, led_rig.leader
    seen = []
    # A busy machine may be late once, but not every time.
    while not seen or (len(seen) < 3 and seen[-1][0] > fault.within_s + SLACK_S):
        began_s, heard = time.time(), len(rig.said)
        rig.relays.do(lambda: fault.provoke(leader))
        world.until(lambda: any(fault.says in reason for _, _, reason in world.states), fault.says)
        held_s = next(s for s, _, reason in world.states if fault.says in reason)
        world.until(lambda heard=heard: 'nobody' in rig.said[heard:], 'nobody commands')
        if fault.name != 'jumps by 0.9 rad':
            began_s = leader.sound_ns / 1e9
        if fault.still:
            world.until_still(5.0)
        seen.append((held_s - began_s, rig.last_moved_s() - began_s))
        if fault.still:
            rig.stays('TAKEOVER')
        rig.relays.do(leader.heal)
        # The leader is where the human has left it, near or far: through the gate, or not.
        grasp(rig)
        world.let_pass(0.3)
        rig.check()
        rig.begin()
    assert min(held for held, _ in seen) <= fault.within_s + SLACK_S
    if fault.still:
        assert min(rested for _, rested in seen) <= fault.within_s + BRAKING_S + SLACK_S


def test_who_commands_is_said_and_the_policy_goes_on_after_it_is_handed_back(led_rig):
    rig, world = led_rig, led_rig.world
    world.let_pass(1.0)
    # A second takeover changes nothing.
    answer = take_over(rig)
    assert answer.success and answer.message == 'TAKEOVER'
    assert world.diagnostics['infer: inference']['commander'] == 'human'
    rig.said.clear()
    answer = take_over(rig, False)
    assert answer.success and answer.message.startswith('WAITING')
    until_said(rig, 'policy')
    assert rig.said[0] == 'nobody'
    world.until_state('RUNNING')
    world.until_moving()
    assert world.diagnostics['infer: inference']['commander'].startswith('policy policy.pt')
    rig.check()


def test_beside_a_slow_policy_the_human_is_followed_in_20_steps_a_second(
    started_rig, misbehaving, tmp_path
):
    rig, world = started_rig, started_rig.world
    rig.leader.heal()
    rig.relays.heal()
    slow = write_misbehaving_policy(tmp_path / 'slow.pt', rate_hz=5.0)
    rig.configure(model=str(slow))
    world.until_state('RUNNING')
    let_go(rig)
    assert take_over(rig).success
    world.until_still()
    grasp(rig)
    # A busy machine may be late once, but not every time.
    sent = [sent_in(rig, 2.0) for _ in range(3)]
    assert max(sent) > 20
    assert take_over(rig, False).success
    world.until_state('RUNNING')
    # The policy has its own steps: a message for each, and for each prediction.
    assert sent_in(rig, 2.0) <= 20
    rig.configure(model=str(misbehaving))


def sent_in(rig, seconds):
    """Number of commands that the node sends meanwhile."""
    before = len(rig.relays.sent)
    rig.world.let_pass(seconds)
    return len(rig.relays.sent) - before


def test_a_leader_far_away_moves_nothing_until_it_is_brought_near(led_rig):
    rig, world = led_rig, led_rig.world
    take_over(rig, False)
    world.until_state('RUNNING')
    let_go(rig)
    assert take_over(rig).success
    world.until_state('TAKEOVER', "the human's 'shoulder_pan_joint' is")
    assert 'more than start_max 0.5' in world.reason
    world.until_still()
    rig.stays('TAKEOVER')
    grasp(rig)
    rig.check()


def test_joints_that_fall_silent_stop_a_human_as_a_policy(led_rig):
    rig, world = led_rig, led_rig.world
    rig.relays.do(lambda: setattr(rig.relays.joints, 'change', message_faults.silent()))
    world.until_state('TAKEOVER', '/spoiled/joint_states')
    world.until_still(5.0)
    rig.stays('TAKEOVER')
    rig.relays.heal()
    grasp(rig)
    rig.check()


def test_cameras_may_be_missing_in_a_takeover(led_rig):
    rig, world = led_rig, led_rig.world
    rig.relays.do(lambda: setattr(rig.relays.overhead, 'change', message_faults.silent()))
    world.let_pass(1.0)
    assert world.state == 'TAKEOVER' and 'overhead' not in world.reason
    until_said(rig, 'human')
    world.until_moving()
    take_over(rig, False)
    world.until_state('WAITING')
    assert world.diagnostics['infer: /spoiled/overhead']['level'] == b'\x03'
    rig.relays.heal()
    world.until_state('RUNNING')
    rig.check()


def test_a_robot_that_does_not_follow_a_human_is_held_until_it_is_enabled(led_rig):
    rig, world = led_rig, led_rig.world
    rig.relays.do(rig.relays.stop_robot)
    world.until_state('TAKEOVER', "'shoulder_pan_joint' does not follow")
    world.until_still(5.0)
    rig.stays('TAKEOVER')
    rig.relays.do(rig.relays.release)
    rig.stays('TAKEOVER')
    # It is the robot's fault, which handing back does not clear.
    assert 'does not follow' in take_over(rig, False).message
    world.until_state('HOLDING', 'does not follow')
    assert take_over(rig).success
    grasp(rig)
    rig.check()


def test_a_second_commander_stops_a_human_too(led_rig):
    rig, world = led_rig, led_rig.world
    rig.relays.do(rig.relays.rival)
    world.until_state('TAKEOVER', f'commands {COMMANDS}, too')
    world.until_still(5.0)
    rig.relays.heal()
    rig.stays('TAKEOVER')
    assert world.enable(True).success
    grasp(rig)
    rig.check()


def test_disabled_and_enabled_in_a_takeover_the_human_goes_on(led_rig):
    rig, world = led_rig, led_rig.world
    assert world.enable(False).success
    world.until_state('DISABLED', 'a human has taken over')
    world.until_still(5.0)
    rig.stays('DISABLED')
    assert 'it stays disabled until ~/enable' in take_over(rig, True).message
    assert world.enable(True).success
    grasp(rig)
    rig.check()


def test_a_takeover_in_any_state_and_at_any_moment_obeys_the_last_word(started_rig):
    rig, world = started_rig, started_rig.world
    rig.recover()
    let_go(rig)
    for number in range(20):
        assert take_over(rig, number % 2 == 0).success
    world.until_state('RUNNING')
    rig.relays.do(lambda: setattr(rig.relays.wrist, 'change', message_faults.silent()))
    world.until_state('HOLDING', 'wrist')
    assert take_over(rig).success
    grasp(rig)
    assert take_over(rig, False).success
    rig.relays.heal()
    world.until_state('RUNNING')
    rig.check()


def test_deactivated_in_a_takeover_the_robot_rests_and_the_policy_starts_afterwards(led_rig):
    rig, world = led_rig, led_rig.world
    assert world.change('deactivate')
    until_said(rig, 'nobody')
    world.until_still(5.0)
    answer = take_over(rig)
    assert (answer.success, answer.message) == (False, 'the node is not active')
    assert world.change('activate')
    world.until_state('RUNNING')
    rig.check()


def test_a_node_that_is_killed_in_a_takeover_leaves_the_robot_at_rest(rig, misbehaving):
    rig.leader.heal()
    rig.relays.heal()
    if rig.node is not None and rig.node.process.poll() is None:
        assert rig.node.end() == 0, rig.node.output
    node = rig.start_node(model=misbehaving)
    rig.world.until_state('RUNNING')
    let_go(rig)
    assert take_over(rig).success
    rig.world.until_still()
    grasp(rig)
    rig.begin()
    killed_s = time.time()
    node.process.kill()
    node.wait()
    rig.world.until_still(5.0)
    rested_s = rig.last_moved_s() - killed_s
    assert rested_s <= 0.5 + SLACK_S
    assert LEADER in node.output
    rig.check()
    # The world goes on with another one.
    rig.start_node(model=misbehaving)
    rig.world.until_state('RUNNING')
