"""Whatever a policy server answers, over a real socket, the robot is braked and then goes on.

The joints lag behind their controller, as those of a real arm do.
"""

import numpy as np
import pytest

from helpers.runner_rig import POSITION, STEP_NS, LaggingRig, make_runner, manifest
from helpers.scripted_server import scripted_server
from neuracore_ros.errors import PolicyError
from neuracore_ros.policy.load import load_policy
from neuracore_ros.policy.remote.own_server import ServedPolicy
from neuracore_ros.wire.packing import pack, unpack

METADATA = ServedPolicy(manifest().to_json(), 'ab' * 32).metadata()
TARGETS = 'JOINT_TARGET_POSITIONS'
ROWS = np.zeros((16, 3), np.float32)


def ramp(request, **other):
    """The answer of a policy that moves both joints from where they are measured."""
    steps = np.arange(1, 17, dtype=np.float32)[:, None]
    rows = request['JOINT_POSITIONS'][-1:] + 0.01 * steps
    return pack({'actions': {TARGETS: rows}, 'request_id': request['request_id']} | other)


class RemoteRig(LaggingRig):
    """A rig whose model is asked over a socket."""

    policy = None

    def predict(self, request):
        try:
            return self.policy.predict(request.inputs, request.valid, None, request.plan)
        except PolicyError as error:
            assert '\n' not in str(error)
            raise ArithmeticError(str(error)) from error


@pytest.fixture
def rig(tmp_path):
    """A robot that a server moves, and that server."""
    with scripted_server(lambda connection, frame: ramp(unpack(frame)), METADATA) as server:
        rig = RemoteRig(make_runner(tmp_path), remote=True)
        rig.policy, rig.server = load_policy(server.address), server
        rig.policy.warm_up()
        yield rig
        rig.policy.close()


def actions(rows):
    return lambda request: ramp(request, actions={TARGETS: rows})


def with_one(value, kind=np.float32):
    rows = ROWS.astype(kind)
    rows[7, 2] = value
    return actions(rows)


LIES = {
    'NaN': (with_one(np.nan), 'with nan'),
    'infinite': (with_one(-np.inf), 'with -inf'),
    'beyond float32': (with_one(1e300, np.float64), 'with inf'),
    'integers': (actions(ROWS.astype(np.int64)), 'as int64'),
    'flags': (actions(ROWS.astype(bool)), 'as bool'),
    'too narrow': (actions(ROWS[:, :2]), r'shape (1, 16, 2)'),
    'too wide': (actions(np.zeros((16, 4), np.float32)), r'shape (1, 16, 4)'),
    'too short': (actions(ROWS[:15]), r'shape (1, 15, 3)'),
    'no rows': (actions(ROWS[:0]), r'shape (1, 0, 3)'),
    'flat': (actions(ROWS.ravel()), r'shape (1, 48)'),
    'a batch': (actions(ROWS[None]), r'shape (1, 1, 16, 3)'),
    'a text': (actions('left'), 'shape (1,)'),
    'nothing': (lambda request: ramp(request, actions={}), f'gives no {TARGETS}'),
    'no actions': (lambda request: ramp(request, actions=None), "has no 'actions'"),
    'no map': (lambda request: pack([1, 2]), 'another request'),
    'another request': (lambda request: ramp(request, request_id=99), 'another request'),
    'no request': (lambda request: pack({'actions': {TARGETS: ROWS}}), 'another request'),
    'an error': (lambda request: 'Traceback:\n  x\nKeyError: state', 'failed: KeyError: state'),
    'empty': (lambda request: b'', 'is no MessagePack'),
    'garbage': (lambda request: b'\xc1' * 50, 'is no MessagePack'),
}


@pytest.mark.parametrize('lie', LIES)
def test_a_lie_brakes_the_robot_at_once_and_it_goes_on_by_itself_without_a_jump(rig, lie):
    answer, says = LIES[lie]
    # The start takes a while; then it moves as it was told.
    rig.step(30)
    assert rig.state == 'RUNNING'
    rig.server.answer = lambda connection, frame: answer(unpack(frame))
    began = len(rig.path)
    # A request every half second, and the stop.
    rig.step(22)
    assert rig.state == 'HOLDING' and says in rig.runner.reason
    assert not rig.runner.latched
    braked = rig.positions.copy()
    assert np.abs(braked - rig.path[began]).max() < 0.2
    sent = len(rig.sent)
    rig.step(20)
    assert len(rig.sent) == sent
    assert np.abs(rig.positions - braked).max() < 1e-3
    rig.server.answer = lambda connection, frame: ramp(unpack(frame))
    rig.step(30)
    assert (rig.state, rig.runner.reason) == ('RUNNING', '')
    path = np.array(rig.path)
    speeds = np.abs(np.diff(path, axis=0)) * rig.update_hz
    assert np.isfinite(path).all()
    assert (speeds <= np.array([2.0, 1.0]) * 1.01).all()
    # It asks for 0.2 rad/s, and catches up with nothing.
    assert speeds.max() < 0.5
    assert np.abs(path[-1] - braked).max() < 0.2 * 30 * STEP_NS / 1e9


def test_the_joints_are_sent_as_they_are_measured(rig):
    requests = []
    rig.server.answer = lambda connection, frame: (
        requests.append(unpack(frame)) or ramp(requests[-1])
    )
    rig.step(30)
    assert np.abs(requests[-1][POSITION.value][-1, [0, 2]] - rig.positions).max() < 0.2
    assert requests[-1]['valid'][POSITION.value].tolist() == [True, False, True]
