"""The small policy: key points of each camera and the joints through an MLP to a chunk."""

from torch import Tensor, cat, nn

from neuracore_ros.policy.manifest import Manifest
from neuracore_ros.training.encoders import KEYPOINTS, Cameras, KeypointEncoder, Numbers, shrinkage
from neuracore_ros.training.normalise import Denormalisers, Statistics

HIDDEN = 512


class ChunkMlp(nn.Module):
    """Predicts a whole chunk at once; inside, relative to the measured joints."""

    def __init__(self, manifest: Manifest, statistics: Statistics) -> None:
        super().__init__()
        self.first = next(iter(manifest.input)).value
        self.horizon = manifest.horizon
        self.numbers = Numbers(manifest, statistics)
        self.cameras = Cameras(
            manifest, lambda: KeypointEncoder(shrinkage(manifest)), 2 * KEYPOINTS
        )
        self.outputs = Denormalisers(manifest, statistics)
        slots = self.numbers.width + self.cameras.count
        values = self.numbers.width + self.cameras.count * self.cameras.size
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
        batch, steps = inputs[self.first].shape[0], inputs[self.first].shape[1]
        numbers, has_number = self.numbers(inputs, valid, batch, steps)
        cameras, has_camera = self.cameras(inputs, valid, batch, steps)
        features = cat(
            [numbers.flatten(1), cameras.flatten(1), has_number.float(), has_camera.float()], 1
        )
        chunk = self.layers(features).reshape(batch, self.horizon, -1)
        result: dict[str, Tensor] = self.outputs(chunk, inputs, valid)
        return result
