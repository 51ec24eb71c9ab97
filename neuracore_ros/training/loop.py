"""The training loop; reads from top to bottom.

Every random choice of step n comes from (seed, n), so that a resumed run repeats an
uninterrupted one exactly; unless the clock ends it, since then the clock sets the learning rate.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import torch

from neuracore_ros.dataset.batches import Batch, Batches
from neuracore_ros.dataset.prefetch import Prefetch
from neuracore_ros.errors import TrainingError
from neuracore_ros.training.config import Config
from neuracore_ros.training.export import export
from neuracore_ros.training.interrupt import interrupts
from neuracore_ros.training.learner import Learner
from neuracore_ros.training.prepare import assemble, make_manifest, measure
from neuracore_ros.training.progress import Clock, Journal
from neuracore_ros.training.run import Run
from neuracore_ros.training.sampling import Sampler, Split, limit, split

WARM_UP_STEPS = 100
LOG_EVERY = 50
SAVE_EVERY = 500


def train(config: Config, run: Run, report: Callable[[str], None] = print) -> Path:
    """Train a policy, or go on from the run's last checkpoint.

    Args:
        config: What to train; the run's own if it is resumed.
        run: Its folder, made already.
        report: Called with lines for people.

    Returns:
        The policy file, with the averaged weights of the last step.

    Raises:
        DatasetError: The dataset cannot be read.
        TrainingError: The dataset changed since the run began, or the loss is not finite.
        KeyboardInterrupt: After a checkpoint was saved.
    """
    if config.threads:
        torch.set_num_threads(config.threads)
    data = Batches(config.dataset, cache=run.images, inputs=config.inputs, outputs=config.outputs)
    config = _settle(config, data, run)
    episodes = limit(split(data.episodes, config.seed), config.max_episodes)
    manifest = make_manifest(data, episodes.training, config)
    statistics = measure(data, episodes.training, manifest, config)
    sampler = Sampler(data, episodes, config, manifest.robot_index)
    held = sampler.held_back()

    torch.manual_seed(config.seed)
    policy = assemble(config, manifest, statistics)
    manifest = replace(manifest, inpaint=policy.inpaints)
    learner = Learner(policy, statistics.scales())
    checkpoint = run.load()
    if checkpoint:
        learner.restore(checkpoint['learner'])
    run.forget_after(learner.step)
    report(_summary(config, data, episodes))

    clock = Clock(config, learner.step, checkpoint['seconds'] if checkpoint else 0.0)
    with (
        interrupts() as interrupted,
        closing(Journal(run, report)) as journal,
        Prefetch(sampler.draw, learner.step) as batches,
    ):
        done = clock.done(learner.step)
        while done < 1:
            loss = learner.learn(
                next(batches), config.learning_rate * _schedule(learner.step, done)
            )
            done = clock.done(learner.step)

            last = done >= 1
            if learner.step % LOG_EVERY == 0 or last:
                metrics = {
                    'step': learner.step,
                    'loss': loss,
                    'steps_per_s': round(clock.steps_per_s(learner.step), 2),
                    'seconds': round(clock.seconds, 1),
                }
                if learner.step % SAVE_EVERY == 0 or last:
                    metrics |= _validate(learner, held)
                journal.write(metrics, clock.left_s(learner.step))
            if learner.step % SAVE_EVERY == 0 or last or interrupted.is_set():
                run.save({'learner': learner.state(), 'seconds': clock.seconds})
            if interrupted.is_set():
                report(
                    f'stopped at step {learner.step}; go on with: '
                    f'neuracore_ros train --resume {run.path}'
                )
                raise KeyboardInterrupt

    export(learner.average, manifest, run.policy)
    report(f'{run.policy}: the averaged weights of step {learner.step}')
    return run.policy


def _settle(config: Config, data: Batches, run: Run) -> Config:
    """Fill in what only the dataset tells, and hold a resumed run to it."""
    rows = data.episodes[-1].stop
    if config.rows not in (0, rows):
        raise TrainingError(
            f'{config.dataset}: has {rows} steps; it had {config.rows} when {run.path} began. '
            'Start a new run with --out.'
        )
    horizon = config.horizon or max(1, round(data.metadata.rate_hz))
    config = replace(config, rows=rows, horizon=horizon)
    run.write_config(config)
    return config


def _validate(learner: Learner, held: dict[str, Batch]) -> dict[str, float]:
    """Loss by robot, and their mean."""
    losses = {f'val_loss/{robot}': learner.validate(batch) for robot, batch in held.items()}
    return {'val_loss': sum(losses.values()) / len(losses), **losses} if losses else {}


def _schedule(step: int, done: float) -> float:
    """Share of the learning rate: linear warm-up, then a cosine to zero."""
    return min(1.0, (step + 1) / WARM_UP_STEPS) * 0.5 * (1 + math.cos(math.pi * done))


def _summary(config: Config, data: Batches, episodes: Split) -> str:
    learnt = Counter(episode.robot for episode in episodes.training)
    robots = ', '.join(f'{count} of {robot}' for robot, count in learnt.items())
    return (
        f'{config.policy}: learns from {learnt.total()} episodes ({robots}), '
        f'{len(episodes.validation)} held back; chunks of {config.horizon} '
        f'at {data.metadata.rate_hz:g} Hz'
    )
