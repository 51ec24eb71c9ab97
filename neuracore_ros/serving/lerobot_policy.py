"""The inference of a LeRobot policy with its own processors, here in this process."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from neuracore_ros.arrays import Array, Float32Array
from neuracore_ros.errors import PolicyError, quoted
from neuracore_ros.policy.policy import last_line
from neuracore_ros.serving.lerobot_checkpoint import ACTION, IMAGES, TASK, LerobotCheckpoint
from neuracore_ros.serving.lerobot_weights import require_loaded
from neuracore_ros.similar_names import known_names
from neuracore_ros.wording import few

OLDEST = (0, 6)
"""The version of lerobot from which on its interfaces are those that are used here."""

_STACKED = IMAGES.rstrip('.')
_DEVICE, _TOKENIZER = 'device_processor', 'tokenizer_processor'


@dataclass(frozen=True, slots=True)
class LerobotOptions:
    """The options of inference.

    Attributes:
        device: As torch names it.
        threads: Of one operation; 0 leaves it to torch.
        task: What is to be done, where a request does not say it.
        seed: Of the noise of every prediction; None: another one each time.
        settings: Keys of ``config.json`` -> values in their place.
        tokenizer: A folder in place of the tokenizer that the processor names.
    """

    device: str = 'cpu'
    threads: int = 0
    task: str = ''
    seed: int | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    tokenizer: str = ''


class LerobotPolicy:
    """A policy that LeRobot has built of a checkpoint, with both of its processors.

    It keeps nothing from one request to the next.

    Attributes:
        checkpoint: What it was built of.
        version: Of LeRobot.
        settings: That were given in place of the checkpoint's own.
    """

    def __init__(self, checkpoint: LerobotCheckpoint, options: LerobotOptions) -> None:
        """Load the weights, without a network.

        Raises:
            PolicyError: LeRobot is not installed or too old, knows no such policy, needs what is
                not on this computer, or cannot build the policy of these files.
        """
        self.version = _require_lerobot()
        _require_device(options.device)
        self.checkpoint, self.settings, self._options = checkpoint, options.settings, options
        with _words_to_stderr(), _described(checkpoint):
            config = _config(checkpoint, options)
            self._policy, self._before, self._after = _built(checkpoint, config, options)
        require_loaded(self._policy, checkpoint)
        self._config = config
        if options.threads > 0:
            torch.set_num_threads(options.threads)

    @property
    def executed_steps(self) -> int | None:
        """Rows of a chunk that LeRobot executes before it asks again; None: not known."""
        steps = getattr(self._config, 'n_action_steps', None)
        return steps if isinstance(steps, int) and steps > 0 else None

    def horizon(self) -> int:
        """Rows of a chunk, H, of a prediction for zeros: no configuration tells it of all.

        Raises:
            PolicyError: The policy fails on what its own configuration says.
        """
        steps = self.checkpoint.observation_steps
        message: dict[str, Any] = {
            name: np.zeros((steps, width), np.float32)
            for name, width in self.checkpoint.vectors.items()
        }
        for name, size in self.checkpoint.cameras.items():
            message[name] = np.zeros((steps, *size, 3), np.uint8)
        with _described(self.checkpoint, 'run'):
            return len(self.ask(message | {TASK: 'nothing'}))

    def ask(self, message: Mapping[str, Any]) -> Float32Array:
        """Predict one chunk.

        Args:
            message: Feature -> its numbers, (D,) or (T, D), and its image, uint8 (height, width,
                3) or (T, height, width, 3), oldest step first; ``task``: what is to be done.

        Returns:
            Actions as the dataset has them, (H, D); row 0 is due now.

        Raises:
            PolicyError: An input is missing or of another shape than the policy was trained on.
        """
        steps = self._steps(message)
        if self._options.seed is not None:
            torch.manual_seed(self._options.seed)
        with torch.inference_mode(), self._precision():
            self._policy.reset()
            batch: dict[str, Any] = {}
            for step in steps:
                batch = self._before(step)
                # LeRobot's own queues would take it for an action.
                batch.pop(ACTION, None)
                if len(steps) > 1:
                    batch = self._remembered(batch)
            chunk = self._after(self._policy.predict_action_chunk(batch))
        rows: Float32Array = chunk.to('cpu', torch.float32).numpy()
        if rows.ndim != 3 or rows.shape[0] != 1 or rows.shape[2] != self.checkpoint.actions:
            raise PolicyError(
                f'a policy of type {quoted(self.checkpoint.type)} gives an array of shape '
                f'{rows.shape}, not (1, steps, {self.checkpoint.actions}): it cannot be served'
            )
        only: Float32Array = rows[0]
        return only

    def _remembered(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Put a step into the policy's queues, as its ``select_action`` does."""
        from lerobot.policies.utils import populate_queues

        if self._config.image_features:
            images = [batch[key] for key in self._config.image_features]
            batch = {**batch, _STACKED: torch.stack(images, dim=-4)}
        self._policy._queues = populate_queues(self._policy._queues, batch)
        return batch

    def _precision(self) -> contextlib.AbstractContextManager[Any]:
        device = torch.device(self._options.device).type
        return torch.autocast(device, enabled=bool(self._config.use_amp) and device == 'cuda')

    def _steps(self, message: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The inputs of each step, in a batch of 1, as LeRobot's processors take them."""
        needed = [*self.checkpoint.vectors, *self.checkpoint.cameras]
        if missing := [name for name in needed if name not in message]:
            raise PolicyError(
                f'the policy reads {missing[0]!r}, which is not sent. Sent: '
                f'{few(sorted(message), 8) or "nothing"}'
            )
        arrays = {name: self._over_time(name, message[name]) for name in needed}
        given = {TASK: [self._task(message)]} if self.checkpoint.reads_task else {}
        return [
            {name: array[step : step + 1] for name, array in arrays.items()} | given
            for step in range(self.checkpoint.observation_steps)
        ]

    def _over_time(self, name: str, array: Array) -> torch.Tensor:
        """An input over all steps: numbers (T, D), images (T, 3, height, width) from 0 to 1."""
        is_image = name in self.checkpoint.cameras
        size = self.checkpoint.cameras.get(name, ())
        wanted: tuple[int, ...] = (*size, 3) if is_image else (self.checkpoint.vectors[name],)
        steps = self.checkpoint.observation_steps
        if steps == 1 and array.shape == wanted:
            array = array[None]
        if array.shape != (steps, *wanted):
            raise PolicyError(
                f'{name!r} has shape {array.shape}; the policy was trained on {(steps, *wanted)}'
            )
        if is_image != (array.dtype == 'uint8'):
            kind = 'uint8' if is_image else 'float32'
            raise PolicyError(f'{name!r} is {array.dtype}; it must be {kind}')
        tensor = torch.tensor(array, device=self._options.device).float()
        return tensor.div_(255).permute(0, 3, 1, 2).contiguous() if is_image else tensor

    def _task(self, message: Mapping[str, Any]) -> str:
        task = message.get(TASK) or self._options.task
        if not isinstance(task, str) or not task.strip():
            raise PolicyError(
                'the policy reads what it is to do, and no task was sent: give the robot a '
                'LANGUAGE slot, or serve with --task TEXT'
            )
        return task


def _require_lerobot() -> str:
    """The version of lerobot, which asks nobody for what is not on this computer."""
    # Read when its libraries are imported. Who has set them is obeyed.
    os.environ.setdefault('HF_HUB_OFFLINE', '1')
    os.environ.setdefault('TRANSFORMERS_OFFLINE', '1')
    needs = f'needs lerobot {OLDEST[0]}.{OLDEST[1]} or newer in Python >= 3.12: '
    try:
        version = str(importlib.import_module('lerobot').__version__)
    except ImportError as error:
        raise PolicyError(
            f'{needs}install it in an environment of its own (docs/lerobot.md); this is '
            f'{sys.executable} ({last_line(error)})'
        ) from error
    if tuple(int(part) for part in version.split('.')[:2]) < OLDEST:
        raise PolicyError(f'{needs}this is {version} in {sys.executable}')
    return version


def _require_device(name: str) -> None:
    try:
        torch.zeros(1, device=name)
    except (RuntimeError, AssertionError) as error:
        there = ['cpu', *(f'cuda:{index}' for index in range(torch.cuda.device_count()))]
        raise PolicyError(
            f'device {quoted(name)} is not available; this machine has: {", ".join(there)}'
        ) from error


def _config(checkpoint: LerobotCheckpoint, options: LerobotOptions) -> Any:
    """The policy's configuration, with nothing in it that would be downloaded for training."""
    importlib.import_module('lerobot.policies')  # registers all types
    from lerobot.configs import PreTrainedConfig
    from lerobot.utils.import_utils import register_third_party_plugins

    register_third_party_plugins()
    known = PreTrainedConfig.get_known_choices()
    if checkpoint.type not in known:
        raise PolicyError(
            f'{checkpoint.folder}: lerobot here has no policy of type '
            f'{quoted(checkpoint.type)}{known_names(checkpoint.type, known)}'
        )
    own = known[checkpoint.type].__dataclass_fields__
    for key in options.settings:
        if key not in own:
            raise PolicyError(
                f'--set {key}: a policy of type {checkpoint.type} has no such setting'
                f'{known_names(key, own)}'
            )
    words = [f'--{key}={value}' for key, value in options.settings.items()]
    try:
        config = PreTrainedConfig.from_pretrained(
            checkpoint.folder, cli_overrides=[*words, f'--device={options.device}']
        )
    except SystemExit as error:  # its parser's way to say that a value is wrong
        raise PolicyError(
            f'{checkpoint.folder}: config.json does not take --set {" ".join(options.settings)}'
        ) from error
    # Weights of training's beginning: all that counts is in the checkpoint.
    for key, value in (('pretrained_backbone_weights', None), ('load_vlm_weights', False)):
        if hasattr(config, key):
            setattr(config, key, value)
    return config


def _built(
    checkpoint: LerobotCheckpoint, config: Any, options: LerobotOptions
) -> tuple[Any, Any, Any]:
    """The policy, its preprocessor and its postprocessor."""
    from lerobot.policies.factory import get_policy_class, make_pre_post_processors

    before: dict[str, dict[str, str]] = {}
    after: dict[str, dict[str, str]] = {}
    if _DEVICE in checkpoint.steps:
        before[_DEVICE] = {'device': options.device}
        after[_DEVICE] = {'device': 'cpu'}
    if options.tokenizer and _TOKENIZER in checkpoint.steps:
        before[_TOKENIZER] = {'tokenizer_name': options.tokenizer}
    folder = str(checkpoint.folder)
    kind = get_policy_class(checkpoint.type)  # Its module registers steps of processors.
    processors = make_pre_post_processors(
        config,
        pretrained_path=folder,
        preprocessor_overrides=before,
        postprocessor_overrides=after,
    )
    return kind.from_pretrained(folder, config=config), *processors


@contextlib.contextmanager
def _words_to_stderr() -> Iterator[None]:
    """Send what LeRobot prints to where messages belong."""
    with contextlib.redirect_stdout(sys.stderr):
        yield


@contextlib.contextmanager
def _described(checkpoint: LerobotCheckpoint, verb: str = 'load') -> Iterator[None]:
    """Turn what LeRobot raises into one line."""
    try:
        yield
    except PolicyError:
        raise
    except Exception as error:  # LeRobot and what it builds on raise everything.
        raise PolicyError(
            f'{checkpoint.folder}: LeRobot cannot {verb} the policy of type {checkpoint.type}: '
            f'{type(error).__name__}: {last_line(error)}'
        ) from error
