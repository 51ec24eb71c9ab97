"""The server of one policy: openpi's protocol over WebSockets, one model, several clients.

The loop does nothing that takes time. One thread reads requests, runs the model and packs answers,
one after the other in the order in which they came; each client has one request in that order,
so none can take another's turn.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.protocol import State

from neuracore_ros.policy.model_thread import ModelThread
from neuracore_ros.policy.policy import Policy
from neuracore_ros.policy.remote.own_server import ServedPolicy
from neuracore_ros.serving.answers import PolicyAnswers
from neuracore_ros.serving.connection import MOST_CLIENTS, BoundedConnection, ClientRoom
from neuracore_ros.serving.listen_address import ListenAddress, listening, shown
from neuracore_ros.wire.packing import pack
from neuracore_ros.wording import counted

HEALTH = '/healthz'

_PING_S = 20.0
_HANDSHAKE_S = 5.0
_GOODBYE_S = 0.2
# Beyond an answer: of pings, and of errors.
_MOST_UNREAD = 2**20


@dataclass(slots=True)
class _Visit:
    """What one client has done."""

    predictions: int = 0
    errors: int = 0
    last_error: str = ''

    def __str__(self) -> str:
        told = counted(self.predictions, 'prediction')
        if not self.errors:
            return told
        return f'{told} and {counted(self.errors, "error")}, the last: {self.last_error}'


class PolicyServer:
    """A policy at an address.

    Args:
        policy: Of any kind.
        thread: On which the policy was loaded.
        api_key: That each client must have; '' lets everybody in.
        say: Takes one line for each client that comes or goes.
    """

    def __init__(
        self,
        policy: Policy,
        thread: ModelThread,
        api_key: str = '',
        say: Callable[[str], None] = lambda line: None,
    ) -> None:
        self._answers = PolicyAnswers(policy)
        self._thread = thread
        self._key = api_key.encode()
        self._say = say
        served = ServedPolicy(policy.manifest.to_json(), policy.sha256)
        self._metadata = pack(served.metadata())
        outputs = sum(
            8 * math.prod(policy.manifest.output_shape(kind)) for kind in policy.manifest.output
        )
        self._room = ClientRoom(outputs + len(self._metadata) + _MOST_UNREAD)

    async def start(self, place: ListenAddress) -> Server:
        """Listen; the server's ``sockets`` say where.

        Raises:
            WireError: The port is in use, or the host is none of this computer.
        """
        # What goes wrong on a client's side is no news of this one.
        logger = logging.Logger('websockets', logging.CRITICAL + 1)

        class OwnConnection(BoundedConnection):
            room = self._room

        with listening(place):
            server: Server = await serve(
                self._converse,
                place.host,
                place.port,
                # A browser says from which page it comes; no page may use what runs here.
                origins=[None],
                compression=None,
                process_request=self._admit,
                open_timeout=_HANDSHAKE_S,
                ping_interval=_PING_S,
                # A client that is stopped or busy for a while is none that has gone.
                ping_timeout=None,
                close_timeout=_GOODBYE_S,
                max_size=self._answers.most_bytes,
                # Then the socket is read no further.
                max_queue=1,
                logger=logger,
                create_connection=OwnConnection,
            )
        return server

    def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        """Answer what is no client, and let clients in."""
        if request.path == HEALTH:
            return connection.respond(HTTPStatus.OK, 'OK\n')
        if self._key and not self._has_key(request):
            return connection.respond(
                HTTPStatus.UNAUTHORIZED, 'needs the header Authorization: Api-Key KEY\n'
            )
        if len(self._room.clients) >= MOST_CLIENTS:
            return connection.respond(
                HTTPStatus.SERVICE_UNAVAILABLE, f'has {MOST_CLIENTS} clients already\n'
            )
        self._room.clients.add(connection)
        return None

    def _has_key(self, request: Request) -> bool:
        given = request.headers.get_all('Authorization')
        wanted = b'Api-Key ' + self._key
        # All of it is compared, so that the time says nothing of how much was right.
        return len(given) == 1 and hmac.compare_digest(
            given[0].encode('utf-8', 'surrogateescape'), wanted
        )

    async def _converse(self, connection: ServerConnection) -> None:
        """Answer the frames of one client, one after the other."""
        visit, who = _Visit(), shown(connection.remote_address)
        self._say(f'{who}: connected, {len(self._room.clients)} of at most {MOST_CLIENTS} clients')
        previous_ms = None
        try:
            await connection.send(self._metadata)
            while True:
                frame = await connection.recv()
                received_s = time.perf_counter()
                answer = await self._answer(connection, frame, received_s, previous_ms)
                if isinstance(answer, str):
                    visit.errors, visit.last_error = visit.errors + 1, answer
                else:
                    visit.predictions += 1
                await connection.send(answer)
                previous_ms = 1e3 * (time.perf_counter() - received_s)
        except (ConnectionClosed, ConnectionError):
            pass
        finally:
            self._say(f'{who}: gone after {visit}')

    async def _answer(
        self,
        connection: ServerConnection,
        frame: bytes | str,
        received_s: float,
        previous_ms: float | None,
    ) -> bytes | str:
        def work() -> bytes | str:
            # One that gave up while others were answered: its robot waits for no answer.
            if connection.state is not State.OPEN:
                return 'gone'
            return self._answers.answer(frame, received_s, previous_ms)

        return await asyncio.wrap_future(self._thread.submit(work))
