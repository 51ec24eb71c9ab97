"""Three arms as tables of numbers, and their kinematics.

The numbers are facts read from the URDFs of the ``example-robot-data`` collection
(BSD-2-Clause), whose sources are: Panda: ``franka_ros`` (Apache-2.0); UR5: ``universal_robot``
of ROS-Industrial (BSD-3-Clause); SO-100: ``SO-ARM100`` of TheRobotStudio (Apache-2.0). No file
of theirs is part of this package; shapes, colours and home postures are our own.

World frame: z up, x forward, the table's top at z = 0, the arm's base at the origin.
Lengths are in m, angles in rad.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import pi
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from neuracore_ros.arrays import FloatArray
from neuracore_ros.kinematics.forward import Kinematics
from neuracore_ros.kinematics.joint_tree import TreeJoint, Triple

Colour: TypeAlias = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Revolute:
    """One row of an arm's table.

    ``xyz`` [m] and ``rpy`` [rad] place the joint in its parent's frame, as in a URDF;
    ``lower`` and ``upper`` are in rad, ``velocity`` is the limit in rad/s.
    """

    name: str
    xyz: Triple
    rpy: Triple
    axis: Triple
    lower: float
    upper: float
    velocity: float


@dataclass(frozen=True, slots=True)
class Capsule:
    """A thick line from ``start`` to ``end`` [m] in frame ``frame``, for drawing only.

    Frame 0 is the base, frame i the link after joint i, frame -1 the tool.
    """

    frame: int
    start: Triple
    end: Triple
    radius: float
    colour: Colour


@dataclass(frozen=True, slots=True)
class ReachArm:
    """A serial arm with revolute joints.

    Attributes:
        links: Names of the base link and of the link after each joint.
        yaw: Rotation of the base about z, so that every arm faces x [rad].
        tool_xyz: The tool point in the last link [m]; ``tool_rpy`` turns z to the approach.
        home: The posture that the expert prefers and trials start near, [rad].
        reach: The scale of the scene: table, cameras, targets and tolerance grow with it [m].
        passengers: Joints that its driver publishes although no command moves them [rad or m].
    """

    name: str
    joints: tuple[Revolute, ...]
    links: tuple[str, ...]
    tool_xyz: Triple
    tool_rpy: Triple
    home: tuple[float, ...]
    reach: float
    capsules: tuple[Capsule, ...]
    yaw: float = 0.0
    passengers: Mapping[str, float] = field(default_factory=dict)

    @property
    def joint_names(self) -> tuple[str, ...]:
        """Names of the commanded joints, base to tool."""
        return tuple(joint.name for joint in self.joints)


X, Y, Z = (1, 0, 0), (0, 1, 0), (0, 0, 1)
WHITE, GREY, DARK = (232, 234, 238), (150, 156, 166), (58, 62, 70)
SILVER, BLUE, GREEN = (196, 202, 210), (92, 142, 196), (110, 186, 150)

FRANKA = ReachArm(
    name='franka',
    joints=(
        Revolute('panda_joint1', (0, 0, 0.333), (0, 0, 0), Z, -2.8973, 2.8973, 2.175),
        Revolute('panda_joint2', (0, 0, 0), (-pi / 2, 0, 0), Z, -1.7628, 1.7628, 2.175),
        Revolute('panda_joint3', (0, -0.316, 0), (pi / 2, 0, 0), Z, -2.8973, 2.8973, 2.175),
        Revolute('panda_joint4', (0.0825, 0, 0), (pi / 2, 0, 0), Z, -3.0718, -0.0698, 2.175),
        Revolute('panda_joint5', (-0.0825, 0.384, 0), (-pi / 2, 0, 0), Z, -2.8973, 2.8973, 2.61),
        Revolute('panda_joint6', (0, 0, 0), (pi / 2, 0, 0), Z, -0.0175, 3.7525, 2.61),
        Revolute('panda_joint7', (0.088, 0, 0), (pi / 2, 0, 0), Z, -2.8973, 2.8973, 2.61),
    ),
    links=tuple(f'panda_link{number}' for number in range(8)),
    tool_xyz=(0, 0, 0.2104),
    tool_rpy=(0, 0, -pi / 4),
    home=(0, -0.6, 0, -2.5, 0, 1.9, pi / 4),
    reach=0.855,
    capsules=(
        Capsule(0, (-0.06, 0, 0.04), (0, 0, 0.06), 0.085, WHITE),
        Capsule(1, (0, 0, -0.26), (0, 0, 0), 0.066, WHITE),
        Capsule(2, (0, 0, -0.07), (0, 0, 0.07), 0.066, GREY),
        Capsule(3, (0, 0, -0.26), (0, 0, -0.05), 0.062, WHITE),
        Capsule(3, (0, 0, -0.05), (0.0825, 0, 0), 0.058, WHITE),
        Capsule(4, (0, 0, -0.06), (0, 0, 0.06), 0.058, GREY),
        Capsule(4, (0, 0, 0), (-0.0825, 0.1, 0), 0.056, WHITE),
        Capsule(5, (0, 0, -0.28), (0, 0.02, -0.06), 0.052, WHITE),
        Capsule(6, (0, 0, -0.05), (0, 0, 0.06), 0.052, GREY),
        Capsule(6, (0, 0, 0.0), (0.088, 0, 0), 0.048, WHITE),
        Capsule(7, (0, 0, -0.01), (0, 0, 0.09), 0.046, WHITE),
        Capsule(-1, (0, -0.075, -0.085), (0, 0.075, -0.085), 0.032, WHITE),
        Capsule(-1, (0, -0.055, -0.06), (0, -0.055, 0.008), 0.012, DARK),
        Capsule(-1, (0, 0.055, -0.06), (0, 0.055, 0.008), 0.012, DARK),
    ),
    passengers={'panda_finger_joint1': 0.035, 'panda_finger_joint2': 0.035},
)

UR5 = ReachArm(
    name='ur5',
    joints=(
        Revolute('shoulder_pan_joint', (0, 0, 0.089159), (0, 0, 0), Z, -2 * pi, 2 * pi, 3.15),
        Revolute('shoulder_lift_joint', (0, 0.13585, 0), (0, pi / 2, 0), Y, -2 * pi, 2 * pi, 3.15),
        Revolute('elbow_joint', (0, -0.1197, 0.425), (0, 0, 0), Y, -pi, pi, 3.15),
        Revolute('wrist_1_joint', (0, 0, 0.39225), (0, pi / 2, 0), Y, -2 * pi, 2 * pi, 3.2),
        Revolute('wrist_2_joint', (0, 0.093, 0), (0, 0, 0), Z, -2 * pi, 2 * pi, 3.2),
        Revolute('wrist_3_joint', (0, 0, 0.09465), (0, 0, 0), Y, -2 * pi, 2 * pi, 3.2),
    ),
    links=(
        'base_link',
        'shoulder_link',
        'upper_arm_link',
        'forearm_link',
        'wrist_1_link',
        'wrist_2_link',
        'wrist_3_link',
    ),
    # The flange is at y = 0.0823; a two-finger gripper of 0.13 m is ours.
    tool_xyz=(0, 0.2123, 0),
    tool_rpy=(-pi / 2, 0, 0),
    home=(-0.2, -1.75, 1.75, -pi / 2, -pi / 2, -0.2),
    reach=0.85,
    capsules=(
        Capsule(0, (0, 0, 0.02), (0, 0, 0.04), 0.078, GREY),
        Capsule(1, (0, -0.02, 0), (0, 0.06, 0), 0.064, BLUE),
        Capsule(2, (0, -0.05, 0), (0, 0.05, 0), 0.062, BLUE),
        Capsule(2, (0, 0, 0.04), (0, 0, 0.4), 0.054, SILVER),
        Capsule(3, (0, -0.04, 0), (0, 0.09, 0), 0.054, BLUE),
        Capsule(3, (0, 0, 0.03), (0, 0, 0.36), 0.045, SILVER),
        Capsule(4, (0, -0.02, 0), (0, 0.1, 0), 0.043, BLUE),
        Capsule(5, (0, 0, -0.03), (0, 0, 0.1), 0.043, BLUE),
        Capsule(6, (0, 0, 0), (0, 0.08, 0), 0.042, SILVER),
        Capsule(-1, (0, 0, -0.13), (0, 0, -0.08), 0.036, DARK),
        Capsule(-1, (-0.055, 0, -0.075), (0.055, 0, -0.075), 0.026, DARK),
        Capsule(-1, (-0.055, 0, -0.07), (-0.055, 0, 0.008), 0.012, DARK),
        Capsule(-1, (0.055, 0, -0.07), (0.055, 0, 0.008), 0.012, DARK),
    ),
)

SO100 = ReachArm(
    name='so100',
    joints=(
        Revolute('shoulder_pan', (0, -0.0452, 0.0165), (1.57079, 0, 0), Y, -2.0, 2.0, 1.0),
        Revolute('shoulder_lift', (0, 0.1025, 0.0306), (-1.8, 0, 0), X, 0.0, 3.5, 1.0),
        Revolute('elbow_flex', (0, 0.11257, 0.028), (1.57079, 0, 0), X, -3.14158, 0.0, 1.0),
        Revolute('wrist_flex', (0, 0.0052, 0.1349), (-1, 0, 0), X, -2.5, 1.2, 1.0),
        Revolute('wrist_roll', (0, -0.0601, 0), (0, 1.57079, 0), Y, -3.14158, 3.14158, 1.0),
    ),
    links=('base', 'shoulder', 'upper_arm', 'lower_arm', 'wrist', 'gripper'),
    tool_xyz=(-0.008, -0.098, 0),
    tool_rpy=(pi / 2, 0, 0),
    home=(0.0, 1.4, -1.33, 1.1, 1.57),
    reach=0.38,
    capsules=(
        Capsule(0, (0, 0.02, 0.02), (0, -0.05, 0.02), 0.034, GREEN),
        Capsule(1, (0, 0, 0.0), (0, 0.05, 0.01), 0.03, GREEN),
        Capsule(1, (-0.02, 0.1025, 0.0306), (0.02, 0.1025, 0.0306), 0.024, DARK),
        Capsule(1, (0, 0.05, 0.01), (0, 0.09, 0.026), 0.026, GREEN),
        Capsule(2, (0, 0.02, 0.008), (0, 0.1, 0.025), 0.021, GREEN),
        Capsule(3, (-0.018, 0, 0), (0.018, 0, 0), 0.021, DARK),
        Capsule(3, (0, 0.002, 0.02), (0, 0.004, 0.115), 0.02, GREEN),
        Capsule(4, (-0.016, 0, 0), (0.016, 0, 0), 0.019, DARK),
        Capsule(4, (0, -0.01, 0), (0, -0.045, 0), 0.018, GREEN),
        Capsule(5, (0, 0.012, 0), (0, -0.012, 0), 0.023, DARK),
        Capsule(-1, (-0.016, 0, -0.07), (-0.027, 0, 0.006), 0.006, DARK),
        Capsule(-1, (0.018, 0, -0.066), (0.035, 0, -0.03), 0.006, DARK),
        Capsule(-1, (0.035, 0, -0.03), (0.027, 0, 0.006), 0.006, DARK),
    ),
    yaw=pi / 2,
    passengers={'gripper': 0.3},
)

ARMS: Mapping[str, ReachArm] = {arm.name: arm for arm in (FRANKA, UR5, SO100)}


class ArmKinematics(Kinematics):
    """Kinematics of one arm in the world frame: base, n joints, and tool.

    Attributes:
        arm: The arm.
        lower, upper: Position limits, shape (n,) [rad].
        velocity: Velocity limits, shape (n,) [rad/s].
        home: The home posture, shape (n,) [rad].
    """

    def __init__(self, arm: ReachArm) -> None:
        self.arm = arm
        self.lower = np.array([joint.lower for joint in arm.joints])
        self.upper = np.array([joint.upper for joint in arm.joints])
        self.velocity = np.array([joint.velocity for joint in arm.joints])
        self.home = np.array(arm.home)
        count = len(arm.joints)
        super().__init__(
            [
                TreeJoint('base', 'fixed', -1, rpy=(0.0, 0.0, arm.yaw)),
                *(
                    TreeJoint(joint.name, 'revolute', index, joint.xyz, joint.rpy, joint.axis)
                    for index, joint in enumerate(arm.joints)
                ),
                TreeJoint('tool', 'fixed', count, arm.tool_xyz, arm.tool_rpy),
            ]
        )
        self._capsule_frames = [capsule.frame for capsule in arm.capsules]
        ends = [[(*capsule.start, 1.0), (*capsule.end, 1.0)] for capsule in arm.capsules]
        self._capsule_ends = np.array(ends, dtype=float).reshape(-1, 2, 4).swapaxes(1, 2)

    def tool(self, positions: ArrayLike) -> FloatArray:
        """The tool point, shape (3,) [m]."""
        return self.poses(positions)[-1, :3, 3]

    def tool_jacobian(self, positions: ArrayLike) -> FloatArray:
        """Tool velocity per joint velocity, shape (6, n): rows x, y, z, then the rotation."""
        return self.jacobian(len(self.home) + 1, positions)

    def capsule_ends(self, positions: ArrayLike) -> FloatArray:
        """Start and end of every capsule of the arm, shape (capsules, 2, 3) [m]."""
        frames = self.poses(positions)[self._capsule_frames]
        ends: FloatArray = (frames @ self._capsule_ends)[:, :3].swapaxes(1, 2)
        return ends
