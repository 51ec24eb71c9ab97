"""The report of a node about itself, as its messages on ``/diagnostics`` have it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from neuracore_ros.errors import MESSAGE_LENGTH, shortened

INFERENCE = 'infer: inference'
STREAM = 'infer: '

RUNNING, TAKEOVER, WAITING = 'RUNNING', 'TAKEOVER', 'WAITING'
HOLDING, DISABLED = 'HOLDING', 'DISABLED'
STATES = (RUNNING, TAKEOVER, WAITING, HOLDING, DISABLED)
"""The states that a node tells; `runner.State` has the same."""

_LEVELS = {b'\x00': 'ok', b'\x01': 'warning', b'\x02': 'error', b'\x03': 'stale'}
_WAITS_FOR_ACTIVATE = 'waits for activate'
_WAITS_FOR_ENABLE = 'waits for: '
_MOST_STREAMS = 64
_NAME_LENGTH = 120


@dataclass(frozen=True, slots=True)
class StreamReport:
    """One input topic.

    Attributes:
        topic: Its name, as the robot file has it.
        level: ``ok``, ``warning``, ``error`` or ``stale``.
        problem: Why it is not ok, in one line; '' where it is.
        rate_hz: As text, of the name that comes least often [Hz].
        age_s: As text, of the newest sample [s]; '' before the first.
        drops: As text, messages that gave no sample.
    """

    topic: str
    level: str
    problem: str
    rate_hz: str
    age_s: str
    drops: str


@dataclass(frozen=True, slots=True)
class NodeReport:
    """One message of a node about itself; all text is printable, and in one line.

    Attributes:
        node: Full name of the node; '' of a node that does not tell it.
        robot: Name of the robot.
        state: One of `STATES`.
        reason: Why the robot does not run; may be empty.
        next: What ends that, as the node says it.
        commander: In words.
        figures: The other values, key -> text.
        streams: The input topics.
    """

    node: str
    robot: str
    state: str
    reason: str
    next: str
    commander: str
    figures: Mapping[str, str]
    streams: tuple[StreamReport, ...]

    @property
    def is_active(self) -> bool:
        """Whether the node runs, and does not wait for ``activate``."""
        return self.next != _WAITS_FOR_ACTIVATE

    @property
    def waits_for_enable(self) -> bool:
        """Whether only ``~/enable`` ends what the node does."""
        return self.next.startswith(_WAITS_FOR_ENABLE)

    @classmethod
    def from_message(cls, message: Any) -> NodeReport | None:
        """Read a DiagnosticArray; None if it is not of an ``infer_node``."""
        found = [status for status in message.status if status.name == INFERENCE]
        if not found:
            return None
        values = _values(found[0])
        streams = [s for s in message.status if s.name.startswith(STREAM) and s is not found[0]]
        told = ('node', 'state', 'reason', 'next', 'commander')
        return cls(
            node=values.get('node', ''),
            robot=shortened(found[0].hardware_id, _NAME_LENGTH),
            state=values.get('state', ''),
            reason=values.get('reason', ''),
            next=values.get('next', ''),
            commander=values.get('commander', ''),
            figures={key: text for key, text in values.items() if key not in told},
            streams=tuple(map(_stream, streams[:_MOST_STREAMS])),
        )


def _stream(status: Any) -> StreamReport:
    values, level = _values(status), _LEVELS.get(status.level, 'error')
    return StreamReport(
        topic=shortened(status.name.removeprefix(STREAM), _NAME_LENGTH),
        level=level,
        problem='' if level == 'ok' else shortened(status.message, MESSAGE_LENGTH),
        rate_hz=values.get('rate_hz', ''),
        age_s=values.get('age_s', ''),
        drops=values.get('drops', ''),
    )


def _values(status: Any) -> dict[str, str]:
    # Whoever is on the network may send these: no text may reach a terminal as it came.
    return {
        shortened(each.key, _NAME_LENGTH): shortened(each.value, MESSAGE_LENGTH)
        for each in status.values
    }
