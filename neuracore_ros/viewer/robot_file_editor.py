"""Robot files that are edited: signs, zeros, indices and frames, each where it is written."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

from neuracore_ros.bounds import MAX_INDEX
from neuracore_ros.description import DataType, Robot, load_descriptions, load_robot
from neuracore_ros.description.chain import Placement
from neuracore_ros.description.routes import ScaleOffset, is_feature
from neuracore_ros.description.vocabulary import types_beside
from neuracore_ros.errors import UserError, collect_warnings
from neuracore_ros.files import write_whole
from neuracore_ros.regular_file import read_bytes
from neuracore_ros.similar_names import known_names
from neuracore_ros.viewer.file_meaning import FileMeaning, Route
from neuracore_ros.viewer.robot_file_history import FileHistory
from neuracore_ros.viewer.robot_file_saving import rebased, replace_file, require_fresh
from neuracore_ros.viewer.robot_file_text import (
    frame_changes,
    option_changes,
    order_changes,
    slot_changes,
)
from neuracore_ros.viewer.slot_indices import moved_names, orders_to_keep
from neuracore_ros.viewer.slot_senses import (
    has_sign,
    has_zero,
    moved,
    occurrences,
    rescaled,
    turned,
)
from neuracore_ros.viewer.written_yaml import Change, WrittenYaml
from neuracore_ros.yaml_value import MOST_BYTES

FRAMES = ('base_offset', 'tip_offset')
"""The two frames of a chain, as the robot file calls them."""

Rescale = Callable[[ScaleOffset, DataType], ScaleOffset]
"""Scaling and DataType of a number -> its new scaling."""


class RobotFileEditor:
    """One robot file in memory, edited and undone until it is saved.

    An edit exchanges the characters that it must and no others: comments, order, quotes, digits
    and line ends stay. The new text is read as any robot file is, and compared with what the edit
    was to do; an edit that would do more, or that leaves a file which would be refused, is
    refused itself and changes nothing.

    A slot is what robots share, so a name is edited **in every DataType that shares its index**,
    and in every section that reads or sends it (``sources``, ``targets``, ``commands``,
    ``teleop``): what is measured and what is commanded stay one convention. Limits are in the
    robot's own units, and stay.

    Not for two threads at once.

    Attributes:
        path: The file.
    """

    def __init__(self, path: Path, content: bytes) -> None:
        self.path = path
        self._on_disk = content
        self._history = FileHistory(path, content.decode())
        self._saved = self.text

    @classmethod
    def open(cls, path: Path | str) -> RobotFileEditor:
        """Read a robot file.

        Raises:
            DescriptionError: It is missing or wrong, with file and line.
        """
        path = Path(path)
        with collect_warnings():
            load_robot(path)  # tells what cannot be read, or is no robot file
        return cls(path, read_bytes(path, MOST_BYTES))

    @property
    def text(self) -> str:
        """The edited text, with the line ends of the file."""
        return self._history.now.text

    @property
    def robot(self) -> Robot:
        """The robot that the edited text describes."""
        return self._history.now.robot

    @property
    def warnings(self) -> tuple[str, ...]:
        """The warnings that a reader of the edited text gets, one line each."""
        return self._history.now.warnings

    @property
    def is_changed(self) -> bool:
        """True if the text is not the one that was opened or saved last."""
        return self.text != self._saved

    @property
    def can_undo(self) -> bool:
        """True if there is an edit to undo."""
        return self._history.can_undo

    def undo(self) -> None:
        """Take back the last edit, also beyond a save; without one, nothing."""
        self._history.undo()

    def as_one(self) -> AbstractContextManager[None]:
        """A block whose edits are undone together, and taken back if it raises."""
        return self._history.as_one()

    def sense(self, kind: DataType, name: str) -> ScaleOffset:
        """The scale and offset from a joint's own value to its slot's; 1 and 0 where unknown.

        Of a joint that a LeRobot dataset has in a unit of its own, those of its command.
        """
        found = [
            (is_feature(self._topic(route)), scaling)
            for route, scaling in self._scalings(kind, name).items()
            if has_zero(route[1])
        ]
        known = [scaling for is_of_dataset, scaling in found if not is_of_dataset]
        return next(iter([*known, *(scaling for _, scaling in found)]), ScaleOffset())

    def flip_sign(self, kind: DataType, name: str) -> None:
        """Turn a slot to count the other way: each value becomes its negative.

        The joint stands at the value v as it stood at -v before: ``scale`` and ``offset`` change
        their signs, and so does ``around``. Of a gripper 0 and 1 change places: it stands at v
        as it stood at 1 - v. Velocities and torques are turned with the position.

        Raises:
            UserError: There is no such slot, it has no sign, or nothing reads or commands it.
        """
        self._require(kind, name)
        if not has_sign(kind):
            frames = '; turn the frames of its chain instead' if kind.is_pose else ''
            raise UserError(f"{self.robot.name}: '{name}' ({kind}) has no sign{frames}")
        self._rescale(kind, name, turned, lambda around: -around)

    def move_zero(self, kind: DataType, name: str, by: float) -> None:
        """Make every value of a slot larger: the joint stands at v + by as it stood at v.

        Args:
            kind: Its DataType.
            name: Its name.
            by: In the slot's unit and sense, [rad] or [m], or the share of a gripper; ``scale``,
                which may hold another unit of the driver, stays.

        Raises:
            UserError: There is no such slot, it has no zero, nothing reads or commands it, or
                ``by`` is not finite.
        """
        self._require(kind, name)
        if not has_zero(kind):
            raise UserError(f"{self.robot.name}: '{name}' ({kind}) has no zero to move")
        if not math.isfinite(by):
            raise UserError(f"{self.robot.name}: the zero of '{name}' cannot move by {by}")
        self._rescale(
            kind,
            name,
            lambda scaling, each: moved(scaling, each, by),
            lambda around: around + by,
        )

    def set_offset(self, kind: DataType, name: str, offset: float) -> None:
        """Move a slot's zero so that its ``offset`` is a certain number; see `move_zero`.

        Raises:
            UserError: As of `move_zero`.
        """
        self.move_zero(kind, name, offset - self.sense(kind, name).offset)

    def match_commands(self, kind: DataType, name: str) -> None:
        """Command a joint, and read its commands, in the sense in which it is measured.

        For a file in which only one of the two was turned. What a LeRobot dataset or a human's
        device gives has a unit of its own, and stays.

        Raises:
            UserError: There is no such slot, or it is not both measured and commanded.
        """
        self._require(kind, name)
        measured = self._meaning.scalings.get(('sources', kind.measured, name))
        wanted = {
            route: measured
            for route in self._scalings(kind, name)
            if measured is not None
            and has_zero(route[1])
            and route[0] != 'teleop'
            and (route[0], route[1]) != ('sources', kind.measured)
            and not is_feature(self._topic(route))
        }
        if not wanted or is_feature(self._topic(('sources', kind.measured, name))):
            raise UserError(
                f"{self.robot.name}: '{name}' ({kind}) is not both measured and commanded"
            )
        self._write_scalings(wanted, {})

    def set_pose_scale(self, kind: DataType, name: str, scale: float) -> None:
        """Make the positions of a pose slot larger than the robot's by a factor.

        It is written once, where a scale is written already or where the pose comes from.

        Raises:
            UserError: There is no such slot, it is no pose, nothing reads or commands it, or the
                factor is not above 0.
        """
        self._require(kind, name)
        if not kind.is_pose:
            raise UserError(f"{self.robot.name}: '{name}' ({kind}) is no pose")
        if not (math.isfinite(scale) and scale > 0.0):
            raise UserError(f"{self.robot.name}: the scale of '{name}' must be above 0")
        routes = [route for route in self._scalings(kind, name) if route[1] is kind]
        written = [each for each in routes if self._meaning.options[each].scale is not None]
        if not routes:
            raise UserError(f"{self.robot.name}: nothing reads or commands '{name}' ({kind})")
        self._write_scalings(dict.fromkeys(written or routes[:1], ScaleOffset(scale)), {})

    def set_index(self, kind: DataType, name: str, index: int) -> None:
        """Put a name at another index, in input and output.

        Where a message carries numbers only, by index, their order is written out: it stays what
        the receiver expects.

        Raises:
            UserError: There is no such slot, or another name is at that index.
        """
        self._require(kind, name)
        if not 0 <= index <= MAX_INDEX:
            raise UserError(
                f"{self.robot.name}: index {index} of '{name}' is not 0 to {MAX_INDEX}"
            )
        if kind is DataType.LANGUAGE and index:
            raise UserError(f'{self.robot.name}: a robot has one task at a time, at index 0')
        self._reindex(kind, {name: index})

    def swap(self, kind: DataType, one: str, other: str) -> None:
        """Exchange the indices of two names, in input and output; see `set_index`.

        Signs and zeros belong to the joints, and go with them.

        Raises:
            UserError: There is no such slot, or a third name is in the way.
        """
        indices = self._require(kind, one), self._require(kind, other)
        self._reindex(kind, {one: indices[1], other: indices[0]})

    def set_frame(
        self, chain: str, which: str, xyz: Sequence[float], rpy: Sequence[float]
    ) -> None:
        """Place one of the two frames of a chain.

        Args:
            chain: Its name.
            which: ``base_offset``, seen from its base; or ``tip_offset``, seen from its tip.
            xyz: [m].
            rpy: About fixed axes [rad].

        Raises:
            UserError: There is no such chain or frame, or a number is none.
        """
        chains = self.robot.chains
        if chain not in chains:
            raise UserError(f"{self.robot.name}: no chain '{chain}'{known_names(chain, chains)}")
        if which not in FRAMES:
            raise UserError(f"{self.robot.name}: no frame '{which}'{known_names(which, FRAMES)}")
        if (len(xyz), len(rpy)) != (3, 3) or not all(map(math.isfinite, (*xyz, *rpy))):
            raise UserError(f"{self.robot.name}: {which} of '{chain}' must be six finite numbers")
        placement = _placement(xyz, rpy)
        own, (base, tip) = chains[chain], FRAMES
        placed = {base: own.base_offset, tip: own.tip_offset, which: placement}
        new = replace(own, base_offset=placed[base], tip_offset=placed[tip])
        expected = replace(self._meaning, chains={**chains, chain: new})
        self._history.edit(lambda yaml: frame_changes(yaml, chain, which, placement), expected)

    def save(self) -> None:
        """Write the file, whole or not at all; it keeps its permissions.

        Raises:
            UserError: The file on the disk is not the one that was opened or saved last, it is
                one that the package ships, or it cannot be written.
        """
        content = self.text.encode()
        replace_file(self.path, self._on_disk, content)
        self._on_disk, self._saved = content, self.text

    def save_as(self, path: Path | str) -> None:
        """Write a new file, and go on with it; paths in it still lead where they led.

        Raises:
            UserError: There is such a file, or it cannot be written.
        """
        path = Path(path)
        require_fresh(path)
        history = self._history.elsewhere(path, lambda text: rebased(text, self.path, path))
        content = history.now.text.encode()
        write_whole(path, content)
        self.path, self._history = path, history
        self._on_disk, self._saved = content, history.now.text

    @property
    def _meaning(self) -> FileMeaning:
        return self._history.now.meaning

    def _require(self, kind: DataType, name: str) -> int:
        """The index of a name."""
        places = {each: index for _, each, index in occurrences(self.robot, kind, name)}
        if not places:
            known = [
                own
                for description in (self.robot.input, self.robot.output)
                for each in types_beside(kind)
                for own in description.get(each, {}).values()
            ]
            raise UserError(f"{self.robot.name}: no '{name}' in {kind}{known_names(name, known)}")
        return places.get(kind, next(iter(places.values())))

    def _scalings(self, kind: DataType, name: str) -> dict[Route, ScaleOffset]:
        """The scalings of a name in every DataType that shares its index."""
        kinds = types_beside(kind)
        return {
            route: scaling
            for route, scaling in self._meaning.scalings.items()
            if route[1] in kinds and route[2] == name
        }

    def _topic(self, route: Route) -> str:
        return self._meaning.options[route].topic

    def _rescale(
        self, kind: DataType, name: str, rescale: Rescale, turn: Callable[[float], float]
    ) -> None:
        wanted, arounds = {}, {}
        for route, scaling in self._scalings(kind, name).items():
            wanted[route] = rescale(scaling, route[1])
            around = getattr(self._meaning.options[route], 'around', None)
            if around is not None:
                arounds[route] = turn(around)
        if not wanted:
            raise UserError(
                f"{self.robot.name}: nothing reads or commands '{name}' ({kind}), so it has "
                'neither sign nor zero: write its topic under sources first'
            )
        self._write_scalings(wanted, arounds)

    def _write_scalings(
        self, wanted: Mapping[Route, ScaleOffset], arounds: Mapping[Route, float]
    ) -> None:
        robot = self.robot
        numbers, expected = rescaled(self._meaning, wanted, arounds)

        def write(yaml: WrittenYaml) -> list[Change]:
            each = (option_changes(yaml, robot, route, own) for route, own in numbers.items())
            return [*itertools.chain.from_iterable(each)]

        self._history.edit(write, expected)

    def _reindex(self, kind: DataType, indices: Mapping[str, int]) -> None:
        robot, meaning = self.robot, self._meaning
        slots: dict[str, dict[DataType, Mapping[int, str]]] = {
            role: dict(description) for role, description in meaning.slots.items()
        }
        touched = []
        for role, description in meaning.slots.items():
            for each in types_beside(kind):
                own = description.get(each, {})
                if set(own.values()).isdisjoint(indices):
                    continue
                slots[role][each] = moved_names(robot.name, each, own, indices)
                touched.append((role, each))
        orders = orders_to_keep(meaning, slots['output'])

        def write(yaml: WrittenYaml) -> list[Change]:
            each = (slot_changes(yaml, robot, role, kind, indices) for role, kind in touched)
            return [*itertools.chain.from_iterable(each), *order_changes(yaml, robot, orders)]

        options = dict(meaning.options)
        for route, order in orders.items():
            options[route] = replace(options[route], order=order)
        self._history.edit(write, replace(meaning, slots=slots, options=options))


def open_editors(paths: Sequence[Path | str]) -> tuple[RobotFileEditor, ...]:
    """Open the robot files at paths, and those that cross-embodiment files list.

    Raises:
        DescriptionError: A file is wrong, describes a robot that is described already, or
            describes one without being its robot file.
    """
    with collect_warnings():
        descriptions = load_descriptions(paths)
    for name in descriptions.input:
        descriptions.robot(name)  # refuses a plain description
    return tuple(RobotFileEditor.open(robot.path) for robot in descriptions.robots.values())


def _placement(xyz: Sequence[float], rpy: Sequence[float]) -> Placement:
    x, y, z, roll, pitch, yaw = map(float, (*xyz, *rpy))
    return Placement((x, y, z), (roll, pitch, yaw))
