"""Policies that predict poses, whatever the sign of the quaternions that they learnt from."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from helpers.pose_reaching import GOAL, GRIP, HAND, JOINTS, draw_pose, write
from neuracore_ros.cli.main import main
from neuracore_ros.description import DataType
from neuracore_ros.kinematics.rotations import SIDE, angles_between
from neuracore_ros.policy.load import load_policy
from neuracore_ros.policy.manifest import InputSlots, Manifest, OutputSlots
from neuracore_ros.policy.policy import Policy
from neuracore_ros.policy.signature import FROZEN, PREVIOUS
from neuracore_ros.policy.torchscript import ModuleRuntime
from neuracore_ros.training.chunk_policy import Example
from neuracore_ros.training.config import NetworkOptions
from neuracore_ros.training.export import compare
from neuracore_ros.training.export import write as export
from neuracore_ros.training.load_run import read_run
from neuracore_ros.training.normalise import Normalisation
from neuracore_ros.training.policies import build

KINDS = ('mlp', 'act', 'diffusion')
SMALL = ['--width', '32', '--layers', '1', '--flow-steps', '2', '--threads', '1']


@pytest.fixture(scope='module')
def dataset(tmp_path_factory):
    """Two arms with the same slots, and one that lacks nothing of them but has a second arm."""
    episodes = {'one': 60, 'other': 20, 'both': 6}
    return write(tmp_path_factory.mktemp('poses') / 'reach', episodes)


def train(dataset, out, *options):
    assert main(['train', str(dataset), '--out', str(out), *SMALL, *options]) == 0
    return out


def metrics(run):
    return [json.loads(line) for line in (run / 'metrics.jsonl').read_text().splitlines()]


def inputs_of(manifest, *poses):
    """A hand and a goal, (7,) each, and which slots they are."""
    hand, goal = poses
    inputs = {kind: np.zeros(manifest.input_shape(kind), np.float32) for kind in manifest.input}
    valid = {kind: np.zeros(slots.width, bool) for kind, slots in manifest.input.items()}
    inputs[HAND][0, 0], inputs[GOAL][0, 0] = hand, goal
    valid[HAND][0] = valid[GOAL][0] = True
    return inputs, valid


@pytest.mark.parametrize('frame', ['--absolute', '--relative'])
def test_poses_are_learnt_from_quaternions_of_either_sign(frame, dataset, tmp_path, capsys):
    run = train(dataset, tmp_path / 'run', '--steps', '400', '--horizon', '2', frame)
    first, last = metrics(run)[0], metrics(run)[-1]
    assert last['val_cm/one'] < 4
    assert last['val_deg/one'] < 8
    assert {'val_cm', 'val_deg/other'} <= last.keys()
    assert 'val_cm' not in first
    assert f'poses {last["val_cm"]:.2f} cm {last["val_deg"]:.1f} degrees off' in (
        capsys.readouterr().out
    )
    # It goes a third of the way, and gives the sign that the package takes.
    policy = load_policy(run / 'policy.pt', robot='one')
    rng = np.random.default_rng(7)
    for _ in range(5):
        hand, goal = draw_pose(rng), draw_pose(rng)
        inputs, valid = inputs_of(policy.manifest, hand, np.concatenate([goal[:3], -goal[3:]]))
        after = policy.predict(inputs, valid)[HAND][0, 0]
        assert after[3:] @ SIDE >= -1e-4
        assert np.linalg.norm(after[3:]) == pytest.approx(1, abs=1e-5)
        assert np.linalg.norm(after[:3] - (hand[:3] + (goal[:3] - hand[:3]) / 3)) < 0.08
        assert angles_between(after[3:], goal[3:]) < angles_between(hand[3:], goal[3:])


def test_a_relative_policy_is_near_the_measured_pose_wherever_that_is(dataset, tmp_path):
    run = train(dataset, tmp_path / 'run', '--steps', '100', '--horizon', '2', '--relative')
    policy = load_policy(run / 'policy.pt')
    rng = np.random.default_rng(3)
    for _ in range(3):
        hand = draw_pose(rng, turn=0.3)
        far = hand + np.array([5, 5, 5, 0, 0, 0, 0])
        inputs, valid = inputs_of(policy.manifest, far, hand)
        chunk = policy.predict(inputs, valid)[HAND][:, 0]
        assert np.abs(chunk[:, :3] - far[:3]).max() < 0.5
        assert angles_between(chunk[:, 3:], far[3:]).max() < 1.5


@pytest.mark.parametrize('kind', KINDS)
def test_a_resumed_run_ends_with_the_same_bits(kind, dataset, tmp_path):
    options = ['--policy', kind, '--horizon', '3', '--batch', '8']
    whole = train(dataset, tmp_path / 'whole', *options, '--steps', '6')
    part = train(dataset, tmp_path / 'part', *options, '--steps', '3', '--schedule', 'constant')
    assert main(['train', '--resume', str(part), '--steps', '6', '--threads', '1']) == 0
    whole = train(dataset, tmp_path / 'again', *options, '--steps', '6', '--schedule', 'constant')
    weights = [read_run(run)[0].state_dict() for run in (whole, part)]
    assert weights[0].keys() == weights[1].keys()
    assert all(torch.equal(value, weights[1][name]) for name, value in weights[0].items())


def slots(width, **more):
    return {'width': width, 'trained': tuple(range(width)), **more}


POSED = Manifest(
    input={HAND: InputSlots(**slots(2)), GOAL: InputSlots(**slots(1))},
    output={HAND: OutputSlots(**slots(3)), GRIP: OutputSlots(**slots(1))},
    rate_hz=10.0,
    horizon=4,
)
NAMES = (HAND.value, GRIP.value)


def untrained(kind, relative=False):
    torch.manual_seed(0)
    options = NetworkOptions(width=32, layers=1, flow_steps=2)
    return build(kind, POSED, Normalisation.none(POSED, relative), options)


def a_batch(fill):
    """Rows of three robots; what they lack, in inputs, plans and targets, is ``fill``."""
    generator = torch.Generator().manual_seed(0)

    def draw(*shape):
        return torch.randn(shape, generator=generator)

    has_hand = torch.tensor([[True, True], [True, False], [False, False]])
    valid = {HAND.value: has_hand, GOAL.value: torch.ones(3, 1, dtype=torch.bool)}
    inputs = {HAND.value: draw(3, 1, 2, 7), GOAL.value: draw(3, 1, 1, 7)}
    inputs[HAND.value][~has_hand[:, None]] = fill
    counts = torch.ones(3, 4, 3, dtype=torch.bool)
    counts[:, :, :2] &= has_hand[:, None]
    counts[0, 2:] = False  # Its episode ends there.
    targets = {HAND.value: draw(3, 4, 3, 7), GRIP.value: draw(3, 4, 1)}
    targets[HAND.value][~counts] = fill
    grips = torch.ones(3, 4, 1, dtype=torch.bool)
    return Example(inputs, valid, targets, dict(zip(NAMES, (counts, grips), strict=True)))


@pytest.mark.parametrize('relative', [False, True], ids=['absolute', 'relative'])
@pytest.mark.parametrize('kind', KINDS)
def test_nothing_is_learnt_from_slots_of_zeros_or_of_anything_else(kind, relative):
    module = untrained(kind, relative).train()
    losses, gradients = [], []
    for fill in (0.0, float('nan'), 1e6):
        torch.manual_seed(0)
        terms = module.loss(a_batch(fill))
        module.zero_grad()
        torch.stack([term.mean for term in terms.values()]).sum().backward()
        losses.append({name: term.mean.item() for name, term in terms.items()})
        gradients.append({name: each.grad for name, each in module.named_parameters()})
    assert losses[0] == losses[1] == losses[2]
    for name, gradient in gradients[0].items():
        if gradient is None:
            assert name == 'tokens.text', name  # It reads none.
            continue
        assert torch.isfinite(gradient).all(), name
        assert all(torch.equal(gradient, other[name]) for other in gradients[1:]), name


@pytest.mark.parametrize('kind', KINDS)
def test_a_slot_that_is_absent_changes_no_pose(kind):
    module = untrained(kind).eval()
    with torch.inference_mode():
        chunks = [module(*a_batch(fill)[:2])[HAND.value] for fill in (0.0, float('nan'), 7.0)]
    assert chunks[0].shape == (3, 4, 3, 7)
    assert torch.isfinite(chunks[0]).all()
    assert all(torch.equal(chunks[0], other) for other in chunks[1:])


@pytest.mark.filterwarnings('ignore:.*torch.jit.*')
def test_a_plan_of_poses_is_continued():
    manifest = replace(POSED, inpaint=True)
    module = untrained('diffusion').eval()
    inputs, valid, *_ = a_batch(0.0)
    rng = np.random.default_rng(0)
    plan = torch.tensor(np.stack([[draw_pose(rng) for _ in range(3)]] * 4)[None].repeat(3, 0))
    inputs[PREVIOUS + HAND.value] = plan.float()
    inputs[PREVIOUS + GRIP.value] = torch.full((3, 4, 1), 0.25)
    inputs[FROZEN] = torch.tensor([[1.0, 1.0, 0.0, 0.0]] * 3)
    inputs[PREVIOUS + HAND.value][:, 2:] = 0.0
    with torch.inference_mode():
        found = module(inputs, valid)
    kept = found[HAND.value][0, :2].numpy()
    wanted = plan[0, :2].numpy()
    np.testing.assert_allclose(kept[..., :3], wanted[..., :3], atol=1e-4)
    assert angles_between(kept[..., 3:], wanted[..., 3:]).max() < 1e-3
    assert torch.isfinite(found[HAND.value]).all()
    compare(*(Policy(ModuleRuntime(module, manifest), '') for _ in range(2)))


@pytest.mark.parametrize('kind', KINDS)
@pytest.mark.parametrize('runtime', ['torchscript', 'onnx', 'openvino', 'pt2'])
def test_every_runtime_gives_the_same_poses(runtime, kind, dataset, tmp_path):
    for library in {'onnx': ['onnxscript'], 'openvino': ['onnxscript', 'openvino']}.get(
        runtime, []
    ):
        pytest.importorskip(library)
    run = train(
        dataset, tmp_path / 'run', '--steps', '2', '--policy', kind, '--horizon', '3', '--relative'
    )
    module, manifest = read_run(run)
    ending = {'torchscript': '.pt', 'onnx': '.onnx', 'openvino': '.xml', 'pt2': '.pt2'}[runtime]
    exported = export(module, manifest, runtime, tmp_path / f'policy{ending}')
    assert exported.largest_difference < 1e-4
    assert load_policy(tmp_path / f'policy{ending}').manifest.output_shape(HAND) == (3, 2, 7)


def test_a_robot_that_was_never_trained_on_is_seen_as_those_that_were(dataset, tmp_path):
    run = train(dataset, tmp_path / 'run', '--steps', '2', '--horizon', '2')
    manifest = load_policy(run / 'policy.pt').manifest
    assert json.loads((run / 'config.json').read_text())['statistics'] == 'per-robot'
    # There is nothing to tell it by, and nothing to ask.
    assert manifest.robot_index == {}
    rng = np.random.default_rng(0)
    inputs, valid = inputs_of(manifest, draw_pose(rng), draw_pose(rng))
    chunks = [
        load_policy(run / 'policy.pt', robot=robot).predict(inputs, valid)
        for robot in ('one', 'other', 'stranger')
    ]
    for other in chunks[1:]:
        assert all(np.array_equal(chunk, other[kind]) for kind, chunk in chunks[0].items())


def test_only_joints_have_statistics_of_each_robot(tmp_path):
    dataset = write(tmp_path / 'reach', {'one': 5, 'wired': 5})
    run = train(dataset, tmp_path / 'run', '--steps', '1', '--horizon', '2')
    module, manifest = read_run(run)
    assert manifest.robot_index == {'one': 0, 'wired': 1}
    rows = {
        name.split('.')[-3]: len(table)
        for name, table in module.state_dict().items()
        if name.endswith('scaling.centre') and 'normalisers' in name
    }
    assert rows == {'JOINT_POSITIONS': 3, 'END_EFFECTOR_POSES': 1, 'POSES': 1}
    # By its name or by its slots alone, what has the slots of a trained robot is seen as it is.
    rng = np.random.default_rng(0)
    inputs, valid = inputs_of(manifest, draw_pose(rng), draw_pose(rng))
    known, stranger = (
        load_policy(run / 'policy.pt', robot=robot).predict(inputs, valid)
        for robot in ('one', 'stranger')
    )
    assert all(np.array_equal(chunk, stranger[kind]) for kind, chunk in known.items())
    assert JOINTS in manifest.input


def test_rotations_and_grippers_that_hardly_move_are_not_blown_up(dataset, tmp_path):
    run = train(dataset, tmp_path / 'run', '--steps', '1', '--horizon', '2')
    module, _ = read_run(run)
    spreads = {
        name.split('.')[-3]: table[0]
        for name, table in module.state_dict().items()
        if name.endswith('scaling.spread') and 'normalisers' not in name
    }
    assert spreads['END_EFFECTOR_POSES'].shape == (18,)
    poses = spreads['END_EFFECTOR_POSES'].reshape(2, 9)
    assert (poses[:, :3] > 0.009).all()
    assert (poses[:, 3:] > 0.09).all()
    assert spreads[DataType.PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS.value] > 0.09


def test_the_manifest_tells_where_hands_were(dataset, tmp_path):
    """And after a run that began with another one, where they were in both."""
    before = train(dataset, tmp_path / 'before', '--steps', '1', '--horizon', '2')
    other = write(tmp_path / 'more', {'other': 2, 'both': 2}, seed=9)
    after = train(other, tmp_path / 'after', '--steps', '1', '--init', str(before))
    for run in (before, after):
        manifest = load_policy(run / 'policy.pt').manifest
        for slots in (manifest.input[HAND], manifest.output[HAND]):
            assert slots.minimum == slots.maximum == ()
            low, high = (np.reshape(each, (2, 3)) for each in (slots.min_xyz, slots.max_xyz))
            assert (low > -0.31).all() and (low < -0.01).all()
            assert (high < 0.31).all() and (high > 0.01).all()
    lows = [load_policy(run / 'policy.pt').manifest.input[HAND].min_xyz for run in (before, after)]
    assert (np.array(lows[1]) <= lows[0]).all()


def test_a_further_robot_is_normalised_as_those_before(dataset, tmp_path):
    before = train(dataset, tmp_path / 'before', '--steps', '2', '--horizon', '2')
    other = write(tmp_path / 'more', {'other': 3, 'both': 3}, seed=9)
    after = train(other, tmp_path / 'after', '--steps', '1', '--init', str(before))
    tables = [
        {k: v for k, v in read_run(run)[0].state_dict().items() if '.scaling.' in k}
        for run in (before, after)
    ]
    assert tables[0].keys() == tables[1].keys()
    assert all(torch.equal(table, tables[1][name]) for name, table in tables[0].items())
