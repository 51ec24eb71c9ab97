"""A policy that was told in training which robot it is on, and where nobody tells it."""

from __future__ import annotations

import torch
from torch import Tensor

from neuracore_ros.policy.further import ROBOT, UNKNOWN_ROBOT
from neuracore_ros.policy.manifest import Manifest
from neuracore_ros.training.chunk_policy import ChunkPolicy, Example
from neuracore_ros.training.loss import Losses


class Recognising(ChunkPolicy):
    """Knows a robot by its slots, where ``inputs`` do not tell which one it is.

    Whoever runs a policy file by the signature of DESIGN 7 alone gets what the robot's own
    statistics make of it; a robot whose slots fit none, or several, is one never seen.
    """

    def __init__(self, policy: ChunkPolicy, manifest: Manifest) -> None:
        super().__init__()
        self.policy = policy
        self.inpaints = policy.inpaints
        self.names = [kind.value for kind in manifest.input]
        # Lists and no buffer: they are no weights, and TorchScript would save them as such.
        self.slots: list[list[bool]] = []
        for robot in sorted(manifest.robot_index, key=manifest.robot_index.__getitem__):
            valid = manifest.input_layout.valid(manifest.robots[robot].input)
            self.slots.append([bool(has) for kind in manifest.input for has in valid[kind]])
        # TorchScript sees attributes, and no constants of a file.
        self.robot, self.unknown = ROBOT, UNKNOWN_ROBOT

    def forward(self, inputs: dict[str, Tensor], valid: dict[str, Tensor]) -> dict[str, Tensor]:
        """As the policy's own."""
        result: dict[str, Tensor] = self.policy(self.recognise(inputs, valid), valid)
        return result

    def loss(self, example: Example) -> Losses:
        """As the policy's own."""
        known = self.recognise(example.inputs, example.valid)
        return self.policy.loss(example._replace(inputs=known))

    def recognise(self, inputs: dict[str, Tensor], valid: dict[str, Tensor]) -> dict[str, Tensor]:
        """Inputs that tell the robot, (B,)."""
        if self.robot in inputs:
            return inputs
        has = torch.cat([valid[name] for name in self.names], 1)
        fits = (has[:, None] == torch.tensor(self.slots, device=has.device)).all(2)
        only = fits.sum(1) == 1
        known: dict[str, Tensor] = {}
        for name, value in inputs.items():
            known[name] = value
        known[self.robot] = torch.where(only, fits.long().argmax(1), self.unknown)
        return known
