"""The first view of a scene: near enough to see, and with everything in it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from neuracore_ros.arrays import FloatArray

FIELD_OF_VIEW_RAD = math.radians(14.0)
"""From the upper to the lower edge of the picture: narrow, so that what is equal looks equal."""

ASPECT = 1.0
"""Width of the picture to its height: what a panel leaves of a laptop's window."""

# Of a picture, that is used.
_USED = 0.92
# From what is looked at to the eye: from the front, from the left of the robots, and from above.
# So all three directions of a motion are seen.
_TOWARDS = (1.0, 0.8, 0.5)


@dataclass(frozen=True, slots=True, eq=False)
class CameraView:
    """The place of a camera, with z up.

    Attributes:
        position: (3,) [m].
        look_at: A point in the middle of the picture (3,) [m].
    """

    position: FloatArray
    look_at: FloatArray


def view_of(points: FloatArray) -> CameraView:
    """The nearest view from the front in which all points (N, 3) are."""
    towards = np.array(_TOWARDS) / np.linalg.norm(_TOWARDS)
    right = np.cross((0.0, 0.0, 1.0), towards)
    right /= np.linalg.norm(right)
    half = math.tan(FIELD_OF_VIEW_RAD / 2) * _USED
    near = points @ towards
    place, distances = np.zeros(3), []
    for axis, tangent in ((right, half * ASPECT), (np.cross(towards, right), half)):
        # A point is in the picture where |axis (p - eye)| <= tangent * towards (eye - p).
        one = float((points @ axis + tangent * near).max())
        other = float((-(points @ axis) + tangent * near).max())
        place += axis * (one - other) / 2
        distances.append((one + other) / (2 * tangent))
    away = max(distances)
    return CameraView(place + away * towards, place + float(near.mean()) * towards)
