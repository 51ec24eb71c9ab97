"""``neuracore_ros describe``: a first robot file, drafted from what there is."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from neuracore_ros.cli.arguments import OR_SHIPPED, between
from neuracore_ros.cli.terminal import print_warnings
from neuracore_ros.description.shipped import robot_file
from neuracore_ros.description.vocabulary import (
    USUAL,
    Vocabulary,
    load_vocabulary,
    shipped_vocabulary,
)
from neuracore_ros.errors import ObservationError, UserError
from neuracore_ros.files import require_new_file, write_whole
from neuracore_ros.wording import counted
from neuracore_ros.yaml_value import ENDINGS

if TYPE_CHECKING:
    from neuracore_ros.alignment.arm import DescribedArm
    from neuracore_ros.bags.bag import Bag, RecordedMessage
    from neuracore_ros.bags.topics import Topic
    from neuracore_ros.kinematics.joint_tree import JointTree
    from neuracore_ros.scaffold.collect import FactCollector
    from neuracore_ros.scaffold.facts import Facts

SUMMARY = 'Draft a robot file from a recording, a running robot, a URDF, or several of these.'
EXAMPLES = """  neuracore_ros describe --bag bags/episode_000 --out my_robot.yaml
  neuracore_ros describe --urdf ur5.urdf --bag bags/episode_000 --out ur5.yaml
  neuracore_ros describe --bag so101_dataset --urdf so101.urdf --out so101.yaml   # of LeRobot
  neuracore_ros describe --live --out my_robot.yaml
  neuracore_ros describe --urdf ur5.urdf --like franka --like-urdf panda.urdf --out ur5.yaml
  neuracore_ros describe --urdf ur5.urdf --poses --out ur5.yaml     # the hand, not joints

Guesses are marked "# guessed:" in the file."""

NO_VOCABULARY = 'none'
# A few images are enough.
_IMAGES = 20
_MOST_NUMBERS = 200_000
_MOST_EPISODES = 20
_DECLARATION = 100


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the verb."""
    parser.add_argument('--bag', type=Path, help='a recording of the robot, or a LeRobot dataset')
    parser.add_argument(
        '--urdf',
        type=Path,
        metavar='FILE',
        help='URDF of the robot, for order, limits and axes of its joints',
    )
    parser.add_argument(
        '--live', action='store_true', help='listen to the running robot; sends and moves nothing'
    )
    parser.add_argument(
        '--like', type=robot_file, metavar='ROBOT', help=f'robot file to align with{OR_SHIPPED}'
    )
    parser.add_argument(
        '--like-urdf',
        type=Path,
        metavar='FILE',
        help='URDF of the robot of --like, if its file names none and none lies beside it',
    )
    parser.add_argument(
        '--vocabulary',
        choices=(USUAL, NO_VOCABULARY),
        help='whose slots the joints, grippers and cameras get where there is no --like (default: '
        f'{USUAL}); {NO_VOCABULARY}: indices 0, 1, 2, ... as they come, with the signs and zeros '
        'of the robot',
    )
    parser.add_argument(
        '--poses',
        action='store_true',
        help='slots for the pose of the hand in place of its joints, with the chain that computes '
        'it from the URDF; --like does so by itself for a robot that has such slots',
    )
    parser.add_argument(
        '--out', type=Path, required=True, metavar='FILE', help='robot file to write'
    )
    parser.add_argument('--force', action='store_true', help='overwrite the file of --out')
    parser.add_argument(
        '--namespace',
        default='',
        help='use only the topics in this namespace, and write them relative to it',
    )
    parser.add_argument(
        '--seconds',
        type=between(0.5, 600.0),
        default=5.0,
        help='how long --live listens (default: 5)',
    )


def run(arguments: argparse.Namespace) -> int:
    """Write the draft and say what to look at; 0 when done."""
    _require(arguments)
    inputs = _gather(arguments)
    from neuracore_ros.scaffold.draft import draft
    from neuracore_ros.scaffold.draft_texts import DraftOrigin

    name, other = arguments.out.stem, _other(arguments)
    vocabulary = _vocabulary(arguments, other)
    with _urdf_file(arguments, inputs, other) as (arm, path):
        urdf = os.path.relpath(path.resolve(), arguments.out.resolve().parent) if path else ''
        origin = DraftOrigin(
            name,
            inputs.origins,
            arguments.bag is not None and not arguments.live,
            urdf,
            inputs.losses,
            arguments.poses,
            _written(vocabulary, arguments.out) if vocabulary else '',
        )
        made = draft(inputs.facts, arm, origin, other, vocabulary)
        suspect = _write(arguments.out, made.text)
    if path is not None and path != arguments.urdf:
        print(f'{path}: the URDF that the robot publishes')
    lost = [f'{arguments.bag}: lost: {loss}' for loss in inputs.losses]
    print_warnings((*lost, *inputs.warnings, *made.warnings, *suspect))
    print(
        f"{arguments.out}: robot '{name}', {counted(made.joints, 'joint')} commanded, "
        f'{counted(made.cameras, "camera")}; {counted(made.guesses, "guess", "guesses")}, '
        'marked "# guessed:"'
    )
    for line in made.chains:
        print(line)
    return 0


