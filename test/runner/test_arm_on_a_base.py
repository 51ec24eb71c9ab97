"""An arm of joints, by trajectories, on a base, by a twist: they start, hold and stop together."""

import numpy as np
import pytest

from helpers.runner_rig import RATE_HZ, SECOND, START_NS, STEP_NS, joint_state
from neuracore_ros.description import DataType, load_robot
from neuracore_ros.policy.manifest import InputSlots, Manifest, OutputSlots
from neuracore_ros.runner import DirectMessage, Runner, Settings

POSITION, TARGET = DataType.JOINT_POSITIONS, DataType.JOINT_TARGET_POSITIONS
SPEED = DataType.CUSTOM_1D
ROBOT = """
robot: mobile
limits:
  a: {position: [-1, 1], velocity: 2.0, acceleration: 10.0}
  forward: {velocity: 0.5, acceleration: 2.0}
input: {JOINT_POSITIONS: {0: a}}
output: {JOINT_TARGET_POSITIONS: {0: a}, CUSTOM_1D: {0: forward}}
sources: {JOINT_POSITIONS: {topic: joint_states}}
commands:
  JOINT_TARGET_POSITIONS: {topic: arm, type: ARM}
  CUSTOM_1D: {topic: cmd_vel, type: TwistStamped, names: {forward: linear.x}, frame: base_link}
"""
MANIFEST = Manifest(
    {POSITION: InputSlots(1, (0,))},
    {TARGET: OutputSlots(1, (0,)), SPEED: OutputSlots(1, (0,))},
    rate_hz=RATE_HZ,
    horizon=16,
)


class Mobile:
    """The robot, its model, and what each of both was told."""

    def __init__(self, folder, arm, **settings):
        path = folder / 'robot.yaml'
        path.write_text(ROBOT.replace('ARM', arm))
        self.runner = Runner(load_robot(path), MANIFEST, Settings(**settings))
        self.now_ns, self.position = START_NS, 0.0
        self.steps = 0.02 * np.arange(1, 17)
        self.speed, self.late, self.listeners = 0.3, False, {'arm': 1, 'cmd_vel': 1}
        self.arm, self.base = [], []

    def do(self, outcome):
        for command in outcome.commands:
            known = self.base if isinstance(command, DirectMessage) else self.arm
            known.append((self.now_ns, command))
        if outcome.request and not self.late:
            chunk = {
                TARGET: (self.position + self.steps)[:, None],
                SPEED: np.full((16, 1), self.speed),
            }
            self.do(self.runner.predicted(outcome.request, chunk, self.now_ns))

    def step(self, steps=1):
        for _ in range(steps):
            self.now_ns += STEP_NS
            setpoint = self.runner.setpoint(self.now_ns)
            if setpoint is not None:
                self.position = float(setpoint[0][0])
            message = joint_state(['a'], [self.position], self.now_ns)
            self.runner.receive('joint_states', message, self.now_ns)
            self.do(self.runner.tick(self.now_ns, self.listeners))
        return self

    @property
    def state(self):
        return self.runner.state.value

    @property
    def driven(self):
        return np.array([command.values[0] for _, command in self.base])


@pytest.fixture(params=['JointTrajectory', 'Float64MultiArray'])
def mobile(request, tmp_path):
    return Mobile(tmp_path, request.param)


def test_both_are_driven_from_the_first_prediction_on(mobile):
    mobile.step(10)
    assert mobile.state == 'RUNNING'
    assert mobile.driven[-1] == pytest.approx(0.3)
    assert mobile.arm and mobile.position > 0.05
    assert mobile.base[-1][1].frame == 'base_link'


def test_an_arm_that_may_not_start_keeps_the_base_where_it_is(mobile):
    mobile.steps = np.full(16, 0.9)
    mobile.step(20)
    assert mobile.state == 'HOLDING'
    assert (mobile.arm, mobile.base) == ([], [])


def test_an_arm_that_does_not_follow_stops_the_base(mobile):
    mobile.step(10)
    mobile.runner.setpoint = lambda now_ns: None
    mobile.steps = 0.05 * np.arange(1, 17)
    for _ in range(40):
        mobile.step()
    assert mobile.state == 'HOLDING'
    assert "'a' does not follow" in mobile.runner.reason
    assert (mobile.driven[-3:] == 0.0).all()


def test_a_late_model_stops_both(mobile):
    mobile.step(10)
    mobile.late = True
    mobile.step(40)
    assert mobile.state == 'HOLDING'
    assert (mobile.driven[-3:] == 0.0).all()
    assert mobile.runner.setpoint(mobile.now_ns)[1].tolist() == [0.0]
    counts = len(mobile.arm), len(mobile.base)
    mobile.step(10)
    assert (len(mobile.arm), len(mobile.base)) == counts


def test_a_base_that_nobody_listens_to_stops_the_arm(mobile):
    mobile.step(10)
    mobile.listeners = {'arm': 1, 'cmd_vel': 0}
    mobile.step()
    assert mobile.runner.reason == 'nobody listens to cmd_vel'
    mobile.step(20)
    assert mobile.runner.setpoint(mobile.now_ns)[1].tolist() == [0.0]


def test_it_does_not_start_again_before_both_have_come_to_rest(mobile):
    mobile.step(10)
    mobile.do(mobile.runner.reset(mobile.now_ns))
    before = len(mobile.base)
    mobile.step(30)
    assert mobile.state == 'RUNNING'
    again = mobile.driven[before:]
    assert (again == 0.0).any() and again[-1] == pytest.approx(0.3)
    took_s = np.diff([at_ns for at_ns, _ in mobile.base[before:]]) / SECOND
    assert (np.abs(np.diff(again)) / took_s).max() <= 2.0 + 1e-6


def test_a_node_that_ends_brings_both_to_rest(mobile):
    mobile.step(10)
    mobile.do(mobile.runner.stop(mobile.now_ns))
    end_ns = mobile.now_ns + round(SECOND * mobile.runner.rests_in_s(mobile.now_ns))
    while mobile.now_ns < end_ns:
        for command in mobile.runner.points(mobile.now_ns):
            known = mobile.base if isinstance(command, DirectMessage) else mobile.arm
            known.append((mobile.now_ns, command))
        mobile.now_ns += STEP_NS
    assert (mobile.driven[-3:] == 0.0).all()
    assert mobile.runner.at_rest(mobile.now_ns)
