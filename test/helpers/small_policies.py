"""Small policies whose whole behaviour is on this page, as real policy files."""

import torch

from neuracore_ros.description import DataType
from neuracore_ros.policy.manifest import InputSlots, Manifest, OutputSlots
from neuracore_ros.policy.torchscript import save

HORIZON = 20
RATE_HZ = 20.0
ALL = tuple(range(7))


class Sweep(torch.nn.Module):
    """Moves joint 0 by ``speed`` a step, from where it is measured, and leaves the others.

    Its ``fault`` happens once, at observation number ``at``; the zeros of the warm-up do not
    count. ``ahead`` puts the whole chunk so far from the measured joint.
    """

    def __init__(self, speed: float = 0.0, fault: str = '', at: int = 0, ahead: float = 0.0):
        super().__init__()
        self.speed, self.fault, self.at, self.ahead = speed, fault, at, ahead
        self.seen = 0
        self.register_buffer('steps', torch.arange(1, HORIZON + 1, dtype=torch.float32))

    def forward(
        self, inputs: dict[str, torch.Tensor], valid: dict[str, torch.Tensor]
    ) -> dict[str, torch.Tensor]:
        newest = inputs['JOINT_POSITIONS'][:, -1:]
        if bool(newest.abs().sum() > 0):
            self.seen += 1
        chunk = newest.repeat(1, self.steps.shape[0], 1)
        chunk[:, :, 0] += self.ahead + self.speed * self.steps
        if self.at > 0 and self.seen == self.at:
            if self.fault == 'nan':
                chunk[:, 3, 1] = float('nan')
            if self.fault == 'shape':
                chunk = chunk[:, :5]
            if self.fault == 'raise':
                raise RuntimeError('raised on purpose')
            if self.fault == 'slow' or self.fault == 'hang':
                # TorchScript cannot sleep: this takes more than the second that a chunk lasts.
                busy = torch.zeros(1)
                for _ in range(2_500_000 if self.fault == 'slow' else 1_000_000_000_000):
                    busy = torch.tanh(busy)
                chunk = chunk + busy
        return {'JOINT_TARGET_POSITIONS': chunk}


class StandStill(torch.nn.Module):
    """Repeats the newest joints, plus a constant."""

    def __init__(self, horizon: int = 5, add: float = 0.0, key: str = 'JOINT_TARGET_POSITIONS'):
        super().__init__()
        self.horizon = horizon
        self.key = key
        self.register_buffer('add', torch.tensor(add))

    def forward(
        self, inputs: dict[str, torch.Tensor], valid: dict[str, torch.Tensor]
    ) -> dict[str, torch.Tensor]:
        newest = inputs['JOINT_POSITIONS'][:, -1:] * valid['JOINT_POSITIONS'][:, None]
        return {self.key: newest.repeat(1, self.horizon, 1) + self.add}


def write_policy(path, width=7, image_size=(48, 64), horizon=HORIZON, **behaviour):
    """Save a `Sweep`; with another ``horizon`` the manifest lies."""
    save(Sweep(**behaviour), manifest(width, image_size, horizon), path)
    return path


def manifest(width=7, image_size=(48, 64), horizon=HORIZON):
    """Of a policy with two cameras."""
    trained = tuple(range(width))
    return Manifest(
        input={
            DataType.JOINT_POSITIONS: InputSlots(width, trained),
            DataType.RGB_IMAGES: InputSlots(2, (0, 1), image_size=image_size),
        },
        output={DataType.JOINT_TARGET_POSITIONS: OutputSlots(width, trained)},
        rate_hz=RATE_HZ,
        horizon=horizon,
    )
