"""What the graph says of topics on which nothing comes, or to which nobody listens."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

from rclpy.node import Node

from neuracore_ros.description import Command, Source
from neuracore_ros.node.live.silence import NODE_NAMESPACE_OPTION, why_silent, why_unheard

# Nodes find each other, and drivers start, within this; what lasts longer is told.
PATIENCE_S = 2.0


class GraphWatch:
    """Looks for the reason when the node waits in vain.

    Args:
        node: Owner of the subscriptions and publishers.
        sources: Of everything that is read.
        commands: Of everything that is sent.

    Attributes:
        reasons: Topic as declared -> why it has been silent or unheard for a while, in one line
            with what to do.
    """

    def __init__(self, node: Node, sources: Sequence[Source], commands: Sequence[Command]) -> None:
        self._node = node
        self._commands = commands
        self._sources: dict[str, list[Source]] = {}
        for source in sources:
            self._sources.setdefault(source.topic, []).append(source)
        self._heard_s: dict[str, float] = {}
        self._unheard_s: dict[str, float] = {}
        self._started_s = math.inf
        self.reasons: dict[str, str] = {}

    def start(self, now_s: float) -> None:
        """Be patient from now on, on a clock that always runs [s]."""
        self._started_s = now_s
        self._heard_s.clear()
        self._unheard_s.clear()
        self.reasons = {}

    def hear(self, topic: str, now_s: float) -> None:
        """Note a message, whatever it holds."""
        self._heard_s[topic] = now_s

    def look(self, now_s: float, lacking: Collection[str], unheard: Collection[str]) -> None:
        """Find reasons anew.

        Args:
            now_s: Now.
            lacking: Topics of which a sample is missing or stale.
            unheard: Command topics to which nobody listens.
        """
        self._unheard_s = {topic: self._unheard_s.get(topic, now_s) for topic in unheard}
        silent = [
            topic
            for topic in dict.fromkeys(lacking)
            if now_s - self._heard_s.get(topic, self._started_s) > PATIENCE_S
        ]
        deaf = [topic for topic, s in self._unheard_s.items() if now_s - s > PATIENCE_S]
        found = {
            topic: why_silent(self._node, topic, self._sources[topic], NODE_NAMESPACE_OPTION)
            for topic in silent
        }
        found |= {topic: why_unheard(self._node, self._commands, topic) for topic in deaf}
        self.reasons = {topic: why for topic, why in found.items() if why}
