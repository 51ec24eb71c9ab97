"""Pre-norm transformer layers in which tokens attend only to those that are there."""

import math

from torch import Tensor, nn

from neuracore_ros.training.config import HEAD


class MaskedAttention(nn.Module):
    """Multi-head attention of queries (B, N, D) to tokens (B, M, D)."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.heads = size // HEAD
        self.query = nn.Linear(size, size)
        self.key_value = nn.Linear(size, 2 * size)
        self.out = nn.Linear(size, size)

    def remember(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Keys and values of tokens (B, M, D), each (B, heads, M, D / heads)."""
        pair = self.key_value(tokens).view(tokens.shape[0], tokens.shape[1], 2, self.heads, -1)
        key, value = pair.permute(2, 0, 3, 1, 4).unbind(0)
        return key, value

    def forward(self, queries: Tensor, memory: tuple[Tensor, Tensor], has: Tensor) -> Tensor:
        """Attend to the remembered tokens that are there (B, M); (B, N, D)."""
        key, value = memory
        batch, count = queries.shape[0], queries.shape[1]
        query = self.query(queries).view(batch, count, self.heads, -1).transpose(1, 2)
        # By hand: torch's fused attention took half the time of a training step on a CPU.
        scores = query @ key.transpose(2, 3) / math.sqrt(query.shape[3])
        shown = scores.masked_fill(~has[:, None, None], -math.inf)
        mixed = shown.softmax(-1) @ value
        result: Tensor = self.out(mixed.transpose(1, 2).reshape(batch, count, -1))
        return result


class TransformerEncoderLayer(nn.Module):
    """Self-attention and a feed-forward network."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.before = nn.LayerNorm(size)
        self.attention = MaskedAttention(size)
        self.feed_forward = feed_forward(size)

    def forward(self, tokens: Tensor, has: Tensor) -> Tensor:
        """Tokens (B, M, D), each mixed with those that are there (B, M)."""
        normal = self.before(tokens)
        tokens = tokens + self.attention(normal, self.attention.remember(normal), has)
        result: Tensor = tokens + self.feed_forward(tokens)
        return result


class TransformerEncoder(nn.Module):
    """Layers over all tokens, normalised at the end."""

    def __init__(self, size: int, layers: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(TransformerEncoderLayer(size) for _ in range(layers))
        self.after = nn.LayerNorm(size)

    def forward(self, tokens: Tensor, has: Tensor) -> Tensor:
        """Encoded tokens (B, M, D)."""
        for layer in self.layers:
            tokens = layer(tokens, has)
        result: Tensor = self.after(tokens)
        return result


class TransformerDecoderLayer(nn.Module):
    """Attention of a chunk's steps to each other, then to the observation."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.before_each_other = nn.LayerNorm(size)
        self.each_other = MaskedAttention(size)
        self.before_observed = nn.LayerNorm(size)
        self.observed = MaskedAttention(size)
        self.feed_forward = feed_forward(size)

    def remember(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Keys and values of an observation (B, M, D), for any number of calls."""
        return self.observed.remember(tokens)

    def forward(
        self, steps: Tensor, has_step: Tensor, memory: tuple[Tensor, Tensor], has_token: Tensor
    ) -> Tensor:
        """Steps (B, H, D), mixed with those that count (B, H) and tokens that are there (B, M)."""
        normal = self.before_each_other(steps)
        steps = steps + self.each_other(normal, self.each_other.remember(normal), has_step)
        steps = steps + self.observed(self.before_observed(steps), memory, has_token)
        result: Tensor = steps + self.feed_forward(steps)
        return result


def feed_forward(size: int) -> nn.Sequential:
    """A feed-forward network of two layers, four times as wide between them."""
    return nn.Sequential(
        nn.LayerNorm(size), nn.Linear(size, 4 * size), nn.GELU(), nn.Linear(4 * size, size)
    )
