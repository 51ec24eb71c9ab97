"""The unsaved changes of the page: what each file would become, and a button that saves it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import viser

from neuracore_ros.viewer import markup
from neuracore_ros.viewer.callbacks import Callbacks

# Further down the page than all that has an order of its own.
_LATER = 1e6


class SavePanel:
    """The changes of each robot's file, in the present container of a GUI.

    Args:
        gui: Where it is added.
        files: Robot -> its file, of those that may be changed.
        save: Called with the robot whose file is to be saved.
        save_copy: Called with the robot whose file is to be saved under a new name, and that.
        read_again: Called with the robot whose file is to be taken as it is on the disk.
        callbacks: Of the page.
    """

    def __init__(
        self,
        gui: viser.GuiApi,
        files: Mapping[str, Path],
        save: Callable[[str], None],
        save_copy: Callable[[str, str], None],
        read_again: Callable[[str], None],
        callbacks: Callbacks,
    ) -> None:
        self._none = gui.add_html(markup.line(_nothing([path.name for path in files.values()])))
        self._files: dict[str, _FileControls] = {}
        for robot, path in files.items():
            controls = _FileControls(gui, path)
            controls.save.on_click(callbacks(partial(save, robot)))
            controls.save_copy.on_click(callbacks(partial(_copy, save_copy, robot, controls)))
            controls.again.on_click(callbacks(partial(_read, read_again, robot, controls)))
            controls.lose.on_click(callbacks(partial(read_again, robot)))
            controls.keep.on_click(callbacks(controls.ask_nothing))
            self._files[robot] = controls

    def show(self, diffs: Mapping[str, Sequence[str]], files: Mapping[str, Path]) -> None:
        """Show robot -> lines of a unified diff, and its file; without lines all is saved."""
        self._none.visible = not any(diffs.values())
        for robot, controls in self._files.items():
            controls.show(diffs.get(robot, ()), files[robot])


class _FileControls:
    """The diff of one file, and what saves it or reads it again.

    Reading it again asks first where that would lose something.
    """

    def __init__(self, gui: viser.GuiApi, path: Path) -> None:
        self.save = gui.add_button('Save', icon=viser.Icon.DEVICE_FLOPPY)
        self.again = gui.add_button('', icon=viser.Icon.REFRESH, color='gray')
        self._order = self.again.order
        self._lost = gui.add_html('')
        self.lose = gui.add_button('Lose them', icon=viser.Icon.REFRESH, color='red')
        self.keep = gui.add_button('Keep them', color='gray')
        self._diff = gui.add_html('')
        self.name = gui.add_text('Copy as', f'{path.stem}_new{path.suffix}')
        self.save_copy = gui.add_button('Save a copy', icon=viser.Icon.COPY)
        self.is_changed = False

    def show(self, lines: Sequence[str], path: Path) -> None:
        self.is_changed = bool(lines)
        for control in (self.save, self._diff, self.name, self.save_copy):
            control.visible = self.is_changed
        self.save.label = f'Save {path.name}'
        self.again.label = f'Read {path.name} again'
        # Files that are changed come first.
        self.again.order = self._order + (0.0 if self.is_changed else _LATER)
        self._diff.content = markup.diff(lines)
        self._lost.content = markup.warnings(
            [f'Reading {path.name} again loses the changes that are shown here.']
        )
        self.ask_nothing()

    def ask(self) -> None:
        self._show_question(True)

    def ask_nothing(self) -> None:
        self._show_question(False)

    def _show_question(self, is_asked: bool) -> None:
        self.again.visible = not is_asked
        for control in (self._lost, self.lose, self.keep):
            control.visible = is_asked


def _copy(save_copy: Callable[[str, str], None], robot: str, controls: _FileControls) -> None:
    save_copy(robot, controls.name.value)


def _read(read_again: Callable[[str], None], robot: str, controls: _FileControls) -> None:
    if controls.is_changed:
        controls.ask()
    else:
        read_again(robot)


def _nothing(files: Sequence[str]) -> str:
    if not files:
        return (
            'These robots are shipped with the package, and their files are not changed here: '
            'give a copy of a file to change it.'
        )
    return f'Nothing is changed. What is changed here comes into {" and ".join(files)}.'
