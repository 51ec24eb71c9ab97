"""The node's process, ended at any moment; and models that never answer."""

import random
import signal
import time

import numpy as np
import pytest
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState

from helpers.misbehaving_policy import write_puppet

MAX_AHEAD_S = 0.4
# The longest that a stop lasts; and a process has to be told first.
STOP_S = 0.5
SLACK_S = 0.3


@pytest.fixture
def begun(stage, puppet):
    """Starts nodes on the stage; none is left behind."""

    def start(**parameters):
        stage.world.diagnostics.clear()
        stage.begin()
        return stage.start_node(**{'model': puppet, 'max_ahead_s': MAX_AHEAD_S, **parameters})

    stage.saboteur.heal()
    yield start
    if stage.node.process.poll() is None:
        stage.node.end(signal.SIGKILL)


# Start-up takes about three seconds: some of these fall into it, some into a motion.
@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM], ids=['SIGINT', 'SIGTERM'])
@pytest.mark.parametrize('seed', range(2))
def test_a_signal_at_any_moment_leaves_a_robot_at_rest(stage, begun, number, seed):
    moment = random.Random(f'{number.name} {seed}')
    node = begun()
    # Before that, Python's own handler would end it: nothing is open yet.
    stage.world.until(lambda: 'infer' in stage.world.node.get_node_names(), 'the node')
    time.sleep(moment.uniform(0.0, 4.0))
    sent_s = time.time()
    assert node.end(number) == 0, node.output
    assert 'Traceback' not in node.output
    stage.world.until_still()
    assert stage.last_moved_s() - sent_s < STOP_S + SLACK_S
    sent = len(stage.saboteur.sent)
    time.sleep(0.3)
    assert len(stage.saboteur.sent) == sent
    stage.check()


@pytest.mark.parametrize('after_s', [0.05, 0.3])
def test_a_robot_frozen_while_its_node_ends_does_not_move_when_it_is_let_go(stage, begun, after_s):
    node = begun()
    stage.world.until_moving()
    stage.saboteur.do(stage.saboteur.stop_robot)
    time.sleep(after_s)
    assert node.end() == 0, node.output
    before = stage.world.positions
    stage.saboteur.do(stage.saboteur.release)
    time.sleep(1.0)
    assert np.abs(stage.world.positions - before).max() < 0.02
    stage.check()


def test_a_shutdown_transition_in_a_motion_leaves_a_robot_at_rest(stage, begun):
    node = begun()
    stage.world.until_moving()
    request = Transition(id=Transition.TRANSITION_ACTIVE_SHUTDOWN)
    asked_s = time.time()
    assert stage.world.call(ChangeState, 'infer/change_state', transition=request).success
    assert node.wait() == 0, node.output
    stage.world.until_still()
    assert stage.last_moved_s() - asked_s < STOP_S + SLACK_S
    stage.check()


def test_a_model_that_hangs_in_a_motion_holds_the_robot_and_lets_the_node_end(stage, begun):
    node = begun()
    world = stage.world
    world.until_moving()
    stage.does('hang')
    world.until_state('HOLDING', 'prediction late')
    world.until_still()
    stage.stays('HOLDING')
    # Which does not help.
    assert world.enable(True).success
    world.until_state('HOLDING', 'prediction late')
    assert node.end() == 0, node.output
    assert node.lines[-1].endswith('the model is still running; ending without it')
    stage.check()


def test_a_model_that_hangs_on_its_first_prediction_moves_nothing(stage, begun):
    stage.does('hang')
    node = begun()
    stage.world.until_state('HOLDING', 'prediction late')
    stage.stays('HOLDING')
    assert node.end() == 0, node.output
    assert stage.saboteur.sent == []


def test_a_model_that_hangs_in_its_warm_up_does_not_keep_a_signal_from_ending_it(
    stage, begun, tmp_path
):
    node = begun(model=write_puppet(tmp_path / 'policy.pt', hung=True))
    stage.world.until(lambda: 'infer' in stage.world.node.get_node_names(), 'the node')
    time.sleep(4.0)
    assert node.end() == 0, node.output
    assert 'Traceback' not in node.output
    assert stage.saboteur.sent == []


# Last, since DDS believes in the services of a killed process for many seconds.
@pytest.mark.parametrize('seed', range(2))
def test_a_killed_node_leaves_a_robot_at_rest_within_max_ahead(stage, begun, seed):
    node = begun()
    stage.world.until_moving()
    time.sleep(random.Random(seed).uniform(0.0, 1.0))
    killed_s = time.time()
    node.process.kill()
    node.wait()
    stage.world.until_still()
    assert stage.last_moved_s() - killed_s < MAX_AHEAD_S + SLACK_S
    stage.check()
