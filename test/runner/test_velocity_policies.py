"""A server that gives velocities: the robot moves as fast as it says, however often it is asked."""

from pathlib import Path

import numpy as np
import pytest

from helpers.runner_rig import RATE_HZ, SECOND, LaggingRig, Rig, make_runner
from neuracore_ros.policy.policy import Policy
from neuracore_ros.policy.remote.foreign_server import ForeignServer
from neuracore_ros.policy.remote.server_file import ServerFile

# In a step of 0.05 s, 1 of the server's is 0.01 rad: 0.2 rad/s.
FILE = """
server: openpi
rate_hz: 20
horizon: 16
send: {state: [{JOINT_POSITIONS: [0, 2]}]}
receive: {actions: [{JOINT_TARGET_POSITIONS: [0, 2], mode: velocity, scale: 0.01, clip: [-1, 1]}]}
"""
SPEED = 0.2


def foreign_rig(folder, kind=Rig, latency_steps=0.4, start=(-0.5, 0.2), **settings):
    """A rig whose policy is a server that wants 1 and -0.5, always."""
    file = ServerFile.parse(FILE, Path('two.server.yaml'))

    def ask(message, deadline_s):
        return {'actions': np.tile(np.float32([3.0, -0.5]), (16, 1))}

    policy = Policy(ForeignServer(file, ask), file.sha256)
    runner = make_runner(folder, policy=policy.manifest, **settings)

    class ForeignRig(kind):
        def predict(self, request):
            return policy.predict(request.inputs, request.valid)

    return ForeignRig(runner, latency_steps=latency_steps, start=start)


def speeds(rig, seconds=2.0):
    """Of both joints, [rad/s], once it moves."""
    rig.step(round(0.5 * RATE_HZ))
    before, before_ns = rig.positions.copy(), rig.true_ns
    rig.step(round(seconds * RATE_HZ))
    assert rig.state == 'RUNNING'
    return (rig.positions - before) / ((rig.true_ns - before_ns) / SECOND)


@pytest.mark.parametrize('latency_steps', [0.4, 2.4, 5.4])
@pytest.mark.parametrize('execute_steps', [1, 4, 8])
def test_the_speed_is_that_of_the_server_or_a_little_less(tmp_path, latency_steps, execute_steps):
    """Each prediction begins at what was measured, which is a little behind what was commanded."""
    rig = foreign_rig(tmp_path, latency_steps=latency_steps, execute_steps=execute_steps)
    share = speeds(rig) / [SPEED, -SPEED / 2]
    assert (share > 0.8).all() and (share < 1.02).all()


@pytest.mark.parametrize('execute_steps', [1, 4, 8])
def test_a_robot_that_lags_behind_is_slower_and_not_faster(tmp_path, execute_steps):
    rig = foreign_rig(tmp_path, LaggingRig, execute_steps=execute_steps)
    share = speeds(rig) / [SPEED, -SPEED / 2]
    assert (share > 0.5).all() and (share < 1.02).all()


@pytest.mark.parametrize('execute_steps', [1, 4, 8])
def test_one_prediction_goes_on_where_the_last_one_was(tmp_path, execute_steps):
    rig = foreign_rig(tmp_path, latency_steps=2.4, execute_steps=execute_steps)
    rig.step(round(2.5 * RATE_HZ))
    assert rig.state == 'RUNNING'
    # It starts late: what would have been due before the first prediction came is caught up.
    moved = np.diff(np.array(rig.path)[100:], axis=0) / 0.005
    assert (np.abs(moved) < 1.5 * SPEED).all()
