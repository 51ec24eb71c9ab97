"""LeRobot's ACT (Zhao et al., RSS 2023) for inference, with the signature of policy files.

Names of modules are those of LeRobot's state dict. The VAE encoder, which only training uses, is
not here: at inference the latent is zero.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from neuracore_ros.description import DataType
from neuracore_ros.policy.manifest import Manifest
from neuracore_ros.training.resnet import CHANNELS, STRIDE, FrozenNorm, ResNet


@dataclass(frozen=True, slots=True)
class ActShape:
    """The sizes of the network; defaults are LeRobot's.

    Attributes:
        state: Numbers of the state; 0: there is none.
        cameras: Images, K.
        image_size: (height, width) of each, [px].
        actions: Numbers of one action.
        horizon: Actions of a chunk, H.
        width: Of a token, D.
        backbone: 'resnet18' or 'resnet34'.
        norm_first: Whether layers normalise before attention rather than after it.
    """

    state: int
    cameras: int
    image_size: tuple[int, int]
    actions: int
    horizon: int = 100
    width: int = 512
    heads: int = 8
    feed_forward: int = 3200
    encoder_layers: int = 4
    decoder_layers: int = 1
    latent: int = 32
    activation: str = 'relu'
    backbone: str = 'resnet18'
    norm_first: bool = False


class ActNetwork(nn.Module):
    """Normalised state and images to a chunk of normalised actions."""

    latent: Tensor
    patch_positions: Tensor

    def __init__(self, shape: ActShape) -> None:
        super().__init__()
        width = shape.width
        self.horizon = shape.horizon
        self.backbone = ResNet(shape.backbone, FrozenNorm)
        self.encoder = ActEncoder(shape)
        self.decoder = ActDecoder(shape)
        self.encoder_robot_state_input_proj: nn.Module = nn.Identity()
        if shape.state:
            self.encoder_robot_state_input_proj = nn.Linear(shape.state, width)
        self.has_state = shape.state > 0
        self.encoder_latent_input_proj = nn.Linear(shape.latent, width)
        self.encoder_img_feat_input_proj = nn.Conv2d(CHANNELS, width, 1)
        self.encoder_1d_feature_pos_embed = nn.Embedding(1 + self.has_state, width)
        self.decoder_pos_embed = nn.Embedding(shape.horizon, width)
        self.action_head = nn.Linear(width, shape.actions)
        patches = _patch_positions(shape).repeat(shape.cameras, 1)
        self.register_buffer('patch_positions', patches, persistent=False)
        self.register_buffer('latent', torch.zeros(shape.latent), persistent=False)

    def forward(self, state: Tensor, images: Tensor) -> Tensor:
        """A chunk (B, H, actions) of state (B, S) and images (B, K, 3, height, width)."""
        batch = images.shape[0]
        maps = self.encoder_img_feat_input_proj(self.backbone(images.flatten(0, 1)))
        patches = maps.flatten(2).transpose(1, 2).reshape(batch, -1, maps.shape[1])
        singles = [self.encoder_latent_input_proj(self.latent).expand(batch, -1)]
        if self.has_state:
            singles.append(self.encoder_robot_state_input_proj(state))
        tokens = torch.cat([torch.stack(singles, 1), patches], 1)
        positions = torch.cat([self.encoder_1d_feature_pos_embed.weight, self.patch_positions])
        memory = self.encoder(tokens, positions)
        queries = self.decoder_pos_embed.weight
        chunk = self.decoder(
            torch.zeros_like(queries).expand(batch, -1, -1), queries, memory, positions
        )
        result: Tensor = self.action_head(chunk)
        return result


class ActEncoderLayer(nn.TransformerEncoderLayer):
    """Self-attention and a feed-forward network; positions go into queries and keys only."""

    def forward(self, tokens: Tensor, positions: Tensor) -> Tensor:  # type: ignore[override]
        """Tokens (B, M, D), each mixed with the others."""
        normal = self.norm1(tokens) if self.norm_first else tokens
        where = normal + positions
        tokens = tokens + self.self_attn(where, where, normal, need_weights=False)[0]
        if not self.norm_first:
            tokens = self.norm1(tokens)
        normal = self.norm2(tokens) if self.norm_first else tokens
        tokens = tokens + self._ff_block(normal)
        return tokens if self.norm_first else self.norm2(tokens)


class ActEncoder(nn.Module):
    """Layers over all tokens."""

    def __init__(self, shape: ActShape) -> None:
        super().__init__()
        self.layers = _layers(ActEncoderLayer, shape.encoder_layers, shape)
        self.norm = nn.LayerNorm(shape.width) if shape.norm_first else nn.Identity()

    def forward(self, tokens: Tensor, positions: Tensor) -> Tensor:
        """Encoded tokens (B, M, D)."""
        for layer in self.layers:
            tokens = layer(tokens, positions)
        result: Tensor = self.norm(tokens)
        return result


class ActDecoderLayer(nn.TransformerDecoderLayer):
    """Queries attend to each other, then to the encoder's tokens."""

    def forward(  # type: ignore[override]
        self, tokens: Tensor, queries: Tensor, memory: Tensor, places: Tensor
    ) -> Tensor:
        """Tokens (B, H, D); queries and places are positions of tokens and of the memory."""
        normal = self.norm1(tokens) if self.norm_first else tokens
        where = normal + queries
        tokens = tokens + self.self_attn(where, where, normal, need_weights=False)[0]
        if not self.norm_first:
            tokens = self.norm1(tokens)
        normal = self.norm2(tokens) if self.norm_first else tokens
        tokens = (
            tokens
            + self.multihead_attn(normal + queries, memory + places, memory, need_weights=False)[0]
        )
        if not self.norm_first:
            tokens = self.norm2(tokens)
        normal = self.norm3(tokens) if self.norm_first else tokens
        tokens = tokens + self._ff_block(normal)
        return tokens if self.norm_first else self.norm3(tokens)


