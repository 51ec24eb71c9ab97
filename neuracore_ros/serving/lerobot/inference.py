"""The inference of a LeRobot policy with its own processors, here in this process."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from neuracore_ros.arrays import Array, Float32Array
from neuracore_ros.errors import PolicyError, quoted
from neuracore_ros.serving.lerobot.checkpoint import ACTION, IMAGES, TASK, LerobotCheckpoint
from neuracore_ros.serving.lerobot.loading import LerobotOptions, lerobot_errors, load_lerobot
from neuracore_ros.wording import few

_STACKED = IMAGES.rstrip('.')


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
        loaded = load_lerobot(checkpoint, options)
        self.checkpoint, self.version = checkpoint, loaded.version
        self.settings, self._options = options.settings, options
        self._config, self._policy = loaded.config, loaded.policy
        self._before, self._after = loaded.preprocessor, loaded.postprocessor
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
        with lerobot_errors(self.checkpoint, self._options, 'run'):
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
                batch = self._remembered(batch, len(steps))
            chunk = self._after(self._policy.predict_action_chunk(batch))
        rows: Float32Array = chunk.to('cpu', torch.float32).numpy()
        if rows.ndim != 3 or rows.shape[0] != 1 or rows.shape[2] != self.checkpoint.actions:
            raise PolicyError(
                f'a policy of type {quoted(self.checkpoint.type)} gives an array of shape '
                f'{rows.shape}, not (1, steps, {self.checkpoint.actions}): it cannot be served'
            )
        only: Float32Array = rows[0]
        return only

    def _remembered(self, batch: dict[str, Any], steps: int) -> dict[str, Any]:
        """A step, put into the policy's queues if it has some, as its ``select_action`` does."""
        from lerobot.policies.utils import populate_queues

        queues = getattr(self._policy, '_queues', None) or {}
        if not set(queues) - {ACTION}:
            if steps > 1:
                raise PolicyError(
                    f'a policy of type {quoted(self.checkpoint.type)} reads {steps} steps, and '
                    'has no queue for them: it cannot be served'
                )
            return batch
        if _STACKED in queues:
            images = [batch[key] for key in self._config.image_features]
            batch = {**batch, _STACKED: torch.stack(images, dim=-4)}
        populate_queues(queues, batch)
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
        """The task that was sent, or that of the options; a robot may be told nothing."""
        if not (TASK in message or self._options.task):
            raise PolicyError(
                'the policy reads what it is to do, and no task was sent: give the robot a '
                'LANGUAGE slot, or serve with --task TEXT'
            )
        task = message.get(TASK) or self._options.task
        if not isinstance(task, str):
            raise PolicyError(f'task is a {type(task).__name__}; it must be a text')
        return task
