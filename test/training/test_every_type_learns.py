"""A policy that reads every DataType: trained, exported, checked, and run over a recording."""

import json

import numpy as np
import pytest

pytest.importorskip('torch')

from helpers.every_data_type import BARE, EVERY, SUPPORTED, record_bare, record_every
from helpers.two_arms import describe
from neuracore_ros.bags.bag import open_bag
from neuracore_ros.cli.main import main
from neuracore_ros.command.settings import Settings
from neuracore_ros.description import DataType, load_robot
from neuracore_ros.policy.load import load_policy
from neuracore_ros.runner import Runner, State

GRIP = DataType.PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS
INPUTS = set(SUPPORTED) - {DataType.JOINT_TARGET_POSITIONS, GRIP}


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """A small dataset of both robots, and where it comes from."""
    folder = tmp_path_factory.mktemp('every')
    cross = describe(folder, every=EVERY, bare=BARE)
    options = ['--description', str(cross), '--image-size', '64x48', '--task', 'go']
    for robot, bag in (
        ('every', record_every(folder / 'every')),
        ('bare', record_bare(folder / 'bare')),
    ):
        assert main(['convert', str(folder / 'data'), str(bag), '--robot', robot, *options]) == 0
    return folder


@pytest.fixture(scope='module', params=['mlp', 'act'])
def policy_file(request, folder):
    """A policy that took a few steps."""
    run = folder / request.param
    shape = ['--steps', '3', '--batch', '4', '--horizon', '5', '--observation-steps', '2']
    assert (
        main(['train', str(folder / 'data'), '--out', str(run), '--policy', request.param, *shape])
        == 0
    )
    return run / 'policy.pt'


def test_the_manifest_carries_every_type(policy_file):
    manifest = load_policy(policy_file).manifest
    assert set(manifest.input) == INPUTS
    assert manifest.input[DataType.LANGUAGE].length == 256
    assert manifest.input[DataType.DEPTH_IMAGES].image_size == (48, 64)
    assert manifest.input[DataType.DEPTH_IMAGES].trained == (1,)
    assert manifest.input[DataType.POSES].trained == (1,)
    assert manifest.input_shape(DataType.POSES) == (2, 2, 7)
    assert manifest.input_shape(DataType.DEPTH_IMAGES) == (2, 2, 48, 64)
    assert manifest.input_shape(DataType.LANGUAGE) == (2, 1, 256)


def test_check_accepts_it_with_the_recording(policy_file, folder, capsys):
    capsys.readouterr()
    bag = str(folder / 'every')
    arguments = ['check', str(policy_file), str(folder / 'every.yaml'), '--bag', bag, '--json']
    code = main(arguments)
    found = json.loads(capsys.readouterr().out)
    assert (code, found['errors']) == (0, [])
    # That this machine is slow may be told, and what is odd about the recording's numbers.
    told = 'a prediction takes', 'its velocity limit is 1', 'is a turn away from what is measured'
    assert all(any(one in line for one in told) for line in found['warnings'])


@pytest.mark.parametrize('robot', ['every', 'bare'])
def test_the_runner_feeds_it_what_the_robot_has(policy_file, folder, robot):
    policy = load_policy(policy_file)
    described = load_robot(folder / f'{robot}.yaml')
    runner = Runner(described, policy.manifest, Settings(start_max=50.0, start_tolerance=50.0))
    valid = policy.manifest.output_layout.valid(described.output)
    requests = []
    with open_bag(folder / robot) as bag:
        tick_ns = 0
        for topic, message, now_ns in bag.read(runner.topics):
            while tick_ns and tick_ns < now_ns:
                outcome = runner.tick(tick_ns)
                if outcome.request is not None:
                    request = outcome.request
                    chunk = policy.predict(request.inputs, request.valid, valid)
                    runner.predicted(request, chunk, tick_ns)
                    requests.append(request)
                tick_ns += 50_000_000
            tick_ns = tick_ns or now_ns
            runner.receive(topic, message, now_ns)
    assert requests, runner.reason
    has = {kind for kind, mask in requests[-1].valid.items() if mask.any()}
    assert has == (INPUTS if robot == 'every' else {DataType.JOINT_POSITIONS})
    for kind, values in requests[-1].inputs.items():
        assert values.shape == policy.manifest.input_shape(kind)
        assert values.any() == (kind in has)
    assert runner.state in (State.RUNNING, State.HOLDING)


def test_the_task_that_no_topic_says_is_a_setting_of_the_runner(policy_file, folder):
    text = EVERY.replace('  LANGUAGE: {topic: /say}\n', '')
    (folder / 'told.yaml').write_text(text)
    robot, manifest = load_robot(folder / 'told.yaml'), load_policy(policy_file).manifest
    assert '/say' not in Runner(robot, manifest, Settings(task='go')).topics
    assert not any(
        'task' in line for line in Runner(robot, manifest, Settings(task='go')).warnings
    )
    assert any(
        'the parameter task is empty' in line
        for line in Runner(robot, manifest, Settings()).warnings
    )


def test_amounts_reach_the_robot_in_its_own_range(policy_file, folder):
    robot = load_robot(folder / 'every.yaml')
    (joint,) = robot.commands()[1].joints
    assert joint.data_type is GRIP
    np.testing.assert_allclose(joint.to_message(np.array([0.0, 0.5, 1.0])), [0.0, 0.04, 0.08])
