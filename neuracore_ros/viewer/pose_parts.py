"""A pose by six numbers that sliders can have: how far it is from a pose of rest."""

from __future__ import annotations

from collections.abc import Mapping

from neuracore_ros.kinematics.poses import Pose, compose
from neuracore_ros.kinematics.rotations import vector_to_quaternion

PARTS: Mapping[str, str] = {
    'x': 'm',
    'y': 'm',
    'z': 'm',
    'about x': 'rad',
    'about y': 'rad',
    'about z': 'rad',
}
"""The parts of a pose and their units: a shift, and a rotation vector."""

MOST = {'m': 0.4, 'rad': 1.5}
"""Ends of the parts, by unit, where the slot's positions are those of the robot."""


def moved_pose(rest: Pose, parts: Mapping[str, float]) -> Pose:
    """The pose of rest, shifted along the axes of its frame of reference and turned about them.

    Args:
        rest: Where all parts are 0.
        parts: Part -> its value [m], [rad]; missing ones are 0.
    """
    x, y, z, *vector = (parts.get(part, 0.0) for part in PARTS)
    turn = [float(each) for each in vector_to_quaternion(vector)]
    a, b, c, d = turn
    # Turned where it is: the position is shifted alone.
    _, _, _, *turned = compose((0.0, 0.0, 0.0, a, b, c, d), (0.0, 0.0, 0.0, *rest[3:]))
    e, f, g, h = turned
    return rest[0] + x, rest[1] + y, rest[2] + z, e, f, g, h
