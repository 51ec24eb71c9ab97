"""A look at a running graph: who is there, and what comes. It sends no message to anybody."""

from __future__ import annotations

import difflib
import struct
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import rclpy
from rclpy.duration import Duration
from rclpy.executors import Executor, SingleThreadedExecutor
from rclpy.logging import LoggingSeverity
from rclpy.node import Node
from rclpy.qos import QoSCompatibility, QoSProfile, ReliabilityPolicy, qos_check_compatible
from rclpy.signals import SignalHandlerOptions

from neuracore_ros.description import Command, Robot, Source
from neuracore_ros.description.source import IMAGE_TYPES
from neuracore_ros.node.graph import is_named
from neuracore_ros.node.live_commands import PARAMETERS
from neuracore_ros.node.live_facts import (
    Arrivals,
    ClockFacts,
    CommandFacts,
    Domain,
    Endpoint,
    GraphFacts,
    Listener,
    StreamFacts,
    Times,
)
from neuracore_ros.node.live_names import read_names
from neuracore_ros.node.live_parameters import ask_parameters
from neuracore_ros.node.subscriptions import Subscriptions, Topic, message_class
from neuracore_ros.observation.streams import SECOND_NS

CLOCK = '/clock'
IMAGE_DEPTH = 5
NUMBER_DEPTH = 1000
# Nodes find each other within this; what is found then need not be waited for.
DISCOVERY_S = 3.0
SETTLE_S = 0.5
LOOK_PERIOD_S = 0.25
POLL_S = 0.05
MOST_KEPT = 20_000
SIMILAR = 4
LIKE = 0.5
FOREVER_NS = 2**62


def look(
    robot: Robot, needed: Collection[str] | None, seconds: float, namespace: str = ''
) -> GraphFacts:
    """Listen for a while to everything that a robot file declares.

    Args:
        robot: Whose input and measured sources, and commands.
        needed: Topics that the policy reads; None: all.
        seconds: How long to listen [s].
        namespace: Of topics without a leading slash.

    Raises:
        DescriptionError: A source or a command is missing in the robot file.
        UserError: A message type is not installed.
    """
    sources = (*robot.input_sources(), *robot.measured_sources())
    by_topic: dict[str, list[Source]] = {}
    for source in sources:
        for topic in source.topics:
            by_topic.setdefault(topic, []).append(source)
    with quiet_node(namespace) as (node, executor):
        eyes = _Eyes(node, executor, by_topic, robot.commands())
        eyes.discover()
        eyes.listen(seconds)
        return eyes.facts(robot, sources, needed)


@contextmanager
def quiet_node(namespace: str) -> Iterator[tuple[Node, Executor]]:
    """A node that tells nobody anything, and its executor."""
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    node = rclpy.create_node(
        'check', namespace=namespace, enable_rosout=False, start_parameter_services=False
    )
    # What subscriptions log is among our own lines.
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


class _Ear:
    """What came on one topic."""

    def __init__(self, kind: str) -> None:
        fields = message_class(kind).get_fields_and_field_types()
        self.is_image = kind in IMAGE_TYPES
        self._has_header = next(iter(fields.values()), '') == 'std_msgs/Header'
        self.times: list[tuple[int, int, int]] = []  # receive, clock, stamp [ns]
        self.size = 0
        self.lost = 0
        # Of images the newest is enough: only its encoding and size are looked at.
        self.messages: deque[tuple[int, int, bytes]] = deque(
            maxlen=1 if self.is_image else MOST_KEPT
        )

    def hear(self, data: bytes, now_ns: int, clock_ns: int) -> None:
        self.times.append((now_ns, clock_ns, first_time_ns(data) if self._has_header else 0))
        self.size = max(self.size, len(data))
        self.messages.append((now_ns, clock_ns, data))

    def arrivals(self) -> Arrivals:
        times = np.array(self.times, np.int64).reshape(-1, 3)
        stamps = times[:, 2] if self._has_header else times[:0, 2]
        return Arrivals(times[:, 0], times[:, 1], stamps, self.size, self.lost)


