"""The arms that lift, as tables: robosuite's names and ours, which are those of real drivers.

Ranges of joints are robosuite's, too, and so are all home postures but one. Speeds of joints are
their makers', from these descriptions: Panda: ``franka_ros`` (Apache-2.0); UR5e: Universal Robots
(BSD-3-Clause); Sawyer: ``sawyer_robot`` (Apache-2.0); iiwa 14: ``lbr_fri_ros2_stack``
(Apache-2.0); Gen3: ``ros2_kortex`` (BSD-3-Clause); Jaco: ``kinova-ros`` (BSD-3-Clause); xArm7:
``xarm_ros2`` (BSD-3-Clause).
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finger:
    """One joint of a gripper that a motor moves.

    Attributes:
        joint: robosuite's name.
        actuator: robosuite's name.
        scale: Its position is ``scale`` times that of the gripper's joint.
        gain: The actuator takes ``gain`` times its position; a tendon's counts otherwise.
    """

    joint: str
    actuator: str
    scale: float = 1.0
    gain: float = 1.0


@dataclass(frozen=True, slots=True)
class LiftArm:
    """One arm with its gripper; n joints.

    Attributes:
        name: Of the robot; its files are shipped.
        model: robosuite's name.
        joints: Of the arm, as a real driver publishes them, in the order of robosuite's.
        speeds: Of each joint, at most, n of them [rad/s].
        links: From the base to the link that carries the gripper, as the maker calls them; n + 2.
        finger: The gripper's joint, as a real driver publishes and takes it.
        mimic: Joints of the gripper that are published with it, and move with it.
        opened: Position of the gripper's joint [m] or [rad].
        closed: Likewise.
        speed: Of the gripper's joint, at most [m/s] or [rad/s].
        fingers: What moves, the published joint first.
        closing: The axis of robosuite's grip site along which the fingers close: x, y.
        colour: Of the links, RGBA.
        home: Where trials begin, n of them [rad]; empty: robosuite's posture.
        untouched: Geoms that touch nothing, where robosuite's touch each other at home.
    """

    name: str
    model: str
    joints: tuple[str, ...]
    speeds: tuple[float, ...]
    links: tuple[str, ...]
    finger: str
    mimic: tuple[str, ...]
    opened: float
    closed: float
    speed: float
    fingers: tuple[Finger, ...]
    colour: tuple[float, float, float, float]
    closing: tuple[float, float] = (1.0, 0.0)
    home: tuple[float, ...] = ()
    untouched: tuple[str, ...] = ()


def _numbered(form: str, first: int, last: int) -> tuple[str, ...]:
    return tuple(form.format(number) for number in range(first, last + 1))


_ROBOTIQ_85 = (
    Finger('finger_joint', 'finger_1'),
    Finger('right_outer_knuckle_joint', 'finger_2'),
)

PANDA = LiftArm(
    name='lift_panda',
    model='Panda',
    joints=_numbered('panda_joint{}', 1, 7),
    speeds=(2.175, 2.175, 2.175, 2.175, 2.61, 2.61, 2.61),
    links=_numbered('panda_link{}', 0, 8),
    finger='panda_finger_joint1',
    mimic=('panda_finger_joint2',),
    opened=0.04,
    closed=0.0,
    speed=0.1,
    fingers=(
        Finger('finger_joint1', 'gripper_finger_joint1'),
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
    speeds=(3.142,) * 6,
    links=(
        'base_link',
        'shoulder_link',
        'upper_arm_link',
        'forearm_link',
        'wrist_1_link',
        'wrist_2_link',
        'wrist_3_link',
        'tool0',
    ),
    finger='finger_joint',
    mimic=(),
    opened=0.0,
    closed=0.8,
    speed=1.6,
    fingers=_ROBOTIQ_85,
    colour=(0.35, 0.4, 0.5, 1.0),
)

SAWYER = LiftArm(
    name='lift_sawyer',
    model='Sawyer',
    joints=_numbered('right_j{}', 0, 6),
    speeds=(1.74, 1.328, 1.957, 1.957, 3.485, 3.485, 4.545),
    links=('right_arm_base_link', *_numbered('right_l{}', 0, 6), 'right_hand'),
    finger='right_gripper_l_finger_joint',
    mimic=('right_gripper_r_finger_joint',),
    opened=0.0115,
    closed=-0.0115,
    speed=0.1,
    fingers=(
        Finger('l_finger_joint', 'gripper_l_finger_joint'),
        Finger('r_finger_joint', 'gripper_r_finger_joint', -1.0),
    ),
    colour=(0.55, 0.1, 0.1, 1.0),
    # It would block joint 1.
    untouched=('robot0_base_col',),
)

IIWA = LiftArm(
    name='lift_iiwa',
    model='IIWA',
    joints=_numbered('lbr_A{}', 1, 7),
    speeds=(1.4835, 1.4835, 1.7453, 1.309, 2.2689, 2.3562, 2.3562),
    links=(*_numbered('lbr_link_{}', 0, 7), 'lbr_link_ee'),
    finger='finger_joint',
    mimic=(),
    opened=0.0,
    closed=0.7,
    speed=1.4,
    fingers=(
        Finger('finger_joint', 'finger_1'),
        Finger('right_outer_knuckle_joint', 'finger_2', -1.0),
    ),
    colour=(0.85, 0.45, 0.15, 1.0),
)

KINOVA3 = LiftArm(
    name='lift_kinova3',
    model='Kinova3',
    joints=_numbered('joint_{}', 1, 7),
    speeds=(1.3963, 1.3963, 1.3963, 1.3963, 1.2218, 1.2218, 1.2218),
    links=(
        'base_link',
        'shoulder_link',
        'half_arm_1_link',
        'half_arm_2_link',
        'forearm_link',
        'spherical_wrist_1_link',
        'spherical_wrist_2_link',
        'bracelet_link',
        'end_effector_link',
    ),
    finger='robotiq_85_left_knuckle_joint',
    mimic=(),
    opened=0.0,
    closed=0.8,
    speed=1.6,
    fingers=_ROBOTIQ_85,
    colour=(0.75, 0.75, 0.8, 1.0),
)

JACO = LiftArm(
    name='lift_jaco',
    model='Jaco',
    joints=_numbered('j2s7s300_joint_{}', 1, 7),
    speeds=(0.628, 0.628, 0.628, 0.628, 0.838, 0.838, 0.838),
    links=('j2s7s300_link_base', *_numbered('j2s7s300_link_{}', 1, 7), 'j2s7s300_end_effector'),
    finger='j2s7s300_joint_finger_1',
    mimic=_numbered('j2s7s300_joint_finger_{}', 2, 3),
    # As robosuite counts; the real hand counts from open to closed.
    opened=1.51,
    closed=0.0,
    speed=1.5,
    fingers=(
        Finger('joint_thumb', 'thumb'),
        Finger('joint_index', 'index'),
        Finger('joint_pinky', 'pinky'),
    ),
    colour=(0.2, 0.2, 0.22, 1.0),
)

XARM7 = LiftArm(
    name='lift_xarm7',
    model='XArm7',
    joints=_numbered('joint{}', 1, 7),
    speeds=(3.14,) * 7,
    links=('link_base', *_numbered('link{}', 1, 7), 'link_eef'),
    finger='drive_joint',
    mimic=(),
    opened=0.0,
    closed=0.85,
    speed=2.0,
    # A tendon between both drivers, which counts from 0 to 255.
    fingers=(Finger('left_driver_joint', 'fingers_actuator', gain=300.0),),
    colour=(0.95, 0.95, 0.93, 1.0),
    closing=(0.0, 1.0),
    # robosuite's holds the hand 20 cm higher than any other arm's.
    home=(0.0, 0.185, 0.0, 0.825, 0.0, 0.64, 0.0),
)

ARMS: Mapping[str, LiftArm] = {
    arm.name: arm for arm in (PANDA, UR5E, SAWYER, IIWA, KINOVA3, JACO, XARM7)
}
