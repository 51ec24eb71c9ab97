"""Every way of commanding at once, and what policies may say: relative, wrapped, gripping."""

import numpy as np
import pytest

from helpers.runner_rig import (
    POSITION,
    RATE_HZ,
    SECOND,
    START_NS,
    STEP_NS,
    TARGET,
    joint_state,
    make_runner,
    manifest,
)
from neuracore_ros.description import DataType
from neuracore_ros.errors import DescriptionError
from neuracore_ros.policy.manifest import InputSlots, Manifest, OutputSlots

torch = pytest.importorskip('torch')
from neuracore_ros.policy.load import load_policy
from neuracore_ros.policy.torchscript import save

GRIP = DataType.PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS
OPENING = DataType.PARALLEL_GRIPPER_OPEN_AMOUNTS
ARRAY = 'std_msgs/msg/Float64MultiArray'

# Two arms, of which one streams, and a gripper: open is 0.04 m, closed 0.
TWO_ARMS = f"""
robot: two_arms
limits:
  l1: {{position: [-1, 1], velocity: 2.0}}
  l2: {{position: [-1, 1], velocity: 2.0}}
  r1: {{position: [-1, 1], velocity: 1.0, acceleration: 0.25}}
  grip: {{position: [0, 0.04], velocity: 0.1}}
input: {{JOINT_POSITIONS: {{0: l1, 1: l2, 2: r1}}, PARALLEL_GRIPPER_OPEN_AMOUNTS: {{0: grip}}}}
output:
  JOINT_TARGET_POSITIONS: {{0: l1, 1: l2, 2: r1}}
  PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS: {{0: grip}}
sources:
  JOINT_POSITIONS: {{topic: joint_states}}
  PARALLEL_GRIPPER_OPEN_AMOUNTS: {{topic: joint_states, type: sensor_msgs/msg/JointState}}
commands:
  JOINT_TARGET_POSITIONS:
    topic: left
    r1: {{topic: right, type: {ARRAY}}}
  PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS: {{topic: hand, stream: point}}
"""
NAMES = ['l1', 'l2', 'r1', 'grip']


def whole(mode='absolute', width=3):
    slots = tuple(range(width))
    return Manifest(
        {POSITION: InputSlots(width, slots), OPENING: InputSlots(1, (0,))},
        {TARGET: OutputSlots(width, slots, mode=mode), GRIP: OutputSlots(1, (0,), mode=mode)},
        rate_hz=RATE_HZ,
        horizon=16,
    )


class World:
    """The robot goes wherever it is sent, except that the gripper holds a thing."""

    def __init__(self, runner, model, start=(0.0, 0.0, 0.0, 0.04), thing=0.0):
        self.runner, self.model, self.thing = runner, model, thing
        self.now_ns, self.measured = START_NS, np.array(start)
        self.sent, self.request = [], None

    def obey(self, outcome):
        self.sent += [(self.now_ns, command) for command in outcome.commands]
        self.request = outcome.request or self.request

    def step(self, steps=1):
        for _ in range(steps):
            self.now_ns += STEP_NS
            setpoint = self.runner.setpoint(self.now_ns)
            if setpoint is not None:
                self.measured = setpoint[0].copy()
            self.measured[3] = max(self.measured[3], self.thing)
            state = joint_state(NAMES, self.measured, self.now_ns)
            self.runner.receive('joint_states', state, self.now_ns)
            self.obey(self.runner.tick(self.now_ns))
            if self.request:
                request, self.request = self.request, None
                self.obey(self.runner.predicted(request, self.model(request), self.now_ns))
        return self

    def of(self, topic):
        return [command for _, command in self.sent if command.topic == topic]


def ramp(request):
    due = 0.01 * (request.tick + np.arange(16))[:, None]
    return {TARGET: np.tile(due, (1, 3)), GRIP: np.full((16, 1), 0.5)}


