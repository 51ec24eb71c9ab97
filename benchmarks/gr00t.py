"""Measure round trips to a server of GR00T over loopback, beside a bare ZeroMQ echo of its frames.

A server in a process of its own answers each request with the same chunk, 16 rows of 6 numbers,
so that what is measured is the wire: packing two images, sending, waiting, unpacking. The bare way
is a REQ socket with the same frames, packed once. In turns, on whatever else the machine does.

    python benchmarks/gr00t.py [--requests 200] [--json]
"""

import argparse
import json
import multiprocessing
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

import numpy as np
import zmq

from neuracore_ros.wire.npy_packing import pack_npy
from neuracore_ros.wire.zeromq import ZeroMqConnection

SIZES = {'224 x 224': (224, 224), '480 x 640': (480, 640)}
ANSWER = [
    {'single_arm': np.zeros((1, 16, 5), np.float32), 'gripper': np.zeros((1, 16, 1), np.float32)},
    {},
]
PATIENCE_S = 10.0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--requests', type=int, default=200)
    parser.add_argument('--json', action='store_true')
    arguments = parser.parse_args()
    ours, server_end = multiprocessing.Pipe()
    server = multiprocessing.get_context('spawn').Process(
        target=serve, args=(server_end,), daemon=True
    )
    server.start()
    address = ours.recv()
    try:
        results = {
            name: measure(address, size, arguments.requests) for name, size in SIZES.items()
        }
    finally:
        server.kill()
    if arguments.json:
        print(json.dumps({'requests': arguments.requests, 'results': results}, indent=2))
        return
    for name, rows in results.items():
        print(f'two images of {name}, {rows.pop("megabytes"):.2f} MB')
        for what, value in rows.items():
            print(f'  {what:28}{value:8.2f} ms')


def serve(end: Connection) -> None:
    socket = zmq.Context().socket(zmq.REP)
    port = socket.bind_to_random_port('tcp://127.0.0.1')
    end.send(f'tcp://127.0.0.1:{port}')
    answer = pack_npy(ANSWER)
    while True:
        socket.recv()
        socket.send(answer)


def measure(address: str, size: tuple[int, int], requests: int) -> dict[str, float]:
    message = request(size)
    frame = pack_npy(message)
    connection = ZeroMqConnection(address)
    bare = zmq.Context.instance().socket(zmq.REQ)
    bare.setsockopt(zmq.LINGER, 0)
    bare.connect(address)

    def echo() -> None:
        bare.send(frame)
        bare.recv()

    ours_ms, bare_ms = in_turns([lambda: connection.ask(message, PATIENCE_S), echo], requests)
    bare.close()
    connection.close()
    found = {'megabytes': len(frame) / 1e6}
    for name, times in (('ours', ours_ms), ('bare echo', bare_ms)):
        found[f'{name}, p50'] = float(np.percentile(times, 50))
        found[f'{name}, p99'] = float(np.percentile(times, 99))
    found['ours without the echo, p50'] = found['ours, p50'] - found['bare echo, p50']
    return found


def request(size: tuple[int, int]) -> dict[str, Any]:
    """A request for an SO-100 with two cameras, as N1.7 has it."""
    drawn = np.random.default_rng(0)
    video = {
        name: drawn.integers(0, 256, (1, 1, *size, 3), np.uint8) for name in ('front', 'wrist')
    }
    observation = {
        'video': video,
        'state': {'single_arm': np.zeros((1, 1, 5), np.float32)},
        'language': {'annotation.human.task_description': [['pick up the cube']]},
    }
    return {'endpoint': 'get_action', 'data': {'observation': observation, 'options': None}}


def in_turns(works: list[Callable[[], Any]], runs: int) -> list[list[float]]:
    """Times of each work [ms]."""
    times: list[list[float]] = [[] for _ in works]
    for run in range(runs + 5):
        for work, taken in zip(works, times, strict=True):
            start_s = time.perf_counter()
            work()
            if run >= 5:  # The first ones connect.
                taken.append((time.perf_counter() - start_s) * 1e3)
    return times


if __name__ == '__main__':
    main()
