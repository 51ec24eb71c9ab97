"""The state of a training: a policy's weights, their average, the optimizer, and the step."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from neuracore_ros.arrays import Array
from neuracore_ros.description import DataType
from neuracore_ros.errors import TrainingError, quoted
from neuracore_ros.loading.batches import Batch
from neuracore_ros.policy.signature import ROBOT
from neuracore_ros.records import Record, RecordOrigin
from neuracore_ros.training.chunk_policy import (
    ChunkPolicy,
    Example,
    Losses,
    at_least_one,
    masked_l1,
    pose_errors,
)
from neuracore_ros.training.config import Config
from neuracore_ros.training.processes import Processes

WEIGHT_DECAY = 1e-4

Tensors = dict[str, Tensor]

OTHER = (
    'the checkpoint is that of another policy, or of another version of this one: begin a new run '
    'with --out'
)


class Learner:
    """A policy in training, which a batch improves by one step.

    Attributes:
        average: The policy with averaged weights: smoother than the last step's, and what is
            validated and exported.
        step: Batches learnt from.
    """

    def __init__(
        self, policy: ChunkPolicy, scales: Tensors, config: Config, processes: Processes
    ) -> None:
        """Begin with a policy's weights; ``scales`` are the deviations of each output, (N,).

        Raises:
            TrainingError: The device has not the precision.
        """
        self._device = processes.device
        if config.precision == 'float16' and self._device.type == 'cpu':
            raise TrainingError(
                '--precision: float16 is emulated on a CPU; use bfloat16 or float32, or a GPU'
            )
        self._policy = policy.to(self._device)
        self.average = copy.deepcopy(self._policy).requires_grad_(False).eval()
        self.step = 0
        self._config = config
        self._processes = processes
        self._scales = {name: scale.to(self._device) for name, scale in scales.items()}
        self._objective = processes.joined(Objective(self._policy))
        self._optimizer = torch.optim.AdamW(
            self._policy.parameters(), weight_decay=WEIGHT_DECAY, fused=True
        )
        # Small gradients are no float16; without it, this does nothing.
        self._scaler = torch.amp.GradScaler(
            self._device.type, enabled=config.precision == 'float16'
        )

    def learn(self, batch: Batch, learning_rate: float) -> dict[str, float]:
        """Take one step, with this process's share of a batch.

        Returns:
            'loss' before it, over all processes, and each of its terms if there are several.

        Raises:
            TrainingError: The loss is not finite; the weights are as they were.
        """
        torch.manual_seed(self._processes.seed(self._config.seed, self.step))
        with self._autocast():
            terms = self._objective(_as_example(batch, self._device))
        loss, losses = self._over_processes(terms)
        if not math.isfinite(losses['loss']):
            raise TrainingError(
                f'the loss is {losses["loss"]} at step {self.step}; '
                'start a new run with a lower --learning-rate'
            )
        self._optimizer.zero_grad()
        self._scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
        if self._config.clip:
            self._scaler.unscale_(self._optimizer)
            nn.utils.clip_grad_norm_(self._policy.parameters(), self._config.clip)
        for group in self._optimizer.param_groups:
            group['lr'] = learning_rate
        self._scaler.step(self._optimizer)
        self._scaler.update()
        self._follow()
        self.step += 1
        return losses

    def validate(self, batch: Batch) -> dict[str, float]:
        """Mean errors of the averaged policy on a batch.

        Returns:
            'val_loss' in standard deviations; of poses, if it predicts any, also 'val_cm' and
            'val_deg', [cm] and [degrees].
        """
        example = _as_example(batch, self._device)
        with torch.inference_mode(), self._autocast():
            chunks = self.average(example.inputs, example.valid)
        wanted = example.targets, example.target_valid
        found = {'val_loss': float(masked_l1(chunks, *wanted, self._scales).item())}
        if (poses := pose_errors(chunks, *wanted)) is not None:
            found |= {
                'val_cm': 100 * float(poses[0].item()),
                'val_deg': math.degrees(poses[1].item()),
            }
        return found

    def state(self) -> dict[str, Any]:
        """The state that decides all later steps; torch.load reads it with ``weights_only``."""
        return {
            'step': self.step,
            'policy': self._policy.state_dict(),
            'average': self.average.state_dict(),
            'optimizer': self._optimizer.state_dict(),
            'scaler': self._scaler.state_dict(),
            'scales': self._scales,
        }

    def restore(self, state: Mapping[str, Any], where: str) -> None:
        """Load what :meth:`state` gave, from the file ``where``.

        Raises:
            TrainingError: It is the state of something else.
        """
        own, learner = self.state(), Record(state, RecordOrigin(where, TrainingError, OTHER))
        optimizer = learner.record('optimizer').value('state')
        load_weights(self._policy, learner.value('policy'), f'{where}: policy')
        load_weights(self.average, learner.value('average'), f'{where}: average')
        require_alike(learner.value('scales'), self._scales, f'{where}: scales')
        require_alike(learner.value('scaler'), own['scaler'], f'{where}: scaler')
        momenta = {
            number: {'step': torch.tensor(0.0), 'exp_avg': weight, 'exp_avg_sq': weight}
            for number, weight in enumerate(self._policy.parameters())
            # A parameter that nothing was learnt for has none.
            if not isinstance(optimizer, Mapping) or number in optimizer
        }
        require_alike(optimizer, momenta, f'{where}: optimizer')
        self.step = learner.integer('step')
        # Its settings are those of this version, not what the file says.
        groups = own['optimizer']['param_groups']
        self._optimizer.load_state_dict({'state': optimizer, 'param_groups': groups})
        self._scaler.load_state_dict(state['scaler'])
        self._scales = {name: state['scales'][name].to(self._device) for name in self._scales}

    def _autocast(self) -> torch.autocast:
        lower = self._config.precision != 'float32'
        kind = getattr(torch, self._config.precision) if lower else None
        return torch.autocast(self._device.type, kind, enabled=lower)

    def _over_processes(self, terms: Losses) -> tuple[Tensor, dict[str, float]]:
        """The loss of this process, and that of all of them together.

        Every process divides by the entries of all of them. The mean of the gradients that
        they then take is that of one process with all rows, divided by their number.
        """
        totals, counts = (
            torch.stack([each.float() for each in parts])
            for parts in zip(*terms.values(), strict=True)
        )
        means = totals / at_least_one(self._processes.sum(counts))
        over_all = self._processes.sum(means.detach())
        found = {'loss': float(over_all.sum().item())}
        if len(terms) > 1:
            parts = zip(terms, over_all.tolist(), strict=True)
            found |= {f'loss/{name}': value for name, value in parts}
        return means.sum() * self._processes.count, found

    @torch.no_grad()
    def _follow(self) -> None:
        """Move the average towards the newest weights; over few steps while there are few."""
        share = 1 - min(self._config.ema, (1 + self.step) / (10 + self.step))
        for mean, newest in zip(self.average.parameters(), self._policy.parameters(), strict=True):
            mean.lerp_(newest, share)
        for kept, current in zip(self.average.buffers(), self._policy.buffers(), strict=True):
            kept.copy_(current)


def load_weights(module: nn.Module, weights: object, where: str) -> None:
    """Load weights that were read from a file.

    Raises:
        TrainingError: They are those of another one.
    """
    require_alike(weights, module.state_dict(), where)
    module.load_state_dict(cast(Mapping[str, Tensor], weights))


def require_alike(given: object, wanted: object, where: str) -> None:
    """Check that values of a file have the keys, types and shapes of others.

    Raises:
        TrainingError: They have not.
    """
    if isinstance(wanted, Mapping):
        if not isinstance(given, Mapping) or given.keys() != wanted.keys():
            raise TrainingError(f'{where}: has other keys than this policy; {OTHER}')
        for key, value in wanted.items():
            require_alike(given[key], value, f'{where}: {key}')
        return
    if isinstance(wanted, Tensor):
        if not isinstance(given, Tensor):
            raise TrainingError(f'{where}: must be a tensor, is {quoted(given)}; {OTHER}')
        if (given.shape, given.dtype, given.layout) != (wanted.shape, wanted.dtype, wanted.layout):
            shapes = f'{tuple(given.shape)} of {given.dtype}', f'{tuple(wanted.shape)}'
            raise TrainingError(f'{where}: has shape {shapes[0]}, not {shapes[1]}; {OTHER}')
    elif type(given) is not type(wanted):
        raise TrainingError(f'{where}: must be like {quoted(wanted)}, is {quoted(given)}; {OTHER}')


class Objective(nn.Module):
    """The loss of a policy as a module, which several processes need."""

    def __init__(self, policy: ChunkPolicy) -> None:
        super().__init__()
        self.policy = policy

    def forward(self, example: Example) -> Losses:
        """The losses that the policy has of an example."""
        return self.policy.loss(example)


def _as_example(batch: Batch, device: torch.device) -> Example:
    inputs = _tensors(batch.inputs, device)
    inputs[ROBOT] = torch.from_numpy(batch.robot).to(device)
    return Example(
        inputs,
        _tensors(batch.valid, device),
        _tensors(batch.targets, device),
        _tensors(batch.target_valid, device),
        None if batch.weights is None else torch.from_numpy(batch.weights).to(device),
    )


def _tensors(arrays: Mapping[DataType, Array], device: torch.device) -> Tensors:
    return {
        kind.value: torch.from_numpy(np.ascontiguousarray(array)).to(device, non_blocking=True)
        for kind, array in arrays.items()
    }
