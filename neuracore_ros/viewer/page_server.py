"""viser's server for pages that change files: this computer alone, and no page but its own."""

from __future__ import annotations

import errno
import io
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from functools import partial
from typing import Any

import viser
import websockets.asyncio.server
from websockets.asyncio.server import ServerConnection
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from neuracore_ros.errors import UserError

HOST = '127.0.0.1'
# Names of this computer that a browser may have in its address bar; others may be those of a site
# whose owner lets them lead here.
_NAMES = ('127.0.0.1', 'localhost')

_Answer = Callable[[ServerConnection, Request], Response | None]


class PageServer(viser.ViserServer):
    """A page on this computer, which no other site and no other computer can use.

    A browser lets every site open a connection to this computer, and viser would take it. What is
    not asked for by a page of its own, at its own address, is refused here.

    Args:
        port: 0: any that is free.
        label: The title of the page's panel.

    Raises:
        UserError: The port is in use, or this viser cannot be closed to other sites.
    """

    def __init__(self, port: int, label: str) -> None:
        _require_free(port)
        with _closed_to_other_sites() as closed, redirect_stdout(io.StringIO()):
            super().__init__(HOST, port, label=label, verbose=False)
        if not closed:
            self.stop()
            raise UserError(f'viser {viser.__version__} is not supported: install viser 1.1.1')
        # Where a port is taken, viser takes the next one.
        if port and self.get_port() != port:
            self.stop()
            raise UserError(_taken(port))

    @property
    def url(self) -> str:
        """The address for the browser's address bar."""
        return f'http://{HOST}:{self.get_port()}'

    def stop(self) -> None:
        """End it; browsers say that the connection is lost."""
        with redirect_stdout(io.StringIO()):
            super().stop()

    def request_share_url(self, verbose: bool = True) -> str | None:
        """Refuse to publish the page, which viser would do at a click."""
        return None


def is_own(headers: Headers) -> bool:
    """True for a request that a page of this computer makes to its own address."""
    hosts, origins = headers.get_all('Host'), headers.get_all('Origin')
    if len(hosts) != 1 or hosts[0].partition(':')[0].lower() not in _NAMES:
        return False
    if headers.get_all('Upgrade'):
        return origins == [f'http://{hosts[0]}']
    return True


@contextmanager
def _closed_to_other_sites() -> Iterator[list[bool]]:
    """A block in which a server is started that asks :func:`is_own` first.

    viser has no option for it. The list is empty where it has not used websockets as expected.
    """
    serve = websockets.asyncio.server.serve
    closed: list[bool] = []

    def guarded(*arguments: Any, process_request: _Answer, **options: Any) -> Any:
        closed.append(True)
        return serve(*arguments, process_request=partial(_answer, process_request), **options)

    websockets.asyncio.server.serve = guarded  # type: ignore[misc, assignment]
    try:
        yield closed
    finally:
        websockets.asyncio.server.serve = serve  # type: ignore[misc]


def _answer(inner: _Answer, connection: ServerConnection, request: Request) -> Response | None:
    if not is_own(request.headers):
        return connection.respond(403, 'Only a browser at http://127.0.0.1 or http://localhost.\n')
    return inner(connection, request)


def _require_free(port: int) -> None:
    with socket.socket() as probe:
        # As the server does: a port whose last connections are still ending is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise UserError(_taken(port)) from error
            if error.errno in {errno.EACCES, errno.EPERM}:
                raise UserError(
                    f'port {port} is for the administrator; choose a --port from 1024 on'
                ) from error
            raise UserError(f'{HOST}:{port}: cannot be served: {error.strerror}') from error


def _taken(port: int) -> str:
    return f'port {port} of {HOST} is in use: end that page, or choose another --port'
