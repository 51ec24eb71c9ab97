"""``neuracore_ros record``: the topics that a robot file declares, episode by episode."""

from __future__ import annotations

import argparse
import select
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from neuracore_ros.errors import UserError

if TYPE_CHECKING:
    from rclpy.executors import Executor

    from neuracore_ros.node.recorder import Episode, Recorder
    from neuracore_ros.node.stop_signal import StopSignal

SUMMARY = 'Record the topics of a robot file to MCAP, one bag an episode.'
EXAMPLES = """  neuracore_ros record ur5.yaml --out bags                     Enter starts and stops
  neuracore_ros record ur5.yaml --out bags --seconds 10 --episodes 3
  neuracore_ros record ur5.yaml --out bags --services          /record/start, /record/stop"""

POLL_S = 0.05
# How long the first episode waits for topics that are slow to be found.
PATIENCE_S = 5.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the verb."""
    parser.add_argument('robot', type=Path, help='robot file')
    parser.add_argument('--out', type=Path, required=True, help='folder of the bags')
    parser.add_argument('--episodes', type=_count, help='end after so many (default: at Ctrl-C)')
    way = parser.add_mutually_exclusive_group()
    way.add_argument('--seconds', type=_seconds, help='length of an episode; the next one follows')
    way.add_argument(
        '--services',
        action='store_true',
        help='wait for the services ~/start and ~/stop (std_srvs/Trigger) instead of Enter',
    )
    parser.add_argument(
        '--use-sim-time', action='store_true', help='live by /clock, and record it'
    )
    parser.add_argument('--namespace', default='', help='of topics without a leading slash')


def run(arguments: argparse.Namespace) -> int:
    """Record until enough episodes are there, or Ctrl-C; a running episode is completed.

    Raises:
        UserError: No ROS 2, a wrong robot file, or nowhere to write.
    """
    from neuracore_ros.description import load_robot
    from neuracore_ros.node.environment import require_ros

    by_enter = not (arguments.seconds or arguments.services)
    if by_enter and not sys.stdin.isatty():
        raise UserError('there is no terminal to press Enter in: give --seconds or --services')
    robot = load_robot(arguments.robot)
    require_ros()
    import rclpy
    from rclpy.parameter import Parameter
    from rclpy.signals import SignalHandlerOptions

    from neuracore_ros.node.executor import make_executor
    from neuracore_ros.node.recorder import Recorder
    from neuracore_ros.node.stop_signal import StopSignal

    stop = StopSignal()
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    try:
        node = rclpy.create_node(
            'record',
            namespace=arguments.namespace,
            parameter_overrides=[Parameter('use_sim_time', value=arguments.use_sim_time)],
            automatically_declare_parameters_from_overrides=True,
        )
        done: list[Episode] = []

        def on_episode(episode: Episode) -> None:
            done.append(episode)
            _show(episode)

        recorder = Recorder(node, robot, arguments.out, on_episode)
        executor = make_executor()
        executor.add_node(node)
        _wait_for_topics(recorder, executor, stop)
        if arguments.seconds and not (recorder.has_time or stop.requested):
            raise UserError('nobody publishes /clock: without it --use-sim-time has no time')
        recorder.offer_services()
        if by_enter:
            print('Enter starts an episode, Enter stops it, Ctrl-C ends.', flush=True)
        while not stop.requested and len(done) != arguments.episodes:
            executor.spin_once(timeout_sec=POLL_S)
            if by_enter:
                _obey_enter(recorder)
            elif arguments.seconds and not recorder.recording:
                recorder.start()
            elif arguments.seconds and recorder.duration_s >= arguments.seconds:
                recorder.stop()
        if recorder.recording:
            recorder.stop()
        _answer_services(executor)
        node.destroy_node()
    finally:
        rclpy.try_shutdown()
    return 0


def _wait_for_topics(recorder: Recorder, executor: Executor, stop: StopSignal) -> None:
    end_s = time.monotonic() + PATIENCE_S
    while not (recorder.all_heard or stop.requested or time.monotonic() > end_s):
        executor.spin_once(timeout_sec=POLL_S)


def _obey_enter(recorder: Recorder) -> None:
    if not select.select([sys.stdin], [], [], 0.0)[0]:
        return
    sys.stdin.readline()
    if recorder.recording:
        recorder.stop()
    else:
        print(f'recording {recorder.start()}', flush=True)


def _answer_services(executor: Executor) -> None:
    """Let the answer to ~/stop go out before the node does."""
    end_s = time.monotonic() + POLL_S
    while time.monotonic() < end_s:
        executor.spin_once(timeout_sec=POLL_S)


def _show(episode: Episode) -> None:
    print(f'{episode.path}: {episode.duration_s:.1f} s', flush=True)
    for topic, count in episode.counts.items():
        rate = f'{count / episode.duration_s:6.1f} Hz' if episode.duration_s else ''
        print(f'  {topic:40}{count:8} {rate if count else "  nothing was heard"}', flush=True)


def _count(text: str) -> int:
    count = int(text)
    if count < 1:
        raise argparse.ArgumentTypeError('must be at least 1')
    return count


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0.0 < seconds < 1e6:
        raise argparse.ArgumentTypeError('must be above 0')
    return seconds
