"""The control of experiments on padding: a policy that takes padding for values."""

from __future__ import annotations

import torch
from torch import Tensor

from neuracore_ros.training.chunk_policy import ChunkPolicy, Example
from neuracore_ros.training.loss import Losses


class Unmasked(ChunkPolicy):
    """Tells a policy that every robot has every slot, where it reads zeros or black."""

    def __init__(self, policy: ChunkPolicy) -> None:
        super().__init__()
        self.policy = policy
        self.inpaints = policy.inpaints

    def forward(self, inputs: dict[str, Tensor], valid: dict[str, Tensor]) -> dict[str, Tensor]:
        """As the policy's own."""
        result: dict[str, Tensor] = self.policy(inputs, self.all_of(valid))
        return result

    def loss(self, example: Example) -> Losses:
        """As the policy's own, over those targets that count."""
        return self.policy.loss(example._replace(valid=self.all_of(example.valid)))

    def all_of(self, valid: dict[str, Tensor]) -> dict[str, Tensor]:
        """Masks of the same shapes without a gap."""
        whole: dict[str, Tensor] = {}
        for name, mask in valid.items():
            whole[name] = torch.ones_like(mask)
        return whole
