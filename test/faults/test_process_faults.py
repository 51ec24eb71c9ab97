"""The node's process, ended at any moment; and models that never answer."""

import random
import signal
import time

import numpy as np
import pytest
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState

from helpers.misbehaving_policy import write_misbehaving_policy
from helpers.processes import until_computed
from helpers.waiting import random_moment, stays

MAX_AHEAD_S = 0.4
# The longest that a stop lasts; and a process has to be told first.
STOP_S = 0.5
SLACK_S = 0.3


@pytest.fixture
def begun(rig, misbehaving):
    """Starts nodes on the rig; none is left behind."""

    def start(**parameters):
        rig.world.diagnostics.clear()
        rig.begin()
        return rig.start_node(**{'model': misbehaving, 'max_ahead_s': MAX_AHEAD_S, **parameters})

    rig.relays.heal()
    yield start
    if rig.node.process.poll() is None:
        rig.node.end(signal.SIGKILL)


# Start-up takes about three seconds: some of these fall into it, some into a motion.
@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM], ids=['SIGINT', 'SIGTERM'])
@pytest.mark.parametrize('seed', range(2))
def test_a_signal_at_any_moment_leaves_a_robot_at_rest(rig, begun, number, seed):
    node = begun()
    # Before that, Python's own handler would end it: nothing is open yet.
    rig.world.until(lambda: 'infer' in rig.world.node.get_node_names(), 'the node')
    random_moment(random.Random(f'{number.name} {seed}'), 0.0, 4.0)
    sent_s = time.time()
    assert node.end(number) == 0, node.output
    assert 'Traceback' not in node.output
    rig.world.until_still()
    assert rig.last_moved_s() - sent_s < STOP_S + SLACK_S
    sent = len(rig.relays.sent)
    stays(lambda: len(rig.relays.sent) == sent, 0.3, 'no command')
    rig.check()


@pytest.mark.parametrize('after_s', [0.05, 0.3])
def test_a_robot_frozen_while_its_node_ends_does_not_move_when_it_is_let_go(rig, begun, after_s):
    node = begun()
    rig.world.until_moving()
    rig.relays.do(rig.relays.stop_robot)
    rig.world.let_pass(after_s)
    assert node.end() == 0, node.output
    before = rig.world.positions
    rig.relays.do(rig.relays.release)
    stays(lambda: np.abs(rig.world.positions - before).max() < 0.02, 1.0, 'no motion')
    rig.check()


def test_a_shutdown_transition_in_a_motion_leaves_a_robot_at_rest(rig, begun):
    node = begun()
    rig.world.until_moving()
    request = Transition(id=Transition.TRANSITION_ACTIVE_SHUTDOWN)
    asked_s = time.time()
    assert rig.world.call(ChangeState, 'infer/change_state', transition=request).success
    assert node.wait() == 0, node.output
    rig.world.until_still()
    assert rig.last_moved_s() - asked_s < STOP_S + SLACK_S
    rig.check()


def test_a_model_that_hangs_in_a_motion_holds_the_robot_and_lets_the_node_end(rig, begun):
    node = begun()
    world = rig.world
    world.until_moving()
    rig.does('hang')
    world.until_state('HOLDING', 'prediction late')
    world.until_still()
    rig.stays('HOLDING')
    # Which does not help.
    assert world.enable(True).success
    world.until_state('HOLDING', 'prediction late')
    assert node.end() == 0, node.output
    assert node.lines[-1].endswith('the model is still running; ending without it')
    rig.check()


def test_a_model_that_hangs_on_its_first_prediction_moves_nothing(rig, begun):
    rig.does('hang')
    node = begun()
    rig.world.until_state('HOLDING', 'prediction late')
    rig.stays('HOLDING')
    assert node.end() == 0, node.output
    assert rig.relays.sent == []


def test_a_model_that_hangs_in_its_warm_up_does_not_keep_a_signal_from_ending_it(
    rig, begun, tmp_path
):
    node = begun(model=write_misbehaving_policy(tmp_path / 'policy.pt', hung=True))
    rig.world.until(lambda: 'infer' in rig.world.node.get_node_names(), 'the node')
    # More than its start-up takes: nothing tells that a warm-up has begun.
    until_computed(node.process.pid, 4.0)
    assert node.end() == 0, node.output
    assert 'Traceback' not in node.output
    assert rig.relays.sent == []


# Last, since DDS believes in the services of a killed process for many seconds.
@pytest.mark.parametrize('seed', range(2))
def test_a_killed_node_leaves_a_robot_at_rest_within_max_ahead(rig, begun, seed):
    node = begun()
    rig.world.until_moving()
    random_moment(random.Random(seed), 0.0, 1.0)
    killed_s = time.time()
    node.process.kill()
    node.wait()
    rig.world.until_still()
    assert rig.last_moved_s() - killed_s < MAX_AHEAD_S + SLACK_S
    rig.check()
