"""A policy server in this process, and clients that know no more than the documentation says."""

import asyncio
import threading
from concurrent.futures import Future
from contextlib import contextmanager

import msgpack
import numpy as np
from websockets.sync.client import connect

from neuracore_ros.policy.model_thread import ModelThread
from neuracore_ros.serving.listen_address import ListenAddress
from neuracore_ros.serving.server import PolicyServer

PATIENCE_S = 30.0


class RunningServer:
    """A server on a loop of its own.

    Attributes:
        port: On loopback.
        lines: What it said of clients.
    """

    def __init__(self, policy, api_key='', say=None):
        self.lines = []
        self._say = say or self.lines.append
        self._api_key, self._policy = api_key, policy
        self._started, self._loop = Future(), asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self.port = self._started.result(PATIENCE_S)

    @property
    def address(self):
        return f'ws://127.0.0.1:{self.port}'

    @property
    def sockets(self):
        """The connections that it has, of clients or not."""
        return self._policy_server._room.sockets

    def close(self):
        """End it as a process would: at once."""
        if not self._thread.is_alive():
            return

        async def end():
            self._server.close()
            await asyncio.wait({asyncio.ensure_future(self._server.wait_closed())}, timeout=1.0)
            self._loop.stop()

        asyncio.run_coroutine_threadsafe(end(), self._loop)
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive()

    def _run(self):
        asyncio.set_event_loop(self._loop)
        server = PolicyServer(self._policy, ModelThread(), self._api_key, self._say)
        self._policy_server = server

        async def start():
            self._server = await server.start(ListenAddress(port=0))
            return self._server.sockets[0].getsockname()[1]

        try:
            self._started.set_result(self._loop.run_until_complete(start()))
        except BaseException as error:
            self._started.set_exception(error)
            return
        self._loop.run_forever()


@contextmanager
def serving(policy, **options):
    """A server of this policy, for a block."""
    server = RunningServer(policy, **options)
    try:
        yield server
    finally:
        server.close()


class PlainClient:
    """A client that somebody else wrote: websockets, MessagePack, and arrays by hand."""

    def __init__(self, address, **options):
        self._open = connect(address, compression=None, max_size=None, **options)
        self.socket = self._open.__enter__()
        self.metadata = unpacked(self.socket.recv(PATIENCE_S))

    def ask(self, message):
        """Send a request; returns what came back, a text as it is."""
        self.socket.send(message if isinstance(message, bytes) else packed(message))
        answer = self.socket.recv(PATIENCE_S)
        return answer if isinstance(answer, str) else unpacked(answer)

    def close(self):
        """Say goodbye."""
        self._open.__exit__(None, None, None)


@contextmanager
def client(address, **options):
    """A client, for a block."""
    found = PlainClient(address, **options)
    try:
        yield found
    finally:
        found.close()


def packed(message):
    """MessagePack as openpi's client writes it."""
    return msgpack.packb(message, default=_array)


def unpacked(frame):
    """Undo that."""
    return msgpack.unpackb(frame, object_hook=_unpacked)


def _array(value):
    return {
        b'__ndarray__': True,
        b'data': value.tobytes(),
        b'dtype': value.dtype.str,
        b'shape': value.shape,
    }


def _unpacked(value):
    if b'__ndarray__' in value:
        array = np.frombuffer(value[b'data'], np.dtype(value[b'dtype']))
        return array.reshape(value[b'shape'])
    return value
