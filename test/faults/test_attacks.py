"""What a bad day brings together: hands, emergency stops, impatient people, many cameras."""

import random
import time
from pathlib import Path

import numpy as np
import pytest

from helpers import message_faults
from helpers.fault_rig import FaultRig
from helpers.fault_table import VELOCITY_LIMIT
from helpers.faulty_relays import camera_topic, many_cameras, robot_file
from helpers.misbehaving_policy import write_misbehaving_policy
from helpers.waiting import random_moment

CAMERAS = 8


@pytest.fixture(scope='module')
def rig(domain, tmp_path_factory):
    """As for other faults, but with many cameras."""
    rig = FaultRig(robot_file(tmp_path_factory.mktemp('robot')), cameras=CAMERAS)
    yield rig
    rig.close()


@pytest.fixture
def moving(started_rig):
    """The rig while its robot moves."""
    started_rig.recover()
    return started_rig


def hold(rig, change=message_faults.silent):
    """Hold the robot by its wrist camera."""
    rig.relays.do(lambda: setattr(rig.relays.wrist, 'change', change()))
    rig.world.until_state('HOLDING', 'wrist')
    rig.world.until_still()


def test_a_robot_moved_by_hand_while_it_is_held_goes_on_from_there(moving):
    hold(moving)
    before = moving.world.positions[0]
    sent = len(moving.relays.sent)
    moving.relays.push(0.4, 1.0)
    moving.world.until(lambda: moving.world.positions[0] > before + 0.399, 'a push')
    moving.world.until_still()
    assert moving.world.state == 'HOLDING'
    assert len(moving.relays.sent) == sent
    moving.relays.heal()
    moving.world.until_state('RUNNING')
    moving.world.until_moving()
    moving.check()


def test_a_robot_that_is_still_pushed_when_its_fault_ends_does_not_jump(moving):
    hold(moving)
    before = moving.world.positions[0]
    moving.relays.push(-0.6, 1.5)
    moving.world.until(lambda: moving.world.positions[0] < before - 0.05, 'a push')
    moving.relays.heal()
    moving.world.until_state('RUNNING')
    moving.world.until_moving()
    moving.world.let_pass(0.5)
    moving.check()


def test_a_first_action_far_away_after_a_fault_is_refused(moving):
    hold(moving)
    moving.does('far')
    moving.relays.do(moving.relays.wrist.heal)
    moving.world.until_state('HOLDING', "first action of 'shoulder_pan_joint'")
    moving.stays('HOLDING', 0.8)
    moving.does('')
    moving.world.until_state('RUNNING')
    moving.check()


def test_a_first_action_a_little_away_after_a_fault_is_approached_slowly(moving):
    hold(moving)
    moving.does('near')
    moving.relays.do(moving.relays.wrist.heal)
    moving.world.until_state('RUNNING', 'blending in')
    moving.world.until_moving()
    moving.world.let_pass(0.5)
    moving.check(speed=0.25 * VELOCITY_LIMIT)


def test_an_emergency_stop_that_is_released_after_seconds_does_not_snap_back(moving):
    world, relays = moving.world, moving.relays
    relays.do(relays.stop_robot)
    world.until_state('HOLDING', 'does not follow')
    world.let_pass(2.0)
    before = world.positions
    relays.do(relays.release)
    moving.stays('HOLDING', 0.8)
    assert np.abs(world.positions - before).max() < 0.01
    assert world.enable(True).success
    world.until_state('RUNNING')
    world.until_moving()
    moving.check()


@pytest.mark.parametrize('after_s', [0.05, 0.3])
def test_a_robot_disabled_while_it_is_frozen_does_not_move_when_it_is_let_go(moving, after_s):
    world, relays = moving.world, moving.relays
    relays.do(relays.stop_robot)
    world.let_pass(after_s)
    assert world.enable(False).success
    world.let_pass(2.0)
    before = world.positions
    relays.do(relays.release)
    moving.stays('DISABLED', 0.8)
    assert np.abs(world.positions - before).max() < 0.02
    moving.check()


