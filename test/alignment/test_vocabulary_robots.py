"""Slots of well-known arms: as a table that was checked by hand, and by the motions that slots promise.

The motions know nothing of the code that finds the slots: they put slots into the URDF by the
table, and look where links point.
"""

import math
import sys
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
import yaml

from neuracore_ros.alignment.drawn_meanings import drawn_meanings
from neuracore_ros.alignment.joint_meanings import joint_meanings
from neuracore_ros.alignment.vocabulary_meanings import meaning_of
from neuracore_ros.alignment.vocabulary_slots import place_in_vocabulary
from neuracore_ros.description.vocabulary import load_vocabulary
from neuracore_ros.kinematics.forward import Kinematics
from neuracore_ros.kinematics.joint_tree import read_joint_tree

ROOT = Path(__file__).resolve().parents[2]
TABLE = yaml.safe_load((ROOT / 'docs' / 'vocabulary_robots.yaml').read_text())
ROBOTS, WITHOUT = TABLE['robots'], TABLE['without_arms']
FOLDERS = [
    Path(path) / 'cmeel.prefix' / 'share' / 'example-robot-data' / 'robots' for path in sys.path
]
FOLDER = next((folder for folder in FOLDERS if folder.is_dir()), None)
URDFS = {urdf: name for name, robot in ROBOTS.items() for urdf in robot['urdf']}
ARMS = [(name, side) for name, robot in ROBOTS.items() for side in robot['hand']]
ARM1 = load_vocabulary('arm/1')
pytestmark = pytest.mark.skipif(FOLDER is None, reason='needs the PyPI package example-robot-data')

UP, LEFT = np.array([0.0, 0.0, 1.0]), np.array([0.0, 1.0, 0.0])
STEP = 0.3


@lru_cache(maxsize=4)
def tree_of(urdf):
    return read_joint_tree(FOLDER / urdf)


@pytest.mark.parametrize('urdf', URDFS)
def test_every_arm_has_the_slots_of_the_table(urdf):
    robot = ROBOTS[URDFS[urdf]]
    found = place_in_vocabulary(tree_of(urdf), ARM1)
    named = [place for place in found.joints if place.counterpart]
    assert {p.counterpart: p.name for p in named} == {s: j[0] for s, j in robot['joints'].items()}
    for place in named:
        _, scale, offset = robot['joints'][place.counterpart]
        assert place.scale == scale, place.name
        assert place.offset == pytest.approx(offset, abs=2e-3), place.name
    assert {p.counterpart: p.name for p in found.grippers} == robot.get('grippers', {})
    own = [place for place in found.joints if not place.counterpart]
    assert [place.name for place in own] == robot.get('own', [])
    assert [place.index for place in own] == [32 + number for number in range(len(own))]


AS_DRAWN = [
    'Franka Panda',
    'UFACTORY xArm 7',
    'UR3, UR5, UR10',
    'Kinova Jaco 2 (6 joints, spherical wrist)',
    'SO-100',
    'SO-101',
    'Flying arm of Hextilt (5 joints)',
]


@pytest.mark.parametrize('urdf', [urdf for urdf, name in URDFS.items() if name in AS_DRAWN])
def test_an_arm_that_is_drawn_in_its_plane_means_the_same_with_and_without_the_search(urdf):
    tree = tree_of(urdf)
    placed = [p for p in place_in_vocabulary(tree, ARM1).joints if p.counterpart]
    drawn = drawn_meanings(tree, [place.name for place in placed])
    assert joint_meanings(tree, list(drawn)) == drawn
    for place in placed:
        mine, its = drawn[place.name], meaning_of(place)
        assert mine.role is its.role or (mine.role.swings and its.role.swings)
        assert mine.scale == its.scale
        assert (mine.offset is None) == (its.offset is None)
        turn = math.pi if its.half_turns else 2 * math.pi
        between = (mine.offset or 0.0) - (its.offset or 0.0)
        assert math.remainder(between, turn) == pytest.approx(0.0, abs=2e-3), place.name


