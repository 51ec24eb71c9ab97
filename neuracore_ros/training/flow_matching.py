"""The policy `diffusion`: flow matching from noise to a chunk, along straight lines.

Flow matching (Lipman et al., ICLR 2023; Liu et al., "Flow Straight and Fast", ICLR 2023) over
chunks of actions, as in pi0 (Black et al., 2024), by a transformer as in Diffusion Policy (Chi et
al., RSS 2023): ten steps do what a DDPM needs a hundred for, and the loss is one line.

It continues a plan that is in force: training-time real-time chunking (Black et al.,
"Training-Time Action Conditioning for Efficient Real-Time Chunking", 2025) learns with the first
steps given, so that a robot that executes them meanwhile is part of what is learnt, and costs
nothing when it predicts.
"""

import math

import torch
from torch import Tensor, nn

from neuracore_ros.policy.manifest import Manifest
from neuracore_ros.policy.signature import FROZEN, PREVIOUS
from neuracore_ros.training.chunk_policy import ChunkPolicy, Example, Losses, Term
from neuracore_ros.training.config import NetworkOptions
from neuracore_ros.training.normalise import Normalisation
from neuracore_ros.training.normalisers import Denormalisers
from neuracore_ros.training.observation_encoder import ObservationTokens, learnt
from neuracore_ros.training.transformer import TransformerDecoderLayer, TransformerEncoder

CONTINUED = 0.5
"""Share of the training rows that begin with a plan in force."""

NOISE_SEED = 0


