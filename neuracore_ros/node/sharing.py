"""Publishers that share a topic, and whether each has something of its own to say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from neuracore_ros.description.source import JOINT_STATE
from neuracore_ros.node.graph import contention

# So long a driver may keep us waiting for its first message.
_PATIENCE_S = 3.0
_MOST_NAME_SETS = 16


class Sharing:
    """Who publishes one topic, and with which names.

    Args:
        kind: ROS message type.
    """

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._publishers: Sequence[str] = ()
        self._name_sets: dict[tuple[str, ...], None] = {}
        self._since_s = 0.0

    def hear(self, message: Any) -> None:
        """Note the names of a message, if somebody may share the topic."""
        if self._kind != JOINT_STATE or len(self._publishers) < 2:
            return
        if len(self._name_sets) < _MOST_NAME_SETS:
            self._name_sets[tuple(message.name)] = None

    def doubt(self, publishers: Sequence[str], now_s: float) -> str:
        """Why the values may jump between the publishers; empty where they do not.

        Args:
            publishers: Full names of the nodes that publish it now, each once.
            now_s: Now, on a clock that always runs [s].
        """
        if publishers != self._publishers:
            # Whoever is gone says nothing any more.
            self._publishers, self._since_s = publishers, now_s
            self._name_sets.clear()
        waits = len(self._name_sets) < len(publishers) and now_s - self._since_s < _PATIENCE_S
        if self._kind == JOINT_STATE and waits:
            return ''
        return contention(self._kind, publishers, tuple(self._name_sets))
