"""From raw numbers and texts of any layout to features."""

import torch
from torch import Tensor, nn

from neuracore_ros.description import DataType
from neuracore_ros.policy.manifest import Manifest
from neuracore_ros.training.normalise import Normaliser
from neuracore_ros.training.scales import Statistics


class Numbers(nn.Module):
    """All numeric inputs, normalised, masked and concatenated, with their masks beside them."""

    nothing: Tensor

    def __init__(self, manifest: Manifest, statistics: Statistics) -> None:
        super().__init__()
        layout = manifest.input_layout
        self.width = len(layout.columns())
        self.normalisers = nn.ModuleDict(
            {kind.value: Normaliser(statistics.input[kind]) for kind in layout.numeric}
        )
        self.register_buffer('nothing', torch.zeros(0), persistent=False)

    def forward(
        self, inputs: dict[str, Tensor], valid: dict[str, Tensor], batch: int, steps: int
    ) -> tuple[Tensor, Tensor]:
        """Values (B, T, C) and their validity (B, C), C being the numbers of all slots."""
        values: list[Tensor] = []
        masks: list[Tensor] = []
        for name, normalise in self.normalisers.items():
            numbers, mask = inputs[name], valid[name]
            if numbers.dim() == 4:  # A pose's numbers are valid together.
                mask = mask.repeat_interleave(numbers.shape[3], 1)
                numbers = numbers.flatten(2)
            values.append(normalise(numbers, mask, inputs))
            masks.append(mask)
        if len(values) == 0:
            none = self.nothing.expand(batch, steps, 0)
            return none, none[:, 0] > 0
        return torch.cat(values, 2), torch.cat(masks, 1)


class Texts(nn.Module):
    """What the robot is told: the mean of features of each byte and its neighbours."""

    def __init__(self, count: int, size: int) -> None:
        super().__init__()
        self.name = DataType.LANGUAGE.value
        self.count, self.size = count, size
        self.bytes = nn.Embedding(256, size, padding_idx=0)
        self.neighbours = nn.Conv1d(size, size, 5, padding=2)

    def forward(
        self, inputs: dict[str, Tensor], valid: dict[str, Tensor], batch: int, steps: int
    ) -> tuple[Tensor, Tensor]:
        """Features (B, T, W, size), zero where nothing is told; and validity (B, W)."""
        has = valid[self.name]
        # Before anything else, since padding may hold anything.
        texts = torch.where(has[:, None, :, None], inputs[self.name], 0).flatten(0, 2).long()
        there = (texts > 0).float()[:, None]
        found = torch.relu(self.neighbours(self.bytes(texts).transpose(1, 2))) * there
        mean = found.float().sum(2) / there.sum(2).clamp(min=1)
        return mean.reshape(batch, steps, self.count, self.size), has


def texts(manifest: Manifest, size: int) -> list[Texts]:
    """The text encoder, if the policy reads any."""
    slots = manifest.input.get(DataType.LANGUAGE)
    return [Texts(slots.width, size)] if slots else []
