"""Inference: the model on its own thread."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from concurrent.futures import TimeoutError as WaitedLongEnough
from typing import Any, TypeVar

from rclpy.node import Node

_Result = TypeVar('_Result')

_POLL_S = 0.05
# For a request to fail whose connection is gone.
_ENDS_S = 1.0


class Interrupted(Exception):  # noqa: N818, since nothing went wrong.
    """The process was asked to end while it waited for the model."""


class Inference:
    """A thread that loads and runs the model, one task at a time.

    Loading and warming up are done on this thread, too: runtimes prepare themselves for each
    thread anew, and a signal need not wait for either.

    Args:
        node: In the executor that is handed the answers.
        interrupted: Returns True once the process is asked to end.

    Attributes:
        cut_off: Ends a prediction that a server was asked for; None: nothing can end it.
    """

    def __init__(self, node: Node, interrupted: Callable[[], bool]) -> None:
        self._node = node
        self._interrupted = interrupted
        self._thread = ThreadPoolExecutor(1, thread_name_prefix='inference')
        self._work: Future[Any] | None = None
        self.cut_off: Callable[[], None] | None = None

    def wait(self, work: Callable[[], _Result]) -> _Result:
        """Run a task on the thread, and wait for its result.

        Raises:
            Interrupted: The process is asked to end; the work goes on.
            Exception: Whatever the work raises.
        """
        self._work = future = self._thread.submit(work)
        while True:
            try:
                return future.result(_POLL_S)
            except WaitedLongEnough:
                if future.done():
                    return future.result()
                if self._interrupted():
                    raise Interrupted from None

    def start(self, work: Callable[[], Any], done: Callable[[Future[Any]], None]) -> None:
        """Run a task on the thread; then ``done``, which must not raise, on the executor's."""

        def hand_over(answer: Future[Any]) -> None:
            executor = self._node.executor
            if executor is not None and not answer.cancelled():
                executor.create_task(done, answer)

        self._work = self._thread.submit(work)
        self._work.add_done_callback(hand_over)

    def close(self) -> bool:
        """Let the thread end when it can.

        Returns:
            Whether it can now; what a model here does cannot be interrupted.
        """
        self._thread.shutdown(wait=False, cancel_futures=True)
        if self.cut_off is not None:
            self.cut_off()
            if self._work is not None:
                wait([self._work], _ENDS_S)
        return self._work is None or self._work.done()