@contextmanager
def _urdf_file(
    arguments: argparse.Namespace, inputs: _Inputs, like: DescribedArm | None
) -> Iterator[tuple[JointTree | None, Path | None]]:
    """The URDF and its file: of one that is published, a file beside the robot file, for poses.

    That file is deleted if nothing can be drafted.
    """
    from neuracore_ros.kinematics.joint_tree import read_joint_tree
    from neuracore_ros.scaffold.chains import has_chain_slots

    published = inputs.facts.urdfs.get(inputs.arm.where) if inputs.arm is not None else None
    has_poses = arguments.poses or has_chain_slots(like)
    if arguments.urdf is not None or published is None or not has_poses:
        yield inputs.arm, arguments.urdf
        return
    path = arguments.out.with_suffix('.urdf')
    is_new = not path.exists()
    if not (is_new or arguments.force):
        raise UserError(f'{path}: exists; give it by --urdf, or --force to overwrite it')
    # It may name the encoding that it had before it was published.
    head = published[:_DECLARATION].lower()
    mark = '\ufeff' if 'encoding' in head and 'utf-8' not in head else ''
    write_whole(path, mark + published)
    try:
        yield read_joint_tree(path), path
    except UserError:
        if is_new:
            path.unlink()
        raise


def _require(arguments: argparse.Namespace) -> None:
    if arguments.bag is None and arguments.urdf is None and not arguments.live:
        raise UserError('nothing to describe: give --bag BAG, --urdf FILE or --live, or several')
    if arguments.like_urdf is not None and arguments.like is None:
        raise UserError('--like-urdf belongs to --like ROBOT: give the robot file, too')
    if arguments.vocabulary is not None and arguments.like is not None:
        raise UserError(
            f'--vocabulary: {arguments.like} has the indices, and the vocabulary if it names one: '
            'leave --vocabulary or --like out'
        )
    require_new_file(arguments.out)
    if arguments.out.suffix not in ENDINGS:
        raise UserError(f'{arguments.out}: a robot file ends in .yaml')
    if arguments.out.exists() and not arguments.force:
        raise UserError(f'{arguments.out}: exists; give another --out, or --force to overwrite it')


@dataclass(frozen=True, slots=True)
class _Inputs:
    facts: Facts
    arm: JointTree | None
    origins: tuple[str, ...]
    warnings: tuple[str, ...]
    losses: tuple[str, ...] = ()


def _gather(arguments: argparse.Namespace) -> _Inputs:
    from neuracore_ros.kinematics.joint_tree import read_joint_tree
    from neuracore_ros.scaffold.facts import Facts
    from neuracore_ros.scaffold.published_urdf import published_joint_tree

    facts, arm = Facts(), None
    origins: list[str] = []
    left_out: list[str] = []
    losses: tuple[str, ...] = ()
    if arguments.urdf is not None:
        arm = read_joint_tree(arguments.urdf)
        origins.append(str(arguments.urdf))
        if not arm.moving:
            raise UserError(f'{arguments.urdf}: has no joint that can move')
    if arguments.live:
        facts = facts.joined(_listen(arguments))
        origins.append('the running robot')
    if arguments.bag is not None:
        read, left_out, losses = _read(arguments.bag)
        facts = facts.joined(read)
        origins.append(str(arguments.bag))
    facts = facts.below(arguments.namespace)
    if arm is None:
        arm, unread = published_joint_tree(facts.urdfs)
        left_out += unread
    return _Inputs(facts, arm, tuple(origins), tuple(left_out), losses)


def _read(path: Path) -> tuple[Facts, list[str], tuple[str, ...]]:
    """The facts of a recording; its oddities and its losses, a line each."""
    from neuracore_ros.bags.expansion import expanded

    # Episodes of a dataset are one robot's; the first ones show it.
    recordings = expanded([path])[:_MOST_EPISODES]
    collector: FactCollector | None = None
    notes: dict[str, None] = {}
    losses: tuple[str, ...] = ()
    for recording in recordings:
        collector, own, lost = _collect(recording, collector)
        notes |= dict.fromkeys(own)
        losses += lost
    assert collector is not None
    return collector.facts(), [*notes], losses


