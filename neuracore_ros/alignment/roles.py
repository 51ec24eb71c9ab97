"""Roles of joints, and the angle that a joint's value means on any robot.

A URDF's zero is a draughtsman's choice: one arm stands upright in it, the next lies stretched out.
So joints are compared by angles that any arm has: how far the upper arm leans from the vertical,
how far the elbow and the wrist are bent. In these terms all arms that hold the same shape have the
same numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Role(str, Enum):
    """The role of a joint in an arm, named after the usual ones, from base to tip, or in a body.

    Those of a torso and a head are known only by the rules of a vocabulary.
    """

    SLIDE = 'slide'
    BASE_YAW = 'base yaw'
    SHOULDER_PITCH = 'shoulder pitch'
    UPPER_ARM_ROLL = 'upper-arm roll'
    ELBOW_PITCH = 'elbow pitch'
    FOREARM_ROLL = 'forearm roll'
    WRIST_PITCH = 'wrist pitch'
    WRIST_YAW = 'wrist yaw'
    FLANGE_ROLL = 'flange roll'
    TORSO_LIFT = 'torso lift'
    TORSO_YAW = 'torso yaw'
    TORSO_PITCH = 'torso pitch'
    TORSO_ROLL = 'torso roll'
    HEAD_PAN = 'head pan'
    HEAD_TILT = 'head tilt'
    HEAD_ROLL = 'head roll'

    __str__ = str.__str__

    @property
    def swings(self) -> bool:
        """True if it swings the hand sideways, before or after the bend of the wrist."""
        return self in {Role.FOREARM_ROLL, Role.WRIST_YAW}


PITCHES = (Role.SHOULDER_PITCH, Role.ELBOW_PITCH, Role.WRIST_PITCH)
"""The roles that bend an arm, from base to tip."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """The meaning of a joint's value: the angle of its role is ``scale * position + offset``.

    Angles of roles: a yaw counts to the left; a pitch is the lean of the upper arm from the
    vertical, or the bend of elbow or wrist, towards the front and down; a roll turns about the
    way from base to hand, and is 0 where the arm lies in one plane, of the flange where the
    gripper opens across that plane.

    Attributes:
        role: What the joint does.
        scale: 1 or -1.
        offset: [rad]; None if the URDF does not say.
        half_turns: Whether the same holds half a turn further, as of a gripper of two fingers.
        guess: What had to be chosen, in words; empty if nothing.
    """

    role: Role
    scale: float
    offset: float | None
    half_turns: bool = False
    guess: str = ''
