"""Reasons from the graph why a topic is silent, or a command topic has no listener."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence

from rclpy.node import Node

from neuracore_ros.description import Command, DirectCommand, Source
from neuracore_ros.node.clock_monitor import clock_cure, standstill
from neuracore_ros.node.graph import publisher_names
from neuracore_ros.node.live.commands import check_listeners
from neuracore_ros.node.live.probe import command_facts, stream_facts
from neuracore_ros.node.live.streams import check_publishers
from neuracore_ros.node.topics import CLOCK
from neuracore_ros.observation.streams import StreamStatus

USE_SIM_TIME, NAMESPACE_OPTION = 'use_sim_time:=true', '-r __ns:='
# Nodes find each other, and drivers start, within this; what lasts longer is reported.
PATIENCE_S = 2.0
_GONE = 'nobody publishes it any more'


class GraphMonitor:
    """Finds reasons in the graph while streams or listeners are missing.

    Attributes:
        silences: Topic as declared -> why it has been silent for a while, with a cure.
        unheard: Command topic -> why it has had no listener for a while, with a cure.
        clock_cure: The cure for stamps of another clock; empty if a clock is just wrong.
        astray: The topics that need it, in one line; empty if none does.
    """

    def __init__(
        self,
        node: Node,
        sources: Sequence[Source],
        commands: Sequence[Command | DirectCommand],
    ) -> None:
        self._node = node
        self._commands = {command.topic: command for command in commands}
        self._sources: dict[str, list[Source]] = {}
        for source in sources:
            self._sources.setdefault(source.topic, []).append(source)
        self._heard_s: dict[str, float] = {}
        self._unheard_s: dict[str, float] = {}
        self._started_s = math.inf
        self.silences: dict[str, str] = {}
        self.unheard: dict[str, str] = {}
        self._clocks: list[str] = []
        self._simulated = False
        self.clock_cure = self.astray = ''

    def start(self, now_s: float) -> None:
        """Begin to wait, at a steady time [s]."""
        self._started_s = now_s
        self._heard_s.clear()
        self.rest()
        self._unheard_s = dict.fromkeys(self._commands, now_s)
        self.update_clock(running=False)

    def receive(self, topic: str, now_s: float) -> None:
        """Note a message, whatever it holds."""
        self._heard_s[topic] = now_s

    def rest(self) -> None:
        """Forget all reasons, since the robot runs."""
        self._unheard_s.clear()
        self.silences, self.unheard, self.astray = {}, {}, ''

    def update_clock(self, running: bool) -> None:
        """Find out by which clock the streams are stamped.

        Args:
            running: Whether the robot runs, so that names need not be asked for before the number
                of publishers changes.
        """
        simulated = bool(self._node.get_clock().ros_time_is_active)
        same = self._node.count_publishers(CLOCK) == len(self._clocks)
        if running and same and simulated == self._simulated:
            return
        self._simulated = simulated
        self._clocks = publisher_names(self._node.get_publishers_info_by_topic(CLOCK))
        self.clock_cure = clock_cure(simulated, self._clocks, USE_SIM_TIME)

    @property
    def standstill(self) -> str:
        """The reason why simulated time stands still, and its cure."""
        return standstill(self._clocks, USE_SIM_TIME)

    def update(
        self, now_s: float, streams: Iterable[StreamStatus], unheard: Collection[str]
    ) -> None:
        """Find reasons anew for streams, and for command topics without a listener."""
        lacking = [s for s in streams if s.age_s is None or s.stale]
        astray = dict.fromkeys(s.topic for s in lacking if s.problem and s.drops.get('clock'))
        self.astray = ''
        if self.clock_cure and astray:
            self.astray = f'header stamps of {", ".join(astray)}: {self.clock_cure}'
        self.silences = {
            topic: self._why_silent(topic)
            for topic in dict.fromkeys(stream.topic for stream in lacking)
            if now_s - self._heard_s.get(topic, self._started_s) > PATIENCE_S
        }
        self._unheard_s = {topic: self._unheard_s.get(topic, now_s) for topic in unheard}
        deaf = [topic for topic, s in self._unheard_s.items() if now_s - s > PATIENCE_S]
        found = {topic: why_unheard(self._node, self._commands[topic]) for topic in deaf}
        self.unheard = {topic: why for topic, why in found.items() if why}

    def reasons(self) -> list[str]:
        """Reasons why streams are missing, one line each; streams that went together share one."""
        gone = [topic for topic, why in self.silences.items() if why == _GONE]
        others = [why for why in self.silences.values() if why != _GONE]
        reported = f'nobody publishes {", ".join(gone)} any more' if gone else ''
        return [*filter(None, [self.astray, reported]), *others]

    def _why_silent(self, topic: str) -> str:
        # A topic that has come before is not misspelt.
        if topic in self._heard_s and not self._node.count_publishers(topic):
            return _GONE
        why = why_silent(self._node, topic, self._sources[topic], NAMESPACE_OPTION)
        return why or f'{topic}: it has a publisher, but nothing comes: is its driver running?'


def why_silent(node: Node, topic: str, sources: Sequence[Source], namespace_option: str) -> str:
    """The reason from the graph why a topic is silent; empty if it has a publisher that matches.

    Args:
        node: Ours, which subscribes to it.
        topic: As declared.
        sources: What is read from it.
        namespace_option: How the user gives a namespace.
    """
    facts = stream_facts(node, topic, sources, sources[0].reliability)
    lines = check_publishers(facts, namespace_option)
    return '; '.join(line.text for line in lines if line.level == 'error')


def why_unheard(node: Node, command: Command | DirectCommand) -> str:
    """The reason why a command topic of this node has no listener; empty if it has one."""
    lines = check_listeners(command_facts(node, command), NAMESPACE_OPTION)
    return '; '.join(line.text for line in lines)
