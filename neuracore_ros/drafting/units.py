"""Drivers that do not speak in radians: degrees of joints, percent of grippers."""

from __future__ import annotations

import math
from collections.abc import Mapping

from neuracore_ros.description.gripper import Scaling, opening
from neuracore_ros.description.limits import PartialLimit
from neuracore_ros.drafting.facts import Motion

DEGREE = math.pi / 180
"""[rad]"""

# Beyond its limits by so much, no joint is [rad]; a joint may lie a little beyond.
_FAR, _NEAR = 0.5, 0.2
# Without limits: no joint of an arm turns so often [rad], nor farther [deg].
_TURNS, _MOST_DEGREES = 4 * math.pi, 400.0
_PERCENT = -5.0, 105.0


def angle_unit(
    motions: Mapping[str, Motion], limits: Mapping[str, PartialLimit]
) -> tuple[float, str]:
    """The unit in which joints of one topic are told.

    Args:
        motions: Joint that turns -> how it moved.
        limits: Joint -> limits [rad], as far as they are known.

    Returns:
        What one of it is in radians, and what gives it away; 1 and nothing of radians.
    """
    bounded = {
        joint: limits[joint].position
        for joint in motions
        if joint in limits and not limits[joint].slides and limits[joint].position
    }
    for joint, bounds in bounded.items():
        if bounds is None or not _is_beyond(motions[joint], bounds, 1.0, _FAR):
            continue
        if all(not _is_beyond(motions[j], b, DEGREE, _NEAR) for j, b in bounded.items() if b):
            return DEGREE, f'{_seen(joint, motions[joint])}, far outside of {_range(bounds)} rad'
    if not bounded:
        for joint, motion in motions.items():
            if _TURNS < max(abs(motion.lower), abs(motion.upper)) <= _MOST_DEGREES:
                return DEGREE, f'{_seen(joint, motion)}, more than two turns in radians'
    return 1.0, ''


def strangers(
    motions: Mapping[str, Motion], limits: Mapping[str, PartialLimit], unit: float
) -> list[str]:
    """A line for each joint that was seen far outside of its limits.

    Args:
        motions: Joint -> how it moved, in its publisher's unit.
        limits: Joint -> limits [rad] or [m].
        unit: Of the motions [rad].
    """
    found = []
    for joint, motion in motions.items():
        limit = limits.get(joint)
        bounds = limit.position if limit else None
        if limit is None or bounds is None or not math.isfinite(bounds[1] - bounds[0]):
            continue
        far = bounds[1] - bounds[0] if limit.slides else _FAR
        if _is_beyond(motion, bounds, 1.0 if limit.slides else unit, far):
            kind = 'm' if limit.slides else 'rad'
            found.append(
                f'{_seen(joint, motion)}, outside of {_range(bounds)} {kind}: another unit, or '
                'the URDF of another robot? Write scale and offset'
            )
    return found


def amount(motion: Motion, limit: PartialLimit | None) -> tuple[Scaling, str] | None:
    """What brings a gripper's values to 0..1, if they lie outside of its range.

    Returns:
        The scaling, and what gives it away; None where the range does.
    """
    bounds = limit.position if limit else None
    if bounds is None or not math.isfinite(bounds[1] - bounds[0]):
        return None
    width = bounds[1] - bounds[0]
    if not _is_beyond(motion, bounds, 1.0, width):
        return None
    seen = f'its values are {_range((motion.lower, motion.upper))}, its range {_range(bounds)}'
    if _PERCENT[0] <= motion.lower and 1.0 < motion.upper <= _PERCENT[1]:
        return Scaling(0.01, 0.0), f'{seen}: taken as percent, 0 closed'
    scaling = opening(motion.lower, motion.upper) if motion.upper > motion.lower else None
    return scaling or Scaling(), f'{seen}: taken as closed and open where it was seen to end'


def converted(motion: Motion, unit: float) -> Motion:
    """A motion in radians."""
    return Motion(motion.lower * unit, motion.upper * unit, motion.speed * unit)


def _is_beyond(motion: Motion, bounds: tuple[float, float], unit: float, by: float) -> bool:
    return motion.lower * unit < bounds[0] - by or motion.upper * unit > bounds[1] + by


def _seen(joint: str, motion: Motion) -> str:
    return f'{joint} was seen at {_range((motion.lower, motion.upper))}'


def _range(bounds: tuple[float, float]) -> str:
    return f'{bounds[0]:.3g}..{bounds[1]:.3g}'
