"""Joint limits, in the robot's own units and sense."""

import math
from dataclasses import astuple, dataclass
from typing import Any

from neuracore_ros.yaml_value import YamlValue

Range = tuple[float, float]
"""Least and largest value."""

FASTER = 1.5
"""A measurement is wrong if it moves this much faster than its joint's velocity limit."""
START_MAX = 0.5
"""The default of the parameter ``start_max`` [rad]: a joint that is further away is held."""

_POSITIVE = ('velocity', 'acceleration', 'jerk', 'effort', 'angular_velocity')


@dataclass(frozen=True, slots=True)
class JointLimit:
    """The limits of one joint.

    Attributes:
        lower: Least position, [rad] or [m]; -inf for a continuous joint.
        upper: Largest position, [rad] or [m]; inf for a continuous joint.
        velocity: Largest speed, [rad/s] or [m/s].
        acceleration: Largest acceleration, [rad/s2] or [m/s2]; None where none is given.
        jerk: Largest jerk, [rad/s3] or [m/s3]; None where none is given. A URDF never gives one.
        slides: It is prismatic by its URDF, and so comes to no equivalent place after 2 pi.
    """

    lower: float
    upper: float
    velocity: float
    acceleration: float | None = None
    jerk: float | None = None
    slides: bool = False


@dataclass(frozen=True, slots=True)
class PartialLimit:
    """The limits of one joint, or of another output, in one file; None where it gives none.

    Attributes:
        effort: Largest torque or force, [N m] or [N].
        angular_velocity: Largest turning speed of a pose [rad/s]; ``velocity`` is its other one.
    """

    position: tuple[float, float] | None = None
    velocity: float | None = None
    acceleration: float | None = None
    jerk: float | None = None
    slides: bool = False
    effort: float | None = None
    angular_velocity: float | None = None

    def over(self, other: 'PartialLimit') -> 'PartialLimit':
        """Limits with what they lack taken from those of another file."""
        own, others = astuple(self), astuple(other)
        return PartialLimit(*(mine or theirs for mine, theirs in zip(own, others, strict=True)))

    def complete(self) -> JointLimit | None:
        """The joint's limits, or None where position or velocity is not known."""
        if self.position is None or not self.velocity:
            return None
        return JointLimit(*self.position, self.velocity, self.acceleration, self.jerk, self.slides)


def parse_limit(value: YamlValue, joint: str) -> PartialLimit:
    """``{position: [lower, upper] | none, velocity: number, ...}``, each optional.

    Raises:
        DescriptionError: An unknown key, a bound that is no number, or bounds in the wrong order.
    """
    what = f"limits of '{joint}'"
    fields = value.fields(what, ('position', *_POSITIVE))
    position = _bounds(fields['position'], f'position {what}') if 'position' in fields else None
    positive: dict[str, Any] = {
        key: fields[key].number(f'{key} {what}', low=0.0) for key in _POSITIVE if key in fields
    }
    return PartialLimit(position, **positive)


def _bounds(value: YamlValue, what: str) -> tuple[float, float]:
    if value.content == 'none':
        return -math.inf, math.inf
    if value.is_scalar() or value.is_mapping() or len(value.elements(what)) != 2:
        raise value.error(f"{what} must be [lower, upper], or 'none' for a continuous joint")
    lower, upper = (bound.number(what) for bound in value.elements(what))
    if lower >= upper:
        raise value.error(f'{what}: lower {lower:g} is not below upper {upper:g}')
    return lower, upper
