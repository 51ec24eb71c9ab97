"""The folder of one training run: its configuration, metrics and checkpoint."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from neuracore_ros import __version__
from neuracore_ros.errors import DescriptionError, TrainingError, WriteError
from neuracore_ros.files import (
    LOCK_NAME,
    append_line,
    delete_partials,
    locked,
    real_folder,
    require_ordinary,
    require_utf8,
    write_whole,
)
from neuracore_ros.given_path import in_shell
from neuracore_ros.loading.cache import holds_frames_only
from neuracore_ros.parsers import whole
from neuracore_ros.policy.archive import load_tensors
from neuracore_ros.policy.load import KINDS
from neuracore_ros.records import Record, RecordOrigin, as_float, read_record_lines
from neuracore_ros.similar_names import similar_file
from neuracore_ros.training.config import GRAPHS, NEWEST, QUATERNIONS, SETTINGS, Config
from neuracore_ros.training.settings import Setting, read_settings

# What a run knows beside its options.
_FACTS = {
    'dataset': Setting('dataset', str),
    'rows': Setting('rows', whole(0)),
    'contents': Setting('contents', str),
    'number_format': Setting('number-format', whole(QUATERNIONS, NEWEST)),
}
_AFRESH = 'Put back what training wrote, or begin a new run with --out.'


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The state of a run, which decides all later steps.

    Attributes:
        manifest: Of the policy, as JSON.
        learner: Weights, their average, the optimizer.
        seconds: Spent so far.
        best_step: Step of the lowest validation loss; -1 before the first.
        best_loss: What that is.
    """

    manifest: str
    learner: dict[str, Any]
    seconds: float
    best_step: int
    best_loss: float


