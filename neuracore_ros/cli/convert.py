"""``neuracore_ros convert``: recordings of one robot become episodes of a dataset."""

import argparse
import json
import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from neuracore_ros.cli.arguments import (
    BY_CLOCK,
    OR_SHIPPED,
    RECORDED_NAMESPACE,
    count,
    image_size,
    positive,
    rate,
    wanted_pairs,
    words,
)
from neuracore_ros.cli.terminal import StatusLine, print_warnings
from neuracore_ros.description.shipped import robot_file
from neuracore_ros.errors import BagError, DescriptionError, printable
from neuracore_ros.pairs import in_ranges
from neuracore_ros.processors import available
from neuracore_ros.wording import counted

if TYPE_CHECKING:
    from neuracore_ros.convert.result import BagResult, ConvertResult

SUMMARY = 'Append recordings of one robot to a dataset, which is made if there is none.'
EXAMPLES = """  neuracore_ros convert data --description franka_ur5 --robot ur5 bags/ur5/*
  neuracore_ros convert data --description franka_ur5 --robot franka bags/franka/*
  neuracore_ros convert data --description ur5.yaml recording.bag --rate-hz 30 --json
  neuracore_ros convert data --description so101.yaml so101_dataset --rate-hz 30     # of LeRobot
  neuracore_ros convert data --description ur5.yaml day.mcap --marker /episode --trim-idle 0.02
  neuracore_ros convert data --description ur5.yaml 'bags/**/*.mcap' --workers 4
  neuracore_ros convert /shared/data --description ur5.yaml /shared/bags/* --scheduler host:8786

The first call fixes layout, rate and image size. Recordings that are in the dataset are skipped:
the same command continues after an interruption, or adds new recordings."""

