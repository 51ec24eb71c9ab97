"""Meanings of the joints of a robot whose file names a vocabulary: by the rules of its slots."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from neuracore_ros.alignment.joint_function import (
    ELBOW_PITCH,
    FLANGE_ROLL,
    FOREARM_ROLL,
    SHOULDER_PITCH,
    SHOULDER_YAW,
    UPPER_ARM_ROLL,
    WRIST_PITCH,
    WRIST_YAW,
)
from neuracore_ros.alignment.roles import Meaning, Role
from neuracore_ros.alignment.vocabulary_slots import place_in_vocabulary
from neuracore_ros.description.vocabulary import Vocabulary
from neuracore_ros.kinematics.joint_tree import JointTree

_ROLES: Mapping[str, Role] = MappingProxyType(
    {
        'slide': Role.SLIDE,
        SHOULDER_YAW: Role.BASE_YAW,
        SHOULDER_PITCH: Role.SHOULDER_PITCH,
        UPPER_ARM_ROLL: Role.UPPER_ARM_ROLL,
        ELBOW_PITCH: Role.ELBOW_PITCH,
        FOREARM_ROLL: Role.FOREARM_ROLL,
        WRIST_PITCH: Role.WRIST_PITCH,
        WRIST_YAW: Role.WRIST_YAW,
        FLANGE_ROLL: Role.FLANGE_ROLL,
        'torso.lift': Role.TORSO_LIFT,
        'torso.yaw': Role.TORSO_YAW,
        'torso.pitch': Role.TORSO_PITCH,
        'torso.roll': Role.TORSO_ROLL,
        'head.pan': Role.HEAD_PAN,
        'head.tilt': Role.HEAD_TILT,
        'head.roll': Role.HEAD_ROLL,
    }
)


def meanings_by_slot(tree: JointTree, vocabulary: Vocabulary) -> dict[str, Meaning]:
    """Find the meanings of all joints that have a slot of ``arm/1``, also those of a body.

    Args:
        tree: The robot's URDF.
        vocabulary: Whose slots have the names and the rules of ``arm/1``.

    Returns:
        Joint of the URDF -> meaning; joints of two arms that do the same have one role.

    Raises:
        DescriptionError: pinocchio is not installed, the tree is no robot's, or the vocabulary
            lacks a slot.
    """
    found: dict[str, Meaning] = {}
    for place in place_in_vocabulary(tree, vocabulary).joints:
        slot = place.counterpart
        role = _ROLES.get(slot) or _ROLES.get(slot.partition('.')[2])
        if role is not None:
            offset = place.offset if place.zero_known else None
            is_flange = role is Role.FLANGE_ROLL
            guess = '' if is_flange else next(iter(place.doubts), '')
            found[place.name] = Meaning(role, place.scale, offset, is_flange, guess)
    return found
