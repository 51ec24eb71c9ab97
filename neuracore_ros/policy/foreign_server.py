"""A policy that somebody else's server executes, as a server file describes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from neuracore_ros.arrays import Array, BoolArray
from neuracore_ros.policy.server_file import ServerFile
from neuracore_ros.policy.server_map import ServerMap

FIRST_ANSWER_S = 120.0
"""Patience with a first prediction, for which a server may compile."""
_LEAST_TIMEOUT_S = 1.0


class Ask(Protocol):
    """A request and its answer: the method of a connection, or a function of this process."""

    def __call__(self, message: Mapping[str, Any], deadline_s: float, /) -> Any:
        """Give the answer within so many seconds, or raise a PolicyError."""


class ForeignServer:
    """The runtime of a policy behind a server file.

    Args:
        file: What the server's arrays mean.
        ask: Sends a request and gives the answer.
        timeout_s: For one prediction; 0: as long as one covers, and at least a second.

    Attributes:
        manifest: Of a policy that reads and predicts what the file says.
    """

    def __init__(self, file: ServerFile, ask: Ask, timeout_s: float = 0.0) -> None:
        self._map = ServerMap(file)
        self.manifest = self._map.manifest()
        self._ask = ask
        self._usual_s = timeout_s or max(file.horizon / file.rate_hz, _LEAST_TIMEOUT_S)
        self._timeout_s = max(self._usual_s, FIRST_ANSWER_S)

    def run(
        self, inputs: Mapping[str, Array], valid: Mapping[str, BoolArray]
    ) -> Mapping[str, Array]:
        """Let the server execute the model once.

        Raises:
            PolicyError: No answer in time, or one that is not as the file says.
        """
        answer = self._ask(self._map.request(inputs, valid), self._timeout_s)
        self._timeout_s = self._usual_s
        return self._map.outputs(answer, inputs)
