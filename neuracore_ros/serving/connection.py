"""The connection of one client, which can keep nobody else from the server."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass, field
from typing import ClassVar

from websockets.asyncio.server import ServerConnection

MOST_CLIENTS = 32
"""Clients at a time; a further one is told so."""
MOST_SOCKETS = 128
"""Sockets at a time, also of those that have not said yet what they want."""

# To take an answer. A slow network takes one of 100 kB in a second; then a few megabytes pass.
_UNTAKEN_S = 30.0
# What a dead network leaves unacknowledged; pings go out every 20 s.
_UNACKNOWLEDGED_MS = 60_000


@dataclass(slots=True)
class ClientRoom:
    """Sockets and clients that a server has.

    Attributes:
        most_unread: Of the bytes that wait for one client to read them.
        sockets: All connections.
        clients: Those of them that are clients.
    """

    most_unread: int
    sockets: set[ServerConnection] = field(default_factory=set)
    clients: set[ServerConnection] = field(default_factory=set)


class BoundedConnection(ServerConnection):
    """A connection that is dropped if there are too many, or if its client does not read.

    Each ping is answered at once, and what was answered and not read is kept in memory: a client
    that only sends would fill it.

    Attributes:
        room: Of the server.
    """

    room: ClassVar[ClientRoom]
    _untaken: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the socket, or drop it."""
        super().connection_made(transport)
        if len(self.room.sockets) >= MOST_SOCKETS:
            self.transport.abort()
            return
        self.room.sockets.add(self)
        own = transport.get_extra_info('socket')
        if own is not None and hasattr(socket, 'TCP_USER_TIMEOUT'):
            own.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNACKNOWLEDGED_MS)

    def connection_lost(self, exc: Exception | None) -> None:
        """Make room for another."""
        self.room.sockets.discard(self)
        self.room.clients.discard(self)
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what was sent, unless too much of what was answered has not been read."""
        super().data_received(data)
        if self.transport.get_write_buffer_size() > self.room.most_unread:
            self.transport.abort()

    def pause_writing(self) -> None:
        """Give the client a time to read."""
        super().pause_writing()
        self._untaken = self.loop.call_later(_UNTAKEN_S, self.transport.abort)

    def resume_writing(self) -> None:
        """Go on with a client that has read."""
        self._stop_waiting()
        super().resume_writing()

    def _stop_waiting(self) -> None:
        if self._untaken is not None:
            self._untaken.cancel()
            self._untaken = None
