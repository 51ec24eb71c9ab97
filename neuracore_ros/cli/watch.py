"""``neuracore_ros watch``: running nodes in the terminal, and keys that act on them."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from neuracore_ros.cli.arguments import positive
from neuracore_ros.description.shipped import robot_file
from neuracore_ros.errors import UserError
from neuracore_ros.files import require_new_file

if TYPE_CHECKING:
    from rclpy.executors import Executor
    from rclpy.node import Node

    from neuracore_ros.cli.watch_loop import ViewerUpdate
    from neuracore_ros.node.stop_signal import StopSignal
    from neuracore_ros.watch.desk import Desk

SUMMARY = 'Watch running nodes: state, reason, what to do next; keys enable, disable, take over.'
EXAMPLES = """  neuracore_ros watch                             # all nodes that are found
  neuracore_ros watch --namespace left right      # two arms
  neuracore_ros watch | tee log.txt               # a line for each change
  neuracore_ros watch --json                      # the same as JSON, for programs
  neuracore_ros watch --once                      # as it is now; status 1 if no node is heard
  neuracore_ros watch --call disable              # without a terminal; 0 if the node agrees
  neuracore_ros watch --rerun                     # chunks, commands, joints and cameras, live

keys: e enables, d disables, r resets, t takes over, p gives back to the policy, a activates.
They act on the chosen node; Tab or a digit chooses. What may begin a motion is asked for once
more: y confirms. The space bar disables all nodes. q quits and leaves the nodes as they are."""

VIEWER = Path()
# What --call takes; desk.py has the same requests as keys.
CALLS = ('enable', 'disable', 'reset', 'takeover', 'give-back', 'activate')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the verb."""
    parser.add_argument(
        '--namespace',
        nargs='+',
        action='extend',
        default=[],
        metavar='NS',
        help='watch the nodes in these namespaces; / is that of nodes without one (default: all '
        'nodes that are found)',
    )
    way = parser.add_mutually_exclusive_group()
    parser.add_argument(
        '--json',
        action='store_true',
        help='print a JSON object for each change, one a line; no screen, no keys',
    )
    way.add_argument(
        '--once',
        action='store_true',
        help='print what each node does as soon as all are heard, and end',
    )
    parser.add_argument(
        '--timeout',
        type=positive,
        default=10.0,
        metavar='S',
        help='with --once and --call: wait so long for nodes [s] (default: 10)',
    )
    way.add_argument(
        '--call',
        choices=CALLS,
        help='ask the one node that is found, print its answer, and end; nothing is confirmed',
    )
    way.add_argument(
        '--rerun',
        nargs='?',
        type=Path,
        const=VIEWER,
        metavar='RRD',
        help='also show chunks beside what was commanded and measured, and the cameras, in the '
        'Rerun viewer; with a name, write a new file for it instead',
    )
    parser.add_argument(
        '--robot',
        nargs='+',
        type=robot_file,
        default=[],
        metavar='FILE',
        help='with --rerun: robot files of nodes on other computers (default: those of the nodes)',
    )


def run(arguments: argparse.Namespace) -> int:
    """Watch until q or a signal; the nodes stay as they are.

    Raises:
        UserError: No ROS 2, a wrong namespace, a file that is there already, a node that is not
            heard with ``--once``, or does not agree with ``--call``.
        ModuleNotFoundError: The screen's library is not installed.
    """
    from neuracore_ros.ros_environment import require_ros

    require_ros()
    for namespace in arguments.namespace:
        require_ros(namespace.rstrip('/'))
    if arguments.robot and arguments.rerun is None:
        arguments.wrong_usage('--robot is for --rerun')
    if arguments.rerun not in (None, VIEWER):
        require_new_file(arguments.rerun, '--rerun')
        if arguments.rerun.exists():
            raise UserError(f'{arguments.rerun}: is there already: choose another name')
    on_screen = _is_screen() and not (arguments.json or arguments.once or arguments.call)
    if on_screen:
        import rich.live  # noqa: F401  Its absence is told before anything is opened.

    with _node() as (node, executor, stop):
        from neuracore_ros.cli.watch_loop import Watch
        from neuracore_ros.watch.desk import Desk
        from neuracore_ros.watch.lines import as_json, as_page, as_text
        from neuracore_ros.watch.link import Link
        from neuracore_ros.watch.requests import NodeRequest

        desk = Desk()
        link = Link(node, arguments.namespace, desk.answer)
        desk.send = link.send
        with _viewer(node, desk, arguments) as update_viewer:
            watch = Watch(link, desk, executor, stop, update_viewer)
            if arguments.once:
                return watch.once(arguments.timeout, as_json if arguments.json else as_page)
            if arguments.call:
                return watch.call(NodeRequest(arguments.call), arguments.timeout)
            if on_screen:
                return watch.on_screen()
            has_keys = sys.stdin.isatty() and sys.stdout.isatty() and not arguments.json
            keys = EXAMPLES.partition('keys: ')[2] if has_keys else ''
            return watch.in_lines(as_json if arguments.json else as_text, keys)


@contextmanager
def _node() -> Iterator[tuple[Node, Executor, StopSignal]]:
    """Context of our node, its executor, and the signals that end it."""
    import rclpy
    from rclpy.executors import SingleThreadedExecutor
    from rclpy.logging import LoggingSeverity
    from rclpy.signals import SignalHandlerOptions

    from neuracore_ros.node.stop_signal import StopSignal
    from neuracore_ros.watch.link import NODE_NAME

    stop = StopSignal()
    # Ctrl-\\ would leave the terminal as it is.
    signal.signal(signal.SIGQUIT, signal.getsignal(signal.SIGTERM))
    with ExitStack() as stack:
        rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
        stack.callback(rclpy.try_shutdown)
        # Nobody needs to ask somebody who only looks, or to read its log.
        node = rclpy.create_node(NODE_NAME, enable_rosout=False, start_parameter_services=False)
        node.get_logger().set_level(LoggingSeverity.FATAL)
        stack.callback(node.destroy_node)
        executor = SingleThreadedExecutor()
        executor.add_node(node)
        stack.callback(executor.shutdown)
        yield node, executor, stop


@contextmanager
def _viewer(node: Node, desk: Desk, arguments: argparse.Namespace) -> Iterator[ViewerUpdate]:
    """Context of what gives the views of nodes to the Rerun viewer, or to nobody."""
    if arguments.rerun is None:
        yield lambda views: None
        return
    # Rerun would write its warnings into the screen.
    os.environ.setdefault('RUST_LOG', 'off')
    from neuracore_ros.description import load_robot
    from neuracore_ros.watch.rerun_view import live_view

    robots = [load_robot(path) for path in arguments.robot]
    file = None if arguments.rerun == VIEWER else arguments.rerun
    with live_view(node, robots, file, desk.answer) as live:
        yield live.update
    if live.is_stuck:
        # Nothing else is left to do, and Python would wait for Rerun without end.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)


def _is_screen() -> bool:
    """True if a screen can be drawn: on a terminal that can move its cursor."""
    return sys.stdout.isatty() and os.environ.get('TERM', '') not in ('', 'dumb', 'unknown')
