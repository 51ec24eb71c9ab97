"""Control of the robot in a recording, as the node said it on ``~/control`` while it ran."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from neuracore_ros.bags.bag import Bag
from neuracore_ros.bags.topics import Topic
from neuracore_ros.control import CONTROL_TOPIC, FORGOTTEN_S, INTERVENTION, Commander, Control
from neuracore_ros.convert.cutting import NO_CONTROL
from neuracore_ros.convert.episodes import BOOL, STRING
from neuracore_ros.durations import SECOND_NS
from neuracore_ros.errors import BagError, UserError, printable
from neuracore_ros.wording import counted

NOBODY = 'nobody commands'
# The longest path of a file, and more than any address has.
_LONGEST_NAME = 4096


class ControlTrack:
    """Control along a recording, taken in the order of its messages.

    A node says it at least every second. Before its first word, after its last one, and after a
    word that cannot be read, it is taken that nobody commands: what moved the robot is not known.
    A Bool of another program is true while a human intervenes; it holds until the next one, and
    says nothing of what was commanded.

    Args:
        topic: Its topic, whose messages are texts, or else booleans.
        keeps_nobody: Whether steps at which nobody commands are kept.

    Attributes:
        keeps_nobody: Likewise.
        unreadable: Messages that say nothing of control.
    """

    def __init__(self, topic: Topic, keeps_nobody: bool = False) -> None:
        self._topic = topic
        self.keeps_nobody = keeps_nobody
        self.unreadable = 0
        self._said = self._nothing
        self._said_ns: int | None = None

    @property
    def topic(self) -> str:
        """The name of its topic."""
        return self._topic.name

    @property
    def type(self) -> str:
        """The type of its messages."""
        return STRING if self.is_of_node else BOOL

    @property
    def is_of_node(self) -> bool:
        """True where the node says it, which sends what is commanded to the command topics."""
        return self._topic.holds(STRING)

    def receive(self, message: Any, receive_ns: int) -> None:
        """Take a message of its topic; never raises."""
        self._said_ns = receive_ns
        if not self.is_of_node:
            self._said = Control(Commander.HUMAN) if message.data else None
            return
        try:
            said = Control.from_text(str(message.data))
        except UserError:
            self.unreadable += 1
            self._said = self._nothing
            return
        self._said = replace(said, policy=printable(said.policy[:_LONGEST_NAME]))

    def at(self, tick_ns: int) -> Control | None:
        """Control at a tick, of what was received at it or before; None in a demonstration."""
        if self._said_ns is None:
            return self._nothing
        if self.is_of_node and tick_ns - self._said_ns > FORGOTTEN_S * SECOND_NS:
            return self._nothing
        return self._said

    @property
    def notes(self) -> tuple[str, ...]:
        """Oddities of its messages, a line each."""
        if not self.unreadable:
            return ()
        return (f'{self.topic}: {counted(self.unreadable, "message")} cannot be read',)

    @property
    def _nothing(self) -> Control | None:
        return Control(Commander.NOBODY) if self.is_of_node else None


def find_control(bag: Bag, topic: str = '', keeps_nobody: bool = False) -> ControlTrack | None:
    """The control of the robot in a recording; None where it has none, as in demonstrations.

    Args:
        bag: The recording.
        topic: Its topic; '' looks for a node's, and for the feature by which rollouts of LeRobot
            say that a human intervenes; ``none`` takes no notice of any.
        keeps_nobody: Whether steps at which nobody commands are kept.

    Raises:
        BagError: There is no such topic, it is of another type, or several nodes say it.
    """
    if topic == NO_CONTROL:
        return None
    if topic:
        return ControlTrack(_named(bag, topic), keeps_nobody)
    found = [each for each in _of_nodes(bag) if _says_control(bag, each)]
    flag = bag.topics.get(INTERVENTION)
    if not found and flag is not None and flag.holds(BOOL) and flag.count:
        return ControlTrack(flag, keeps_nobody)
    within = f'/{bag.namespace}/'
    if bag.namespace and len(found) > 1:
        found = [each for each in found if each.name.startswith(within)] or found
    if len(found) > 1:
        names = ', '.join(each.name for each in found)
        raise BagError(
            f'{bag.path}: several nodes say who commands ({names}): choose one with --control'
        )
    return ControlTrack(found[0], keeps_nobody) if found else None


def _of_nodes(bag: Bag) -> list[Topic]:
    """Topics of which the name and the type are those of a node's."""
    kinds = [each for topic in bag.topics.values() for each in topic.kinds]
    return [
        each
        for each in kinds
        if each.name.split('/')[-1] == CONTROL_TOPIC
        and each.type == STRING
        and each.count
        and each.is_readable
    ]


def _says_control(bag: Bag, topic: Topic) -> bool:
    """True if the first message tells of control: another program may use the name as well."""
    first = next(bag.read({topic.name: topic.type}), None)
    try:
        return first is not None and bool(Control.from_text(str(first.message.data)))
    except UserError:
        return False


def _named(bag: Bag, name: str) -> Topic:
    found = bag.find(name, STRING)
    if found is None or not found.count:
        known = [
            t.name for t in bag.topics.values() if (t.holds(STRING) or t.holds(BOOL)) and t.count
        ]
        has = f'it has {", ".join(known)}' if known else f'it has no {STRING} or {BOOL}'
        raise BagError(f'{bag.path}: nothing on {name} (--control); {has}')
    if not (found.holds(STRING) or found.holds(BOOL)):
        raise BagError(
            f'{bag.path}: {found.name} (--control) holds {found.type}; give a {STRING} or a {BOOL}'
        )
    found.require_readable(bag.path)
    return found
