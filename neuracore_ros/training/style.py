"""The encoder of a conditional VAE: which of many ways of doing it a demonstration took."""

import torch
from torch import Tensor, nn

from neuracore_ros.training.attention import Encoder
from neuracore_ros.training.observation_tokens import learnt

LATENT = 32
"""Numbers that hold a style, as in ACT."""


class StyleEncoder(nn.Module):
    """A recorded chunk, and the numbers it began at, to the distribution of its style.

    Only training uses it (Zhao et al., RSS 2023): who demonstrates may dawdle or go round the
    other side, and what cannot be predicted from the observation has to be told.
    """

    def __init__(self, numbers: int, actions: int, horizon: int, size: int, layers: int) -> None:
        super().__init__()
        self.summary = learnt(1, size)
        self.start = nn.Linear(2 * numbers, size)
        self.action = nn.Linear(2 * actions, size)
        self.step = learnt(horizon, size)
        self.encoder = Encoder(size, layers)
        self.out = nn.Linear(size, 2 * LATENT)

    def forward(
        self, numbers: Tensor, has_number: Tensor, chunk: Tensor, counts: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Mean and logarithm of the variance, (B, 32) each.

        Args:
            numbers: Newest, normalised, (B, C).
            has_number: (B, C).
            chunk: Normalised, (B, H, W); anything where it does not count.
            counts: (B, H, W).
        """
        known = torch.where(counts, chunk, torch.zeros_like(chunk))
        actions = torch.cat([known, counts.to(known.dtype)], 2)
        start = self.start(torch.cat([numbers, has_number.to(numbers.dtype)], 1))
        summary = self.summary.expand(len(numbers), 1, -1)
        tokens = torch.cat([summary, start[:, None], self.action(actions) + self.step], 1)
        there = torch.ones(len(numbers), 2, dtype=torch.bool, device=counts.device)
        has = torch.cat([there, counts.any(2)], 1)
        style = self.out(self.encoder(tokens, has)[:, 0]).float()
        mean, log_variance = style.chunk(2, 1)
        return mean, log_variance


def divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Of a style from plain noise, in nats, (B,): Kullback and Leibler's."""
    return -0.5 * (1 + log_variance - mean**2 - log_variance.exp()).sum(1)
