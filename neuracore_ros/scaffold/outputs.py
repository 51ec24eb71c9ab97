"""Outputs of a drafted robot: the topics that command it, and those with recorded commands."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from copy import copy
from dataclasses import replace

from neuracore_ros.alignment.arm import DescribedArm
from neuracore_ros.alignment.slot_proposal import SlotProposal
from neuracore_ros.description.command import ACTIONS
from neuracore_ros.description.data_type import DataType
from neuracore_ros.description.routes import ScaleOffset
from neuracore_ros.description.source import FLOAT64_MULTI_ARRAY
from neuracore_ros.scaffold.draft_entries import Note, Route, RouteSection
from neuracore_ros.scaffold.facts import NumberTopic, ObservedMotion
from neuracore_ros.scaffold.joint_names import Arms
from neuracore_ros.scaffold.joints import KnownJoints
from neuracore_ros.scaffold.options import scaled, sense, source_options
from neuracore_ros.scaffold.topics import CommandTopic, unsent
from neuracore_ros.scaffold.unit_questions import amount_questions, unit_questions
from neuracore_ros.scaffold.units import (
    GuessedAmount,
    GuessedUnit,
    amount,
    converted,
    guess_unit,
)

OPENING_TARGETS = DataType.PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS
_CONTROLLER = 'arm_controller/joint_trajectory'
_GRIPPER_CONTROLLER = 'gripper_controller/joint_trajectory'
_NUMBERS = Note('its controller takes bare numbers in this order', guessed=False)
_GUESSED_NUMBERS = Note('its controller takes bare numbers; from base to wrist')
_OTHER_UNIT = Note('in another unit than its range, by the values that were sent')
_UNRECORDED = Note(
    'no command was seen; recordings need the topic that moves the arm, not what is measured. '
    'Without one, write JOINT_POSITIONS in place of this under output and commands'
)


class OutputRoutes:
    """The commanded joints and grippers of a robot, by topics of which the first is the best.

    Attributes:
        kind: DataType of the joints' output.
        joints: The commanded joints.
        hands: The commanded grippers.
        warnings: What a person should check, one line each.
    """

    def __init__(
        self,
        known: KnownJoints,
        placed: Sequence[SlotProposal],
        grippers: Sequence[SlotProposal],
        commands: Sequence[CommandTopic],
        like: DescribedArm | None,
        arms: Arms,
        is_recorded: bool,
    ) -> None:
        self._known, self._commands, self._arms = known, commands, arms
        self.warnings: list[str] = []
        # Where poses share a topic of bare numbers, the order of slots is not that of joints.
        self._is_ordered = False
        self.joints = [place for place in placed if place.fits]
        self.hands = [place for place in grippers if place.fits]
        self._command_of = {
            place.name: next((c for c in commands if place.name in c.joints), None)
            for place in (*self.joints, *self.hands)
        }
        is_commanded = any(self._command_of[place.name] for place in self.joints)
        self.kind = DataType.JOINT_TARGET_POSITIONS if like is None else like.output_type()
        if is_recorded and like is None and not is_commanded:
            self.kind = DataType.JOINT_POSITIONS
        if is_commanded:
            self.warnings += [
                f'{place.name}: no controller takes it: input only'
                for place in self.joints
                if self._command_of[place.name] is None
            ]
            self.joints = [place for place in self.joints if self._command_of[place.name]]
        if self.hands and like is not None and OPENING_TARGETS not in like.robot.output:
            names = ', '.join(place.name for place in self.hands)
            self.warnings.append(
                f'{names}: read, but not commanded, since {like.robot.name} commands no gripper'
            )
            self.hands = []
        self.hands = [place for place in self.hands if self._command_of[place.name]]
        both = (*self.joints, *self.hands)
        self._command_of = {place.name: self._command_of[place.name] for place in both}
        unsendable = dict.fromkeys(map(unsent, self._command_of.values()))
        self.warnings += [text for text in unsendable if text]
        used = {command.topic for command in self._command_of.values() if command}
        self.warnings += self._doubts([c for c in commands if c.topic in used])

    def unmatched(self) -> dict[str, str]:
        """Topic of commands -> why it is not known which joints they are for."""
        mine = {*self._known.arm, *self._known.grippers}
        return {
            command.topic: f'which joints {command.said()} are for is not known'
            for command in self._commands
            if command.recorded is not None and not set(command.joints) & mine
        }

    def motion(self, joint: str) -> ObservedMotion | None:
        """The motion of a joint's commands [rad] or [m]; None if there are none of this unit."""
        command = self._command_of.get(joint)
        found = command.recorded.motions.get(joint) if command and command.recorded else None
        if found is None or self._amount(joint, command) is not None:
            return None
        guess = self._guess(command, joint) if joint in self._known.arm else None
        unit = guess.readings[0].get(joint) if guess else None
        return converted(found, unit) if unit else found

    def message_name(self, joint: str) -> str:
        """The name of a joint in the messages that move it."""
        command = self._command_of.get(joint)
        names = command.names if command else self._known.message_names
        return names.get(joint, joint)

    def is_of_feature(self, joint: str) -> bool:
        """True if what is known of a joint's commands comes from a LeRobot dataset."""
        command = self._command_of.get(joint)
        if command is not None:
            return command.is_feature
        return joint in self._known.topics and self._known.topics[joint].is_feature

    def without(self, joints: Collection[str]) -> OutputRoutes:
        """The same, without joints that are commanded otherwise."""
        fewer = copy(self)
        fewer.joints = [place for place in self.joints if place.name not in joints]
        fewer._is_ordered = True
        return fewer

    def command_of(self, joint: str) -> CommandTopic | None:
        """The topic that commands a joint; None if none was seen."""
        return self._command_of.get(joint)

    def recorded(self, joint: str) -> Route:
        """The topic with a joint's recorded commands."""
        place = next(place for place in (*self.joints, *self.hands) if place.name == joint)
        is_hand = joint in self._known.grippers
        return self._source(OPENING_TARGETS if is_hand else self.kind, place)

    def sent(self, joint: str) -> Route:
        """The topic to which a joint's commands are sent."""
        place = next(place for place in self.joints if place.name == joint)
        return self._command(_CONTROLLER, place)

    def order(self, joint: str) -> tuple[str, ...]:
        """Names by position, for a controller that takes bare numbers."""
        command = self._command_of.get(joint)
        return self._orders(command)[0] if command else ()

    def limit_unit(self, joint: str) -> GuessedUnit | None:
        """The unit of the commands of a joint of the arm, where it is not [rad] or [m]."""
        command = self._command_of.get(joint) if joint in self._known.arm else None
        guess = self._guess(command, joint) if command and command.is_sent else None
        return None if guess is None or guess.is_asked(of_feature=False) else guess

    def limit_scaling(self, gripper: str) -> ScaleOffset | None:
        """The scaling of a gripper's commands to 0..1, if their unit is not that of its URDF."""
        command = self._command_of.get(gripper) if gripper in self._known.grippers else None
        guess = self._amount(gripper, command) if command and command.is_sent else None
        return guess.scaling if guess else None

    def sources(self) -> list[RouteSection | Note]:
        """The topics with recorded commands."""
        sections: list[RouteSection | Note] = []
        for kind, placed in ((self.kind, self.joints), (OPENING_TARGETS, self.hands)):
            commanded = [(place, self._command_of[place.name]) for place in placed]
            routes = [
                self._source(kind, place)
                for place, command in commanded
                if command is None or command.type not in ACTIONS
            ]
            if routes and kind.is_target:
                sections.append(RouteSection(kind, routes))
                sections += self._questions(kind, placed)
            elif placed and kind.is_target:
                lack = f'{kind}: goals of an action are not recorded: add a topic'
                sections.append(Note(lack, guessed=False))
        return sections

    def followed(self, place: SlotProposal, follow_s: float, whose: str) -> Route | None:
        """The source of a gripper's opening that follows its command, as another robot's does.

        None where no topic of its commands is known.
        """
        command = self._command_of.get(place.name)
        if command is None or command.type in ACTIONS:
            return None
        route = self._source(OPENING_TARGETS, place)
        note = Note(f'follows its command, so that an opening means what it does on {whose}')
        options = {**route.options, 'follow_s': follow_s}
        return replace(route, options=options, notes=(*route.notes, note))

    def commands(self) -> list[RouteSection]:
        """The topics to which commands are sent."""
        return [
            RouteSection(kind, [self._command(usual, place) for place in placed])
            for kind, usual, placed in (
                (self.kind, _CONTROLLER, self.joints),
                (OPENING_TARGETS, _GRIPPER_CONTROLLER, self.hands),
            )
            if placed
        ]

    def _doubts(self, used: Sequence[CommandTopic]) -> list[str]:
        found = [text for command in used if (text := self._mistaken(command))]
        found += [f'{topic} is left out: {why}' for topic, why in self.unmatched().items()]
        topics = {command.topic for command in used}
        for command in used:
            rivals = [
                other.topic
                for other in self._commands
                if other.topic not in topics
                and set(other.joints) & set(command.joints)
                and other.recorded is not None
            ]
            if rivals:
                found.append(
                    f'{command.topic} is taken for the commands; also there: {", ".join(rivals)}'
                )
            found += [f'{command.topic}: {note.text}' for note in command.notes]
            guesses = [guess for j in command.joints if (guess := self._guess(command, j))]
            found += dict.fromkeys(
                f'{command.topic}: {guess.asked}'
                if guess.is_asked(command.is_feature)
                else f'{command.topic} is taken to be in {guess.said}'
                for guess in guesses
            )
        return found

    def _questions(self, kind: DataType, placed: Sequence[SlotProposal]) -> list[RouteSection]:
        """The units of recorded commands that a person has to choose."""
        units, amounts = dict[str, GuessedUnit](), dict[str, GuessedAmount]()
        for place in placed:
            command = self._command_of[place.name]
            is_feature = command is not None and command.is_feature
            if kind is OPENING_TARGETS:
                amount_guess = self._amount(place.name, command) if is_feature else None
                amounts |= {place.name: amount_guess} if amount_guess else {}
            elif (guess := self._guess(command, place.name)) and guess.is_asked(is_feature):
                units[place.name] = guess
        return [*unit_questions(kind, placed, units), *amount_questions(kind, placed, amounts)]

    def _guess(self, command: CommandTopic | None, joint: str) -> GuessedUnit | None:
        """The unit in which a joint was commanded, by the values that were sent."""
        if command is None or command.recorded is None:
            return None
        known, slides = self._known, joint in self._known.slides
        motions = {
            name: motion
            for name, motion in command.recorded.motions.items()
            if name in known.arm and (name in known.slides) is slides
        }
        guess = guess_unit(motions, known.limits, slides, command.is_feature)
        measured = known.asked.get(joint)
        if guess is None or measured is None or not command.is_feature:
            return guess
        return guess.like(measured)  # A dataset has both of one driver, and so in one unit.

    def _amount(self, gripper: str, command: CommandTopic | None) -> GuessedAmount | None:
        motion = command.recorded.motions.get(gripper) if command and command.recorded else None
        return amount(motion, self._known.limits.get(gripper)) if motion else None

    def _sense(
        self, place: SlotProposal, command: CommandTopic | None
    ) -> tuple[dict[str, object], tuple[Note, ...]]:
        """Scale and offset of what was sent, and notes on them."""
        if place.name in self._known.grippers:
            found = self._amount(place.name, command)
            if found is None or (command and command.is_feature):
                return {}, ()
            return scaled(found.scaling), (_OTHER_UNIT,)
        guess = self._guess(command, place.name)
        if guess is None or guess.is_asked(command is not None and command.is_feature):
            return sense(place), ()
        note = Note(f'in {guess.unit.name}, by the values that were sent')
        return sense(place, guess.unit), (note,)

    def _source(self, kind: DataType, place: SlotProposal) -> Route:
        command, name = self._command_of[place.name], self.message_name(place.name)
        if command is None:
            options = {'topic': self._unknown(_CONTROLLER, place), **sense(place)}
            return Route(place.name, options, name, (_UNRECORDED,))
        recorded = command.recorded or NumberTopic(command.topic, command.type, 0)
        order = command.order() or (self._orders(command)[0] if command.is_bare else ())
        options, notes = source_options(kind, replace(recorded, period_s=0.0), order)
        own, units = self._sense(place, command)
        return Route(place.name, {**options, **own}, name, (*notes, *command.notes, *units))

    def _unknown(self, usual: str, place: SlotProposal) -> str:
        """The topic that a person has to write; each arm has its own."""
        label = self._arms.label_of(place.name)
        return f'{label}/{usual}' if label else usual

    def _command(self, usual: str, place: SlotProposal) -> Route:
        command, name = self._command_of[place.name], self.message_name(place.name)
        sent = command if command and command.is_sent else None
        own, units = self._sense(place, sent)
        measured = self._known.units.get(place.name)
        measured = None if place.name in self._known.asked else measured
        if measured and not units:
            what = 'metres' if place.name in self._known.slides else 'radians'
            text = (
                f'sent in {what}, though measured in {measured.name}; if its controller takes '
                f'{measured.name}, write {measured.options()} here, and its limits in '
                f'{measured.name}'
            )
            units = (Note(text),)
        if self.is_of_feature(place.name):
            name = ''  # A controller calls joints as their URDF does.
        if sent is None:
            options = {'topic': self._unknown(usual, place), **own}
            return Route(place.name, options, name, (Note(unsent(command)), *units))
        options, notes = sent.options()
        wanted, ours = self._orders(sent)
        is_other = (wanted != ours or (self._is_ordered and len(ours) > 1)) and sorted(
            wanted
        ) == sorted(ours)
        if sent.type == FLOAT64_MULTI_ARRAY and is_other:
            options['order'] = list(wanted)
            notes += (_GUESSED_NUMBERS if sent.notes else _NUMBERS,)
        if mistaken := self._mistaken(sent):
            notes += (Note(mistaken, guessed=False),)
        return Route(place.name, {**options, **own}, name, (*notes, *units))

    def _orders(self, command: CommandTopic) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Names by position as a controller takes bare numbers, and as we would send them."""
        ours = tuple(
            self.message_name(name)
            for name, own in self._command_of.items()
            if own is not None and own.topic == command.topic
        )
        return command.order() or ours, ours

    def _mistaken(self, command: CommandTopic) -> str:
        """The reason why a controller of bare numbers would mistake joints; or ''."""
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
