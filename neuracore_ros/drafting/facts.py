"""What is known of a robot before its robot file is drafted."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Motion:
    """How one joint was seen to move.

    Attributes:
        lower: Least position [rad] or [m].
        upper: Largest position [rad] or [m].
        speed: Largest speed between samples [rad/s] or [m/s].
    """

    lower: float
    upper: float
    speed: float


@dataclass(frozen=True, slots=True)
class NumberTopic:
    """A topic of joint positions: states, trajectories, or bare arrays.

    Attributes:
        name: With a leading slash.
        type: ROS 2 message type.
        count: Messages that were seen.
        joints: Names in messages, in order of appearance; empty where the publisher names none.
        width: Most numbers in one message.
        motions: Joint name, or its place in a message without names -> how it moved.
        period_s: Time between messages that nine of ten keep [s]; 0 of fewer than two.
        stamp_off_s: Distance of header stamps from arrival [s], the median; 0 where stamps are
            zero or cannot be judged.
    """

    name: str
    type: str
    count: int
    joints: tuple[str, ...] = ()
    width: int = 0
    motions: Mapping[str, Motion] = field(default_factory=dict)
    period_s: float = 0.0
    stamp_off_s: float = 0.0


@dataclass(frozen=True, slots=True)
class ImageTopic:
    """A topic of pictures.

    Attributes:
        name: With a leading slash.
        type: ROS 2 message type.
        picture: Encoding and size, such as ``rgb8 640x480``; empty where none came.
        is_depth: Whether it holds distances.
        period_s: As of a :class:`NumberTopic`.
        stamp_off_s: As of a :class:`NumberTopic`.
    """

    name: str
    type: str
    picture: str = ''
    is_depth: bool = False
    period_s: float = 0.0
    stamp_off_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Listener:
    """A controller that takes commands.

    Attributes:
        topic: Of messages, or the name of an action.
        type: ROS 2 message or action type.
        node: Its full name.
        joints: What it controls, in its own order; empty if it does not tell.
    """

    topic: str
    type: str
    node: str
    joints: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that was seen.

    Attributes:
        numbers: Topics of joint positions.
        images: Topics of pictures.
        listeners: Controllers, of a running graph.
        others: Other topics that a robot file can read -> message type.
        urdf: Text of a robot description that was published; empty without.
    """

    numbers: tuple[NumberTopic, ...] = ()
    images: tuple[ImageTopic, ...] = ()
    listeners: tuple[Listener, ...] = ()
    others: Mapping[str, str] = field(default_factory=dict)
    urdf: str = ''

    def joined(self, other: 'Facts') -> 'Facts':
        """Both; of a topic that both have, what was seen here first."""
        own = {topic.name for topic in self.numbers} | {topic.name for topic in self.images}
        return Facts(
            (*self.numbers, *(topic for topic in other.numbers if topic.name not in own)),
            (*self.images, *(topic for topic in other.images if topic.name not in own)),
            (*self.listeners, *other.listeners),
            {**other.others, **self.others},
            self.urdf or other.urdf,
        )
