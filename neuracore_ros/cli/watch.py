"""``neuracore_ros watch``: running nodes in the terminal, and keys that act on them."""

from __future__ import annotations

import argparse
import os
import select
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from neuracore_ros.cli.arguments import positive
from neuracore_ros.cli.terminal import control, single_keys
from neuracore_ros.description.shipped import robot_file
from neuracore_ros.errors import UserError, printable
from neuracore_ros.files import require_new_file

if TYPE_CHECKING:
    from types import FrameType

    from rclpy.executors import Executor
    from rclpy.node import Node

    from neuracore_ros.node.stop_signal import StopSignal
    from neuracore_ros.watch.desk import Desk
    from neuracore_ros.watch.link import Link
    from neuracore_ros.watch.watched import NodeView

SUMMARY = 'Watch running nodes: state, reason, what to do next; keys enable, disable, take over.'
EXAMPLES = """  neuracore_ros watch                             # all nodes that are found
  neuracore_ros watch --namespace left right      # two arms
  neuracore_ros watch | tee log.txt               # a line for each change
  neuracore_ros watch --json                      # the same as JSON, for programs
  neuracore_ros watch --once                      # as it is now; status 1 if no node is heard
  neuracore_ros watch --rerun                     # chunks, commands, joints and cameras, live

keys: e enables, d disables, r resets, t takes over, p gives back to the policy, a activates.
They act on the chosen node; Tab or a digit chooses. What may begin a motion is asked for once
more: y confirms. The space bar disables all nodes. q quits and leaves the nodes as they are."""

