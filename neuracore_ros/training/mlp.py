"""The policy `mlp`: key points of each camera, numbers and texts through an MLP to a chunk."""

import torch
from torch import Tensor, nn

from neuracore_ros.description import DataType
from neuracore_ros.policy.manifest import Manifest
from neuracore_ros.training.chunk_policy import ChunkPolicy, Example, Losses, Term
from neuracore_ros.training.config import NetworkOptions
from neuracore_ros.training.image_encoder import CameraEncoder
from neuracore_ros.training.normalise import Normalisation
from neuracore_ros.training.normalisers import Denormalisers
from neuracore_ros.training.observation_encoder import NumberEncoder, RobotEmbedding, texts

HIDDEN = 512
TEXT_SIZE = 64
IMAGE_WEIGHT = 0.3
"""The weight of image features: a camera has 128, an arm only seven joints."""
ROBOT_SIZE = 64


class ChunkMlp(ChunkPolicy):
    """An MLP that predicts a whole chunk at once."""

    def __init__(
        self, manifest: Manifest, statistics: Normalisation, options: NetworkOptions
    ) -> None:
        super().__init__()
        self.horizon = manifest.horizon
        # TorchScript reads attributes, and no constants of the file.
        self.image_weight = IMAGE_WEIGHT
        self.numbers = NumberEncoder(manifest, statistics)
        encoder = options.encoder or ('resnet18' if options.pretrained else 'keypoints')
        views = [
            CameraEncoder(manifest, kind, encoder, points=True, options=options)
            for kind in (DataType.RGB_IMAGES, DataType.DEPTH_IMAGES)
            if kind in manifest.input
        ]
        encoders = texts(manifest, TEXT_SIZE)
        self.cameras, self.texts = nn.ModuleList(views), nn.ModuleList(encoders)
        self.outputs = Denormalisers(manifest, statistics)
        values = self.numbers.width + sum(each.count * TEXT_SIZE for each in encoders)
        values += sum(each.count * each.tokens * each.size for each in views)
        self.robot = RobotEmbedding(manifest, options.embedding, ROBOT_SIZE)
        self.layers = nn.Sequential(
            nn.Linear(manifest.observation_steps * values + ROBOT_SIZE, HIDDEN),
            nn.GELU(),
            nn.Linear(HIDDEN, HIDDEN),
            nn.GELU(),
            nn.Linear(HIDDEN, HIDDEN),
            nn.GELU(),
            nn.Linear(HIDDEN, self.horizon * sum(self.outputs.widths)),
        )

    def forward(self, inputs: dict[str, Tensor], valid: dict[str, Tensor]) -> dict[str, Tensor]:
        """Absolute chunks (B, H, W) for raw inputs and their masks."""
        result: dict[str, Tensor] = self.outputs(self.chunk(inputs, valid), inputs, valid)
        return result

    def loss(self, example: Example) -> Losses:
        """L1 distance to the recorded chunk, in standard deviations."""
        inputs, valid, targets, target_valid, weights = example
        errors = self.chunk(inputs, valid) - self.outputs.invert(targets, inputs, valid)
        return {'l1': Term.over(errors.abs(), self.outputs.joined(target_valid), weights)}

    def chunk(self, inputs: dict[str, Tensor], valid: dict[str, Tensor]) -> Tensor:
        """The normalised chunk, (B, H, sum of N)."""
        numbers, _ = self.numbers(inputs, valid)
        features = [self.robot(inputs, valid), numbers.flatten(1)]
        for encode in self.texts:
            words, _ = encode(inputs, valid)
            features.append(words.flatten(1))
        for encode in self.cameras:
            features.append(self.image_weight * encode(inputs, valid).flatten(1))
        result: Tensor = self.layers(torch.cat(features, 1))
        return result.reshape(numbers.shape[0], self.horizon, -1)
