"""The training loop; reads from top to bottom.

Every random choice of step n comes from (seed, n), so that a resumed run repeats an
uninterrupted one exactly; unless the clock ends it, since then the clock sets the learning rate.
"""

from __future__ import annotations

import math
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType

import torch
from torch import Tensor

from neuracore_ros.dataset import identity
from neuracore_ros.errors import TrainingError, shortened
from neuracore_ros.given_path import given_path, in_shell
from neuracore_ros.loading.batches import Batch, Batches, Prefetch
from neuracore_ros.loading.cache import default_folder
from neuracore_ros.policy.manifest import Manifest
from neuracore_ros.training.chosen_rows import ChosenRows
from neuracore_ros.training.chunk_policy import ChunkPolicy
from neuracore_ros.training.config import Config
from neuracore_ros.training.ending import Best, write_policies
from neuracore_ros.training.finetune import extend, init_from
from neuracore_ros.training.learner import Learner
from neuracore_ros.training.load_run import read_run
from neuracore_ros.training.normalise import Normalisation
from neuracore_ros.training.prepare import assemble, init_image_statistics, make_manifest, measure
from neuracore_ros.training.processes import Processes
from neuracore_ros.training.progress import Clock, Journal, Waiting
from neuracore_ros.training.resnet import init_from_imagenet
from neuracore_ros.training.run import Checkpoint, Run
from neuracore_ros.training.sampling import Sampler
from neuracore_ros.training.splitting import LEAST_EPISODES, Split, limit, split
from neuracore_ros.wording import counted

LOG_EVERY = 50
SAVE_EVERY = 500


@contextmanager
def _enough_memory() -> Iterator[None]:
    """Name the settings to lower where the memory of the computer or of its GPU is not enough."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        # What torch raises on a CPU has no kind of its own.
        text = str(error)
        if isinstance(error, RuntimeError) and not ('memory' in text and 'allocate' in text):
            raise
        raise TrainingError(
            'the memory is not enough; lower --batch, --width, --layers, --horizon or '
            '--observation-steps'
        ) from error


@_enough_memory()
def train(config: Config, run: Run, report: Callable[[str], None] = print) -> Path:
    """Train a policy, or go on from the run's last checkpoint.

    Returns:
        The policy file, with the averaged weights of the lowest validation loss; those of the
        last step if nothing was held back.

    Raises:
        DatasetError: The dataset cannot be read.
        TrainingError: The dataset changed since the run began, the loss is not finite, the
            memory is not enough, or a file beside policy.pt cannot be written.
        WriteError: A file of the run cannot be written; those that are there are whole.
        KeyboardInterrupt: After a checkpoint was saved.
    """
    processes = Processes(config.device)
    report = report if processes.first else lambda _line: None
    if config.threads:
        torch.set_num_threads(config.threads)
    data = Batches(config.dataset, _cache(config), report, config.inputs, config.outputs)
    config = _settle(config, data, run, processes)
    episodes = limit(split(data.episodes, config.seed), config.max_episodes)
    checkpoint = run.load()
    manifest, policy, scales = _begin(config, data, episodes, checkpoint, run)
    learner = Learner(policy, scales, config, processes)
    clock, best = Clock(config), Best()
    if checkpoint:
        learner.restore(checkpoint.learner, str(run.weights[0]))
        clock = Clock(config, learner.step, checkpoint.seconds)
        best = Best(checkpoint.best_step, checkpoint.best_loss)
        if clock.done >= 1:
            report(f'{run.path}: is done, after {learner.step} steps; to go on, give more --steps')
        if processes.first:
            _save_best(run, learner, best)  # It may have been killed before that.
    sampler = Sampler(data, episodes, config, manifest.robot_index, processes)
    held = sampler.held_back() if processes.first else {}
    for line in _summary(config, data, episodes, sampler.chosen):
        report(line)
    if processes.first:
        run.write_config(config)

    waiting = Waiting()
    with (
        interrupts() as interrupted,
        closing(Journal(run, learner.step, report, processes.first)) as journal,
        Prefetch(sampler.draw, learner.step) as batches,
    ):
        done, stop = processes.as_first(clock.done), 0.0
        while done < 1 and not stop:
            batch = waiting.next(batches)
            learning_rate = config.learning_rate * _schedule(config, learner.step, done)
            losses = learner.learn(batch, learning_rate)
            clock.tick(learner.step)
            done = processes.as_first(clock.done)

            last, save = done >= 1, learner.step % SAVE_EVERY == 0
            if learner.step % LOG_EVERY == 0 or last:
                metrics = {
                    'step': learner.step,
                    **losses,
                    **sampler.chosen.figures,
                    'learning_rate': learning_rate,
                    'steps_per_s': round(clock.steps_per_s, 2),
                    'data_wait': round(waiting.share(), 3),
                    'seconds': round(clock.seconds, 1),
                }
                if save or last:
                    metrics |= _validate(learner, held)
                    best = best.or_better(learner.step, metrics)
                journal.write(metrics, clock.left_s)
            stop = processes.as_first(float(interrupted.is_set()))
            if (save or last or stop) and processes.first:
                _save(run, manifest, learner, clock, best)

    if stop and done < 1:
        report(
            f'stopped at step {learner.step}; go on with: '
            f'neuracore_ros train --resume {in_shell(run.path)}'
        )
        raise KeyboardInterrupt
    if processes.first:
        write_policies(learner, manifest, best, run, config.also, report)
    processes.close()
    return run.policy


def _settle(config: Config, data: Batches, run: Run, processes: Processes) -> Config:
    """Complete the settings from the dataset, and require a resumed run's own dataset."""
    rows = data.episodes[-1].stop
    if config.rows not in (0, rows):
        raise TrainingError(
            f'{config.dataset}: has {rows} steps; it had {config.rows} when {run.path} began. '
            'Start a new run with --out.'
        )
    found = identity.fingerprint(data.path, data.metadata)
    if config.contents not in ('', found):
        raise TrainingError(
            f'{config.dataset}: holds other episodes, or other numbers, than when {run.path} '
            'began. Start a new run with --out.'
        )
    if config.batch < processes.count:
        raise TrainingError(
            f'--batch: {config.batch} rows are too few for {processes.count} processes'
        )
    horizon = config.horizon or max(1, round(data.metadata.rate_hz))
    return replace(config, rows=rows, contents=found, horizon=horizon)


