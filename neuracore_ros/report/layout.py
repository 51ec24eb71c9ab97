"""The layout of robots as a part of a page."""

import html

from neuracore_ros.description.descriptions import Descriptions
from neuracore_ros.overview.picture import draw
from neuracore_ros.overview.survey import survey


def layout_section(robots: Descriptions) -> str:
    """The joint or camera of each robot at each index, and what looks misaligned."""
    found = survey(robots)
    warnings = ''.join(f'<li>{html.escape(text)}</li>' for text in found.warnings)
    return (
        '<h2>Which joint and camera sits at which index</h2>\n'
        f'<div class="scroll">{draw(found, adapts=False)}</div>\n'
        + (f'<ul>{warnings}</ul>' if warnings else '')
    )
