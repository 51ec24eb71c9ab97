"""The small policy: key points of each camera, numbers and texts through an MLP to a chunk."""

from torch import Tensor, cat, nn

from neuracore_ros.policy.manifest import Manifest
from neuracore_ros.training.chunk_policy import ChunkPolicy
from neuracore_ros.training.encoders import (
    KEYPOINTS,
    KeypointEncoder,
    Numbers,
    Texts,
    Views,
    shrinkage,
)
from neuracore_ros.training.loss import Losses, Term
from neuracore_ros.training.normalise import Denormalisers, Statistics

HIDDEN = 512
TEXT_SIZE = 64


class ChunkMlp(ChunkPolicy):
    """Predicts a whole chunk at once; inside, relative to the measured joints."""

    def __init__(self, manifest: Manifest, statistics: Statistics) -> None:
        super().__init__()
        self.first = next(iter(manifest.input)).value
        self.horizon = manifest.horizon
        self.numbers = Numbers(manifest, statistics)
        shrink = shrinkage(manifest)
        self.views = Views(
            manifest,
            lambda pixels, channels: KeypointEncoder(pixels, channels, shrink),
            2 * KEYPOINTS,
        )
        self.texts = Texts(manifest, TEXT_SIZE)
        self.outputs = Denormalisers(manifest, statistics)
        slots = self.numbers.width + self.views.count + self.texts.count
        pictures, texts = self.views.count * self.views.size, self.texts.count * TEXT_SIZE
        values = self.numbers.width + pictures + texts
        self.layers = nn.Sequential(
            nn.Linear(manifest.observation_steps * values + slots, HIDDEN),
            nn.GELU(),
            nn.Linear(HIDDEN, HIDDEN),
            nn.GELU(),
            nn.Linear(HIDDEN, HIDDEN),
            nn.GELU(),
            nn.Linear(HIDDEN, self.horizon * sum(self.outputs.widths)),
        )

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
        views, has_view = self.views(inputs, valid, batch, steps)
        texts, has_text = self.texts(inputs, valid, batch, steps)
        has = cat([has_number, has_view, has_text], 1)
        features = cat([numbers.flatten(1), views.flatten(1), texts.flatten(1), has.float()], 1)
        result: Tensor = self.layers(features).reshape(batch, self.horizon, -1)
        return result
