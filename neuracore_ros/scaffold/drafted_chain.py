"""One chain of a drafted robot: its joints, its frames, and the pose slot that it fills."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from neuracore_ros.alignment.align_frames import ChainProposal
from neuracore_ros.alignment.arm import DescribedArm
from neuracore_ros.description.chain import Placement
from neuracore_ros.description.data_type import DataType
from neuracore_ros.scaffold.draft_entries import ChainEntry, Note, SlotEntry
from neuracore_ros.wording import counted

# Fewer joints turn a hand not any way; position goes before orientation [m], [rad].
_FREE, _LOOSE = 6, (0.01, 0.8)


@dataclass(frozen=True, slots=True)
class DraftedChain:
    """One chain of a draft.

    Attributes:
        name: As pose slots call it.
        kind: DataType of its slot.
        index: Of its slot.
        counterpart: The chain of the other robot that it is like, or ''.
        joints: Of the chain, from base to tip, as the URDF calls them -> as the draft does.
        proposal: Its frames.
        workspace: Axis -> range [m], as the other robot has it; empty without.
        is_commanded: False if the other robot commands its joints, and not its pose.
    """

    name: str
    kind: DataType
    index: int
    counterpart: str
    joints: Mapping[str, str]
    proposal: ChainProposal
    workspace: Mapping[str, tuple[float, float]]
    is_commanded: bool = True

    def slot(self, like: DescribedArm | None) -> SlotEntry:
        """The slot that the chain fills."""
        note = None
        if like is not None and self.counterpart:
            note = Note(f"{like.robot.name}'s {self.counterpart}")
        return SlotEntry(self.index, self.name, note)

    def line(self) -> str:
        """The chain, and how its frames are known, in one line."""
        made = self.proposal
        return (
            f"chain '{self.name}': {made.base} to {made.tip}, {counted(len(self.joints), 'joint')}"
            f'; base_offset: {made.base_why}; tip_offset: {made.tip_why}'
        )

    def entry(self) -> ChainEntry:
        """The chain as the robot file has it."""
        made = self.proposal
        lines: list[tuple[str, object, Note | None]] = [
            ('base', made.base, None),
            ('tip', made.tip, None),
            ('base_offset', _offset(made.base_offset), Note(made.base_why)),
            ('tip_offset', _offset(made.tip_offset), Note(made.tip_why)),
            ('home', dict(made.home), Note('where joints go if they may choose')),
        ]
        if self.workspace:
            ranges = {axis: list(ends) for axis, ends in self.workspace.items()}
            note = Note("the other robot's, in this one's size")
            lines.append(('workspace', ranges, note))
        if len(self.joints) < _FREE:
            note = Note('with so few joints the hand is not turned any way: position goes first')
            lines.append(('max_ik_error', list(_LOOSE), note))
        return ChainEntry(self.name, lines)


def _offset(placement: Placement) -> dict[str, object]:
    return {'xyz': list(placement.xyz), 'rpy': list(placement.rpy)}
