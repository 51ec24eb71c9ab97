"""Functions that a turning joint of an arm can have, named as the slots of a vocabulary are."""

from __future__ import annotations

import math
from dataclasses import dataclass

from neuracore_ros.arrays import FloatArray

SHOULDER_YAW, SHOULDER_PITCH, UPPER_ARM_ROLL = 'shoulder_yaw', 'shoulder_pitch', 'upper_arm_roll'
ELBOW_PITCH, FOREARM_ROLL = 'elbow_pitch', 'forearm_roll'
WRIST_PITCH, WRIST_YAW, FLANGE_ROLL = 'wrist_pitch', 'wrist_yaw', 'flange_roll'
BENDS = (SHOULDER_PITCH, ELBOW_PITCH, WRIST_PITCH)
"""The functions that bend an arm, from base to tip."""

# A range that is wider has no middle: the joint turns all around.
_ALL_AROUND = 3 * math.pi
# Positions so far beyond a limit are none [rad].
_SLACK = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class ArmJoint:
    """A turning joint of an arm, drawn at the zero of its URDF in the frame of the body.

    Attributes:
        name: In the URDF.
        axis: Unit vector, shape (3,); x is forward, y left and z up.
        origin: Its position, shape (3,) [m].
        lower: Least position [rad]; -inf of a joint without limits.
        upper: Largest position [rad].
    """

    name: str
    axis: FloatArray
    origin: FloatArray
    lower: float = -math.inf
    upper: float = math.inf

    @property
    def usual(self) -> float:
        """The middle of its range; 0 where it has none, or turns all around [rad]."""
        width = self.upper - self.lower
        return (self.lower + self.upper) / 2 if width < _ALL_AROUND else 0.0

    def reaches(self, position: float) -> bool:
        """Tell whether a position [rad] is within its limits, which are rounded or cautious."""
        return self.lower - _SLACK <= position <= self.upper + _SLACK


@dataclass(frozen=True, slots=True, eq=False)
class Hand:
    """The hand of an arm, drawn at the zero of its URDF in the frame of the body.

    Attributes:
        approach: The way from the wrist out between the fingers, shape (3,); a unit vector.
        opens: The way in which the fingers open, shape (3,); None where the URDF has no fingers.
    """

    approach: FloatArray
    opens: FloatArray | None = None


@dataclass(frozen=True, slots=True)
class JointFunction:
    """The function of a joint: the value of its slot is ``scale * position + offset``.

    Attributes:
        slot: Such as ``elbow_pitch``; empty where the arm has another joint for it, or it has
            none.
        scale: 1 or -1.
        offset: [rad].
        zero_known: False if the URDF does not say where the zero is.
        doubts: What had to be chosen, in words.
    """

    slot: str
    scale: float = 1.0
    offset: float = 0.0
    zero_known: bool = True
    doubts: tuple[str, ...] = ()
