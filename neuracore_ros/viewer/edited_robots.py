"""The robots of the page as their files say, with what was changed since."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path

from neuracore_ros.description import Robot
from neuracore_ros.errors import DescriptionError, UserError
from neuracore_ros.viewer.layout_warnings import LayoutComparison, LayoutWarning
from neuracore_ros.viewer.proposals import Proposal, apply_all, proposals
from neuracore_ros.viewer.robot_file_editor import RobotFileEditor
from neuracore_ros.viewer.robot_model import RobotModel, own_urdf

Change = Callable[[RobotFileEditor], None]
"""One change of a robot file."""


@dataclass(slots=True)
class _Done:
    """A change that can be undone: of which robot, what it was, and how many edits it took."""

    robot: str
    words: str
    part: object
    edits: int = 1


class EditedRobots:
    """Robots beside each other, some of whose files may be changed.

    Args:
        models: The robots, as they are drawn.
        editors: Robot -> editor of its file.
        fixed: Robots whose files are not to be changed.

    Attributes:
        models: Name -> robot, as it is drawn now; first those that others are compared with,
            which are the fixed ones.
        editors: Name -> editor of its file, of those that may be changed.
    """

    def __init__(
        self,
        models: Sequence[RobotModel],
        editors: Mapping[str, RobotFileEditor],
        fixed: Collection[str] = (),
    ) -> None:
        ordered = sorted(models, key=lambda model: model.name not in fixed)
        self.models = {model.name: model for model in ordered}
        self._fixed = [editors[model.name] for model in ordered if model.name in fixed]
        self.editors = {name: each for name, each in editors.items() if name not in fixed}
        self._given = {
            model.name: model.urdf for model in models if model.urdf != own_urdf(model.robot)
        }
        self._comparison = self._compared()
        self._saved = {name: editor.text for name, editor in self.editors.items()}
        self._done: list[_Done] = []

    def change(self, robot: str, words: str, change: Change, part: object = None) -> bool:
        """Change a robot's file; nothing is written yet.

        Args:
            robot: Its name.
            words: What is changed, for the button that undoes it.
            change: Changes it.
            part: A change of the same part as the last one is undone together with it, as of a
                number while it is typed.

        Returns:
            False if that changes nothing.

        Raises:
            UserError: The file cannot be changed so; it stays as it was.
        """
        editor = self.editors[robot]
        before = editor.text
        change(editor)
        if editor.text == before:
            return False
        try:
            self._draw(robot)
        except UserError:
            editor.undo()
            raise
        last = self._done[-1] if self._done else None
        if last is not None and part is not None and (last.robot, last.part) == (robot, part):
            last.words, last.edits = words, last.edits + 1
        else:
            self._done.append(_Done(robot, words, part))
        return True

    @property
    def last_change(self) -> str:
        """The change that would be undone, in words; empty if there is none."""
        return f'{self._done[-1].robot}: {self._done[-1].words}' if self._done else ''

    def undo(self) -> str:
        """Undo the last change; returns the robot's name, or nothing if there is none."""
        if not self._done:
            return ''
        done = self._done.pop()
        for _ in range(done.edits):
            self.editors[done.robot].undo()
        self._draw(done.robot)
        return done.robot

    def unsaved(self) -> list[str]:
        """The robots whose files are not as they are shown."""
        return [name for name, editor in self.editors.items() if editor.is_changed]

    def diff(self, robot: str) -> list[str]:
        """Lines of a unified diff: the changes that saving would make to a robot's file."""
        editor = self.editors[robot]
        if not editor.is_changed:
            return []
        lines = unified_diff(
            self._saved[robot].splitlines(), editor.text.splitlines(), n=1, lineterm=''
        )
        # Without the names of the files.
        return list(lines)[2:]

    def save(self, robot: str) -> None:
        """Write a robot's file.

        Raises:
            UserError: It was changed by somebody else meanwhile, or cannot be written.
        """
        self.editors[robot].save()
        self._saved[robot] = self.editors[robot].text

    def save_copy(self, robot: str, name: str) -> None:
        """Write a robot's file under a new name beside the old one, and go on with that.

        Raises:
            UserError: The name is taken or none of a robot file, or it cannot be written.
        """
        editor = self.editors[robot]
        if not name or Path(name).name != name or '\0' in name:
            raise UserError(f"'{name}' is no name of a file in {editor.path.parent}")
        editor.save_as(editor.path.with_name(name))
        self._saved[robot] = editor.text

    def read_again(self, robot: str) -> None:
        """Take a robot's file as it is on the disk now; what was not saved is lost.

        Raises:
            UserError: It cannot be read, is of another robot now, or cannot be compared with the
                others; all stays as it was.
        """
        before = self.editors[robot], self.models[robot]
        editor = RobotFileEditor.open(before[0].path)
        if editor.robot.name != robot:
            raise UserError(
                f"{editor.path}: is the file of '{editor.robot.name}' now, not of '{robot}': end "
                'this page, and start it again'
            )
        model = RobotModel.of(editor.robot, self._given.get(robot))
        self.editors[robot], self.models[robot] = editor, model
        self._comparison = self._compared()
        try:
            self.warnings()
        except UserError:
            self.editors[robot], self.models[robot] = before
            self._comparison = self._compared()
            raise
        self._saved[robot] = editor.text
        self._done = [each for each in self._done if each.robot != robot]

    def warnings(self) -> tuple[LayoutWarning, ...]:
        """The warnings of ``layout`` for the robots as they are now."""
        changed = (self.editors[name] for name in self.models if name in self.editors)
        return self._comparison.warnings([*self._fixed, *changed])

    @property
    def like(self) -> RobotModel:
        """The robot that others are compared with."""
        return next(iter(self.models.values()))

    @property
    def vocabulary(self) -> str:
        """The vocabulary that the file of that robot names, if it may be changed; '' for none."""
        named = self.like.robot.vocabulary if self.like.name in self.editors else None
        return named.name if named else ''

    def proposals(self, robot: str) -> tuple[Proposal, ...]:
        """Edits that would bring a robot nearer to the one that others are compared with.

        That one itself is held to the vocabulary that its file names, if it names one.
        """
        try:
            return proposals(self.models[robot].robot, self._other(robot), self._comparison)
        except DescriptionError:  # Nothing is known without a URDF that can be used.
            return ()

    def apply_all(self, robot: str) -> bool:
        """Apply all proposals for a robot as one change; False if that changes nothing."""
        like = self._other(robot)

        def change(file: RobotFileEditor) -> None:
            apply_all(file, like, self._comparison)

        return self.change(robot, 'all that was proposed', change)

    def _other(self, robot: str) -> Robot | None:
        """What a robot is compared with; None for the robot that all others are compared with."""
        return None if robot == self.like.name else self.like.robot

    def _compared(self) -> LayoutComparison:
        urdfs = {name: model.urdf for name, model in self.models.items()}
        return LayoutComparison({name: urdf for name, urdf in urdfs.items() if urdf is not None})

    def _draw(self, robot: str) -> None:
        self.models[robot] = RobotModel.of(self.editors[robot].robot, self.models[robot].urdf)
