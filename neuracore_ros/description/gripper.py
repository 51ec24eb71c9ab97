"""Grippers: how far one is open, 0 closed to 1 open, of the range of its joint."""

import math
from collections.abc import Mapping

from neuracore_ros.description.limits import PartialLimit
from neuracore_ros.description.routes import ScaleOffset
from neuracore_ros.description.urdf import Mimic


def opening(lower: float, upper: float) -> ScaleOffset | None:
    """The scale that makes the lower limit 0, closed, and the upper one 1, open."""
    if not math.isfinite(upper - lower):
        return None
    return ScaleOffset(1.0 / (upper - lower), -lower / (upper - lower))


def amounts(
    given: Mapping[str, PartialLimit],
    urdf: Mapping[str, PartialLimit],
    mimics: Mapping[str, Mimic],
) -> dict[str, ScaleOffset]:
    """The scales from positions of finger joints to a gripper's 0..1.

    A finger that mimics another one is as far open as that one, even where it moves the other
    way. The limits of the robot file, ``given``, go before either.

    Returns:
        Joint -> scaling, of the joints whose range is known.
    """
    ranges = {**_openings(urdf), **_openings(given)}
    followers: dict[str, ScaleOffset] = {}
    for name, mimic in mimics.items():
        leader = ranges.get(mimic.joint)
        if leader is not None and mimic.joint not in mimics:
            scale = leader.scale / mimic.multiplier
            followers[name] = ScaleOffset(scale, leader.offset - scale * mimic.offset)
    return {**ranges, **followers, **_openings(given)}


def _openings(limits: Mapping[str, PartialLimit]) -> dict[str, ScaleOffset]:
    found = {name: opening(*limit.position) for name, limit in limits.items() if limit.position}
    return {name: scaling for name, scaling in found.items() if scaling is not None}
