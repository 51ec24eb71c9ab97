"""A robot file out of facts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from neuracore_ros.description.data_type import DataType
from neuracore_ros.description.source import (
    JOINT_STATE,
)
from neuracore_ros.drafting.alignment import SlotProposal, align_joints
from neuracore_ros.drafting.arm import Arm
from neuracore_ros.drafting.cameras import align_cameras
from neuracore_ros.drafting.facts import Facts
from neuracore_ros.drafting.joints import know_joints, limit_line
from neuracore_ros.drafting.kinematics import Kinematics
from neuracore_ros.drafting.outputs import Outputs
from neuracore_ros.drafting.roles import meanings
from neuracore_ros.drafting.routes import Route, route_lines, sense, source_options
from neuracore_ros.drafting.text import Line, flow, render, scalar
from neuracore_ros.drafting.topics import (
    cameras,
    commanding,
    measuring,
)
from neuracore_ros.drafting.words import view
from neuracore_ros.errors import UserError

_STATES = 'joint_states'
_CONTROLLER = 'arm_controller/joint_trajectory'
_POSITIONS, _TARGETS = DataType.JOINT_POSITIONS, DataType.JOINT_TARGET_POSITIONS
_OPENINGS = DataType.PARALLEL_GRIPPER_OPEN_AMOUNTS
_OPENING_TARGETS = DataType.PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS
_DRAFTED = (_POSITIONS, _TARGETS, _OPENINGS, _OPENING_TARGETS, DataType.RGB_IMAGES)
_MOST_OTHERS = 12


@dataclass(frozen=True, slots=True)
class Origin:
    """What a draft is made from.

    Attributes:
        robot: Its name.
        told: In words, such as ``bag lift.mcap``; for the head of the file.
        is_recorded: Whether all messages come from a recording.
        urdf: The URDF as the robot file names it; empty if it has no file.
    """

    robot: str
    told: tuple[str, ...]
    is_recorded: bool = False
    urdf: str = ''


@dataclass(frozen=True, slots=True)
class Draft:
    """A drafted robot file.

    Attributes:
        text: The file.
        joints: How many are commanded.
        cameras: How many are read.
        warnings: What a person should look at before the robot moves, one line each.
    """

    text: str
    joints: int
    cameras: int
    warnings: tuple[str, ...]

    @property
    def guesses(self) -> int:
        """How many comments say so."""
        return self.text.count('# guessed: ')


def draft(facts: Facts, arm: Kinematics | None, origin: Origin, other: Arm | None = None) -> Draft:
    """Draft a robot file.

    Args:
        facts: What was seen.
        arm: The robot's URDF.
        origin: Where all this comes from.
        other: A robot to align indices with.

    Raises:
        UserError: No joint is known, or the URDF is one of another robot.
    """
    return _Drafting(facts, arm, origin, other).draft()


class _Drafting:
    """One draft while it is written."""

    def __init__(
        self, facts: Facts, arm: Kinematics | None, origin: Origin, other: Arm | None
    ) -> None:
        self._facts, self._arm, self._origin, self._other = facts, arm, origin, other
        names = {joint.name for joint in arm.joints} if arm else set()
        self._measuring, self._passed = measuring(facts, names)
        if not self._measuring and not names:
            raise UserError(_nothing(facts, origin))
        self._commands = commanding(facts, [n for t in self._measuring for n in t.joints])
        self._known = know_joints(self._measuring, self._commands, arm)
        if not self._known.arm and not self._known.grippers:
            left = '; '.join(f'{name}: {why}' for name, why in self._known.left_out.items())
            raise UserError(f'{", ".join(origin.told)}: no joint is left to describe ({left})')
        self._warnings: list[str] = list(self._known.guesses)
        self._placed = self._place(self._known.arm)
        self._hands = self._place_grippers(self._known.grippers)
        self._outputs = Outputs(self._known, self._placed, self._hands, self._commands, other)
        if origin.is_recorded and other is None and not self._outputs.is_commanded:
            self._outputs.kind = _POSITIONS
        self._warnings += self._outputs.warnings

    def draft(self) -> Draft:
        rgb = self._cameras(DataType.RGB_IMAGES)
        depth = self._cameras(DataType.DEPTH_IMAGES)
        lines = [
            *self._head(),
            *self._limits(),
            *self._input(rgb, depth),
            *self._output(),
            *self._sources(rgb, depth),
            *self._outputs.command_lines(),
            *self._foot(),
        ]
        active = sum(place.fits for place in (*rgb, *depth))
        return Draft(render(lines), len(self._outputs.joints), active, tuple(self._warnings))

    # Where things sit

    def _place(self, names: Sequence[str]) -> list[SlotProposal]:
        if self._other is None or not names:
            return [SlotProposal(name, index, '') for index, name in enumerate(names)]
        motions = self._known.motions
        home = {name: (motions[name].lower + motions[name].upper) / 2 for name in motions}
        means = meanings(self._arm, names, home) if self._arm else {}
        placed = align_joints(names, means, {**self._middles(), **home}, self._other)
        for place in placed:
            self._warnings += [f'{place.name}: {doubt}' for doubt in place.doubts]
            if not place.fits:
                self._warnings.append(
                    f'{place.name}: {place.why}: written as a comment. A controller that needs '
                    f'all joints will refuse commands without it: align {self._other.robot.name} '
                    'with this robot instead, or leave it the index and train anew'
                )
        return placed

    def _middles(self) -> dict[str, float]:
        """The middles of ranges by the URDF; a continuous joint has none."""
        limits = self._arm.urdf.limits if self._arm else {}
        ranges = {name: limit.position for name, limit in limits.items() if limit.position}
        middles = {name: (lower + upper) / 2 for name, (lower, upper) in ranges.items()}
        return {name: middle for name, middle in middles.items() if math.isfinite(middle)}

    def _place_grippers(self, names: Sequence[str]) -> list[SlotProposal]:
        if self._other is None:
            return [SlotProposal(name, index, '') for index, name in enumerate(names)]
        slots = self._other.robot.input.get(_OPENINGS, {})
        their = self._other.robot.name
        order = [
            *slots,
            *range(max(slots, default=-1) + 1, len(names) + max(slots, default=-1) + 1),
        ]
        placed = []
        for name, index in zip(names, order, strict=False):
            why = f"{their}'s {slots[index]}" if index in slots else f'{their} has no such slot'
            placed.append(SlotProposal(name, index, why, slots.get(index, ''), index in slots))
        return placed

    def _cameras(self, kind: DataType) -> list[SlotProposal]:
        is_depth = kind is DataType.DEPTH_IMAGES
        names = list(cameras([i for i in self._facts.images if i.is_depth is is_depth]))
        if self._other is not None:
            slots = self._other.robot.input.get(kind, {})
            return align_cameras(names, slots, self._other.robot.name)
        names.sort(key=lambda name: (view(name) % 100, name))
        return [SlotProposal(name, index, '') for index, name in enumerate(names)]

    # Parts of the file

    def _head(self) -> list[Line]:
        robot, told = self._origin.robot, ', '.join(self._origin.told)
        lines = [
            Line(0, '', f'Drafted by `neuracore_ros describe` from {told}.'),
            Line(0, '', 'Look at every line that says "guessed" before the robot moves.'),
        ]
        if self._other is not None:
            text = f'Indices are aligned with {self._other.robot.name} ({self._other.robot.path}).'
            if self._arm is None or self._other.kinematics is None:
                whose = 'this robot' if self._arm is None else self._other.robot.name
                text += f' Axes and zeros are not compared: no URDF of {whose} was given.'
                self._warnings.append(
                    f'axes and zeros are not compared with {self._other.robot.name}: give '
                    f'{"--urdf" if self._arm is None else "--like-urdf"}'
                )
            lines.append(Line(0, '', text))
            self._warnings += self._strangers(self._other)
        lines.append(Line(0, f'robot: {scalar(robot)}'))
        if self._origin.urdf:
            lines.append(Line(0, f'urdf: {scalar(self._origin.urdf)}'))
        return lines

    @staticmethod
    def _strangers(other: Arm) -> list[str]:
        """A URDF that has none of the joints of its robot file."""
        if other.kinematics is None or other.meanings():
            return []
        return [
            f'axes and zeros are not compared: {other.kinematics.where} tells nothing of the '
            f'joints of {other.robot.path}: is it the URDF of another robot?'
        ]

    def _limits(self) -> list[Line]:
        lines = []
        urdf = self._arm.urdf.limits if self._arm else {}
        commanded = {place.name for place, _ in self._outputs.joints}
        hands = {place.name for place in self._hands if place.fits}
        for name in (*self._known.arm, *self._known.grippers):
            if name not in commanded | hands:
                continue
            where = self._arm.where.rpartition('/')[2] if self._arm else ''
            line = limit_line(
                urdf.get(name), self._known.motions.get(name), where, bool(self._origin.urdf)
            )
            if line is not None:
                text = flow({'position': line.position, 'velocity': line.velocity})
                lines.append(Line(1, f'{scalar(name)}: {text}', line.note))
        if any('guessed' in line.note for line in lines):
            self._warnings.append(
                'limits are guessed: write those of the data sheet, or give --urdf'
            )
        unit = 'rad and rad/s (m and m/s if prismatic)'
        return [Line(0, 'limits:', unit), *lines] if lines else []

    def _input(self, rgb: Sequence[SlotProposal], depth: Sequence[SlotProposal]) -> list[Line]:
        lines = [Line(0, 'input:')]
        lines += self._slots(_POSITIONS, self._placed, self._known.order_note, True)
        lines += self._slots(_OPENINGS, self._hands, 'guessed: 0 is the lower limit, closed', True)
        lines += self._slots(DataType.RGB_IMAGES, rgb, '', True)
        lines += self._slots(DataType.DEPTH_IMAGES, depth, '', True)
        if self._other is not None:
            language = self._other.robot.input.get(DataType.LANGUAGE)
            if language:
                lines += [
                    Line(
                        1,
                        f'{DataType.LANGUAGE}: {flow(language)}',
                    )
                ]
            drafted = {*_DRAFTED, DataType.DEPTH_IMAGES, DataType.LANGUAGE}
            have: dict[DataType, Sequence[SlotProposal]] = {
                _POSITIONS: self._placed,
                _OPENINGS: self._hands,
            }
            have |= {DataType.RGB_IMAGES: rgb, DataType.DEPTH_IMAGES: depth}
            for kind, slots in self._other.robot.input.items():
                if kind not in drafted or (kind in have and not have[kind]):
                    names = ', '.join(slots.values())
                    text = (
                        f'{kind} of {self._other.robot.name} ({names}): nothing here corresponds'
                    )
                    lines.append(Line(1, '', text))
        return lines

    def _output(self) -> list[Line]:
        kind = self._outputs.kind
        joints = [place for place, _ in self._outputs.joints]
        dropped = [place for place in self._placed if not place.fits]
        note = ''
        if kind is _POSITIONS and self._origin.is_recorded:
            note = (
                'guessed: no command was recorded, so a model learns the next measured positions'
            )
        commanded = [place.name for place, _ in self._outputs.hands]
        hands = [place if place.name in commanded else _off(place) for place in self._hands]
        lines = self._slots(kind, [*joints, *dropped], note, False)
        lines += self._slots(_OPENING_TARGETS, hands, '', False)
        is_empty = not any(line.active and line.text for line in lines)
        return [Line(0, 'output: {}' if is_empty else 'output:'), *lines]

    def _slots(
        self, kind: DataType, placed: Sequence[SlotProposal], note: str, is_input: bool
    ) -> list[Line]:
        if not placed:
            return []
        is_active = any(place.fits for place in placed)
        lines = [Line(1, f'{kind}:', note, is_active)]
        for place in placed:
            index = self._index(kind, place)
            why = f'guessed: {place.why}' if place.why and (is_input or not place.fits) else ''
            if is_input and place.doubts:
                why = '. '.join((why, *place.doubts))
            lines.append(Line(2, f'{index}: {scalar(place.name)}', why, place.fits))
        return lines

    def _index(self, kind: DataType, place: SlotProposal) -> int:
        """The index in one DataType; that of the counterpart, where it has another there."""
        if self._other is not None and place.counterpart:
            for description in (self._other.robot.input, self._other.robot.output):
                for index, name in description.get(kind, {}).items():
                    if name == place.counterpart:
                        return index
        return place.index

    def _sources(self, rgb: Sequence[SlotProposal], depth: Sequence[SlotProposal]) -> list[Line]:
        fitting = [place for place in self._placed if place.fits]
        lines = [Line(0, 'sources:')]
        if self._other is not None and any(map(sense, fitting)):
            text = (
                'guessed: scale and offset bring each joint to what its slot means on '
                f'{self._other.robot.name}; the same stands under commands'
            )
            lines.append(Line(1, '', text))
        if fitting:
            lines += route_lines(_POSITIONS, [self._measured(_POSITIONS, p) for p in fitting])
        for note in self._passed:
            names = ', '.join(note.joints[:_MOST_OTHERS]) or f'{note.width} numbers'
            lines.append(Line(1, '', f'{note.name} also measures joints: {names}'))
        if hands := [place for place in self._hands if place.fits]:
            lines += route_lines(_OPENINGS, [self._measured(_OPENINGS, p) for p in hands])
        for kind, placed in ((DataType.RGB_IMAGES, rgb), (DataType.DEPTH_IMAGES, depth)):
            for is_active in (True, False):
                if those := [place for place in placed if place.fits is is_active]:
                    is_whole = is_active or not any(place.fits for place in placed)
                    found = route_lines(kind, [self._picture(kind, p) for p in those], is_active)
                    lines += found if is_whole else [line for line in found if line.indent == 2]
        return lines + self._outputs.source_lines()

    def _measured(self, kind: DataType, place: SlotProposal) -> Route:
        topic = self._known.topics.get(place.name)
        if topic is None:
            note = 'guessed: the usual topic; nothing was listened to'
            return Route(place.name, {'topic': _STATES, **sense(place)}, '', (note,))
        order = self._known.orders.get(topic.name, ())
        options, notes = source_options(kind, topic, order)
        if order:
            notes += ('guessed: its publisher names no joint; see that the order is right',)
        name = self._known.message_names.get(place.name, '')
        return Route(place.name, {**options, **sense(place)}, name, notes)

    def _picture(self, kind: DataType, place: SlotProposal) -> Route:
        is_depth = kind is DataType.DEPTH_IMAGES
        topic = cameras([i for i in self._facts.images if i.is_depth is is_depth])[place.name]
        options, notes = source_options(kind, topic)
        return Route(place.name, options, notes=tuple(_of(place.name, note) for note in notes))

    def _foot(self) -> list[Line]:
        lines = []
        for name, why in self._known.left_out.items():
            lines.append(Line(0, '', f'Left out: {name} ({why})'))
        lines += [
            Line(0, '', f'Also there, and not drafted: {topic} ({kind.rpartition("/")[2]})')
            for topic, kind in sorted(self._facts.others.items())[:_MOST_OTHERS]
        ]
        return lines


def _of(name: str, note: str) -> str:
    """A note on one of several names."""
    mark = 'guessed: ' if note.startswith('guessed: ') else ''
    return f'{mark}{name}: {note.removeprefix(mark)}'


def _off(place: SlotProposal) -> SlotProposal:
    why = place.why if not place.fits else 'no topic that commands it was seen'
    return replace(place, fits=False, why=why)


def _nothing(facts: Facts, origin: Origin) -> str:
    told = ', '.join(origin.told)
    empty = [topic.name for topic in facts.numbers if topic.type == JOINT_STATE]
    silent = f' ({", ".join(empty)}: no message came)' if empty else ''
    return (
        f'{told}: no JointState was found{silent}, so no joint is known. Record the topic of the '
        'joint states and give it with --bag, start the driver and use --live, or give --urdf FILE'
    )
