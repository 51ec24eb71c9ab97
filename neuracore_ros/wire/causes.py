"""The causes for which a WebSocket fails, in words that say what to do."""

from __future__ import annotations

import errno
import os
import ssl
from collections.abc import Callable
from typing import Any

from websockets.exceptions import (
    ConnectionClosed,
    InvalidHandshake,
    InvalidStatus,
    InvalidURI,
    PayloadTooBig,
)

from neuracore_ros.errors import shortened

_TOO_BIG = 1009
_REFUSED = f'[Errno {errno.ECONNREFUSED}]'
# Of the end of a text that is searched for its last line [characters].
_LONGEST = 4000


def last_line(text: str) -> str:
    """The last line of a server's traceback, which tells what went wrong."""
    # Of the end alone: a frame may hold millions of lines.
    lines = [line.strip() for line in text[-_LONGEST:].splitlines() if line.strip()]
    return shortened(lines[-1], 300) if lines else 'it says nothing'


def cause_of(error: BaseException) -> str:
    """The cause of an error, such as ``nothing listens there``."""
    # Several addresses of one host are reported together, as a plain OSError.
    if isinstance(error, ConnectionRefusedError) or _REFUSED in str(error):
        return 'nothing listens there: start the server, or correct the address'
    words = (say(error) for kind, say in _CAUSES.items() if isinstance(error, kind))
    return next(words, '') or str(error) or type(error).__name__


def _status(error: InvalidStatus) -> str:
    status = error.response.status_code
    if status in {401, 403}:
        return f"refuses the API key (HTTP {status}): set NEURACORE_ROS_API_KEY to the server's"
    return f'is no policy server: it answers HTTP {status}'


def _closed(error: ConnectionClosed) -> str:
    if error.sent is not None and error.sent.code == _TOO_BIG:
        return f'sent a frame that is too large: {error.sent.reason}'
    if error.rcvd is not None and (error.rcvd.reason or error.rcvd.code != 1000):
        return f'closed the connection: {error.rcvd.code} {error.rcvd.reason}'.rstrip()
    return 'closed the connection'


# The first that fits: subclasses stand above their classes.
_CAUSES: dict[type[BaseException], Callable[[Any], str]] = {
    ssl.SSLCertVerificationError: lambda error: (
        f'its certificate is not trusted: {error.verify_message}'
    ),
    ssl.SSLError: lambda error: f'TLS failed: {error.reason or error}',
    InvalidURI: lambda error: 'is no address of a server; one is ws://host:8000',
    InvalidStatus: _status,
    InvalidHandshake: lambda error: f'is no policy server: {error}',
    PayloadTooBig: lambda error: f'sent a frame that is too large: {error}',
    ConnectionClosed: _closed,
    # Of a handshake that was not answered, without a number: TLS to a server that has none.
    ConnectionResetError: lambda error: (
        'hung up: if it has no TLS, write ws://'
        if error.errno is None
        else os.strerror(error.errno)
    ),
    # asyncio has words of its own for what the system says of an address.
    OSError: lambda e: os.strerror(e.errno) if (e.errno or 0) > 0 else e.strerror or '',
}
