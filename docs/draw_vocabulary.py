"""The pictures of the rules of the vocabulary, and of arms that hold one shape by them."""

import math
from pathlib import Path

import numpy as np
from sheet import BLUE, GREEN, INK, LINE, ORANGE, PALE, PINK, Sheet

from neuracore_ros.alignment.drawn_arm import front_of
from neuracore_ros.alignment.robot_parts import parts_of
from neuracore_ros.alignment.vocabulary_slots import place_in_vocabulary
from neuracore_ros.description.vocabulary import USUAL, load_vocabulary
from neuracore_ros.kinematics.forward import Kinematics
from neuracore_ros.kinematics.joint_tree import read_joint_tree

CONFIG = Path(__file__).resolve().parents[1] / 'config'
SHAPE = {'shoulder_pitch': 0.6, 'elbow_pitch': 1.3, 'wrist_pitch': 1.0}
BENDS = (
    ('shoulder_pitch', 'from straight up'),
    ('elbow_pitch', 'from the upper arm, straight on'),
    ('wrist_pitch', 'from the forearm, straight on'),
)
COLOURS = (BLUE, ORANGE, GREEN)
ARMS = {
    'franka.urdf': 'Panda',
    'ur5.urdf': 'UR5',
    'so100.urdf': 'SO-100',
    'mujoco/lift_iiwa.urdf': 'iiwa',
    'mujoco/lift_kinova3.urdf': 'Gen3',
    'mujoco/lift_sawyer.urdf': 'Sawyer',
    'mujoco/lift_xarm7.urdf': 'xArm7',
}


def vocabulary(path: Path) -> None:
    """Draw the three bends from the side, the swings from above, and seven arms in one shape."""
    sheet = Sheet(980, 570, 'Signs and zeros of the slots of an arm, and seven arms in one shape')
    _side(sheet, 150.0, 270.0)
    _above(sheet, 640.0, 250.0)
    sheet.text(20, 372, 'Seven arms with equal slots', 14, anchor='start', bold=True)
    sheet.text(
        20, 390,
        'Grey: their joints as the URDFs have them. Colours: the lines from axis to axis that the '
        'rules go by.',
        12, PALE, 'start',
    )  # fmt: skip
    for place, (urdf, name) in enumerate(ARMS.items()):
        _posed(sheet, urdf, name, 50.0 + 136.0 * place)
    sheet.save(path)


def _side(sheet: Sheet, x: float, y: float) -> None:
    """The arm in its plane, with the angles that its slots are."""
    sheet.text(20, 28, 'From the side, in the plane of the arm', 14, anchor='start', bold=True)
    at, way = (x, y), 0.0
    sheet.line([(x - 70, y + 24), (x + 70, y + 24)], LINE, 2)
    sheet.line([at, (x, y + 24)], LINE, 5)
    lengths = 150, 150, 80
    for number, ((slot, words), colour) in enumerate(zip(BENDS, COLOURS, strict=True)):
        before, way = way, way + SHAPE[slot]
        sheet.line([at, _beyond(at, before, 95)], colour, 1.2, dashed=True)
        arc = [_beyond(at, angle, 66) for angle in np.linspace(before, way, 24)]
        sheet.line(arc, colour, 1.6, arrow=True)
        end = _beyond(at, way, lengths[number])
        sheet.line([at, end], colour, 7)
        label = _beyond(at, (before + way) / 2, 78) if number else (x + 62, y - 34)
        sheet.text(label[0], label[1] - 4, slot, 13, colour, 'start', bold=True, halo=True)
        sheet.text(label[0], label[1] + 11, words, 11, PALE, 'start', halo=True)
        sheet.dot(*at, 6, INK, filled=False)
        at = end
    sheet.text(x - 8, y - 100, '0', 12, PALE, 'end')
    sheet.text(at[0] + 4, at[1] + 18, 'hand, out between the fingers', 11, PALE, 'start')
    words = 'Rolls turn right-handed about upper arm, forearm and hand, seen from the base.'
    sheet.text(20, 332, words, 12, PINK, 'start')


