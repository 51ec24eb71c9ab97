"""What a drafted robot is commanded in, through which topics, and where commands were recorded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from neuracore_ros.alignment.align import SlotProposal
from neuracore_ros.alignment.arm import DescribedArm
from neuracore_ros.description.command import ACTIONS
from neuracore_ros.description.data_type import DataType
from neuracore_ros.description.routes import ScaleOffset
from neuracore_ros.description.source import FLOAT64_MULTI_ARRAY
from neuracore_ros.description.units import Unit
from neuracore_ros.scaffold.command_topics import CommandTopic, unsent
from neuracore_ros.scaffold.facts import NumberTopic, ObservedMotion
from neuracore_ros.scaffold.joint_names import Arms
from neuracore_ros.scaffold.joints import KnownJoints
from neuracore_ros.scaffold.routes import Route, route_lines, scaled, sense, source_options
from neuracore_ros.scaffold.units import GuessedUnit, amount, converted, guess_unit
from neuracore_ros.scaffold.yaml_writer import YamlLine

_CONTROLLER = 'arm_controller/joint_trajectory'
_GRIPPER_CONTROLLER = 'gripper_controller/joint_trajectory'
_OPENING_TARGETS = DataType.PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS
_NUMBERS = 'its controller takes bare numbers in this order'
_GUESSED_NUMBERS = 'guessed: its controller takes bare numbers; from base to wrist'
_OTHER_UNIT = 'guessed: in another unit than its range, by the values that were sent'
_GUESSED = 'guessed: '
_UNRECORDED = (
    'guessed: no command was seen; recordings need the topic that moves the arm, not what is '
    'measured. Without one, write JOINT_POSITIONS in place of this under output and commands'
)


class OutputRoutes:
    """The commanded joints and grippers.

    Args:
        known: What is known of joints.
        placed: Joints at their slots.
        grippers: Grippers at their slots.
        commands: Topics on which commands were seen or are awaited, the best first, with all
            joints that they command.
        other: The robot that is aligned with.
        arms: Arms that were told apart.

    Attributes:
        kind: DataType of the joints' output.
        joints: Each commanded joint, and what commands it; None where nothing was seen.
        hands: Each commanded gripper, and what commands it.
        warnings: What a person should look at, one line each.
    """

    def __init__(
        self,
        known: KnownJoints,
        placed: Sequence[SlotProposal],
        grippers: Sequence[SlotProposal],
        commands: Sequence[CommandTopic],
        other: DescribedArm | None,
        arms: Arms,
    ) -> None:
        self._known, self._commands, self._arms = known, commands, arms
        self.kind = DataType.JOINT_TARGET_POSITIONS if other is None else other.output_type()
        self.warnings: list[str] = []
        self.joints = self._joints([place for place in placed if place.fits])
        takes = other is None or _OPENING_TARGETS in other.robot.output
        fitting = [place for place in grippers if place.fits]
        if fitting and other is not None and not takes:
            names = ', '.join(place.name for place in fitting)
            self.warnings.append(
                f'{names}: read, but not commanded, since {other.robot.name} commands no gripper'
            )
        self.hands = self._grippers(fitting if takes else [])
        unseen = dict.fromkeys(unsent(c) for _, c in (*self.joints, *self.hands))
        self.warnings += [text for text in unseen if text]
        used = list(dict.fromkeys(c.topic for _, c in (*self.joints, *self.hands) if c))
        self.warnings += self._told_by([c for c in commands if c.topic in used])

    @property
    def is_commanded(self) -> bool:
        """Whether a command of any joint was seen."""
        return any(command is not None for _, command in self.joints)

    def unmatched(self) -> dict[str, str]:
        """Topic of commands -> why it is not known which joints they are for."""
        mine = {*self._known.arm, *self._known.grippers}
        return {
            command.topic: f'which joints {command.said()} are for is not known'
            for command in self._commands
            if command.seen is not None and not set(command.joints) & mine
        }

    def limit_unit(self, joint: str) -> Unit | None:
        """The unit of the commands of a joint of the arm, where it is not [rad] or [m]."""
        command = next((c for place, c in self.joints if place.name == joint), None)
        return self._unit(command, joint) if command and command.is_sent else None

    def motion(self, joint: str) -> ObservedMotion | None:
        """How a joint was commanded [rad] or [m]; None if it was not, or in a unit of its own."""
        both = (*self.joints, *self.hands)
        command = next((c for place, c in both if place.name == joint), None)
        found = command.seen.motions.get(joint) if command and command.seen else None
        if found is None or self._amount(joint, command) is not None:
            return None
        unit = self._unit(command, joint) if joint in self._known.arm else None
        return converted(found, unit) if unit else found

    def message_names(self, joint: str) -> set[str]:
        """What messages call a joint, where its limits are looked up: those that command it."""
        both = (*self.joints, *self.hands)
        commanded = {self._name(place, c) or joint for place, c in both if place.name == joint}
        return commanded or {self._known.message_names.get(joint, joint)}

    def limit_scaling(self, gripper: str) -> ScaleOffset | None:
        """What brings a gripper's commands to 0..1, if they are not in the units of its URDF."""
        command = next((c for place, c in self.hands if place.name == gripper), None)
        return self._amount(gripper, command) if command and command.is_sent else None

    def _joints(
        self, placed: Sequence[SlotProposal]
    ) -> list[tuple[SlotProposal, CommandTopic | None]]:
        found = [(place, self._command_of(place.name)) for place in placed]
        if all(command is None for _, command in found):
            return found
        for place, command in found:
            if command is None:
                self.warnings.append(f'{place.name}: no controller takes it: input only')
        return [(place, command) for place, command in found if command is not None]

    def _grippers(self, placed: Sequence[SlotProposal]) -> list[tuple[SlotProposal, CommandTopic]]:
        found = [(place, self._command_of(place.name)) for place in placed]
        return [(place, command) for place, command in found if command is not None]

    def _command_of(self, name: str) -> CommandTopic | None:
        return next((c for c in self._commands if name in c.joints), None)

    def _told_by(self, used: Sequence[CommandTopic]) -> list[str]:
        """What is worth a second look of the commands that were found."""
        told = [text for command in used if (text := self._mistaken(command))]
        told += [f'{topic} is left out: {why}' for topic, why in self.unmatched().items()]
        for command in used:
            rivals = [
                other.topic
                for other in self._commands
                if other.topic not in {one.topic for one in used}
                and set(other.joints) & set(command.joints)
                and other.seen is not None
            ]
            if rivals:
                told.append(
                    f'{command.topic} is taken for the commands; also there: {", ".join(rivals)}'
                )
            told += [f'{command.topic}: {n.removeprefix(_GUESSED)}' for n in command.notes]
            guesses = [self._guess(command, joint) for joint in command.joints]
            told += [
                f'{command.topic} is taken to be in {guess.unit.name}: {guess.why}'
                for guess in dict.fromkeys(guesses)
                if guess
            ]
        return told

    def _name(self, place: SlotProposal, command: CommandTopic | None) -> str:
        """The name in messages; empty where it is the same."""
        if command is not None and place.name in command.joints:
            name = command.names.get(place.name, place.name)
        else:
            name = self._known.message_names.get(place.name, place.name)
        return '' if name == place.name else name

    def _unit(self, command: CommandTopic | None, joint: str) -> Unit | None:
        """The unit in which a joint was commanded, by the values that were sent."""
        guess = self._guess(command, joint)
        return guess.unit if guess else None

    def _guess(self, command: CommandTopic | None, joint: str) -> GuessedUnit | None:
        if command is None or command.seen is None:
            return None
        known, slides = self._known, joint in self._known.slides
        motions = {
            name: motion
            for name, motion in command.seen.motions.items()
            if name in known.arm and (name in known.slides) is slides
        }
        return guess_unit(motions, known.limits, slides)

    def _amount(self, gripper: str, command: CommandTopic | None) -> ScaleOffset | None:
        motion = command.seen.motions.get(gripper) if command and command.seen else None
        found = amount(motion, self._known.limits.get(gripper)) if motion else None
        return found[0] if found else None

    def _sense(
        self, place: SlotProposal, command: CommandTopic | None
    ) -> tuple[dict[str, object], tuple[str, ...]]:
        """Scale and offset of what was sent, and notes on them."""
        if place.name in self._known.grippers:
            found = self._amount(place.name, command)
            return scaled(found), (_OTHER_UNIT,) if found else ()
        unit = self._unit(command, place.name)
        note = (f'guessed: in {unit.name}, by the values that were sent',) if unit else ()
        return sense(place, unit), note

    def source_lines(self) -> list[YamlLine]:
        """Where commands were recorded from, for ``sources``."""
        lines = []
        if self.joints and self.kind.is_target:
            lines += self._sources(self.kind, self.joints)
        if self.hands:
            lines += self._sources(_OPENING_TARGETS, self.hands)
        return lines

    def _sources(
        self, kind: DataType, places: Sequence[tuple[SlotProposal, CommandTopic | None]]
    ) -> list[YamlLine]:
        recorded = [(p, c) for p, c in places if c is None or c.type not in ACTIONS]
        if not recorded:
            return [YamlLine(1, '', f'{kind}: goals of an action are not recorded: add a topic')]
        return route_lines(kind, [self._source(kind, p, c) for p, c in recorded])

    def _source(self, kind: DataType, place: SlotProposal, command: CommandTopic | None) -> Route:
        if command is None:
            note = _UNRECORDED
            options = {'topic': self._unknown(_CONTROLLER, place), **sense(place)}
            return Route(place.name, options, self._name(place, None), (note,))
        seen = command.seen or NumberTopic(command.topic, command.type, 0)
        order = command.order() or (self._orders(command)[0] if command.is_bare else ())
        options, notes = source_options(kind, replace(seen, period_s=0.0), order)
        own, units = self._sense(place, command)
        name = self._name(place, command)
        return Route(place.name, {**options, **own}, name, (*notes, *command.notes, *units))

    def _unknown(self, usual: str, place: SlotProposal) -> str:
        """The topic that a person has to write; each arm has its own."""
        label = self._arms.label_of(place.name)
        return f'{label}/{usual}' if label else usual

    def command_lines(self) -> list[YamlLine]:
        """The section ``commands``."""
        lines = []
        if self.joints:
            lines += route_lines(
                self.kind, [self._command(self.kind, *each) for each in self.joints]
            )
        if self.hands:
            hands = [self._command(_OPENING_TARGETS, *each) for each in self.hands]
            lines += route_lines(_OPENING_TARGETS, hands)
        return [YamlLine(0, 'commands:'), *lines] if lines else []

    def _command(self, kind: DataType, place: SlotProposal, command: CommandTopic | None) -> Route:
        name, measured = self._name(place, command), self._known.units.get(place.name)
        is_sent = command is not None and command.is_sent
        own, units = self._sense(place, command if is_sent else None)
        if measured and not units:
            what = 'metres' if place.name in self._known.slides else 'radians'
            units = (
                f'guessed: sent in {what}, though measured in {measured.name}; if its controller '
                f'takes {measured.name}, write {measured.options()} here, and its limits in '
                f'{measured.name}',
            )
        if command is None or not is_sent:
            usual = _CONTROLLER if kind is self.kind else _GRIPPER_CONTROLLER
            note = f'guessed: {unsent(command)}'
            options = {'topic': self._unknown(usual, place), **own}
            return Route(place.name, options, name, (note, *units))
        options, notes = command.options()
        told, ours = self._orders(command)
        if command.type == FLOAT64_MULTI_ARRAY and told != ours and sorted(told) == sorted(ours):
            options['order'] = list(told)
            notes += (_GUESSED_NUMBERS if command.notes else _NUMBERS,)
        notes += tuple(filter(None, [self._mistaken(command)]))
        return Route(place.name, {**options, **own}, name, (*notes, *units))

    def _orders(self, command: CommandTopic) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Names by position as a controller takes bare numbers, and as we would send them."""
        ours = tuple(
            self._name(place, command) or place.name
            for place, own in (*self.joints, *self.hands)
            if own is not None and own.topic == command.topic
        )
        return command.order() or ours, ours

    def _mistaken(self, command: CommandTopic) -> str:
        """Why a controller that takes bare numbers would mistake one joint for another."""
        if command.type != FLOAT64_MULTI_ARRAY:
            return ''
        wanted, ours = self._orders(command)
        if sorted(wanted) == sorted(ours):
            return ''
        return (
            f'{command.topic} takes numbers for {", ".join(wanted)}, but would be sent '
            f'{", ".join(ours)}: command all of its joints, or command it by a JointTrajectory, '
            'which names them'
        )
