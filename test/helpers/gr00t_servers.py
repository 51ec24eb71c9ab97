"""Policy servers as GR00T's are, for tests: their packing, their endpoints, and their faults."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import msgpack
import numpy as np
import zmq

PING = {'status': 'ok', 'message': 'Server is running'}


def to_bytes(value: Any) -> bytes:
    """What GR00T's MsgSerializer writes, made as it makes it: by np.save."""

    def custom(value: Any) -> Any:
        if not isinstance(value, np.ndarray):
            return value
        file = io.BytesIO()
        np.save(file, value, allow_pickle=False)
        return {'__ndarray_class__': True, 'as_npy': file.getvalue()}

    return msgpack.packb(value, default=custom)


def from_bytes(frame: bytes) -> Any:
    def custom(value: dict[str, Any]) -> Any:
        if '__ndarray_class__' in value:
            return np.load(io.BytesIO(value['as_npy']), allow_pickle=False)
        return value

    return msgpack.unpackb(frame, object_hook=custom)


class Gr00tServer:
    """A REP socket on a thread, with the endpoints of GR00T's server.

    Attributes:
        endpoints: Name -> what answers; with ``data`` as keywords (N1.6 and later), or as one
            argument where ``is_flat`` (N1.5); those without data, `ping` and
            `get_modality_config`, are called with nothing.
        asked: The endpoints that were asked, in order.
        token: That each request must bring; None: any.
    """

    def __init__(self, is_flat: bool = False, token: str | None = None, port: int = 0) -> None:
        self.endpoints: dict[str, Callable[..., Any]] = {'ping': lambda: PING}
        self.asked: list[str] = []
        self.requests: list[dict[str, Any]] = []
        self.token = token
        self._is_flat = is_flat
        self._stopped = threading.Event()
        self._bound = threading.Event()
        self.port = port
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._bound.wait(10)

    @property
    def address(self) -> str:
        return f'tcp://127.0.0.1:{self.port}'

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join(10)
        assert not self._thread.is_alive()

    def __enter__(self) -> Gr00tServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _run(self) -> None:
        with zmq.Context.instance().socket(zmq.REP) as socket:
            socket.setsockopt(zmq.LINGER, 0)
            # ZeroMQ closes in a thread of its own: who had the port may still have it.
            for _ in range(1000):
                try:
                    socket.bind(f'tcp://127.0.0.1:{self.port or "*"}')
                    break
                except zmq.ZMQError:
                    time.sleep(0.01)
            self.port = int(socket.getsockopt_string(zmq.LAST_ENDPOINT).rpartition(':')[2])
            self._bound.set()
            while not self._stopped.is_set():
                if socket.poll(10):
                    socket.send(self._answer(socket.recv()))

    def _answer(self, frame: bytes) -> bytes:
        request = from_bytes(frame)
        self.requests.append(request)
        if self.token is not None and request.get('api_token') != self.token:
            return to_bytes({'error': 'Unauthorized: Invalid API token'})
        try:
            name = request.get('endpoint', 'get_action')
            self.asked.append(name)
            if name not in self.endpoints:
                raise ValueError(f'Unknown endpoint: {name}')
            answer = self.endpoints[name]
            if name in {'ping', 'get_modality_config'}:
                return to_bytes(answer())
            data = request.get('data', {})
            return to_bytes(answer(data) if self._is_flat else answer(**data))
        except Exception as error:
            return to_bytes({'error': str(error)})


@contextmanager
def misbehaving(answer: Callable[[zmq.Socket[bytes], list[bytes]], None]) -> Iterator[str]:
    """The address of a ROUTER, which may answer with anything, any number of times.

    Args:
        answer: Called with the socket, and the frames of a request: its sender, a number, an
            empty one, the message.
    """
    stopped = threading.Event()
    router = zmq.Context.instance().socket(zmq.ROUTER)
    router.setsockopt(zmq.LINGER, 0)
    port = router.bind_to_random_port('tcp://127.0.0.1')

    def run() -> None:
        while not stopped.is_set():
            if router.poll(10):
                answer(router, router.recv_multipart())

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield f'tcp://127.0.0.1:{port}'
    finally:
        stopped.set()
        thread.join(10)
        router.close()


def modality(keys: list[str], delta_indices: list[int], **more: Any) -> dict[str, Any]:
    """A modality's configuration as N1.6 and N1.7 write it: `to_json_serializable(asdict(..))`."""
    return {
        '__ModalityConfig_class__': True,
        'as_json': {
            'delta_indices': delta_indices,
            'modality_keys': keys,
            'sin_cos_embedding_keys': None,
            'mean_std_embedding_keys': None,
            'action_configs': None,
        }
        | more,
    }


def observation_of(request: Mapping[str, Any]) -> dict[str, Any]:
    """The observation of a request of N1.6 or N1.7."""
    return request['data']['observation']
