"""``neuracore_ros record``: the topics that a robot file declares, episode by episode."""

from __future__ import annotations

import argparse
import os
import re
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from neuracore_ros.cli.arguments import (
    OR_SHIPPED,
    OWN_NAMESPACE,
    count,
    positive,
    rate,
    wanted_pairs,
    words,
)
from neuracore_ros.cli.terminal import StatusLine, single_keys
from neuracore_ros.description.shipped import robot_file
from neuracore_ros.errors import UserError
from neuracore_ros.files import locked, require_folder_or_new
from neuracore_ros.pairs import PairSeries, in_ranges

if TYPE_CHECKING:
    from rclpy.executors import Executor
    from rclpy.node import Node

    from neuracore_ros.node.recorder import Recorder
    from neuracore_ros.node.running_episode import RecordedEpisode
    from neuracore_ros.node.stop_signal import StopSignal
    from neuracore_ros.node.topics import SubscribedTopic

SUMMARY = 'Record the topics of a robot file to MCAP, one bag for each episode.'
EXAMPLES = """  neuracore_ros record ur5.yaml --out bags                    # by keys
  neuracore_ros record ur5.yaml --out bags --task 'pick up the red cube'
  neuracore_ros record ur5.yaml --out bags --seconds 10 --episodes 3
  neuracore_ros record ur5.yaml --out bags --services          # without a terminal
  neuracore_ros record ur5.yaml --out bags --also /tf /tf_static
  neuracore_ros record ur5.yaml --out bags --pair 0-49         # what other robots record, too

keys: space or s starts and stops, y stops with success, d discards, q ends.
services (std_srvs/Trigger): /record/start, /record/stop, /record/success, /record/discard.
Episodes are numbered after those in the folder; none is overwritten. A discarded episode leaves
no bag. Each bag has the words start, stop and success on /record/episode."""

