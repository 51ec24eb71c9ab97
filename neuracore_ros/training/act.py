"""ACT: what is observed as tokens, a style, and a chunk that is predicted at once.

Zhao et al., "Learning Fine-Grained Bimanual Manipulation with Low-Cost Hardware", RSS 2023. What a
robot lacks is masked in attention, so that no other token ever sees it.
"""

import torch
from torch import Tensor, nn

from neuracore_ros.policy.manifest import Manifest
from neuracore_ros.training.attention import DecoderLayer, Encoder
from neuracore_ros.training.chunk_policy import ChunkPolicy, Example
from neuracore_ros.training.loss import Losses, Term
from neuracore_ros.training.normalise import Denormalisers
from neuracore_ros.training.observation_tokens import ObservationTokens, learnt
from neuracore_ros.training.options import Options
from neuracore_ros.training.scales import Statistics
from neuracore_ros.training.style import LATENT, StyleEncoder, divergence


class Act(ChunkPolicy):
    """A conditional VAE: all tokens through an encoder, H queries to the chunk."""

    def __init__(self, manifest: Manifest, statistics: Statistics, options: Options) -> None:
        super().__init__()
        size, layers = options.width, options.layers
        self.tokens = ObservationTokens(manifest, statistics, options)
        self.outputs = Denormalisers(manifest, statistics)
        actions, numbers = sum(self.outputs.widths), self.tokens.numbers.width
        self.style = StyleEncoder(numbers, actions, manifest.horizon, size, max(1, layers // 2))
        self.kl_weight = options.kl_weight
        self.latent = nn.Linear(LATENT, size)
        self.encoder = Encoder(size, layers)
        self.queries = learnt(manifest.horizon, size)
        self.decoder = DecoderLayer(size)
        self.head = nn.Sequential(nn.LayerNorm(size), nn.Linear(size, actions))

    def forward(self, inputs: dict[str, Tensor], valid: dict[str, Tensor]) -> dict[str, Tensor]:
        """Raw inputs and their validity to absolute chunks (B, H, W), as DESIGN 7 has them."""
        tokens, has = self.tokens(inputs, valid)
        style = torch.zeros(tokens.shape[0], self.latent.in_features, device=tokens.device)
        result: dict[str, Tensor] = self.outputs(self.chunk(tokens, has, style), inputs, valid)
        return result

    def loss(self, example: Example) -> Losses:
        """Distance to what was recorded, in standard deviations; and what its style tells."""
        inputs, valid, targets, target_valid = example
        tokens, has = self.tokens(inputs, valid)
        recorded = self.outputs.invert(targets, inputs, valid)
        counts = self.outputs.joined(target_valid)
        numbers, has_number = self.tokens.newest_numbers(inputs, valid)
        mean, log_variance = self.style(numbers, has_number, recorded, counts)
        style = mean + torch.randn_like(mean) * (0.5 * log_variance).exp()
        errors = self.chunk(tokens, has, style) - recorded
        told = self.kl_weight * divergence(mean, log_variance)
        return {
            'l1': Term.over(errors.abs(), counts),
            'kl': Term.over(told, torch.ones_like(told, dtype=torch.bool)),
        }

    def chunk(self, tokens: Tensor, has: Tensor, style: Tensor) -> Tensor:
        """The normalised chunk, (B, H, sum of W), of what was observed and a style (B, 32)."""
        tokens = torch.cat([self.latent(style)[:, None], tokens], 1)
        has = torch.cat([torch.ones_like(has[:, :1]), has], 1)
        tokens = self.encoder(tokens, has)
        queries = self.queries.expand(tokens.shape[0], -1, -1)
        always = torch.ones(queries.shape[:2], dtype=torch.bool, device=has.device)
        chunk = self.decoder(queries, always, self.decoder.remember(tokens), has)
        result: Tensor = self.head(chunk)
        return result
