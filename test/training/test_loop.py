"""Real runs on a small dataset: they learn, resume exactly, and stop with a clear line."""

import json
import re
import shutil
import signal
import time

import numpy as np
import pytest
import torch

from helpers.squares_dataset import write
from neuracore_ros.cli.main import main
from neuracore_ros.description import DataType
from neuracore_ros.errors import TrainingError
from neuracore_ros.loading.batches import Batches
from neuracore_ros.policy.load import load_policy
from neuracore_ros.training import loop, progress
from neuracore_ros.training.config import Config
from neuracore_ros.training.run import Run

TARGETS = DataType.JOINT_TARGET_POSITIONS


def config(dataset, **changes) -> Config:
    settings = {'steps': 6, 'batch': 8, 'horizon': 4, 'device': 'cpu', **changes}
    return Config(dataset=str(dataset), **settings)


def silent(_line: str) -> None:
    pass


def train(dataset, path, **changes) -> Run:
    run = Run(path)
    loop.train(config(dataset, **changes), run, silent)
    return run


@pytest.fixture(scope='module')
def learnt(dataset, tmp_path_factory) -> Run:
    """A short run that learns the squares."""
    torch.set_num_threads(1)
    path = tmp_path_factory.mktemp('runs') / 'squares'
    return train(dataset, path, steps=120, batch=16, warmup=10, learning_rate=2e-3)


def test_one_policy_learns_what_two_robots_do(learnt):
    losses = [line['loss'] for line in learnt.metrics()]
    assert losses[0] > 2.5 * losses[-1]
    last = learnt.metrics()[-1]
    assert last['val_loss'] < 0.5
    assert {'val_loss/long', 'val_loss/short'} <= last.keys()


def test_the_policy_file_says_what_it_was_trained_on(learnt):
    manifest = load_policy(learnt.policy).manifest
    assert manifest.robots['short'].output[TARGETS] == {0: 'pan', 2: 'roll'}
    assert manifest.input[DataType.RGB_IMAGES].trained == (0, 1)
    assert manifest.output[TARGETS].trained == (0, 1, 2)
    assert manifest.rate_hz == 8.0
    assert manifest.dataset == 'squares'
    assert {'torch', 'neuracore_ros'} <= manifest.versions.keys()


def test_the_policy_file_goes_where_the_square_is(learnt, dataset):
    policy = load_policy(learnt.policy)
    data = Batches(dataset)
    errors, distances = [], []
    for episode in data.episodes:
        batch = data.take(episode.rows[:1], 1, 4)
        inputs = {kind: array[0] for kind, array in batch.inputs.items()}
        valid = {kind: mask[0] for kind, mask in batch.valid.items()}
        has = batch.target_valid[TARGETS][0]
        target = batch.targets[TARGETS][0]
        now = inputs[DataType.JOINT_POSITIONS][-1]
        chunk = policy.on(episode.robot).predict(inputs, valid)[TARGETS]
        errors.append(np.abs(chunk - target)[has].mean())
        distances.append(np.abs(now - target)[has].mean())
    assert np.mean(errors) < 0.4 * np.mean(distances)


class TickingClock:
    """Steps take a second, whatever the machine does meanwhile."""

    def __init__(self):
        self.now = 0.0

    def monotonic(self) -> float:
        self.now += 1.0
        return self.now

    perf_counter = staticmethod(time.perf_counter)


SMALL = {'width': 32, 'layers': 1, 'inputs': (DataType.JOINT_POSITIONS,)}
RANDOM = {'augment': True, 'shift': 1, 'embedding': 'robot', 'ema': 0.9}


@pytest.mark.parametrize(
    'changes',
    [
        {'policy': 'mlp', **RANDOM},
        {'policy': 'mlp', 'steps': None, 'minutes': 6 / 60, 'inputs': SMALL['inputs']},
        {'policy': 'act', **SMALL},
        {'policy': 'diffusion', **SMALL},
    ],
    ids=['all that is random', 'by the clock', 'act', 'diffusion'],
)
def test_a_resumed_run_equals_an_uninterrupted_one(dataset, tmp_path, monkeypatch, changes):
    monkeypatch.setattr(loop, 'LOG_EVERY', 1)
    monkeypatch.setattr(loop, 'SAVE_EVERY', 2)
    monkeypatch.setattr(progress, 'time', TickingClock())
    whole = train(dataset, tmp_path / 'whole', **changes)
    broken = Run(tmp_path / 'broken')

    def interrupt(line: str) -> None:
        if line.startswith('step 3 '):
            signal.raise_signal(signal.SIGINT)

    lines: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        loop.train(
            config(dataset, **changes), broken, lambda line: (lines.append(line), interrupt(line))
        )
    assert lines[-1].startswith('stopped at step 3; go on with: neuracore_ros train --resume')
    loop.train(broken.resume({}), broken, silent)

    keys = ('step', 'loss', 'val_loss', 'learning_rate')
    assert [[line.get(key) for key in keys] for line in broken.metrics()] == [
        [line.get(key) for key in keys] for line in whole.metrics()
    ]
    assert whole.metrics()[-1]['step'] == 6
    wanted, found = whole.load(), broken.load()
    for part in ('policy', 'average'):
        for name, values in wanted.learner[part].items():
            assert torch.equal(values, found.learner[part][name]), name
    exported = torch.jit.load(broken.policy).state_dict()
    for name, values in torch.jit.load(whole.policy).state_dict().items():
        assert torch.equal(values, exported[name]), name


