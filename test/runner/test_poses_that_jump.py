"""A pose that is measured elsewhere for one sample: nothing starts there, nothing is held there."""

import numpy as np
import pytest

from helpers.direct_rig import HAND, HORIZON, DirectRig

HOME = np.array([0, 0, 0, 0, 0, 0, 1.0])
LIES = (HOME + 0.45 * np.eye(7)[0], np.array([0, 0, 0, 0, 0, np.sin(0.25), np.cos(0.25)]))


def stand(request):
    return np.tile(np.asarray(request.inputs['END_EFFECTOR_POSES'])[-1, 0], (HORIZON, 1, 1))


def hand(folder, **settings):
    rig = DirectRig(folder, HAND.replace('TYPE', 'PoseStamped'), stand, **settings)
    rig.follows = False
    return rig


@pytest.mark.parametrize('rate_hz', [0.0, 100.0])
@pytest.mark.parametrize('lie', LIES)
def test_a_lie_on_the_way_is_no_place_to_rest(tmp_path, lie, rate_hz):
    rig = hand(tmp_path, command_rate_hz=rate_hz)
    rig.step(20)
    assert rig.state == 'RUNNING'
    rig.pose = lie
    rig.step()
    x, y, z = lie[:3]
    assert rig.reason == f"'hand' is reported to have jumped to {x:.3f} {y:.3f} {z:.3f}"
    rig.pose = HOME
    rig.step(20)
    assert (rig.state, rig.runner.latched) == ('HOLDING', True)
    assert rig.values() == pytest.approx(np.tile(HOME, (len(rig.sent), 1)))


@pytest.mark.parametrize('lie', LIES)
def test_a_lie_is_no_place_to_start(tmp_path, lie):
    rig = hand(tmp_path, command_rate_hz=100.0)
    rig.pose = lie
    rig.step()
    rig.pose = HOME
    rig.step(20)
    assert rig.state == 'RUNNING'
    assert rig.values() == pytest.approx(np.tile(HOME, (len(rig.sent), 1)))


def test_a_lie_that_is_read_twice_agrees_with_nothing(tmp_path):
    rig = hand(tmp_path, command_rate_hz=100.0)
    rig.pose = LIES[0]
    rig.publish()
    rig.alive = False
    rig.step(3)
    assert rig.sent == []
    rig.alive, rig.pose = True, HOME
    rig.step(20)
    assert rig.values() == pytest.approx(np.tile(HOME, (len(rig.sent), 1)))
