"""Subscriptions that match the reliability of their publishers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from typing import Any

from rclpy.event_handler import SubscriptionEventCallbacks, UnsupportedEventTypeError
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSPolicyKind, QoSProfile, ReliabilityPolicy
from rclpy.qos_overriding_options import QoSOverridingOptions

from neuracore_ros.errors import UserError
from neuracore_ros.node.contention import ContentionMonitor
from neuracore_ros.node.executor import SUBSCRIBES_QUIETLY
from neuracore_ros.node.graph import publisher_names
from neuracore_ros.node.topics import SubscribedTopic, matching_reliability

TopicCallback = Callable[[str, Any], None]
"""Called with the topic as the robot file writes it, and the message."""
LostCallback = Callable[[str, int], None]
"""Called with the topic as the robot file writes it, and how many messages never arrived."""

# With the values that a policy may have.
_OVERRIDABLE = {
    QoSPolicyKind.HISTORY: ('keep_last', 'keep_all'),
    QoSPolicyKind.DEPTH: (),
    QoSPolicyKind.RELIABILITY: ('reliable', 'best_effort'),
    QoSPolicyKind.DURABILITY: ('volatile', 'transient_local'),
}


class Subscriptions:
    """Subscriptions that are reopened when their publishers change.

    A publisher may start after us, end, or restart with other settings. ``refresh``, called now
    and then, asks the graph and reopens a subscription whose reliability no longer matches.

    Args:
        node: Owner of the subscriptions.
        topics: What to open.
        receive: Gets each message.
        raw: Whether messages are handed over as they came from the wire.
        lost: Called when messages were lost, where the middleware counts them; needs the classic
            executor, see executor.py.

    Attributes:
        topics: What is open.
        faults: Topic -> why nothing can arrive on it, with the line to write.
        doubts: Topic -> why what arrives on it may be wrong.
    """

    def __init__(
        self,
        node: Node,
        topics: Iterable[SubscribedTopic],
        receive: TopicCallback,
        raw: bool = False,
        lost: LostCallback | None = None,
    ) -> None:
        self._node = node
        self._receive = receive
        self._lost = lost
        self._raw = raw
        self.topics: list[SubscribedTopic] = []
        self._open: dict[str, tuple[Any, ReliabilityPolicy]] = {}
        self.faults: dict[str, str] = {}
        self.doubts: dict[str, str] = {}
        self._contention: dict[str, ContentionMonitor] = {}
        try:
            for topic in topics:
                self.add(topic)
        except Exception:
            self.close()
            raise
        self.refresh()

    def add(self, topic: SubscribedTopic) -> None:
        """Subscribe to one more topic, unless it is open.

        Raises:
            UserError: Its message type is not installed.
        """
        if topic.name in self._open:
            return
        self._contention[topic.name] = ContentionMonitor(topic.type)
        # Best effort matches every publisher that may come.
        wanted = matching_reliability(topic.reliability, self._publishers(topic))
        self._reopen(topic, wanted or ReliabilityPolicy.BEST_EFFORT)
        self.topics.append(topic)

    def refresh(self) -> None:
        """Match what the publishers offer now; costs well under a millisecond."""
        for topic in self.topics:
            publishers = self._publishers(topic)
            wanted = matching_reliability(topic.reliability, publishers)
            if wanted is not None and wanted != self._open[topic.name][1]:
                self._reopen(topic, wanted)
                self._node.get_logger().info(
                    f'{topic.name}: reopened as {wanted.name}, as its publishers offer'
                )
            if _note(self.faults, topic.name, _wrong_type(topic, publishers)):
                self._node.get_logger().error(self.faults[topic.name])
            if _note(self.doubts, topic.name, self._doubt(topic, publishers)):
                self._node.get_logger().warning(self.doubts[topic.name])

    def close(self) -> None:
        """Unsubscribe from everything."""
        for subscription, _ in self._open.values():
            self._node.destroy_subscription(subscription)
        self._open.clear()

    def _publishers(self, topic: SubscribedTopic) -> Sequence[Any]:
        return self._node.get_publishers_info_by_topic(topic.name)  # type: ignore[no-any-return]

    def _reopen(self, topic: SubscribedTopic, reliability: ReliabilityPolicy) -> None:
        if topic.name in self._open:
            self._node.destroy_subscription(self._open.pop(topic.name)[0])

        def callback(message: Any) -> None:
            if not self._raw:
                self._contention[topic.name].receive(message)
            self._receive(topic.name, message)

        latched = DurabilityPolicy.TRANSIENT_LOCAL if topic.latched else DurabilityPolicy.VOLATILE
        qos = QoSProfile(depth=topic.depth, reliability=reliability, durability=latched)

        def subscribe(lost: LostCallback | None) -> Any:
            return self._node.create_subscription(
                message_class(topic.type),
                topic.name,
                callback,
                qos,
                raw=self._raw,
                event_callbacks=_events(topic, lost),
                qos_overriding_options=qos_overrides(self._node, topic.name, 'subscription'),
            )

        try:
            subscription = subscribe(self._lost)
        except UnsupportedEventTypeError:  # Not every middleware counts what it lost.
            subscription = subscribe(None)
        self._open[topic.name] = (subscription, reliability)

    def _doubt(self, topic: SubscribedTopic, publishers: Sequence[Any]) -> str:
        monitor = self._contention[topic.name]
        several = monitor.update(publisher_names(publishers), time.monotonic())
        if not several:
            return ''
        return f'{topic.name}: {several}; the values would jump between them: end all but one'


def _wrong_type(topic: SubscribedTopic, publishers: Sequence[Any]) -> str:
    sent = sorted({publisher.topic_type for publisher in publishers})
    if not sent or topic.type in sent:
        return ''
    return (
        f'{topic.name}: its publisher sends {sent[0]}, the robot file expects {topic.type}. '
        f'Write in its source: type: {sent[0]}'
    )


def _note(notes: dict[str, str], topic: str, text: str) -> bool:
    """Keep the note of a topic, where there is one; returns True if it is a new one."""
    before = notes.pop(topic, '')
    if text:
        notes[topic] = text
    return text not in ('', before)


def _events(topic: SubscribedTopic, lost: LostCallback | None) -> SubscriptionEventCallbacks:
    """None but that of lost messages, see executor.py."""
    if lost is None:
        return SUBSCRIBES_QUIETLY
    return SubscriptionEventCallbacks(
        message_lost=lambda event: lost(topic.name, event.total_count_change),
        use_default_callbacks=False,
    )


def message_class(name: str) -> type[Any]:
    """The class of a ROS 2 message type such as ``sensor_msgs/msg/Image``.

    Raises:
        UserError: The package of the type is not installed, or lacks it.
    """
    package, _, kind = name.split('/')
    try:
        found: type[Any] = getattr(import_module(f'{package}.msg'), kind)
    except (ModuleNotFoundError, AttributeError) as error:
        raise UserError(
            f'the message type {name} is not known here: source the workspace that has {package}, '
            f'or apt install ros-$ROS_DISTRO-{package.replace("_", "-")}'
        ) from error
    return found


def qos_overrides(node: Node, topic: str, entity: str) -> QoSOverridingOptions:
    """Let parameters ``qos_overrides.<topic>.<entity>.<policy>`` rule where they are given.

    Only those: rclpy would turn a policy that is not given into a constant parameter, and a
    subscription could never be reopened with another one.

    Args:
        node: Declares parameters from overrides.
        topic: Relative or absolute.
        entity: ``subscription`` or ``publisher``.

    Raises:
        UserError: A policy is given a value that it cannot have.
    """
    prefix = f'qos_overrides.{node.resolve_topic_name(topic)}.{entity}'
    given = [kind for kind in _OVERRIDABLE if node.has_parameter(f'{prefix}.{kind.name.lower()}')]
    for kind in given:
        name = f'{prefix}.{kind.name.lower()}'
        value, words = node.get_parameter(name).value, _OVERRIDABLE[kind]
        right = value in words if words else type(value) is int and value > 0
        if not right:
            allowed = ' or '.join(words) or 'an integer above 0'
            raise UserError(f"parameter {name} is '{value}'; it must be {allowed}")
    return QoSOverridingOptions(given)
