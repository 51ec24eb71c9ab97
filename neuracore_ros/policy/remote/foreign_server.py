"""A policy that somebody else's server executes, as a server file describes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from neuracore_ros.arrays import Array, BoolArray
from neuracore_ros.policy.manifest import Manifest
from neuracore_ros.policy.remote.server_file import ServerFile
from neuracore_ros.policy.remote.server_map import ServerMap
from neuracore_ros.policy.remote.server_options import AnswerDeadline, ServerOptions


class Ask(Protocol):
    """A request and its answer: the method of a connection, or a function of this process."""

    def __call__(self, message: Mapping[str, Any], deadline_s: float, /) -> Any:
        """Give the answer within so many seconds, or raise a PolicyError."""


class ForeignServer:
    """The runtime of a policy behind a server file.

    Args:
        file: What the server's arrays mean.
        ask: Sends a request and gives the answer.
        options: Of the connection, of which the deadline counts here; None: the usual ones.

    Attributes:
        manifest: Of a policy that reads and predicts what the file says.
        sha256: Of the file: most servers do not say what they serve.
    """

    def __init__(self, file: ServerFile, ask: Ask, options: ServerOptions | None = None) -> None:
        self._map = ServerMap(file)
        self.manifest: Manifest = self._map.manifest()
        self.sha256 = file.sha256
        self._ask = ask
        usual_s = (options or ServerOptions(api_key='')).deadline_s(self.manifest)
        self._deadline = AnswerDeadline(usual_s)

    def run(
        self, inputs: Mapping[str, Array], valid: Mapping[str, BoolArray]
    ) -> Mapping[str, Array]:
        """Let the server execute the model once.

        Raises:
            PolicyError: No answer in time, or one that is not as the file says.
        """
        answer = self._ask(self._map.request(inputs, valid), self._deadline.s)
        self._deadline.answered()
        return self._map.outputs(answer, inputs)
