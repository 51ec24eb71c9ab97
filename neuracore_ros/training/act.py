"""The ACT policy: a conditional VAE over chunks, with a transformer for what is observed.

Zhao et al., "Learning Fine-Grained Bimanual Manipulation with Low-Cost Hardware", RSS 2023. Slots
that a robot lacks are masked in attention.
"""

import torch
from torch import Tensor, nn

from neuracore_ros.policy.manifest import Manifest
from neuracore_ros.training.chunk_policy import ChunkPolicy, Example, Losses, Term
from neuracore_ros.training.config import NetworkOptions
from neuracore_ros.training.normalise import Normalisation
from neuracore_ros.training.normalisers import Denormalisers
from neuracore_ros.training.observation_encoder import ObservationTokens, learnt
from neuracore_ros.training.transformer import TransformerDecoderLayer, TransformerEncoder


class Act(ChunkPolicy):
    """A transformer encoder over all tokens, and H queries that become the chunk at once."""

    def __init__(
        self, manifest: Manifest, statistics: Normalisation, options: NetworkOptions
    ) -> None:
        super().__init__()
        size, layers = options.width, options.layers
        self.tokens = ObservationTokens(manifest, statistics, options)
        self.outputs = Denormalisers(manifest, statistics)
        actions, numbers = sum(self.outputs.widths), self.tokens.numbers.width
        self.style = CvaeEncoder(numbers, actions, manifest.horizon, size, max(1, layers // 2))
        self.kl_weight = options.kl_weight
        self.latent = nn.Linear(LATENT, size)
        self.encoder = TransformerEncoder(size, layers)
        self.queries = learnt(manifest.horizon, size)
        self.decoder = TransformerDecoderLayer(size)
        self.head = nn.Sequential(nn.LayerNorm(size), nn.Linear(size, actions))

    def forward(self, inputs: dict[str, Tensor], valid: dict[str, Tensor]) -> dict[str, Tensor]:
        """Absolute chunks (B, H, W) for raw inputs and their masks."""
        tokens, has = self.tokens(inputs, valid)
        style = torch.zeros(tokens.shape[0], self.latent.in_features, device=tokens.device)
        result: dict[str, Tensor] = self.outputs(self.chunk(tokens, has, style), inputs, valid)
        return result

    def loss(self, example: Example) -> Losses:
        """L1 distance to the recorded chunk, in standard deviations, and the KL divergence."""
        inputs, valid, targets, target_valid, weights = example
        tokens, has = self.tokens(inputs, valid)
        recorded = self.outputs.invert(targets, inputs, valid)
        counts = self.outputs.joined(target_valid)
        numbers, has_number = self.tokens.newest_numbers(inputs, valid)
        mean, log_variance = self.style(numbers, has_number, recorded, counts)
        style = mean + torch.randn_like(mean) * (0.5 * log_variance).exp()
        errors = self.chunk(tokens, has, style) - recorded
        weighted = self.kl_weight * divergence(mean, log_variance)
        return {
            'l1': Term.over(errors.abs(), counts, weights),
            'kl': Term.over(weighted, torch.ones_like(weighted, dtype=torch.bool)),
        }

    def chunk(self, tokens: Tensor, has: Tensor, style: Tensor) -> Tensor:
        """The normalised chunk, (B, H, sum of N), for tokens (B, M, D) and a style (B, 32)."""
        tokens = torch.cat([self.latent(style)[:, None], tokens], 1)
        has = torch.cat([torch.ones_like(has[:, :1]), has], 1)
        tokens = self.encoder(tokens, has)
        queries = self.queries.expand(tokens.shape[0], -1, -1)
        always = torch.ones(queries.shape[:2], dtype=torch.bool, device=has.device)
        chunk = self.decoder(queries, always, self.decoder.remember(tokens), has)
        result: Tensor = self.head(chunk)
        return result


LATENT = 32
"""Numbers that hold a style, as in ACT."""


class CvaeEncoder(nn.Module):
    """The encoder of the CVAE: a recorded chunk and its first numbers to a style's distribution.

    Only training uses it (Zhao et al., RSS 2023): people do one thing in several ways, and the
    decoder needs to know which way it is to reproduce.
    """

    def __init__(self, numbers: int, actions: int, horizon: int, size: int, layers: int) -> None:
        super().__init__()
        self.summary = learnt(1, size)
        self.start = nn.Linear(2 * numbers, size)
        self.action = nn.Linear(2 * actions, size)
        self.step = learnt(horizon, size)
        self.encoder = TransformerEncoder(size, layers)
        self.out = nn.Linear(size, 2 * LATENT)

    def forward(
        self, numbers: Tensor, has_number: Tensor, chunk: Tensor, counts: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Mean and logarithm of the variance of the style, (B, 32) each.

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
    """Kullback-Leibler divergence of a style from unit noise, (B,), [nat]."""
    return -0.5 * (1 + log_variance - mean**2 - log_variance.exp()).sum(1)
