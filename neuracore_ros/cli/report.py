"""``neuracore_ros report``: what is in a dataset, and what was dropped."""

from __future__ import annotations

import argparse
from pathlib import Path

from neuracore_ros.cli.arguments import OR_SHIPPED, episode_numbers, natural
from neuracore_ros.description.shipped import robot_file
from neuracore_ros.files import require_new_file
from neuracore_ros.wording import counted

SUMMARY = 'Write an HTML page about a dataset: its content, and the reasons of dropped steps.'
EXAMPLES = """  neuracore_ros report dataset --out report.html
  neuracore_ros report dataset franka ur5.yaml --out report.html   # with their limits
  neuracore_ros report dataset --out report.html --show 17,40-42   # these with pictures
  neuracore_ros report dataset --rerun 3"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the verb."""
    parser.add_argument('dataset', type=Path, help='folder of the dataset')
    parser.add_argument(
        'robots',
        nargs='*',
        # With it, argparse does not say that one is required.
        default=[],
        type=robot_file,
        metavar='ROBOT',
        help=f'robot files, for their limits (.yaml{OR_SHIPPED})',
    )
    parser.add_argument(
        '--out', type=Path, metavar='FILE', help='page to write (default: DATASET.html)'
    )
    parser.add_argument(
        '--episodes',
        type=natural,
        default=4,
        metavar='N',
        help='show pictures of N episodes of each robot, the most doubtful first (default: 4)',
    )
    parser.add_argument(
        '--show',
        type=episode_numbers,
        default=[],
        metavar='N,N-N',
        help='show traces and pictures of these episodes, whatever else is shown',
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
    from neuracore_ros.description import load_descriptions
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
    robots = load_descriptions(arguments.robots).robots
    shown = write_dataset_page(out, arguments.dataset, arguments.episodes, robots, arguments.show)
    print(
        f'{out}: {counted(len(shown.with_traces), "episode")} with traces, '
        f'{len(shown.with_pictures)} of them with pictures, {out.stat().st_size / 1e6:.1f} MB'
    )
    return 0
