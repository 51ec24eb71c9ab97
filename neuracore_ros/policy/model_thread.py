"""A thread for models, so that Ctrl-C ends a command although a model never answers.

Python hears a signal between two of its own steps. While a model computes in its runtime, there
are none; but the main thread can wait for another one, and be interrupted.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any, TypeVar

from neuracore_ros.arrays import Array
from neuracore_ros.policy.manifest import Manifest
from neuracore_ros.policy.policy import Policy, Runtime

_Result = TypeVar('_Result')
Arrays = Mapping[str, Array]

_NAME = 'model'


class ModelThread:
    """A thread on which a model is loaded and run, one thing at a time."""

    def __init__(self) -> None:
        self._work: SimpleQueue[tuple[Callable[[], Any], Future[Any]]] = SimpleQueue()
        threading.Thread(target=self._run, name=_NAME, daemon=True).start()

    def call(self, work: Callable[[], _Result]) -> _Result:
        """Run ``work`` on the thread, and wait for it; a KeyboardInterrupt leaves it running.

        Raises:
            BaseException: Whatever the work raises.
        """
        return self.submit(work).result()

    def submit(self, work: Callable[[], _Result]) -> Future[_Result]:
        """Let ``work`` run on the thread after all that was given to it before."""
        future: Future[_Result] = Future()
        self._work.put((work, future))
        return future

    def load(self, load: Callable[[], Policy]) -> Policy:
        """Load a policy that is run on the thread, too."""
        policy = self.call(load)
        return policy.run_by(lambda runtime: _ThreadedRuntime(self, runtime))

    def _run(self) -> None:
        while True:
            work, future = self._work.get()
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(work())
            except BaseException as error:
                future.set_exception(error)


class _ThreadedRuntime:
    """A runtime on a thread of its own."""

    def __init__(self, thread: ModelThread, runtime: Runtime) -> None:
        self._thread, self._runtime = thread, runtime

    @property
    def manifest(self) -> Manifest:
        return self._runtime.manifest

    def run(self, inputs: Arrays, valid: Arrays) -> Arrays:
        return self._thread.call(lambda: self._runtime.run(inputs, valid))


def end_interrupted(status: int = 130) -> int:
    """The status of an interrupted command; ends the process at once if a model still runs."""
    if any(thread.name == _NAME for thread in threading.enumerate()):
        sys.stdout.flush()
        sys.stderr.flush()
        # The interpreter would tear down what the model's runtime is using.
        os._exit(status)
    return status
