"""A robot file out of facts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from neuracore_ros.alignment.align import SlotProposal
from neuracore_ros.alignment.arm import DescribedArm
from neuracore_ros.description.data_type import DataType
from neuracore_ros.description.source import JOINT_STATE
from neuracore_ros.errors import UserError
from neuracore_ros.kinematics.joint_tree import JointTree
from neuracore_ros.scaffold.command_topics import commanding, completed
from neuracore_ros.scaffold.facts import Facts
from neuracore_ros.scaffold.inputs import InputRoutes
from neuracore_ros.scaffold.joint_names import name_joints
from neuracore_ros.scaffold.joints import know_joints
from neuracore_ros.scaffold.limits import limit_line, opening_line
from neuracore_ros.scaffold.measured_topics import measuring
from neuracore_ros.scaffold.outputs import OutputRoutes
from neuracore_ros.scaffold.routes import sense
from neuracore_ros.scaffold.slots import IMAGES, OPENINGS, POSITIONS, places_of
from neuracore_ros.scaffold.yaml_writer import YamlLine, flow, render, scalar
from neuracore_ros.wording import counted

_OPENING_TARGETS = DataType.PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS
_MOST_OTHERS = 12


@dataclass(frozen=True, slots=True)
class DraftOrigin:
    """What a draft is made from.

    Attributes:
        robot: Its name.
        told: In words, such as ``bag lift.mcap``; for the head of the file.
        is_recorded: Whether all messages come from a recording.
        urdf: The URDF as the robot file names it; empty if it has no file.
        losses: What of a recording could not be read, a line each.
    """

    robot: str
    told: tuple[str, ...]
    is_recorded: bool = False
    urdf: str = ''
    losses: tuple[str, ...] = ()


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


def draft(
    facts: Facts, arm: JointTree | None, origin: DraftOrigin, other: DescribedArm | None = None
) -> Draft:
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
        self, facts: Facts, arm: JointTree | None, origin: DraftOrigin, other: DescribedArm | None
    ) -> None:
        self._arm, self._origin, self._other = arm, origin, other
        mimics = arm.urdf.mimics if arm else {}
        chain = [joint.name for joint in arm.moving if joint.name not in mimics] if arm else []
        self._facts, arms, unclear = name_joints(facts, chain)
        measured, passed = measuring(
            self._facts, {joint.name for joint in arm.moving} if arm else ()
        )
        if not measured and arm is None:
            raise UserError(_nothing(facts, origin))
        seen = commanding(self._facts, measured)
        self._known = know_joints(measured, [c.joints for c in seen if c.joints], arm)
        if not self._known.arm and not self._known.grippers:
            left = '; '.join(f'{name}: {why}' for name, why in self._known.left_out.items())
            raise UserError(f'{", ".join(origin.told)}: no joint is left to describe ({left})')
        self._places = places_of(self._known, self._facts, arm, other)
        joints, hands = self._places.inputs[POSITIONS], self._places.inputs[OPENINGS]
        commands = completed(seen, self._known, arms)
        self._outputs = OutputRoutes(self._known, joints, hands, commands, other, arms)
        if origin.is_recorded and other is None and not self._outputs.is_commanded:
            self._outputs.kind = POSITIONS
        self._passed = [topic for topic in passed if topic.name not in unclear]
        self._warnings = [
            *arms.told(measured),
            *(f'{topic}: does not tell which arm it is of: left out' for topic in unclear),
            *(
                f'{topic.name}: left out: {_listed(topic.useless)}'
                for topic in self._facts.numbers
                if topic.useless
            ),
            *self._known.guesses,
            *self._places.warnings,
            *self._outputs.warnings,
        ]
        if other is not None and not any(
            place.fits for slots in self._places.inputs.values() for place in slots
        ):
            raise UserError(
                f'{", ".join(origin.told)}: nothing here corresponds to anything of '
                f'{other.robot.name} ({other.robot.path}): leave --like out'
            )

    def draft(self) -> Draft:
        lines = [
            *self._head(),
            *self._limits(),
            *self._input(),
            *self._output(),
            *self._sources(),
            *self._outputs.command_lines(),
            *self._foot(),
        ]
        active = sum(len(self._places.fitting(kind)) for kind in IMAGES)
        return Draft(render(lines), len(self._outputs.joints), active, tuple(self._warnings))

    def _head(self) -> list[YamlLine]:
        robot, told = self._origin.robot, ', '.join(self._origin.told)
        lines = [
            YamlLine(0, '', f'Drafted by `neuracore_ros describe` from {told}.'),
            YamlLine(0, '', 'Look at every line that says "guessed" before the robot moves.'),
        ]
        if self._other is not None:
            text = f'Indices are aligned with {self._other.robot.name} ({self._other.robot.path}).'
            if self._arm is None or self._other.tree is None:
                whose = 'this robot' if self._arm is None else self._other.robot.name
                text += f' Axes and zeros are not compared: no URDF of {whose} was given.'
                self._warnings.append(
                    f'axes and zeros are not compared with {self._other.robot.name}: give '
                    f'{"--urdf" if self._arm is None else "--like-urdf"}'
                )
            lines.append(YamlLine(0, '', text))
            self._warnings += self._strangers(self._other)
        lines.append(YamlLine(0, f'robot: {scalar(robot)}'))
        if self._origin.urdf:
            lines.append(YamlLine(0, f'urdf: {scalar(self._origin.urdf)}'))
        return lines

    @staticmethod
    def _strangers(other: DescribedArm) -> list[str]:
        """A URDF that has none of the joints of its robot file."""
        if other.tree is None or other.meanings():
            return []
        return [
            f'axes and zeros are not compared: {other.tree.where} tells nothing of the '
            f'joints of {other.robot.path}: is it the URDF of another robot?'
        ]

    def _limits(self) -> list[YamlLine]:
        lines = []
        where = self._arm.where.rpartition('/')[2] if self._arm else ''
        limited = {place.name for place, _ in self._outputs.joints}
        limited |= {place.name for place in self._places.fitting(OPENINGS)}
        known = self._known
        for name in (name for name in (*known.arm, *known.grippers) if name in limited):
            given, motion = known.limits.get(name), known.motions.get(name)
            motion = motion.joined(self._outputs.motion(name)) if motion else motion
            unit, own = self._outputs.limit_unit(name), self._outputs.limit_scaling(name)
            is_told = given and given.position and given.velocity and not unit and not own
            if is_told and self._origin.urdf and self._is_found(name):
                continue
            line = limit_line(given, motion, where, slides=name in known.slides, unit=unit)
            line = opening_line(own) if own else line
            text = flow({'position': line.position, 'velocity': line.velocity})
            lines.append(YamlLine(1, f'{scalar(name)}: {text}', line.note))
        if any('guessed' in line.note for line in lines):
            self._warnings.append(
                'limits are guessed: write those of the data sheet, or give --urdf'
            )
        units = 'rad and rad/s (m and m/s if prismatic)'
        return [YamlLine(0, 'limits:', units), *lines] if lines else []

    def _is_found(self, name: str) -> bool:
        """Whether a reader of the file finds a joint in its URDF, by its name or a message's."""
        in_urdf = self._known.urdf_names.get(name, name)
        return in_urdf in {name, *self._outputs.message_names(name)}

    def _input(self) -> list[YamlLine]:
        places = self._places.inputs
        notes = {
            POSITIONS: self._known.order_note,
            OPENINGS: 'guessed: 0 is the lower limit, closed',
        }
        lines = [YamlLine(0, 'input:')]
        for kind, placed in places.items():
            lines += self._slots(kind, placed, notes.get(kind, ''), True)
        if self._other is not None:
            theirs = self._other.robot.input
            if language := theirs.get(DataType.LANGUAGE):
                lines.append(YamlLine(1, f'{DataType.LANGUAGE}: {flow(language)}'))
            for kind, slots in theirs.items():
                if kind is not DataType.LANGUAGE and not places.get(kind):
                    whose = f'{self._other.robot.name} ({", ".join(slots.values())})'
                    lines.append(YamlLine(1, '', f'{kind} of {whose}: nothing here corresponds'))
        return lines

    def _output(self) -> list[YamlLine]:
        kind = self._outputs.kind
        joints = [place for place, _ in self._outputs.joints]
        dropped = [place for place in self._places.inputs[POSITIONS] if not place.fits]
        note = ''
        if kind is POSITIONS and self._origin.is_recorded:
            what = 'command of a joint' if self._outputs.unmatched() else 'command'
            note = (
                f'guessed: no {what} was recorded, so a model learns the next measured positions'
            )
        commanded = [place.name for place, _ in self._outputs.hands]
        grippers = self._places.inputs[OPENINGS]
        hands = [place if place.name in commanded else _off(place) for place in grippers]
        lines = self._slots(kind, [*joints, *dropped], note, False)
        lines += self._slots(_OPENING_TARGETS, hands, '', False)
        is_empty = not any(line.active and line.text for line in lines)
        return [YamlLine(0, 'output: {}' if is_empty else 'output:'), *lines]

    def _slots(
        self, kind: DataType, placed: Sequence[SlotProposal], note: str, is_input: bool
    ) -> list[YamlLine]:
        if not placed:
            return []
        is_active = any(place.fits for place in placed)
        lines = [YamlLine(1, f'{kind}:', note, is_active)]
        for place in placed:
            index = self._index(kind, place)
            why = f'guessed: {place.why}' if place.why and (is_input or not place.fits) else ''
            if is_input and place.doubts:
                why = '. '.join((why, *place.doubts))
            lines.append(YamlLine(2, f'{index}: {scalar(place.name)}', why, place.fits))
        return lines

    def _index(self, kind: DataType, place: SlotProposal) -> int:
        """The index in one DataType; that of the counterpart, where it has another there."""
        if self._other is not None and place.counterpart:
            for description in (self._other.robot.input, self._other.robot.output):
                for index, name in description.get(kind, {}).items():
                    if name == place.counterpart:
                        return index
        return place.index

    def _sources(self) -> list[YamlLine]:
        lines = [YamlLine(0, 'sources:')]
        if self._other is not None and any(map(sense, self._places.fitting(POSITIONS))):
            text = (
                'guessed: scale and offset bring each joint to what its slot means on '
                f'{self._other.robot.name}; the same stands under commands'
            )
            lines.append(YamlLine(1, '', text))
        inputs = InputRoutes(self._known, self._places, self._passed, self._outputs)
        return [*lines, *inputs.source_lines(), *self._outputs.source_lines()]

    def _foot(self) -> list[YamlLine]:
        texts = [f'Left out: {name} ({why})' for name, why in self._known.left_out.items()]
        texts += [f'Left out: {topic} ({why})' for topic, why in self._outputs.unmatched().items()]
        texts += [
            f'Also there, and not drafted: {topic} ({kind.rpartition("/")[2]})'
            for topic, kind in sorted(self._facts.others.items())[:_MOST_OTHERS]
        ]
        return [YamlLine(0, '', text) for text in texts]


def _off(place: SlotProposal) -> SlotProposal:
    why = place.why if not place.fits else 'no topic that commands it was seen'
    return replace(place, fits=False, why=why)


def _nothing(facts: Facts, origin: DraftOrigin) -> str:
    told = ', '.join(origin.told)
    empty = [
        f'{topic.name}: '
        + (_listed(topic.useless) or f'{counted(topic.count, "message")} without a position')
        if topic.count
        else f'{topic.name}: no message came'
        for topic in facts.numbers
        if topic.type == JOINT_STATE
    ]
    silent = f' ({", ".join(empty)})' if empty else ''
    return (
        f'{told}: no JointState with positions was found{silent}, so no joint is known. Record '
        'the topic of the joint states and give it with --bag, start the driver and use --live, '
        f'or give --urdf FILE{"".join(f"; lost: {loss}" for loss in origin.losses)}'
    )


def _listed(useless: Mapping[str, str]) -> str:
    """``a, b (why), c (why else)``; '' of none."""
    alike: dict[str, list[str]] = {}
    for name, why in useless.items():
        alike.setdefault(why, []).append(name)
    return ', '.join(f'{", ".join(names)} ({why})' for why, names in alike.items())
