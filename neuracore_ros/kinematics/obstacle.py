"""The obstacle between an arm and a pose, in words: a speed, a limit, or its reach."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from neuracore_ros.arrays import FloatArray
from neuracore_ros.kinematics.chain import ChainKinematics
from neuracore_ros.kinematics.pose_solver import ROUGH, Goal, PoseSolver, is_reached

# The least singular value of a Jacobian beside the largest one.
_SINGULAR = 0.03


@dataclass(frozen=True, slots=True)
class StepBounds:
    """Bounds of one step of n joints.

    Attributes:
        lower: Least positions (n,) [rad] or [m].
        upper: Largest positions (n,).
        reach: Largest motion in the step (n,).
        limit_s: Time in which a joint moves so far at its speed limit [s].
        step_s: Time of the step [s].
        is_first: True for the first step, with bounds of its own.
    """

    lower: FloatArray
    upper: FloatArray
    reach: FloatArray
    limit_s: float
    step_s: float
    is_first: bool


def obstacle(
    solver: PoseSolver,
    kinematics: ChainKinematics,
    target: Goal,
    now: FloatArray,
    bounds: StepBounds,
) -> str:
    """The reason why joints at ``now`` (n,) do not reach a pose: drops one bound after the other.

    Returns:
        The end of a line.
    """
    low, high = np.minimum(bounds.lower, now), np.maximum(bounds.upper, now)
    bent = solver.bent(now, low, high)
    slow, error = solver.approach(target, now, bent, now, low, high, ROUGH)
    if is_reached(error):
        return f' in time: {_too_fast(kinematics, now, slow, bounds)}'
    metres, angle = solver.missing(error)
    short = f': {100.0 * metres:.1f} cm and {math.degrees(angle):.0f} degrees short'
    anywhere = np.full(len(now), math.inf)
    free, error = solver.approach(target, now, bent, now, -anywhere, anywhere, ROUGH)
    if is_reached(error):
        ends = [
            f"joint '{name}' ends at {most if place > most else least:.3g} {unit}"
            for name, unit, place, least, most in zip(
                kinematics.chain.joints, kinematics.units, free, low, high, strict=True
            )
            if not least - 1e-6 <= place <= most + 1e-6
        ]
        return f'{short}: {", ".join(ends) or "it is stuck in this posture"}'
    _, error = solver.of_positions().approach(target, now, bent, now, -anywhere, anywhere, ROUGH)
    return f'{short}: {"it cannot turn so" if is_reached(error) else "beyond its reach"}'


def _too_fast(
    kinematics: ChainKinematics, now: FloatArray, found: FloatArray, bounds: StepBounds
) -> str:
    moved = np.abs(found - now)
    joint = int((moved / np.maximum(bounds.reach, 1e-9)).argmax())
    unit, per = kinematics.units[joint], bounds.step_s
    if bounds.is_first:
        verb = 'start with a jump of'
    else:
        verb, unit, moved = 'move at', f'{unit}/s', moved / per
    most = bounds.reach[joint] / (1.0 if bounds.is_first else bounds.limit_s)
    jacobian = kinematics.arm.placed(-1, now)[2]
    values = np.linalg.svd(jacobian, compute_uv=False)
    near = '; it is close to a singularity' if values[-1] < _SINGULAR * values[0] else ''
    return (
        f"joint '{kinematics.chain.joints[joint]}' would {verb} {moved[joint]:.3g} {unit}, its "
        f'limit is {most:.3g} {unit}{near}'
    )
