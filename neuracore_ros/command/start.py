"""Start of motion: how far away the first action may be, and how slowly the robot goes there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neuracore_ros.arrays import FloatArray
from neuracore_ros.command.joints import Joints, Limits

_DETOUR = 1.5
"""From rest to rest, a way takes so much longer than its length at the fastest speed."""

_RISES_S = 0.5
"""From ``start_speed`` to full speed, once the distance of the start is made good."""


@dataclass(frozen=True, slots=True)
class Gate:
    """Verdict on a start: how to start, or why not.

    Attributes:
        refusal: One line that names joint, value and distance; None if the robot may start.
        blend_in: Whether to start slowly.
    """

    refusal: str | None
    blend_in: bool

    def and_(self, other: Gate) -> Gate:
        """The verdict of two gates: the first refusal, and slowly if one of them says so."""
        refusal = other.refusal if self.refusal is None else self.refusal
        return Gate(refusal, self.blend_in or other.blend_in)


def start_gate(
    first: FloatArray,
    measured: FloatArray,
    joints: Joints,
    tolerance: float,
    most: float,
    whose: str = 'first action of',
) -> Gate:
    """Compare the first action with the measured joints.

    Distances are those of the slots, whatever units the robot is commanded in.

    A joint that is outside its limits has the way back to them to go, too. Grippers pass: one that
    holds a thing stays far from the commanded opening. Continuous joints go the short way.

    Args:
        first: Shape (J,), in the robot's own units.
        measured: Likewise, fresh.
        joints: The J joints.
        tolerance: Up to here, go [rad].
        most: Up to here, blend in [rad].
        whose: Begins a refusal.
    """
    limits = joints.limits
    if not joints.joints:
        return Gate(None, blend_in=False)
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
            f"{whose} '{joints.joints[worst].name}' is {first[worst]:.3f}, measured "
            f'{measured[worst]:.3f}: {_apart(distance[worst], joints.unit[worst])} apart, more '
            f'than start_max {most:g}',
            blend_in=False,
        )
    return Gate(None, blend_in=bool(distance[worst] > tolerance))


def _apart(distance: float, unit: float) -> str:
    """Write a distance, with its unit where positions are in other units than the parameters."""
    return f'{distance:.3f}' if unit == 1.0 else f'{distance:.3f} rad or m'


class BlendIn:
    """Share of the velocity limits that a robot may use after its start.

    It is ``start_speed`` until the robot arrives at the plan. A plan may move away as fast as
    the robot follows: so it is ``start_speed`` for no longer than the distance of the start
    takes at that speed, and then rises to 1.
    """

    def __init__(self, start_speed: float) -> None:
        """Slow nothing yet; ``start_speed`` is above 0 and at most 1."""
        self._start_speed = start_speed
        self._made_good_ns: int | None = None
        self._arrives_ns: int | None = 0

    @property
    def active(self) -> bool:
        """Whether the robot is on its way to the plan, and its arrival is not known."""
        return self._arrives_ns is None

    def start(self, slowly: bool, now_ns: int) -> None:
        """Start slowly, or at full speed."""
        self._made_good_ns = None
        self._arrives_ns = None if slowly else now_ns

    def measure(self, away: FloatArray, limits: Limits, now_ns: int) -> None:
        """Take the distance of the start to the first action, (J,); later actions do not count."""
        if self.active and self._made_good_ns is None:
            away = np.where(limits.alone, 0.0, np.abs(away))
            takes_s = _DETOUR * float(np.max(away / (self._start_speed * limits.velocity)))
            self._made_good_ns = now_ns + round(1e9 * takes_s)

    def share(self, now_ns: int) -> float:
        """Return the share of the velocity limits that it may use now."""
        if self._arrives_ns is not None and self._arrives_ns <= now_ns:
            return 1.0
        risen_s = 0.0 if self._made_good_ns is None else (now_ns - self._made_good_ns) / 1e9
        share = self._start_speed + (1.0 - self._start_speed) * max(risen_s, 0.0) / _RISES_S
        return min(share, 1.0)

    def arrive(self, at_ns: int | None) -> None:
        """Take when the robot will be at the plan, as far as it has been planned."""
        self._arrives_ns = at_ns
