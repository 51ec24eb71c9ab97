"""Encoders of an observation: numbers, texts, cameras and the robot, as features or as tokens."""

import torch
from torch import Tensor, nn

from neuracore_ros.description import DataType
from neuracore_ros.policy.manifest import Manifest
from neuracore_ros.policy.signature import ROBOT
from neuracore_ros.training import pose_numbers
from neuracore_ros.training.config import NetworkOptions
from neuracore_ros.training.image_encoder import CameraEncoder, token_encoder
from neuracore_ros.training.normalise import Normalisation
from neuracore_ros.training.normalisers import Normaliser

SPREAD = 0.1
"""Deviation of learnt embeddings before training."""


class ObservationTokens(nn.Module):
    """The encoder of raw inputs of any layout as tokens of one width, D, with their mask."""

    def __init__(
        self, manifest: Manifest, statistics: Normalisation, options: NetworkOptions
    ) -> None:
        super().__init__()
        size, steps = options.width, manifest.observation_steps
        self.numbers = NumberEncoder(manifest, statistics)
        self.views = nn.ModuleList(
            CameraTokens(manifest, kind, options)
            for kind in (DataType.RGB_IMAGES, DataType.DEPTH_IMAGES)
            if kind in manifest.input
        )
        encoders = texts(manifest, size)
        self.texts = nn.ModuleList(encoders)
        self.value = learnt(self.numbers.width, size)
        self.slot = learnt(self.numbers.width, size)
        self.step = learnt(steps, 1, size)
        self.text = learnt(sum(each.count for each in encoders), size)
        self.robot = RobotEmbedding(manifest, options.embedding, size)

    def forward(
        self, inputs: dict[str, Tensor], valid: dict[str, Tensor]
    ) -> tuple[Tensor, Tensor]:
        """Tokens (B, M, D), and whether each is there (B, M); the first, the robot's, always is.

        Absent tokens have any finite values.
        """
        numbers, has_number = self.numbers(inputs, valid)
        steps = numbers.shape[1]
        joints = numbers[..., None] * self.value + self.slot + self.step
        # The robot's own token is always there, so that no row of attention is empty.
        robot = self.robot(inputs, valid)[:, None]
        tokens = [robot, joints.flatten(1, 2)]
        there = [torch.ones_like(robot[:, :, 0]) > 0, has_number.repeat(1, steps)]
        for encode in self.texts:
            words, has_text = encode(inputs, valid)
            tokens.append((words + self.text + self.step).flatten(1, 2))
            there.append(has_text.repeat(1, steps))
        for view in self.views:
            places, has_place = view(inputs, valid)
            tokens.append((places + self.step).flatten(1, 2))
            there.append(has_place.repeat(1, steps))
        return torch.cat(tokens, 1), torch.cat(there, 1)

    def newest_numbers(
        self, inputs: dict[str, Tensor], valid: dict[str, Tensor]
    ) -> tuple[Tensor, Tensor]:
        """Normalised numbers of the last step (B, C), and which are there (B, C)."""
        numbers, has = self.numbers(inputs, valid)
        return numbers[:, -1], has


class CameraTokens(nn.Module):
    """The tokens of all cameras of one image type."""

    def __init__(self, manifest: Manifest, kind: DataType, options: NetworkOptions) -> None:
        super().__init__()
        encoder = token_encoder(options, manifest.image_size or (1, 1))
        self.name = kind.value
        self.cameras = CameraEncoder(
            manifest, kind, encoder, points=encoder == 'keypoints', options=options
        )
        self.project = nn.Linear(self.cameras.size, options.width)
        self.place = learnt(self.cameras.count, self.cameras.tokens, options.width)

    def forward(
        self, inputs: dict[str, Tensor], valid: dict[str, Tensor]
    ) -> tuple[Tensor, Tensor]:
        """Tokens (B, T, K P, D), and whether each is there (B, K P)."""
        encoded = self.cameras(inputs, valid)
        has = valid[self.name]
        places = (self.project(encoded) + self.place).flatten(2, 3)
        return places, has.repeat_interleave(self.cameras.tokens, 1)


def learnt(*shape: int) -> nn.Parameter:
    """An embedding that is learnt, one vector for each place of a shape."""
    return nn.Parameter(torch.randn(shape) * SPREAD)


