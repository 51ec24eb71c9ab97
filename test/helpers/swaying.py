"""A policy that sways the UR5, without torch: what a server of the tests answers."""

import numpy as np

from neuracore_ros.description import DataType
from neuracore_ros.policy.manifest import InputSlots, Manifest, OutputSlots

WIDTH = 7
HORIZON = 20
RATE_HZ = 20.0
STEP_S = 1.0 / RATE_HZ
# Of the joints beside joint 0 [rad/s].
OTHERS = 0.2


def swaying_manifest(cameras=2):
    """The manifest of a policy that reads seven joints and so many cameras."""
    slots = tuple(range(WIDTH))
    return Manifest(
        input={
            DataType.JOINT_POSITIONS: InputSlots(WIDTH, slots),
            DataType.RGB_IMAGES: InputSlots(cameras, tuple(range(cameras)), image_size=(48, 64)),
        },
        output={DataType.JOINT_TARGET_POSITIONS: OutputSlots(WIDTH, slots)},
        rate_hz=RATE_HZ,
        horizon=HORIZON,
    )


class Swaying:
    """Sways joint 0 between -0.5 and 0.5 rad, at 0.4 rad/s, and the others half as much."""

    def __init__(self):
        self.way = 1.0

    def __call__(self, newest):
        """A chunk, float32 (HORIZON, W), from the joints that were measured, (W,)."""
        if abs(newest[0]) > 0.5:
            self.way = -np.sign(newest[0])
        speeds = np.full(len(newest), 0.01)
        speeds[0] = 0.02
        steps = np.arange(1, HORIZON + 1)[:, None]
        return (newest + self.way * steps * speeds).astype(np.float32)
