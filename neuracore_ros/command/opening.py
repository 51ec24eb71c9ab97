"""The first point of a message to a robot that may not be at its setpoint.

Such a message has no point at time 0: the controller may have held the robot by itself, and goes
from where the robot is to the first point, however soon that is due. Motions have knots wherever
they need them, and one may be a thousandth of a second away: for a robot that is a hundredth of
a radian behind, it would be a jump.
"""

from __future__ import annotations

import numpy as np

from neuracore_ros.arrays import FloatArray
from neuracore_ros.command.joints import Limits
from neuracore_ros.command.spline import Spline, extent, fastest

_EXCESS = 1e-3
"""So far beyond a position limit [rad] is as bad as being too fast by the limit itself."""

_ROUNDING = 1e-3


def opened_gently(
    spline: Spline, lag: FloatArray | None, limits: Limits, enough_s: float
) -> Spline:
    """A motion without the first knots that are too soon for a robot that lags behind.

    Args:
        spline: N knots of J joints; the first is the setpoint now.
        lag: How far each joint is behind its setpoint, (J,); None where nobody knows.
        limits: Of the joints.
        enough_s: A knot so far ahead is never too soon [s].

    Returns:
        From the setpoint straight to the first knot that no joint has to hurry for, and on from
        there; the motion as it is where none lags.
    """
    times_s = spline.times_s[1:]
    n, joints = len(times_s), spline.positions.shape[1]
    soon = times_s < enough_s * (1.0 - _ROUNDING)
    # There is nothing after the last.
    soon[-1:] = False
    if not soon.any():
        return spline
    here = np.broadcast_to(spline.positions[0], (n, joints))
    speeds = np.broadcast_to(spline.velocities[0], (n, joints)), spline.velocities[1:]
    if lag is None:
        hurry = enough_s / times_s
    else:
        most = np.maximum(limits.velocity, np.abs(spline.velocities[0])) * (1.0 + _ROUNDING)
        way = fastest(times_s[:, None], (here - lag, spline.positions[1:]), speeds)
        hurry = (way / most).max(axis=1)
    hurry = np.where(soon, hurry, 1.0)
    if hurry[0] <= 1.0:
        return spline
    low, high = extent(times_s[:, None], (here, spline.positions[1:]), speeds)
    beyond = np.maximum(
        np.minimum(limits.lower, here) - low, high - np.maximum(limits.upper, here)
    )
    cost = np.maximum(hurry, 1.0) + np.maximum(beyond, 0.0).max(axis=1) / _EXCESS
    first = 1 + int(np.argmin(cost))
    kept = np.r_[0, first : n + 1]
    return Spline(
        spline.start_ns, spline.times_s[kept], spline.positions[kept], spline.velocities[kept]
    )
