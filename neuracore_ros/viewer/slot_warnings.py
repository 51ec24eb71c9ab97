"""The warnings of a page by its slots, and in few words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from neuracore_ros.description import DataType
from neuracore_ros.viewer.joint_slots import Slot
from neuracore_ros.viewer.layout_warnings import LayoutWarning

# ``input JOINT_POSITIONS and JOINT_TARGET_POSITIONS index 3: ``, or ``output JOINT_POSITIONS: ``
_PLACE = re.compile(
    r'(?:(?:in|out)put [A-Z_]+|(?:(?:in|out)put )?[A-Z_]+(?: and [A-Z_]+)* index [0-9]+): '
)


@dataclass(frozen=True, slots=True)
class SlotWarnings:
    """Warnings of ``layout`` by the slots of the page.

    Attributes:
        by_slot: Slot -> warnings about it.
        others: Those about none.
    """

    by_slot: Mapping[Slot, Sequence[str]]
    others: Sequence[str]

    @classmethod
    def of(cls, warnings: Iterable[LayoutWarning]) -> SlotWarnings:
        """Sort warnings."""
        by_slot: dict[Slot, list[str]] = {}
        others: list[str] = []
        for warning in warnings:
            slots = dict.fromkeys((page_kind(each.kind), each.index) for each in warning.places)
            for slot in slots:
                by_slot.setdefault(slot, []).append(warning.text)
            if not slots:
                others.append(warning.text)
        return cls(by_slot, others)


def short_warning(warning: str) -> str:
    """A warning beside its slot: without the place, and without the lines to write."""
    return _PLACE.sub('', warning).split('. ')[0]


def page_kind(kind: DataType) -> DataType:
    """The DataType under which the page has all slots of joints, or of grippers."""
    return DataType.JOINT_POSITIONS if 'JOINT_' in kind.name else kind.measured
