"""LeRobot's ACT with the signature of DESIGN 7: from the layout to its features, and back."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from neuracore_ros.description import DataType
from neuracore_ros.policy.manifest import Manifest
from neuracore_ros.training.lerobot_act import ActNetwork


class Affine(nn.Module):
    """Normalises by ``(x - shift) / scale + offset``, and back."""

    shift: Tensor
    scale: Tensor
    offset: Tensor

    def __init__(self, shift: Tensor, scale: Tensor, offset: float) -> None:
        super().__init__()
        self.register_buffer('shift', shift)
        self.register_buffer('scale', scale)
        self.register_buffer('offset', torch.full_like(shift, offset))

    @classmethod
    def stacked(cls, parts: Sequence['Affine']) -> 'Affine':
        """One of each camera, all at once."""
        whole = cls(
            torch.stack([part.shift for part in parts]),
            torch.stack([part.scale for part in parts]),
            0.0,
        )
        whole.offset = torch.stack([part.offset for part in parts])
        return whole

    def forward(self, values: Tensor) -> Tensor:
        """Normalise."""
        return (values - self.shift) / self.scale + self.offset

    @torch.jit.export
    def back(self, normal: Tensor) -> Tensor:
        """What was normalised to this."""
        return (normal - self.offset) * self.scale + self.shift


class LerobotAct(nn.Module):
    """An ACT that was trained on padded rows, as a stock LeRobot policy sees them.

    What a robot lacks is zero *before* normalising: so it was in the dataset, whose masks a stock
    policy does not read.

    Args:
        network: With its weights.
        manifest: Of the policy.
        state_columns: Which columns of the input layout are the state's numbers.
        camera_slots: Which slots of RGB_IMAGES are the network's images.
        action_columns: Which columns of the output layout are the action's numbers.
        state: Normalises the state.
        images: Normalises images in 0..1.
        action: Normalises actions.
    """

    state_columns: Tensor
    camera_slots: Tensor
    found: Tensor

    def __init__(
        self,
        network: ActNetwork,
        manifest: Manifest,
        state_columns: Sequence[int],
        camera_slots: Sequence[int],
        action_columns: Sequence[int],
        state: Affine,
        images: Affine,
        action: Affine,
    ) -> None:
        super().__init__()
        self.network = network
        self.state, self.images, self.action = state, images, action
        self.camera = DataType.RGB_IMAGES.value
        self.numbers = [kind.value for kind in manifest.input_layout.numeric]
        layout = manifest.output_layout
        self.names = [kind.value for kind in layout.numeric]
        self.parts = [
            layout.widths[kind] * torch.Size(kind.slot_shape()).numel() for kind in layout.numeric
        ]
        self.poses = [kind.is_pose for kind in layout.numeric]
        # The last of the columns is always zero: what the action does not have.
        found = [len(action_columns)] * sum(self.parts)
        for number, column in enumerate(action_columns):
            found[column] = number
        self.register_buffer('state_columns', torch.tensor(state_columns, dtype=torch.long))
        self.register_buffer('camera_slots', torch.tensor(camera_slots, dtype=torch.long))
        self.register_buffer('found', torch.tensor(found, dtype=torch.long))

    def forward(self, inputs: dict[str, Tensor], valid: dict[str, Tensor]) -> dict[str, Tensor]:
        """Raw inputs and their validity to absolute chunks (B, H, W), as DESIGN 7 has them."""
        images = inputs[self.camera][:, -1].index_select(1, self.camera_slots)
        has = valid[self.camera].index_select(1, self.camera_slots)
        pixels = images.permute(0, 1, 4, 2, 3).float() / 255.0
        pixels = torch.where(has[:, :, None, None, None], pixels, torch.zeros_like(pixels))
        chunk = self.network(self._state(inputs, valid, images.shape[0]), self.images(pixels))
        actions = self.action.back(chunk)
        padded = torch.cat([actions, torch.zeros_like(actions[:, :, :1])], 2)
        parts = torch.split(padded.index_select(2, self.found), self.parts, 2)
        result: dict[str, Tensor] = {}
        for index, name in enumerate(self.names):
            part = parts[index]
            result[name] = (
                part.reshape(part.shape[0], part.shape[1], -1, 7) if self.poses[index] else part
            )
        return result

    def _state(self, inputs: dict[str, Tensor], valid: dict[str, Tensor], batch: int) -> Tensor:
        values: list[Tensor] = []
        for name in self.numbers:
            newest, has = inputs[name][:, -1], valid[name]
            if newest.dim() == 3:
                has = has[:, :, None]
            values.append(torch.where(has, newest, torch.zeros_like(newest)).flatten(1))
        if len(values) == 0:
            return torch.zeros(batch, 0)
        columns = torch.cat(values, 1).index_select(1, self.state_columns)
        state: Tensor = self.state(columns)
        return state
