"""Proposals for joints: another index, the other sign, another zero."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from neuracore_ros.alignment.arm import DescribedArm
from neuracore_ros.alignment.roles import Role
from neuracore_ros.alignment.slot_proposal import SlotProposal
from neuracore_ros.description import DataType
from neuracore_ros.viewer.robot_file_editor import RobotFileEditor as Editor

DIGITS = 4
"""Of a length [m] or an angle [rad] behind the point, as `describe` writes offsets."""

_JOINTS = DataType.JOINT_POSITIONS
# Zeros that are nearer are one, as they are drawn [rad], [m].
_SAME_ZERO = 0.01


@dataclass(frozen=True, slots=True)
class Proposal:
    """One edit that would bring a robot nearer to another one.

    Attributes:
        kind: DataType of the slot.
        name: The robot file's name for it.
        text: What is proposed, and the reason, in one line.
        apply: Does it.
    """

    kind: DataType
    name: str
    text: str
    apply: Callable[[Editor], None]


def joint_proposals(
    arm: DescribedArm, to_move: Sequence[SlotProposal], to_turn: Sequence[SlotProposal]
) -> Iterator[Proposal]:
    """Propose edits of joints that are not where, or not as, they should be.

    Args:
        arm: The robot.
        to_move: Places whose index is known.
        to_turn: Places whose sign is known; of joints that are at their index.
    """
    slots = arm.joints()
    swapped: set[str] = set()
    places = {place.name: place for place in to_turn}
    wanted = {place.name: place for place in to_move}
    for index, name in slots.items():
        if name in wanted and wanted[name].index != index:
            if name not in swapped:
                there = slots.get(wanted[name].index, '')
                yield index_proposal(_JOINTS, wanted[name], there)
                swapped.add(there)
        elif name in places:
            yield from _senses(arm, places[name])


def to_index(kind: DataType, name: str, index: int, there: str) -> Callable[[Editor], None]:
    """The edit that brings a name to an index; what is there, if anything, changes places."""
    if there:
        return partial(Editor.swap, kind=kind, one=name, other=there)
    return partial(Editor.set_index, kind=kind, name=name, index=index)


def index_proposal(kind: DataType, place: SlotProposal, there: str) -> Proposal:
    """The proposal that a name belongs at another index, and why."""
    name, index = place.name, place.index
    what = f"swap '{name}' with '{there}', to" if there else f"put '{name}' at"
    text = f'{what} index {index}: {place.why}{_doubts(place)}'
    return Proposal(kind, name, text, to_index(kind, name, index, there))


def _senses(arm: DescribedArm, place: SlotProposal) -> Iterator[Proposal]:
    scale, offset = arm.sense(place.name)
    if scale * place.scale < 0.0:
        yield Proposal(
            _JOINTS,
            place.name,
            f"turn the sign of '{place.name}': it turns the other way than '{place.counterpart}'"
            f'{_doubts(place)}',
            partial(Editor.flip_sign, kind=_JOINTS, name=place.name),
        )
        return
    by = place.offset - offset
    if place.role is not Role.SLIDE and arm.robot.reach(_JOINTS, place.name) is None:
        # A joint without limits, or that turns further, stands alike at values a turn apart.
        by = math.remainder(by, arm.turn(place.name))
    by = round(offset + by, DIGITS) - offset
    if place.zero_known and abs(by) > _SAME_ZERO:
        unit = 'm' if place.role is Role.SLIDE else 'rad'
        yield Proposal(
            _JOINTS,
            place.name,
            f"move the zero of '{place.name}' by {by:+.4f} {unit}, to that of "
            f"'{place.counterpart}'{_doubts(place)}",
            partial(Editor.move_zero, kind=_JOINTS, name=place.name, by=by),
        )


def _doubts(place: SlotProposal) -> str:
    return f' ({"; ".join(place.doubts)})' if place.doubts else ''
