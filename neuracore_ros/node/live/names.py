"""The contents of messages, read by the node's own observer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rclpy.serialization import deserialize_message

from neuracore_ros.description import DataType, Joint, Layout, Robot, Source
from neuracore_ros.description.source import JOINT_STATE, TF_MESSAGE
from neuracore_ros.errors import ObservationError
from neuracore_ros.node.contention import MOST_NAME_SETS
from neuracore_ros.node.live.facts import MeasuredJoint
from neuracore_ros.node.subscriptions import message_class
from neuracore_ros.observation import Observer
from neuracore_ros.observation.decode import decode_image
from neuracore_ros.observation.faults import StreamFault, together
from neuracore_ros.observation.images import ImageChannel
from neuracore_ros.observation.samples import Sample
from neuracore_ros.observation.streams import Channel

Messages = Mapping[str, Sequence[tuple[int, bytes]]]
"""Topic -> time of arrival [ns] and serialized message, in the order of arrival."""

# Times are checked apart, with all messages at hand.
_OF_TIME = {'stale', 'repeated', 'older'}
_IMAGE_SIZE = (224, 224)
# Messages whose names may be those of several drivers.
_NAMED = (JOINT_STATE, TF_MESSAGE)


@dataclass(frozen=True, slots=True)
class MessageContents:
    """The contents of messages, by topic as declared.

    Attributes:
        faults: Why a name could not be used at the end, one line each.
        name_sets: The different lists of joint names.
        together: Names that came in the same messages -> the numbers of these messages; of
            topics whose names came in different ones.
        pictures: Encoding and size of images.
        joints: Where the commanded joints are.
    """

    faults: Mapping[str, tuple[str, ...]]
    name_sets: Mapping[str, tuple[tuple[str, ...], ...]]
    together: Mapping[str, Mapping[tuple[str, ...], Sequence[int]]]
    pictures: Mapping[str, str]
    joints: tuple[MeasuredJoint, ...]


def read_names(robot: Robot, sources: Sequence[Source], messages: Messages) -> MessageContents:
    """Read all messages of inputs, measured joints and a human as the node would."""
    groups = robot.input_sources(), robot.all_measured(), robot.teleop_sources()
    observers = [_observer(group) for group in groups]
    name_sets: dict[str, dict[tuple[str, ...], None]] = {}
    pictures: dict[str, str] = {}
    message_names = MessageNames(observers)
    count: Counter[str] = Counter()
    numbers: dict[str, dict[str, list[int]]] = {}
    for topic, message in _feed(observers, sources, messages):
        known = name_sets.setdefault(topic, {})
        if hasattr(message, 'name') and len(known) < MOST_NAME_SETS:
            known[tuple(message.name)] = None
        for name in message_names.of(topic):
            numbers.setdefault(topic, {}).setdefault(name, []).append(count[topic])
        count[topic] += 1
        if hasattr(message, 'encoding') or hasattr(message, 'format'):
            pictures[topic] = _picture(message)
    return MessageContents(
        faults=_faults(observers, messages),
        name_sets={topic: tuple(names) for topic, names in name_sets.items()},
        together=_together(numbers),
        pictures=pictures,
        joints=_joints(robot, dict(_found(observers[1], messages))),
    )


def read_faults(sources: Sequence[Source], messages: Messages, clock_cure: str) -> list[str]:
    """Reasons why names could not be read from messages, one line each.

    Args:
        sources: What is to be read; at most one for a slot.
        messages: What came.
        clock_cure: What mends stamps of another time, if that is known; empty if not.
    """
    observer = _observer(sources)
    for _ in _feed([observer], sources, messages):
        pass
    astray = [stream.topic for stream in observer.streams if stream.drops['clock']]
    if clock_cure and astray:
        return [f'header stamps of {", ".join(dict.fromkeys(astray))}: {clock_cure}']
    return [text for texts in _faults([observer], messages).values() for text in texts]


class MessageNames:
    """The names in each message, used or refused."""

    def __init__(self, observers: Sequence[Observer]) -> None:
        self._channels: dict[str, list[Channel]] = {}
        for stream in (stream for observer in observers for stream in observer.streams):
            self._channels.setdefault(stream.topic, []).extend(stream.channels)
        self._before: dict[Channel, tuple[int, object]] = {}

    def of(self, topic: str) -> dict[str, None]:
        """The names that the message had which the observers were just given."""
        names: dict[str, None] = {}
        for channel in self._channels.get(topic, ()):
            now = channel.pace.count, channel.refusal
            if now != self._before.get(channel, (0, None)):
                self._before[channel] = now
                names[channel.source.name] = None
        return names


class NameReader:
    """The names in messages of joints and frames, as they come from the wire.

    Args:
        sources: What is read; at most one for a slot.

    Attributes:
        topics: Those that bring several names, which may come at different rates.
    """

    def __init__(self, sources: Sequence[Source]) -> None:
        named = {(source.topic, source.name) for source in sources if source.type in _NAMED}
        names = Counter(topic for topic, _ in named)
        self.topics = {topic for topic, count in names.items() if count > 1}
        read = [source for source in sources if source.topic in self.topics]
        self._types = {source.topic: message_class(source.type) for source in read}
        self._observer = _observer(read)
        self._message_names = MessageNames([self._observer])

    def names(self, topic: str, data: bytes, now_ns: int) -> Collection[str]:
        """The names in one message of `topics`; messages are given in the order of arrival."""
        if topic not in self.topics:
            return ()
        try:
            message = deserialize_message(data, self._types[topic])
        except Exception:  # rclpy has no kind of its own for bytes that are no such message.
            return ()
        self._observer.receive(topic, message, now_ns)
        return self._message_names.of(topic)


def _together(
    messages: Mapping[str, Mapping[str, Sequence[int]]],
) -> dict[str, dict[tuple[str, ...], Sequence[int]]]:
    """Topic -> names that came in the same messages -> the numbers of these messages."""
    found: dict[str, dict[tuple[str, ...], Sequence[int]]] = {}
    for topic, by_name in messages.items():
        alike: dict[tuple[int, ...], list[str]] = {}
        for name, numbers in by_name.items():
            alike.setdefault(tuple(numbers), []).append(name)
        if len(alike) > 1:
            found[topic] = {tuple(names): numbers for numbers, names in alike.items()}
    return found


def _feed(
    observers: Sequence[Observer], sources: Sequence[Source], messages: Messages
) -> Iterator[tuple[str, Any]]:
    """Hand all messages over, and pass them on with their topics."""
    kinds = {topic: source.type for source in sources for topic in source.topics}
    for topic, came in messages.items():
        for now_ns, data in came:
            message = deserialize_message(data, message_class(kinds[topic]))
            for observer in observers:
                observer.receive(topic, message, now_ns)
            yield topic, message


def _faults(observers: Sequence[Observer], messages: Messages) -> dict[str, tuple[str, ...]]:
    """Topic -> one line for each kind of fault."""
    faults: dict[str, list[StreamFault]] = {}
    for observer in observers:
        for source, found in _found(observer, messages):
            if isinstance(found, StreamFault) and found.kind not in _OF_TIME:
                faults.setdefault(source.topic, []).append(found)
    return {topic: tuple(together(found)) for topic, found in faults.items()}


def _observer(sources: Sequence[Source]) -> Observer:
    layout = Layout.holding((source.data_type, source.index) for source in sources)
    return Observer(sources, layout, _IMAGE_SIZE)


def _found(observer: Observer, messages: Messages) -> list[tuple[Source, Any]]:
    """Each name with what it is when its topic's last message has come."""
    ends = {topic: came[-1][0] for topic, came in messages.items() if came}
    found: list[tuple[Source, Any]] = []
    for stream in observer.streams:
        if stream.topic not in ends:
            continue
        for channel in stream.channels:
            value: Any = channel.at(ends[stream.topic])
            if isinstance(channel, ImageChannel) and isinstance(value, Sample):
                value = channel.pixels(value)
            found.append((channel.source, value))
    return found


def _joints(robot: Robot, measured: Mapping[Source, Any]) -> tuple[MeasuredJoint, ...]:
    joints: dict[tuple[DataType, str], Joint] = {
        (joint.measured, joint.name): joint
        for command in robot.commands()
        for joint in command.joints
    }
    return tuple(
        MeasuredJoint(
            joints[source.data_type, source.name],
            source.topic,
            float(joints[source.data_type, source.name].to_message(float(sample.value))),
        )
        for source, sample in measured.items()
        if isinstance(sample, Sample) and (source.data_type, source.name) in joints
    )


def _picture(message: Any) -> str:
    if hasattr(message, 'encoding'):
        return f'{message.encoding} {message.width}x{message.height}'
    try:
        height, width = decode_image(message).shape[:2]
    except ObservationError:
        return str(message.format)[:40]
    return f'{str(message.format)[:40]} {width}x{height}'
