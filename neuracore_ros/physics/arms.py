"""The arms that lift, as tables: robosuite's names and ours, which are those of real drivers.

Joint limits and home postures are robosuite's, too; speeds of grippers are their makers'.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finger:
    """One joint of a gripper that a motor moves.

    Attributes:
        joint: robosuite's name.
        actuator: robosuite's name; takes a position.
        scale: Its position is ``scale`` times that of the gripper's joint.
    """

    joint: str
    actuator: str
    scale: float


@dataclass(frozen=True, slots=True)
class LiftArm:
    """One arm with its gripper.

    Attributes:
        name: Of the robot; its file is shipped.
        model: robosuite's name.
        joints: Of the arm, as a real driver publishes them, in the order of robosuite's.
        finger: The gripper's joint, as a real driver publishes and takes it.
        mimic: Joints of the gripper that are published with it, and move with it.
        opened: Position of the gripper's joint [m] or [rad].
        closed: Likewise.
        speed: Of the gripper's joint, at most [m/s] or [rad/s].
        fingers: What moves, the published joint first.
        colour: Of the links, RGBA.
    """

    name: str
    model: str
    joints: tuple[str, ...]
    finger: str
    mimic: tuple[str, ...]
    opened: float
    closed: float
    speed: float
    fingers: tuple[Finger, ...]
    colour: tuple[float, float, float, float]


PANDA = LiftArm(
    name='lift_panda',
    model='Panda',
    joints=tuple(f'panda_joint{i}' for i in range(1, 8)),
    finger='panda_finger_joint1',
    mimic=('panda_finger_joint2',),
    opened=0.04,
    closed=0.0,
    speed=0.1,
    fingers=(
        Finger('finger_joint1', 'gripper_finger_joint1', 1.0),
        Finger('finger_joint2', 'gripper_finger_joint2', -1.0),
    ),
    colour=(0.9, 0.9, 0.9, 1.0),
)

UR5E = LiftArm(
    name='lift_ur5e',
    model='UR5e',
    joints=(
        'shoulder_pan_joint',
        'shoulder_lift_joint',
        'elbow_joint',
        'wrist_1_joint',
        'wrist_2_joint',
        'wrist_3_joint',
    ),
    finger='finger_joint',
    mimic=(),
    opened=0.0,
    closed=0.8,
    speed=1.6,
    fingers=(
        Finger('finger_joint', 'finger_1', 1.0),
        Finger('right_outer_knuckle_joint', 'finger_2', 1.0),
    ),
    colour=(0.35, 0.4, 0.5, 1.0),
)

ARMS: Mapping[str, LiftArm] = {arm.name: arm for arm in (PANDA, UR5E)}
