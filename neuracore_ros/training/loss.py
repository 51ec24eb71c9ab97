"""What is minimised."""

from collections.abc import Mapping

import torch
from torch import Tensor


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
