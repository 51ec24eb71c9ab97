"""Facts about a robot that a draft is made from: topics, joints, motions, controllers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar


@dataclass(frozen=True, slots=True)
class ObservedMotion:
    """The range and largest speed of one joint in messages: [rad], [rad/s] or [m], [m/s]."""

    lower: float
    upper: float
    speed: float

    def joined(self, other: ObservedMotion | None) -> ObservedMotion:
        """The range of both; the speed is this one's, since commands may leap."""
        if other is None:
            return self
        return ObservedMotion(
            min(self.lower, other.lower), max(self.upper, other.upper), self.speed
        )


@dataclass(frozen=True, slots=True)
class NumberTopic:
    """A topic of joint positions: states, trajectories, or bare arrays.

    Attributes:
        name: With a leading slash.
        type: ROS 2 message type.
        count: Number of messages.
        joints: Names in messages, in order of appearance; empty where the publisher names none.
        width: Most numbers in one message.
        motions: Joint name, or its place in a message without names -> how it moved.
        period_s: Time between messages that nine of ten keep [s]; 0 of fewer than two.
        stamp_off_s: Distance of header stamps from arrival [s], the median; 0 where stamps are
            zero or cannot be judged.
        names: Joint -> its name in messages, where it differs.
        order: Names by position, found for a publisher that names none; see ``naming``.
        order_note: How the order was found.
        useless: Name in messages -> why no value can be had of it; not among the joints.
        is_feature: It is a feature of a LeRobot dataset, of any type, and no unit is told.
    """

    name: str
    type: str
    count: int
    joints: tuple[str, ...] = ()
    width: int = 0
    motions: Mapping[str, ObservedMotion] = field(default_factory=dict)
    period_s: float = 0.0
    stamp_off_s: float = 0.0
    names: Mapping[str, str] = field(default_factory=dict)
    order: tuple[str, ...] = ()
    order_note: str = ''
    useless: Mapping[str, str] = field(default_factory=dict)
    is_feature: bool = False

    def ordered(self, joints: Sequence[str], note: str) -> NumberTopic:
        """The topic with names by position, for a publisher that names none."""
        motions = {
            joint: self.motions[str(place)]
            for place, joint in enumerate(joints)
            if str(place) in self.motions
        }
        joints = tuple(joints)
        return replace(self, joints=joints, order=joints, order_note=note, motions=motions)

    def renamed(self, called: Mapping[str, str]) -> NumberTopic:
        """The topic with other names for joints; messages keep theirs."""
        joints, names = _renamed(self.joints, self.names, called)
        motions = {called.get(joint, joint): motion for joint, motion in self.motions.items()}
        return replace(self, joints=joints, names=names, motions=motions)


@dataclass(frozen=True, slots=True)
class ImageTopic:
    """A topic of images.

    Attributes:
        name: With a leading slash.
        type: ROS 2 message type.
        picture: Encoding and size, such as ``rgb8 640x480``; empty where none came.
        is_depth: Whether it holds distances.
        count: Number of images; a few are enough.
        period_s: As of a :class:`NumberTopic`.
        stamp_off_s: As of a :class:`NumberTopic`.
        is_feature: As of a :class:`NumberTopic`.
    """

    name: str
    type: str
    picture: str = ''
    is_depth: bool = False
    count: int = 0
    period_s: float = 0.0
    stamp_off_s: float = 0.0
    is_feature: bool = False


@dataclass(frozen=True, slots=True)
class TwistTopic:
    """A topic of twists.

    Attributes:
        name: With a leading slash.
        type: ROS 2 message type.
        count: Number of messages.
        peaks: Number of a Twist, such as ``linear.x`` -> its largest magnitude [m/s], [rad/s].
    """

    name: str
    type: str
    count: int = 0
    peaks: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CommandReceiver:
    """A controller that takes commands of ``joints``; of none, if it does not say which.

    ``name`` is that of a topic or an action, ``names`` are those in messages, where they differ.
    ``interface`` is what it commands, such as ``velocity``; empty if it does not say.
    """

    name: str
    type: str
    node: str
    joints: tuple[str, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    interface: str = ''

    def renamed(self, called: Mapping[str, str]) -> CommandReceiver:
        """The receiver with other names for joints; see :meth:`NumberTopic.renamed`."""
        joints, names = _renamed(self.joints, self.names, called)
        return replace(self, joints=joints, names=names)


def _renamed(
    joints: Sequence[str], names: Mapping[str, str], called: Mapping[str, str]
) -> tuple[tuple[str, ...], dict[str, str]]:
    """Joints by new names; and new name -> name in messages, where it differs."""
    in_messages = {called.get(joint, joint): names.get(joint, joint) for joint in joints}
    differing = {joint: name for joint, name in in_messages.items() if joint != name}
    return tuple(in_messages), differing


_Topic = TypeVar('_Topic', NumberTopic, ImageTopic, CommandReceiver, TwistTopic)


@dataclass(frozen=True, slots=True)
class Facts:
    """The facts about one robot, or about a station of several.

    Attributes:
        numbers: Topics of joint positions.
        images: Topics of pictures.
        listeners: Controllers, of a running graph.
        others: Other topics that a robot file can read -> message type.
        urdfs: Topic -> text of a robot description that was published.
        twists: Topics of twists, which may drive a base.
        task: What is done, as the recording says; '' where it does not.
    """

    numbers: tuple[NumberTopic, ...] = ()
    images: tuple[ImageTopic, ...] = ()
    listeners: tuple[CommandReceiver, ...] = ()
    others: Mapping[str, str] = field(default_factory=dict)
    urdfs: Mapping[str, str] = field(default_factory=dict)
    twists: tuple[TwistTopic, ...] = ()
    task: str = ''

    @property
    def are_of_dataset(self) -> bool:
        """True if some topics are features of a LeRobot dataset."""
        numbers = any(topic.is_feature for topic in self.numbers)
        return numbers or any(topic.is_feature for topic in self.images)

    def joined(self, other: Facts) -> Facts:
        """Both together; of a topic that both have, these."""
        own = {topic.name for topic in self.numbers} | {topic.name for topic in self.images}
        twists = {topic.name for topic in self.twists}
        return Facts(
            (*self.numbers, *(topic for topic in other.numbers if topic.name not in own)),
            (*self.images, *(topic for topic in other.images if topic.name not in own)),
            (*self.listeners, *other.listeners),
            {**other.others, **self.others},
            {**other.urdfs, **self.urdfs},
            (*self.twists, *(t for t in other.twists if t.name not in twists)),
            self.task or other.task,
        )

    def below(self, namespace: str) -> Facts:
        """The facts below a namespace, with topics relative to it."""
        if not namespace.strip('/'):
            return self
        above = f'/{namespace.strip("/")}/'
        return Facts(
            _below(above, self.numbers),
            _below(above, self.images),
            _below(above, self.listeners),
            {
                t.removeprefix(above): kind
                for t, kind in self.others.items()
                if t.startswith(above)
            },
            {topic: text for topic, text in self.urdfs.items() if topic.startswith(above)},
            _below(above, self.twists),
            self.task,
        )


def _below(above: str, topics: Iterable[_Topic]) -> tuple[_Topic, ...]:
    return tuple(
        replace(topic, name=topic.name.removeprefix(above))
        for topic in topics
        if topic.name.startswith(above)
    )
