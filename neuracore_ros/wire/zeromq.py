"""A ZeroMQ socket to a policy server: one request, one answer, one deadline over everything.

GR00T's protocol: a REQ socket sends one frame of MessagePack to a REP socket, which answers with
one. ZeroMQ hides that a server was lost and came back, perhaps as another: here a socket is one
connection, what ends it is heard from the socket's monitor, and the next request makes a new one.
"""

from __future__ import annotations

import math
import os
import re
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import zmq
from zmq.utils.monitor import recv_monitor_message

from neuracore_ros.errors import WireError, quoted, shortened
from neuracore_ros.wire.npy_packing import pack_npy, unpack_npy
from neuracore_ros.wire.received_bytes import received_bytes

MOST_BYTES = 16 * 2**20
"""Largest frame that is taken; larger ones are refused by their header, before they are read."""

# libzmq itself takes more: interfaces, wildcards, a source address before a semicolon.
_ADDRESS = re.compile(r'tcp://(\[[0-9A-Fa-f:.]+(%\w+)?\]|[\w.-]+):(\d{1,5})', re.ASCII)
# An hour: no socket lives so long after it has lost its connection.
_NEVER_MS = 3_600_000
# Messages that wait to be read; one is asked for.
_MOST_WAITING = 2
# Between two looks whether the connection is still wanted, and how much has come [ms]: the frames
# of one answer are handed over when the last one has come, however many there are.
_LOOKS_MS = 50
_ENVELOPE_BYTES = 4096
_MADE = {zmq.Event.CONNECTED, zmq.Event.HANDSHAKE_SUCCEEDED}
_ENDED = {
    zmq.Event.CLOSED,
    zmq.Event.CONNECT_RETRIED,
    zmq.Event.DISCONNECTED,
    zmq.Event.HANDSHAKE_FAILED_NO_DETAIL,
    zmq.Event.HANDSHAKE_FAILED_PROTOCOL,
    zmq.Event.HANDSHAKE_FAILED_AUTH,
}


