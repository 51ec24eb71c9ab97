"""Which camera of a new robot sees what a camera of another robot sees."""

from __future__ import annotations

from collections.abc import Sequence

from neuracore_ros.alignment.align import SlotProposal
from neuracore_ros.alignment.name_heuristics import view
from neuracore_ros.description.embodiment import Slots


def align_cameras(names: Sequence[str], slots: Slots, robot: str) -> list[SlotProposal]:
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
        SlotProposal(name, *found[name], counterpart=slots[found[name][0]])
        for name in names
        if name in found
    ]
    beyond = max(slots, default=-1) + 1
    for number, name in enumerate(name for name in names if name not in found):
        why = (
            f"none of {robot}'s cameras ({', '.join(slots.values()) or 'it has none'}) is like it"
        )
        placed.append(SlotProposal(name, beyond + number, why, fits=False))
    return sorted(placed, key=lambda place: place.index)