@pytest.mark.parametrize('urdf', [urdf for urdf, why in WITHOUT.items() if 'nothing' not in why])
def test_what_is_no_arm_has_no_slot_of_an_arm(urdf):
    placed = place_in_vocabulary(tree_of(urdf), ARM1).joints
    assert not [place.name for place in placed if place.counterpart[:5] in {'right', 'left.'}]


def test_the_table_has_every_urdf_of_the_package():
    there = {str(path.relative_to(FOLDER)) for path in FOLDER.rglob('*.urdf')}
    assert there == {*URDFS, *WITHOUT}


def unit(text):
    """``-x``, or three numbers, as a unit vector."""
    if isinstance(text, list):
        return np.array(text)
    sign = -1.0 if text.startswith('-') else 1.0
    return sign * np.eye(3)['xyz'.index(text[-1])]


class TabledArm:
    """One arm of the table, posed by slots."""

    def __init__(self, name, side):
        robot = ROBOTS[name]
        self.tree = tree_of(robot['urdf'][0])
        self.kinematics = Kinematics(self.tree.joints)
        self.slots = {
            slot.partition('.')[2]: entry
            for slot, entry in robot['joints'].items()
            if slot.startswith(f'{side}.')
        }
        forward, up = map(unit, robot['front'])
        self.turn = np.array([forward, np.cross(up, forward), up])
        self.hand = unit(robot['hand'][side])
        # A tilted shoulder leaves the plane as it lifts the arm, but not where it is drawn.
        self.tilt = robot.get('tilt', 0)
        lean = self.slots['shoulder_pitch'][2] if self.tilt else math.pi / 2
        level = {'shoulder_pitch': lean, 'elbow_pitch': math.pi / 2 - lean}
        self.ready = {**level, 'wrist_pitch': math.pi / 2}
        self.level = {**level, 'wrist_pitch': 0.0}
        names = [joint.name for joint in self.tree.joints]
        self.last = max((entry[0] for entry in self.slots.values()), key=names.index)

    def poses(self, **slots):
        """Joint -> its pose in the frame of the body; slots that are not given are 0."""
        values = {
            joint: (slots.get(slot, 0.0) - offset) / scale
            for slot, (joint, scale, offset) in self.slots.items()
        }
        positions = [values.get(joint.name, 0.0) for joint in self.tree.moving]
        found = self.kinematics.poses(positions)
        return {
            joint.name: (self.turn @ pose[:3, 3], self.turn @ pose[:3, :3])
            for joint, pose in zip(self.tree.joints, found, strict=True)
        }

    def links(self, **slots):
        """Ways of upper arm, forearm and hand."""
        poses = self.poses(**slots)
        shoulder, elbow, wrist = (
            poses[self.slots[slot][0]][0]
            for slot in ('shoulder_pitch', 'elbow_pitch', 'wrist_pitch')
        )
        return elbow - shoulder, wrist - elbow, poses[self.last][1] @ self.hand

    def turned(self, slot, **slots):
        """Rotation vector of the hand for a step of a slot, per rad."""
        before = self.poses(**slots)[self.last][1]
        after = self.poses(**{**slots, slot: slots.get(slot, 0.0) + STEP})[self.last][1]
        return self.kinematics.rotation_vector(after @ before.T) / STEP

    def moved(self, slot, **slots):
        """The way of a point in the hand for a step of a slot, per rad [m]."""
        here, there = (
            poses[self.last][0] + 0.1 * poses[self.last][1] @ self.hand
            for poses in (
                self.poses(**slots),
                self.poses(**{**slots, slot: slots.get(slot, 0.0) + STEP}),
            )
        )
        return (there - here) / STEP


def inclination(way):
    """Angle from straight up towards the front, seen from the side [rad]."""
    return math.atan2(way[0], way[2])


def direction(way):
    return way / np.linalg.norm(way)


@pytest.fixture(params=ARMS, ids=[f'{name}, {side}' for name, side in ARMS])
def arm(request):
    return TabledArm(*request.param)


