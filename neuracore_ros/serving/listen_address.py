"""The place at which a policy is served, and whom that lets in."""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from neuracore_ros.errors import WireError
from neuracore_ros.policy.remote.server_options import api_key

_ANY = ('0.0.0.0', '::', '')


@dataclass(frozen=True, slots=True)
class ListenAddress:
    """The place at which a policy is served.

    Attributes:
        host: A name or address of this computer.
        port: 0: any that is free.
        api_key: That each client must have, by default that in the environment; '' lets everybody
            in.
    """

    host: str = '127.0.0.1'
    port: int = 8000
    api_key: str = field(default_factory=api_key, repr=False)

    @property
    def is_open(self) -> bool:
        """True if anybody on the network is let in."""
        return not self.api_key and not _is_loopback(self.host)

    def address(self, port: int) -> str:
        """The address for clients, once the port is known."""
        # Where all of this computer's addresses are served, its name leads to one of them.
        host = socket.gethostname() if self.host in _ANY else self.host
        return f'ws://{_bracketed(host)}:{port}'


def shown(remote: Any) -> str:
    """``127.0.0.1:53422``, of the address that a socket has."""
    if isinstance(remote, tuple) and len(remote) >= 2:
        return f'{_bracketed(str(remote[0]))}:{remote[1]}'
    return 'a client'


async def require_free(place: ListenAddress) -> None:
    """Require that a policy can be served there.

    Raises:
        WireError: The port is in use, or the host is none of this computer.
    """
    with listening(place):
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            asyncio.Protocol, place.host, place.port, start_serving=False
        )
        server.close()


@contextmanager
def listening(place: ListenAddress) -> Iterator[None]:
    """A block that binds a socket; what goes wrong is told by host and port.

    Raises:
        WireError: The port is in use, or the host is none of this computer.
    """
    try:
        yield
    except socket.gaierror as error:
        raise WireError(f"host '{place.host}' is unknown: {error.strerror}") from error
    except OSError as error:
        raise WireError(_not_bound(place.host, place.port, error)) from error


def _not_bound(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f'port {port} of {host} is in use: end that server, or choose another --port'
    if error.errno == errno.EADDRNOTAVAIL:
        return f'{host} is no address of this computer; 0.0.0.0 means all of them'
    if error.errno in {errno.EACCES, errno.EPERM}:
        return f'port {port} is for the administrator; choose a --port from 1024 on'
    return f'{host}:{port}: cannot be served: {error.strerror or error}'


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == 'localhost'


def _bracketed(host: str) -> str:
    return f'[{host}]' if ':' in host else host
