"""A simulated clock that stops and jumps, and takes the stamps of all messages with it."""

import time

import pytest

from helpers.fault_rig import FaultRig
from helpers.faulty_relays import robot_file


@pytest.fixture(scope='module')
def rig(domain, tmp_path_factory):
    """As for other faults, but with a clock."""
    rig = FaultRig(robot_file(tmp_path_factory.mktemp('robot')), clock=True)
    yield rig
    rig.close()


@pytest.fixture(scope='module')
def timed(rig, misbehaving):
    """A node in the time of that clock."""
    node = rig.start_node(model=misbehaving, use_sim_time=True)
    yield rig
    assert node.end() == 0, node.output
    assert 'Traceback' not in node.output


@pytest.mark.parametrize(
    ('jump_s', 'says'),
    [
        (-5.0, 'clock jumped back by'),
        (-0.5, 'clock jumped back by'),
        (5.0, 'clock jumped forward by'),
        (0.6, 'clock jumped forward by'),
    ],
)
def test_a_clock_that_jumps_holds_the_robot_which_then_goes_on_by_itself(timed, jump_s, says):
    timed.recover()
    world = timed.world
    timed.relays.offset_ns += round(jump_s * 1e9)
    world.until(lambda: any(says in reason for _, _, reason in world.states), says)
    world.until_state('RUNNING')
    world.until_moving()
    timed.check()


def test_a_clock_that_stands_still_ends_all_motion_and_then_it_goes_on(timed):
    timed.recover()
    world = timed.world
    stopped_s = time.time()
    timed.relays.clock_runs = False
    world.until_state('HOLDING', '/clock has stood still')
    world.until_still()
    # What was commanded ends by itself, within max_ahead_s.
    assert timed.last_moved_s() - stopped_s < 0.5 + 0.3
    timed.stays('HOLDING')
    timed.relays.clock_runs = True
    world.until_state('RUNNING')
    world.until_moving()
    timed.check()


# Last, since it ends the node.
def test_a_signal_ends_the_node_while_the_clock_stands_still(timed):
    timed.recover()
    timed.relays.clock_runs = False
    stopped_s = time.time()
    assert timed.node.end() == 0, timed.node.output
    timed.world.until_still()
    assert timed.last_moved_s() - stopped_s < 0.5 + 0.3
    timed.check()