class _Eyes:
    """Everything that is opened while we look."""

    def __init__(
        self,
        node: Node,
        executor: Executor,
        by_topic: Mapping[str, list[Source]],
        commands: Sequence[Command],
    ) -> None:
        self._node, self._executor = node, executor
        self._by_topic, self._commands = by_topic, commands
        self._own = node.get_fully_qualified_name()
        self._ears = {topic: _Ear(group[0].type) for topic, group in by_topic.items()}
        self._clock: list[tuple[int, int]] = []
        self._rival_messages: dict[str, int] = {}
        self._parameters: dict[str, Mapping[str, object] | None] = {}

    # Looking

    def discover(self) -> None:
        """Wait until everybody has been found, or nobody more is likely to be."""
        start_s = time.monotonic()
        while (passed_s := time.monotonic() - start_s) < DISCOVERY_S:
            if passed_s > SETTLE_S and self._all_found():
                return
            self._executor.spin_once(timeout_sec=POLL_S)

    def _all_found(self) -> bool:
        """Whether somebody is on every topic, and all who are there are known by name."""
        node = self._node
        found = [node.get_publishers_info_by_topic(topic) for topic in self._by_topic]
        found += [
            node.get_subscriptions_info_by_topic(command.topic)
            for command in self._commands
            if '/action/' not in command.type
        ]
        return all(infos and all(is_named(info) for info in infos) for infos in found)

    def listen(self, seconds: float) -> None:
        """Take what comes, and ask controllers and publishers for their parameters."""
        topics = [
            Topic(
                topic,
                group[0].type,
                group[0].reliability,
                self._depth(topic),
                latched=_is_static(topic, group),
            )
            for topic, group in self._by_topic.items()
        ]
        topics.append(Topic(CLOCK, 'rosgraph_msgs/msg/Clock', 'match', NUMBER_DEPTH))
        topics += [
            Topic(command.topic, command.type, 'match', NUMBER_DEPTH)
            for command in self._commands
            if command.topic not in self._by_topic and self._is_contested(command)
        ]
        subscriptions = Subscriptions(
            self._node, tuple(topics), self._hear, raw=True, lost=self._miss
        )
        self._parameters = ask_parameters(self._node, self._executor, self._asked())
        self._forget()
        end_s = time.monotonic() + seconds
        while (left_s := end_s - time.monotonic()) > 0:
            subscriptions.refresh()
            self._spin(min(left_s, LOOK_PERIOD_S))
        subscriptions.close()

    def _is_contested(self, command: Command) -> bool:
        """Whether others command it. Only then we listen, and only where we are not alone.

        A node that waits for somebody to listen must not take us for its controller.
        """
        return bool(
            '/action/' not in command.type
            and self._node.count_publishers(command.topic)
            and self._node.count_subscribers(command.topic)
        )

    def _depth(self, topic: str) -> int:
        return IMAGE_DEPTH if self._ears[topic].is_image else NUMBER_DEPTH

    def _spin(self, seconds: float) -> None:
        end_s = time.monotonic() + seconds
        while (left_s := end_s - time.monotonic()) > 0:
            self._executor.spin_once(timeout_sec=min(left_s, POLL_S))

    def _forget(self) -> None:
        """What came while subscriptions were being matched tells nothing of rates."""
        for topic, group in self._by_topic.items():
            if not _is_static(topic, group):
                self._ears[topic] = _Ear(group[0].type)
        self._rival_messages.clear()
        self._clock = self._clock[-1:]

    def _hear(self, topic: str, data: bytes) -> None:
        now_ns = time.time_ns()
        if topic == CLOCK:
            self._clock.append((now_ns, first_time_ns(data)))
        elif topic in self._ears:
            self._ears[topic].hear(data, now_ns, self._clock[-1][1] if self._clock else 0)
        else:
            self._rival_messages[topic] = self._rival_messages.get(topic, 0) + 1

    def _miss(self, topic: str, count: int) -> None:
        if topic in self._ears:
            self._ears[topic].lost += count

    # What was found

    def facts(
        self, robot: Robot, sources: Sequence[Source], needed: Collection[str] | None
    ) -> GraphFacts:
        """Everything, once it has been listened to."""
        arrivals = {topic: ear.arrivals() for topic, ear in self._ears.items()}
        domain = time_domain(arrivals.values())
        messages = {
            topic: [
                (clock_ns if domain == 'sim' else now_ns, data)
                for now_ns, clock_ns, data in ear.messages
            ]
            for topic, ear in self._ears.items()
        }
        read = read_names(robot, sources, messages)
        streams = tuple(
            StreamFacts(
                topic=self._full(topic),
                sources=tuple(dict.fromkeys(group)),
                publishers=self._publishers(topic, group[0]),
                similar=self._similar(topic, group[0].type, self._node.count_publishers),
                arrivals=arrivals[topic],
                faults=read.faults.get(topic, ()),
                name_sets=read.name_sets.get(topic, ()),
                picture=read.pictures.get(topic, ''),
                needed=needed is None or topic in needed,
                is_static=_is_static(topic, group),
            )
            for topic, group in self._by_topic.items()
        )
        clock = np.array(self._clock, np.int64).reshape(-1, 2)
        clocks = self._node.get_publishers_info_by_topic(CLOCK)
        facts = ClockFacts(
            publishers=tuple(sorted({_name(info) for info in clocks})),
            clock_ns=clock[:, 1],
            receive_ns=clock[:, 0],
            use_sim_time={
                node: bool(told['use_sim_time'])
                for node, told in self._parameters.items()
                if told is not None and 'use_sim_time' in told
            },
            domain=domain,
        )
        seconds = max((_seconds(a.receive_ns) for a in arrivals.values()), default=0.0)
        return GraphFacts(
            seconds, streams, read.joints, facts, tuple(map(self._command, self._commands))
        )

    def _full(self, topic: str) -> str:
        return str(self._node.resolve_topic_name(topic))

    def _publishers(self, topic: str, source: Source) -> tuple[Endpoint, ...]:
        # To match is to accept the least.
        wanted = 'reliable' if source.reliability == 'reliable' else 'best_effort'
        ours = QoSProfile(depth=1, reliability=ReliabilityPolicy[wanted.upper()])
        infos = self._node.get_publishers_info_by_topic(topic)
        return tuple(_endpoint(i, _refusal(i.qos_profile, ours)) for i in infos)

    def _command(self, command: Command) -> CommandFacts:
        if '/action/' in command.type:
            return CommandFacts(self._full(command.topic), command, self._servers(command))
        ours = QoSProfile(depth=10)
        listeners = tuple(
            Listener(_endpoint(i, _refusal(ours, i.qos_profile)), self._parameters.get(_name(i)))
            for i in self._node.get_subscriptions_info_by_topic(command.topic)
            if _name(i) != self._own
        )
        rivals = self._node.get_publishers_info_by_topic(command.topic)
        heard = self._ears.get(command.topic)
        return CommandFacts(
            topic=self._full(command.topic),
            command=command,
            listeners=listeners,
            rivals=tuple(_endpoint(info, '') for info in rivals),
            rival_messages=(
                len(heard.times) if heard else self._rival_messages.get(command.topic, 0)
            ),
            similar=self._similar(command.topic, command.type, self._node.count_subscribers),
        )

    def _servers(self, command: Command) -> tuple[Listener, ...]:
        """Nodes that serve an action."""
        wanted = f'{self._full(command.topic)}/_action/send_goal'
        found = []
        for name, space in self._node.get_node_names_and_namespaces():
            served = self._node.get_service_names_and_types_by_node(name, space)
            if any(service == wanted for service, _ in served):
                node = f'{space.rstrip("/")}/{name}'
                endpoint = Endpoint(node, command.type, 'reliable')
                found.append(Listener(endpoint, self._parameters.get(node)))
        return tuple(found)

    def _asked(self) -> dict[str, tuple[str, ...]]:
        """Node -> the parameters that matter of it."""
        asked: dict[str, tuple[str, ...]] = {}
        for topic in (*self._by_topic, CLOCK):
            for info in self._node.get_publishers_info_by_topic(topic):
                asked[_name(info)] = ('use_sim_time',)
        for command in self._commands:
            names = (
                'use_sim_time',
                *PARAMETERS,
                *(f'constraints.{joint.message_name}.trajectory' for joint in command.joints),
            )
            if '/action/' in command.type:
                nodes = [listener.endpoint.node for listener in self._servers(command)]
            else:
                infos = self._node.get_subscriptions_info_by_topic(command.topic)
                nodes = [_name(info) for info in infos]
            asked |= dict.fromkeys(nodes, names)
        asked.pop(self._own, None)
        return asked

    def _similar(self, topic: str, kind: str, count: Callable[[str], int]) -> tuple[str, ...]:
        """Topics of the same type with somebody there; those with a similar name first."""
        wanted = self._full(topic)
        others = [
            name
            for name, types in self._node.get_topic_names_and_types()
            if name != wanted and kind in types and count(name)
        ]

        def likeness(name: str) -> float:
            same_end = name.rpartition('/')[2] == wanted.rpartition('/')[2]
            return same_end + difflib.SequenceMatcher(None, name, wanted).ratio()

        others = [name for name in others if likeness(name) > LIKE]
        return tuple(sorted(others, key=likeness, reverse=True)[:SIMILAR])


