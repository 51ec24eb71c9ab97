"""A robot of joints, a base and a hand: whatever happens, they stop together, and say no more."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from helpers.direct_rig import HORIZON, DirectRig
from helpers.runner_rig import SECOND, STEP_NS, as_message
from neuracore_ros.command.streamed import REPEATS
from neuracore_ros.description import DataType
from neuracore_ros.runner import DirectMessage
from neuracore_ros.sim.controller import TrajectoryController

ROBOT = """
robot: together
limits:
  a: {position: [-1, 1], velocity: 2.0}
  b: {position: [-1, 1], velocity: 1.0, acceleration: 10.0}
  forward: {velocity: 0.4, acceleration: 1.0}
  turn: {velocity: 1.0}
  hand: {velocity: 0.5, angular_velocity: 1.0}
input: {JOINT_POSITIONS: {0: a, 1: b}, END_EFFECTOR_POSES: {0: hand}}
output:
  JOINT_TARGET_POSITIONS: {0: a, 1: b}
  CUSTOM_1D: {0: forward, 1: turn}
  END_EFFECTOR_POSES: {0: hand}
sources:
  JOINT_POSITIONS: {topic: joint_states}
  END_EFFECTOR_POSES: {topic: hand/pose, parent: base_link}
commands:
  JOINT_TARGET_POSITIONS: {topic: arm}
  CUSTOM_1D: {topic: cmd_vel, type: Twist, names: {forward: linear.x, turn: angular.z}}
  END_EFFECTOR_POSES: {topic: servo, type: TwistStamped, frame: base_link}