class FlowMatching(ChunkPolicy):
    """A policy that denoises a chunk in a few equal steps.

    The noise that it begins with is drawn once and is part of the weights: equal observations give
    equal chunks, in every runtime, and two chunks that follow each other are of one mind. Zeros,
    the other way to that, are no noise that training ever showed it.
    """

    inpaints = True
    noise: Tensor

    def __init__(
        self, manifest: Manifest, statistics: Normalisation, options: NetworkOptions
    ) -> None:
        super().__init__()
        size = options.width
        self.horizon, self.steps = manifest.horizon, options.flow_steps
        self.tokens = ObservationTokens(manifest, statistics, options)
        self.outputs = Denormalisers(manifest, statistics)
        self.encoder = TransformerEncoder(size, options.layers)
        actions = sum(self.outputs.widths)
        self.denoiser = Denoiser(actions, self.horizon, size, options.layers)
        # TorchScript reads attributes, and no constants of the file.
        self.names, self.previous = [kind.value for kind in manifest.output], PREVIOUS
        self.frozen = FROZEN
        # What a robot lacks is not in its outputs either, where they are measured by their slot.
        self.measured = [
            kind.measured.value if kind.measured in manifest.input else ''
            for kind in manifest.output
        ]
        generator = torch.Generator().manual_seed(NOISE_SEED)
        noise = torch.randn(1, self.horizon, actions, generator=generator)
        self.register_buffer('noise', noise)

    def forward(self, inputs: dict[str, Tensor], valid: dict[str, Tensor]) -> dict[str, Tensor]:
        """Absolute chunks (B, H, W) for raw inputs and their masks."""
        tokens, has = self.observe(inputs, valid)
        memory = self.denoiser.remember(tokens)
        slots = self.slots(valid, tokens.shape[0])
        plan, frozen = self.plan(inputs, valid, slots)
        given = frozen >= 1.0
        always = torch.ones_like(given)
        chunk = self.noise * slots
        for step in range(self.steps):
            time = float(step) / float(self.steps)
            chunk = torch.where(given[..., None], plan, chunk)
            times = torch.where(given, 1.0, time)
            velocity = self.denoiser(chunk * slots, times, always, memory, has)
            # Where this leads is drawn to the plan, as far as that is still to be followed.
            end = chunk + (1.0 - time) * velocity
            end = end + frozen[..., None] * (plan - end)
            chunk = chunk + (end - chunk) / float(self.steps - step)
        result: dict[str, Tensor] = self.outputs(chunk, inputs, valid)
        return result

    def loss(self, example: Example) -> Losses:
        """Error of the velocity at a random time, in standard deviations."""
        inputs, valid, targets, target_valid, weights = example
        tokens, has = self.observe(inputs, valid)
        counts = self.outputs.joined(target_valid)
        recorded = self.outputs.invert(targets, inputs, valid)
        recorded = torch.where(counts, recorded, torch.zeros_like(recorded))
        slots = self.slots(valid, tokens.shape[0])
        noise = torch.randn_like(recorded) * slots
        given = self.draw_given(tokens.shape[0]).to(tokens.device)
        time = torch.where(given, 1.0, draw_times(tokens.shape[0]).to(tokens.device))
        chunk = noise + time[..., None] * (recorded - noise)
        # No step attends to one beyond the end of an episode; the first is always there.
        there = counts.any(2) | (torch.arange(self.horizon, device=counts.device) == 0)
        memory = self.denoiser.remember(tokens)
        velocity = self.denoiser(chunk * slots, time, there, memory, has)
        errors = (velocity - (recorded - noise)) ** 2
        return {'flow': Term.over(errors, counts & ~given[..., None], weights)}

    def observe(
        self, inputs: dict[str, Tensor], valid: dict[str, Tensor]
    ) -> tuple[Tensor, Tensor]:
        """Encoded tokens (B, M, D), and which of them are there (B, M)."""
        tokens, has = self.tokens(inputs, valid)
        return self.encoder(tokens, has), has

    def slots(self, valid: dict[str, Tensor], batch: int) -> Tensor:
        """A mask of the robot's output numbers, (B, 1, sum of N), as its inputs show them."""
        parts: list[Tensor] = []
        for index, name in enumerate(self.measured):
            part = torch.ones(batch, self.outputs.widths[index], device=self.noise.device)
            if name != '':
                known = valid[name].float().repeat_interleave(self.outputs.sizes[index], 1)
                known = known[:, : part.shape[1]]
                part = torch.cat([known, part[:, known.shape[1] :]], 1)
            parts.append(part)
        return torch.cat(parts, 1)[:, None]

    def plan(
        self, inputs: dict[str, Tensor], valid: dict[str, Tensor], slots: Tensor
    ) -> tuple[Tensor, Tensor]:
        """The plan in force, normalised (B, H, sum of N), and how firm it is (B, H)."""
        shape = (slots.shape[0], self.horizon, slots.shape[2])
        if self.frozen not in inputs:
            nothing = torch.zeros(shape, device=slots.device)
            return nothing, nothing[:, :, 0]
        frozen = inputs[self.frozen]
        previous: dict[str, Tensor] = {}
        for name in self.names:
            previous[name] = inputs[self.previous + name]
        plan = self.outputs.invert(previous, inputs, valid)
        kept = (frozen[..., None] > 0) & (slots > 0)
        return torch.where(kept, plan, torch.zeros_like(plan)), frozen

    def draw_given(self, batch: int) -> Tensor:
        """A random mask (B, H) of the given steps: the first ones, at most half, or none."""
        most = max(1, self.horizon // 2)
        count = torch.randint(1, most + 1, (batch, 1)) * (torch.rand(batch, 1) < CONTINUED)
        # At least the last step has to be predicted.
        return torch.arange(self.horizon) < torch.clamp(count, max=self.horizon - 1)


def draw_times(batch: int) -> Tensor:
    """Random times (B, 1) in 0..1 by pi0's distribution, more of them near the noise."""
    return 1.0 - torch.rand(batch, 1) ** (1 / 1.5)


class Denoiser(nn.Module):
    """A transformer from a noisy chunk, each step at its own time, to the velocity of its flow."""

    def __init__(self, actions: int, horizon: int, size: int, layers: int) -> None:
        super().__init__()
        self.action = nn.Linear(actions, size)
        self.mix = nn.Sequential(nn.Linear(2 * size, size), nn.SiLU(), nn.Linear(size, size))
        self.step = learnt(horizon, size)
        self.layers = nn.ModuleList(TransformerDecoderLayer(size) for _ in range(layers))
        self.head = nn.Sequential(nn.LayerNorm(size), nn.Linear(size, actions))
        # Periods from 4 times to a 250th of the way, as pi0 has them.
        waves = torch.logspace(math.log10(0.004), math.log10(4.0), size // 2)
        self.register_buffer('frequency', 2 * math.pi / waves, persistent=False)

    frequency: Tensor

    def remember(self, tokens: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Keys and values of an observation (B, M, D), for every step of the flow."""
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
            counts: Steps that others may attend to, (B, H).
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