class ZeroMqConnection:
    """A connection to a policy server, made anew where it was lost.

    Requests come from one thread at a time.

    Args:
        address: Such as ``tcp://gpu-box:5555``.
        token: Sent as ``api_token`` with each request; '' sends none.
        most_bytes: Largest frame that is taken.
        greeting: A request that each new connection begins with.
        greet: Called with the answer to it; raises if the connection is not to be used.

    Attributes:
        address: As given.

    Raises:
        WireError: The address is none.
    """

    def __init__(
        self,
        address: str,
        token: str = '',
        most_bytes: int = MOST_BYTES,
        greeting: Mapping[str, Any] | None = None,
        greet: Callable[[Any], None] = lambda answer: None,
    ) -> None:
        parts = _ADDRESS.fullmatch(address)
        if parts is None or not 0 < int(parts[3]) < 1 << 16:
            raise WireError(
                f'{quoted(address)} is no address of a GR00T server; one is tcp://host:5555'
            )
        self.address = address
        self._token = token
        self._most_bytes = most_bytes
        self._greeting = greeting
        self._greet = greet
        self._one_at_a_time = threading.Lock()
        self._link: _Link | None = None
        self._given_back = threading.Event()

    def open(self, deadline_s: float) -> None:
        """Connect, if that is not done, and greet.

        Raises:
            WireError: Nothing listens there, or it is no ZeroMQ server, or takes too long.
        """
        self._with_link(lambda link, end_s: link.wait(zmq.POLLOUT, end_s), deadline_s)

    def ask(self, message: Mapping[str, Any], deadline_s: float) -> Any:
        """Send a request, and wait for its answer.

        Args:
            message: Texts, numbers, arrays, lists and maps of them.
            deadline_s: From now, for connecting, greeting, sending and waiting together.

        Returns:
            The answer: a map, a list, or whatever the server sent.

        Raises:
            WireError: No answer in time, an error of the server, a frame that is none, or one too
                large. What was sent may have been computed all the same.
        """
        answer = self._with_link(
            lambda link, end_s: self._exchange(link, message, end_s), deadline_s
        )
        self._require_no_error(answer)
        return answer

    def drop(self) -> None:
        """Give the connection up; the next request makes a new one."""
        link, self._link = self._link, None
        if link is not None:
            link.close()

    def close(self) -> None:
        """End the connection; a request under way fails at once."""
        self._given_back.set()
        # A socket is of the thread that uses it, which looks now and then.
        if self._one_at_a_time.acquire(timeout=4 * _LOOKS_MS / 1e3):
            self.drop()
            self._one_at_a_time.release()

    def _with_link(self, work: Callable[[_Link, float], Any], deadline_s: float) -> Any:
        end_s = time.monotonic() + deadline_s
        if not self._one_at_a_time.acquire(timeout=max(deadline_s, 0.0)):
            raise WireError(f'{self.address}: another request is under way')
        try:
            return work(self._connected(end_s), end_s)
        except _LinkLostError as error:
            self.drop()
            reason = f'{error} within {deadline_s:.3g} s' if error.is_late else str(error)
            raise WireError(f'{self.address}: {reason}') from error
        except zmq.ZMQError as error:
            self.drop()
            raise WireError(f'{self.address}: {error}') from error
        except BaseException:
            # Interrupted, too: a REQ socket that waits for an answer can send nothing else.
            self.drop()
            raise
        finally:
            self._one_at_a_time.release()

    def _connected(self, end_s: float) -> _Link:
        if self._link is not None and not self._link.is_usable():
            self.drop()
        if self._link is None:
            self._link = _Link(self.address, self._most_bytes, self._given_back)
            if self._greeting is not None:
                answer = self._exchange(self._link, self._greeting, end_s)
                self._require_no_error(answer)
                self._greet(answer)
        return self._link

    def _exchange(self, link: _Link, message: Mapping[str, Any], end_s: float) -> Any:
        token = {'api_token': self._token} if self._token else {}
        try:
            frame = pack_npy({**message, **token})
        except WireError as error:
            raise WireError(f'{self.address}: the request {error}') from error
        frames = link.exchange(frame, end_s)
        if len(frames) != 1:
            raise WireError(f'{self.address}: answered with {len(frames)} frames; it must be one')
        try:
            return unpack_npy(frames[0])
        except WireError as error:
            raise WireError(f'{self.address}: the answer {error}') from error

    def _require_no_error(self, answer: Any) -> None:
        if not isinstance(answer, dict) or 'error' not in answer:
            return
        lines = [line.strip() for line in str(answer['error']).splitlines() if line.strip()]
        # The text of an exception, without its traceback: what it says first tells most.
        said = shortened(lines[0], 300) if lines else 'it says nothing'
        if said.startswith('Unauthorized'):
            said += ": set NEURACORE_ROS_API_KEY to the server's"
        raise WireError(f'{self.address}: the server failed: {said}')


class _LinkLostError(Exception):
    """A connection that ended, or that did not come about in time."""

    def __init__(self, text: str, is_late: bool = False) -> None:
        super().__init__(text)
        self.is_late = is_late


