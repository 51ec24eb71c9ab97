"""Measure what `neuracore_ros serve` costs beside the model: over loopback, in turns with others.

    python benchmarks/serving.py [--requests 300] [--size 224] [--cameras 2] [--quality 90]

One request after the other goes to each of these, in turns, so that all have the same neighbours
on a busy machine:

- the policy in this process: its model and all checks of `Policy`, no server;
- a bare server of `websockets`, in a process of its own, that takes the frame of the same request
  and sends a frame of the size of its answer;
- `serve` in a process of its own, through the client of the node, with images as they are;
- the same with images as JPEG.

The last column is the median of a round trip less that of the policy in this process.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch

from neuracore_ros.description import DataType
from neuracore_ros.policy.load import load_policy
from neuracore_ros.policy.manifest import InputSlots, Manifest, OutputSlots
from neuracore_ros.policy.remote.server_options import ServerOptions
from neuracore_ros.policy.torchscript import save
from neuracore_ros.wire.jpeg import as_jpeg
from neuracore_ros.wire.packing import pack
from neuracore_ros.wire.websocket import WebSocketConnection

JOINTS, IMAGES = DataType.JOINT_POSITIONS, DataType.RGB_IMAGES
TARGETS = DataType.JOINT_TARGET_POSITIONS
WIDTH, HORIZON = 7, 50
DEADLINE_S = 30.0


class Held(torch.nn.Module):
    """A model that repeats the joints, and looks at one pixel."""

    def forward(  # noqa: D102
        self, inputs: dict[str, torch.Tensor], valid: dict[str, torch.Tensor]
    ) -> dict[str, torch.Tensor]:
        newest = inputs['JOINT_POSITIONS'][:, -1:] + 0.0 * inputs['RGB_IMAGES'][0, 0, 0, 0, 0, 0]
        return {'JOINT_TARGET_POSITIONS': newest.repeat(1, 50, 1)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--requests', type=int, default=300)
    parser.add_argument('--size', type=int, default=224, help='side of an image [px]')
    parser.add_argument('--cameras', type=int, default=2)
    parser.add_argument('--quality', type=int, default=90, help='of JPEG')
    parser.add_argument('--echo', type=int, default=0, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.echo:
        asyncio.run(echo(arguments.echo))
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / 'policy.pt'
        save(Held(), manifest(arguments), path)
        measure(path, arguments)


def manifest(arguments):
    """The manifest of a policy with so many cameras."""
    size, cameras = (arguments.size, arguments.size), arguments.cameras
    slots = tuple(range(WIDTH))
    return Manifest(
        {
            JOINTS: InputSlots(WIDTH, slots),
            IMAGES: InputSlots(cameras, tuple(range(cameras)), image_size=size),
        },
        {TARGETS: OutputSlots(WIDTH, slots)},
        rate_hz=20.0,
        horizon=HORIZON,
    )


def measure(path, arguments):
    """Measure all ways in turns, and print a table."""
    inputs = observation(arguments)
    valid = {JOINTS: np.ones(WIDTH, bool), IMAGES: np.ones(arguments.cameras, bool)}
    frame = {kind.value: array for kind, array in inputs.items()}
    frame['valid'] = {kind.value: mask for kind, mask in valid.items()}
    frame |= {'request_id': 1, 'as_model': True}
    small = frame | {IMAGES.value: as_jpeg(inputs[IMAGES], arguments.quality)}
    answer = pack({'actions': {TARGETS.value: np.zeros((HORIZON, WIDTH), np.float32)}})
    serve = ['-m', 'neuracore_ros.cli.main', 'serve', str(path), '--port', '0', '--json']
    bare = [__file__, '--echo', str(len(answer) + 100)]
    with process(*serve, '--threads', '1') as served, process(*bare) as echoing:
        here = load_policy(path, threads=1)
        raw = load_policy(served)
        compressed = load_policy(served, server=ServerOptions(jpeg_quality=arguments.quality))
        connection = WebSocketConnection(echoing)
        connection.open(DEADLINE_S)
        ways = {
            'in this process': (0, lambda: here.predict(inputs, valid)),
            'bare websockets': (len(pack(frame)), lambda: connection.ask(frame, DEADLINE_S)),
            'serve': (len(pack(frame)), lambda: raw.predict(inputs, valid)),
            f'serve, JPEG {arguments.quality}': (
                len(pack(small)),
                lambda: compressed.predict(inputs, valid),
            ),
        }
        taken_ms = {way: [] for way in ways}
        for number in range(arguments.requests + 20):
            for way, (_, request) in ways.items():
                start = time.perf_counter()
                request()
                if number >= 20:
                    taken_ms[way].append(1e3 * (time.perf_counter() - start))
    print(f'{"":18}{"kB sent":>9}{"p50 ms":>9}{"p99 ms":>9}{"above model":>13}')
    base = np.median(taken_ms['in this process'])
    for way, times in taken_ms.items():
        p50, p99 = np.percentile(times, [50, 99])
        print(f'{way:18}{ways[way][0] / 1e3:9.1f}{p50:9.2f}{p99:9.2f}{p50 - base:13.2f}')


def observation(arguments):
    """Joints, and images as smooth and as noisy as a camera's."""
    random, side = np.random.default_rng(1), arguments.size
    y, x = np.mgrid[:side, :side] / side
    scene = np.stack([200 * x, 80 + 100 * y, 120 + 60 * np.sin(20 * x * y)], axis=-1)
    scene[side // 3 : side // 2, side // 4 : side // 2] = (30, 160, 60)
    images = scene + random.normal(0, 4, (1, arguments.cameras, side, side, 3))
    joints = random.normal(size=(1, WIDTH)).astype(np.float32)
    return {JOINTS: joints, IMAGES: np.clip(images, 0, 255).astype(np.uint8)}


@contextmanager
def process(*arguments):
    """A server in a process of its own; gives its address."""
    command = [sys.executable, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as started:
        try:
            yield json.loads(started.stdout.readline())['address']
        finally:
            started.terminate()


async def echo(size):
    """Answer each frame by one of this size."""
    from websockets.asyncio.server import serve

    answer = pack({'actions': bytes(size)})

    async def converse(connection):
        await connection.send(pack({}))
        async for _ in connection:
            await connection.send(answer)

    async with serve(converse, '127.0.0.1', 0, compression=None, max_size=None) as server:
        port = server.sockets[0].getsockname()[1]
        print(json.dumps({'address': f'ws://127.0.0.1:{port}'}), flush=True)
        await asyncio.get_running_loop().create_future()


if __name__ == '__main__':
    main()