class NumberEncoder(nn.Module):
    """All numeric inputs, normalised, masked and concatenated, with their masks beside them."""

    nothing: Tensor

    def __init__(self, manifest: Manifest, statistics: Normalisation) -> None:
        super().__init__()
        layout = manifest.input_layout
        self.first = next(iter(manifest.input)).value
        scales = [statistics.input[kind] for kind in layout.numeric]
        self.width = sum(scale.centre.shape[1] for scale in scales)
        # Poses of a policy of version 0.1 stay quaternions.
        self.six = self.width != len(layout.columns())
        self.normalisers = nn.ModuleDict(
            {kind.value: Normaliser(statistics.input[kind]) for kind in layout.numeric}
        )
        self.register_buffer('nothing', torch.zeros(0), persistent=False)

    def forward(
        self, inputs: dict[str, Tensor], valid: dict[str, Tensor]
    ) -> tuple[Tensor, Tensor]:
        """Values (B, T, C) and their validity (B, C), C being the numbers of all slots inside."""
        values: list[Tensor] = []
        masks: list[Tensor] = []
        for name, normalise in self.normalisers.items():
            numbers, mask = inputs[name], valid[name]
            if numbers.dim() == 4:  # A pose's numbers are valid together.
                if self.six:
                    numbers = pose_numbers.numbers_of(numbers)
                mask = mask.repeat_interleave(numbers.shape[3], 1)
                numbers = numbers.flatten(2)
            values.append(normalise(numbers, mask, inputs))
            masks.append(mask)
        if len(values) == 0:
            any_input = inputs[self.first]
            none = self.nothing.expand(any_input.shape[0], any_input.shape[1], 0)
            return none, none[:, 0] > 0
        return torch.cat(values, 2), torch.cat(masks, 1)


class TextEncoder(nn.Module):
    """Texts as the mean of features of each byte and its neighbours."""

    def __init__(self, count: int, size: int) -> None:
        super().__init__()
        self.name = DataType.LANGUAGE.value
        self.count, self.size = count, size
        self.bytes = nn.Embedding(256, size, padding_idx=0)
        self.neighbours = nn.Conv1d(size, size, 5, padding=2)

    def forward(
        self, inputs: dict[str, Tensor], valid: dict[str, Tensor]
    ) -> tuple[Tensor, Tensor]:
        """Features (B, T, W, size), zero where there is no text; and validity (B, W)."""
        values, has = inputs[self.name], valid[self.name]
        # Before anything else, since padding may hold anything.
        texts = torch.where(has[:, None, :, None], values, 0).flatten(0, 2).long()
        there = (texts > 0).float()[:, None]
        found = torch.relu(self.neighbours(self.bytes(texts).transpose(1, 2))) * there
        mean = found.float().sum(2) / there.sum(2).clamp(min=1)
        return mean.reshape(values.shape[0], values.shape[1], self.count, self.size), has


def texts(manifest: Manifest, size: int) -> list[TextEncoder]:
    """The text encoder, if the policy reads any."""
    slots = manifest.input.get(DataType.LANGUAGE)
    return [TextEncoder(slots.width, size)] if slots else []


HIDDEN = 128


class RobotEmbedding(nn.Module):
    """A vector for the robot of each row of a batch.

    Args:
        manifest: Of the policy.
        kind: 'none': one for all robots; 'robot': one for each robot of the manifest's index, and
            one for unknown robots; 'mask': computed from the mask of its slots.
        size: Of the vector, D.
    """

    def __init__(self, manifest: Manifest, kind: str, size: int) -> None:
        super().__init__()
        self.names = [each.value for each in manifest.input]
        # TorchScript reads attributes, and no constants of the file.
        self.robot = ROBOT
        self.by_robot = kind == 'robot'
        # Row 0 is of an unknown robot, as which the sampler shows some rows.
        robots = len(manifest.robot_index) if self.by_robot else 0
        self.robots = nn.Embedding(1 + robots, size)
        # Zero before it learns: a random vector drowns what is observed for hundreds of steps.
        nn.init.zeros_(self.robots.weight)
        slots = sum(each.width for each in manifest.input.values())
        self.masks: nn.Module | None = None
        if kind == 'mask':
            last = nn.Linear(HIDDEN, size)
            nn.init.zeros_(last.weight)
            nn.init.zeros_(last.bias)
            self.masks = nn.Sequential(nn.Linear(slots, HIDDEN), nn.GELU(), last)

    def forward(self, inputs: dict[str, Tensor], valid: dict[str, Tensor]) -> Tensor:
        """Vectors (B, D)."""
        has = torch.cat([valid[name] for name in self.names], 1)
        row = torch.zeros(has.shape[0], dtype=torch.long, device=has.device)
        if self.by_robot and self.robot in inputs:
            row = inputs[self.robot] + 1
        found: Tensor = self.robots(row)
        if self.masks is not None:
            found = found + self.masks(has.float())
        return found