# Up to so many recordings have a line each; of more, only those that say something bad.
FEW = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the verb."""
    parser.add_argument('dataset', type=Path, help='folder of the dataset')
    parser.add_argument(
        'bags',
        nargs='+',
        metavar='BAG',
        help='rosbag2 folder, .mcap, .db3 or .bag; a LeRobot dataset, or one episode of it, '
        'DATASET/episode_000003; or a quoted pattern that matches several',
    )
    parser.add_argument(
        '--description',
        required=True,
        type=robot_file,
        action='append',
        metavar='FILE',
        help=f'robot file or cross-embodiment file{OR_SHIPPED}: its robots determine the layout '
        '(may be repeated)',
    )
    parser.add_argument('--robot', help='robot of these bags, if several are described')
    parser.add_argument('--rate-hz', type=rate, help='steps per second (default: 20)')
    parser.add_argument(
        '--image-size',
        type=_video_size,
        metavar='N|WIDTHxHEIGHT',
        help='size of images in the dataset, in even numbers of pixels (default: 224)',
    )
    parser.add_argument(
        '--min-steps',
        type=count,
        default=10,
        metavar='N',
        help='drop shorter episodes (default: 10)',
    )
    parser.add_argument(
        '--task',
        type=words,
        help='task of these recordings, in words (default: that of "record --task")',
    )
    parser.add_argument(
        '--pair',
        nargs='+',
        metavar='LABEL',
        help='labels of what these recordings have in common with those of other robots, one for '
        'each in their order: words, numbers, ranges such as 0-49 (default: those of '
        '"record --pair")',
    )
    parser.add_argument('--namespace', default='', help=RECORDED_NAMESPACE)
    parser.add_argument('--use-sim-time', action='store_true', help=BY_CLOCK)
    side_by_side = parser.add_mutually_exclusive_group()
    side_by_side.add_argument(
        '--workers',
        type=count,
        default=1,
        metavar='N',
        help='convert N recordings at once, at most one for each processor; the dataset is the '
        'same (default: 1)',
    )
    side_by_side.add_argument(
        '--scheduler',
        default='',
        metavar='ADDRESS',
        help='convert on the workers of this Dask scheduler, which share a file system',
    )
    cut = parser.add_argument_group(
        'episodes',
        'A recording is one episode, or several if a stream fails. These options cut it further.',
    )
    cut.add_argument(
        '--marker',
        default='',
        metavar='TOPIC',
        help='cut at the messages start, stop, success, discard (String) or true, false (Bool) of '
        'this topic; "none": do not cut (default: a String topic ending in /episode that has '
        'such messages)',
    )
    cut.add_argument(
        '--gap-s',
        type=positive,
        metavar='S',
        help='cut where no declared stream has a message for this long [s]',
    )
    cut.add_argument(
        '--range',
        type=_range,
        action='append',
        default=[],
        metavar='START:END',
        help='take this range of the recording as an episode [s] (may be repeated)',
    )
    cut.add_argument(
        '--trim-idle',
        type=positive,
        metavar='RAD_PER_S',
        help='drop the start and the end of an episode in which no output moves faster, except '
        'half a second of each [rad/s or m/s]',
    )
    cut.add_argument(
        '--control',
        default='',
        metavar='TOPIC',
        help='who commands: a String as the node publishes it, or a Bool that is true while a '
        'human intervenes; "none": take no notice (default: a String topic ending in /control '
        'that says it, or the feature intervention of a LeRobot dataset)',
    )
    cut.add_argument(
        '--keep-uncommanded',
        action='store_true',
        help='keep the steps at which nobody commands, as the node says: the robot is braked, '
        'held, or moved by others',
    )
    parser.add_argument('--json', action='store_true', help='print JSON')


def run(arguments: argparse.Namespace) -> int:
    """Convert; 0 if everything that was asked for is in the dataset."""
    from neuracore_ros.bags.bag_files import distinct
    from neuracore_ros.bags.expansion import expanded
    from neuracore_ros.bags.partial_bags import overlooked
    from neuracore_ros.convert.convert import convert
    from neuracore_ros.convert.cutting import Cutting
    from neuracore_ros.convert.job import ConvertSettings
    from neuracore_ros.description import load_descriptions

    labels = wanted_pairs(arguments)
    descriptions = load_descriptions(arguments.description)
    robot = arguments.robot
    if robot is None:
        if len(descriptions.input) > 1:
            raise DescriptionError(
                f'say whose recordings these are: --robot {" | ".join(descriptions.input)}'
            )
        robot = next(iter(descriptions.input))
    bags, again = distinct(expanded(arguments.bags))
    if again:
        more = f' (and {len(again) - 1} more)' if again[1:] else ''
        print(f'{again[0]}{more}: given more than once, converted once', file=sys.stderr)
    settings = ConvertSettings(
        rate_hz=arguments.rate_hz,
        image_size=arguments.image_size,
        min_steps=arguments.min_steps,
        task=arguments.task,
        namespace=arguments.namespace,
        use_sim_time=arguments.use_sim_time,
        workers=_workers(arguments.workers),
        scheduler=arguments.scheduler,
        pairs=_pairs(labels, bags),
        cutting=Cutting(
            arguments.marker,
            arguments.gap_s,
            tuple(arguments.range),
            arguments.trim_idle,
            arguments.control,
            arguments.keep_uncommanded,
        ),
    )
    if left := overlooked(bags):
        more = f' (and {len(left) - 1} more)' if left[1:] else ''
        print(
            f'{left[0]}{more}: not among the bags, and not complete (was its recorder killed?): '
            'give it, too, to convert what it holds',
            file=sys.stderr,
        )
    progress = ConvertProgress(bags, sys.stderr if arguments.json else sys.stdout)
    result = convert(
        arguments.dataset,
        descriptions,
        robot,
        bags,
        settings,
        progress.show_part,
        progress.show_result,
        lambda line: print(line, file=sys.stderr),
    )
    progress.clear()
    if arguments.json:
        print(json.dumps(result.to_json(), indent=1))
    else:
        _print_summary(result)
    print_warnings(doubt.text for doubt in result.doubts())
    if result.failed and not any(bag.error for bag in result.bags):
        why = result.why()
        cause = f'; a piece ends at each unusable step, most often: {why[0]}' if why else ''
        print(
            f'neuracore_ros convert: no episode: every piece has under {arguments.min_steps} '
            f'steps (--min-steps){cause}',
            file=sys.stderr,
        )
    return int(result.failed)


class ConvertProgress(StatusLine):
    """The progress of a run, and what became of its recordings, on a terminal or in a log.

    Args:
        bags: All recordings of the run.
        out: The stream of results; errors and progress go to standard error.
    """

    def __init__(self, bags: Sequence[Path], out: TextIO) -> None:
        super().__init__(sys.stderr)
        self._bags = bags
        self._out = out
        self._parts: dict[int, float] = {}
        self._done = self._episodes = self._failed = 0
        self._start_s = time.monotonic()
        self._reasons: dict[str, str] = {}

    def show_part(self, place: int, part: float) -> None:
        """Show which part (0..1) of one recording is done."""
        self._parts[place] = part
        self.update(f'{self._state()} {self._bags[place].name}')

    def show_result(self, result: 'BagResult') -> None:
        """Say what became of a recording; they come in their order."""
        self._parts[self._done] = 1.0
        self._done += 1
        self._episodes += len(result.episodes)
        self._failed += bool(result.error)
        if result.error or result.losses or len(self._bags) <= FEW:
            self.clear()
            out = sys.stderr if result.error else self._out
            print(printable(self._brief(result) or result.line()), file=out, flush=True)

    def _brief(self, result: 'BagResult') -> str:
        """A short line for a recording that fails for the same reason as an earlier one; or ''."""
        if not result.error or result.episodes:
            return ''
        reason = re.sub(r'-?\d[\d.]*(e[+-]\d+)?', '#', result.error.replace(result.bag, ''))
        first = self._reasons.setdefault(reason, result.bag)
        brief = f'neuracore_ros convert: {result.bag}: fails for the same reason as {first}'
        return brief if first != result.bag else ''

    def _state(self) -> str:
        part = sum(self._parts.values()) / len(self._bags)
        failed = f', {self._failed} failed' if self._failed else ''
        left_s = (time.monotonic() - self._start_s) * (1 - part) / max(part, 1e-6)
        left = f', {left_s // 60:.0f} min {left_s % 60:02.0f} s left' if part > 0.02 else ''
        return (
            f'[{self._done}/{len(self._bags)}] {part:.0%}, {counted(self._episodes, "episode")}'
            f'{failed}{left}'
        )


def _print_summary(result: 'ConvertResult') -> None:
    from neuracore_ros.convert.audit import table

    if result.streams:
        print(table(result.streams))
        for line in result.why():
            print(f'unusable at {line}')
    if len(result.bags) > 1:
        print(result.summary())


def _workers(wanted: int) -> int:
    """The number of processes: no more than processors, since more only take memory."""
    most = available()
    if wanted > most:
        used = f'{most} are' if most > 1 else 'one is'
        print(
            f'--workers {wanted}: {used} used, for this computer has no more processors',
            file=sys.stderr,
        )
    return min(wanted, most)


def _pairs(labels: Sequence[str], bags: Sequence[Path]) -> dict[Path, str]:
    """The label of each recording, in their order.

    Raises:
        BagError: There are more of these, or of those.
    """
    if labels and len(labels) != len(bags):
        raise BagError(
            f'--pair: {counted(len(labels), "label")} ({in_ranges(labels)}) for '
            f'{counted(len(bags), "recording")}: give one for each'
        )
    return dict(zip(bags, labels, strict=True)) if labels else {}


def _range(text: str) -> tuple[float, float]:
    try:
        start, end = map(float, text.split(':'))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f'{text} is not START:END in seconds') from error
    if not 0.0 <= start < end < 1e9:
        raise argparse.ArgumentTypeError(f'{text}: must start at 0 or later, and end after it')
    return start, end


def _video_size(text: str) -> tuple[int, int]:
    """An image size that a video encoder takes."""
    height, width = image_size(text)
    if min(height, width) < 16 or width % 2 or height % 2:
        raise argparse.ArgumentTypeError(f'{text}: sides are even numbers from 16 to 4096')
    return height, width
