"""The slot that is proposed for a joint, gripper or camera, with the reason."""

from __future__ import annotations

from dataclasses import dataclass

from neuracore_ros.alignment.roles import Role


@dataclass(frozen=True, slots=True)
class SlotProposal:
    """The slot proposed for a joint, gripper or camera, and the reason.

    Attributes:
        name: Of the new robot.
        index: Its slot.
        why: In words.
        counterpart: The other robot's name for the slot; empty where it has none.
        fits: False if the slot would widen the other robot's layout.
        scale: The slot's value is ``scale * position + offset``.
        offset: [rad] or [m].
        role: What the joint does; None where that is not known.
        same: False if it is known to do something else than its counterpart.
        zero_known: Whether the offset is more than nothing better.
        doubts: What to look at, one line each.
    """

    name: str
    index: int
    why: str
    counterpart: str = ''
    fits: bool = True
    scale: float = 1.0
    offset: float = 0.0
    role: Role | None = None
    same: bool = True
    zero_known: bool = True
    doubts: tuple[str, ...] = ()
