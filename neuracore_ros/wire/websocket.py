"""A WebSocket to a policy server: one request, one answer, one deadline over everything.

openpi's protocol: the server sends a frame of metadata; then each binary frame that is sent is
answered by one. A text frame is an error. There are no numbers of requests, so an answer that came
too late would be taken for that of the next request, for ever: a connection on which anything went
wrong is dropped, and the next request makes a new one.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import re
import threading
import time
from collections import deque
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from typing import Any, TypeAlias, TypeVar

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException
from websockets.frames import DATA_OPCODES, Frame
from websockets.protocol import Event

from neuracore_ros.errors import WireError
from neuracore_ros.wire.causes import cause_of, last_line
from neuracore_ros.wire.packing import pack, unpack, unpack_map

MOST_BYTES = 16 * 2**20
"""Largest frame that is taken; larger ones are refused by their header, before they are read."""

_Result = TypeVar('_Result')
# What came since the last answer; an error is the end of the connection, and the last.
_Frames: TypeAlias = 'deque[bytes | str | Exception]'
# Pings keep a way through routers open. A server that computes may not answer them: the deadline
# of a request is what tells a dead one.
_PING_S = 20.0
# A server that hangs answers no goodbye.
_GOODBYE_S = 0.2
# What the loop may need beyond a deadline that it keeps itself.
_GRACE_S = 0.1
# Pings, and pieces of a message, before a message is whole; and what is looked at between two
# counts of them. Each costs far more time than its sender needs for it.
_MOST_FRAMES = 4096
_SLICE_BYTES = 2**14
# Of frames that nobody asked for: enough to see that it is no answer.
_MOST_UNREAD = 2
_GIVEN_BACK = 'the connection was given back'


class _BoundedConnection(ClientConnection):
    """A connection that is dropped if its server sends frame after frame, and no message."""

    frames = 0

    @property
    def is_flooded(self) -> bool:
        return self.frames > _MOST_FRAMES

    def data_received(self, data: bytes) -> None:
        for start in range(0, len(data), _SLICE_BYTES):
            if not self.transport.is_closing():
                super().data_received(data[start : start + _SLICE_BYTES])

    def process_event(self, event: Event) -> None:
        super().process_event(event)
        if self.is_flooded or not isinstance(event, Frame):
            return
        is_message = event.fin and event.opcode in DATA_OPCODES
        self.frames = 0 if is_message else self.frames + 1
        if self.is_flooded:
            self.transport.abort()


class _ConnectThere(connect):
    """A connection to the address that was given, and to none that a server sends it on to."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


