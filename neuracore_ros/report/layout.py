"""Which joint and camera sits at which index, as tables."""

from neuracore_ros.description.embodiment import CrossEmbodimentDescription
from neuracore_ros.description.layout import Layout
from neuracore_ros.description.slots import slot_tables
from neuracore_ros.report.page import cell, table


def layout_tables(robots: CrossEmbodimentDescription, layout: Layout) -> str:
    """One table for each DataType: a row for each index, a column for each robot."""
    return '<br>'.join(
        table(
            [slots.kind.value, *robots],
            (
                [cell(index, 'number'), *(cell(names.get(robot, '')) for robot in robots)]
                for index, names in enumerate(slots.rows)
            ),
        )
        for slots in slot_tables(robots, layout)
    )
