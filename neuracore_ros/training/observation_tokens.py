"""Everything that is observed as tokens: each number, each place of an image, each text."""

import torch
from torch import Tensor, nn

from neuracore_ros.description import DataType
from neuracore_ros.policy.manifest import Manifest
from neuracore_ros.training.cameras import Cameras, cameras
from neuracore_ros.training.embedding import RobotEmbedding
from neuracore_ros.training.encoders import Numbers, texts
from neuracore_ros.training.images import token_encoder
from neuracore_ros.training.options import Options
from neuracore_ros.training.scales import Statistics

SPREAD = 0.1
"""Of what is learnt for each place, before it learns."""


class ObservationTokens(nn.Module):
    """Raw inputs of any layout to tokens of one width, D, and which of them are there."""

    def __init__(self, manifest: Manifest, statistics: Statistics, options: Options) -> None:
        super().__init__()
        size, steps = options.width, manifest.observation_steps
        self.first = next(iter(manifest.input)).value
        self.numbers = Numbers(manifest, statistics)
        self.views = nn.ModuleList(
            View(manifest, kind, options)
            for kind in (DataType.RGB_IMAGES, DataType.DEPTH_IMAGES)
            if kind in manifest.input
        )
        told = texts(manifest, size)
        self.texts = nn.ModuleList(told)
        self.value = learnt(self.numbers.width, size)
        self.slot = learnt(self.numbers.width, size)
        self.step = learnt(steps, 1, size)
        self.text = learnt(sum(each.count for each in told), size)
        self.robot = RobotEmbedding(manifest, options.embedding, size)

    def forward(
        self, inputs: dict[str, Tensor], valid: dict[str, Tensor]
    ) -> tuple[Tensor, Tensor]:
        """Tokens (B, M, D), and whether each is there (B, M); the first, the robot's, always is.

        What is not there may be anything but not finite.
        """
        batch, steps = inputs[self.first].shape[0], inputs[self.first].shape[1]
        numbers, has_number = self.numbers(inputs, valid, batch, steps)
        joints = numbers[..., None] * self.value + self.slot + self.step
        # The robot's own token is always there, so that no row of attention is empty.
        robot = self.robot(inputs, valid)[:, None]
        tokens = [robot, joints.flatten(1, 2)]
        there = [torch.ones_like(robot[:, :, 0]) > 0, has_number.repeat(1, steps)]
        for encode in self.texts:
            words, has_text = encode(inputs, valid, batch, steps)
            tokens.append((words + self.text + self.step).flatten(1, 2))
            there.append(has_text.repeat(1, steps))
        for view in self.views:
            places, has_place = view(inputs, valid, batch, steps)
            tokens.append((places + self.step).flatten(1, 2))
            there.append(has_place.repeat(1, steps))
        return torch.cat(tokens, 1), torch.cat(there, 1)

    def newest_numbers(
        self, inputs: dict[str, Tensor], valid: dict[str, Tensor]
    ) -> tuple[Tensor, Tensor]:
        """Normalised numbers of the last step (B, C), and which are there (B, C)."""
        batch, steps = inputs[self.first].shape[0], inputs[self.first].shape[1]
        numbers, has = self.numbers(inputs, valid, batch, steps)
        return numbers[:, -1], has


class View(nn.Module):
    """All cameras of one image type."""

    def __init__(self, manifest: Manifest, kind: DataType, options: Options) -> None:
        super().__init__()
        encoder = token_encoder(options, manifest.image_size or (1, 1))
        self.name = kind.value
        self.cameras: Cameras = cameras(
            manifest, kind, encoder, points=encoder == 'keypoints', options=options
        )
        self.project = nn.Linear(self.cameras.size, options.width)
        self.place = learnt(self.cameras.count, self.cameras.tokens, options.width)

    def forward(
        self, inputs: dict[str, Tensor], valid: dict[str, Tensor], batch: int, steps: int
    ) -> tuple[Tensor, Tensor]:
        """Tokens (B, T, K P, D), and whether each is there (B, K P)."""
        seen = self.cameras(inputs, valid, batch, steps)
        has = valid[self.name]
        places = (self.project(seen) + self.place).flatten(2, 3)
        return places, has.repeat_interleave(self.cameras.tokens, 1)


def learnt(*shape: int) -> nn.Parameter:
    """What is learnt for each place of a shape."""
    return nn.Parameter(torch.randn(shape) * SPREAD)
