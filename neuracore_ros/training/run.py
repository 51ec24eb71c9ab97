"""The folder of one training run: its configuration, metrics and checkpoint."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch

from neuracore_ros.errors import DescriptionError, TrainingError
from neuracore_ros.training.config import SETTINGS, Config
from neuracore_ros.training.settings import Setting, read_settings, whole

# What a run knows beside its options.
_FACTS = {
    'dataset': Setting('dataset', str),
    'rows': Setting('rows', whole(0)),
}
_AFRESH = 'Put back what training wrote, or begin a new run with --out.'


class Run:
    """One run's folder."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.policy = path / 'policy.pt'
        self.tensorboard = path / 'tensorboard'
        self.images = path / 'images.cache'
        self._config = path / 'config.json'
        self._metrics = path / 'metrics.jsonl'
        self._checkpoint = path / 'checkpoint.pt'

    def require_new(self) -> None:
        """Check that nothing would be overwritten.

        Raises:
            TrainingError: The folder holds something.
        """
        if self._config.exists():
            raise TrainingError(
                f'{self.path}: holds a run already; go on with '
                f'neuracore_ros train --resume {self.path}, or choose another --out'
            )
        if self.path.exists() and (not self.path.is_dir() or self._holds_more()):
            raise TrainingError(f'{self.path}: is not an empty folder; choose another --out')

    def resume(self, changes: Mapping[str, Any]) -> Config:
        """The configuration, changed; a new end takes the place of the old one.

        Raises:
            TrainingError: The folder holds no run.
        """
        config = self.config()
        if not changes.keys().isdisjoint({'steps', 'minutes'}):
            config = replace(config, steps=None, minutes=None)
        return replace(config, **changes)

    def write_config(self, config: Config) -> None:
        """Replace the configuration, a file that `--config` takes too; makes the folder."""
        self.path.mkdir(parents=True, exist_ok=True)
        known = SETTINGS | _FACTS
        # What is empty is what was not asked for.
        record = {
            known[name].name: None if value in ((), {}, '') else value
            for name, value in asdict(config).items()
        }
        partial = self._config.with_suffix('.partial')
        partial.write_text(json.dumps(record, indent=1) + '\n')
        partial.replace(self._config)

    def config(self) -> Config:
        """Read the configuration.

        Raises:
            TrainingError: The folder holds no run, or its configuration is damaged.
        """
        if not self._config.exists():
            raise TrainingError(f'{self.path}: holds no run ({self._config.name} is missing)')
        try:
            return Config(**read_settings(self._config, SETTINGS | _FACTS))
        except (DescriptionError, TypeError) as error:
            raise TrainingError(f'{self._config}: is damaged: {error}') from error

    def save(self, checkpoint: Mapping[str, Any]) -> None:
        """Replace the checkpoint; a killed process leaves the old one."""
        partial = self._checkpoint.with_suffix('.partial')
        torch.save(dict(checkpoint), partial)
        partial.replace(self._checkpoint)

    def load(self) -> dict[str, Any] | None:
        """The last checkpoint; None before the first. Nothing in the file is executed.

        Raises:
            TrainingError: The file is damaged, or holds more than numbers.
        """
        if not self._checkpoint.exists():
            return None
        try:
            with warnings.catch_warnings():
                warnings.simplefilter('ignore')  # Of pickles that it then refuses.
                loaded = torch.load(self._checkpoint, weights_only=True)
        except Exception as error:  # torch raises several kinds, none of them documented.
            # Not in torch's words, which advise how to load it all the same.
            raise TrainingError(
                f'{self._checkpoint}: is damaged, or holds more than numbers and would run code: '
                f'none of it was run. {_AFRESH}'
            ) from error
        if not isinstance(loaded, dict) or not {'learner', 'seconds'} <= loaded.keys():
            raise TrainingError(f'{self._checkpoint}: is no checkpoint of a run. {_AFRESH}')
        return loaded

    def log(self, metrics: Mapping[str, Any]) -> None:
        """Append one line of metrics."""
        with self._metrics.open('a') as file:
            file.write(json.dumps(metrics) + '\n')

    def metrics(self) -> list[dict[str, Any]]:
        """All lines of metrics."""
        if not self._metrics.exists():
            return []
        return [json.loads(line) for line in self._metrics.read_text().splitlines()]

    def forget_after(self, step: int) -> None:
        """Drop metrics that a resumed run is about to write again."""
        kept = [line for line in self.metrics() if line['step'] <= step]
        partial = self._metrics.with_suffix('.partial')
        partial.write_text(''.join(json.dumps(line) + '\n' for line in kept))
        partial.replace(self._metrics)

    def _holds_more(self) -> bool:
        # A run that could not even read its dataset leaves at most decoded images.
        return any(path.suffix != self.images.suffix for path in self.path.iterdir())
