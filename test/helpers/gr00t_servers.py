"""Policy servers as GR00T's are, for tests: their packing, their endpoints, and their faults."""

from __future__ import annotations

import io
import json
import threading
import time
from collections.abc import Callable, Iterator
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
        endpoints: Name -> what answers: with ``data`` as keywords (N1.6 and later), or as one
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


def modality(keys: list[str], steps: list[int], **more: Any) -> dict[str, Any]:
    """A modality's configuration as N1.6 and N1.7 write it: `to_json_serializable(asdict(..))`."""
    config = {
        'delta_indices': steps,
        'modality_keys': keys,
        'sin_cos_embedding_keys': None,
        'mean_std_embedding_keys': None,
        'action_configs': None,
    }
    return {'__ModalityConfig_class__': True, 'as_json': config | more}


def flat_modality(keys: list[str], steps: list[int]) -> dict[str, Any]:
    """A modality's configuration as N1.5 writes it: the text of `model_dump_json()`."""
    config = {'delta_indices': steps, 'modality_keys': keys}
    return {'__ModalityConfig_class__': True, 'as_json': json.dumps(config, separators=(',', ':'))}


def action_config(rep: str) -> dict[str, Any]:
    return {'rep': rep, 'type': 'NON_EEF', 'format': 'DEFAULT', 'state_key': None}


def so100_config(**changes: Any) -> dict[str, Any]:
    """The modalities of an SO-100 (examples/SO100/so100_config.py of Isaac-GR00T, N1.7)."""
    return {
        'video': modality(['front', 'wrist'], [0]),
        'state': modality(['single_arm', 'gripper'], [0]),
        'action': modality(
            ['single_arm', 'gripper'],
            list(range(16)),
            action_configs=[action_config('RELATIVE'), action_config('ABSOLUTE')],
        ),
        'language': modality(['annotation.human.task_description'], [0]),
    } | changes


def flat_so100_config() -> dict[str, Any]:
    """The modalities of so100_dualcam (gr00t/experiment/data_config.py of Isaac-GR00T, N1.5)."""
    return {
        'video': flat_modality(['video.front', 'video.wrist'], [0]),
        'state': flat_modality(['state.single_arm', 'state.gripper'], [0]),
        'action': flat_modality(['action.single_arm', 'action.gripper'], list(range(16))),
        'language': flat_modality(['annotation.human.task_description'], [0]),
    }


class So100Policy:
    """A policy of an SO-100 as the servers of N1.6 and N1.7 run it, with their strict checks.

    Each row of an action is the state, plus one per row; a gripper's is the state.
    """

    def __init__(self, config: dict[str, Any] | None = None) -> None:
        self.config = config or so100_config()

    def served_by(self, server: Gr00tServer) -> Gr00tServer:
        server.endpoints['get_modality_config'] = lambda: self.config
        server.endpoints['get_action'] = self.get_action
        return server

    def get_action(
        self, observation: dict[str, Any], options: dict[str, Any] | None = None
    ) -> Any:
        assert options is None
        config = {name: each['as_json'] for name, each in self.config.items()}
        for name, dtype, axes in (('video', np.uint8, 5), ('state', np.float32, 3)):
            for key in config[name]['modality_keys']:
                array = observation[name][key]
                assert array.dtype == dtype, f'{key}: {array.dtype}'
                assert array.ndim == axes, f'{key}: {array.shape}'
                assert array.shape[:2] == (1, len(config[name]['delta_indices'])), key
        assert all(each.shape[-1] == 3 for each in observation['video'].values())
        for key in config['language']['modality_keys']:
            ((text,),) = observation['language'][key]
            assert isinstance(text, str)
        rows = np.arange(len(config['action']['delta_indices']), dtype=np.float32)[:, None]
        state = observation['state']
        return [
            {
                'single_arm': state['single_arm'][:, -1:] + rows,
                'gripper': state['gripper'][:, -1:] + 0 * rows,
            },
            {},
        ]


def flat_get_action(observation: dict[str, Any]) -> dict[str, Any]:
    """The same as N1.5 answers it: it takes the batch away, and all other axes of length 1."""
    assert observation['video.front'].shape == (1, 480, 640, 3)
    assert observation['video.front'].dtype == np.uint8
    assert observation['state.single_arm'].shape == (1, 5)
    assert observation['annotation.human.task_description'] == ['pick up the cube']
    rows = np.arange(16, dtype=np.float32)[:, None]
    return {
        'action.single_arm': np.squeeze(observation['state.single_arm'][None] + rows),
        'action.gripper': np.squeeze(observation['state.gripper'][None] + 0 * rows),
    }
