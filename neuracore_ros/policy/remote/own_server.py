"""A policy that ``neuracore_ros serve`` executes, on this computer or another.

The server sends the manifest itself, so that nothing has to be described twice; docs/serving.md
has the format of its frames.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any

import numpy as np

from neuracore_ros import __version__
from neuracore_ros.arrays import Array, BoolArray
from neuracore_ros.description import DataType
from neuracore_ros.errors import WireError, quoted
from neuracore_ros.policy.manifest import Manifest
from neuracore_ros.policy.remote.server_link import ServerLink, another_policy
from neuracore_ros.policy.remote.server_options import (
    FIRST_ANSWER_S,
    AnswerDeadline,
    ServerOptions,
)
from neuracore_ros.records import Record, RecordOrigin
from neuracore_ros.wire.jpeg import as_jpeg
from neuracore_ros.wire.websocket import WebSocketConnection

OURS = 'neuracore_ros'
"""The key of the metadata that only a server of ours has."""
FORMAT = 1


@dataclass(frozen=True, slots=True)
class ServedPolicy:
    """The policy of a server, as its first frame describes it.

    Attributes:
        text: The manifest, as JSON.
        sha256: Of the policy file.
    """

    text: str
    sha256: str

    def metadata(self) -> dict[str, Any]:
        """The first frame of a server."""
        about = {
            'format': FORMAT,
            'manifest': self.text,
            'manifest_sha256': _digest(self.text),
            'policy_sha256': self.sha256,
            'version': __version__,
        }
        return {OURS: about}

    @classmethod
    def read(cls, metadata: Mapping[str, Any], address: str) -> ServedPolicy:
        """Take it from the first frame of a server.

        Raises:
            WireError: It is not one of ours, or of another version, or contradicts itself.
        """
        if OURS not in metadata:
            raise WireError(
                f'{address}: is a policy server, but does not say what its arrays mean: describe '
                'it in a server file (docs/server_file.md), and give that as the model'
            )
        about = Record(metadata[OURS], RecordOrigin(f'{address}: {OURS}', WireError))
        if (number := about.value('format')) != FORMAT or isinstance(number, bool):
            raise about.error(f'format {quoted(number)} is unknown; this version reads {FORMAT}')
        text = about.text('manifest')
        if about.text('manifest_sha256') != _digest(text):
            raise about.error('the manifest does not have its own sha256')
        return cls(text, about.text('policy_sha256'))


class OwnServer:
    """The runtime of a policy at an address.

    Args:
        address: Such as ``ws://gpu-box:8000``.
        options: Of the connection.

    Attributes:
        manifest: Of the policy that is served.
        sha256: Of its file.
        link: To it.

    Raises:
        WireError: Nothing listens there, or it is no server of ours.
    """

    def __init__(self, address: str, options: ServerOptions) -> None:
        self._address = address
        self._jpeg_quality = options.jpeg_quality
        self._numbers = count(1)
        self._served: ServedPolicy | None = None
        self._connection = WebSocketConnection(address, options.api_key, greet=self._greet)
        self.link = ServerLink(self._connection)
        try:
            self._connection.open(FIRST_ANSWER_S)
            served = self._served
            assert served is not None  # A connection greets before it is open.
            self.manifest: Manifest = Manifest.from_json(served.text, address)
        except BaseException:
            self.link.close()
            raise
        self.sha256: str = served.sha256
        self._deadline: AnswerDeadline = AnswerDeadline(options.deadline_s(self.manifest))

    def run(
        self, inputs: Mapping[str, Array], valid: Mapping[str, BoolArray]
    ) -> Mapping[str, Array]:
        """Let the server execute the model once."""
        number = next(self._numbers)
        request: dict[str, Any] = {name: array[0] for name, array in inputs.items()}
        rgb = DataType.RGB_IMAGES.value
        if self._jpeg_quality and rgb in request:
            request[rgb] = as_jpeg(request[rgb], self._jpeg_quality)
        request['valid'] = {name: mask[0] for name, mask in valid.items()}
        request |= {'request_id': number, 'as_model': True}
        answer = self.link.ask(request, self._deadline.s)
        self._deadline.answered()
        if not isinstance(answer, Mapping) or answer.get('request_id') != number:
            self._connection.drop()
            raise WireError(f'{self._address}: answered another request')
        actions = answer.get('actions')
        if not isinstance(actions, Mapping):
            raise WireError(f"{self._address}: the answer has no 'actions'")
        return {name: np.asarray(array)[None] for name, array in actions.items()}

    def _greet(self, metadata: Mapping[str, Any]) -> None:
        """Take the policy of a first connection, and no other of a later one."""
        served = ServedPolicy.read(metadata, self._address)
        if self._served is not None and served != self._served:
            new, old = served.sha256[:12], self._served.sha256[:12]
            raise another_policy(self._address, f'sha256 {new}, it was {old}')
        self._served = served


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
