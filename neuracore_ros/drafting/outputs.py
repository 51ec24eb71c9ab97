"""What a drafted robot is commanded in, through which topics, and where commands were recorded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from neuracore_ros.description.command import ACTIONS, GRIPPER_COMMAND
from neuracore_ros.description.data_type import DataType
from neuracore_ros.description.source import (
    FLOAT64_MULTI_ARRAY,
    JOINT_TRAJECTORY,
    MULTI_ARRAYS,
)
from neuracore_ros.drafting.alignment import SlotProposal
from neuracore_ros.drafting.arm import Arm
from neuracore_ros.drafting.facts import NumberTopic
from neuracore_ros.drafting.joints import Known
from neuracore_ros.drafting.routes import Route, route_lines, sense, source_options
from neuracore_ros.drafting.text import Line
from neuracore_ros.drafting.topics import Commanded, for_gripper, for_joints

_CONTROLLER = 'arm_controller/joint_trajectory'
_GRIPPER_CONTROLLER = 'gripper_controller/joint_trajectory'
_OPENING_TARGETS = DataType.PARALLEL_GRIPPER_TARGET_OPEN_AMOUNTS
_NUMBERS = 'its controller takes bare numbers in this order'
_GUESSED_NUMBERS = 'guessed: its controller takes bare numbers; from base to wrist'
_SENT = (JOINT_TRAJECTORY, FLOAT64_MULTI_ARRAY, *ACTIONS)


class Outputs:
    """The commanded joints and grippers.

    Args:
        known: What is known of joints.
        placed: Joints at their slots.
        grippers: Grippers at their slots.
        commands: Topics on which commands were seen or are awaited, the best first.
        other: The robot that is aligned with.

    Attributes:
        kind: DataType of the joints' output.
        joints: Each commanded joint, and what commands it; None where nothing was seen.
        hands: Each commanded gripper, and what commands it.
        warnings: What a person should look at, one line each.
    """

    def __init__(
        self,
        known: Known,
        placed: Sequence[SlotProposal],
        grippers: Sequence[SlotProposal],
        commands: Sequence[Commanded],
        other: Arm | None,
    ) -> None:
        self._known, self._commands = known, commands
        self.kind = DataType.JOINT_TARGET_POSITIONS if other is None else other.output_type()
        self.warnings: list[str] = []
        self.joints = self._joints([place for place in placed if place.fits])
        takes = other is None or _OPENING_TARGETS in other.robot.output
        self.hands = self._grippers([place for place in grippers if place.fits and takes])
        unseen = dict.fromkeys(_unsent(c) for _, c in (*self.joints, *self.hands))
        self.warnings += [text for text in unseen if text]
        self.warnings += dict.fromkeys(filter(None, (self._mistaken(c) for _, c in self.joints)))

    @property
    def is_commanded(self) -> bool:
        """Whether a command of any joint was seen."""
        return any(command is not None for _, command in self.joints)

    def _joints(
        self, placed: Sequence[SlotProposal]
    ) -> list[tuple[SlotProposal, Commanded | None]]:
        found = [(place, self._command_of(place.name)) for place in placed]
        if all(command is None for _, command in found):
            return found
        kept = []
        for place, command in found:
            if command is not None and self._command_name(place.name, command):
                kept.append((place, command))
            else:
                self.warnings.append(f'{place.name}: no controller takes it: input only')
        return [*kept]

    def _grippers(self, placed: Sequence[SlotProposal]) -> list[tuple[SlotProposal, Commanded]]:
        several = len(self._known.grippers) > 1
        found = []
        for place in placed:
            command = for_gripper(self._commands, self._sent_name(place.name), several)
            if command is not None:
                found.append((place, command))
        return found

    def _command_of(self, name: str) -> Commanded | None:
        named = next((c for c in self._commands if self._sent_name(name) in c.joints), None)
        return named or for_joints(self._commands, self._known.arm)

    def _sent_name(self, name: str) -> str:
        return self._known.message_names.get(name, name)

    def _command_name(self, name: str, command: Commanded) -> str:
        """The name in the command message, empty where it cannot be told."""
        own = self._sent_name(name)
        mine = [self._sent_name(joint) for joint in self._known.arm]
        if len(command.joints) == len(mine) and set(command.joints) != set(mine):
            return command.joints[mine.index(own)]
        return own if own in command.joints or not command.joints else ''

    def source_lines(self) -> list[Line]:
        """Where commands were recorded from, for ``sources``."""
        lines = []
        if self.joints and self.kind.is_target:
            lines += self._sources(self.kind, self.joints)
        if self.hands:
            lines += self._sources(_OPENING_TARGETS, self.hands)
        return lines

    def _sources(
        self, kind: DataType, places: Sequence[tuple[SlotProposal, Commanded | None]]
    ) -> list[Line]:
        recorded = [(p, c) for p, c in places if c is None or c.type not in ACTIONS]
        if not recorded:
            return [Line(1, '', f'{kind}: goals of an action are not recorded: add a topic')]
        return route_lines(kind, [self._source(kind, p, c) for p, c in recorded])

    def _source(self, kind: DataType, place: SlotProposal, command: Commanded | None) -> Route:
        if command is None:
            note = 'guessed: no command was seen; recordings need the topic that moves the arm'
            return Route(place.name, {'topic': _CONTROLLER, **sense(place)}, '', (note,))
        seen = command.seen or NumberTopic(command.topic, command.type, 0)
        order: tuple[str, ...] = ()
        if command.type in MULTI_ARRAYS:
            all_of_it = self._known.arm if kind is self.kind else (place.name,)
            order = command.joints or tuple(map(self._sent_name, all_of_it))
        options, notes = source_options(kind, replace(seen, period_s=0.0), order)
        if order and not command.joints:
            notes += ('guessed: bare numbers, taken to be in this order',)
        name = self._renamed(kind, place, command)
        if name and name != self._sent_name(place.name):
            notes += (
                'guessed: commands name joints otherwise than measurements; matched by order',
            )
        return Route(place.name, {**options, **sense(place)}, name, notes)

    def _renamed(self, kind: DataType, place: SlotProposal, command: Commanded | None) -> str:
        """The name in messages; empty where it is the same."""
        name = self._sent_name(place.name)
        if command is not None and kind is self.kind:
            name = self._command_name(place.name, command)
        return '' if name == place.name else name

    def command_lines(self) -> list[Line]:
        """The section ``commands``."""
        lines = []
        if self.joints:
            lines += route_lines(
                self.kind, [self._command(self.kind, *each) for each in self.joints]
            )
        if self.hands:
            hands = [self._command(_OPENING_TARGETS, *each) for each in self.hands]
            lines += route_lines(_OPENING_TARGETS, hands)
        return [Line(0, 'commands:'), *lines] if lines else []

    def _command(self, kind: DataType, place: SlotProposal, command: Commanded | None) -> Route:
        name = self._renamed(kind, place, command)
        if command is None or command.type not in _SENT:
            topic = _CONTROLLER if kind is self.kind else _GRIPPER_CONTROLLER
            note = f'guessed: {_unsent(command)}'
            return Route(place.name, {'topic': topic, **sense(place)}, name, (note,))
        options, notes = _command_options(command)
        if kind is self.kind:
            if order := self._order(command):
                options['order'] = list(order)
                notes += (_NUMBERS if command.joints else _GUESSED_NUMBERS,)
            notes += tuple(filter(None, [self._mistaken(command)]))
        return Route(place.name, {**options, **sense(place)}, name, notes)

    def _numbers(self, command: Commanded) -> tuple[list[str], list[str]]:
        """Names by position as a controller takes bare numbers, and as we would send them."""
        ours = [self._command_name(p.name, command) for p, c in self.joints if c == command]
        told = [name for name in map(self._sent_name, self._known.arm) if name in ours]
        return list(command.joints) or told, ours

    def _order(self, command: Commanded) -> list[str]:
        """Names by position for a controller that takes bare numbers; empty: by index."""
        wanted, ours = self._numbers(command)
        bare = command.type == FLOAT64_MULTI_ARRAY
        return wanted if bare and wanted != ours and sorted(wanted) == sorted(ours) else []

    def _mistaken(self, command: Commanded | None) -> str:
        """Why a controller that takes bare numbers would mistake one joint for another."""
        if command is None or command.type != FLOAT64_MULTI_ARRAY:
            return ''
        wanted, ours = self._numbers(command)
        if sorted(wanted) == sorted(ours):
            return ''
        return (
            f'{command.topic} takes numbers for {", ".join(wanted)}, but would be sent '
            f'{", ".join(ours)}: command all of its joints, or command it by a JointTrajectory, '
            'which names them'
        )


def _command_options(command: Commanded) -> tuple[dict[str, object], tuple[str, ...]]:
    options: dict[str, object] = {'topic': command.topic}
    if command.type != JOINT_TRAJECTORY:
        options['type'] = command.type
    note = '' if command.why == 'was sent' else command.why
    if command.why == 'was sent':
        note = 'guessed: recorded commands went here; no controller was seen'
    if command.type == GRIPPER_COMMAND:
        note = f'guessed: {command.why}; it moves the gripper by its name'
    return options, (note,)


def _unsent(command: Commanded | None) -> str:
    """Why a command cannot be sent where it was seen; empty if it can."""
    if command is None:
        return 'no command topic was seen; write the topic of the controller'
    if command.type in _SENT:
        return ''
    kind = command.type.rpartition('/')[2]
    return (
        f'commands were seen on {command.topic} as {kind}, which the node does not send; write '
        'the topic of the controller'
    )
