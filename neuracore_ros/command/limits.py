"""Limits: setpoints that chase the plan, and a spline through them that keeps to the limits.

The controller plays cubics between our points, so limits must hold between them as well. Two
properties hold for what `follow` returns, played from the start it was given, also by a
controller that does not measure velocities and so starts at rest:

- Positions: no spline leaves the range spanned by its points. Velocities are limited as by
  Fritsch and Carlson, so each segment is monotone (the first one is checked apart).
- Velocities: no spline is faster than the velocity limits. A segment's peak lies above its slope
  where it starts or ends slowly; such a step is made shorter.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neuracore_ros.arrays import BoolArray, FloatArray
from neuracore_ros.command.joints import Limits
from neuracore_ros.command.plan import Plan
from neuracore_ros.command.spline import extent, peak_speeds

_ENOUGH = 2.0 / 3.0
"""A segment between limited velocities is at most 1.5 times as fast as its slope."""

_CAREFUL_ATTEMPTS = 5
"""Beside one for each step: a step that is made shorter acts on the next, and so on."""
_ATTEMPTS = 30
_FAR = 1e6
_EPS = 1e-9


@dataclass(frozen=True, slots=True)
class Followed:
    """Points of a motion that keeps to the limits, n of them.

    Attributes:
        times_s: Since the start, shape (1 + n,), first 0.
        positions: Shape (1 + n, J); row 0 is the start.
        velocities: Likewise.
        arrived: Bool, shape (n,): where the plan is reached; elsewhere a limit was in the way.
        inside: Whether the first segment stays inside the position limits.
    """

    times_s: FloatArray
    positions: FloatArray
    velocities: FloatArray
    arrived: BoolArray
    inside: bool


def follow(
    setpoint: tuple[FloatArray, FloatArray],
    plan: Plan,
    now_ns: int,
    times_s: FloatArray,
    limits: Limits,
    rests: bool,
) -> Followed:
    """Chase a plan within limits.

    Args:
        setpoint: Position and velocity at the start, each of shape (J,).
        plan: What to chase, inside the position limits.
        now_ns: The start.
        times_s: When to be at the plan, shape (n,), from the start, above 0 and increasing.
        limits: Of the J joints.
        rests: Whether the motion is at rest at the last target; else it goes on as fast as in the
            last step, and has room to brake.
    """
    times = np.concatenate([[0.0], times_s])
    if len(times_s) == 0:
        none = np.zeros(0, bool)
        speed = np.zeros_like(setpoint[1]) if rests else setpoint[1]
        return Followed(times, setpoint[0][None], speed[None], none, inside=True)
    planned, h = _planned(plan, now_ns, times), np.diff(times)
    # A start that is already faster, such as one with reduced limits, may only slow down, and no
    # sooner than its joints can.
    slowing = np.abs(setpoint[1]) - limits.acceleration * times_s[:, None]
    fastest = np.maximum(limits.velocity, slowing)
    bound = np.maximum(limits.velocity, np.concatenate([np.abs(setpoint[1])[None], slowing[:-1]]))
    share = np.ones(len(h))
    careful = _CAREFUL_ATTEMPTS + len(h)
    for attempt in range(careful + _ATTEMPTS):
        positions = _chase(setpoint, planned, h, limits, fastest, share)
        velocities = monotone_velocities(positions, h)
        velocities[0] = setpoint[1]
        if not rests:
            velocities[-1] = _last_velocity(positions, h[-1], limits)
        over = _over(times, positions, velocities, bound)
        fast = over > 1.0 + _EPS
        if not fast.any():
            break
        if attempt < careful:
            share = np.where(fast, share * 0.95 / np.maximum(over, 1.0), share)
            share[1:] = np.maximum(share[1:], _ENOUGH)
        else:
            # Steps act on each other; here they are all short, and the first one ever shorter.
            share[1:] = _ENOUGH
            share[0] *= 0.5
    low, high = extent(float(h[0]), (positions[0], positions[1]), (velocities[0], velocities[1]))
    start = positions[0]
    above = (low >= np.minimum(limits.lower, start) - _EPS).all()
    below = (high <= np.maximum(limits.upper, start) + _EPS).all()
    arrived = np.all(np.abs(positions[1:] - planned[1:]) <= _EPS, axis=1)
    return Followed(times, positions, velocities, arrived, bool(above and below))


def pursued(
    setpoint: tuple[FloatArray, FloatArray],
    plan: Plan,
    now_ns: int,
    times_s: FloatArray,
    limits: Limits,
) -> FloatArray:
    """Compute where a robot is that pursues a plan within limits, (1 + n, J), in one pass.

    These are the positions of `follow`, whose arguments these are, but for steps that the cubics
    between its points would make too fast. Its cost grows with n alone.
    """
    times = np.concatenate([[0.0], times_s])
    fastest = np.maximum(
        limits.velocity, np.abs(setpoint[1]) - limits.acceleration * times_s[:, None]
    )
    planned, h = _planned(plan, now_ns, times), np.diff(times)
    return _chase(setpoint, planned, h, limits, fastest, np.ones(len(h)))


def _planned(plan: Plan, now_ns: int, times_s: FloatArray) -> FloatArray:
    return plan.at(now_ns + np.rint(1e9 * times_s).astype(np.int64))


def _chase(
    setpoint: tuple[FloatArray, FloatArray],
    planned: FloatArray,
    h: FloatArray,
    limits: Limits,
    fastest: FloatArray,
    share: FloatArray,
) -> FloatArray:
    """Compute positions (1 + n, J) step by step.

    Each step goes straight towards the target: where one joint would be too fast, all joints go
    a smaller part of the way, but for those that move alone. Where limits disagree, position goes
    before velocity, and velocity before acceleration.
    """
    positions = np.empty_like(planned)
    position, slope = setpoint
    positions[0] = position
    before = planned[0]
    together = ~limits.alone
    gains = limits.acceleration * h[:, None]
    fastest = fastest * np.where(limits.alone, np.minimum(share, _ENOUGH)[:, None], share[:, None])
    for i, target in enumerate(planned[1:]):
        most, gain = fastest[i], gains[i]
        lag = before - position
        room = np.stack([np.abs(lag), limits.upper - position, position - limits.lower])
        catching_up, up, down = _braking_speed(np.maximum(room, 0.0), gain, h[i])
        wanted = (target - before) / h[i] + np.sign(lag) * catching_up
        speed = np.abs(wanted)
        part = np.divide(most, speed, out=np.ones_like(speed), where=speed > most)
        factor = np.where(limits.alone, part, np.min(part, where=together, initial=1.0))
        slope = _within(factor * wanted, slope - gain, slope + gain)
        slope = _within(slope, -most, most)
        slope = _within(slope, -down, up)
        # From outside its range, where it was measured, a joint comes in as fast as others move.
        low, high = np.minimum(limits.lower, position), np.maximum(limits.upper, position)
        position = _within(position + slope * h[i], low, high)
        positions[i + 1] = position
        before = target
    return positions


def _braking_speed(distance: FloatArray, gain: FloatArray, h: float) -> FloatArray:
    """Compute the largest speed of a step of h seconds after which the joint still rests in time.

    Args:
        distance: To where it must rest, shape (..., J).
        gain: Change of speed in one step, acceleration times h, shape (J,); may be infinite.
        h: The step [s].
    """
    at_once = np.minimum(distance, _FAR) / h
    finite = np.isfinite(gain)
    if not finite.any():
        return at_once
    half = 0.5 * np.where(finite, gain, 0.0)
    gradual = np.sqrt(half * half + 4.0 * half * at_once) - half
    return np.where(finite, np.minimum(gradual, at_once), at_once)


def _within(values: FloatArray, low: FloatArray, high: FloatArray) -> FloatArray:
    """Do what ``np.clip`` does, in less time for a few joints."""
    return np.minimum(np.maximum(values, low), high)


def monotone_velocities(positions: FloatArray, h: FloatArray) -> FloatArray:
    """Take central differences, limited so that no segment overshoots; zero at both ends."""
    slopes = np.diff(positions, axis=0) / h[:, None]
    left, right = slopes[:-1], slopes[1:]
    central = (positions[2:] - positions[:-2]) / (h[:-1] + h[1:])[:, None]
    steepest = 3.0 * np.minimum(np.abs(left), np.abs(right))
    velocities = np.zeros_like(positions)
    velocities[1:-1] = np.where(
        left * right > 0.0, np.sign(central) * np.minimum(np.abs(central), steepest), 0.0
    )
    return velocities


def _last_velocity(positions: FloatArray, h: float, limits: Limits) -> FloatArray:
    """Take that of the last step of h seconds, but none that another such step could not brake."""
    last = positions[-1]
    slope = (last - positions[-2]) / h
    most = 2.0 * np.maximum(limits.upper - last, 0.0) / h
    least = -2.0 * np.maximum(last - limits.lower, 0.0) / h
    return np.asarray(np.clip(slope, least, most))


def _over(
    times_s: FloatArray, positions: FloatArray, velocities: FloatArray, bound: FloatArray
) -> FloatArray:
    """Compute by which factor each segment is too fast, shape (n,); at most 1 where none is."""
    over = peak_speeds(times_s, positions, velocities) / bound
    # A controller without velocity state starts every message at rest.
    at_rest = velocities[:2].copy()
    at_rest[0] = 0.0
    over[0] = np.maximum(over[0], peak_speeds(times_s[:2], positions[:2], at_rest)[0] / bound[0])
    return np.asarray(over.max(axis=1))