class _Link:
    """A REQ socket for the time of one connection, and what its monitor has told of it."""

    def __init__(self, address: str, most_bytes: int, given_back: threading.Event) -> None:
        self._process = os.getpid()
        self._given_back = given_back
        self._most_bytes = most_bytes
        self._told: set[zmq.Event] = set()
        self._descriptor = -1
        self._received_before = 0
        # The context of the whole process, which is never ended: to end one waits for all that is
        # under way in it, be it the search for a host's name.
        self.socket: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.REQ)
        self.socket.setsockopt(zmq.LINGER, 0)
        # To send only where a connection is; else a request would wait for a server to come.
        self.socket.setsockopt(zmq.IMMEDIATE, 1)
        self.socket.setsockopt(zmq.RECONNECT_IVL, _NEVER_MS)
        # An answer is that of its request, or is thrown away.
        self.socket.setsockopt(zmq.REQ_CORRELATE, 1)
        self.socket.setsockopt(zmq.MAXMSGSIZE, most_bytes)
        self.socket.setsockopt(zmq.RCVHWM, _MOST_WAITING)
        # With names, it would look for addresses of IPv6 alone where GR00T's server has none.
        self.socket.setsockopt(zmq.IPV6, int('[' in address))
        self._monitor: zmq.Socket[bytes] = self.socket.get_monitor_socket(_sum(_MADE | _ENDED))
        self.socket.connect(address)

    def is_usable(self) -> bool:
        """False if the connection has ended, or was made by the process that this is a fork of."""
        if self._process != os.getpid():
            return False
        self._listen()
        return not self._told & _ENDED

    def exchange(self, frame: bytes, end_s: float) -> list[bytes]:
        """Send a frame, and wait for those of its answer."""
        self.wait(zmq.POLLOUT, end_s)
        self._received_before = received_bytes(self._descriptor)
        self.socket.send(frame, zmq.NOBLOCK)
        while True:
            self.wait(zmq.POLLIN, end_s)
            # What was there to be read may have been the answer to another request.
            with suppress(zmq.Again):
                return self.socket.recv_multipart(zmq.NOBLOCK)

    def wait(self, readiness: int, end_s: float) -> None:
        """Wait until a frame can be sent (POLLOUT) or read (POLLIN)."""
        poller = zmq.Poller()
        poller.register(self.socket, readiness)
        poller.register(self._monitor, zmq.POLLIN)
        while True:
            left_ms = math.ceil(1000 * (end_s - time.monotonic()))
            if self._given_back.is_set():
                raise _LinkLostError('the connection was given back')
            if left_ms <= 0:
                raise self._late()
            ready = dict(poller.poll(min(left_ms, _LOOKS_MS)))
            if self.socket in ready:
                return
            if self._monitor in ready:
                self._listen()
                # An answer may have come just before the end.
                if self._told & _ENDED and not self.socket.poll(0, readiness):
                    raise self._lost()
            received = received_bytes(self._descriptor) - self._received_before
            if readiness == zmq.POLLIN and received > self._most_bytes + _ENVELOPE_BYTES:
                raise _LinkLostError(f'answered with more than {self._limit}')

    def close(self) -> None:
        """End the connection at once, whatever is under way."""
        if self._process == os.getpid():
            self.socket.disable_monitor()
            self._monitor.close(0)
            self.socket.close(0)

    def _listen(self) -> None:
        while self._monitor.poll(0):
            told = recv_monitor_message(self._monitor)
            self._told.add(zmq.Event(told['event']))
            if told['event'] == zmq.Event.CONNECTED:
                self._descriptor = int(told['value'])

    @property
    def _limit(self) -> str:
        return f'{self._most_bytes / 2**20:g} MiB'

    def _lost(self) -> _LinkLostError:
        if zmq.Event.HANDSHAKE_SUCCEEDED in self._told:
            return _LinkLostError(
                f'closed the connection, or answered with more than {self._limit}'
            )
        if zmq.Event.CONNECTED in self._told:
            return _LinkLostError(
                'is no ZeroMQ server, or a tunnel to none: it closed the connection at once'
            )
        if zmq.Event.CLOSED in self._told:
            return _LinkLostError(
                'nothing listens there: start the server, or correct the address'
            )
        return _LinkLostError('no host has this name, or it cannot be reached')

    def _late(self) -> _LinkLostError:
        if zmq.Event.HANDSHAKE_SUCCEEDED in self._told:
            return _LinkLostError('no answer', is_late=True)
        if zmq.Event.CONNECTED in self._told:
            return _LinkLostError('something listens there, but says nothing', is_late=True)
        return _LinkLostError('cannot be reached', is_late=True)


def _sum(events: set[zmq.Event]) -> int:
    return sum(int(event) for event in events)
