"""Zeros and axis signs of a URDF are a draughtsman's choice: they choose no slot."""

import math
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest

from neuracore_ros.alignment.vocabulary_slots import place_in_vocabulary
from neuracore_ros.description.vocabulary import load_vocabulary
from neuracore_ros.kinematics.joint_tree import parse_joint_tree
from neuracore_ros.kinematics.rotations import about, matrix_to_rpy, rpy_to_matrix

FOLDERS = [
    Path(path) / 'cmeel.prefix' / 'share' / 'example-robot-data' / 'robots' for path in sys.path
]
FOLDER = next((folder for folder in FOLDERS if folder.is_dir()), None)
pytestmark = pytest.mark.skipif(FOLDER is None, reason='needs the PyPI package example-robot-data')
ARM1 = load_vocabulary('arm/1')
ARMS = (
    'panda_description/urdf/panda.urdf',
    'xarm_description/urdf/xarm7.urdf',
    'ur_description/urdf/ur5_robot.urdf',
    'so_arm_description/urdf/so101.urdf',
    'z1_description/urdf/z1.urdf',
    'tiago_description/robots/tiago.urdf',
    'tiago_description/robots/tiago_dual.urdf',
)
# What looks straight forward where it is drawn so.
LOOKS = ('yaw', 'head.', 'torso.')


def numbers(element, key):
    text = element.get(key) if element is not None else None
    return np.array([float(word) for word in (text or '0 0 0').split()])


def words(values):
    return ' '.join(repr(float(value)) for value in values)


def redrawn(urdf, moved, sign):
    """The same robot with each joint's zero elsewhere, and its axis the same or the other way."""
    root, shifts = ET.fromstring(urdf), {}
    for number, joint in enumerate(root.iter('joint')):
        if joint.get('type') not in {'revolute', 'continuous'} or joint.find('mimic') is not None:
            continue
        by, axis = moved * math.sin(number + 1), joint.find('axis')
        way = numbers(axis, 'xyz')
        origin = joint.find('origin')
        turn = rpy_to_matrix(numbers(origin, 'rpy')) @ about(way / np.linalg.norm(way), by)
        origin.set('rpy', words(matrix_to_rpy(turn)))
        axis.set('xyz', words(sign * way))
        limit = joint.find('limit')
        if joint.get('type') == 'revolute':
            ends = sorted(sign * (float(limit.get(end)) - by) for end in ('lower', 'upper'))
            limit.set('lower', repr(ends[0]))
            limit.set('upper', repr(ends[1]))
        shifts[joint.get('name')] = by
    return ET.tostring(root, encoding='unicode'), shifts


def places(urdf):
    found = place_in_vocabulary(parse_joint_tree(urdf, 'drawn'), ARM1).joints
    return {place.counterpart or place.name: place for place in found}


@pytest.mark.parametrize('name', ARMS)
def test_a_joint_whose_zero_is_drawn_elsewhere_has_the_slot_values_that_it_had(name):
    urdf = (FOLDER / name).read_text()
    text, shifts = redrawn(urdf, 0.3, 1.0)
    before, after = places(urdf), places(text)
    assert {slot: place.name for slot, place in after.items()} == {
        slot: place.name for slot, place in before.items()
    }
    for slot, place in before.items():
        if any(word in slot for word in LOOKS) or not place.zero_known:
            continue
        assert after[slot].scale == place.scale, slot
        wanted = place.offset + place.scale * shifts[place.name]
        assert after[slot].offset == pytest.approx(wanted, abs=2e-3), slot


@pytest.mark.parametrize('name', ARMS[:5])
def test_a_joint_whose_axis_is_drawn_the_other_way_has_the_slot_values_that_it_had(name):
    urdf = (FOLDER / name).read_text()
    before, after = places(urdf), places(redrawn(urdf, 0.0, -1.0)[0])
    # Of two zeros that are as near, the one at the negative position is taken.
    alike = {slot for slot, place in before.items() if 'as well at' not in ''.join(place.doubts)}
    for slot in alike:
        own, its = before[slot], after[slot]
        assert (its.name, its.scale) == (own.name, -own.scale), slot
        assert its.offset == pytest.approx(own.offset, abs=2e-3), slot