def _collect(
    path: Path, collector: FactCollector | None
) -> tuple[FactCollector, list[str], tuple[str, ...]]:
    """Take the messages of one recording; of images, only those of the first.

    Args:
        path: The recording.
        collector: What other recordings showed; None for the first.

    Returns:
        All that was shown; oddities and losses of this recording, a line each.
    """
    from neuracore_ros.bags.bag import open_bag
    from neuracore_ros.bags.storage import LEROBOT
    from neuracore_ros.convert.simulated_time import pace_notes
    from neuracore_ros.description.source import IMAGE_TYPES
    from neuracore_ros.scaffold.collect import FactCollector, is_wanted

    is_first = collector is None
    with open_bag(path) as bag:
        # Stamps of a simulation are of its own clock.
        collector = collector or FactCollector(judges_stamps=bag.find('/clock') is None)
        topics = [each for topic in bag.topics.values() if (each := _telling(topic))]
        readable = [topic for topic in topics if topic.is_readable]
        others = [topic for topic in topics if not topic.is_readable]
        if others and not any(is_wanted(topic.name, topic.type) for topic in readable):
            others[0].require_readable(path)
        numbers: dict[str, str] = {}
        notes: list[str] = []
        for topic in readable:
            is_feature = topic.serialization == LEROBOT
            if topic.type not in IMAGE_TYPES:
                collector.announce(topic.name, topic.type, is_feature)
                if is_wanted(topic.name, topic.type):
                    numbers[topic.name] = topic.type
            elif not is_first:
                continue
            elif why := _undecodable(_images(bag, topic)):
                notes.append(f'{topic.name} is left out: {why}')
            else:
                collector.announce(topic.name, topic.type, is_feature)
                for image in _images(bag, topic):
                    collector.receive(topic.name, topic.type, image.message, image.log_time_ns)
        for heard in islice(bag.read(numbers), _MOST_NUMBERS):
            kind = numbers[heard.topic]
            collector.receive(heard.topic, kind, heard.message, heard.log_time_ns)
        if bag.task and any(topic.serialization == LEROBOT for topic in readable):
            collector.is_about(bag.task)
        pace, losses = pace_notes(bag, numbers), bag.losses
    left_out = [topic for topic in others if is_wanted(topic.name, topic.type)]
    notes += [f'{topic} is left out: it is {topic.serialization}' for topic in left_out]
    return collector, [*notes, *pace], losses


def _images(bag: Bag, topic: Topic) -> Iterator[RecordedMessage]:
    return islice(bag.read({topic.name: topic.type}), _IMAGES)


def _undecodable(images: Iterable[RecordedMessage]) -> str:
    """Why none of the images of a topic can be decoded; '' if one can, or there is none."""
    from neuracore_ros.observation.decode import decode_image
    from neuracore_ros.observation.depth import decode_depth

    why = ''
    for image in images:
        # The reason is that of the way that the topic's name suggests.
        ways = (decode_image, decode_depth)
        for decode in ways[::-1] if 'depth' in image.topic.lower() else ways:
            try:
                decode(image.message)
                return ''
            except ObservationError as error:
                why = why or str(error)
    return why


def _telling(topic: Topic) -> Topic | None:
    """The most informative type of a recorded topic; None if it is empty."""
    from neuracore_ros.scaffold.collect import is_wanted

    full = [kind for kind in topic.kinds if kind.count]
    wanted = [kind for kind in full if is_wanted(kind.name, kind.type)]
    return next(iter(wanted or full), None)


def _listen(arguments: argparse.Namespace) -> Facts:
    from neuracore_ros.ros_environment import require_ros

    require_ros(arguments.namespace)
    from neuracore_ros.node.live.discover import discover

    return discover(arguments.seconds, arguments.namespace)


def _other(arguments: argparse.Namespace) -> DescribedArm | None:
    if arguments.like is None:
        return None
    from neuracore_ros.alignment.arm import DescribedArm
    from neuracore_ros.description import load_robot
    from neuracore_ros.description.urdf_beside import urdf_beside

    like = load_robot(arguments.like)
    return DescribedArm.of(like, arguments.like_urdf or like.urdf or urdf_beside(like))


def _vocabulary(arguments: argparse.Namespace, like: DescribedArm | None) -> Vocabulary | None:
    if like is not None:
        return like.robot.vocabulary
    chosen = arguments.vocabulary or USUAL
    return None if chosen == NO_VOCABULARY else load_vocabulary(chosen)


def _written(vocabulary: Vocabulary, out: Path) -> str:
    """The vocabulary as a robot file names it: by its name if it is shipped, else by its file."""
    if vocabulary == shipped_vocabulary() or vocabulary.path is None:
        return vocabulary.name
    return os.path.relpath(vocabulary.path.resolve(), out.resolve().parent)


def _write(out: Path, text: str) -> list[str]:
    """Write the file once it is known to load; gives what is doubtful about its limits."""
    from neuracore_ros.description.robot_checks import suspect_limits, suspect_speeds
    from neuracore_ros.description.robot_file import parse_robot
    from neuracore_ros.yaml_value import parse_yaml

    robot = parse_robot(parse_yaml(text, out), out)
    write_whole(out, text)
    return [*suspect_limits(robot), *suspect_speeds(robot)]