class ActDecoder(nn.Module):
    """Layers over all queries."""

    def __init__(self, shape: ActShape) -> None:
        super().__init__()
        self.layers = _layers(ActDecoderLayer, shape.decoder_layers, shape)
        self.norm = nn.LayerNorm(shape.width)

    def forward(self, tokens: Tensor, queries: Tensor, memory: Tensor, places: Tensor) -> Tensor:
        """Decoded tokens (B, H, D)."""
        for layer in self.layers:
            tokens = layer(tokens, queries, memory, places)
        result: Tensor = self.norm(tokens)
        return result


def _layers(kind: Callable[..., nn.Module], count: int, shape: ActShape) -> nn.ModuleList:
    sizes = shape.width, shape.heads, shape.feed_forward
    how = {'activation': shape.activation, 'norm_first': shape.norm_first}
    return nn.ModuleList(kind(*sizes, dropout=0.0, batch_first=True, **how) for _ in range(count))


def _patch_positions(shape: ActShape) -> Tensor:
    """Sines and cosines of each patch's row and column, (patches, D), row by row."""
    rows, columns = (math.ceil(pixels / STRIDE) for pixels in shape.image_size)
    half = shape.width // 2
    frequency = 10000 ** (2 * (torch.arange(half, dtype=torch.float32) // 2) / half)

    def waves(count: int) -> Tensor:
        turns = torch.arange(1, count + 1, dtype=torch.float32) / (count + 1e-6) * (2 * math.pi)
        angles = turns[:, None] / frequency
        return torch.stack([angles[:, 0::2].sin(), angles[:, 1::2].cos()], 2).flatten(1)

    down = waves(rows)[:, None].expand(-1, columns, -1)
    across = waves(columns)[None].expand(rows, -1, -1)
    return torch.cat([down, across], 2).flatten(0, 1)


class Affine(nn.Module):
    """The normalising ``(x - shift) / scale + offset``, and its inverse."""

    shift: Tensor
    scale: Tensor
    offset: Tensor

    def __init__(self, shift: Tensor, scale: Tensor, offset: Tensor | float) -> None:
        super().__init__()
        self.register_buffer('shift', shift)
        self.register_buffer('scale', scale)
        self.register_buffer('offset', torch.zeros_like(shift) + offset)

    @classmethod
    def stacked(cls, parts: Sequence['Affine']) -> 'Affine':
        """The normalising of all cameras at once."""
        shift, scale, offset = zip(
            *((part.shift, part.scale, part.offset) for part in parts), strict=True
        )
        return cls(torch.stack(shift), torch.stack(scale), torch.stack(offset))

    def forward(self, values: Tensor) -> Tensor:
        """Normalise."""
        return (values - self.shift) / self.scale + self.offset

    @torch.jit.export
    def back(self, normal: Tensor) -> Tensor:
        """Invert the normalising."""
        return (normal - self.offset) * self.scale + self.shift


class LerobotAct(nn.Module):
    """An ACT of LeRobot, which was trained on padded rows, as a policy.

    Slots that a robot lacks are zero *before* normalising, as in the dataset, whose masks
    LeRobot does not read.

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
        """Absolute chunks (B, H, W) for raw inputs and their masks."""
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
            return torch.zeros(batch, 0, device=self.state_columns.device)
        columns = torch.cat(values, 1).index_select(1, self.state_columns)
        state: Tensor = self.state(columns)
        return state
