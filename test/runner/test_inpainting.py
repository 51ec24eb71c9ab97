"""Real-time chunking: what is executed while a policy predicts is part of what it predicts."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from helpers.runner_rig import (
    POSITION,
    ROBOT,
    START_NS,
    STEP_NS,
    TARGET,
    joint_state,
    make_runner,
    manifest,
)
from helpers.small_chain import describe as describe_chain
from helpers.small_chain import pose, same_pose
from neuracore_ros.command.joints import Joints
from neuracore_ros.description import DataType, load_robot
from neuracore_ros.policy.load import load_policy
from neuracore_ros.policy.manifest import OutputSlots
from neuracore_ros.policy.torchscript import save
from neuracore_ros.runner.inpainting import Delay, action_prefix, firmness
from neuracore_ros.runner.state import Counters
from neuracore_ros.training.config import NetworkOptions
from neuracore_ros.training.normalise import Normalisation
from neuracore_ros.training.policies import build

INPAINTING = replace(manifest(), inpaint=True)
TINY = NetworkOptions(width=32, layers=1, flow_steps=3)


@pytest.fixture(scope='module', autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope='module')
def flow(tmp_path_factory):
    """A flow policy file: untrained, it is off the measured joints by about 0.02 rad of noise."""
    path = tmp_path_factory.mktemp('flow') / 'policy.pt'
    found = Normalisation.none(INPAINTING)
    small = {kind: replace(each, spread=0.02 * each.spread) for kind, each in found.output.items()}
    torch.manual_seed(0)
    save(build('diffusion', INPAINTING, replace(found, output=small), TINY), INPAINTING, path)
    return load_policy(path)


def ask(flow):
    return lambda request: flow.predict(request.inputs, request.valid, plan=request.plan)[TARGET]


def test_the_jump_between_predictions_is_gone(rig, flow):
    free = rig(policy=INPAINTING, model=ask(flow), latency_steps=2.4, blend='none', inpaint=False)
    going_on = rig(policy=INPAINTING, model=ask(flow), latency_steps=2.4, blend='none')
    seams = [each.step(40).runner.counters.seam_rad(99) for each in (free, going_on)]
    assert free.state == going_on.state == 'RUNNING'
    assert free.requests[-1].plan is None
    assert seams[0] > 0.01
    assert seams[1] < 0.01 * seams[0]


def test_the_plan_is_what_will_be_executed(rig, flow):
    world = rig(policy=INPAINTING, model=ask(flow), latency_steps=2.4, blend='none').step(30)
    before, request = world.requests[-2:]
    plan = request.plan
    assert plan.frozen[:3].tolist() == [1.0] * 3
    assert (np.diff(plan.frozen) <= 0).all()
    passed = request.tick - before.tick
    followed = ask(flow)(before)[passed:]
    assert not plan.frozen[len(followed) :].any()
    assert plan.chunk[TARGET][: len(followed), [0, 2]] == pytest.approx(
        followed[:, [0, 2]], abs=1e-6
    )
    assert not plan.chunk[TARGET][:, 1].any()


def test_a_robot_that_starts_has_no_plan(rig, flow):
    world = rig(policy=INPAINTING, model=ask(flow)).step(3)
    assert world.requests[0].plan is None


def test_in_a_dry_run_nobody_follows_the_plan(rig, flow):
    world = rig(policy=INPAINTING, model=ask(flow), dry_run=True).step(20)
    assert len(world.requests) > 1
    assert {request.plan for request in world.requests} == {None}


def test_a_policy_that_cannot_is_not_asked_to(rig):
    world = rig(latency_steps=2.4).step(30)
    assert {request.plan for request in world.requests} == {None}


def test_with_a_fixed_delay_as_many_steps_are_frozen(tmp_path, flow):
    runner = make_runner(tmp_path, policy=INPAINTING, delay_steps=4)
    plans = []
    for k in range(30):
        now_ns = START_NS + k * STEP_NS
        runner.receive('joint_states', joint_state('ab', [0.0, 0.0], now_ns), now_ns)
        outcome = runner.tick(now_ns, {'arm': 1})
        if request := outcome.request:
            plans.append(request.plan)
            runner.predicted(request, {TARGET: ask(flow)(request)}, now_ns)
    assert plans[0] is None
    assert len(plans) > 2
    for plan in plans[1:]:
        assert (plan.frozen == 1.0).tolist() == [True] * 4 + [False] * 12


def test_outputs_grow_free_where_the_plan_ends():
    firm = firmness(10, delay=2, reach=6)
    assert firm[:2].tolist() == [1, 1]
    assert firm[6:].tolist() == [0] * 4
    assert 1 > firm[2] > firm[3] > firm[4] > firm[5] > 0
    assert firmness(4, delay=0, reach=0).tolist() == [0] * 4


def test_the_delay_is_measured():
    counters = Counters()
    assert Delay.measured(counters, 20.0) == Delay(0)
    counters.latencies_ms.extend([120.0] * 9)
    assert Delay.measured(counters, 20.0) == Delay(3, pytest.approx(0.4))
    counters.latencies_ms.append(190.0)
    assert Delay.measured(counters, 20.0) == Delay(4, pytest.approx(0.4))


def joints(folder, robot):
    path = folder / 'robot.yaml'
    path.write_text(robot)
    return Joints.of(load_robot(path).commands())


def test_a_plan_is_given_in_the_sense_of_the_slots(tmp_path):
    robot = ROBOT.replace('{topic: arm}', '{topic: arm, scale: -2, offset: 0.5}')
    planned = np.array([[0.1, 0.2], [0.3, 0.4]])
    plan = action_prefix(planned, np.zeros(2), 1, joints(tmp_path, robot), INPAINTING)
    assert plan.chunk[TARGET][:2, 0] == pytest.approx([0.3, -0.1])
    assert plan.chunk[TARGET][:2, 2] == pytest.approx([0.1, -0.3])


def test_a_joint_that_went_round_is_where_it_is_measured(tmp_path):
    robot = ROBOT.replace('position: [-1, 1]', 'position: none')
    planned = np.array([[2 * np.pi + 0.1, 0.0], [2 * np.pi + 0.3, 0.0]])
    plan = action_prefix(planned, np.zeros(2), 1, joints(tmp_path, robot), INPAINTING)
    assert plan.chunk[TARGET][:2, 0] == pytest.approx([0.1, 0.3], abs=1e-6)


def test_equal_observations_and_plans_give_equal_chunks(flow):
    inputs, valid = {POSITION: np.full((1, 3), 0.2, np.float32)}, {POSITION: np.ones(3, bool)}
    first, second = (flow.predict(inputs, valid)[TARGET] for _ in range(2))
    assert np.array_equal(first, second)


def test_the_plan_of_a_chain_is_the_poses_of_its_joints(tmp_path):
    pytest.importorskip('pinocchio')
    robot = load_robot(describe_chain(tmp_path))
    joints = Joints.of(robot.commands(), robot.chain_outputs(), 20.0)
    slots = {DataType.END_EFFECTOR_POSES: OutputSlots(2, (0,))}
    policy = replace(INPAINTING, output=slots, horizon=5)
    planned = np.array([[0.1, 0.5, -0.2], [0.2, 0.6, -0.2]])
    prefix = action_prefix(planned, planned[0], 1, joints, policy)
    chunk = prefix.chunk[DataType.END_EFFECTOR_POSES]
    assert chunk.shape == (5, 2, 7)
    assert same_pose(chunk[:2, 0], [pose(*row) for row in planned], 1e-5)
    # Where it is free, and where the robot has no hand.
    assert not chunk[2:].any()
    assert not chunk[:, 1].any()
    assert (prefix.frozen > 0).tolist() == [True, True, False, False, False]