ViewerUpdate = Callable[['Sequence[NodeView]'], None]
VIEWER = Path()
POLL_S = 0.05
FRAME_S = 0.25
# Nodes find each other within this.
DISCOVERY_S = 1.5


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
    parser.add_argument(
        '--json',
        action='store_true',
        help='print a JSON object for each change, one a line; no screen, no keys',
    )
    parser.add_argument(
        '--once',
        action='store_true',
        help='print what each node does as soon as all are heard, and end',
    )
    parser.add_argument(
        '--timeout',
        type=positive,
        default=10.0,
        metavar='S',
        help='with --once: wait so long for nodes [s] (default: 10)',
    )
    parser.add_argument(
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
        UserError: No ROS 2, a wrong namespace, or with ``--once`` a node that is not heard.
        ModuleNotFoundError: The screen's library is not installed.
    """
    from neuracore_ros.node.environment import require_ros

    require_ros()
    for namespace in arguments.namespace:
        require_ros(namespace.rstrip('/'))
    if arguments.once and arguments.rerun is not None:
        arguments.wrong_usage('--rerun shows what goes on, and --once ends at once: give one')
    if arguments.robot and arguments.rerun is None:
        arguments.wrong_usage('--robot is for --rerun')
    if arguments.rerun not in (None, VIEWER):
        require_new_file(arguments.rerun, '--rerun')
    on_screen = _is_screen() and not (arguments.json or arguments.once)
    if on_screen:
        import rich.live  # noqa: F401  Its absence is told before anything is opened.

    with _node() as (node, executor, stop):
        from neuracore_ros.watch.desk import Desk
        from neuracore_ros.watch.lines import as_json, as_page, as_text
        from neuracore_ros.watch.link import Link

        desk = Desk()
        link = Link(node, arguments.namespace, desk.answer)
        desk.send = link.send
        with _viewer(node, desk, arguments) as update_viewer:
            watch = Watch(link, desk, executor, stop, update_viewer)
            if arguments.once:
                return watch.once(arguments.timeout, as_json if arguments.json else as_page)
            if on_screen:
                return watch.on_screen()
            return watch.in_lines(as_json if arguments.json else as_text)


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
    from neuracore_ros.description import load_robot
    from neuracore_ros.watch.rerun_view import live_view

    robots = [load_robot(path) for path in arguments.robot]
    file = None if arguments.rerun == VIEWER else arguments.rerun
    with live_view(node, robots, file, desk.answer) as live:
        yield live.update


def _is_screen() -> bool:
    """True if a screen can be drawn: on a terminal that can move its cursor."""
    return sys.stdout.isatty() and os.environ.get('TERM', '') not in ('', 'dumb', 'unknown')


class Watch:
    """Nodes and a person in front of them, until somebody quits.

    Args:
        link: To the nodes.
        desk: Where the person sits.
        executor: Serves the link.
        stop: Signals.
        update_viewer: Called with the views of all nodes, often.
    """

    def __init__(
        self,
        link: Link,
        desk: Desk,
        executor: Executor,
        stop: StopSignal,
        update_viewer: ViewerUpdate,
    ) -> None:
        self._update_viewer = update_viewer
        self._link = link
        self._desk = desk
        self._executor = executor
        self._stop = stop
        self._suspended = False

    def once(self, timeout_s: float, write: Callable[[NodeView], str]) -> int:
        """Print what each node does, once all are heard; 0 then.

        Raises:
            UserError: Not all are heard in time; what is known is printed before.
        """
        from neuracore_ros.watch.watched import Presence

        # Of nodes that nobody named, another one may be found a moment later.
        least_s = time.monotonic() + DISCOVERY_S
        end_s = time.monotonic() + timeout_s
        while not self._stop.requested and time.monotonic() < end_s:
            self._serve()
            views = self._link.views()
            complete = views and all(v.report and v.parameters for v in views)
            if complete and time.monotonic() > least_s:
                break
        views = self._link.views()
        for view in views:
            print(write(view), flush=True)
        if not views:
            raise UserError(f'no node was found within {timeout_s:g} s; {_domain()}')
        for view in views:
            if view.presence is not Presence.HEARD:
                raise UserError(f'{view.name}: {view.reason}; {_domain()}')
        return 0

    def in_lines(self, write: Callable[[NodeView], str]) -> int:
        """Print a line for each change; on a terminal that can do no more, keys work, too."""
        from neuracore_ros.watch.lines import Changes

        changes, has_keys = Changes(write), sys.stdin.isatty() and sys.stdout.isatty()
        shown: list[str] = []
        if has_keys:
            print(EXAMPLES.partition('keys: ')[2], flush=True)
        print(_domain(), file=sys.stderr, flush=True)
        with single_keys(sys.stdin) if has_keys else nullcontext(str) as next_key:
            while not self._is_over and not _is_closed(sys.stdout):
                self._serve()
                self._press(next_key())
                for line in changes.of(self._link.views()):
                    print(line, flush=True)
                question = self._desk.question
                said = [
                    *(note.text for note in self._desk.notes),
                    *([f'{question.text} y: yes'] if question else []),
                ]
                for line in said if has_keys else ():
                    if line not in shown:
                        print(line, flush=True)
                shown = said
        return 0

    def on_screen(self) -> int:
        """Draw and obey; afterwards the terminal is as before, with a line about each node."""
        signal.signal(signal.SIGTSTP, self._suspend)
        while True:
            self._draw()
            if not self._suspended or self._is_over:
                break
            # The terminal is as before by now: the shell may have it.
            self._suspended = False
            os.kill(os.getpid(), signal.SIGSTOP)
            self._link.excuse()
        for view in self._link.views():
            print(f'{view.name} is left as it is: {view.state}')
        return 0

    def _draw(self) -> None:
        """Draw and obey until the end, or Ctrl-Z."""
        from rich.console import Console
        from rich.live import Live

        from neuracore_ros.watch.screen import ScreenFrame

        console = Console(file=control(sys.stdout), highlight=False)
        live = Live(
            console=console,
            screen=True,
            auto_refresh=False,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        title, has_keys, drawn_s = f'neuracore_ros watch   {_domain()}', sys.stdin.isatty(), 0.0
        with live, single_keys(sys.stdin) as next_key:
            while not (self._is_over or self._suspended):
                self._serve()
                pressed = self._press(next_key())
                if pressed or time.monotonic() - drawn_s > FRAME_S:
                    drawn_s = time.monotonic()
                    frame = ScreenFrame(title, self._link.views(), self._desk, has_keys)
                    live.update(frame, refresh=True)

    def _serve(self) -> None:
        self._executor.spin_once(timeout_sec=POLL_S)
        self._link.refresh()
        self._update_viewer(self._link.views())

    def _press(self, key: str) -> bool:
        """Give a key to the desk, if there is one."""
        views, now_s = self._link.views(), time.monotonic()
        self._desk.update(views, now_s)
        if key:
            self._desk.press(key, views, now_s)
        return bool(key)

    def _suspend(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        self._suspended = True

    @property
    def _is_over(self) -> bool:
        return bool(self._stop.requested) or self._desk.has_quit


def _domain() -> str:
    """The part of the network in which nodes are looked for."""
    variables = ('ROS_AUTOMATIC_DISCOVERY_RANGE', 'ROS_LOCALHOST_ONLY', 'RMW_IMPLEMENTATION')
    said = [f'{name} {os.environ[name]}' for name in variables if os.environ.get(name)]
    return printable(', '.join([f'ROS_DOMAIN_ID {os.environ.get("ROS_DOMAIN_ID") or 0}', *said]))


def _is_closed(stream: TextIO) -> bool:
    """True if nobody reads a pipe any more, as after `head`; it is noticed without a write."""
    poll = select.poll()
    poll.register(stream, 0)
    return any(event & (select.POLLERR | select.POLLNVAL) for _, event in poll.poll(0))