def test_equal_slots_are_equal_shapes(arm):
    poses = [[*arm.ready.values()], [*arm.level.values()]]
    if not arm.tilt:
        poses += [(0.4, 1.2, 1.5), (2.6, -1.2, 0.3), (math.pi, 0.0, 0.0)]
    for lean, bend, wrist in poses:
        links = arm.links(shoulder_pitch=lean, elbow_pitch=bend, wrist_pitch=wrist)
        for way, wanted in zip(links, np.cumsum([lean, bend, wrist]), strict=True):
            off = math.remainder(inclination(way) - wanted, 2 * math.pi)
            assert abs(math.degrees(off)) < (6 if arm.tilt else 0.5)
        # A forearm may be drawn beside the upper arm, but the hand is in the plane.
        assert abs(direction(links[2])[1]) < (0.3 if arm.tilt else 0.01)


def test_a_yaw_moves_a_hand_that_is_in_front_to_the_left(arm):
    if 'shoulder_yaw' in arm.slots:
        assert arm.moved('shoulder_yaw', **arm.ready)[1] > 0.05


@pytest.mark.parametrize('slot', ['shoulder_pitch', 'elbow_pitch', 'wrist_pitch'])
def test_a_pitch_bends_forward_and_down(arm, slot):
    assert arm.turned(slot, **arm.ready) @ LEFT > (0.5 if arm.tilt else 0.99)


@pytest.mark.parametrize(
    ('slot', 'link'), [('upper_arm_roll', 0), ('forearm_roll', 1), ('flange_roll', 2)]
)
def test_a_roll_is_right_handed_about_its_link(arm, slot, link):
    if slot not in arm.slots:
        return
    turned = arm.turned(slot, **arm.ready)
    assert np.linalg.norm(turned) == pytest.approx(1.0, abs=1e-3)
    along = direction(arm.links(**arm.ready)[link])
    # Links with a knee, and those drawn beside the plane, are not quite along the axis.
    assert turned @ along > 0.75


@pytest.mark.parametrize(('slot', 'pose'), [('forearm_roll', 'ready'), ('wrist_yaw', 'level')])
def test_what_swings_the_hand_swings_it_to_the_left(arm, slot, pose):
    if slot in arm.slots:
        held = getattr(arm, pose)
        before, after = arm.links(**held)[2], arm.links(**{**held, slot: STEP})[2]
        assert (after - before)[1] > 0.2


def test_the_plane_is_straight_forward_where_all_swings_and_rolls_are_zero(arm):
    if not arm.tilt:
        assert arm.moved('shoulder_pitch', **arm.level)[2] < -0.1
        assert direction(arm.links(**arm.level)[2])[0] > 0.98


@pytest.mark.parametrize('name', [n for n, robot in ROBOTS.items() if 'left' in robot['hand']])
def test_two_arms_are_mirror_images(name):
    """What swings or rolls the one to the left, by as much swings the other to the right."""
    right, left = TabledArm(name, 'right'), TabledArm(name, 'left')
    assert right.slots.keys() == left.slots.keys()
    slots = {'shoulder_pitch': 2.2, 'elbow_pitch': -1.0, 'wrist_pitch': 0.3}
    swings = {'shoulder_yaw': -0.3, 'upper_arm_roll': 0.2, 'forearm_roll': 0.4, 'wrist_yaw': 0.1}
    mirrored = {slot: -value for slot, value in swings.items()}
    # The hand depends on all joints; links of one part that is mounted twice need no mirror.
    mine, its = right.links(**slots, **swings)[2], left.links(**slots, **mirrored)[2]
    assert mine * (1, -1, 1) == pytest.approx(its, abs=0.03)


@pytest.mark.parametrize('name', [n for n, r in ROBOTS.items() if r.get('grippers')])
def test_fingers_open_to_left_and_right_where_the_flange_is_zero(name):
    for side in ROBOTS[name]['hand']:
        arm = TabledArm(name, side)
        if 'flange_roll' not in arm.slots:
            continue
        finger = ROBOTS[name]['grippers'][f'{side}.gripper']
        joint = next(joint for joint in arm.tree.joints if joint.name == finger)
        pose = arm.poses(**arm.ready)
        axis = pose[finger][1] @ joint.axis
        opens = axis if joint.slides else np.cross(axis, pose[arm.last][1] @ arm.hand)
        assert abs(direction(opens) @ LEFT) > (0.7 if arm.tilt else 0.95)
