"""The start gate: how far the first action may be from where the robot is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neuracore_ros.arrays import FloatArray
from neuracore_ros.command.joints import Joints


@dataclass(frozen=True, slots=True)
class Gate:
    """How to start, or why not.

    Attributes:
        refusal: One line that names joint, value and distance; None if the robot may start.
        blend_in: Whether to start slowly.
    """

    refusal: str | None
    blend_in: bool


def start_gate(
    first: FloatArray, measured: FloatArray, joints: Joints, tolerance: float, most: float
) -> Gate:
    """Hold the first action against the measured joints.

    Distances are those of the slots, whatever units the robot is commanded in.

    A joint that is outside its limits has the way back to them to go, too. Grippers pass: one that
    holds a thing stays far from the commanded opening. Continuous joints go the short way.

    Args:
        first: Shape (J,), in the robot's own units.
        measured: Likewise, fresh.
        joints: The J joints.
        tolerance: Up to here, go [rad].
        most: Up to here, blend in [rad].
    """
    limits = joints.limits
    # Its limits bring a joint that is outside of them back, wherever the policy wants it.
    outside = np.abs(np.clip(measured, limits.lower, limits.upper) - measured)
    away = joints.distance(first, measured)
    outside, away = (
        np.where(joints.grips, 0.0, distance / joints.unit) for distance in (outside, away)
    )
    worst = int(np.argmax(outside))
    if outside[worst] > most:
        return Gate(
            f"'{joints.joints[worst].name}' is measured at {measured[worst]:.3f}, "
            f'{_apart(outside[worst], joints.unit[worst])} outside its limits '
            f'({limits.lower[worst]:g} to {limits.upper[worst]:g}), more than start_max '
            f'{most:g}: correct the limits in the robot file, or move it back by hand',
            blend_in=False,
        )
    distance = np.maximum(away, outside)
    worst = int(np.argmax(distance))
    if distance[worst] > most:
        return Gate(
            f"first action of '{joints.joints[worst].name}' is {first[worst]:.3f}, measured "
            f'{measured[worst]:.3f}: {_apart(distance[worst], joints.unit[worst])} apart, more '
            f'than start_max {most:g}',
            blend_in=False,
        )
    return Gate(None, blend_in=bool(distance[worst] > tolerance))


def _apart(distance: float, unit: float) -> str:
    """A distance, as the parameters have it; said where positions are told in other units."""
    return f'{distance:.3f}' if unit == 1.0 else f'{distance:.3f} rad or m'
