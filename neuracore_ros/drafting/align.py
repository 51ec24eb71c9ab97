"""Where a new robot's joints and cameras sit in the index space of another robot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from neuracore_ros.description.embodiment import Slots
from neuracore_ros.drafting.compare import Other, compare_axes, compare_ranges
from neuracore_ros.drafting.kinematics import Kinematics
from neuracore_ros.drafting.words import alike, view


@dataclass(frozen=True, slots=True)
class Placed:
    """Where something sits, and why.

    Attributes:
        name: Of the new robot.
        index: Its slot.
        why: For a comment.
        counterpart: The other robot's name for the slot; empty where it has none.
        fits: False if the slot would widen the other robot's layout.
        opposite: Whether it turns the other way than its counterpart, in the zero pose.
        doubts: What to look at, one line each.
    """

    name: str
    index: int
    why: str
    counterpart: str = ''
    fits: bool = True
    opposite: bool = False
    doubts: tuple[str, ...] = ()


def align_joints(
    names: Sequence[str],
    arm: Kinematics | None,
    ranges: Mapping[str, tuple[float, float] | None],
    other: Other,
) -> list[Placed]:
    """Propose an index for each joint, base first, last joint to the other's last slot.

    Args:
        names: The new robot's joints, from base to wrist.
        arm: Its URDF.
        ranges: Joint -> position limits.
        other: Whom to align with.
    """
    slots = other.joints()
    indices = _by_names(names, slots) or _along_the_chain(len(names), max(slots) + 1)
    last = max(slots)
    their = other.robot.name
    placed = []
    for place, (name, index) in enumerate(zip(names, indices, strict=True)):
        counterpart = slots.get(index, '')
        if index > last:
            why = f'{their} has no slot for it: index {index} would widen the layout'
            placed.append(Placed(name, index, why, fits=False))
            continue
        if not counterpart:
            why = f'{their} leaves this index empty'
        elif alike(name, counterpart):
            why = f"{their}'s {counterpart}, by name"
        elif place == len(names) - 1 and index == last:
            why = f"{their}'s {counterpart}: the last joint before the hand"
        else:
            why = f"{their}'s {counterpart}, by order from the base"
        opposite, doubts = False, list[str]()
        if counterpart:
            is_wrist = place == len(names) - 1 and index == last
            opposite, doubts = compare_axes(name, counterpart, arm, other, is_wrist)
            doubts += compare_ranges(name, counterpart, ranges.get(name), opposite, other)
        placed.append(Placed(name, index, why, counterpart, True, opposite, tuple(doubts)))
    return placed


def align_cameras(names: Sequence[str], slots: Slots, robot: str) -> list[Placed]:
    """Propose an index for each camera by what its name says it sees.

    Args:
        names: The new robot's cameras.
        slots: The other robot's cameras.
        robot: The other robot's name.
    """
    free = dict(slots)
    found: dict[str, tuple[int, str]] = {}
    rules = (
        (lambda mine, its: mine == its, 'by name'),
        (lambda mine, its: view(mine) == view(its) >= 0, 'looks from the same side, by its name'),
    )
    for rule, why in rules:
        for name in names:
            match = next(
                (i for i, its in free.items() if name not in found and rule(name, its)), None
            )
            if match is not None:
                found[name] = match, f"{robot}'s {free.pop(match)}: {why}"
    placed = [
        Placed(name, *found[name], counterpart=slots[found[name][0]])
        for name in names
        if name in found
    ]
    beyond = max(slots, default=-1) + 1
    for number, name in enumerate(name for name in names if name not in found):
        why = (
            f"none of {robot}'s cameras ({', '.join(slots.values()) or 'it has none'}) is like it"
        )
        placed.append(Placed(name, beyond + number, why, fits=False))
    return sorted(placed, key=lambda place: place.index)


def _by_names(names: Sequence[str], slots: Slots) -> list[int]:
    """Indices if every joint has its like; else none, since a few equal names may mislead."""
    found = [[i for i, its in slots.items() if alike(name, its)] for name in names]
    return [match[0] for match in found] if all(len(match) == 1 for match in found) else []


def _along_the_chain(count: int, width: int) -> list[int]:
    """From the base on; the last joint to the last slot, so that wrists align.

    >>> _along_the_chain(6, 7)
    [0, 1, 2, 3, 4, 6]
    """
    if count >= width:
        return list(range(count))
    return [*range(count - 1), width - 1]
