"""A policy that learns: weights, their average, the optimizer, and how far it is."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from neuracore_ros.dataset.batches import Batch
from neuracore_ros.description import DataType
from neuracore_ros.errors import TrainingError
from neuracore_ros.policy.further import ROBOT
from neuracore_ros.training.chunk_policy import ChunkPolicy
from neuracore_ros.training.loss import masked_l1

WEIGHT_DECAY = 1e-4
GRADIENT_NORM = 1.0

# `average` is over about the last 1 / (1 - AVERAGE) steps.
AVERAGE = 0.995


class Learner:
    """Takes batches and improves a policy.

    Attributes:
        average: The policy with averaged weights: smoother than the last step's, and what is
            validated and exported.
        step: Batches learnt from.
    """

    def __init__(self, policy: ChunkPolicy, scales: Mapping[str, Tensor]) -> None:
        self.average = copy.deepcopy(policy).requires_grad_(False).eval()
        self.step = 0
        self._policy = policy
        self._scales = scales
        self._optimizer = torch.optim.AdamW(
            policy.parameters(), weight_decay=WEIGHT_DECAY, fused=True
        )

    def learn(self, batch: Batch, learning_rate: float) -> float:
        """Take one step.

        Returns:
            The loss before it.

        Raises:
            TrainingError: The loss is not finite; the weights are as they were.
        """
        inputs, valid, targets, target_valid = as_tensors(batch)
        # Twice as fast as float32 where the processor has it; losses stay in float32.
        with torch.autocast('cpu', torch.bfloat16):
            losses = self._policy.loss(inputs, valid, targets, target_valid)
        loss = torch.stack([term.mean for term in losses.values()]).sum()
        if not math.isfinite(loss.item()):
            raise TrainingError(
                f'the loss is {loss.item()} at step {self.step}; '
                'start a new run with a lower --learning-rate'
            )
        self._optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self._policy.parameters(), GRADIENT_NORM)
        for group in self._optimizer.param_groups:
            group['lr'] = learning_rate
        self._optimizer.step()
        self._follow()
        self.step += 1
        return float(loss.item())

    def validate(self, batch: Batch) -> float:
        """The loss of the averaged policy."""
        inputs, valid, targets, target_valid = as_tensors(batch)
        with torch.inference_mode(), torch.autocast('cpu', torch.bfloat16):
            chunks = self.average(inputs, valid)
        return float(masked_l1(chunks, targets, target_valid, self._scales).item())

    def state(self) -> dict[str, Any]:
        """All that decides what comes next; torch.load reads it with ``weights_only``."""
        return {
            'step': self.step,
            'policy': self._policy.state_dict(),
            'average': self.average.state_dict(),
            'optimizer': self._optimizer.state_dict(),
            'rng': torch.get_rng_state(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go back to a state.

        Raises:
            TrainingError: It is the state of something else.
        """
        try:
            self.step = state['step']
            self._policy.load_state_dict(state['policy'])
            self.average.load_state_dict(state['average'])
            self._optimizer.load_state_dict(state['optimizer'])
            torch.set_rng_state(state['rng'])
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise TrainingError(
                'the checkpoint is that of another policy, or of another version of this one; '
                'begin a new run with --out'
            ) from error

    @torch.no_grad()
    def _follow(self) -> None:
        share = 1 - min(AVERAGE, (1 + self.step) / (10 + self.step))
        for mean, newest in zip(self.average.parameters(), self._policy.parameters(), strict=True):
            mean.lerp_(newest, share)


def as_tensors(
    batch: Batch,
) -> tuple[dict[str, Tensor], dict[str, Tensor], dict[str, Tensor], dict[str, Tensor]]:
    """Inputs, valid, targets and target_valid, as the policy wants them."""
    return (
        _tensors(batch.inputs) | {ROBOT: torch.from_numpy(batch.robot)},
        _tensors(batch.valid),
        _tensors(batch.targets),
        _tensors(batch.target_valid),
    )


def _tensors(arrays: Mapping[DataType, NDArray[Any]]) -> dict[str, Tensor]:
    return {
        kind.value: torch.from_numpy(np.ascontiguousarray(array)) for kind, array in arrays.items()
    }
