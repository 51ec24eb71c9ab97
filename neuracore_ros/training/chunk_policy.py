"""The interface of a policy that learns, its loss terms, and two wrappers of any policy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn

from neuracore_ros.policy.manifest import Manifest
from neuracore_ros.policy.signature import ROBOT, UNKNOWN_ROBOT
from neuracore_ros.training.pose_numbers import POSE_NUMBERS, angles_between, numbers_of


class Example(NamedTuple):
    """A batch of B rows as tensors.

    Attributes:
        inputs: As a policy's ``forward`` takes them.
        valid: Likewise.
        targets: DataType -> absolute values that were recorded, (B, H, W); poses (B, H, W, 7).
        target_valid: Which of them count, (B, H, W).
        weights: How much each step counts, (B, H); None: all alike.
    """

    inputs: dict[str, Tensor]
    valid: dict[str, Tensor]
    targets: dict[str, Tensor]
    target_valid: dict[str, Tensor]
    weights: Tensor | None = None


class ChunkPolicy(nn.Module):
    """A module with the signature of docs/policy_files.md, and the loss that trains it.

    Attributes:
        inpaints: Whether it continues a plan in force, an extra input.
    """

    inpaints = False

    def loss(self, example: Example) -> Losses:
        """Compute the loss of one batch.

        Random numbers come from torch's own generator.

        Returns:
            Name -> term, over valid entries only.
        """
        raise NotImplementedError


class Term(NamedTuple):
    """A term of the loss, as a sum and a count, so that processes can add before they divide.

    Attributes:
        total: Sum over the entries that count, with the term's weight; a scalar.
        counted: How many they are, each with its own weight; a scalar.
    """

    total: Tensor
    counted: Tensor

    @classmethod
    def over(cls, errors: Tensor, valid: Tensor, weights: Tensor | None = None) -> Term:
        """The term of errors (...), over those that are valid (...).

        With weights (B, H) of errors (B, H, N), a step of weight 3 counts as if it were there
        three times.
        """
        # Not a product: padding may hold what is not finite.
        known = torch.where(valid, errors, 0.0)
        if weights is None:
            return cls(known.sum(), valid.sum())
        return cls((known * weights[..., None]).sum(), (valid * weights[..., None]).sum())

    @property
    def mean(self) -> Tensor:
        """The mean over what counts; 0 if nothing does."""
        return self.total / at_least_one(self.counted)


def at_least_one(counted: Tensor) -> Tensor:
    """Divisor of a sum: what counts, or 1 where nothing does."""
    return torch.where(counted > 0, counted, torch.ones_like(counted))


Losses = Mapping[str, Term]
"""Name -> term; the loss is the sum of their means."""


def masked_l1(
    chunks: Mapping[str, Tensor],
    targets: Mapping[str, Tensor],
    valid: Mapping[str, Tensor],
    scales: Mapping[str, Tensor],
) -> Tensor:
    """Mean distance of absolute chunks to valid targets, (B, H, W); 0 if nothing is valid.

    It is in ``scales``, the standard deviation of each number, (N,): poses (B, H, W, 7) are
    compared by the nine numbers that they are inside a policy.
    """
    terms = []
    for name, scale in scales.items():
        found, wanted, counts = chunks[name], targets[name], valid[name]
        if found.dim() == 4:
            found, wanted = numbers_of(found).flatten(2), numbers_of(wanted).flatten(2)
            counts = counts.repeat_interleave(POSE_NUMBERS, 2)
        terms.append(Term.over((found - wanted).abs() / scale, counts))
    return Term(*(torch.stack(each).sum() for each in zip(*terms, strict=True))).mean


def pose_errors(
    chunks: Mapping[str, Tensor], targets: Mapping[str, Tensor], valid: Mapping[str, Tensor]
) -> tuple[Tensor, Tensor] | None:
    """Mean distance [m] and angle [rad] of predicted poses to valid targets, each (B, H, W, 7).

    None if no pose is valid.
    """
    found = []
    for name, chunk in chunks.items():
        if chunk.dim() == 4:
            target, counts = targets[name], valid[name]
            apart = torch.linalg.vector_norm(chunk[..., :3] - target[..., :3], dim=-1)
            found.append(torch.stack([apart[counts], angles_between(target, chunk)[counts]]))
    poses = torch.cat(found, 1) if found else torch.zeros(2, 0)
    if not poses.shape[1]:
        return None
    position, rotation = poses.mean(1)
    return position, rotation


class _Wrapper(ChunkPolicy):
    """A policy around another, which reads what :meth:`change` makes of its inputs and masks."""

    def __init__(self, policy: ChunkPolicy) -> None:
        super().__init__()
        self.policy = policy
        self.inpaints = policy.inpaints

    def change(
        self, inputs: dict[str, Tensor], valid: dict[str, Tensor]
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        raise NotImplementedError

    def forward(self, inputs: dict[str, Tensor], valid: dict[str, Tensor]) -> dict[str, Tensor]:
        inputs, valid = self.change(inputs, valid)
        result: dict[str, Tensor] = self.policy(inputs, valid)
        return result

    def loss(self, example: Example) -> Losses:
        inputs, valid = self.change(example.inputs, example.valid)
        return self.policy.loss(example._replace(inputs=inputs, valid=valid))


class RobotIdentification(_Wrapper):
    """A policy that identifies the robot by its slots, where ``inputs`` do not give its number.

    A caller who passes DataTypes only then gets the robot's own statistics, too. A robot whose
    slots are those of no trained robot, or of several, is an unknown one.
    """

    def __init__(self, policy: ChunkPolicy, manifest: Manifest) -> None:
        super().__init__(policy)
        self.names = [kind.value for kind in manifest.input]
        # Lists and no buffer: they are no weights, and TorchScript would save them as such.
        self.slots: list[list[bool]] = []
        for robot in sorted(manifest.robot_index, key=manifest.robot_index.__getitem__):
            valid = manifest.input_layout.valid(manifest.robots[robot].input)
            self.slots.append([bool(has) for kind in manifest.input for has in valid[kind]])
        # TorchScript reads attributes, and no constants of the file.
        self.robot, self.unknown = ROBOT, UNKNOWN_ROBOT

    def change(
        self, inputs: dict[str, Tensor], valid: dict[str, Tensor]
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Add the number of the robot, (B,), to the inputs."""
        if self.robot in inputs:
            return inputs, valid
        has = torch.cat([valid[name] for name in self.names], 1)
        fits = (has[:, None] == torch.tensor(self.slots, device=has.device)).all(2)
        only = fits.sum(1) == 1
        known: dict[str, Tensor] = {}
        for name, value in inputs.items():
            known[name] = value
        known[self.robot] = torch.where(only, fits.long().argmax(1), self.unknown)
        return known, valid


class Unmasked(_Wrapper):
    """The control of experiments on padding: a policy that takes padding for values."""

    def change(
        self, inputs: dict[str, Tensor], valid: dict[str, Tensor]
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Make all masks true."""
        whole: dict[str, Tensor] = {}
        for name, mask in valid.items():
            whole[name] = torch.ones_like(mask)
        return inputs, whole
