"""Callbacks of a page: one at a time, and none for what the page itself has set."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import viser

from neuracore_ros.errors import UserError

Value = TypeVar('Value')


class Callbacks:
    """Makes callbacks for the controls of a page, which viser calls from many threads.

    Args:
        failed: Told in one line what a user's error was.
    """

    def __init__(self, failed: Callable[[str], None]) -> None:
        self._failed = failed
        self._lock = threading.RLock()
        self._is_quiet = self._is_ended = False

    def __call__(self, work: Callable[[], None]) -> Callable[[Any], None]:
        """A callback that does this work when a user has used the control."""

        def callback(_: Any) -> None:
            with self._lock:
                if self._is_quiet or self._is_ended:
                    return
                try:
                    work()
                except UserError as error:
                    self._failed(str(error))

        return callback

    def end(self) -> None:
        """Let the one that works come to its end, and none work from now on."""
        with self._lock:
            self._is_ended = True

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """A block that sets controls, for which no callback works."""
        with self._lock:
            before, self._is_quiet = self._is_quiet, True
            try:
                yield
            finally:
                self._is_quiet = before


def put(control: viser.GuiInputHandle[Value], value: Value) -> None:
    """Give a control a value; it is sent to all browsers where it is another one."""
    control.value = value  # type: ignore[misc]  # viser's property has a setter, behind a cast.
