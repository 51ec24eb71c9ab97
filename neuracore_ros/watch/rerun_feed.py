"""The feed of a Rerun viewer or file, which holds up nobody: a viewer may hang, or be gone."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from queue import Empty, Full, Queue
from threading import Thread
from typing import Any

from neuracore_ros.errors import UserError

PORT = 9876
_ADDRESS = f'rerun+http://127.0.0.1:{PORT}/proxy'
_FINDS_S = 0.5
# What waits for a viewer that is slow: some seconds of two arms and their cameras.
_MOST_WAITING = 5000
_DISPLAYS = ('DISPLAY', 'WAYLAND_DISPLAY')


class RerunFeed:
    """Feed of a recording of Rerun, from a thread of its own.

    Rerun waits, without end, for a viewer that reads no more; keys that stop a robot must not.
    Its times belong to threads, so all calls are made on this one.

    Args:
        recording: Of Rerun.
        tell: Called with a word and a line about it, on the caller's thread, at most once.
    """

    def __init__(self, recording: Any, tell: Callable[[str, str], None]) -> None:
        self._recording = recording
        self._tell = tell
        self._calls: Queue[Callable[[], None] | None] = Queue(_MOST_WAITING)
        self._has_told = False
        self._failure: Exception | None = None
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()

    def set_time(self, timeline: str, **time: float) -> None:
        """Set the time of what is logged next."""
        self._put(partial(self._recording.set_time, timeline, **time))

    def log(self, path: str, component: Any, **options: bool) -> None:
        """Log one component of an entity."""
        self._put(partial(self._recording.log, path, component, **options))

    def send_columns(self, path: str, times: Any, columns: Any) -> None:
        """Log a component of an entity at several times."""
        self._put(partial(self._recording.send_columns, path, times, columns))

    def send_blueprint(self, blueprint: Any) -> None:
        """Arrange the viewer."""
        self._put(partial(self._recording.send_blueprint, blueprint))

    def close(self, patience_s: float | None = None) -> bool:
        """End the recording after all that waits.

        Args:
            patience_s: Wait so long for it [s]; None: until it is done.

        Returns:
            False if it was not done, and the thread still waits.
        """
        if patience_s is not None:
            self._make_room()
        if self._thread.is_alive():
            self._calls.put(self._recording.disconnect)
            self._calls.put(None)
        self._thread.join(patience_s)
        if self._failure is not None:
            raise self._failure
        return not self._thread.is_alive()

    def _make_room(self) -> None:
        """Give up the oldest calls, if so many wait that nothing can be added."""
        with suppress(Empty):
            while self._calls.qsize() > _MOST_WAITING - 2:
                self._calls.get_nowait()

    def _put(self, call: Callable[[], None]) -> None:
        if self._failure is not None:
            raise self._failure
        try:
            self._calls.put_nowait(call)
        except Full:
            if not self._has_told:
                self._has_told = True
                self._tell('Rerun', 'the viewer hangs, has ended or is too slow: it lacks a part')

    def _run(self) -> None:
        try:
            while (call := self._calls.get()) is not None:
                call()
        except Exception as failure:
            self._failure = failure


def open_viewer() -> subprocess.Popen[bytes] | None:
    """Open the viewer, for this computer only; None if there is one already, here or by a tunnel.

    Raises:
        UserError: There is no display.
    """
    with suppress(OSError), socket.create_connection(('127.0.0.1', PORT), _FINDS_S):
        return None
    if sys.platform == 'linux' and not any(os.environ.get(name) for name in _DISPLAYS):
        raise UserError(
            f'no display for the Rerun viewer ({", ".join(_DISPLAYS)} are not set): give --rerun '
            'a file, and open that elsewhere'
        )
    return subprocess.Popen(
        [sys.executable, '-m', 'rerun_cli', '--bind', '127.0.0.1', '--port', str(PORT)],
        env={**os.environ, 'RERUN_APP_ONLY': 'true'},
        # It would write into the screen, take its keys, and end with its Ctrl-C.
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def connect(recording: Any) -> None:
    """Send a recording to the viewer, also to one that is only beginning."""
    recording.connect_grpc(_ADDRESS)
