"""Loops of ``watch``: around a screen, around lines, and until one question is answered."""

from __future__ import annotations

import errno
import os
import select
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext, suppress
from typing import TYPE_CHECKING, TextIO

from neuracore_ros.cli.terminal import control, single_keys
from neuracore_ros.errors import UserError, printable

if TYPE_CHECKING:
    from types import FrameType

    from rclpy.executors import Executor

    from neuracore_ros.node.stop_signal import StopSignal
    from neuracore_ros.watch.desk import Desk
    from neuracore_ros.watch.link import Link
    from neuracore_ros.watch.requests import NodeRequest
    from neuracore_ros.watch.watched import NodeView

ViewerUpdate = Callable[['Sequence[NodeView]'], None]
POLL_S = 0.05
FRAME_S = 0.25
# Nodes find each other within this.
DISCOVERY_S = 1.5
FINDS_US_S = 0.5
# A second node must not be missed by who calls the only one.
FINDS_ALL_S = 3.0


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
        # What is told before the first key is told now.
        desk.update((), time.monotonic())
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
            raise UserError(f'no node was found within {timeout_s:g} s; {domain()}')
        for view in views:
            if view.presence is not Presence.HEARD:
                raise UserError(f'{view.name}: {view.reason}; {domain()}')
        return 0

    def call(self, request: NodeRequest, timeout_s: float) -> int:
        """Send a request to the one node that is there, and print its answer; 0 if it agrees.

        Raises:
            UserError: There is no node, or more than one; or it refuses, or does not answer.
        """
        from neuracore_ros.watch.requests import unsafe

        least_s = time.monotonic() + FINDS_ALL_S
        end_s = time.monotonic() + timeout_s
        there: list[NodeView] = []
        found_s = 0.0
        while not self._stop.requested and time.monotonic() < end_s:
            self._serve()
            there = [view for view in self._link.views() if view.graph is not None]
            # Who is found must find us, too, or its answer is lost.
            found_s = found_s or (time.monotonic() if there else 0.0)
            if there and time.monotonic() > max(least_s, found_s + FINDS_US_S):
                break
        if not there:
            raise UserError(f'no node was found within {timeout_s:g} s; {domain()}')
        if len(several := sorted(view.name for view in self._link.views())) > 1:
            names = ', '.join(several)
            raise UserError(f'there are several nodes: {names}; choose one by --namespace')
        if reason := unsafe(request, there[0]):
            raise UserError(f'{there[0].name}: {reason}')
        self._link.send(there[0].name, request)
        while self._link.is_waiting and not self._stop.requested:
            self._serve()
        *_, said = [note.text for note in self._desk.notes] or [f'{request.value}: interrupted']
        if not self._link.has_succeeded:
            raise UserError(said)
        print(said)
        return 0

    def in_lines(self, write: Callable[[NodeView], str], keys: str) -> int:
        """Print a line for each change.

        Args:
            write: Makes a line.
            keys: Explains the keys of a terminal that can do no more; '' where there are none.
        """
        from neuracore_ros.watch.lines import Changes

        changes, shown = Changes(write), list[str]()
        if keys:
            print(keys, flush=True)
        print(domain(), file=sys.stderr, flush=True)

        def print_changes() -> None:
            nonlocal shown
            with single_keys(sys.stdin) if keys else nullcontext(str) as next_key:
                while not (self._is_over or self._suspended or _is_closed(sys.stdout)):
                    self._serve()
                    self._press(next_key)
                    for line in changes.of(self._link.views()):
                        print(line, flush=True)
                    question = self._desk.question
                    said = [
                        *(note.text for note in self._desk.notes),
                        *([f'{question.text} y: yes'] if question else []),
                    ]
                    for line in said if keys else ():
                        if line not in shown:
                            print(line, flush=True)
                    shown = said
                self._press_last(next_key)

        self._with_pauses(print_changes)
        for text in self._finish():
            if keys:
                print(text, flush=True)
        return 0

    def on_screen(self) -> int:
        """Draw and obey; afterwards the terminal is as before, with a line about each node."""
        try:
            self._with_pauses(self._draw)
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            self._finish()
            return 0  # The terminal is closed: nothing is left to restore.
        said = self._finish()
        for text in said:
            print(text)
        for view in self._link.views():
            # The report of a node that has answered may be on its way yet.
            if not any(text.startswith(f'{view.name}: ') for text in said):
                print(f'{view.name} is left as it is: {view.state}')
        return 0

    def _with_pauses(self, watch: Callable[[], None]) -> None:
        """Watch until the end; Ctrl-Z interrupts it, and then the terminal is as before."""
        signal.signal(signal.SIGTSTP, self._suspend)
        while True:
            watch()
            if not self._suspended or self._is_over:
                return
            self._suspended = False
            self._desk.leave()
            self._finish()
            os.kill(os.getpid(), signal.SIGSTOP)
            self._link.excuse()

    def _finish(self) -> list[str]:
        """Wait until nodes that are to stop have answered; returns what became of it.

        A process that ends at once takes along what it has not sent yet.
        """
        self._link.leave()
        was_stopping = self._link.is_stopping
        while self._link.is_stopping:
            self._serve()
        return [note.text for note in self._desk.notes] if was_stopping else []

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
        title, has_keys, drawn_s = f'neuracore_ros watch   {domain()}', sys.stdin.isatty(), 0.0
        with live, single_keys(sys.stdin) as next_key:
            while not (self._is_over or self._suspended):
                self._serve()
                pressed = self._press(next_key)
                if pressed or time.monotonic() - drawn_s > FRAME_S:
                    drawn_s = time.monotonic()
                    frame = ScreenFrame(title, self._link.views(), self._desk, has_keys)
                    live.update(frame, refresh=True)
            self._press_last(next_key)

    def _serve(self) -> None:
        self._executor.spin_once(timeout_sec=POLL_S)
        self._link.refresh()
        self._update_viewer(self._link.views())

    def _press(self, next_key: Callable[[], str]) -> bool:
        """Give all keys that wait to the desk; returns whether there was one."""
        views, now_s = self._link.views(), time.monotonic()
        self._desk.update(views, now_s)
        # Before anything is drawn: behind a key that is held, another one may stop the robots.
        keys = [*iter(next_key, '')]
        for key in keys:
            self._desk.press(key, views, now_s)
        return bool(keys)

    def _press_last(self, next_key: Callable[[], str]) -> None:
        """Of keys that the end or a pause has overtaken, a stop is obeyed all the same."""
        from neuracore_ros.watch.desk import ALL

        with suppress(OSError):  # The terminal may be closed.
            if ALL in iter(next_key, ''):
                self._desk.press(ALL, self._link.views(), time.monotonic())

    def _suspend(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        self._suspended = True

    @property
    def _is_over(self) -> bool:
        return bool(self._stop.requested) or self._desk.has_quit


def domain() -> str:
    """The part of the network in which nodes are looked for."""
    variables = ('ROS_AUTOMATIC_DISCOVERY_RANGE', 'ROS_LOCALHOST_ONLY', 'RMW_IMPLEMENTATION')
    said = [f'{name} {os.environ[name]}' for name in variables if os.environ.get(name)]
    return printable(', '.join([f'ROS_DOMAIN_ID {os.environ.get("ROS_DOMAIN_ID") or 0}', *said]))


def _is_closed(stream: TextIO) -> bool:
    """True if nobody reads a pipe any more, as after `head`; it is noticed without a write."""
    poll = select.poll()
    poll.register(stream, 0)
    return any(event & (select.POLLERR | select.POLLNVAL) for _, event in poll.poll(0))
