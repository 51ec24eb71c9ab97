"""Robots beside each other by index: what every table and picture of a layout is made from."""

from collections.abc import Mapping
from dataclasses import dataclass

from neuracore_ros.description.data_type import DataType
from neuracore_ros.description.embodiment import CrossEmbodimentDescription
from neuracore_ros.description.layout import Layout


@dataclass(frozen=True, slots=True)
class SlotTable:
    """One DataType of several robots.

    Attributes:
        kind: Of which.
        rows: At each index, from 0 to the width: robot -> name, for those that have it.
    """

    kind: DataType
    rows: tuple[Mapping[str, str], ...]


def slot_tables(robots: CrossEmbodimentDescription, layout: Layout) -> tuple[SlotTable, ...]:
    """One table for each DataType of a layout, in canonical order.

    Args:
        robots: What stands in the columns.
        layout: The widths; a robot may have fewer slots, and more, which are left out.
    """
    return tuple(
        SlotTable(
            kind,
            tuple(
                {
                    robot: description[kind][index]
                    for robot, description in robots.items()
                    if index in description.get(kind, {})
                }
                for index in range(width)
            ),
        )
        for kind, width in layout.widths.items()
    )
