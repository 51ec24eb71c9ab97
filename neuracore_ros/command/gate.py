"""The start gate: how far the first action may be from where the robot is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neuracore_ros.command.joints import Array, Joints


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
    first: Array, measured: Array, joints: Joints, tolerance: float, most: float
) -> Gate:
    """Hold the first action against the measured joints.

    Grippers pass: one that holds a thing stays far from the commanded opening. Continuous joints
    go the short way.

    Args:
        first: Shape (J,), in the robot's own units.
        measured: Likewise, fresh.
        joints: The J joints.
        tolerance: Up to here, go [rad].
        most: Up to here, blend in [rad].
    """
    distance = np.where(joints.grips, 0.0, np.abs(joints.nearest(first, measured) - measured))
    worst = int(np.argmax(distance))
    if distance[worst] > most:
        return Gate(
            f"first action of '{joints.joints[worst].name}' is {first[worst]:.3f}, measured "
            f'{measured[worst]:.3f}: {distance[worst]:.3f} apart, more than start_max {most:g}',
            blend_in=False,
        )
    return Gate(None, blend_in=bool(distance[worst] > tolerance))
