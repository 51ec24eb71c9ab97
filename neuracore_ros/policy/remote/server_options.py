"""The options of a policy that a server executes."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from neuracore_ros.errors import PolicyError
from neuracore_ros.policy.manifest import Manifest

API_KEY = 'NEURACORE_ROS_API_KEY'
"""The environment variable of a server's key, which no list of processes shows."""
FIRST_ANSWER_S = 120.0
"""Patience with a first prediction, for which a server may compile."""
_LEAST_TIMEOUT_S = 1.0
# Of what the runner waits: so the reason for a stop is what the server did, and not that the
# prediction is late.
_SHARE = 0.9


def api_key() -> str:
    """The key in the environment; '' if there is none.

    Raises:
        PolicyError: It has letters that no header can carry.
    """
    key = os.environ.get(API_KEY, '').strip()
    if not (key.isascii() and key.isprintable()):
        raise PolicyError(
            f'{API_KEY} has letters that no header can carry: others than ASCII, or a second line'
        )
    return key


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """The options of a connection to a policy server.

    Attributes:
        address: In the place of that in a server file; '' keeps that.
        timeout_s: For one prediction, connecting included; 0: 90 % of what one covers, and at
            least 0.9 s.
        jpeg_quality: Of images on the way to a server of ours, 1 to 100; 0 sends them as they are.
        api_key: That the server asks for; '' if it asks for none.
    """

    address: str = ''
    timeout_s: float = 0.0
    jpeg_quality: int = 0
    api_key: str = field(default_factory=api_key, repr=False)

    @classmethod
    def patient(cls, address: str = '') -> ServerOptions:
        """Make the options of a tool that moves no robot: it tells of a slow answer, and waits."""
        return cls(address, timeout_s=FIRST_ANSWER_S)

    def deadline_s(self, manifest: Manifest) -> float:
        """The longest time that a prediction may take [s]."""
        covered_s = manifest.horizon / manifest.rate_hz
        return self.timeout_s or _SHARE * max(covered_s, _LEAST_TIMEOUT_S)


class AnswerDeadline:
    """The deadline of the next answer, a patient one until the first has come.

    Args:
        usual_s: Of later ones [s].

    Attributes:
        s: From the request on [s].
    """

    def __init__(self, usual_s: float) -> None:
        self._usual_s = usual_s
        self.s = max(usual_s, FIRST_ANSWER_S)

    def answered(self) -> None:
        """Note that an answer has come."""
        self.s = self._usual_s
