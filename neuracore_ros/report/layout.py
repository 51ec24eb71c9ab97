"""Which joint and camera sits at which index, as tables."""

from neuracore_ros.description.embodiment import CrossEmbodimentDescription
from neuracore_ros.description.layout import Layout
from neuracore_ros.report.page import cell, table


def layout_tables(robots: CrossEmbodimentDescription, layout: Layout) -> str:
    """One table for each DataType: a row for each index, a column for each robot."""
    tables = []
    for kind, width in layout.widths.items():
        rows = [
            [cell(index, 'number')]
            + [cell(description.get(kind, {}).get(index, '')) for description in robots.values()]
            for index in range(width)
        ]
        tables.append(table([kind.value, *robots], rows))
    return '<br>'.join(tables)
