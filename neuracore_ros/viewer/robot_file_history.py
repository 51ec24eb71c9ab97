"""Texts of one robot file, one after each edit; and what each means."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from neuracore_ros.description import Robot
from neuracore_ros.description.robot_file import parse_robot
from neuracore_ros.errors import DescriptionError, UserError, collect_warnings
from neuracore_ros.viewer.file_meaning import FileMeaning
from neuracore_ros.viewer.written_yaml import Change, TextSpan, WrittenYaml
from neuracore_ros.viewer.yaml_edits import without_aliases
from neuracore_ros.yaml_value import parse_yaml

Write = Callable[[WrittenYaml], Iterable[Change]]
"""Gives the changes of a text that make an edit."""


@dataclass(frozen=True, slots=True)
class FileState:
    """One text of a robot file.

    Attributes:
        yaml: With the line ends of the file.
        robot: What it means.
        warnings: What a reader of it is warned of, one line each.
        meaning: What edits are held against.
    """

    yaml: WrittenYaml
    robot: Robot
    warnings: tuple[str, ...]
    meaning: FileMeaning

    @property
    def text(self) -> str:
        """The characters of the file."""
        return self.yaml.text

    @classmethod
    def of(cls, text: str, path: Path) -> FileState:
        """Read a text as the content of a file.

        Raises:
            DescriptionError: Anything in it is wrong, with file and line.
        """
        with collect_warnings() as found:
            lines = text.replace('\r\n', '\n').replace('\r', '\n')
            robot = parse_robot(parse_yaml(lines, path), path)
        return cls(WrittenYaml(text), robot, tuple(found), FileMeaning.of(robot))


class FileHistory:
    """The texts of one robot file, from the one that was opened to the one after the last edit.

    Attributes:
        path: The file, for messages, and for paths that are relative to it.
    """

    def __init__(self, path: Path, text: str) -> None:
        self.path = path
        self._states = [FileState.of(text, path)]

    @property
    def now(self) -> FileState:
        """The newest text."""
        return self._states[-1]

    @property
    def can_undo(self) -> bool:
        """True if there is an edit to undo."""
        return len(self._states) > 1

    def undo(self) -> None:
        """Go back to the text before the last edit; without one, nothing."""
        if self.can_undo:
            self._states.pop()

    @contextmanager
    def as_one(self) -> Iterator[None]:
        """A block whose edits are undone together, and taken back if it raises."""
        before = len(self._states)
        try:
            yield
        except BaseException:
            del self._states[before:]
            raise
        del self._states[before:-1]
        if len(self._states) > before and self.now.text == self._states[before - 1].text:
            self._states.pop()  # They led back to where they began.

    def elsewhere(self, path: Path, moved: Callable[[str], str]) -> FileHistory:
        """The same texts as those of another file.

        Args:
            path: The other file.
            moved: Text -> what it must be there.
        """
        found = FileHistory(path, moved(self._states[0].text))
        found._states += [FileState.of(moved(each.text), path) for each in self._states[1:]]
        return found

    def edit(self, write: Write, expected: FileMeaning) -> None:
        """Write an edit, and hold what it means against what it was to mean.

        Where an alias would spread it to other values, that alias is written out. Where it leads
        back to what an earlier text meant, that text is taken: a sign that is turned twice leaves
        no trace.

        Raises:
            UserError: The new text would be refused, or mean something else.
        """
        yaml = self.now.yaml
        while True:
            text = ''
            problem = f'{self.path}: the edit would change other values, too: make it by hand'
            try:
                text = yaml.changed(write(yaml)).text
                state = FileState.of(text, self.path)
                if state.meaning.is_close(expected):
                    break
            except DescriptionError as error:
                problem = str(error)
            spread = without_aliases(yaml, _changed_lines(yaml.text, text))
            if spread.text == yaml.text:
                raise UserError(f'{problem} (nothing is changed)')
            yaml = spread
        known = (each for each in reversed(self._states) if each.meaning.is_close(state.meaning))
        state = next(known, state)
        if state.text != self.now.text:
            self._states.append(state)


def _changed_lines(before: str, after: str) -> list[TextSpan]:
    """The lines of a text that another one has otherwise, and those that new ones follow."""
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    starts = [0]
    for line in old:
        starts.append(starts[-1] + len(line))
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    return [
        TextSpan(starts[max(first - 1, 0)] if first == last else starts[first], starts[last])
        for word, first, last, _, _ in matcher.get_opcodes()
        if word != 'equal'
    ]