def test_the_policy_is_that_of_the_lowest_validation_loss(dataset, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, 'LOG_EVERY', 1)
    monkeypatch.setattr(loop, 'SAVE_EVERY', 1)
    # So fast that it only becomes worse.
    wild = {'learning_rate': 3.0, 'warmup': 4, 'schedule': 'constant', 'ema': 0.0}
    run = train(dataset, tmp_path / 'run', inputs=SMALL['inputs'], **wild)
    losses = [line['val_loss'] for line in run.metrics()]
    best = int(np.argmin(losses)) + 1
    assert best < 6
    checkpoint = run.load()
    assert (checkpoint.best_step, checkpoint.best_loss) == (best, min(losses))
    assert run.load_best(1 + best) is None
    chosen, last = (torch.jit.load(path).state_dict() for path in (run.policy, run.last))
    for name, values in run.load_best(best).items():
        assert torch.equal(values, chosen[name]), name
    newest = checkpoint.learner['average']
    assert all(torch.equal(values, last[name]) for name, values in newest.items())
    assert not all(torch.equal(values, chosen[name]) for name, values in newest.items())


def test_a_process_that_was_killed_before_it_wrote_the_best_weights_loses_nothing(
    dataset, tmp_path, monkeypatch
):
    monkeypatch.setattr(loop, 'LOG_EVERY', 1)
    monkeypatch.setattr(loop, 'SAVE_EVERY', 1)
    wild = {'learning_rate': 3.0, 'warmup': 4, 'schedule': 'constant', 'ema': 0.0}
    run = train(dataset, tmp_path / 'run', inputs=SMALL['inputs'], **wild, steps=1)
    best = run.load_best(1)
    run.save_best(0, {})
    loop.train(run.resume({'steps': 6}), run, silent)
    assert run.load().best_step == 1
    chosen = torch.jit.load(run.policy).state_dict()
    assert all(torch.equal(values, chosen[name]) for name, values in best.items())


def test_the_learning_rate_rises_and_falls_or_stays(dataset, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, 'LOG_EVERY', 1)

    def rates(**changes):
        settings = {'inputs': SMALL['inputs'], 'steps': 8, 'warmup': 4, 'learning_rate': 1.0}
        path = tmp_path / changes['schedule']
        run = train(dataset, path, clip=1e-6, **settings, **changes)
        return [line['learning_rate'] for line in run.metrics()]

    assert rates(schedule='constant') == [0.25, 0.5, 0.75, 1, 1, 1, 1, 1]
    cosine = rates(schedule='cosine')
    assert cosine[0] == 0.25
    assert cosine[4] == pytest.approx(0.5)
    assert cosine[4:] == sorted(cosine[4:], reverse=True)


def test_gradients_are_cut_to_a_norm(dataset, tmp_path):
    steps = {'steps': 1, 'warmup': 0, 'inputs': SMALL['inputs'], 'ema': 0.0}

    def largest_moment(name: str, clip: float) -> float:
        run = train(dataset, tmp_path / name, clip=clip, **steps)
        states = run.load().learner['optimizer']['state'].values()
        # Adam's first moment after a step is a tenth of the gradient.
        return 10 * float(torch.stack([state['exp_avg'].norm() for state in states]).norm())

    free, cut = largest_moment('free', 0.0), largest_moment('cut', 1e-3)
    assert free > 0.1
    assert cut == pytest.approx(1e-3, rel=0.01)


@pytest.mark.parametrize('precision', ['float32', 'bfloat16'])
def test_weights_are_float32_whatever_is_computed_in(dataset, tmp_path, precision):
    changes = {'steps': 2, 'inputs': SMALL['inputs']}
    run = train(dataset, tmp_path / 'run', precision=precision, **changes)
    assert all(
        values.dtype is not torch.bfloat16 for values in run.load().learner['policy'].values()
    )
    assert np.isfinite(run.metrics()[-1]['loss'])


def test_tensorboard_has_every_figure_by_its_step(learnt):
    pytest.importorskip('tensorboard')
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    board = EventAccumulator(str(learnt.tensorboard)).Reload()
    wanted = {'loss', 'val_loss', 'val_loss/long', 'learning_rate', 'steps_per_s', 'data_wait'}
    assert wanted <= set(board.Tags()['scalars'])
    assert [event.step for event in board.Scalars('loss')] == [50, 100, 120]