def test_each_topic_gets_its_own_joints_in_its_own_way(tmp_path):
    world = World(make_runner(tmp_path, TWO_ARMS, whole()), ramp).step(30)
    assert world.runner.state.value == 'RUNNING', world.runner.reason
    left, right, hand = (world.of(topic) for topic in ('left', 'right', 'hand'))
    assert {c.joint_names for c in left} == {('l1', 'l2')}
    assert {c.joint_names for c in right} == {('r1',)}
    assert all(len(c.times_s) > 1 and c.velocities is not None for c in left)
    assert all(c.positions.shape == (1, 1) and c.velocities is None for c in right + hand)
    assert {c.type for c in right} == {ARRAY}
    # A point each step; of chunks no more than one each step, and one for each prediction.
    assert len(right) > 20
    assert len(left) <= 30 + 30 // 8
    # Amount 0.5 of 0..0.04 m.
    assert hand[-1].positions[0, 0] == pytest.approx(0.02)


def test_one_stop_brakes_all_topics_and_says_how_long_it_takes(tmp_path):
    world = World(make_runner(tmp_path, TWO_ARMS, whole()), ramp).step(60)
    runner = world.runner
    speed = runner.setpoint(world.now_ns)[1]
    world.sent.clear()
    world.obey(runner.stop(world.now_ns))
    (command,) = world.of('left')
    assert not command.velocities[-1].any()
    # The slowest deceleration, 0.25 rad/s2, is that of the streamed joint; all brake together.
    rests_in_s = runner.rests_in_s(world.now_ns)
    assert speed[2] / 0.25 <= rests_in_s <= speed[2] / 0.25 + 0.15
    # It was kept to the speed from which it can brake within half a second.
    assert 0.2 < rests_in_s <= 0.5
    points = [runner.setpoint(world.now_ns)[0][2]]
    for k in range(round(rests_in_s / 0.05) + 1):
        for point in runner.points(world.now_ns + k * STEP_NS):
            if point.topic == 'right':
                points.append(point.positions[0, 0])
    end_ns = world.now_ns + round(rests_in_s * SECOND) + STEP_NS
    assert runner.at_rest(end_ns)
    assert runner.rests_in_s(end_ns) == 0.0
    speeds = np.diff(points) / 0.05
    assert (speeds >= -1e-6).all()
    assert np.abs(np.diff(speeds)).max() / 0.05 <= 0.25 * 1.05
    assert points[-1] == pytest.approx(runner.setpoint(end_ns)[0][2])


def test_a_gripper_that_closes_on_a_thing_is_no_fault_and_is_held_tight_in_a_stop(tmp_path):
    def closing(request):
        return {TARGET: np.zeros((16, 3)), GRIP: np.zeros((16, 1))}

    world = World(make_runner(tmp_path, TWO_ARMS, whole()), closing, thing=0.03).step(60)
    assert (world.runner.state.value, world.runner.counters.holds) == ('RUNNING', 0)
    world.obey(world.runner.enable(False, world.now_ns))
    world.step(10)
    assert world.of('hand')[-1].positions[0, 0] == pytest.approx(0.0)


class Delta(torch.nn.Module):
    """Says: half of the way from what is measured to 0.2, as a difference."""

    def forward(self, inputs: dict[str, torch.Tensor], valid: dict[str, torch.Tensor]):
        joints = inputs['JOINT_POSITIONS'][:, -1:]
        opening = inputs['PARALLEL_GRIPPER_OPEN_AMOUNTS'][:, -1:]
        share = 0.5 * torch.ones(1, 16, 1)
        return {
            'JOINT_TARGET_POSITIONS': share * (0.2 - joints),
            'PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS': share * (0.2 - opening),
        }


