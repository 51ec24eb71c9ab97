"""A rig of three joints that are commanded by the pose of their hand."""

from dataclasses import dataclass

import numpy as np

from helpers.runner_rig import RATE_HZ, Rig
from helpers.small_chain import JOINTS, ROBOT, pose
from neuracore_ros.description import DataType
from neuracore_ros.policy.manifest import InputSlots, Manifest, OutputSlots
from neuracore_ros.sim.controller import TrajectoryController

POSES = DataType.END_EFFECTOR_POSES
START = (0.5, 0.9, -0.4)
HORIZON = 16
# The topics of the rig.
RELATIVE = ROBOT.replace('/joint_states', 'joint_states').replace('/arm/joint_trajectory', 'arm')


def manifest():
    return Manifest(
        {POSES: InputSlots(1, (0,))},
        {POSES: OutputSlots(1, (0,))},
        rate_hz=RATE_HZ,
        horizon=HORIZON,
    )


@dataclass
class PoseRig(Rig):
    """A rig of three joints, whose model gives poses (16, 7)."""

    start: tuple = START

    def __post_init__(self):
        super().__post_init__()
        self.names = [*JOINTS]
        self.velocity = np.array([2.0, 2.0, 4.0])
        self.velocities = np.zeros(3)
        self.controller = TrajectoryController(self.names, self.positions)

    def predict(self, request):
        return {POSES: np.asarray(self.model(request))[:, None]}

    def pose(self):
        return pose(*self.positions)


def stay(positions=START):
    return lambda request: np.tile(pose(*positions), (HORIZON, 1))
