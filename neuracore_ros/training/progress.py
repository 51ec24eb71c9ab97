"""How far a run is, for people, for scripts, and for TensorBoard."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from neuracore_ros.training.config import Config
from neuracore_ros.training.run import Run


class Clock:
    """How much of a run is done, by steps or by time, whichever is further."""

    def __init__(self, config: Config, step: int, seconds: float) -> None:
        self._config = config
        self._first = step
        self._before = seconds
        self._began = time.monotonic()

    @property
    def seconds(self) -> float:
        """Spent in the loop, over all resumptions, [s]."""
        return self._before + time.monotonic() - self._began

    def done(self, step: int) -> float:
        """0 at the start; 1 or more when the run is over."""
        steps, minutes = self._config.steps, self._config.minutes
        if steps == 0:
            return 1.0
        return max(
            step / steps if steps else 0.0, self.seconds / (60 * minutes) if minutes else 0.0
        )

    def steps_per_s(self, step: int) -> float:
        """Since this process began."""
        return (step - self._first) / max(time.monotonic() - self._began, 1e-9)

    def left_s(self, step: int) -> float:
        """Until the run is over, if it goes on at this pace, [s]."""
        left = []
        if self._config.steps:
            left.append((self._config.steps - step) / max(self.steps_per_s(step), 1e-9))
        if self._config.minutes:
            left.append(60 * self._config.minutes - self.seconds)
        return max(0.0, min(left))


class Journal:
    """Writes each line of metrics to metrics.jsonl, to TensorBoard if it is there, and tells."""

    def __init__(self, run: Run, report: Callable[[str], None]) -> None:
        self._run = run
        self._report = report
        self._board: Any = None
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            report('tensorboard is not installed; metrics go to metrics.jsonl only')
        else:
            self._board = SummaryWriter(str(run.tensorboard))

    def write(self, metrics: Mapping[str, Any], left_s: float) -> None:
        """One line; numbers, or numbers by robot."""
        self._run.log(metrics)
        words = [f'step {metrics["step"]}', f'loss {metrics["loss"]:.4f}']
        if 'val_loss' in metrics:
            words.append(f'val loss {metrics["val_loss"]:.4f}')
        words.append(f'{metrics["steps_per_s"]:.1f} steps/s')
        words.append(f'{int(left_s // 60)}:{int(left_s % 60):02d} left')
        self._report('  '.join(words))
        if self._board is not None:
            for name, value in metrics.items():
                if name != 'step':
                    self._board.add_scalar(name, value, metrics['step'])

    def close(self) -> None:
        """Flush."""
        if self._board is not None:
            self._board.close()