@pytest.mark.parametrize(('scale', 'offset'), [(1, 0), (-2, 0.1)])
def test_relative_outputs_are_added_to_what_the_observation_measured(tmp_path, scale, offset):
    option = f', scale: {scale}, offset: {offset}'
    robot = TWO_ARMS.replace('topic: joint_states}', f'topic: joint_states{option}}}', 1).replace(
        '    topic: left\n', f'    topic: left\n    scale: {scale}\n    offset: {offset}\n'
    )
    # So that the first message reaches the target.
    robot = robot.replace(', acceleration: 0.25', '')
    save(Delta(), whole('relative'), tmp_path / 'policy.pt')
    policy = load_policy(tmp_path / 'policy.pt')
    seen = []

    def model(request):
        seen.append(request)
        return policy.predict(request.inputs, request.valid)

    runner = make_runner(tmp_path, robot, policy.manifest, blend='none')
    world = World(runner, model, start=(0.05, -0.05, 0.1, 0.01)).step(4)
    assert runner.state.value == 'RUNNING', runner.reason
    measured = seen[0].inputs[POSITION][-1]
    assert measured[0] == pytest.approx(scale * 0.05 + offset)
    # In the slot: measured + half of the way to 0.2; on the robot: scale and offset undone.
    wanted = (measured + 0.5 * (0.2 - measured) - offset) / scale
    assert world.of('left')[0].positions[-1] == pytest.approx(wanted[:2], abs=1e-6)
    # Amounts: 0.25 is 0.01 of 0.04 m; half of the way to 0.2 is 0.225.
    assert seen[0].inputs[OPENING][-1, 0] == pytest.approx(0.25)
    world.step(3)
    assert world.of('hand')[-1].positions[0, 0] == pytest.approx(0.225 * 0.04, abs=1e-4)


WHEEL = """
robot: turns
limits: {a: {position: none, velocity: 2.0}, b: {position: [-4, 4], velocity: 2.0}}
input: {JOINT_POSITIONS: {0: a, 2: b}}
output: {JOINT_TARGET_POSITIONS: {0: a, 2: b}}
sources: {JOINT_POSITIONS: {topic: joint_states}}
commands: {JOINT_TARGET_POSITIONS: {topic: arm}}
"""


def wrapped(angle):
    return (np.asarray(angle) + np.pi) % (2 * np.pi) - np.pi


@pytest.mark.parametrize('profile', ['spline', 'ruckig'])
def test_a_continuous_joint_turns_on_over_the_wrap_of_its_encoder(tmp_path, profile):
    if profile == 'ruckig':
        pytest.importorskip('ruckig')
    robot = WHEEL.replace('velocity: 2.0', 'velocity: 2.0, acceleration: 20.0')
    runner = make_runner(tmp_path, robot, manifest(), profile=profile)
    now_ns, request, turned = START_NS, None, [3.0]
    for _ in range(100):
        now_ns += STEP_NS
        setpoint = runner.setpoint(now_ns)
        true = np.array([3.0, 0.0]) if setpoint is None else setpoint[0]
        turned.append(true[0])
        state = joint_state('ab', [wrapped(true[0]), true[1]], now_ns)
        runner.receive('joint_states', state, now_ns)
        request = runner.tick(now_ns).request
        if request:
            due = 0.05 * (request.tick + 1 + np.arange(16))
            chunk = np.stack([wrapped(3.0 + due), 0 * due, 0 * due], axis=1)
            runner.predicted(request, {TARGET: chunk}, now_ns)
        assert runner.counters.holds == 0, runner.reason
    # Five seconds at 1 rad/s from 3 rad: over the wrap at pi, and no way back.
    assert turned[-1] == pytest.approx(3.0 + 0.05 * 99, abs=0.1)
    assert np.diff(turned).min() > -1e-6
    stop = runner.enable(False, now_ns).commands[-1]
    assert stop.positions[0, 0] == pytest.approx(turned[-1], abs=0.1)


def test_a_joint_that_two_outputs_command_is_refused(tmp_path):
    twice = """
robot: twice
limits: {a: {position: [-1, 1], velocity: 2.0}}
input: {JOINT_POSITIONS: {0: a}}
output: {JOINT_TARGET_POSITIONS: {0: a}, JOINT_POSITIONS: {1: a}}
sources: {JOINT_POSITIONS: {topic: joint_states}}
commands: {JOINT_TARGET_POSITIONS: {topic: arm}, JOINT_POSITIONS: {topic: other}}
"""
    says = (
        "'a' is commanded twice: by JOINT_POSITIONS index 1 and by JOINT_TARGET_POSITIONS index 0"
    )
    with pytest.raises(DescriptionError, match=says):
        make_runner(tmp_path, twice, manifest(outputs=(TARGET, POSITION)))
