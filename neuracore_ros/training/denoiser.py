"""A transformer from a noisy chunk to the way out of the noise."""

import math

import torch
from torch import Tensor, nn

from neuracore_ros.training.attention import DecoderLayer
from neuracore_ros.training.observation_tokens import learnt


class Denoiser(nn.Module):
    """Steps of a chunk, each at a time of its own, attend to each other and to an observation."""

    def __init__(self, actions: int, horizon: int, size: int, layers: int) -> None:
        super().__init__()
        self.action = nn.Linear(actions, size)
        self.mix = nn.Sequential(nn.Linear(2 * size, size), nn.SiLU(), nn.Linear(size, size))
        self.step = learnt(horizon, size)
        self.layers = nn.ModuleList(DecoderLayer(size) for _ in range(layers))
        self.head = nn.Sequential(nn.LayerNorm(size), nn.Linear(size, actions))
        # Periods from 4 times to a 250th of the way, as pi0 has them.
        waves = torch.logspace(math.log10(0.004), math.log10(4.0), size // 2)
        self.register_buffer('frequency', 2 * math.pi / waves, persistent=False)

    frequency: Tensor

    def remember(self, tokens: Tensor) -> list[tuple[Tensor, Tensor]]:
        """An observation (B, M, D), made ready for every step of the way."""
        memory: list[tuple[Tensor, Tensor]] = []
        for layer in self.layers:
            memory.append(layer.remember(tokens))  # type: ignore[operator]
        return memory

    def forward(
        self,
        chunk: Tensor,
        time: Tensor,
        counts: Tensor,
        memory: list[tuple[Tensor, Tensor]],
        has: Tensor,
    ) -> Tensor:
        """Velocity of each number, (B, H, W).

        Args:
            chunk: Partly noise, (B, H, W).
            time: Of each step, (B, H): 0 is noise, 1 is an action.
            counts: Steps that others may look at, (B, H).
            memory: What was observed.
            has: Which of its tokens are there, (B, M).
        """
        angles = time[..., None] * self.frequency
        when = torch.cat([angles.sin(), angles.cos()], 2)
        steps: Tensor = self.mix(torch.cat([self.action(chunk), when], 2)) + self.step
        for index, layer in enumerate(self.layers):
            steps = layer(steps, counts, memory[index], has)
        velocity: Tensor = self.head(steps)
        return velocity.float()
