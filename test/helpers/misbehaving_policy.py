"""A policy that misbehaves whenever a picture tells it to."""

from dataclasses import replace

import torch

from helpers.swaying import HORIZON, RATE_HZ, swaying_manifest
from neuracore_ros.policy.torchscript import save

ORDERS = ('raise', 'nan', 'inf', 'narrow', 'short', 'slow', 'hang', 'leap', 'far', 'near')


class Misbehaving(torch.nn.Module):
    """Sways joint 0 between -0.5 and 0.5 rad, at 0.4 rad/s, from where it is measured.

    The others sway with it, by half as much: what stops one joint must stop them all.

    One that is ``hung`` never answers, not even to the zeros of the warm-up.

    A picture of camera 1 whose middle is the colour (1 + n, 1, 2) is an order: do ORDERS[n].
    """

    def __init__(self, hung: bool = False) -> None:
        super().__init__()
        self.hung = hung
        self.way, self.leaps = 1.0, 1.0
        self.register_buffer('steps', torch.arange(1, HORIZON + 1, dtype=torch.float32))

    def forward(
        self, inputs: dict[str, torch.Tensor], valid: dict[str, torch.Tensor]
    ) -> dict[str, torch.Tensor]:
        newest = inputs['JOINT_POSITIONS'][:, -1:]
        if float(newest[0, 0, 0]) > 0.5:
            self.way = -1.0
        if float(newest[0, 0, 0]) < -0.5:
            self.way = 1.0
        chunk = newest.repeat(1, self.steps.shape[0], 1)
        chunk[:, :, 0] += 0.02 * self.way * self.steps
        chunk[:, :, 1:] += (0.01 * self.way * self.steps)[:, None]
        height, width = inputs['RGB_IMAGES'].shape[3], inputs['RGB_IMAGES'].shape[4]
        middle = inputs['RGB_IMAGES'][0, -1, -1, height // 2, width // 2]
        order = -1
        if int(middle[1]) == 1 and int(middle[2]) == 2:
            order = int(middle[0]) - 1
        if order == 0:
            raise RuntimeError('raised on purpose')
        if order == 1:
            chunk[:, 3, 1] = float('nan')
        if order == 2:
            chunk[:, 3, 1] = float('inf')
        if order == 3:
            chunk = chunk[:, :, :5]
        if order == 4:
            chunk = chunk[:, :5]
        if order == 5 or order == 6 or self.hung:
            # TorchScript cannot sleep: this takes more than the second that a chunk lasts.
            busy = torch.zeros(1)
            for _ in range(2_500_000 if order == 5 else 1_000_000_000_000):
                busy = torch.tanh(busy)
            chunk = chunk + busy
        if order == 7:
            self.leaps = -self.leaps
            chunk[:, :, 0] = 2.0 * self.leaps
        if order == 8:
            chunk[:, :, 0] += 0.9
        if order == 9:
            chunk[:, :, 0] += 0.3
        return {'JOINT_TARGET_POSITIONS': chunk}


def write_misbehaving_policy(path, cameras=2, hung=False, rate_hz=RATE_HZ):
    """Save a `Misbehaving` that reads so many cameras."""
    save(Misbehaving(hung), replace(swaying_manifest(cameras), rate_hz=rate_hz), path)
    return path
