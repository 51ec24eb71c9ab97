"""Braking along a path: the motion that is executed, passed slower and slower until it rests."""

from __future__ import annotations

import math

import numpy as np

from neuracore_ros.arrays import FloatArray
from neuracore_ros.command.joints import Limits
from neuracore_ros.command.spline import Spline, extent, peak_accelerations, peak_speeds

_PARTS = 8
"""Parts of equal time, if no knots of the motion lie between; cubics lead through them."""

_CLOSEST_S = 2e-3
_RESTS = 1e-3
"""Share of its speed below which the motion is taken to rest."""

_ROUNDING = 1e-3
_ROUGHLY = 0.1
"""Between its knots, a cubic may need so much more acceleration than where it was planned."""


def brake_along(
    path: Spline, now_ns: int, duration_s: float, limits: Limits, longest_s: float
) -> Spline | None:
    """Brake to rest on the way of a motion.

    Its speed falls evenly, to none after ``duration_s``; slower where the limits of acceleration
    are needed to keep to a way that bends. So it goes half as far as the motion would.

    Args:
        path: The motion, of J joints.
        now_ns: When braking begins.
        duration_s: Until rest, where no limit of acceleration is in the way.
        limits: Of the joints.
        longest_s: It rests no later than after so long.

    Returns:
        What begins where the motion is now; None where it takes too long, a limit of a joint is
        in the way, or the motion goes on where it ends.
    """
    finite = np.isfinite(path.positions).all() and np.isfinite(path.velocities).all()
    if not (finite and _CLOSEST_S < duration_s <= longest_s):
        return None
    begun_s = (now_ns - path.start_ns) / 1e9
    most = np.maximum(limits.acceleration, _own_accelerations(path, begun_s, duration_s))
    length_s = float(path.times_s[-1]) - begun_s
    # Along the path [s], seconds of it a second, and seconds that have passed.
    along_s, pace, time_s = 0.0, 1.0, 0.0
    times_s, states = [0.0], [path.at(now_ns)]
    while pace > 0.0:
        slower = min(
            -_slowest_change(path, now_ns + round(1e9 * along_s), pace, most), 1.0 / duration_s
        )
        step_s = duration_s / _PARTS
        if slower > 0.0:
            step_s = min(step_s, pace / slower)
        step_s = min(step_s, _until_knot(path.times_s - begun_s - along_s, pace, slower))
        along_s += step_s * (pace - 0.5 * slower * step_s)
        pace, time_s = pace - slower * step_s, time_s + step_s
        if pace < _RESTS or along_s >= length_s - _ROUNDING:
            pace = 0.0
        if time_s > longest_s:
            return None
        position, velocity = path.at(now_ns + round(1e9 * along_s))
        times_s.append(time_s)
        states.append((position, pace * velocity))
    if along_s > length_s - _ROUNDING and path.velocities[-1].any():
        return None
    positions, velocities = (np.array(rows) for rows in zip(*states, strict=True))
    braked = Spline(now_ns, np.array(times_s), positions, velocities)
    return braked if _keeps_to(braked, most, limits) else None


def _slowest_change(path: Spline, at_ns: int, pace: float, most: FloatArray) -> float:
    """The fastest change of the pace along a path at a place [1/s], at most 0."""
    velocity = path.at(at_ns)[1]
    bent = pace * pace * path.acceleration_at(at_ns)
    with np.errstate(divide='ignore', invalid='ignore'):
        # Each joint needs |bent + change velocity| <= most.
        least = (-np.sign(velocity) * bent - most) / np.abs(velocity)
    return min(float(np.max(least, where=velocity != 0.0, initial=-np.inf)), 0.0)


def _until_knot(ahead_s: FloatArray, pace: float, slower: float) -> float:
    """Time until the next knot of a path, where its bend changes, if not just now [s]."""
    ahead_s = ahead_s[ahead_s > _CLOSEST_S * max(pace, _RESTS)]
    if not len(ahead_s):
        return math.inf
    square = pace * pace - 2.0 * slower * float(ahead_s[0])
    if square <= 0.0:
        return math.inf
    return 2.0 * float(ahead_s[0]) / (pace + math.sqrt(square))


def _own_accelerations(path: Spline, begun_s: float, duration_s: float) -> FloatArray:
    """The largest acceleration of each joint (J,) on a part of a motion."""
    ends = np.searchsorted(path.times_s, [begun_s, begun_s + duration_s], side='right')
    part = slice(max(int(ends[0]) - 1, 0), int(ends[1]) + 1)
    own = peak_accelerations(path.times_s[part], path.positions[part], path.velocities[part])
    return np.asarray(own.max(axis=0, initial=0.0))


def _keeps_to(motion: Spline, most: FloatArray, limits: Limits) -> bool:
    """True if joints exceed no limit that they do not exceed where it begins."""
    times_s, positions, velocities = motion.times_s, motion.positions, motion.velocities
    fastest = np.maximum(limits.velocity, np.abs(velocities[0])) * (1.0 + _ROUNDING)
    h = np.diff(times_s)[:, None]
    low, high = extent(h, (positions[:-1], positions[1:]), (velocities[:-1], velocities[1:]))
    lower, upper = np.minimum(limits.lower, positions[0]), np.maximum(limits.upper, positions[0])
    needed = peak_accelerations(times_s, positions, velocities)
    return bool(
        (peak_speeds(times_s, positions, velocities) <= fastest).all()
        and (low >= lower).all()
        and (high <= upper).all()
        and (needed <= most * (1.0 + _ROUGHLY)).all()
    )
