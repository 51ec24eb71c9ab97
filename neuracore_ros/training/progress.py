"""The progress of a run: its clock, and its metrics for people, scripts and TensorBoard."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from neuracore_ros.loading.batches import Batch
from neuracore_ros.training.config import Config
from neuracore_ros.training.run import Run


class Clock:
    """The share of a run that is done, by steps or by time, whichever is further.

    It goes on in ticks: between two of them nothing changes, so that what was saved at one tick
    goes on from there.

    Attributes:
        step: Of the last tick.
        seconds: Spent in the loop until then, over all resumptions, [s].
    """

    def __init__(self, config: Config, step: int = 0, seconds: float = 0.0) -> None:
        self.step = self._first_step = step
        self.seconds = self._before = seconds
        self._config = config
        self._began = time.monotonic()

    def tick(self, step: int) -> None:
        """Record the end of a step."""
        self.step = step
        self.seconds = self._before + time.monotonic() - self._began

    @property
    def done(self) -> float:
        """The share that is done: 0 at the start, 1 or more when the run is over."""
        steps, minutes = self._config.steps, self._config.minutes
        if steps == 0:
            return 1.0
        return max(
            self.step / steps if steps else 0.0, self.seconds / (60 * minutes) if minutes else 0.0
        )

    @property
    def steps_per_s(self) -> float:
        """Steps per second since this process began."""
        return (self.step - self._first_step) / max(self.seconds - self._before, 1e-9)

    @property
    def left_s(self) -> float:
        """The time until the run is over, at this pace, [s]."""
        left = []
        if self._config.steps:
            left.append((self._config.steps - self.step) / max(self.steps_per_s, 1e-9))
        if self._config.minutes:
            left.append(60 * self._config.minutes - self.seconds)
        return max(0.0, min(left))


class Waiting:
    """The share of its time in which a loop waits for data."""

    def __init__(self) -> None:
        self._since = time.perf_counter()
        self._waited = 0.0

    def next(self, batches: Iterator[Batch]) -> Batch:
        """The next batch, the time for which counts as waiting."""
        began = time.perf_counter()
        batch = next(batches)
        self._waited += time.perf_counter() - began
        return batch

    def share(self) -> float:
        """The share since the last call, 0..1."""
        now = time.perf_counter()
        share = self._waited / max(now - self._since, 1e-9)
        self._since, self._waited = now, 0.0
        return share


class Journal:
    """The metrics of a run, written to metrics.jsonl and TensorBoard, and reported to people."""

    def __init__(
        self, run: Run, step: int, report: Callable[[str], None], writes: bool = True
    ) -> None:
        """Open the files of a run, if this process writes; lines after ``step`` are dropped."""
        self._run = run
        self._report = report
        self._writes = writes
        self._board: Any = None
        if not writes:
            return
        run.forget_after(step)
        try:
            from neuracore_ros.training.tensorboard_file import TensorboardFile
        except ImportError:
            report('tensorboard is not installed; metrics go to metrics.jsonl only')
        else:
            self._board = TensorboardFile(run.tensorboard, step)

    def write(self, metrics: Mapping[str, Any], left_s: float) -> None:
        """Write one line of numbers."""
        if not self._writes:
            return
        self._run.log(metrics)
        words = [f'step {metrics["step"]}', f'loss {metrics["loss"]:.4f}']
        if 'val_loss' in metrics:
            words.append(f'val loss {metrics["val_loss"]:.4f}')
        if 'val_cm' in metrics:
            words.append(f'poses {metrics["val_cm"]:.2f} cm {metrics["val_deg"]:.1f} degrees off')
        words.append(f'{metrics["steps_per_s"]:.1f} steps/s')
        words.append(f'{metrics["data_wait"]:.0%} waiting for data')
        words.append(f'{int(left_s // 60)}:{int(left_s % 60):02d} left')
        self._report('  '.join(words))
        if self._board is not None:
            self._board.write(
                metrics['step'], {name: each for name, each in metrics.items() if name != 'step'}
            )

    def close(self) -> None:
        """End the files."""
        if self._board is not None:
            self._board.close()
