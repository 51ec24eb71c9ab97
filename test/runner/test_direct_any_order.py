"""Whatever happens, and in any order: what is sent as it is stays in its limits, and ends."""

import random
from itertools import pairwise

import numpy as np
import pytest

from helpers.direct_rig import BASE, HAND, HORIZON, TORQUES, VELOCITIES, DirectRig
from helpers.runner_rig import SECOND
from neuracore_ros.command.streamed import REPEATS
from neuracore_ros.kinematics.interpolation import distance

HANDS = {'PoseStamped', 'TwistStamped'}
ROBOTS = {
    'base': (BASE, 3),
    'velocities': (VELOCITIES, 2),
    'torques': (TORQUES.replace('STOP', 'hold'), 2),
    **{word: (HAND.replace('TYPE', word), 1) for word in HANDS},
}
MOST = {
    'base': [0.5, 0, 0, 0, 0, 1.0],
    'velocities': [1.0, 2.0],
    'torques': [20.0, 5.0],
    'TwistStamped': [0.5] * 3 + [1.0] * 3,
}
CHANGE = {'base': 1.0, 'velocities': 8.0}
"""Of one number of each, as the robot files have it."""


class Fate:
    """Things that happen to a rig, by a seed."""

    def __init__(self, rig, width, seed):
        self.rig, self.width = rig, width
        self.random, self.numpy = random.Random(seed), np.random.default_rng(seed)
        rig.model = self.predict
        self.mad = 0.0

    def predict(self, request):
        if 'END_EFFECTOR_POSES' in request.inputs:
            chunk = np.tile(self.rig.pose, (HORIZON, 1, 1))
            chunk[:, 0, :3] += np.cumsum(self.numpy.normal(0, 0.02, (HORIZON, 3)), axis=0)
            chunk[:, 0, 3:] += np.cumsum(self.numpy.normal(0, 0.03, (HORIZON, 4)), axis=0)
            chunk[:, 0, 3:] /= np.linalg.norm(chunk[:, 0, 3:], axis=1, keepdims=True)
        else:
            chunk = self.numpy.normal(0, 2.0, (HORIZON, self.width))
        if self.random.random() < self.mad:
            chunk.flat[self.random.randrange(chunk.size)] = self.random.choice([np.nan, np.inf])
        return chunk

    def strike(self):
        rig, runner = self.rig, self.rig.runner
        kind = self.random.choice(
            [
                'late',
                'stale',
                'mad',
                'clock',
                'off',
                'on',
                'rival',
                'deaf',
                'reset',
                'away',
                'sane',
            ]
        )
        if kind == 'late':
            rig.late = not rig.late
            if not rig.late and rig.requests and runner.counters.observed:
                runner.failed(rig.requests[-1], 'the model woke up', rig.now_ns)
        elif kind == 'stale':
            rig.alive = not rig.alive
        elif kind == 'mad':
            self.mad = 0.5
        elif kind == 'clock':
            rig.skew_ns += round(self.random.choice([-1e12, -1e9, -1e7, 1e7, 1e9, 1e12]))
        elif kind in {'off', 'on'}:
            rig.do(runner.enable(kind == 'on', rig.now_ns))
        elif kind == 'rival':
            rig.do(runner.disturbed('another node commands it, too', rig.now_ns))
        elif kind == 'deaf':
            rig.listeners = {rig.topic: 1 - rig.listeners[rig.topic]}
        elif kind == 'reset':
            rig.do(runner.reset(rig.now_ns))
        elif kind == 'away':
            rig.do(runner.stop(rig.now_ns))
            rig.brake()
            runner.start(rig.now_ns)
        else:
            self.mad, rig.late, rig.alive = 0.0, False, True
            rig.listeners = {rig.topic: 1}
            rig.do(runner.enable(True, rig.now_ns))


def check(name, sent):
    """Hold all that was sent to the limits, (time, message) each."""
    values = np.array([message.values for _, message in sent])
    assert np.isfinite(values).all()
    if name == 'PoseStamped':
        assert np.linalg.norm(values[:, 3:], axis=1) == pytest.approx(np.ones(len(values)))
    elif name == 'TwistStamped':
        assert np.linalg.norm(values[:, :3], axis=1).max() <= 0.5 + 1e-9
        assert np.linalg.norm(values[:, 3:], axis=1).max() <= 1.0 + 1e-9
    else:
        assert (np.abs(values) <= np.array(MOST[name]) + 1e-9).all()
    for (t0, one), (t1, other) in pairwise(sent):
        passed_s = max((t1 - t0) / SECOND, 0.0)
        if name == 'PoseStamped':
            metres, radians = distance(one.values, other.values)
            assert metres <= 0.5 * passed_s + 1e-6
            assert radians <= 1.0 * passed_s + 1e-6
        elif name in CHANGE:
            place = 0 if name == 'base' else 1
            change = abs(other.values[place] - one.values[place])
            assert change <= CHANGE[name] * passed_s + 1e-6


@pytest.mark.parametrize('rate_hz', [0.0, 100.0])
@pytest.mark.parametrize('name', sorted(ROBOTS))
@pytest.mark.parametrize('seed', range(8))
def test_it_stays_in_its_limits_and_ends(tmp_path, name, rate_hz, seed):
    text, width = ROBOTS[name]
    rig = DirectRig(tmp_path, text, None, command_rate_hz=rate_hz)
    rig.efforts = np.array([3.0, -1.0])
    fate = Fate(rig, width, seed)
    for _ in range(60):
        rig.step(fate.random.randrange(1, 8))
        fate.strike()
    check(name, rig.sent)
    ran = len(rig.sent)
    rig.late = True
    rig.step(60)
    check(name, rig.sent)
    assert ran > 10
    assert rig.silent(20)
    if name != 'PoseStamped':
        rest = [3.0, -1.0] if name == 'torques' else np.zeros(len(rig.sent[-1][1].values))
        last = np.array([message.values for _, message in rig.sent[-REPEATS:]])
        assert last == pytest.approx(np.tile(rest, (REPEATS, 1)))
