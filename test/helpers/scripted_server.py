"""A WebSocket server on loopback that does, frame by frame, what a test tells it to."""

import threading
from contextlib import contextmanager

from websockets.sync.server import serve

from neuracore_ros.wire.packing import pack


class ScriptedServer:
    """A server whose answers are made by a function of the test.

    Attributes:
        address: Of the server.
        metadata: First frame of each connection: packed, if it is a map; None sends none.
        answer: Called with the connection and each frame; what it returns is sent, unless None.
        headers: Of each connection's request, in order.
    """

    def __init__(self, answer, metadata):
        self.answer, self.metadata = answer, metadata
        self.headers = []
        self._server = serve(
            self._handle, '127.0.0.1', 0, compression=None, max_size=None, close_timeout=0.1
        )
        port = self._server.socket.getsockname()[1]
        self.address = f'ws://127.0.0.1:{port}'
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def _handle(self, connection):
        self.headers.append(connection.request.headers)
        if self.metadata is not None:
            first = self.metadata
            connection.send(pack(first) if isinstance(first, dict) else first)
        for frame in connection:
            answer = self.answer(connection, frame)
            if answer is not None:
                connection.send(answer)

    def close(self):
        self._server.shutdown()


@contextmanager
def scripted_server(answer, metadata=()):
    """A server for a test; without metadata it sends an empty map, as openpi's do."""
    server = ScriptedServer(answer, {} if metadata == () else metadata)
    try:
        yield server
    finally:
        server.close()
