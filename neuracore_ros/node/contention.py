"""Contention: several publishers of one topic whose values would be mixed up."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

from neuracore_ros.description.source import JOINT_STATE, TF_MESSAGE

# Longest wait for the first message of a driver.
_PATIENCE_S = 3.0
MOST_NAME_SETS = 16


def contention(kind: str, publishers: Sequence[str], name_sets: Sequence[tuple[str, ...]]) -> str:
    """The reason why the values of a topic may jump between publishers; empty if they do not.

    Drivers of an arm and a gripper may share ``/joint_states``, and many nodes add frames
    to ``/tf``. An image has one camera.

    Args:
        kind: ROS message type.
        publishers: Full names of the nodes that publish it.
        name_sets: The different lists of names that messages had lately.
    """
    if len(publishers) < 2 or kind == TF_MESSAGE:
        return ''
    names = ', '.join(publishers)
    shared = {name for one, other in combinations(name_sets, 2) for name in set(one) & set(other)}
    if kind != JOINT_STATE or len(name_sets) < len(publishers):
        return f'{len(publishers)} publishers send it: {names}'
    return f'{names} send the same joints ({", ".join(sorted(shared))})' if shared else ''


class ContentionMonitor:
    """The publishers of one topic of a ROS message type, and the names in its messages."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._publishers: Sequence[str] = ()
        self._name_sets: dict[tuple[str, ...], None] = {}
        self._since_s = 0.0

    def receive(self, message: Any) -> None:
        """Note the names of a message, if the topic may be shared."""
        if self._kind != JOINT_STATE or len(self._publishers) < 2:
            return
        if len(self._name_sets) < MOST_NAME_SETS:
            self._name_sets[tuple(message.name)] = None

    def update(self, publishers: Sequence[str], now_s: float) -> str:
        """The reason why the values may jump between publishers; empty if they do not.

        Args:
            publishers: Full names of the nodes that publish it now, each once.
            now_s: Now, on a clock that always runs [s].
        """
        if publishers != self._publishers:
            # Names of publishers that have gone do not count.
            self._publishers, self._since_s = publishers, now_s
            self._name_sets.clear()
        waits = len(self._name_sets) < len(publishers) and now_s - self._since_s < _PATIENCE_S
        if self._kind == JOINT_STATE and waits:
            return ''
        return contention(self._kind, publishers, tuple(self._name_sets))
