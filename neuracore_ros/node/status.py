"""The node's status for people: state, reason, and what ends it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from neuracore_ros.runner import State


@dataclass(frozen=True, slots=True)
class Status:
    """State and reason, as the log and /diagnostics have them.

    Attributes:
        state: What the node does.
        reason: Why it does no more, in one line; may be empty.
        next: What ends that; empty while it runs.
        alarm: True if a person should act.
    """

    state: State
    reason: str
    next: str
    alarm: bool = False

    @property
    def line(self) -> str:
        """State and reason; of a robot that was stopped, also what ends that."""
        line = f'{self.state.value}: {self.reason}' if self.reason else self.state.value
        stands = self.state in (State.HOLDING, State.TAKEOVER)
        return f'{line} ({self.next})' if stands and self.next else line


def node_status(
    state: State,
    reason: str,
    by_itself: bool,
    found: Sequence[str],
    unheard: Mapping[str, str],
    enable: str,
    moves: bool = False,
) -> Status:
    """The status of a node that is active.

    Args:
        state: Of the runner.
        reason: Of the runner.
        by_itself: Whether a hold ends by itself.
        found: Reasons for missing streams, from the graph and the clock, one line each.
        unheard: Command topic -> why it has no listener.
        enable: Full name of the service that ends a hold.
        moves: Whether commands go out.
    """
    explained = [*found, *unheard.values()]
    if state is State.WAITING:
        following = 'starts by itself when everything is there'
        return Status(state, _joined(explained) or reason, following, bool(explained))
    call = f"waits for: ros2 service call {enable} std_srvs/srv/SetBool '{{data: true}}'"
    if state is State.HOLDING or (state is State.TAKEOVER and not moves):
        for topic, why in unheard.items():
            reason = reason.replace(f'nobody listens to {topic}', why)
        reason = _joined([reason, *(why for why in explained if why not in reason)])
        following = 'goes on by itself when this is over' if by_itself else call
        return Status(state, reason, following, alarm=True)
    return Status(state, reason, call if state is State.DISABLED else '')


def stopped_status(moved: bool, why: str) -> Status:
    """The status of a node whose simulated time stands still.

    Args:
        moved: Whether there ever was a time, and so a command.
        why: And what to do.
    """
    if not moved:
        return Status(State.WAITING, why, 'starts by itself when there is a time', alarm=True)
    reason = f'{why}. No step is made; what was commanded ends by itself'
    return Status(State.HOLDING, reason, 'goes on by itself when time does', alarm=True)


def _joined(lines: Sequence[str]) -> str:
    """Lines as one; a question needs no further mark."""
    return '; '.join(lines).replace('?; ', '? ')
