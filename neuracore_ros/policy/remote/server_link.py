"""The connection of a policy to its server, and how long that takes beside the model."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any, Protocol

from neuracore_ros.errors import WireError


class Askable(Protocol):
    """A connection to a policy server of some protocol."""

    def ask(self, message: Mapping[str, Any], deadline_s: float, /) -> Any:
        """Give the answer within so many seconds, or raise a WireError."""

    def close(self) -> None:
        """Give it back; a request under way fails at once."""


@dataclass(frozen=True, slots=True)
class RoundTrip:
    """The time of one request.

    Attributes:
        taken_s: From the request to its answer.
        server_s: What the server needed of it, as it says itself; NaN if it does not.
    """

    taken_s: float
    server_s: float

    @property
    def network_s(self) -> float:
        """Time for packing and for the way there and back; NaN if the server tells no time."""
        return max(self.taken_s - self.server_s, 0.0) if self.server_s >= 0.0 else math.nan


class ServerLink:
    """The connection of a policy to its server.

    Args:
        connection: That it asks.

    Attributes:
        newest: The time of the newest answer; None before the first.
    """

    def __init__(self, connection: Askable) -> None:
        self._connection = connection
        self.newest: RoundTrip | None = None

    def ask(self, message: Mapping[str, Any], deadline_s: float) -> Any:
        """Ask, and note how long that takes; see `Askable`."""
        start_s = time.perf_counter()
        answer = self._connection.ask(message, deadline_s)
        self.newest = RoundTrip(time.perf_counter() - start_s, _server_s(answer))
        return answer

    def close(self) -> None:
        """Give the connection back, and end its thread; a request under way fails at once."""
        self._connection.close()


def another_policy(address: str, how: str) -> WireError:
    """Make the error for a server that has another policy than the one that was configured.

    Args:
        address: Of the server.
        how: It shows.
    """
    return WireError(f'{address}: serves another policy now ({how}): configure again to take it')


def _server_s(answer: Any) -> float:
    """What a server tells of its own time under ``server_timing``, as openpi's do; or NaN."""
    timing = answer.get('server_timing') if isinstance(answer, Mapping) else None
    told_ms = timing.get('infer_ms') if isinstance(timing, Mapping) else None
    return float(told_ms) / 1e3 if isinstance(told_ms, Real) else math.nan
