"""Interventions weigh more, or alone, and what led to them is left out."""

import json

import numpy as np
import pytest
import torch

from helpers.driven_dataset import JOINTS, TARGETS, driven
from neuracore_ros.cli.main import main
from neuracore_ros.description import DataType
from neuracore_ros.errors import TrainingError
from neuracore_ros.loading.batches import Batches
from neuracore_ros.policy.manifest import InputSlots, Manifest, OutputSlots
from neuracore_ros.training import flow_matching
from neuracore_ros.training.chosen_rows import before_takeovers
from neuracore_ros.training.chunk_policy import Example, Term
from neuracore_ros.training.config import Config, NetworkOptions
from neuracore_ros.training.normalise import Normalisation
from neuracore_ros.training.policies import build
from neuracore_ros.training.processes import Processes
from neuracore_ros.training.sampling import Sampler
from neuracore_ros.training.splitting import Split

INPUTS, OUTPUTS, HORIZON = 3, 2, 4
SOME = 'pppphhhhpppp'


def small(kind):
    slots = {'width': INPUTS, 'trained': tuple(range(INPUTS))}
    told = {'width': OUTPUTS, 'trained': tuple(range(OUTPUTS))}
    described = Manifest(
        input={DataType.JOINT_POSITIONS: InputSlots(**slots)},
        output={TARGETS: OutputSlots(**told)},
        rate_hz=10.0,
        horizon=HORIZON,
        observation_steps=1,
    )
    torch.manual_seed(0)
    options = NetworkOptions(width=32, layers=1, flow_steps=2, kl_weight=0.0)
    return build(kind, described, Normalisation.none(described), options)


def batch_of(rows, weights=None):
    """Two robots of which the second lacks a joint; its chunk ends after two steps."""
    draw = torch.Generator().manual_seed(1)
    joints = torch.randn(2, 1, INPUTS, generator=draw)
    targets = torch.randn(2, HORIZON, OUTPUTS, generator=draw)
    has = torch.tensor([[True, True, True], [True, True, False]])
    counts = torch.ones(2, HORIZON, OUTPUTS, dtype=torch.bool)
    counts[1, 2:] = False
    counts[1, :, 1] = False
    return Example(
        {'JOINT_POSITIONS': joints[rows]},
        {'JOINT_POSITIONS': has[rows]},
        {TARGETS.value: targets[rows]},
        {TARGETS.value: counts[rows]},
        weights,
    )


def gradient(module, example):
    module.zero_grad()
    terms = module.loss(example)
    torch.stack([term.mean for term in terms.values()]).sum().backward()
    return [each.grad.clone() for each in module.parameters() if each.grad is not None]


@pytest.fixture
def no_chance(monkeypatch):
    """Nothing is drawn at random, so that equal rows have equal losses."""
    monkeypatch.setattr(torch, 'randn_like', torch.zeros_like)
    monkeypatch.setattr(flow_matching, 'draw_times', lambda batch: torch.full((batch, 1), 0.4))
    given = torch.zeros(1, HORIZON, dtype=torch.bool)
    made = next(each for each in vars(flow_matching).values() if hasattr(each, 'draw_given'))
    monkeypatch.setattr(made, 'draw_given', lambda self, batch: given.expand(batch, -1))


@pytest.mark.parametrize('kind', ['mlp', 'act', 'diffusion'])
def test_a_weight_is_as_if_the_row_were_there_so_often(kind, no_chance):
    module = small(kind)
    weighted = torch.ones(2, HORIZON)
    weighted[1] = 3.0
    found = gradient(module, batch_of([0, 1], weighted))
    wanted = gradient(module, batch_of([0, 1, 1, 1]))
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)
    plain = gradient(module, batch_of([0, 1]))
    assert any(not torch.allclose(*pair, atol=1e-4) for pair in zip(found, plain, strict=True))


def test_equal_weights_change_nothing_however_small():
    errors, valid = torch.rand(3, 4, 2), torch.rand(3, 4, 2) < 0.5
    plain = Term.over(errors, valid).mean
    for weight in (1e-6, 1.0, 9e3):
        same = Term.over(errors, valid, torch.full((3, 4), weight)).mean
        torch.testing.assert_close(same, plain)
    assert Term.over(errors, valid & False, torch.ones(3, 4)).mean == 0


def sampler(path, *, horizon=4, **changes):
    data = Batches(path)
    config = Config(dataset=str(path), batch=300, horizon=horizon, **changes)
    episodes = Split(data.episodes, ())
    return Sampler(data, episodes, config, {'arm': 0}, Processes('cpu'))


def test_steps_of_a_human_weigh_more_wherever_in_a_chunk_they_are(tmp_path):
    path = driven(tmp_path / 'data', SOME)
    batch = sampler(path, weight={'intervention': 3.0}).draw(0)
    told = batch.targets[TARGETS][..., 0]
    valid = batch.target_valid[TARGETS][..., 0]
    np.testing.assert_array_equal(batch.weights[valid], np.where(told < 0, 3.0, 1.0)[valid])
    assert (batch.weights[~valid] == 1).all()
    assert sampler(path).draw(0).weights is None


def test_only_interventions_are_seen(tmp_path):
    batch = sampler(driven(tmp_path / 'data', SOME, 'pppp'), only='intervention').draw(0)
    told, valid = batch.targets[TARGETS], batch.target_valid[TARGETS]
    assert (told[valid] < 0).all() and valid[:, 0].all()
    assert {int(n) for n in valid[..., 0].sum(1)} == {1, 2, 3, 4}


