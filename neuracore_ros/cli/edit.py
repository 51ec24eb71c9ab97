"""``neuracore_ros edit``: episodes of datasets become a new one."""

import argparse
import json
import re
import sys
import time
from pathlib import Path

from neuracore_ros.cli.arguments import reasoned
from neuracore_ros.cli.terminal import StatusLine

SUMMARY = 'Make a new dataset of episodes of others: without some, of some robots, or of several.'
EXAMPLES = """  neuracore_ros edit data --drop 3 7-9 --out clean
  neuracore_ros edit data --keep 0-49 --out small
  neuracore_ros edit data --robot ur5 --out ur5_data
  neuracore_ros edit monday --merge tuesday wednesday --out week
  neuracore_ros edit monday --drop 3 --merge tuesday --robot ur5 franka --out arms --json

The datasets that are read are never written to. Killed, the same command goes on."""

_MOST_DIGITS = 9
_EPISODES = re.compile(rf'(\d{{1,{_MOST_DIGITS}}})(?:-(\d{{1,{_MOST_DIGITS}}}))?', re.ASCII)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the verb."""
    parser.add_argument('dataset', type=Path, help='folder of the dataset')
    parser.add_argument(
        '--out',
        type=Path,
        required=True,
        metavar='NEW',
        help='folder of the new dataset, which is not there yet, or unfinished',
    )
    numbers = parser.add_mutually_exclusive_group()
    for option, what in (
        ('--drop', 'leave these episodes of DATASET out'),
        ('--keep', 'take these episodes of DATASET only'),
    ):
        numbers.add_argument(
            option,
            nargs='+',
            type=reasoned(_episodes),
            default=[],
            metavar='EPISODES',
            help=f'{what}: numbers and ranges, as in 3 7-9',
        )
    parser.add_argument(
        '--robot',
        nargs='+',
        action='extend',
        default=[],
        metavar='NAME',
        help='take the episodes of these robots only, from all datasets',
    )
    parser.add_argument(
        '--merge',
        nargs='+',
        action='extend',
        type=Path,
        default=[],
        metavar='OTHER',
        help='add the episodes of these datasets behind, in this order',
    )
    parser.add_argument('--json', action='store_true', help='print JSON')


def run(arguments: argparse.Namespace) -> int:
    """Make the dataset; 0 when done."""
    from dataclasses import asdict

    from neuracore_ros.edit.choice import EpisodeChoice
    from neuracore_ros.edit.edit import edit

    choice = EpisodeChoice(arguments.drop, arguments.keep, arguments.robot)
    if not (arguments.drop or arguments.keep or arguments.robot or arguments.merge):
        arguments.wrong_usage('what is to be done? Give --drop, --keep, --robot or --merge')
    progress = EditProgress()
    result = edit(
        [arguments.dataset, *arguments.merge],
        arguments.out,
        choice,
        progress.show,
        lambda line: print(line, file=sys.stderr),
    )
    progress.clear()
    print(json.dumps(asdict(result), indent=1) if arguments.json else result.line())
    return 0


class EditProgress(StatusLine):
    """The progress of an edit, on standard error."""

    def __init__(self) -> None:
        super().__init__(sys.stderr)
        self._start_s = time.monotonic()

    def show(self, done: int, total: int) -> None:
        """Show how many episodes are there, and how long the others may take."""
        left_s = (time.monotonic() - self._start_s) * (total - done) / max(done, 1)
        left = f', {left_s // 60:.0f} min {left_s % 60:02.0f} s left' if done else ''
        self.update(f'[{done}/{total}] episodes{left}')


def _episodes(text: str) -> range:
    """``3`` or ``7-9``."""
    found = _EPISODES.fullmatch(text)
    if found is None:
        raise ValueError(f"'{text}' is neither a number of an episode nor a range such as 7-9")
    first = int(found[1])
    last = first if found[2] is None else int(found[2])
    if last < first:
        raise ValueError(f"'{text}' ends before it begins; write {last}-{first}")
    return range(first, last + 1)