KEYS = 'space: start/stop   y: success   d: discard   q: end'
POLL_S = 0.05
# The longest wait for topics before the first episode.
PATIENCE_S = 5.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the verb."""
    parser.add_argument('robot', type=robot_file, help=f'robot file{OR_SHIPPED}')
    parser.add_argument(
        '--out', type=Path, required=True, metavar='DIR', help='folder of the bags'
    )
    parser.add_argument(
        '--episodes', type=count, metavar='N', help='end after N episodes (default: at the key q)'
    )
    way = parser.add_mutually_exclusive_group()
    way.add_argument(
        '--seconds',
        type=positive,
        metavar='S',
        help='record episodes of this length, one after another [s]',
    )
    way.add_argument(
        '--services',
        action='store_true',
        help='start and end episodes by services, without a terminal',
    )
    parser.add_argument('--task', type=words, default='', help='task of these episodes, in words')
    parser.add_argument(
        '--pair',
        nargs='+',
        metavar='LABEL',
        help='labels that episodes of other robots have, too, with the same task and places of '
        'things: words, numbers, ranges such as 0-49. Each kept episode takes the next label '
        'that DIR lacks; recording ends after the last',
    )
    parser.add_argument(
        '--also', nargs='+', type=_topic, default=[], metavar='TOPIC', help='more topics to record'
    )
    parser.add_argument(
        '--rate-hz',
        type=rate,
        default=20.0,
        metavar='HZ',
        help='rate of the dataset that is planned; slower streams get a warning (default: 20)',
    )
    parser.add_argument(
        '--use-sim-time', action='store_true', help='use the time of /clock, and record it'
    )
    parser.add_argument(
        '--control-of',
        type=_topic,
        default='infer',
        metavar='NODE',
        help='node of which is recorded who commands the robot: the policy, a human or nobody; '
        'none need be there (default: infer)',
    )
    parser.add_argument('--namespace', default='', help=OWN_NAMESPACE)


def run(arguments: argparse.Namespace) -> int:
    """Record until enough episodes are there, or q or Ctrl-C; a running episode is completed.

    Raises:
        UserError: No ROS 2, a wrong robot file, a topic that nobody publishes, or nowhere to
            write.
    """
    from neuracore_ros.description import load_robot
    from neuracore_ros.ros_environment import require_ros

    labels = wanted_pairs(arguments)
    require_folder_or_new(arguments.out, 'of the bags')
    if not (sys.stdin.isatty() or arguments.seconds or arguments.services):
        raise UserError('there is no terminal to press keys in: give --seconds or --services')
    robot = load_robot(arguments.robot)
    require_ros(arguments.namespace)
    import rclpy
    from rclpy.executors import SingleThreadedExecutor
    from rclpy.parameter import Parameter
    from rclpy.signals import SignalHandlerOptions

    from neuracore_ros.bags.writer import require_type
    from neuracore_ros.node.executor import spin
    from neuracore_ros.node.recorder import Recorder
    from neuracore_ros.node.stop_signal import StopSignal

    stop, screen = StopSignal(), Screen()
    with ExitStack() as stack:
        cure = 'wait for it, or give another --out'
        stack.enter_context(locked(arguments.out, 'record', cure))
        pairs = _prepare(arguments.out, robot.name, labels, screen)
        if pairs is not None and not pairs.next:
            return 0
        rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
        stack.callback(rclpy.try_shutdown)
        node = rclpy.create_node(
            'record',
            namespace=arguments.namespace,
            parameter_overrides=[Parameter('use_sim_time', value=arguments.use_sim_time)],
            automatically_declare_parameters_from_overrides=True,
        )
        # As node/executor.py says, since lost messages are counted.
        executor = SingleThreadedExecutor()
        executor.add_node(node)
        also = _find(arguments.also, node, executor, stop)
        for topic in also:
            require_type(topic.type)
        task, rate_hz = arguments.task, arguments.rate_hz
        recorder = Recorder(
            node,
            robot,
            arguments.out,
            screen,
            also,
            task,
            rate_hz,
            pairs,
            arguments.control_of,
        )
        spin(executor, PATIENCE_S, lambda: recorder.is_ready or bool(stop.requested))
        if arguments.seconds and not (recorder.has_time or stop.requested):
            raise UserError(recorder.standstill)
        recorder.open()
        _record(recorder, executor, stop, screen, arguments)
        # Let the answer to a service go out before the node does.
        spin(executor, POLL_S)
        node.destroy_node()
    if pairs is not None and pairs.missing:
        screen.say(
            f'not recorded: pairs {in_ranges(pairs.missing)}; the same command goes on with them'
        )
    return 0


def _prepare(
    folder: Path, robot: str, labels: tuple[str, ...], screen: Screen
) -> PairSeries | None:
    """Rescue what earlier recorders left, and find the labels that are there; None: no labels."""
    from neuracore_ros.bags.recorded_pairs import pairs_in
    from neuracore_ros.bags.writer import rescue

    # Processes in a container may all have one number.
    rescued = rescue(folder, but=[os.getpid()])
    there = pairs_in(folder, robot) if labels else {}
    found = {path: label for label, path in there.items()}
    for path in rescued:
        again = (
            f', with pair {found[path]}: delete it to record that again' if path in found else ''
        )
        screen.say(
            f'{path}: rescued from a recorder that was killed; it ends where that did{again}'
        )
    if not labels:
        return None
    pairs = PairSeries(labels, there)
    if pairs.recorded:
        screen.say(f'{folder} has pairs {in_ranges(pairs.recorded)} of {robot} already')
    if not pairs.next:
        screen.say('all pairs are recorded: nothing is left to do')
    return pairs


def _record(
    recorder: Recorder,
    executor: Executor,
    stop: StopSignal,
    screen: Screen,
    arguments: argparse.Namespace,
) -> None:
    """Obey keys, time and signals until it is enough."""
    with single_keys(sys.stdin) as next_key:
        if sys.stdin.isatty():
            screen.say(KEYS)
        if arguments.services:
            screen.say(f'ready: {recorder.services}')
        while not stop.requested:
            executor.spin_once(timeout_sec=POLL_S)
            # A full disk may have ended the last episode.
            if screen.kept == arguments.episodes or recorder.is_complete:
                break
            if not _obey(next_key(), recorder, screen):
                break
            if arguments.seconds and not recorder.recording:
                _start(recorder, screen)
            elif arguments.seconds and recorder.duration_s >= arguments.seconds:
                recorder.end('stop')
            screen.update(recorder.status())
        if recorder.recording:
            recorder.end('stop')


class Screen(StatusLine):
    """Lines for a person, and below them one that is renewed; only on a terminal.

    Attributes:
        kept: Number of episodes that were not discarded.
    """

    def __init__(self) -> None:
        super().__init__(sys.stdout, logs=False)
        self.kept = 0

    def say(self, text: str) -> None:
        """Print a line."""
        self.clear()
        print(text, flush=True)

    def warn(self, text: str) -> None:
        """Print a line that should not be missed."""
        self.clear()
        print(f'warning: {text}', file=sys.stderr, flush=True)

    def show(self, episode: RecordedEpisode) -> None:
        """Print what became of an episode."""
        if episode.outcome == 'discard':
            self.say(f'{episode.path}: discarded after {episode.duration_s:.1f} s')
            return
        self.kept += 1
        outcome = ', success' if episode.outcome == 'success' else ''
        pair = f', pair {episode.pair}' if episode.pair else ''
        size_mb = episode.size / 1e6
        self.say(f'{episode.path}: {episode.duration_s:.1f} s, {size_mb:.1f} MB{outcome}{pair}')
        for topic, messages in episode.counts.items():
            often = f'{messages / episode.duration_s:6.1f} Hz' if episode.duration_s else ''
            lost = f'  {episode.lost[topic]} lost on the way' if topic in episode.lost else ''
            rate = often if messages else '  nothing was heard'
            print(f'  {topic:40}{messages:8} {rate}{lost}', flush=True)


def _obey(key: str, recorder: Recorder, screen: Screen) -> bool:
    """Do what a key asks for; False: end."""
    outcome = {'y': 'success', 'd': 'discard'}.get(key)
    try:
        if key in {' ', 's', '\n'}:
            outcome = 'stop' if recorder.recording else None
            if outcome is None:
                _start(recorder, screen, says=True)
        if outcome is not None:
            recorder.end(outcome)
    except UserError as error:
        screen.warn(str(error))
    return key != 'q'


def _start(recorder: Recorder, screen: Screen, says: bool = False) -> None:
    """Start an episode; say so if it is wanted, or if the episode has a label."""
    path = recorder.start()
    if says or recorder.pair:
        screen.say(f'recording {path}' + (f', pair {recorder.pair}' if recorder.pair else ''))


def _find(
    names: list[str], node: Node, executor: Executor, stop: StopSignal
) -> list[SubscribedTopic]:
    """The topics of ``--also``, once their publishers have been found.

    Raises:
        UserError: Nobody publishes one.
    """
    from neuracore_ros.node.executor import spin
    from neuracore_ros.node.topics import RECORD_DEPTHS, published_topics

    spin(
        executor,
        PATIENCE_S,
        lambda: bool(stop.requested) or not published_topics(node, names, RECORD_DEPTHS)[1],
    )
    found, missing = published_topics(node, names, RECORD_DEPTHS)
    if missing and not stop.requested:
        raise UserError(f'--also {missing[0]}')
    return found


def _topic(text: str) -> str:
    if not re.fullmatch(r'/?[A-Za-z_]\w*(/[A-Za-z_]\w*)*', text, re.ASCII):
        raise argparse.ArgumentTypeError(f"'{text}' is no ROS name")
    return text