def test_progress_tells_the_pace_and_the_time_left(dataset, tmp_path):
    lines: list[str] = []
    run = Run(tmp_path / 'run')
    loop.train(config(dataset, inputs=SMALL['inputs']), run, lines.append)
    assert re.search(r'^step 6  loss \d.*  val loss .*steps/s .* 0:00 left$', lines[-2]), lines
    assert 'learns from 17 episodes (13 of long, 4 of short), 3 held back' in lines[0]


def test_metrics_after_the_last_checkpoint_are_written_anew(dataset, tmp_path):
    run = train(dataset, tmp_path / 'run')
    run.log({'step': 9, 'loss': 0.0})
    loop.train(run.resume({'steps': 8}), run, silent)
    assert [line['step'] for line in run.metrics()] == [6, 8]


def test_a_run_may_end_by_the_clock(dataset, tmp_path):
    run = train(dataset, tmp_path / 'run', steps=None, minutes=0.01)
    assert run.policy.is_file()
    assert run.metrics()[-1]['seconds'] >= 0.6


def test_no_step_at_all_exports_the_untrained_policy(dataset, tmp_path):
    run = train(dataset, tmp_path / 'run', steps=0)
    assert load_policy(run.policy).warm_up(1) > 0
    assert run.metrics() == []


def test_a_loss_that_is_not_finite_stops_the_run(dataset, tmp_path):
    with pytest.raises(TrainingError, match=r'the loss is (nan|inf) at step \d+; start a new run'):
        train(dataset, tmp_path / 'run', steps=200, learning_rate=1e30)
    assert not (tmp_path / 'run' / 'policy.pt').exists()


def test_a_dataset_that_grew_is_another_run(dataset, tmp_path):
    run = train(dataset, tmp_path / 'run')
    record = json.loads((run.path / 'config.json').read_text())
    (run.path / 'config.json').write_text(json.dumps({**record, 'rows': 7}))
    with pytest.raises(TrainingError, match='has 320 steps; it had 7 when .* began'):
        loop.train(run.resume({}), run, silent)


def test_a_dataset_that_was_made_anew_is_another_run_though_it_has_as_many_steps(
    dataset, tmp_path
):
    copy = shutil.copytree(dataset, tmp_path / 'data')
    run = train(copy, tmp_path / 'run')
    statistics = copy / 'meta' / 'stats.json'
    statistics.write_text(statistics.read_text().replace('"mean": [', '"mean": [ 0.5, ', 1))
    with pytest.raises(TrainingError, match='holds other episodes, or other numbers, than when'):
        loop.train(run.resume({}), run, silent)


@pytest.mark.parametrize(
    ('arguments', 'status', 'says'),
    [
        (['DATA'], 2, 'give --out RUN, or --resume RUN'),
        (['DATA', '--out', 'RUN', '--batch', '0'], 2, '0 is not at least 1'),
        (['DATA', '--out', 'RUN', '--policy', 'magic'], 2, "invalid choice: 'magic'"),
        (['--resume', 'RUN', '--seed', '1'], 2, '--seed: a resumed run keeps its own'),
        (['MISSING', '--out', 'RUN'], 1, 'not a dataset of neuracore_ros'),
        (['--resume', 'RUN'], 1, 'holds no run (config.json is missing)'),
        (['DATA', '--out', 'DATA'], 1, 'is not an empty folder; choose another --out'),
    ],
)
def test_a_mistake_gets_one_line(dataset, tmp_path, capsys, arguments, status, says):
    places = {
        'DATA': str(dataset),
        'RUN': str(tmp_path / 'run'),
        'MISSING': str(tmp_path / 'missing'),
    }
    try:
        code = main(['train', *(places.get(word, word) for word in arguments)])
    except SystemExit as exit:
        code = exit.code
    assert code == status
    assert says in capsys.readouterr().err.splitlines()[-1]
    assert not (tmp_path / 'run').exists()


def test_a_run_is_never_overwritten(dataset, tmp_path, capsys):
    words = ['train', str(dataset), '--out', str(tmp_path / 'run'), '--steps', '2', '--batch', '2']
    assert main(words) == 0
    assert main(words) == 1
    assert (
        'holds a run already; go on with neuracore_ros train --resume' in capsys.readouterr().err
    )
    assert main(['train', '--resume', str(tmp_path / 'run'), '--steps', '3']) == 0
    (tmp_path / 'run' / 'checkpoint.pt').write_bytes(b'nothing')
    assert main(['train', '--resume', str(tmp_path / 'run')]) == 1
    assert 'checkpoint.pt: is damaged' in capsys.readouterr().err


def test_too_few_episodes_to_hold_any_back_are_said(dataset, tmp_path):
    lines: list[str] = []
    few = write(tmp_path / 'few', {'long': 1})
    loop.train(config(few, inputs=SMALL['inputs']), Run(tmp_path / 'run'), lines.append)
    assert 'learns from 1 episode (1 of long), 0 held back' in lines[0]
    assert lines[1].startswith('warning: fewer than 5 episodes of long (1): none is held back')
