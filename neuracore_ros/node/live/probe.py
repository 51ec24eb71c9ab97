"""A passive node, and what it asks a running graph: messages, endpoints, parameters."""

from __future__ import annotations

import struct
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import rclpy
from rcl_interfaces.srv import GetParameters, ListParameters
from rclpy.executors import Executor, SingleThreadedExecutor
from rclpy.logging import LoggingSeverity
from rclpy.node import Node
from rclpy.parameter import parameter_value_to_python
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.signals import SignalHandlerOptions

from neuracore_ros.description import Command, DirectCommand, Source
from neuracore_ros.description.command import ACTIONS
from neuracore_ros.description.source import IMAGE_TYPES
from neuracore_ros.durations import SECOND_NS
from neuracore_ros.node.executor import spin
from neuracore_ros.node.graph import action_servers, finite, full_name, qos_refusal
from neuracore_ros.node.live.facts import Arrivals, CommandFacts, Domain, Endpoint, StreamFacts
from neuracore_ros.node.subscriptions import message_class
from neuracore_ros.similar_names import alike_topics

# Nodes find each other within this; what is found then need not be waited for.
DISCOVERY_S = 3.0


@contextmanager
def passive_node(namespace: str) -> Iterator[tuple[Node, Executor]]:
    """Context of a passive node and its executor."""
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    node = rclpy.create_node(
        'check', namespace=namespace, enable_rosout=False, start_parameter_services=False
    )
    # Subscriptions would log among the lines of the check.
    node.get_logger().set_level(LoggingSeverity.FATAL)
    # As executor.py says, since lost messages are counted.
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    try:
        yield node, executor
    finally:
        executor.shutdown()
        node.destroy_node()
        rclpy.try_shutdown()


_MOST_KEPT = 20_000


class TopicMonitor:
    """The messages of one topic, as serialized, with their times.

    Attributes:
        messages: The newest: time of arrival, and /clock then [ns], and the message.
        lost: Messages that the middleware knows to have lost.
    """

    def __init__(self, kind: str) -> None:
        fields = message_class(kind).get_fields_and_field_types()
        self._has_header = next(iter(fields.values()), '') == 'std_msgs/Header'
        self.times: list[tuple[int, int, int]] = []  # receive, clock, stamp [ns]
        self.size = 0
        self.lost = 0
        # Of images the newest is enough: only its encoding and size are used.
        kept = 1 if kind in IMAGE_TYPES else _MOST_KEPT
        self.messages: deque[tuple[int, int, bytes]] = deque(maxlen=kept)

    def receive(self, data: bytes, now_ns: int, clock_ns: int) -> None:
        """Keep a serialized message, with the time of its arrival by both clocks."""
        self.times.append((now_ns, clock_ns, first_time_ns(data) if self._has_header else 0))
        self.size = max(self.size, len(data))
        self.messages.append((now_ns, clock_ns, data))

    def arrivals(self) -> Arrivals:
        """The times of all that came."""
        times = np.array(self.times, np.int64).reshape(-1, 3)
        stamps = times[:, 2] if self._has_header else times[:0, 2]
        return Arrivals(times[:, 0], times[:, 1], stamps, self.size, self.lost)


def time_domain(arrivals: Iterable[Arrivals]) -> Domain:
    """The clock by which most streams are stamped: this computer's, or /clock."""
    votes = 0
    for came in arrivals:
        if not len(came.stamp_ns):
            continue
        known = (came.clock_ns > 0) & (came.stamp_ns > 0)
        if known.any():
            to_clock = np.abs(came.clock_ns - came.stamp_ns)[known]
            to_wall = np.abs(came.receive_ns - came.stamp_ns)[known]
            votes += 1 if np.median(to_clock) < np.median(to_wall) else -1
    return 'sim' if votes > 0 else 'wall'


def first_time_ns(data: bytes) -> int:
    """The time at the start of a serialized message: of its header, or of a Clock [ns]."""
    order = '<' if data[1] & 1 else '>'
    seconds, nanoseconds = struct.unpack_from(f'{order}iI', data, 4)
    return int(seconds) * SECOND_NS + int(nanoseconds)


_MOST_SIMILAR = 4
_LIKE = 0.5


def stream_facts(
    node: Node, topic: str, sources: Iterable[Source], reliability: str
) -> StreamFacts:
    """The facts of a declared topic that the graph has; its messages are not among them.

    Args:
        node: Ours.
        topic: As declared.
        sources: What is read from it.
        reliability: As a robot file has it.
    """
    first, *others = dict.fromkeys(sources)
    return StreamFacts(
        topic=node.resolve_topic_name(topic),
        sources=(first, *others),
        publishers=_publishers(node, topic, reliability),
        similar=_similar(node, topic, first.type, node.count_publishers),
    )


def command_facts(node: Node, command: Command | DirectCommand) -> CommandFacts:
    """The facts of a command topic or action that the graph has."""
    topic = node.resolve_topic_name(command.topic)
    if command.type in ACTIONS:
        return CommandFacts(topic, command, _servers(node, topic, command.type))
    return CommandFacts(
        topic=topic,
        command=command,
        listeners=_subscribers(node, topic),
        rivals=_publishers(node, topic, 'match'),
        similar=_similar(node, topic, command.type, node.count_subscribers),
    )


