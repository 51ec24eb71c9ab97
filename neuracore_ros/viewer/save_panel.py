"""The unsaved changes of the page: what each file would become, and a button that saves it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import viser

from neuracore_ros.viewer import markup
from neuracore_ros.viewer.callbacks import Callbacks


class SavePanel:
    """The changes of each robot's file, in the present container of a GUI.

    Args:
        gui: Where it is added.
        files: Robot -> its file, of those that may be changed.
        save: Called with the robot whose file is to be saved.
        save_copy: Called with the robot whose file is to be saved under a new name, and that.
        callbacks: Of the page.
    """

    def __init__(
        self,
        gui: viser.GuiApi,
        files: Mapping[str, Path],
        save: Callable[[str], None],
        save_copy: Callable[[str, str], None],
        callbacks: Callbacks,
    ) -> None:
        self._none = gui.add_html(markup.line(_nothing([path.name for path in files.values()])))
        self._files: dict[str, _FileControls] = {}
        for robot, path in files.items():
            controls = _FileControls(gui, path)
            controls.save.on_click(callbacks(partial(save, robot)))
            controls.save_copy.on_click(callbacks(partial(_copy, save_copy, robot, controls)))
            self._files[robot] = controls

    def show(self, diffs: Mapping[str, Sequence[str]], files: Mapping[str, Path]) -> None:
        """Show robot -> lines of a unified diff, and its file; without lines all is saved."""
        self._none.visible = not any(diffs.values())
        for robot, controls in self._files.items():
            controls.show(diffs.get(robot, ()), files[robot])


class _FileControls:
    """The diff of one file, and what saves it."""

    def __init__(self, gui: viser.GuiApi, path: Path) -> None:
        self.save = gui.add_button('Save', icon=viser.Icon.DEVICE_FLOPPY)
        self._diff = gui.add_html('')
        self.name = gui.add_text('Copy as', f'{path.stem}_new{path.suffix}')
        self.save_copy = gui.add_button('Save a copy', icon=viser.Icon.COPY)

    def show(self, lines: Sequence[str], path: Path) -> None:
        for control in (self.save, self._diff, self.name, self.save_copy):
            control.visible = bool(lines)
        self.save.label = f'Save {path.name}'
        self._diff.content = markup.diff(lines)


def _copy(save_copy: Callable[[str, str], None], robot: str, controls: _FileControls) -> None:
    save_copy(robot, controls.name.value)


def _nothing(files: Sequence[str]) -> str:
    if not files:
        return (
            'These robots are shipped with the package, and their files are not changed here: '
            'give a copy of a file to change it.'
        )
    return f'Nothing is changed. What is changed here comes into {" and ".join(files)}.'
