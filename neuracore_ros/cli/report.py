"""``neuracore_ros report``: what is in a dataset, and what was dropped."""

from __future__ import annotations

import argparse
from pathlib import Path

from neuracore_ros.cli.arguments import natural
from neuracore_ros.files import require_new_file

SUMMARY = 'Write an HTML page about a dataset: its content, and the reasons of dropped steps.'
EXAMPLES = """  neuracore_ros report dataset --out report.html
  neuracore_ros report dataset --out report.html --episodes 10
  neuracore_ros report dataset --rerun 3"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the verb."""
    parser.add_argument('dataset', type=Path, help='folder of the dataset')
    parser.add_argument(
        '--out', type=Path, metavar='FILE', help='page to write (default: DATASET.html)'
    )
    parser.add_argument(
        '--episodes',
        type=natural,
        default=4,
        metavar='N',
        help='show N episodes of each robot in detail (default: 4)',
    )
    parser.add_argument(
        '--rerun', type=natural, metavar='EPISODE', help='open this episode in the Rerun viewer'
    )
    parser.add_argument(
        '--rerun-file',
        type=Path,
        metavar='RRD',
        help='write a file for the Rerun viewer instead of opening it',
    )


def run(arguments: argparse.Namespace) -> int:
    """Write the page, or open an episode; 0 when done."""
    from neuracore_ros.report.dataset_page import write_dataset_page

    if arguments.rerun_file is not None:
        if arguments.rerun is None:
            arguments.wrong_usage('--rerun-file: which episode? Give --rerun EPISODE, too')
        require_new_file(arguments.rerun_file, '--rerun-file')
    if arguments.rerun is not None:
        from neuracore_ros.report.rerun import show_episode

        show_episode(arguments.dataset, arguments.rerun, arguments.rerun_file)
        if arguments.rerun_file is not None:
            print(f'{arguments.rerun_file}: episode {arguments.rerun}; open it: rerun FILE')
        return 0
    out = arguments.out or Path(f'{arguments.dataset.resolve().name}.html')
    require_new_file(out)
    shown = write_dataset_page(out, arguments.dataset, arguments.episodes)
    episodes = 'episode' if shown == 1 else 'episodes'
    print(f'{out}: {shown} {episodes} with traces and pictures, {out.stat().st_size / 1e6:.1f} MB')
    return 0