def test_what_led_to_a_takeover_is_left_out_of_chunks_too(tmp_path):
    path = driven(tmp_path / 'data', SOME)
    data = Batches(path)
    assert before_takeovers(data, 0.2).tolist() == [False] * 2 + [True] * 2 + [False] * 8
    batch = sampler(path, drop_before_takeover=0.2).draw(0)
    first = batch.inputs[JOINTS][:, 0, 0]
    of_row = [int(np.flatnonzero(data._state[:, 0] == value)[0]) for value in first]
    assert set(of_row) == {0, 1, *range(4, 12)}
    valid = batch.target_valid[TARGETS][..., 0]
    # A chunk that reaches the steps before the takeover ends there.
    assert {int(valid[of_row.index(row)].sum()) for row in (0,)} == {2}
    assert {int(valid[of_row.index(row)].sum()) for row in (1,)} == {1}


def test_a_takeover_may_begin_the_next_episode_of_its_recording(tmp_path):
    data = Batches(driven(tmp_path / 'near', 'pppp', 'hhpp', apart_s=0.5))
    assert before_takeovers(data, 0.7).tolist() == [False, False, True, True] + [False] * 4
    data = Batches(driven(tmp_path / 'far', 'pppp', 'hhpp', apart_s=60.0))
    assert not before_takeovers(data, 0.7).any()
    data = Batches(driven(tmp_path / 'human', 'ppph', 'hhpp', apart_s=0.1))
    assert before_takeovers(data, 0.2).tolist() == [False, True, True] + [False] * 5


@pytest.mark.parametrize('seconds', [0.1, 0.5, 1e5])
def test_no_step_of_a_human_is_left_out(tmp_path, seconds):
    data = Batches(driven(tmp_path / 'data', 'hhphphhpp', 'h'))
    dropped = before_takeovers(data, seconds)
    assert not (dropped & data.intervention).any()
    assert dropped[[2, 4]].all()


@pytest.mark.parametrize(
    ('changes', 'says'),
    [
        ({'weight': {'intervention': 3.0}}, '--weight intervention=3: no step that is learnt'),
        ({'only': 'intervention'}, '--only intervention: no step that is learnt from'),
        ({'drop_before_takeover': 1.0}, '--drop-before-takeover 1: no step that is learnt from'),
    ],
)
def test_a_dataset_without_interventions_is_refused(tmp_path, changes, says):
    with pytest.raises(TrainingError, match=says):
        sampler(driven(tmp_path / 'data', 'pppp'), **changes)
    older = driven(tmp_path / 'older', SOME, has_control=False)
    with pytest.raises(TrainingError, match='does not keep who commanded; convert') as refused:
        sampler(older, **changes)
    assert '\n' not in str(refused.value)


def test_a_choice_that_leaves_no_step_is_refused(tmp_path):
    path = driven(tmp_path / 'data', 'ph')
    assert sampler(path, drop_before_takeover=5.0, only='intervention').chosen.figures == {
        'rows': 1,
        'intervention_rows': 1,
    }


@pytest.mark.parametrize(
    ('options', 'says'),
    [
        (['--weight', 'intervention'], 'is not intervention=W'),
        (['--weight', 'interventions=2'], "'interventions' is unknown; did you mean"),
        (['--weight', 'intervention=0'], '0 is not above 0'),
        (['--weight', 'intervention=-1'], '-1 is not above 0'),
        (['--weight', 'intervention=nan'], 'nan is not finite'),
        (['--weight', 'intervention=1e9'], '1e9 is not below 10000'),
        (['--only', 'success'], 'invalid choice'),
        (['--drop-before-takeover', '-1'], '-1 is not at least 0'),
        (['--drop-before-takeover', 'inf'], 'inf is not finite'),
    ],
)
def test_wrong_choices_are_wrong_usage(tmp_path, capsys, options, says):
    words = ['train', str(tmp_path / 'data'), '--out', str(tmp_path / 'run'), *options]
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2 and says in capsys.readouterr().err


def test_a_run_keeps_its_choice_says_it_and_is_resumed_with_it(tmp_path, capsys):
    data = driven(tmp_path / 'data', *[SOME] * 6, 'dddddddd')
    run = tmp_path / 'run'
    options = ['--weight', 'intervention=3', '--drop-before-takeover', '0.2', '--batch', '8']
    assert main(['train', str(data), '--out', str(run), *options, '--steps', '50']) == 0
    said = capsys.readouterr().out
    assert '--weight intervention=3, --drop-before-takeover 0.2: learns from' in said
    config = json.loads((run / 'config.json').read_text())
    assert config['weight'] == {'intervention': 3.0} and config['drop-before-takeover'] == 0.2
    metrics = json.loads((run / 'metrics.jsonl').read_text().splitlines()[-1])
    # One of six episodes is held back; two of twelve steps are left out of each other one.
    assert metrics['rows'] in {5 * 10 + 8, 6 * 10} and metrics['intervention_rows'] in {20, 24}
    assert main(['train', '--resume', str(run), '--steps', '60']) == 0
    assert 'learns from' in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(['train', '--resume', str(run), '--weight', 'intervention=2'])
    again = tmp_path / 'again'
    more = ['--init', str(run), '--only', 'intervention', '--steps', '50', '--batch', '8']
    assert main(['train', str(data), '--out', str(again), *more]) == 0
    config = json.loads((again / 'config.json').read_text())
    assert config['only'] == 'intervention' and config['weight'] is None
