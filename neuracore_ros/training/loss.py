"""What is minimised."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Term:
    """One part of what is minimised, such that processes can add theirs before they divide.

    Attributes:
        total: Sum over the entries that count, with the term's weight; a scalar.
        count: How many they are; a scalar.
    """

    total: Tensor
    count: Tensor

    @classmethod
    def over(cls, errors: Tensor, valid: Tensor) -> Term:
        """Of errors (...), those that are valid (...)."""
        # Not a product: padding may hold what is not finite.
        return cls(torch.where(valid, errors, 0.0).sum(), valid.sum())

    @property
    def mean(self) -> Tensor:
        """The term itself; 0 if nothing counts."""
        return self.total / self.count.clamp(min=1)


Losses = Mapping[str, Term]
"""Name -> term; what is minimised is the sum of their means."""


def masked_l1(
    chunks: Mapping[str, Tensor],
    targets: Mapping[str, Tensor],
    valid: Mapping[str, Tensor],
    scales: Mapping[str, Tensor],
) -> Tensor:
    """Mean distance over valid entries, in standard deviations of their slot.

    Args:
        chunks: Predicted absolute values, (B, H, W).
        targets: What was recorded.
        valid: Which targets count.
        scales: Standard deviation of each slot, (W,).

    Returns:
        A scalar; 0 if nothing is valid.
    """
    total, count = torch.zeros(()), torch.zeros(())
    for name, chunk in chunks.items():
        # Masked before anything else: padding may hold what is not finite.
        error = torch.where(valid[name], chunk - targets[name], 0.0)
        total = total + (error.abs() / scales[name]).sum()
        count = count + valid[name].sum()
    return total / count.clamp(min=1)