def time_domain(arrivals: Iterable[Arrivals]) -> Domain:
    """In which time most streams are stamped: this computer's, or that of /clock."""
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


def _is_static(topic: str, sources: Sequence[Source]) -> bool:
    return topic != sources[0].topic


def _name(info: Any) -> str:
    return f'{info.node_namespace.rstrip("/")}/{info.node_name}'


def _endpoint(info: Any, refusal: str) -> Endpoint:
    qos = info.qos_profile
    deadline_ns = _finite(qos.deadline).nanoseconds
    return Endpoint(
        node=_name(info),
        type=info.topic_type,
        reliability=qos.reliability.name.lower(),
        deadline_s=deadline_ns / SECOND_NS or None,
        refusal=refusal,
    )


def _refusal(publisher: QoSProfile, subscription: QoSProfile) -> str:
    """Why the middleware would not connect two endpoints; empty if it would."""
    compatible, reason = qos_check_compatible(_plain(publisher), _plain(subscription))
    if compatible != QoSCompatibility.ERROR:
        return ''
    parts = (part.replace('ERROR:', '').strip() for part in str(reason).split(';'))
    return '; '.join(part.lower() for part in parts if part)


def _plain(qos: QoSProfile) -> QoSProfile:
    """With "never" in one spelling: the graph has a largest number where profiles have zero."""
    return QoSProfile(
        depth=1,
        reliability=qos.reliability,
        durability=qos.durability,
        liveliness=qos.liveliness,
        deadline=_finite(qos.deadline),
        liveliness_lease_duration=_finite(qos.liveliness_lease_duration),
    )


def _finite(duration: Duration) -> Duration:
    return duration if duration.nanoseconds < FOREVER_NS else Duration()


def _seconds(times_ns: Times) -> float:
    return float(times_ns[-1] - times_ns[0]) / SECOND_NS if len(times_ns) else 0.0
