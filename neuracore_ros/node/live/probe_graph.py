"""The probe of a running graph: its endpoints and messages. It publishes nothing."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import replace

import numpy as np
from rclpy.executors import Executor
from rclpy.node import Node

from neuracore_ros.description import Command, DirectCommand, Robot
from neuracore_ros.description.command import ACTIONS
from neuracore_ros.description.source_options import TELEOP
from neuracore_ros.node.executor import spin
from neuracore_ros.node.graph import full_name, is_named
from neuracore_ros.node.live.commands import PARAMETERS
from neuracore_ros.node.live.facts import (
    Arrivals,
    ClockFacts,
    CommandFacts,
    GraphFacts,
)
from neuracore_ros.node.live.names import MessageContents, read_names
from neuracore_ros.node.live.probe import (
    DISCOVERY_S,
    TopicMonitor,
    ask_parameters,
    command_facts,
    first_time_ns,
    passive_node,
    stream_facts,
    time_domain,
)
from neuracore_ros.node.speed_scaling import SpeedScaling
from neuracore_ros.node.subscriptions import Subscriptions
from neuracore_ros.node.topics import (
    CHECK_DEPTHS,
    CLOCK,
    SubscribedTopic,
    clock_topic,
    declared_topics,
)

SETTLE_S = 0.5
REFRESH_PERIOD_S = 0.25


def probe_graph(
    robot: Robot, needed: Collection[str] | None, seconds: float, namespace: str = ''
) -> GraphFacts:
    """Listen for a while to everything that a robot file declares.

    Args:
        robot: Whose input, measured and human's sources, and commands.
        needed: Topics that the policy reads; None: all.
        seconds: How long to listen [s].
        namespace: Of topics without a leading slash.

    Raises:
        DescriptionError: A source or a command is missing in the robot file.
        UserError: A message type is not installed.
    """
    with passive_node(namespace) as (node, executor):
        probe = GraphProbe(node, executor, robot)
        probe.discover()
        probe.listen(seconds)
        return probe.facts(needed)


class GraphProbe:
    """The subscriptions and clients of one check, and what they received."""

    def __init__(self, node: Node, executor: Executor, robot: Robot) -> None:
        self._node, self._executor, self._robot = node, executor, robot
        self._sources = (
            *robot.input_sources(),
            *robot.all_measured(),
            *robot.teleop_sources(),
        )
        self._commands = commands = robot.all_commands()
        self._topics = declared_topics(self._sources, CHECK_DEPTHS)
        self._monitors = {name: TopicMonitor(topic.type) for name, topic in self._topics.items()}
        self._clock: list[tuple[int, int]] = []
        self._rival_messages: Counter[str] = Counter()
        self._parameters: dict[str, Mapping[str, object] | None] = {}
        self._speed_scaling = {c.topic: SpeedScaling(node, [c.topic]) for c in commands}

    # Listening

    def discover(self) -> None:
        """Wait until all endpoints have been found, or no more are likely to be."""
        spin(self._executor, SETTLE_S)
        spin(self._executor, DISCOVERY_S - SETTLE_S, self._all_found)

    def _all_found(self) -> bool:
        """True once every topic has an endpoint, and the nodes of all endpoints are known."""
        node = self._node
        found = [node.get_publishers_info_by_topic(topic) for topic in self._topics]
        found += [
            node.get_subscriptions_info_by_topic(command.topic)
            for command in self._commands
            if command.type not in ACTIONS
        ]
        return all(infos and all(is_named(info) for info in infos) for infos in found)

    def listen(self, seconds: float) -> None:
        """Take what comes, and ask controllers and publishers for their parameters."""
        depth = CHECK_DEPTHS.of
        topics = [
            *self._topics.values(),
            clock_topic(CHECK_DEPTHS),
            *(
                SubscribedTopic(command.topic, command.type, 'match', depth(command.type))
                for command in self._commands
                if command.topic not in self._topics and self._is_contested(command)
            ),
        ]
        subscriptions = Subscriptions(
            self._node, topics, self._receive, raw=True, lost=self._on_lost
        )
        self._parameters = ask_parameters(self._node, self._executor, self._asked())
        self._forget()
        end_s = time.monotonic() + seconds
        while (left_s := end_s - time.monotonic()) > 0:
            subscriptions.refresh()
            for scaling in self._speed_scaling.values():
                scaling.refresh()
            spin(self._executor, min(left_s, REFRESH_PERIOD_S))
        subscriptions.close()
        for scaling in self._speed_scaling.values():
            scaling.factors()
            scaling.close()

    def _is_contested(self, command: Command | DirectCommand) -> bool:
        """True if others publish and receive the command.

        Otherwise we do not subscribe: a node that waits for a listener would take us for its
        controller.
        """
        return bool(
            command.type not in ACTIONS
            and self._node.count_publishers(command.topic)
            and self._node.count_subscribers(command.topic)
        )

    def _forget(self) -> None:
        """Drop what came while subscriptions were being matched, at wrong rates."""
        for name, topic in self._topics.items():
            if not topic.latched:
                self._monitors[name] = TopicMonitor(topic.type)
        self._rival_messages.clear()
        self._clock = self._clock[-1:]

    def _receive(self, topic: str, data: bytes) -> None:
        now_ns = time.time_ns()
        if topic == CLOCK:
            self._clock.append((now_ns, first_time_ns(data)))
        elif topic in self._monitors:
            self._monitors[topic].receive(data, now_ns, self._clock[-1][1] if self._clock else 0)
        else:
            self._rival_messages[topic] += 1

    def _on_lost(self, topic: str, count: int) -> None:
        if topic in self._monitors:
            self._monitors[topic].lost += count

    # What was found

    def facts(self, needed: Collection[str] | None) -> GraphFacts:
        """The facts that were found."""
        arrivals = {topic: monitor.arrivals() for topic, monitor in self._monitors.items()}
        domain = time_domain(arrivals.values())
        messages = {
            topic: [
                (clock_ns if domain == 'sim' else now_ns, data)
                for now_ns, clock_ns, data in monitor.messages
            ]
            for topic, monitor in self._monitors.items()
        }
        read = read_names(self._robot, self._sources, messages)
        streams = tuple(
            replace(
                stream_facts(
                    self._node,
                    name,
                    (source for source in self._sources if name in source.topics),
                    topic.reliability,
                ),
                arrivals=arrivals[name],
                faults=read.faults.get(name, ()),
                by_names=self._by_names(name, arrivals[name], read),
                name_sets=read.name_sets.get(name, ()),
                picture=read.pictures.get(name, ''),
                needed=(needed is None or name in needed) and not self._is_of_human(name),
                is_static=topic.latched,
                is_commanded=self._follows_ours(name),
            )
            for name, topic in self._topics.items()
        )
        clock = np.array(self._clock, np.int64).reshape(-1, 2)
        clocks = self._node.get_publishers_info_by_topic(CLOCK)
        facts = ClockFacts(
            publishers=tuple(sorted({full_name(info) for info in clocks})),
            clock_ns=clock[:, 1],
            receive_ns=clock[:, 0],
            use_sim_time={
                node: bool(values['use_sim_time'])
                for node, values in self._parameters.items()
                if values is not None and 'use_sim_time' in values
            },
            domain=domain,
        )
        return GraphFacts(streams, read.joints, facts, tuple(map(self._command, self._commands)))

    def _is_of_human(self, topic: str) -> bool:
        """True for a topic that is read only while a human commands."""
        read = [source for source in self._sources if topic in source.topics]
        return all(source.section == TELEOP for source in read)

    def _follows_ours(self, topic: str) -> bool:
        """True if all that is read of a topic follows commands of what the node commands."""
        ours = {
            (joint.data_type.measured, joint.name)
            for command in self._robot.commands()
            for joint in command.joints
        }
        read = [source for source in self._sources if topic in source.topics]
        return all(s.follow_s is not None and (s.data_type, s.name) in ours for s in read)

    def _by_names(
        self, topic: str, arrivals: Arrivals, read: MessageContents
    ) -> tuple[tuple[tuple[str, ...], Arrivals], ...]:
        # Of very many messages, only the newest are kept to be read.
        unread = arrivals.count - len(self._monitors[topic].messages)
        return tuple(
            (names, arrivals.of([unread + number for number in numbers]))
            for names, numbers in read.together.get(topic, {}).items()
        )

    def _command(self, command: Command | DirectCommand) -> CommandFacts:
        monitor = self._monitors.get(command.topic)
        return replace(
            command_facts(self._node, command),
            parameters=self._parameters,
            rival_messages=len(monitor.times) if monitor else self._rival_messages[command.topic],
            speed_scaling=self._speed_scaling[command.topic].factors(),
        )

    def _asked(self) -> dict[str, tuple[str, ...]]:
        """Node -> the parameters that matter of it."""
        asked: dict[str, tuple[str, ...]] = {}
        for topic in (*self._topics, CLOCK):
            for info in self._node.get_publishers_info_by_topic(topic):
                asked[full_name(info)] = ('use_sim_time',)
        for command in self._commands:
            names = (
                'use_sim_time',
                *PARAMETERS,
                *(f'constraints.{slot.message_name}.trajectory' for slot in command.slots),
            )
            listeners = command_facts(self._node, command).listeners
            asked |= dict.fromkeys((listener.node for listener in listeners), names)
        return asked
