"""``neuracore_ros report``: what is in a dataset, and what was dropped."""

from __future__ import annotations

import argparse
from pathlib import Path

from neuracore_ros.errors import UserError

SUMMARY = 'Write one HTML page of what is in a dataset, and what was dropped and why.'
EXAMPLES = """  neuracore_ros report dataset --out report.html
  neuracore_ros report dataset --out report.html --episodes 10
  neuracore_ros report dataset --rerun 3"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the verb."""
    parser.add_argument('dataset', type=Path, help='folder of the dataset')
    parser.add_argument('--out', type=Path, help='page to write (default: DATASET.html)')
    parser.add_argument(
        '--episodes', type=int, default=4, help='of each robot, with traces and pictures (4)'
    )
    parser.add_argument(
        '--rerun', type=int, metavar='EPISODE', help='open this episode in the Rerun viewer'
    )
    parser.add_argument(
        '--rerun-file', type=Path, metavar='RRD', help='write for the viewer instead of opening it'
    )


def run(arguments: argparse.Namespace) -> int:
    """Write the page, or open an episode; 0 when done."""
    from neuracore_ros.report.dataset import write_dataset_page

    if arguments.rerun is not None:
        from neuracore_ros.report.rerun import show_episode

        show_episode(arguments.dataset, arguments.rerun, arguments.rerun_file)
        return 0
    if arguments.out and not arguments.out.parent.is_dir():
        raise UserError(f'{arguments.out.parent}: no such folder')
    out = arguments.out or Path(f'{arguments.dataset.resolve().name}.html')
    shown = write_dataset_page(out, arguments.dataset, max(arguments.episodes, 0))
    print(f'{out}: {shown} episodes with traces and pictures, {out.stat().st_size / 1e6:.1f} MB')
    return 0
