"""Topics that measure a robot, and topics that command it: which joints each of them is for."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from neuracore_ros.alignment.name_heuristics import is_command, is_gripper, side, tokens
from neuracore_ros.description.command import ACTIONS, GRIPPER_ACTIONS
from neuracore_ros.description.source import (
    FLOAT64_MULTI_ARRAY,
    JOINT_STATE,
    JOINT_TRAJECTORY,
    MULTI_ARRAYS,
)
from neuracore_ros.scaffold.bases import interface
from neuracore_ros.scaffold.collect import TWISTS
from neuracore_ros.scaffold.draft_entries import Note
from neuracore_ros.scaffold.facts import Facts, NumberTopic
from neuracore_ros.scaffold.joint_names import Arms
from neuracore_ros.scaffold.joints import KnownJoints
from neuracore_ros.wording import counted

_SENT = (JOINT_TRAJECTORY, FLOAT64_MULTI_ARRAY, *ACTIONS)
_FEW = 6
# Ranges that differ by less are of the same numbers; one that is smaller is of noise.
_EQUAL, _NOISE = 1e-6, 1e-3
BY_ORDER = Note('commands name joints otherwise than measurements; matched by order')
BARE = Note('bare numbers, taken to be in this order')


@dataclass(frozen=True, slots=True)
class CommandTopic:
    """A topic on which commands were recorded, or a controller waits for them.

    Attributes:
        topic: Of messages, or the name of an action.
        type: ROS 2 message or action type.
        joints: In the order of messages; empty if unknown.
        width: Numbers in one message; 0 if unknown.
        why: How it was found, in words.
        recorded: The messages on it; None if there are none.
        names: Joint -> its name in messages, where it differs.
        notes: Notes on its joints.
        is_bare: Whether its messages name no joint.
    """

    topic: str
    type: str
    joints: tuple[str, ...]
    width: int
    why: str
    recorded: NumberTopic | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()
    is_bare: bool = False

    def order(self) -> tuple[str, ...]:
        """Names by position, as messages have them; empty where messages name joints."""
        return tuple(self.names.get(j, j) for j in self.joints) if self.is_bare else ()

    @property
    def is_feature(self) -> bool:
        """True if the commands are those of a LeRobot dataset."""
        return self.recorded is not None and self.recorded.is_feature

    @property
    def is_sent(self) -> bool:
        """True if the node can send by this topic: by its type, and as a topic of ROS."""
        return self.type in _SENT and not self.is_feature

    def options(self) -> tuple[dict[str, object], tuple[Note, ...]]:
        """Topic and type as ``commands`` has them, and notes on them."""
        options: dict[str, object] = {'topic': self.topic}
        if self.type != JOINT_TRAJECTORY:
            options['type'] = self.type
        note = Note(self.why, guessed=False)
        if self.why == 'was sent':
            note = Note('recorded commands went here; no controller was seen')
        if self.type in GRIPPER_ACTIONS:
            note = Note(f'{self.why}; it moves the gripper by its name')
        return options, (note,)

    def said(self) -> str:
        """The content of its messages, in words."""
        names = self.recorded.joints if self.recorded else ()
        if not names:
            return f'its {counted(self.width, "number")}'
        return f'its commands of {", ".join(names[:_FEW])}{", ..." if len(names) > _FEW else ""}'


def unsent(command: CommandTopic | None) -> str:
    """The reason why the node cannot command by a topic; empty if it can."""
    if command is None:
        return 'no command topic was seen; write the topic of the controller'
    if command.is_sent:
        return ''
    if command.is_feature:
        return (
            f'{command.topic} is a feature of a dataset, where nothing can be sent; write the '
            'topic of the controller'
        )
    kind = command.type.rpartition('/')[2]
    return (
        f'commands were seen on {command.topic} as {kind}, which the node does not send; write '
        'the topic of the controller'
    )


def measuring(facts: Facts, known: Collection[str]) -> tuple[list[NumberTopic], list[NumberTopic]]:
    """Topics that measure different joints, best first; and those that were passed over.

    ``known`` are the joints of the URDF.
    """
    states = [t for t in facts.numbers if t.type == JOINT_STATE and t.width]
    measured = [t for t in states if not is_command(t.name)] or states
    commands = [t for t in facts.numbers if t not in measured and t.joints]

    def merit(topic: NumberTopic) -> tuple[float, ...]:
        last = topic.name.rpartition('/')[2]
        named = last in {'joint_states', 'joint_state'}
        fits = sum(topic.names.get(name, name) in known for name in topic.joints)
        echoes = any(_is_echo(topic, command) for command in commands)
        says_state = 'state' in tokens(last)
        return fits, named, not echoes, says_state, not topic.order, topic.width, topic.count

    chosen: list[NumberTopic] = []
    for topic in sorted(measured, key=merit, reverse=True):
        taken = {name for other in chosen for name in other.joints}
        if not taken & set(topic.joints):
            chosen.append(topic)
    passed = [t for t in measured if t not in chosen]
    return chosen, passed


def _is_echo(topic: NumberTopic, command: NumberTopic) -> bool:
    """Tell whether a topic repeats the commands of another one, so that it measures nothing."""
    pairs = [(topic.motions.get(j), command.motions.get(j)) for j in topic.joints]
    both = [(one, other) for one, other in pairs if one is not None and other is not None]
    moved = any(one.upper - one.lower > _NOISE for one, _ in both)
    return moved and all(
        abs(one.lower - other.lower) < _EQUAL and abs(one.upper - other.upper) < _EQUAL
        for one, other in both
    )


def commanding(facts: Facts, measured: Sequence[NumberTopic]) -> list[CommandTopic]:
    """Topics on which joints are commanded, the best first.

    Controllers that listen come before what was merely published, trajectories before states,
    states before bare numbers; of equals, the one that is called like what measures.

    Args:
        facts: The facts, with all joints named.
        measured: The topics that measure the robot; they command nothing.
    """
    sent = {(topic.name, topic.type): topic for topic in facts.numbers}
    found = []
    for receiver in facts.listeners:
        if receiver.type in TWISTS or (
            receiver.type == FLOAT64_MULTI_ARRAY and interface(receiver.name, receiver.interface)
        ):
            continue
        messages = sent.get((receiver.name, receiver.type))
        # What a receiver does not say of its joints, its messages may.
        names = receiver if receiver.joints or messages is None else messages
        width = len(names.joints) or (messages.width if messages else 0)
        command = CommandTopic(
            receiver.name,
            receiver.type,
            names.joints,
            width,
            f'{receiver.node} listens',
            messages,
            names.names,
            is_bare=receiver.type in MULTI_ARRAYS,
        )
        found.append(command)
    known = {command.topic for command in found} | {topic.name for topic in measured}
    for topic in facts.numbers:
        is_other = topic.type in (JOINT_STATE, *MULTI_ARRAYS) and not is_command(topic.name)
        is_other |= topic.type == FLOAT64_MULTI_ARRAY and bool(interface(topic.name))
        # Where no name can be used, the numbers are not those of joints in some order.
        is_other |= bool(topic.useless) and not topic.joints
        if topic.name not in known and topic.count and not is_other:
            bare = topic.type in MULTI_ARRAYS or not topic.joints
            fields = topic.name, topic.type, topic.joints, topic.width
            found.append(CommandTopic(*fields, 'was sent', topic, topic.names, is_bare=bare))
    order = {JOINT_TRAJECTORY: 0, JOINT_STATE: 2, **dict.fromkeys(MULTI_ARRAYS, 3)}
    own = {name for topic in measured for name in topic.joints}
    words = {word for topic in measured for word in tokens(topic.name)}

    def rank(command: CommandTopic) -> tuple[object, ...]:
        fits = sum(name in own for name in command.joints)
        like = sum(word in words for word in set(tokens(command.topic)))
        kind = order.get(command.type, 1)
        return command.why == 'was sent', kind, -fits, -like, command.topic

    ranked = sorted(found, key=rank)
    # One topic is of one type: of the best that is there.
    types = {command.topic: command.type for command in reversed(ranked)}
    return [command for command in ranked if command.type == types[command.topic]]


def completed(
    commands: Sequence[CommandTopic], known: KnownJoints, arms: Arms
) -> list[CommandTopic]:
    """Complete commands by the joints that each moves, also where messages name none."""
    found = [_completed(command, known, arms) for command in commands]
    for place, command in enumerate(found):
        if command.type in GRIPPER_ACTIONS:
            # It moves one gripper, however many fingers its controller names.
            hands = tuple(joint for joint in command.joints if joint in known.grippers)
            found[place] = replace(command, joints=hands[:1])
    return found


def _completed(command: CommandTopic, known: KnownJoints, arms: Arms) -> CommandTopic:
    mine = (*known.arm, *known.grippers)
    label = arms.label(command.topic) if arms.labels else ''
    if label is None:
        return command
    if arms.labels:
        mine = tuple(joint for joint in mine if arms.label_of(joint) == label)
    if whose := side(command.topic):
        topics = known.topics
        mine = tuple(j for j in mine if j not in topics or side(topics[j].name) in {'', whose})
        if set(command.joints) & {*known.arm, *known.grippers} - set(mine):
            # The other arm's, whose joints have the same names.
            return replace(command, joints=())
        if not command.joints:
            mine = tuple(joint for joint in mine if side(joint) in {'', whose})
    foreign = set(command.joints) - set(mine)
    # As many joints, but other names for some of them, are matched by order.
    is_shifted = len(command.joints) == len(mine) and foreign
    if set(command.joints) & set(mine) and not is_shifted:
        return command
    of_arm = [joint for joint in known.arm if joint in mine]
    hands = [joint for joint in known.grippers if joint in mine]
    joints = _by_width(command, of_arm, hands, known)
    if not joints:
        return command
    if not command.joints:
        note = (BARE,) if command.is_bare else ()
        names = {j: known.message_names[j] for j in joints if j in known.message_names}
        recorded = command.recorded.ordered(joints, '') if command.recorded else None
        return replace(command, joints=joints, names=names, notes=note, recorded=recorded)
    names = {
        joint: command.names.get(called, called)
        for joint, called in zip(joints, command.joints, strict=True)
    }
    recorded = command.recorded
    if recorded is not None:
        motions = dict(zip(joints, map(recorded.motions.get, command.joints), strict=True))
        known_motions = {joint: motion for joint, motion in motions.items() if motion}
        recorded = replace(recorded, motions=known_motions)
    return replace(command, joints=joints, names=names, notes=(BY_ORDER,), recorded=recorded)


def _by_width(
    command: CommandTopic, of_arm: Sequence[str], hands: Sequence[str], known: KnownJoints
) -> tuple[str, ...]:
    """The joints that a message of this width moves; none if that is not clear."""
    is_hand = is_gripper(command.topic) or (
        command.joints and all(map(is_gripper, command.joints))
    )
    if is_hand and not all(map(is_gripper, of_arm)):
        return tuple(hands) if len(hands) == 1 and command.width in {0, 1} else ()
    if command.is_bare and command.type == JOINT_STATE:
        # States of one station are laid out alike.
        for topic in dict.fromkeys(known.topics[j].name for j in of_arm if j in known.topics):
            measured = next(t for t in known.topics.values() if t.name == topic)
            if measured.order and measured.width == command.width:
                return measured.joints
    if command.width in {0, len(of_arm)}:
        return tuple(of_arm)
    both = (*of_arm, *hands)
    return both if command.width == len(both) else ()
