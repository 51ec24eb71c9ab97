"""An ACT-like transformer: joints and image patches as tokens, a chunk of queries out.

No VAE: one mode per demonstration set is what the tasks here have. What a robot lacks is masked
in attention, so that no other token ever sees it.
"""

import math

import torch
from torch import Tensor, nn

from neuracore_ros.policy.manifest import Manifest
from neuracore_ros.training.chunk_policy import ChunkPolicy
from neuracore_ros.training.encoders import (
    PATCH,
    Numbers,
    PatchEncoder,
    Texts,
    Views,
    shrinkage,
)
from neuracore_ros.training.loss import Losses, Term
from neuracore_ros.training.normalise import Denormalisers, Statistics

SIZE = 192
HEADS = 6
ENCODER_LAYERS = 3


class Act(ChunkPolicy):
    """Encoder over all tokens, one decoder layer from H queries to the chunk."""

    def __init__(self, manifest: Manifest, statistics: Statistics) -> None:
        super().__init__()
        self.first = next(iter(manifest.input)).value
        self.numbers = Numbers(manifest, statistics)
        shrink = shrinkage(manifest)
        rows, columns = (
            math.ceil(pixels // shrink / PATCH) for pixels in manifest.image_size or (1, 1)
        )
        self.patches = rows * columns
        self.views = Views(
            manifest,
            lambda pixels, channels: PatchEncoder(pixels, channels, SIZE, shrink),
            self.patches * SIZE,
        )
        self.texts = Texts(manifest, SIZE)
        self.outputs = Denormalisers(manifest, statistics)

        slots, steps = self.numbers.width, manifest.observation_steps
        self.robot = nn.Linear(slots + self.views.count + self.texts.count, SIZE)
        self.value = nn.Parameter(torch.randn(slots, SIZE) * 0.1)
        self.slot = nn.Parameter(torch.randn(slots, SIZE) * 0.1)
        self.step = nn.Parameter(torch.randn(steps, 1, SIZE) * 0.1)
        self.patch = nn.Parameter(torch.randn(self.views.count, self.patches, SIZE) * 0.1)
        self.text = nn.Parameter(torch.randn(self.texts.count, SIZE) * 0.1)
        self.encoder = nn.ModuleList(EncoderLayer() for _ in range(ENCODER_LAYERS))
        self.queries = nn.Parameter(torch.randn(manifest.horizon, SIZE) * 0.1)
        self.decoder = DecoderLayer()
        self.head = nn.Sequential(nn.LayerNorm(SIZE), nn.Linear(SIZE, sum(self.outputs.widths)))

    def forward(self, inputs: dict[str, Tensor], valid: dict[str, Tensor]) -> dict[str, Tensor]:
        """Raw inputs and their validity to absolute chunks (B, H, W), as DESIGN 7 has them."""
        result: dict[str, Tensor] = self.outputs(self.chunk(inputs, valid), inputs, valid)
        return result

    def loss(
        self,
        inputs: dict[str, Tensor],
        valid: dict[str, Tensor],
        targets: dict[str, Tensor],
        target_valid: dict[str, Tensor],
    ) -> Losses:
        """Distance to what was recorded, in standard deviations."""
        errors = self.chunk(inputs, valid) - self.outputs.invert(targets, inputs, valid)
        return {'l1': Term.over(errors.abs(), self.outputs.joined(target_valid))}

    def chunk(self, inputs: dict[str, Tensor], valid: dict[str, Tensor]) -> Tensor:
        """The normalised chunk, (B, H, sum of W)."""
        batch, steps = inputs[self.first].shape[0], inputs[self.first].shape[1]
        numbers, has_number = self.numbers(inputs, valid, batch, steps)
        pictures, has_view = self.views(inputs, valid, batch, steps)
        texts, has_text = self.texts(inputs, valid, batch, steps)

        has_slot = torch.cat([has_number, has_view, has_text], 1)
        robot = self.robot(has_slot.float())[:, None]
        joints = numbers[..., None] * self.value + self.slot + self.step
        views = pictures.unflatten(3, (self.patches, -1)) + self.patch
        views = views.flatten(2, 3) + self.step
        words = texts + self.text + self.step
        tokens = torch.cat(
            [robot, joints.flatten(1, 2), views.flatten(1, 2), words.flatten(1, 2)], 1
        )

        # The robot's own token is always there, so that no row of attention is empty.
        has_patch = has_view.repeat_interleave(self.patches, 1)
        has_token = torch.cat(
            [
                torch.ones_like(has_slot[:, :1]),
                has_number.repeat(1, steps),
                has_patch.repeat(1, steps),
                has_text.repeat(1, steps),
            ],
            1,
        )
        mask = has_token[:, None, None]
        for layer in self.encoder:
            tokens = layer(tokens, mask)
        chunk = self.decoder(self.queries.expand(batch, -1, -1), tokens, mask)
        result: Tensor = self.head(chunk)
        return result


class Attention(nn.Module):
    """Multi-head attention of queries (B, N, D) to tokens (B, M, D) where mask (B, 1, 1, M)."""

    def __init__(self) -> None:
        super().__init__()
        self.heads = HEADS
        self.query = nn.Linear(SIZE, SIZE)
        self.key_value = nn.Linear(SIZE, 2 * SIZE)
        self.out = nn.Linear(SIZE, SIZE)

    def forward(self, queries: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
        """Mix of the tokens that the mask shows, (B, N, D)."""
        batch, count = queries.shape[0], queries.shape[1]
        query = self.query(queries).view(batch, count, self.heads, -1).transpose(1, 2)
        pair = self.key_value(tokens).view(batch, tokens.shape[1], 2, self.heads, -1)
        key, value = pair.permute(2, 0, 3, 1, 4).unbind(0)
        # By hand: torch's fused attention took half the time of a training step on a CPU.
        scores = query @ key.transpose(2, 3) / math.sqrt(query.shape[3])
        mixed = scores.masked_fill(~mask, -math.inf).softmax(-1) @ value
        result: Tensor = self.out(mixed.transpose(1, 2).reshape(batch, count, -1))
        return result


class EncoderLayer(nn.Module):
    """Self-attention and a feed-forward network, normalised before each."""

    def __init__(self) -> None:
        super().__init__()
        self.before_attention = nn.LayerNorm(SIZE)
        self.attention = Attention()
        self.feed_forward = feed_forward()

    def forward(self, tokens: Tensor, mask: Tensor) -> Tensor:
        """Tokens (B, M, D) that know of each other."""
        normal = self.before_attention(tokens)
        tokens = tokens + self.attention(normal, normal, mask)
        result: Tensor = tokens + self.feed_forward(tokens)
        return result


class DecoderLayer(nn.Module):
    """Queries attend to the encoder's tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.before_attention = nn.LayerNorm(SIZE)
        self.attention = Attention()
        self.feed_forward = feed_forward()

    def forward(self, queries: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
        """Queries (B, N, D) that know of the tokens (B, M, D)."""
        queries = queries + self.attention(queries, self.before_attention(tokens), mask)
        result: Tensor = queries + self.feed_forward(queries)
        return result


def feed_forward() -> nn.Sequential:
    """Two layers, four times as wide between them."""
    return nn.Sequential(
        nn.LayerNorm(SIZE), nn.Linear(SIZE, 4 * SIZE), nn.GELU(), nn.Linear(4 * SIZE, SIZE)
    )
