"""Meanings of joints by the rules of the slots of a vocabulary."""

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
from neuracore_ros.alignment.slot_proposal import SlotProposal

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


def meaning_of(place: SlotProposal) -> Meaning | None:
    """The meaning of a joint that has a slot of ``arm/1``; None of one that has none.

    Joints of two arms that do the same have one role.
    """
    slot = place.counterpart
    role = _ROLES.get(slot) or _ROLES.get(slot.partition('.')[2])
    if role is None:
        return None
    offset = place.offset if place.zero_known else None
    is_flange = role is Role.FLANGE_ROLL
    guess = '' if is_flange else next(iter(place.doubts), '')
    return Meaning(role, place.scale, offset, is_flange, guess)
