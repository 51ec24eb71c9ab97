"""A gripper whose opening follows its command: no command yet, its own commands, stops, resets."""

from types import SimpleNamespace

import numpy as np
import pytest

from helpers.runner_rig import (
    POSITION,
    RATE_HZ,
    START_NS,
    STEP_NS,
    TARGET,
    as_message,
    joint_state,
    make_runner,
)
from neuracore_ros.description import DataType, Layout, load_robot
from neuracore_ros.observation import Observer
from neuracore_ros.policy.manifest import InputSlots, Manifest, OutputSlots

GRIP = DataType.PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS
OPENING = DataType.PARALLEL_GRIPPER_OPEN_AMOUNTS
ROBOT = """
robot: hand
limits:
  a: {position: [-1, 1], velocity: 2.0}
  grip: {position: [0, 0.04], velocity: 0.1}
input: {JOINT_POSITIONS: {0: a}, PARALLEL_GRIPPER_OPEN_AMOUNTS: {0: grip}}
output: {JOINT_TARGET_POSITIONS: {0: a}, PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS: {0: grip}}
sources:
  JOINT_POSITIONS: {topic: joint_states}
  PARALLEL_GRIPPER_OPEN_AMOUNTS: {topic: hand, follow_s: 0.4}
commands:
  JOINT_TARGET_POSITIONS: {topic: arm}
  PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS: {topic: hand, stream: point}
"""
POLICY = Manifest(
    {POSITION: InputSlots(1, (0,)), OPENING: InputSlots(1, (0,))},
    {TARGET: OutputSlots(1, (0,)), GRIP: OutputSlots(1, (0,))},
    rate_hz=RATE_HZ,
    horizon=16,
)


class World:
    """A robot whose hand is not measured; what is sent to it comes back as it does in the node.

    Attributes:
        sent: Positions that the hand was sent to.
        came: Topic, message and time of all that the runner received.
        openings: Time of each request, and the opening in it.
    """

    def __init__(self, runner, grips=lambda opening: 0.0, echoes=True):
        self.runner, self.grips, self.now_ns = runner, grips, START_NS
        self.echoes = echoes
        self.sent, self.came, self.openings = [], [], []

    def answer(self, request):
        opening = float(request.inputs[OPENING][-1, 0])
        self.openings.append((self.now_ns, opening))
        chunk = {TARGET: np.zeros((16, 1)), GRIP: np.full((16, 1), self.grips(opening))}
        self.obey(self.runner.predicted(request, chunk, self.now_ns))

    def receive(self, topic, message):
        self.came.append((topic, message, self.now_ns))
        self.runner.receive(topic, message, self.now_ns)

    def obey(self, outcome):
        for command in outcome.commands:
            if command.topic == 'hand':
                self.sent += command.positions[:, 0].tolist()
                if self.echoes:
                    self.receive('hand', as_message(command))
        self.runner.sent(outcome.commands, self.now_ns)
        if outcome.request:
            self.answer(outcome.request)

    def step(self, steps=1):
        for _ in range(steps):
            self.now_ns += STEP_NS
            self.receive('joint_states', joint_state(['a'], [0.0], self.now_ns))
            self.obey(self.runner.tick(self.now_ns))
        return self


@pytest.fixture
def hand(tmp_path):
    def make(**settings):
        return World(make_runner(tmp_path, ROBOT, POLICY, **settings))

    return make


def test_a_node_that_has_commanded_nothing_yet_predicts_and_runs(hand):
    world = hand().step(10)
    assert world.runner.state.value == 'RUNNING', world.runner.reason
    assert world.openings[0][1] == 1.0, 'no command yet: open'


def test_a_hand_of_which_nothing_is_known_is_not_opened_on_its_way_to_the_first_action(hand):
    # It holds something, and the policy wants it closed.
    world = hand().step(30)
    assert world.runner.state.value == 'RUNNING'
    assert max(world.sent, default=0.0) <= 1e-9, 'never a position that is more open'