def _cache(config: Config) -> Path | None:
    if config.cache == 'none':
        return None
    return given_path(config.cache) if config.cache else default_folder()


def _begin(
    config: Config, data: Batches, episodes: Split, checkpoint: Checkpoint | None, run: Run
) -> tuple[Manifest, ChunkPolicy, dict[str, Tensor]]:
    """The manifest of a run, its policy with first weights, and the deviations of its outputs."""
    torch.manual_seed(config.seed)
    if checkpoint:
        # Its weights come with their statistics.
        manifest = Manifest.from_json(checkpoint.manifest, f'{run.weights[0]}: manifest')
        _require_same(manifest, make_manifest(data, episodes.training, config), run)
        per_robot = config.statistics == 'per-robot'
        statistics = Normalisation.none(manifest, config.relative, per_robot, config.number_format)
        return manifest, assemble(config, manifest, statistics), statistics.scales()
    manifest = make_manifest(data, episodes.training, config)
    trained = read_run(Path(config.init)) if config.init else None
    if trained:
        manifest = extend(manifest, trained[1], config.init)
    statistics = measure(data, episodes.training, manifest, config)
    policy = assemble(config, manifest, statistics)
    if trained:
        init_from(policy, *trained)
    else:
        if config.pretrained:
            init_from_imagenet(policy, config.pretrained)
        init_image_statistics(policy, data, episodes.training)
    return replace(manifest, inpaint=policy.inpaints), policy, statistics.scales()


def _require_same(before: Manifest, now: Manifest, run: Run) -> None:
    """Require that a checkpoint fits the dataset and the configuration."""
    for what, then, wanted in (
        ('inputs', before.input_layout.columns(), now.input_layout.columns()),
        ('outputs', before.output_layout.columns(), now.output_layout.columns()),
        ('image sizes', before.image_size, now.image_size),
        ('robots', before.robot_index.keys() | now.robot_index.keys(), before.robot_index.keys()),
        ('rate_hz', before.rate_hz, now.rate_hz),
        ('horizon', before.horizon, now.horizon),
        ('observation_steps', before.observation_steps, now.observation_steps),
    ):
        if then != wanted:
            raise TrainingError(
                f'{run.weights[0]}: has other {what} than dataset and configuration: '
                f'{shortened(str(then))}, not {shortened(str(wanted))}; begin a new run with --out'
            )


def _validate(learner: Learner, held: dict[str, Batch]) -> dict[str, float]:
    """Errors by robot, and their means."""
    found = {robot: learner.validate(batch) for robot, batch in held.items()}
    means: dict[str, float] = {}
    single: dict[str, float] = {}
    for name in dict.fromkeys(name for errors in found.values() for name in errors):
        own = {robot: errors[name] for robot, errors in found.items() if name in errors}
        means[name] = sum(own.values()) / len(own)
        single |= {f'{name}/{robot}': error for robot, error in own.items()}
    return means | single


def _schedule(config: Config, step: int, done: float) -> float:
    """Share of the learning rate: linear warm-up, then constant, or a cosine to zero."""
    warm = min(1.0, (step + 1) / config.warmup) if config.warmup else 1.0
    return warm * 0.5 * (1 + math.cos(math.pi * done)) if config.schedule == 'cosine' else warm


def _save(run: Run, manifest: Manifest, learner: Learner, clock: Clock, best: Best) -> None:
    """Write the checkpoint first: of the best step's weights, it has a copy at that step."""
    run.save(Checkpoint(manifest.to_json(), learner.state(), clock.seconds, best.step, best.loss))
    _save_best(run, learner, best)


def _save_best(run: Run, learner: Learner, best: Best) -> None:
    if best.step == learner.step:
        run.save_best(best.step, learner.average.state_dict())


def _summary(config: Config, data: Batches, episodes: Split, chosen: ChosenRows) -> Iterator[str]:
    """Lines on the episodes of each robot, with a warning for robots that none is held back of."""
    learnt = Counter(episode.robot for episode in episodes.training)
    robots = ', '.join(f'{count} of {robot}' for robot, count in learnt.items())
    yield (
        f'{config.policy}: learns from {counted(sum(learnt.values()), "episode")} ({robots}), '
        f'{len(episodes.validation)} held back; chunks of {config.horizon} '
        f'at {data.metadata.rate_hz:g} Hz'
    )
    if chosen.line:
        yield chosen.line
    held = {episode.robot for episode in episodes.validation}
    if few := [f'{robot} ({learnt[robot]})' for robot in learnt if robot not in held]:
        yield (
            f'warning: fewer than {LEAST_EPISODES} episodes of {", ".join(few)}: none is held '
            'back, so nothing will tell whether the policy learns them by heart; record more'
        )


@contextmanager
def interrupts() -> Iterator[threading.Event]:
    """Set an event at the first SIGINT or SIGTERM; a second one ends the process at once."""
    event = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield event
        return
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def stop(_number: int, _frame: FrameType | None) -> None:
        event.set()
        for number, handler in kept.items():
            signal.signal(number, handler)

    for number in kept:
        signal.signal(number, stop)
    try:
        yield event
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)
