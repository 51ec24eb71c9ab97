"""Meanings of the joints of any robot: of an arm as it is drawn, or of the arms of a body."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from neuracore_ros.alignment.drawn_arm import front_of
from neuracore_ros.alignment.robot_parts import parts_of
from neuracore_ros.alignment.roles import Meaning, meanings
from neuracore_ros.alignment.vocabulary_meanings import meaning_of
from neuracore_ros.alignment.vocabulary_slots import place_in_vocabulary
from neuracore_ros.alignment.zero_pose import facing
from neuracore_ros.description.vocabulary import shipped_vocabulary
from neuracore_ros.kinematics.joint_tree import JointTree


def joint_meanings(
    tree: JointTree, names: Sequence[str], home: Mapping[str, float] | None = None
) -> dict[str, Meaning]:
    """Find the meanings of the joints of a robot.

    An arm alone is looked at as its URDF draws it. Arms of a body hang, or are drawn sideways, and
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
    if vocabulary is None or _is_as_drawn(tree):
        return meanings(tree, names, home)
    placed = place_in_vocabulary(tree, vocabulary, names).joints
    known = {place.name: meaning_of(place) for place in placed}
    found = {name: meaning for name, meaning in known.items() if meaning is not None}
    return found or meanings(tree, names, home)


def _is_as_drawn(tree: JointTree) -> bool:
    """Tell whether a robot is one arm that reaches to its front at the zero of its URDF."""
    robot = parts_of(tree)
    if robot.right is None:
        return True
    arm = [robot.posed[name] for name in robot.right.joints if not robot.posed[name].slides]
    return robot.is_alone and np.array_equal(front_of(tree, arm)[0], facing(arm))
