"""A policy of hand poses that does as the number on a topic says, as a real policy file."""

import torch

from neuracore_ros.description import DataType
from neuracore_ros.policy.manifest import InputSlots, Manifest, OutputSlots
from neuracore_ros.policy.torchscript import save

HORIZON = 20
RATE_HZ = 20.0
SWING = 0.02
"""The hand goes so far round the base in a step [rad]."""
ORDERS = {
    name: 1 + number
    for number, name in enumerate(
        ('far', 'base', 'flip', 'nan', 'long quaternion', 'no quaternion', 'leap', 'out', 'spin')
    )
}


class SwingingHand(torch.nn.Module):
    """Swings the hand round the base, to and fro by 0.4 rad, from where it is measured."""

    def __init__(self) -> None:
        super().__init__()
        self.way = 1.0
        self.register_buffer('steps', torch.arange(1, HORIZON + 1, dtype=torch.float32))

    def forward(
        self, inputs: dict[str, torch.Tensor], valid: dict[str, torch.Tensor]
    ) -> dict[str, torch.Tensor]:
        pose = inputs['END_EFFECTOR_POSES'][0, -1, 0]
        order = int(inputs['CUSTOM_1D'][0, -1, 0])
        angle = float(torch.atan2(pose[1], pose[0]))
        if angle > 0.4:
            self.way = -1.0
        if angle < -0.4:
            self.way = 1.0
        turn = 0.02 * self.way * self.steps
        c, s = torch.cos(turn), torch.sin(turn)
        half_c, half_s = torch.cos(turn / 2), torch.sin(turn / 2)
        chunk = torch.zeros(self.steps.shape[0], 7)
        chunk[:, 0] = c * pose[0] - s * pose[1]
        chunk[:, 1] = s * pose[0] + c * pose[1]
        chunk[:, 2] = pose[2]
        # The rotation about z, times that of the hand.
        chunk[:, 3] = half_c * pose[3] - half_s * pose[4]
        chunk[:, 4] = half_c * pose[4] + half_s * pose[3]
        chunk[:, 5] = half_c * pose[5] + half_s * pose[6]
        chunk[:, 6] = half_c * pose[6] - half_s * pose[5]
        if order == 1:
            chunk[:, 0] += 0.04 * self.steps
        if order == 2:
            # Straight through the axis of the base.
            share = (self.steps / 10.0)[:, None]
            chunk[:, :2] = pose[:2][None] * (1.0 - share)
        if order == 3:
            # Half a turn of the hand about its own x, in one step.
            chunk[8:, 3:] = torch.stack([pose[6], pose[5], -pose[4], -pose[3]])[None]
        if order == 4:
            chunk[5, 1] = float('nan')
        if order == 5:
            chunk[:, 3:] *= 1.5
        if order == 6:
            chunk[:, 3:] = 0.0
        if order == 7:
            chunk[4:, 1] += 0.5
        if order == 8:
            chunk[:, 2] -= 0.02 * self.steps
        if order == 9:
            # Two turns a second about its own z.
            spin = 0.6 * self.steps
            c, s = torch.cos(spin / 2), torch.sin(spin / 2)
            chunk[:, 3] = c * pose[3] + s * pose[4]
            chunk[:, 4] = c * pose[4] - s * pose[3]
            chunk[:, 5] = c * pose[5] + s * pose[6]
            chunk[:, 6] = c * pose[6] - s * pose[5]
        return {'END_EFFECTOR_POSES': chunk[None, :, None]}


def write_pose_policy(path):
    """Save a `SwingingHand`."""
    slots = {
        DataType.END_EFFECTOR_POSES: InputSlots(1, (0,)),
        DataType.CUSTOM_1D: InputSlots(1, (0,)),
    }
    outputs = {DataType.END_EFFECTOR_POSES: OutputSlots(1, (0,))}
    save(SwingingHand(), Manifest(slots, outputs, rate_hz=RATE_HZ, horizon=HORIZON), path)
    return path