def test_the_opening_follows_the_commands_of_the_node_itself(tmp_path):
    world = World(make_runner(tmp_path, ROBOT, POLICY), grips=lambda opening: 0.5)
    world.step(60)
    openings = [opening for _, opening in world.openings]
    assert openings[0] == 1.0 and openings[-1] == pytest.approx(0.5, abs=0.01)
    assert (np.diff(openings) <= 0).all()


def test_a_bag_of_what_came_gives_the_same_openings(tmp_path):
    """To the last bit: the value depends on the commands and their arrivals alone."""
    world = World(make_runner(tmp_path, ROBOT, POLICY), grips=lambda opening: 1.0 - opening)
    world.step(100)
    (source,) = [
        s for s in load_robot(tmp_path / 'robot.yaml').input_sources() if s.data_type is OPENING
    ]
    bag = Observer([source], Layout.of([{OPENING: {0: 'grip'}}]), None)
    came = list(world.came)
    for at_ns, opening in world.openings:
        while came and came[0][2] <= at_ns:
            bag.receive(*came.pop(0))
        assert float(bag.observe(at_ns).inputs[OPENING][0]) == opening
    assert len({opening for _, opening in world.openings}) > 5


def test_a_reset_and_a_stop_leave_the_opening_where_the_hand_is(hand):
    world = hand().step(60)
    before = world.openings[-1][1]
    assert before < 0.01
    world.obey(world.runner.reset(world.now_ns))
    world.step(20)
    assert world.openings[-1][1] <= before
    world.obey(world.runner.enable(False, world.now_ns))
    world.step(40)
    world.obey(world.runner.enable(True, world.now_ns))
    world.step(20)
    assert world.openings[-1][1] <= before


def test_a_command_of_another_hand_is_followed_before_the_node_runs(hand):
    world = hand(enabled=False)
    closed = as_message(
        SimpleNamespace(
            stamp_ns=0,
            joint_names=['grip'],
            times_s=[0.1],
            positions=np.array([[0.0]]),
            velocities=None,
        )
    )
    world.receive('hand', closed)
    world.step(60)
    world.obey(world.runner.enable(True, world.now_ns))
    world.step(10)
    assert world.openings[0][1] < 0.01


def test_a_jump_of_the_clock_does_not_open_the_hand(hand):
    world = hand().step(60)
    world.now_ns += 100 * STEP_NS
    world.step(20)
    assert world.openings[-1][1] < 0.01


ELSEWHERE = ROBOT.replace('{topic: hand, follow_s', '{topic: teleop, follow_s')
ACTION = ROBOT.replace(
    '{topic: hand, stream: point}', '{topic: hand, type: control_msgs/action/GripperCommand}'
)
ACTION = ACTION.replace('{topic: hand, follow_s', '{topic: teleop, follow_s')


@pytest.mark.parametrize('robot', [ELSEWHERE, ACTION], ids=['another topic', 'an action'])
def test_its_own_commands_count_also_where_nothing_brings_them_back(tmp_path, robot):
    def openings(text, echoes):
        world = World(make_runner(tmp_path, text, POLICY), lambda opening: 0.5, echoes)
        return [opening for _, opening in world.step(60).openings]

    found = openings(robot, echoes=False)
    assert found == openings(ROBOT, echoes=True), 'as those that come back on their topic'
    assert found[0] == 1.0 and found[-1] == pytest.approx(0.5, abs=0.01)


def test_those_that_come_back_are_counted_once_and_a_dry_run_sends_none(tmp_path):
    world = World(make_runner(tmp_path, ROBOT, POLICY), lambda opening: 0.5, echoes=False)
    assert {opening for _, opening in world.step(60).openings} == {1.0}
    dry = World(make_runner(tmp_path, ELSEWHERE, POLICY, dry_run=True), echoes=False)
    assert {opening for _, opening in dry.step(60).openings} == {1.0}


def test_a_hand_under_another_name_holds_the_robot_and_says_so(tmp_path):
    text = ROBOT.replace('follow_s: 0.4', 'follow_s: 0.4, names: {grip: g}')
    world = World(make_runner(tmp_path, text, POLICY)).step(10)
    assert world.runner.state.value == 'HOLDING'
    assert "lacks 'g'" in world.runner.reason