class Run:
    """The folder of one run."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.policy = path / 'policy.pt'
        self.last = path / 'last.pt'
        self.tensorboard = path / 'tensorboard'
        self._config = path / 'config.json'
        self._metrics = path / 'metrics.jsonl'
        self._checkpoint = path / 'checkpoint.pt'
        self._best = path / 'best.pt'
        self.weights = self._checkpoint, self._best

    def require_new(self) -> None:
        """Check that nothing would be overwritten.

        Raises:
            TrainingError: The folder holds something.
        """
        require_utf8(self.path, TrainingError)
        if self._config.exists():
            raise TrainingError(
                f'{self.path}: holds a run already; go on with '
                f'neuracore_ros train --resume {in_shell(self.path)}, or choose another --out'
            )
        if self.path.exists() and (not self.path.is_dir() or self._holds_something()):
            raise TrainingError(f'{self.path}: is not an empty folder; choose another --out')

    @contextmanager
    def claimed(self, new: bool) -> Iterator[None]:
        """A block in which this process alone writes into the folder of a new or resumed run.

        Raises:
            TrainingError: A new one holds something, a resumed one no run; or, within, a file of
                the run cannot be written: the error says how to go on.
            UserError: Another training has it.
            WriteError: What the run would write to is a link, or no ordinary file.
        """
        if new:
            self.require_new()
        else:
            self.config()
        with locked(self.path, 'train', 'wait for it, or choose another --out'):
            if new:
                self.require_new()  # Another one may have begun, and ended, since.
            self._require_own_files()
            delete_partials(self.path)
            try:
                yield
            except WriteError as error:
                if not self._config.exists():
                    raise
                raise TrainingError(
                    f'{error}; what was written before is whole: mend this, then go on with '
                    f'neuracore_ros train --resume {in_shell(self.path)}'
                ) from error

    def _require_own_files(self) -> None:
        """Refuse a folder whose links would have files elsewhere overwritten."""
        files = self._config, self._metrics, *self.weights, self.policy, self.last
        for path in (*files, *self.graph_files(GRAPHS)):
            require_ordinary(path)
        if os.path.lexists(self.tensorboard):
            real_folder(self.path, Path(self.tensorboard.name))

    def graph_files(self, kinds: Iterable[str]) -> tuple[Path, ...]:
        """The files beside policy.pt in these formats."""
        endings = (e for kind in kinds for e in (GRAPHS[kind], *KINDS[GRAPHS[kind]]))
        return tuple(self.policy.with_suffix(ending) for ending in endings)

    def _holds_something(self) -> bool:
        return any(each.name != LOCK_NAME for each in self.path.iterdir())

    def resume(self, changes: Mapping[str, Any]) -> Config:
        """The configuration with changes; a new end takes the place of the old one.

        Raises:
            TrainingError: The folder holds no run, or one from elsewhere that names code to run or
                a folder to write to.
        """
        config = self.config()
        if config.init and not self._checkpoint.exists():
            raise TrainingError(
                f'{self.path}: has no checkpoint yet, and begins with {config.init}, whose code '
                'would be run: begin it anew, with --out and --init'
            )
        if 'cache' not in changes and not _is_cache_or_none(config.cache):
            raise TrainingError(
                f'{self._config}: cache: {config.cache} holds other things than decoded images; '
                f'if it is to hold these, too, say --cache {config.cache}'
            )
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
            if value != '' or name not in _FACTS
        }
        write_whole(self._config, json.dumps(record, indent=1) + '\n')

    def config(self) -> Config:
        """Read the configuration.

        Raises:
            TrainingError: The folder holds no run, or its configuration is damaged.
        """
        require_utf8(self.path, TrainingError)
        if not self._config.exists():
            begin = '; begin one with: neuracore_ros train DATASET --out RUN'
            raise TrainingError(
                f'{self.path}: holds no run ({self._config.name} is missing)'
                f'{similar_file(self.path) or begin}'
            )
        try:
            known = read_settings(self._config, SETTINGS | _FACTS)
        except DescriptionError as error:
            raise TrainingError(
                f'{error}. It is damaged, or of another version of neuracore_ros than this '
                f'({__version__}), which can neither resume nor export that run; its policy.pt '
                'still runs by itself'
            ) from error
        if 'dataset' not in known:
            raise TrainingError(f"{self._config}: lacks 'dataset'. {_AFRESH}")
        # A key that an older version did not write has the default that it had then.
        return Config(**{'number_format': QUATERNIONS} | known)

    def save(self, checkpoint: Checkpoint) -> None:
        """Replace the checkpoint, whole or not at all."""
        record = {field.name: getattr(checkpoint, field.name) for field in fields(checkpoint)}
        _write(record, self._checkpoint)

    def load(self) -> Checkpoint | None:
        """The last checkpoint; None before the first. Nothing in the file is executed.

        Raises:
            TrainingError: The file is damaged, holds more than numbers, or other values than a
                checkpoint has.
        """
        if not self._checkpoint.exists():
            return None
        record = _read(self._checkpoint)
        best_loss = as_float(record.value('best_loss'))
        if best_loss is None:
            raise record.wrong('best_loss', 'a number')
        return Checkpoint(
            manifest=record.text('manifest'),
            learner=dict(record.record('learner').values()),
            seconds=record.number('seconds', 0.0),
            best_step=record.integer('best_step', -1),
            best_loss=best_loss,
        )

    def save_best(self, step: int, average: Mapping[str, Tensor]) -> None:
        """Replace the weights of the lowest validation loss."""
        _write({'step': step, 'average': dict(average)}, self._best)

    def load_best(self, step: int) -> dict[str, Tensor] | None:
        """The weights of the lowest validation loss, if they are those of this step.

        Raises:
            TrainingError: The file is damaged, or holds more than numbers.
        """
        if not self._best.exists():
            return None
        best = _read(self._best)
        if best.integer('step', -1) != step:
            return None
        return dict(best.record('average').values())

    def log(self, metrics: Mapping[str, Any]) -> None:
        """Append one line of metrics."""
        append_line(self._metrics, json.dumps(metrics))

    def metrics(self) -> list[dict[str, Any]]:
        """All lines of metrics.

        Raises:
            TrainingError: A line is no record.
        """
        lines = read_record_lines(self._metrics, TrainingError)
        return [dict(record.values()) for record, _ in lines]

    def forget_after(self, step: int) -> None:
        """Drop metrics that a resumed run is about to write again, and a line that was cut off.

        Raises:
            TrainingError: A line is no record of a step.
        """
        lines = read_record_lines(self._metrics, TrainingError)
        kept = [line for record, line in lines if record.integer('step') <= step]
        write_whole(self._metrics, b''.join(line + b'\n' for line in kept))


def _is_cache_or_none(cache: str) -> bool:
    return cache in {'', 'none'} or not os.path.lexists(cache) or holds_frames_only(Path(cache))


def _write(record: dict[str, Any], path: Path) -> None:
    # In memory: torch's own writer of files aborts the process where the disk is full.
    buffer = io.BytesIO()
    torch.save(record, buffer)
    write_whole(path, buffer.getvalue())


def _read(path: Path) -> Record:
    try:
        loaded = load_tensors(path)
    except Exception as error:
        # Not in torch's words, which advise how to load it all the same.
        raise TrainingError(
            f'{path}: is damaged, or holds more than numbers and would run code: '
            f'none of it was run. {_AFRESH}'
        ) from error
    return Record(
        loaded, RecordOrigin(str(path), TrainingError, f'it is no checkpoint of a run. {_AFRESH}')
    )