class WebSocketConnection:
    """A connection to a policy server, made anew where it was lost.

    Requests of several threads wait for one another; pings are answered between them by a thread
    of its own.

    Args:
        address: Such as ``ws://gpu-box:8000``, or ``wss://`` through TLS.
        api_key: Sent as ``Authorization: Api-Key ...``; '' sends none.
        most_bytes: Largest frame that is taken.
        greet: Called with the metadata of each new connection; raises if it is not to be used.

    Attributes:
        address: As given.

    Raises:
        WireError: The address holds a password.
    """

    def __init__(
        self,
        address: str,
        api_key: str = '',
        most_bytes: int = MOST_BYTES,
        greet: Callable[[Mapping[str, Any]], None] = lambda metadata: None,
    ) -> None:
        if '@' in re.split('[/?#]', address.partition('://')[2])[0]:
            # Messages about the server begin with its address, and the whole graph reads them.
            raise WireError(
                'an address holds no user and no password: set NEURACORE_ROS_API_KEY to the key'
            )
        self.address = address
        self._headers = {'Authorization': f'Api-Key {api_key}'} if api_key else None
        self._most_bytes = most_bytes
        self._greet = greet
        self._socket: ClientConnection | None = None
        self._reader: asyncio.Task[None] | None = None
        self._frames: _Frames = deque()
        self._arrived = asyncio.Event()
        self._metadata: dict[str, Any] = {}
        self._closed = False
        self._one_at_a_time = threading.Lock()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, name='websocket', daemon=True)
        self._thread.start()

    @property
    def metadata(self) -> Mapping[str, Any]:
        """The first frame of the newest connection, in which a server describes itself."""
        return self._metadata

    def open(self, deadline_s: float) -> Mapping[str, Any]:
        """Connect, if that is not done; returns the metadata.

        Raises:
            WireError: Nothing listens there, or it is no policy server, or takes too long.
        """
        self._run(self._connected(), deadline_s)
        return self._metadata

    def ask(self, message: Mapping[str, Any], deadline_s: float) -> Any:
        """Send a request, and wait for its answer.

        Args:
            message: Texts, numbers, arrays, lists and maps of them.
            deadline_s: From now, for connecting, sending and waiting together.

        Raises:
            WireError: No answer in time, an error of the server, a frame that is none, or one too
                large. What was sent may have been computed all the same.
        """
        start_s = time.monotonic()
        frame = pack(message)
        if not self._one_at_a_time.acquire(timeout=max(deadline_s, 0.0)):
            raise WireError(f'{self.address}: another request is under way')
        try:
            answer = self._run(self._exchange(frame), deadline_s, time.monotonic() - start_s)
        finally:
            self._one_at_a_time.release()
        try:
            return unpack(answer)
        except WireError as error:
            self.drop()
            raise WireError(f'{self.address}: the answer {error}') from error

    def drop(self) -> None:
        """Give the connection up; the next request makes a new one."""
        # Of a loop that is closed, there is nothing left to drop.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._abort)

    def close(self) -> None:
        """Say goodbye to the server, and end the thread; a request under way fails at once."""
        if not self._closed:
            self._closed = True
            asyncio.run_coroutine_threadsafe(self._goodbye(), self._loop)
        self._thread.join(4 * _GOODBYE_S)

    # On the caller's thread

    def _run(
        self, work: Coroutine[Any, Any, _Result], deadline_s: float, spent_s: float = 0.0
    ) -> _Result:
        async def bounded() -> _Result:
            return await asyncio.wait_for(work, max(deadline_s - spent_s, 0.0))

        if self._closed:
            work.close()
            raise WireError(f'{self.address}: {_GIVEN_BACK}')
        future = asyncio.run_coroutine_threadsafe(bounded(), self._loop)
        try:
            return future.result(deadline_s + _GRACE_S)
        except (asyncio.TimeoutError, concurrent.futures.TimeoutError) as error:
            future.cancel()
            self.drop()
            raise WireError(f'{self.address}: no answer within {deadline_s:.3g} s') from error
        except concurrent.futures.CancelledError as error:
            raise WireError(f'{self.address}: {_GIVEN_BACK}') from error
        except WireError:
            self.drop()
            raise
        except (OSError, WebSocketException, EOFError, ValueError) as error:
            self.drop()
            raise WireError(f'{self.address}: {cause_of(error)}') from error
        except BaseException:
            # Interrupted: an answer that comes all the same must not be that of the next request.
            future.cancel()
            self.drop()
            raise

    # On the loop's thread

    def _serve(self) -> None:
        """Run the loop until it is stopped, and leave nothing of it behind."""
        loop = self._loop
        try:
            loop.run_forever()
            unfinished = asyncio.all_tasks(loop)
            for task in unfinished:
                task.cancel()
            if unfinished:
                loop.run_until_complete(asyncio.wait(unfinished))
        finally:
            loop.close()

    async def _connected(self) -> ClientConnection:
        if self._frames and isinstance(self._frames[-1], Exception):
            # Closed between two requests, as some servers do with those that are silent.
            self._abort()
        if self._socket is not None:
            return self._socket
        socket = await _ConnectThere(
            self.address,
            additional_headers=self._headers,
            compression=None,
            max_size=self._most_bytes,
            open_timeout=None,
            ping_interval=_PING_S,
            ping_timeout=None,
            close_timeout=_GOODBYE_S,
            # The address is where a robot's commands come from: no environment reroutes it.
            proxy=None,
            create_connection=_BoundedConnection,
        )
        try:
            metadata = self._read(await socket.recv(), 'refuses')
            try:
                self._metadata = unpack_map(metadata)
            except WireError as error:
                raise WireError(
                    f'{self.address}: is no policy server: its first frame {error}'
                ) from error
            self._greet(self._metadata)
        except BaseException:
            socket.transport.abort()
            raise
        self._socket = socket
        self._frames, self._arrived = deque(), asyncio.Event()
        self._reader = asyncio.create_task(self._listen(socket, self._frames, self._arrived))
        return socket

    async def _exchange(self, frame: bytes) -> bytes:
        socket = await self._connected()
        if self._frames:
            raise WireError(f'{self.address}: sent a frame that nobody asked for')
        await socket.send(frame)
        await self._arrived.wait()
        self._arrived.clear()
        answer = self._frames.popleft()
        if isinstance(answer, Exception):
            if isinstance(socket, _BoundedConnection) and socket.is_flooded:
                raise WireError(f'{self.address}: sent {_MOST_FRAMES} frames that are no answer')
            raise answer
        return self._read(answer, 'the server failed')

    def _read(self, frame: bytes | str, what: str) -> bytes:
        if isinstance(frame, bytes):
            return frame
        raise WireError(f'{self.address}: {what}: {last_line(frame)}')

    @staticmethod
    async def _listen(socket: ClientConnection, frames: _Frames, arrived: asyncio.Event) -> None:
        """Take frames as they come, so that those that nobody asked for are seen."""
        try:
            while len(frames) < _MOST_UNREAD:
                frames.append(await socket.recv())
                arrived.set()
            socket.transport.abort()
        except (OSError, EOFError, WebSocketException) as error:
            frames.append(error)
            arrived.set()

    def _abort(self) -> None:
        if self._reader is not None:
            self._reader.cancel()
        if self._socket is not None:
            self._socket.transport.abort()
        self._socket = self._reader = None

    async def _goodbye(self) -> None:
        if self._socket is not None:
            with suppress(OSError, EOFError, WebSocketException):
                await self._socket.close()
        self._abort()
        self._loop.stop()
