"""Recordings on the page: one is chosen, played, and stopped anywhere."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import viser

from neuracore_ros.errors import UserError
from neuracore_ros.viewer import markup
from neuracore_ros.viewer.callbacks import Callbacks, put
from neuracore_ros.viewer.recordings import OpenRecordings

# Between two moments that are shown [s]; a browser without a GPU draws no more of them.
_EVERY_S = 0.05


class PlaybackPanel:
    """Recordings, in the present container of a GUI.

    Args:
        gui: Where it is added.
        recordings: At least one.
        show: Called with the place of a recording, a time in it [s], and True if all robots
            follow.
        callbacks: Of the page.
    """

    def __init__(
        self,
        gui: viser.GuiApi,
        recordings: OpenRecordings,
        show: Callable[[int, float, bool], None],
        callbacks: Callbacks,
    ) -> None:
        self._recordings, self._show, self._callbacks = recordings, show, callbacks
        names = recordings.names
        self._recording = gui.add_dropdown('Recording', names, visible=len(names) > 1)
        self._all = gui.add_checkbox(
            'All follow',
            True,
            hint='All robots take the slots of the recording; else only the robot that it is of.',
        )
        self._time = gui.add_slider('Time [s]', 0.0, self._end(0), 0.05, 0.0)
        self._play = gui.add_button('Play', icon=viser.Icon.PLAYER_PLAY)
        self._notes = gui.add_html('')
        self._playing: threading.Event | None = None
        self._note()
        self._recording.on_update(callbacks(self._choose))
        self._all.on_update(callbacks(self._present))
        self._time.on_update(callbacks(self._present))
        self._play.on_click(callbacks(self._toggle))

    def stop(self) -> None:
        """Stand still."""
        self._playing = None
        self._play.label, self._play.icon = 'Play', viser.Icon.PLAYER_PLAY

    def _end(self, place: int) -> float:
        return max(self._recordings.duration_s(place), 0.05)

    @property
    def _place(self) -> int:
        return self._recordings.names.index(self._recording.value)

    def _choose(self) -> None:
        self.stop()
        with self._callbacks.quiet():
            put(self._time, 0.0)
            self._time.max = self._end(self._place)
        self._present()
        self._note()

    def _note(self) -> None:
        self._notes.content = markup.warnings(self._recordings.notes(self._place))

    def _present(self) -> None:
        self._show(self._place, self._time.value, self._all.value)

    def _toggle(self) -> None:
        if self._playing is not None:
            self.stop()
            return
        self._note()
        start = 0.0 if self._time.value >= self._time.max - 1e-6 else self._time.value
        self._playing = token = threading.Event()
        self._play.label, self._play.icon = 'Pause', viser.Icon.PLAYER_PAUSE
        threading.Thread(target=self._run, args=(token, start), daemon=True).start()

    def _run(self, token: threading.Event, start: float) -> None:
        """Show one moment after another until it ends, or is stopped."""
        began = time.monotonic()
        advance = self._callbacks(lambda: self._advance(token, start + time.monotonic() - began))
        while not token.wait(_EVERY_S):
            advance(None)

    def _advance(self, token: threading.Event, seconds: float) -> None:
        if self._playing is not token:
            token.set()
            return
        with self._callbacks.quiet():
            put(self._time, min(seconds, self._time.max))
        try:
            self._present()
        except UserError:
            self.stop()  # It is told once.
            raise
        if seconds >= self._time.max:
            self.stop()
