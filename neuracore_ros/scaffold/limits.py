"""Limits of a drafted robot file: those of the URDF, or the range of the messages."""

from __future__ import annotations

import math
from dataclasses import dataclass

from neuracore_ros.description.limits import PartialLimit
from neuracore_ros.description.routes import ScaleOffset
from neuracore_ros.description.units import Unit
from neuracore_ros.scaffold.draft_entries import LimitEntry, Note
from neuracore_ros.scaffold.facts import ObservedMotion

# What a division may be off, in steps.
_HAIR = 1e-6


@dataclass(frozen=True, slots=True)
class _Care:
    """Limits that are written where messages show little or nothing.

    Attributes:
        still: A range that is smaller is no range; then this is written to each side.
        speeds: The least and the largest speed that is written.
        step: To which numbers are rounded.
    """

    still: float
    speeds: tuple[float, float]
    step: float


# [rad] and [rad/s]; [m] and [m/s], where 0.05 is more than most grippers open.
_TURNING = _Care(0.05, (0.1, 3.0), 0.01)
_SLIDING = _Care(0.002, (0.01, 0.5), 0.001)
# What slides further [m] has another unit, such as percent.
_COUNTED = _Care(1.0, (10.0, 1e4), 1.0)
_LONGEST = 2.0


def limit_entry(
    name: str,
    given: PartialLimit | None,
    motion: ObservedMotion | None,
    where: str,
    *,
    slides: bool = False,
    unit: Unit | None = None,
) -> LimitEntry:
    """The limits to write for a joint: those of the URDF, else those that its motion shows.

    ``unit`` is the unit of its commands, where it is not [rad] or [m].
    """
    care = _SLIDING if slides else _TURNING
    if slides and motion and max(abs(motion.lower), abs(motion.upper)) > _LONGEST:
        care = _COUNTED
    position = given.position if given else None
    velocity = given.velocity if given else None
    notes = []
    if position is None:
        position, note = _position(motion, care)
        notes.append(note)
    if velocity is None:
        speed = motion.speed if motion else 0.0
        velocity = min(max(speed, care.speeds[0]), care.speeds[1])
        notes.append('the speed that was seen' if velocity == speed else 'a careful speed')
        velocity = math.ceil(velocity / care.step - _HAIR) * care.step
    text = '; '.join(notes) or f'from {where}'
    if unit:
        text += f', in {unit.name}'
        lower, upper = ((end - unit.offset) / unit.scale for end in position)
        position, velocity = (lower, upper), velocity / unit.scale
    return LimitEntry(name, _bounds(position), round(velocity, 4), Note(text, bool(notes)))


def opening_entry(name: str, scaling: ScaleOffset) -> LimitEntry:
    """The limits of a gripper that is commanded in a unit of its own, such as percent."""
    closed, opened = sorted((amount - scaling.offset) / scaling.scale for amount in (0.0, 1.0))
    note = Note('in the unit of its commands')
    return LimitEntry(name, (closed, opened), opened - closed, note)


def _position(motion: ObservedMotion | None, care: _Care) -> tuple[tuple[float, float], str]:
    if motion is None:
        text = 'nothing tells a range; this one is a stub'
        return (-care.still, care.still), text
    lower, upper, text = motion.lower, motion.upper, 'the range that was seen'
    if upper - lower < care.still:
        middle = (lower + upper) / 2
        lower, upper = middle - care.still, middle + care.still
        text = 'it hardly moved; widen the range to what the arm can do'
    # Rounded outward, so that what was seen is allowed.
    first, last = math.floor(lower / care.step + _HAIR), math.ceil(upper / care.step - _HAIR)
    return (round(first * care.step, 4), round(last * care.step, 4)), text


def _bounds(position: tuple[float, float]) -> tuple[float, float] | str:
    return position if math.isfinite(position[1] - position[0]) else 'none'