def _above(sheet: Sheet, x: float, y: float) -> None:
    """The arm from above: what swings it to the left."""
    sheet.text(x - 60, 28, 'From above: positive is to the left', 14, anchor='start', bold=True)
    sheet.line([(x, y), (x + 250, y)], PALE, 1.2, dashed=True, arrow=True)
    sheet.text(x + 256, y + 4, 'x, forward', 12, PALE, 'start')
    sheet.line([(x, y), (x, y - 190)], PALE, 1.2, dashed=True, arrow=True)
    sheet.text(x - 8, y - 184, 'y, left', 12, PALE, 'end')
    yaw, swing = 0.45, 0.5
    elbow = x + 190 * math.cos(yaw), y - 190 * math.sin(yaw)
    turns = [(x + 110 * math.cos(a), y - 110 * math.sin(a)) for a in np.linspace(0.0, yaw, 16)]
    sheet.line(turns, BLUE, 1.6, arrow=True)
    sheet.line([(x, y), elbow], BLUE, 7)
    sheet.text(x + 122, y - 18, 'shoulder_yaw', 13, BLUE, 'start', bold=True, halo=True)
    straight = elbow[0] + 95 * math.cos(yaw), elbow[1] - 95 * math.sin(yaw)
    sheet.line([elbow, straight], GREEN, 1.2, dashed=True)
    both = yaw + swing
    hand = elbow[0] + 75 * math.cos(both), elbow[1] - 75 * math.sin(both)
    turns = [
        (elbow[0] + 62 * math.cos(a), elbow[1] - 62 * math.sin(a))
        for a in np.linspace(yaw, both, 16)
    ]
    sheet.line(turns, GREEN, 1.6, arrow=True)
    sheet.line([elbow, hand], GREEN, 7)
    sheet.text(straight[0] - 14, straight[1] + 26, 'wrist_yaw', 13, GREEN, 'start', bold=True)
    for place in ((x, y), elbow):
        sheet.dot(*place, 6, INK, filled=False)
    for line, words in (
        (316, 'Seen so, forearm_roll, too, swings a hand that points down'),
        (332, 'to the left, and so does the yaw of a UR, which has its slot.'),
    ):
        sheet.text(x - 60, line, words, 12, PINK, 'start')


def _posed(sheet: Sheet, urdf: str, name: str, x: float) -> None:
    """One arm by its URDF, with the slots of ``SHAPE``; all others are 0."""
    tree = read_joint_tree(CONFIG / urdf)
    placed = place_in_vocabulary(tree, load_vocabulary(USUAL))
    slots = {place.name: place for place in placed.joints}
    positions = []
    for joint in tree.moving:
        place = slots[joint.name]
        value = SHAPE.get(place.counterpart.removeprefix('right.'), 0.0)
        positions.append((value - place.offset) / place.scale)
    parts = parts_of(tree)
    arm = [parts.posed[joint] for joint in parts.right.joints]
    turn, _ = front_of(tree, arm)
    poses = Kinematics(tree.joints).poses(positions)
    at = {joint.name: turn @ pose[:3, 3] for joint, pose in zip(tree.joints, poses, strict=True)}
    bends = [
        next(p.name for p in placed.joints if p.counterpart == f'right.{slot}')
        for slot, _ in BENDS
    ]
    base, ground, scale = at[bends[0]], 524.0, 140.0

    def seen(point: np.ndarray) -> tuple[float, float]:
        return x + scale * (point[0] - base[0]), ground - 24 - scale * (point[2] - base[2])

    sheet.line([(x - 26, ground), (x + 26, ground)], LINE, 2)
    sheet.line([(x, ground), seen(base)], LINE, 4)
    sheet.line([seen(at[joint.name]) for joint in arm], PALE, 3)
    ends = [seen(at[bend]) for bend in bends]
    hand = sum(SHAPE.values())
    ends.append((ends[2][0] + 22 * math.sin(hand), ends[2][1] - 22 * math.cos(hand)))
    for here, there, colour in zip(ends, ends[1:], COLOURS, strict=False):
        sheet.line([here, there], colour, 3.5)
    for end in ends[:-1]:
        sheet.dot(*end, 3.5, INK, filled=False)
    sheet.text(x, ground + 22, name, 13, bold=True)


def _beyond(at: tuple[float, float], angle: float, length: float) -> tuple[float, float]:
    """The end of a line at an angle from straight up to the right [rad, px]."""
    return at[0] + length * math.sin(angle), at[1] - length * math.cos(angle)
