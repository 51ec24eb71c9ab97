"""The unsaved changes of the page: what each file would become, and a button that saves it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import viser

from neuracore_ros.viewer import markup
from neuracore_ros.viewer.callbacks import Callbacks


class SavePanel:
    """The changes of each robot's file, in the present container of a GUI.

    Args:
        gui: Where it is added.
        files: Robot -> name of its file, of those that may be changed.
        save: Called with the robot whose file is to be saved.
        callbacks: Of the page.
    """

    def __init__(
        self,
        gui: viser.GuiApi,
        files: Mapping[str, str],
        save: Callable[[str], None],
        callbacks: Callbacks,
    ) -> None:
        self._none = gui.add_html(markup.line(_nothing(files)))
        self._diffs: dict[str, viser.GuiHtmlHandle] = {}
        self._buttons: dict[str, viser.GuiButtonHandle] = {}
        for robot, file in files.items():
            button = gui.add_button(f'Save {file}', visible=False, icon=viser.Icon.DEVICE_FLOPPY)
            button.on_click(callbacks(partial(save, robot)))
            self._buttons[robot] = button
            self._diffs[robot] = gui.add_html('', visible=False)

    def show(self, diffs: Mapping[str, Sequence[str]]) -> None:
        """Show robot -> lines of a unified diff; of robots without one, nothing is unsaved."""
        self._none.visible = not any(diffs.values())
        for robot, shown in self._diffs.items():
            lines = diffs.get(robot, ())
            shown.content = markup.diff(lines)
            shown.visible = self._buttons[robot].visible = bool(lines)


def _nothing(files: Mapping[str, str]) -> str:
    if not files:
        return (
            'These robots are shipped with the package, and their files are not changed here: '
            'give a copy of a file to change it.'
        )
    return f'Nothing is changed. What is changed here comes into {" and ".join(files.values())}.'
