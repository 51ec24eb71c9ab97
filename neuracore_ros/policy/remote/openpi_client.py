"""A connection to a server of openpi's protocol that is not one of ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from neuracore_ros.policy.remote.server_link import another_policy
from neuracore_ros.policy.remote.server_options import FIRST_ANSWER_S
from neuracore_ros.wire.packing import pack
from neuracore_ros.wire.websocket import WebSocketConnection


class OpenpiClient:
    """Requests for actions, of one policy.

    The metadata of most such servers is empty: another policy behind the same address is noticed
    only where the metadata differs.

    Args:
        address: Such as ``ws://gpu-box:8000``.
        api_key: That the server asks for; '' sends none.
        deadline_s: For connecting.

    Raises:
        WireError: Nothing listens there, or it is no policy server.
    """

    def __init__(
        self, address: str, api_key: str = '', deadline_s: float = FIRST_ANSWER_S
    ) -> None:
        self._address = address
        self._known: bytes | None = None
        self._connection = WebSocketConnection(address, api_key, greet=self._greet)
        try:
            self._connection.open(deadline_s)
        except BaseException:
            self.close()
            raise

    def ask(self, message: Mapping[str, Any], deadline_s: float) -> Any:
        """Ask for actions; returns the answer as the server gave it.

        Args:
            message: An observation, with the server's keys.
            deadline_s: From now on.

        Raises:
            WireError: No answer in time, or an error; or the server has another policy now.
        """
        return self._connection.ask(message, deadline_s)

    def close(self) -> None:
        """Give the connection back; a request under way fails at once."""
        self._connection.close()

    def _greet(self, metadata: Mapping[str, Any]) -> None:
        """Take the metadata of a first connection, and no other of a later one."""
        found = pack(metadata)
        if self._known is not None and found != self._known:
            raise another_policy(self._address, 'its metadata differs')
        self._known = found
