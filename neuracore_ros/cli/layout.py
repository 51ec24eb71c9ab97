"""``neuracore_ros layout``: the robots by index, before anything is trained."""

import argparse
import json
import sys
import warnings
from pathlib import Path

from neuracore_ros.description.alignment import alignment_warnings
from neuracore_ros.description.cross_embodiment import Descriptions, load_descriptions
from neuracore_ros.description.embodiment import CrossEmbodimentDescription
from neuracore_ros.description.layout import Layout
from neuracore_ros.errors import DescriptionWarning

SUMMARY = 'Show which joint and camera of each robot sits at which index of the model.'
EXAMPLES = """  neuracore_ros layout config/franka_ur5.yaml
  neuracore_ros layout franka.yaml ur5.yaml my_robot.yaml
  neuracore_ros layout cross.yaml --json"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the verb."""
    parser.add_argument(
        'files', nargs='+', type=Path, help='robot files, cross-embodiment files or descriptions'
    )
    parser.add_argument('--json', action='store_true', help='print JSON instead of tables')


def run(arguments: argparse.Namespace) -> int:
    """Print the tables, and what is worth a second look."""
    with warnings.catch_warnings(record=True) as spelling:
        warnings.simplefilter('always', DescriptionWarning)
        descriptions = load_descriptions(arguments.files)
    notes = list(dict.fromkeys(str(warning.message) for warning in spelling))
    notes += alignment_warnings(descriptions)
    if arguments.json:
        print(json.dumps(as_json(descriptions, notes), indent=2))
    else:
        print('\n\n'.join(_tables(descriptions)))
    for note in notes:
        print(f'warning: {note}', file=sys.stderr)
    return 0


def as_json(descriptions: Descriptions, notes: list[str]) -> dict[str, object]:
    """The layout in the form of ``layout --json``."""
    return {
        'input': _role(descriptions.input, descriptions.input_layout),
        'output': _role(descriptions.output, descriptions.output_layout),
        'warnings': notes,
    }


def _role(robots: CrossEmbodimentDescription, layout: Layout) -> dict[str, object]:
    return {
        kind.value: {
            'width': width,
            'slots': {
                str(index): {
                    robot: description[kind][index]
                    for robot, description in robots.items()
                    if index in description.get(kind, {})
                }
                for index in range(width)
            },
        }
        for kind, width in layout.widths.items()
    }


def _tables(descriptions: Descriptions) -> list[str]:
    if descriptions.input == descriptions.output:
        return _role_tables('input and output', descriptions.input, descriptions.input_layout)
    return [
        *_role_tables('input', descriptions.input, descriptions.input_layout),
        *_role_tables('output', descriptions.output, descriptions.output_layout),
    ]


def _role_tables(role: str, robots: CrossEmbodimentDescription, layout: Layout) -> list[str]:
    tables = []
    for kind, width in layout.widths.items():
        rows = [['index', *robots]]
        for index in range(width):
            names = [robots[robot].get(kind, {}).get(index, '-') for robot in robots]
            rows.append([str(index), *names])
        tables.append(f'{role} {kind}, width {width}\n{_aligned(rows)}')
    return tables


def _aligned(rows: list[list[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = (
        '  '.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )
    return '\n'.join(f'  {line}' for line in lines)
