"""What comes of a model's answers that nobody can follow, and what the runner tells of itself."""

from dataclasses import replace

import pytest

from helpers.runner_rig import STEP_NS, TARGET, hold, make_runner, manifest
from neuracore_ros.description import DataType
from neuracore_ros.policy.manifest import InputSlots


def until_asked(rig):
    while rig.pending is None:
        rig.step()
    return rig.pending[1]


def test_an_answer_counts_once(rig):
    running = rig()
    request = until_asked(running)
    running.step(2)
    assert running.state == 'RUNNING'
    again = running.runner.predicted(request, {TARGET: hold(0.4)(request)}, running.now_ns)
    assert again.commands == ()


def test_an_answer_that_finds_the_joints_silent_starts_nothing(rig):
    waiting = rig(latency_steps=4.4)
    until_asked(waiting)
    waiting.joints_alive = False
    waiting.step(4)
    assert waiting.state == 'WAITING'
    waiting.simulate(STEP_NS // 2)
    assert waiting.state == 'HOLDING'
    assert 'max_age_s is 0.2' in waiting.runner.reason
    assert waiting.sent == []


def test_a_prediction_without_a_joint_is_a_fault_of_the_model(rig):
    asked = rig()
    request = until_asked(asked)
    asked.do(asked.runner.predicted(request, {}, asked.now_ns))
    assert asked.runner.reason == ("the prediction lacks JOINT_TARGET_POSITIONS index 0 ('a')")
    asked.pending = None
    asked.step(20)
    assert asked.state == 'HOLDING' and asked.requests == [request]


def test_a_topic_that_gives_inputs_and_measured_joints_is_one_stream(rig):
    running = rig().step(5)
    assert [stream.topic for stream in running.runner.status(running.now_ns)] == ['joint_states']


@pytest.mark.parametrize(('task', 'warnings'), [('', 1), ('pick it up', 0)])
def test_a_policy_that_reads_what_nobody_says_is_told(tmp_path, task, warnings):
    told = manifest()
    reads = {**told.input, DataType.LANGUAGE: InputSlots(1, (0,), length=16)}
    robot = """
robot: two
limits: {a: {position: [-1, 1], velocity: 2.0}}
input: {JOINT_POSITIONS: {0: a}, LANGUAGE: {0: order}}
output: {JOINT_TARGET_POSITIONS: {0: a}}
sources: {JOINT_POSITIONS: {topic: joint_states}}
commands: {JOINT_TARGET_POSITIONS: {topic: arm}}
"""
    runner = make_runner(tmp_path, robot, replace(told, input=reads), task=task)
    assert sum('the parameter task is empty' in line for line in runner.warnings) == warnings


def test_a_runner_that_is_not_enabled_says_so(rig):
    asleep = rig(enabled=False).step(5)
    assert (asleep.state, asleep.runner.reason) == ('DISABLED', 'disabled')