"""
TARGETS, NUMBERS, POSES = (
    DataType.JOINT_TARGET_POSITIONS,
    DataType.CUSTOM_1D,
    DataType.END_EFFECTOR_POSES,
)
TOPICS = ('arm', 'cmd_vel', 'servo')
MAX_AHEAD_S = 0.5
EVENTS = [
    *['run'] * 5,
    'skip',
    'late',
    'answer',
    'fail',
    'nan',
    'stale',
    'fresh',
    'lie',
    'deaf',
    'heard',
    'slow',
    'quick',
    'clock back',
    'clock forward',
    'clock slips',
    'stand still',
    'disable',
    'enable',
    'storm',
    'reset',
    'rival',
    'restart',
]


class Together(DirectRig):
    """Its joints and its hand follow at once; the model answers all three kinds."""

    def __init__(self, folder, seed, **more):
        self.random = np.random.default_rng(seed)
        self.controller = TrajectoryController(['a', 'b'], np.zeros(2))
        self.bad = 0.0
        self.slow = ()
        self.ran_ns = 0
        self.halts = []
        super().__init__(folder, ROBOT, None, **more)
        self.listeners = dict.fromkeys(TOPICS, 1)

    def chunk(self):
        r = self.random
        numbers = np.tile(r.normal(0, 1.0, 2), (HORIZON, 1)) + r.normal(0, 0.1, (HORIZON, 2))
        poses = np.tile(self.pose, (HORIZON, 1, 1))
        poses[:, 0, :3] += np.cumsum(r.normal(0, 0.02, (HORIZON, 3)), axis=0)
        poses[:, 0, 3:] += np.cumsum(r.normal(0, 0.03, (HORIZON, 4)), axis=0)
        poses[:, 0, 3:] /= np.linalg.norm(poses[:, 0, 3:], axis=1, keepdims=True)
        joints = self.positions + np.cumsum(r.normal(0, 0.03, (HORIZON, 2)), axis=0)
        found = {TARGETS: joints, NUMBERS: numbers, POSES: poses}
        if r.uniform() < self.bad:
            values = found[[TARGETS, NUMBERS, POSES][r.integers(3)]]
            values.flat[r.integers(values.size)] = [np.nan, np.inf, -np.inf][r.integers(3)]
        return found

    def do(self, outcome):
        for command in outcome.commands:
            self.keep(command)
        if outcome.request is not None:
            self.requests.append(outcome.request)
            if not self.late:
                self.answer()

    def answer(self):
        if self.requests:
            request = self.requests.pop()
            self.requests.clear()
            self.do(self.runner.predicted(request, self.chunk(), self.now_ns))

    def keep(self, command):
        self.sent.append((self.true_ns, command))
        if not isinstance(command, DirectMessage):
            message = as_message(command)
            refused = self.controller.accept(message, self.true_ns, self.positions, np.zeros(2))
            assert refused is None

    def step(self, steps=1):
        for _ in range(steps):
            rate_hz = self.runner.point_rate_hz or 20.0
            for i in range(round(rate_hz / 20.0)):
                self.true_ns += round(SECOND / rate_hz)
                self.follow(1.0 / rate_hz)
                if self.alive:
                    self.publish()
                if self.runner.point_rate_hz:
                    for command in self.runner.points(self.now_ns):
                        self.keep(command)
                assert i < rate_hz
            self.do(self.runner.tick(self.now_ns, self.listeners, self.slow))
            if self.state == 'RUNNING':
                self.ran_ns = self.true_ns

    def follow(self, passed_s):
        self.positions = self.controller.reference(self.true_ns)
        twists = [c for _, c in self.sent if c.topic == 'servo'][-1:]
        for twist in twists:
            self.pose = self.pose + np.concatenate([twist.values[:3] * passed_s, np.zeros(4)])

    def happen(self, what, steps):
        runner = self.runner
        if what == 'skip':
            self.true_ns += steps * STEP_NS
        elif what in {'late', 'answer'}:
            self.late = what == 'late'
            if not self.late:
                self.answer()
        elif what == 'fail' and self.requests:
            self.do(runner.failed(self.requests.pop(), 'no memory', self.now_ns))
        elif what == 'nan':
            self.bad = 0.0 if self.bad else 0.5
        elif what in {'stale', 'fresh'}:
            self.alive = what == 'fresh'
        elif what == 'lie':
            here, self.pose = self.pose, self.pose + 0.3 * np.eye(7)[steps % 3]
            self.publish()
            self.pose = here
            self.do(runner.tick(self.now_ns, self.listeners, self.slow))
        elif what == 'deaf':
            self.listeners[TOPICS[steps % 3]] = 0
        elif what == 'heard':
            self.listeners = dict.fromkeys(TOPICS, 1)
        elif what in {'slow', 'quick'}:
            self.slow = ('arm is slowed down',) if what == 'slow' else ()
        elif what == 'clock back':
            self.skew_ns -= steps * SECOND // 3
        elif what == 'clock forward':
            self.skew_ns += steps * SECOND // 3
        elif what == 'clock slips':
            self.skew_ns += (-1) ** steps * steps * SECOND // 500
        elif what == 'stand still':
            for _ in range(steps):
                told = runner.halt(self.now_ns)
                self.halts.append(self.true_ns)
                for command in told:
                    self.keep(command)
        elif what in {'enable', 'disable'}:
            self.do(runner.enable(what == 'enable', self.now_ns))
        elif what == 'storm':
            for i in range(2 * steps + 1):
                self.do(runner.enable(bool(i % 2), self.now_ns))
        elif what == 'reset':
            self.do(runner.reset(self.now_ns))
        elif what == 'rival':
            self.do(runner.disturbed('another node commands it, too', self.now_ns))
        elif what == 'restart':
            self.brake()
            assert runner.at_rest(self.now_ns)
            runner.start(self.now_ns)
        # A step may have been skipped, and what went before it is judged by then.
        if self.state == 'RUNNING':
            self.ran_ns = self.true_ns
        before = self.ran_ns
        count = len(self.sent)
        self.step(steps)
        for at_ns, command in self.sent[count:]:
            ended = self.ran_ns == before and at_ns - before > MAX_AHEAD_S * SECOND + STEP_NS
            if ended and isinstance(command, DirectMessage):
                assert (command.values == 0.0).all(), (what, command)


def check(rig):
    """Hold all that was sent as it is to its limits."""
    for topic in ('cmd_vel', 'servo'):
        sent = [(t, c.values) for t, c in rig.sent if c.topic == topic]
        values = np.array([v for _, v in sent]).reshape(-1, 6)
        assert np.isfinite(values).all()
        if topic == 'servo':
            assert (np.linalg.norm(values[:, :3], axis=1) <= 0.5 + 1e-9).all()
            assert (np.linalg.norm(values[:, 3:], axis=1) <= 1.0 + 1e-9).all()
            continue
        assert (np.abs(values) <= np.array([0.4, 0, 0, 0, 0, 1.0]) + 1e-9).all()
        for (t0, one), (t1, other) in pairwise(sent):
            if t1 not in rig.halts:
                change = abs(other[0] - one[0])
                # A clock may slip by a millisecond a step unseen.
                assert change <= (t1 - t0) / SECOND + 0.002


happenings = st.lists(
    st.tuples(st.sampled_from(EVENTS), st.integers(1, 8)), min_size=1, max_size=25
)


@pytest.mark.parametrize('rate_hz', [0.0, 100.0])
@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(seed=st.integers(0, 1000), events=happenings)
@example(seed=0, events=[('stand still', 3), ('answer', 2), ('run', 8)])
@example(seed=1, events=[('late', 8), ('run', 8), ('run', 8), ('enable', 2), ('answer', 8)])
@example(seed=2, events=[('storm', 3), ('clock back', 1), ('restart', 1), ('lie', 1)])
def test_they_stop_together_and_say_no_more(tmp_path, rate_hz, seed, events):
    rig = Together(tmp_path, seed, command_rate_hz=rate_hz)
    rig.step(8)
    assert rig.state == 'RUNNING'
    assert {c.topic for _, c in rig.sent} == set(TOPICS)
    for event in events:
        rig.happen(*event)
    rig.happen('disable', 1)
    rig.step(19)
    check(rig)
    assert rig.runner.at_rest(rig.now_ns)
    assert rig.silent(10)
    for topic in ('cmd_vel', 'servo'):
        last = [c.values for _, c in rig.sent if c.topic == topic][-REPEATS:]
        assert (np.array(last) == 0.0).all()
    # And all three go on, once everything is as it should be.
    rig.bad, rig.alive, rig.slow = 0.0, True, ()
    rig.happen('answer', 1)
    rig.happen('heard', 2)
    rig.happen('restart', 8)
    assert rig.state == 'RUNNING'
    rig.step(2)
    assert {c.topic for t, c in rig.sent if t > rig.true_ns - 4 * STEP_NS} == set(TOPICS)
