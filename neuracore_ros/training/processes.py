"""The processes of a training: one, or several that share its work, on one machine or many.

Several are started by `accelerate launch` or `torchrun`; each draws the same rows and takes its
share of them. Only the first one writes and speaks.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from neuracore_ros.errors import TrainingError
from neuracore_ros.policy.torchscript import available_devices


def is_first() -> bool:
    """Whether this process writes files, from the environment alone."""
    return int(os.environ.get('RANK', '0')) == 0


class Processes:
    """Place of one process among all of a run.

    Attributes:
        count: How many there are.
        rank: Which one this is; 0 is the first.
        device: The one that it uses.
    """

    def __init__(self, device: str = '') -> None:
        """Join the other processes, on 'cpu', 'cuda' or 'cuda:1'; on '': a GPU if there is one.

        Raises:
            TrainingError: The device is not there.
        """
        there = available_devices()
        if device not in ('', *there, *(['cuda'] if there[1:] else [])):
            raise TrainingError(
                f"--device: '{device}' is not available; this machine has: {', '.join(there)}"
            )
        self.count = int(os.environ.get('WORLD_SIZE', '1'))
        self.rank = int(os.environ.get('RANK', '0'))
        self._accelerator: Any = None
        if self.count > 1:
            from accelerate import Accelerator, DistributedDataParallelKwargs

            # A camera that no robot of a batch has gives its weights nothing to learn.
            unused = DistributedDataParallelKwargs(find_unused_parameters=True)
            self._accelerator = Accelerator(cpu=device == 'cpu', kwargs_handlers=[unused])
            self.device = torch.device(self._accelerator.device)
        else:
            chosen = device or ('cuda' if torch.cuda.is_available() else 'cpu')
            self.device = torch.device(chosen)

    @property
    def first(self) -> bool:
        """Whether this one writes files."""
        return self.rank == 0

    def own(self, count: int) -> slice:
        """The rows of this process, out of ``count``."""
        return slice(self.rank, count, self.count)

    def seed(self, seed: int, step: int) -> int:
        """The seed of one step of this process."""
        return int(np.random.SeedSequence((seed, step, self.rank)).generate_state(1)[0])

    def joined(self, module: nn.Module) -> nn.Module:
        """The same module; its gradients become the mean over all processes."""
        if self._accelerator is None:
            return module
        joined: nn.Module = self._accelerator.prepare_model(module)
        return joined

    def sum(self, values: Tensor) -> Tensor:
        """The sum over all processes."""
        if self._accelerator is None:
            return values
        total: Tensor = self._accelerator.reduce(values.clone(), 'sum')
        return total

    def as_first(self, number: float) -> float:
        """The first process's number, so that all decide alike."""
        mine = number if self.first else 0.0
        return float(self.sum(torch.tensor(mine, dtype=torch.float64, device=self.device)).item())

    def close(self) -> None:
        """Wait for the other processes, and leave them."""
        if self._accelerator is not None:
            self._accelerator.wait_for_everyone()
            self._accelerator.end_training()