def _publishers(node: Node, topic: str, reliability: str) -> tuple[Endpoint, ...]:
    # To match is to accept the least.
    reliable = reliability == 'reliable'
    policy = ReliabilityPolicy.RELIABLE if reliable else ReliabilityPolicy.BEST_EFFORT
    ours = QoSProfile(depth=1, reliability=policy)
    infos = node.get_publishers_info_by_topic(topic)
    return tuple(_endpoint(info, qos_refusal(info.qos_profile, ours)) for info in infos)


def _subscribers(node: Node, topic: str) -> tuple[Endpoint, ...]:
    ours, own = QoSProfile(depth=10), node.get_fully_qualified_name()
    infos = node.get_subscriptions_info_by_topic(topic)
    found = (_endpoint(info, qos_refusal(ours, info.qos_profile)) for info in infos)
    return tuple(endpoint for endpoint in found if endpoint.node != own)


def _servers(node: Node, action: str, kind: str) -> tuple[Endpoint, ...]:
    servers = (server for name, _, server in action_servers(node) if name == action)
    return tuple(Endpoint(server, kind, 'reliable') for server in servers)


def _similar(node: Node, topic: str, kind: str, count: Callable[[str], int]) -> tuple[str, ...]:
    """Other topics of a type with endpoints, the one with the most similar name first."""
    wanted = str(node.resolve_topic_name(topic))
    # A raw image topic may have been replaced by a compressed one, or the reverse.
    kinds = IMAGE_TYPES if kind in IMAGE_TYPES else (kind,)
    # A topic that is subscribed to is another camera.
    heard = {each.topic_name for each in node.subscriptions} if kind in IMAGE_TYPES else ()
    others = [
        name
        for name, types in node.get_topic_names_and_types()
        if name not in (wanted, *heard) and not {*kinds}.isdisjoint(types) and count(name)
    ]
    return tuple(alike_topics(wanted, others, _LIKE)[:_MOST_SIMILAR])


def _endpoint(info: Any, refusal: str) -> Endpoint:
    qos = info.qos_profile
    deadline_ns = finite(qos.deadline).nanoseconds
    return Endpoint(
        node=full_name(info),
        type=info.topic_type,
        reliability=qos.reliability.name.lower(),
        deadline_s=deadline_ns / SECOND_NS or None,
        refusal=refusal,
    )


# A node without such services costs the first each time; one that has them answers at once,
# unless its computer is very busy.
FIND_S = 3.0
ANSWER_S = 8.0
# A node that has not discovered us yet does not answer.
AGAIN_S = 1.0


def ask_parameters(
    node: Node, executor: Executor, wanted: Mapping[str, tuple[str, ...]]
) -> dict[str, Mapping[str, object] | None]:
    """Read parameters of several nodes at the same time.

    Args:
        node: Owner of the clients.
        executor: Runs it.
        wanted: Full node name -> the parameters asked for; those that it lacks are left out.

    Returns:
        Node -> its parameters by name; None if it does not answer.
    """
    names = {name: ListParameters.Request() for name in wanted}
    listed = _call(node, executor, ListParameters, 'list_parameters', names)
    has = {name: set(answer.result.names) for name, answer in listed.items()}
    requests = {
        name: GetParameters.Request(names=[key for key in wanted[name] if key in has[name]])
        for name in has
    }
    got = _call(node, executor, GetParameters, 'get_parameters', requests)
    found: dict[str, Mapping[str, object] | None] = dict.fromkeys(wanted)
    for name, answer in got.items():
        values = map(parameter_value_to_python, answer.values)
        found[name] = {
            key: list(value) if not isinstance(value, (str, bool, int, float)) else value
            for key, value in zip(requests[name].names, values, strict=False)
            if value is not None
        }
    return found


def _call(
    node: Node, executor: Executor, kind: Any, service: str, requests: Mapping[str, Any]
) -> dict[str, Any]:
    """Call a service of several nodes, again where no answer comes; returns what came, by node."""
    clients = {name: node.create_client(kind, f'{name}/{service}') for name in requests}
    spin(executor, FIND_S, lambda: all(c.service_is_ready() for c in clients.values()))
    asked: dict[str, list[Any]] = {name: [] for name in requests}

    def waiting() -> list[str]:
        return [name for name, futures in asked.items() if not any(f.done() for f in futures)]

    def done() -> bool:
        return not any(asked[name] for name in waiting())

    end_s = time.monotonic() + ANSWER_S
    while time.monotonic() < end_s:
        for name in waiting():
            if clients[name].service_is_ready():
                asked[name].append(clients[name].call_async(requests[name]))
        spin(executor, AGAIN_S, done)
        if done():
            break
    for client in clients.values():
        node.destroy_client(client)
    answers = {name: [f for f in futures if f.done()] for name, futures in asked.items()}
    return {
        name: futures[0].result()
        for name, futures in answers.items()
        if futures and futures[0].exception() is None
    }
