"""A connection to a policy of GR00T that is what a server file says, and stays the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from neuracore_ros.policy.remote.gr00t_modalities import Modalities
from neuracore_ros.policy.remote.server_file import ServerFile
from neuracore_ros.policy.remote.server_link import another_policy
from neuracore_ros.policy.remote.server_options import FIRST_ANSWER_S
from neuracore_ros.wire.zeromq import ZeroMqConnection

# There is one more endpoint of each server, which ends it, whoever asks: it is never asked.
_DESCRIBE = {'endpoint': 'get_modality_config'}


class Gr00tClient:
    """Requests for actions, of a server that was found to be the right one.

    Args:
        file: What its arrays mean.
        address: Such as ``tcp://gpu-box:5555``.
        token: That the server asks for; '' sends none.
        deadline_s: For connecting, and for the description of its policy.

    Raises:
        PolicyError: Nothing listens there, it is no server of GR00T, or the file describes another
            policy.
    """

    def __init__(
        self,
        file: ServerFile,
        address: str,
        token: str = '',
        deadline_s: float = FIRST_ANSWER_S,
    ) -> None:
        self._file = file
        self._address = address
        self._known: Modalities | None = None
        self._connection = ZeroMqConnection(address, token, greeting=_DESCRIBE, greet=self._greet)
        try:
            self._connection.open(deadline_s)
        except BaseException:
            self.close()
            raise

    def ask(self, message: Mapping[str, Any], deadline_s: float) -> Any:
        """Ask for actions.

        Args:
            message: ``data`` of the request, as the version of the server has it.
            deadline_s: From now on.

        Raises:
            WireError: No answer in time, or an error; or the server has another policy now.
        """
        return self._connection.ask({'endpoint': 'get_action', 'data': message}, deadline_s)

    def close(self) -> None:
        """Give the connection back; a request under way fails at once."""
        self._connection.close()

    def _greet(self, answer: Any) -> None:
        """Take the policy of a first connection, and no other of a later one."""
        found = Modalities.read(answer, self._address)
        if self._known is None:
            found.require_described_by(self._file)
        elif found.sha256 != self._known.sha256:
            new, old = found.sha256[:12], self._known.sha256[:12]
            raise another_policy(self._address, f'modality config {new}, it was {old}')
        self._known = found
