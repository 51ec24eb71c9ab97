"""Meanings of the joints of any robot, by the way that fits how its URDF draws it.

There are two ways to tell what a joint does. ``drawn_meanings`` reads it off the URDF's zero, in
which the arm has to lie in one plane, and takes the robot's usual pose into account. The rules of
the vocabulary (``vocabulary_slots``) search for the plane, so that they serve every arm and body,
and use nothing but the URDF, so that two labs get the same slots. Where an arm is drawn in one
plane, both give the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from neuracore_ros.alignment.drawn_arm import front_of
from neuracore_ros.alignment.drawn_meanings import drawn_meanings
from neuracore_ros.alignment.robot_parts import RobotParts, parts_of
from neuracore_ros.alignment.roles import Meaning
from neuracore_ros.alignment.vocabulary_meanings import meaning_of
from neuracore_ros.alignment.vocabulary_slots import place_parts
from neuracore_ros.alignment.zero_pose import facing
from neuracore_ros.description.vocabulary import shipped_vocabulary
from neuracore_ros.kinematics.joint_tree import JointTree


def joint_meanings(
    tree: JointTree, names: Sequence[str], home: Mapping[str, float] | None = None
) -> dict[str, Meaning]:
    """Find the meanings of the joints of a robot.

    An arm alone is taken as its URDF draws it. Arms of a body hang, or are drawn sideways, and
    some arms are drawn folded backwards: these are held in one plane first, as the rules of the
    vocabulary are.

    Args:
        tree: The robot's URDF.
        names: The joints that are wanted, as the URDF calls them, without grippers.
        home: Joint -> position in some usual pose [rad]; decides what the URDF of an arm alone
            leaves open.

    Returns:
        Joint -> meaning; without those that the URDF leaves open.

    Raises:
        DescriptionError: pinocchio is not installed, or the tree is no robot's.
    """
    vocabulary = shipped_vocabulary()
    if vocabulary is not None and not _is_as_drawn(tree, robot := parts_of(tree)):
        placed = place_parts(tree, robot, vocabulary, names).joints
        known = {place.name: meaning_of(place) for place in placed}
        found = {name: meaning for name, meaning in known.items() if meaning is not None}
        if found:
            return found
    return drawn_meanings(tree, names, home)


def _is_as_drawn(tree: JointTree, robot: RobotParts) -> bool:
    """Tell whether a robot is one arm that reaches to its front at the zero of its URDF."""
    if robot.right is None:
        return True
    arm = [robot.posed[name] for name in robot.right.joints if not robot.posed[name].slides]
    return robot.is_alone and np.array_equal(front_of(tree, arm)[0], facing(arm))