def test_enabling_a_robot_in_emergency_stop_is_a_fault_again_and_still_does_not_snap(moving):
    world, relays = moving.world, moving.relays
    relays.do(relays.stop_robot)
    world.until_state('HOLDING', 'does not follow')
    assert world.enable(True).success
    world.until_state('RUNNING')
    world.until_state('HOLDING', 'does not follow')
    before = world.positions
    relays.do(relays.release)
    moving.stays('HOLDING', 0.8)
    assert np.abs(world.positions - before).max() < 0.01
    moving.check()


def test_a_node_deactivated_in_an_emergency_stop_starts_where_the_robot_is(moving):
    world, relays = moving.world, moving.relays
    relays.do(relays.stop_robot)
    world.until_state('HOLDING', 'does not follow')
    assert world.change('deactivate')
    relays.do(relays.release)
    before = world.positions[0]
    relays.push(0.4, 1.0)
    world.until(lambda: world.positions[0] > before + 0.35, 'a push')
    world.until_still()
    assert world.change('activate')
    world.until_state('RUNNING')
    world.until_moving()
    moving.check()


def test_disable_and_enable_fifty_times_quickly(moving):
    for _ in range(50):
        assert moving.world.enable(False).message.startswith('DISABLED')
        assert moving.world.enable(True).success
    moving.world.until_moving()
    assert moving.world.enable(False).success
    moving.world.until_still()
    moving.stays('DISABLED')
    moving.check()


def test_services_in_a_loop_do_not_keep_it_from_running(moving):
    world = moving.world
    end_s = world.motion[-1][0] + 2.0 if world.motion else time.time() + 2.0
    calls = 0
    while time.time() < end_s:
        assert world.enable(True).success
        world.lifecycle()
        calls += 1
    assert calls > 20
    assert {state for _, state, _ in world.states} <= {'RUNNING'}
    world.until_moving()
    moving.check()


def test_resets_in_a_loop_leave_a_robot_that_goes_on(moving):
    for _ in range(50):
        assert moving.world.reset().success
    moving.world.until_state('RUNNING')
    moving.world.until_moving()
    moving.check()


@pytest.mark.parametrize('seed', range(3))
def test_whatever_is_asked_at_any_moment_ends_at_rest(moving, misbehaving, seed):
    world, moment = moving.world, random.Random(seed)
    for _ in range(4):
        random_moment(moment, 0.0, 0.6)
        ask = moment.choice(['disable', 'reset', 'deactivate', 'configure'])
        if ask == 'disable':
            assert world.enable(False).success
            world.until_still(2.0)
            moving.stays('DISABLED', 0.2)
            assert world.enable(True).success
        if ask == 'reset':
            assert world.reset().success
        if ask == 'deactivate':
            assert world.change('deactivate')
            world.until_still(2.0)
            moving.stays('DISABLED', 0.2)
            assert world.change('activate')
        if ask == 'configure':
            moving.configure(model=str(misbehaving))
        world.until_state('RUNNING')
    world.until_moving()
    moving.check()


def test_eight_cameras_run_and_each_of_them_holds_the_robot(moving, tmp_path):
    world, relays = moving.world, moving.relays
    model = write_misbehaving_policy(tmp_path / 'policy.pt', cameras=CAMERAS)
    robot = many_cameras(moving.robot, CAMERAS)
    moving.configure(model=str(model), robot=str(robot))
    for number in range(CAMERAS):
        world.until_state('RUNNING')
        relays.do(relays.cameras[number].kill)
        world.until_state('HOLDING', camera_topic(number))
        relays.heal()
    world.until_moving()
    moving.check()


# Last, since it takes the node's policy away.
def test_configure_and_cleanup_twenty_times_leave_nothing_behind(moving, misbehaving):
    world, pid = moving.world, moving.node.process.pid

    def held():
        """Threads, and open files, of the unconfigured node."""
        assert world.change('deactivate')
        assert world.change('cleanup')
        status = Path(f'/proc/{pid}/status').read_text()
        threads = int(status.split('Threads:')[1].split()[0])
        return threads, len(list(Path(f'/proc/{pid}/fd').iterdir()))

    moving.configure(model=str(misbehaving))
    world.until_state('RUNNING')
    before = held()
    for _ in range(20):
        assert world.change('configure')
        assert world.change('activate')
        after = held()
    # One that ends may be seen still; a thread or a file a time would be twenty.
    assert after[0] <= before[0] + 2
    assert after[1] <= before[1] + 2
    assert world.change('configure')
    assert world.change('activate')
    moving.check()
