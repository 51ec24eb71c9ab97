"""A policy server that fails to order, as a process of its own, that can be killed and frozen.

As a script it speaks one protocol at one port, takes orders as lines of its standard input, and
says each when it obeys.
"""

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
from websockets.sync.server import serve

from helpers.processes import is_alive
from helpers.swaying import HORIZON, RATE_HZ, Swaying, swaying_manifest
from neuracore_ros.policy.remote.own_server import ServedPolicy
from neuracore_ros.wire.packing import pack, unpack

OWN, OPENPI, GROOT = 'own', 'openpi', 'gr00t'
TARGETS = 'JOINT_TARGET_POSITIONS'
TRACEBACK = 'Traceback (most recent call last):\n  File "policy.py"\nRuntimeError: out of memory'
GB = 2**30
# Frames that nobody asked for: answers, pings, and pieces of a message that never ends.
FLOODS = {
    'flood': b'\x82\x01\x80' * 2**14,
    'pings': b'\x89\x00' * 2**14,
    'pieces': b'\x00\x00' * 2**14,
}

# What each protocol's arrays mean; the policy is the same.
FILES = {
    OPENPI: f"""
server: openpi
rate_hz: {RATE_HZ:g}
horizon: {HORIZON}
send:
  observation/state: [{{JOINT_POSITIONS: [0, 1, 3, 4, 5, 6]}}]
  observation/image: {{RGB_IMAGES: 1, size: [48, 64]}}
receive:
  actions: [{{JOINT_TARGET_POSITIONS: [0, 1, 3, 4, 5, 6]}}]
""",
    GROOT: f"""
server: gr00t
version: 1.7
rate_hz: {RATE_HZ:g}
horizon: {HORIZON}
send:
  video: {{front: {{RGB_IMAGES: 1, size: [48, 64]}}}}
  state: {{arm: [{{JOINT_POSITIONS: [0, 1, 3, 4, 5, 6]}}]}}
receive:
  arm: [{{JOINT_TARGET_POSITIONS: [0, 1, 3, 4, 5, 6]}}]
""",
}


class FaultyServer:
    """The process, from outside.

    Args:
        protocol: `OWN`, `OPENPI` or `GROOT`.
        host: Where it listens.
        within: Words before the command, such as those that run it in another network.

    Attributes:
        port: The same one after each start.
        policy: Names what it serves from the next start on.
        key: That clients need, from the next start on; '' lets everybody in.
    """

    def __init__(self, protocol=OWN, host='127.0.0.1', within=()):
        self.protocol, self.host, self.within = protocol, host, list(within)
        self.port, self.policy, self.key = 0, 'a', ''
        self.start()

    @property
    def address(self):
        scheme = 'tcp' if self.protocol == GROOT else 'ws'
        return f'{scheme}://{self.host}:{self.port}'

    def model(self, folder):
        """What a node is given as its model."""
        if self.protocol == OWN:
            return self.address
        path = Path(folder) / f'{self.protocol}.server.yaml'
        path.write_text(FILES[self.protocol] + f'address: {self.address}\n')
        return str(path)

    def start(self):
        words = [self.protocol, self.host, self.port, self.policy, self.key]
        path = [str(Path(__file__).parents[1]), os.environ.get('PYTHONPATH', '')]
        self.process = subprocess.Popen(
            [*self.within, sys.executable, __file__, *map(str, words)],
            env={**os.environ, 'PYTHONPATH': os.pathsep.join(filter(None, path))},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.port = int(self._line().split()[1])

    def order(self, name):
        """Have it do something from its next request on; '': nothing but its work."""
        self.process.stdin.write(f'{name}\n')
        self.process.stdin.flush()
        while (line := self._line()) != f'does {name}'.rstrip():
            assert line == 'asked'

    def until_asked(self):
        """Wait until it is asked for what it was ordered."""
        assert self._line() == 'asked'

    def kill(self):
        self.process.kill()
        self.process.wait()

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    def thaw_after(self, seconds):
        """Frozen for a while, as by a computation that lets nothing else run."""
        self.freeze()
        threading.Timer(seconds, self.thaw).start()

    def restart(self, policy='a', key=''):
        self.kill()
        # A node that asks each half a second is to find nobody there.
        time.sleep(0.7)
        self.policy, self.key = policy, key
        self.start()

    def heal(self):
        """It serves its policy, whatever was done to it."""
        if is_alive(self.process.pid):
            self.thaw()
        if self.process.poll() is not None or (self.policy, self.key) != ('a', ''):
            self.restart()
        else:
            self.order('')

    def close(self):
        self.kill()

    def _line(self):
        line = self.process.stdout.readline().rstrip()
        assert line, f'the server ended: {self.process.poll()}'
        return line


class Orders:
    """The orders of one server, and how it obeys those that every protocol has."""

    def __init__(self):
        self.order, self.has_told = '', True
        self.sway = Swaying()
        # Held by whoever computes: nobody is greeted meanwhile, as by openpi's server.
        self.busy = threading.Lock()

    def listen(self):
        """Take orders, one a line."""
        for line in sys.stdin:
            self.order, self.has_told = line.strip(), False
            say(f'does {self.order}')

    def take(self):
        """The order for a request; 'die', 'stop' and those that take time are obeyed here."""
        order = self.order
        if order and not self.has_told:
            self.has_told = True
            say('asked')
        if order == 'die':
            os.kill(os.getpid(), signal.SIGKILL)
        if order == 'stop':
            # Once: requests that were given up wait behind this one.
            self.order = ''
            os.kill(os.getpid(), signal.SIGSTOP)
            # It stops another thread first, and this one would answer meanwhile.
            time.sleep(0.2)
        word, _, seconds = order.partition(' ')
        if word == 'block':
            self.order = ''
        if word in {'block', 'slow'}:
            time.sleep(float(seconds))
        return order

    def chunk(self, order, newest):
        """The actions, spoiled if that is the order."""
        chunk = self.sway(newest)
        if order == 'nan':
            chunk[3, 1] = np.nan
        if order == 'infinite':
            chunk[3, 1] = np.inf
        if order == 'narrow':
            chunk = chunk[:, :5]
        if order == 'short':
            chunk = chunk[:5]
        if order == 'integers':
            chunk = chunk.astype(np.int32)
        if order == 'texts':
            return 'left'
        if order == 'far':
            chunk[:, 0] += 0.9
        return chunk


class WebSocketSide:
    """openpi's protocol: as a server of ours has it, or as a foreign one."""

    def __init__(self, orders, is_own, policy, key):
        self.orders, self.is_own, self.key = orders, is_own, key
        served = ServedPolicy(swaying_manifest().to_json(), policy * 64)
        self.metadata = served.metadata() if is_own else {}

    def admit(self, connection, request):
        with self.orders.busy:
            if self.key and request.headers.get('Authorization') != f'Api-Key {self.key}':
                return connection.respond(401, 'no')
        return None

    def handle(self, connection):
        order = self.orders.order
        if order == 'no metadata':
            time.sleep(60)
        if order.endswith('late greeting'):
            time.sleep(0.3)
        connection.send(pack(self.metadata))
        for frame in connection:
            with self.orders.busy:
                order = self.orders.take()
                answer = self.answer(order, unpack(frame))
            self.send(order, connection, answer)

    def answer(self, order, request):
        joints = np.array(request['JOINT_POSITIONS' if self.is_own else 'observation/state'])
        chunk = self.orders.chunk(order, joints.reshape(-1, joints.shape[-1])[-1])
        timing = {'server_timing': {'infer_ms': 1.0}}
        if not self.is_own:
            return {'actions': chunk} | timing
        number = request['request_id'] + (order == 'another number')
        actions = {} if order == 'nothing' else {TARGETS: chunk}
        return {'actions': actions, 'request_id': number} | timing

    def send(self, order, connection, answer):
        raw = connection.socket.sendall
        if order == 'error':
            connection.send(TRACEBACK)
        elif order == 'error and close':
            connection.send(TRACEBACK)
            connection.close(1011, 'Internal server error')
        elif order == 'error map':
            connection.send(pack({'type': 'error', 'message': 'no session'}))
        elif order == 'garbage':
            connection.send(b'\xc1' * 100)
        elif order in {'leave', 'no metadata'}:
            connection.close()
        elif order == 'huge':
            raw(b'\x82\x7f' + (2 * GB).to_bytes(8, 'big'))
            pour(raw, bytes(2**20))
        elif order == 'lists':
            most = 16 * 2**20 - 100
            lists = b'\x81\xa7actions\xdd' + most.to_bytes(4, 'big') + b'\x90' * most
            connection.send(lists)
        elif order == 'half':
            frame = pack(answer)
            raw(b'\x82\x7e' + len(frame).to_bytes(2, 'big') + frame[: len(frame) // 2])
        elif order in FLOODS:
            connection.send(pack(answer))
            if order == 'pieces':
                raw(b'\x02\x00')
            pour(raw, FLOODS[order])
        else:
            connection.send(pack(answer))
            if order.startswith('close'):
                connection.close()


class Gr00tSide:
    """GR00T's protocol, N1.7."""

    def __init__(self, orders, policy):
        # Imported here, since the other side needs no ZeroMQ.
        from helpers.gr00t_servers import modality

        self.orders = orders
        self.config = {
            'video': modality(['front'], [0]),
            'state': modality(['arm'], [0]),
            'action': modality(['arm'], list(range(HORIZON)), policy=policy),
            'language': modality([], [0]),
        }
        del self.config['language']

    def serve(self, host, port):
        import zmq

        from helpers.gr00t_servers import from_bytes, to_bytes

        with zmq.Context.instance().socket(zmq.REP) as socket:
            socket.setsockopt(zmq.LINGER, 0)
            socket.bind(f'tcp://{host}:{port or "*"}')
            bound = socket.getsockopt_string(zmq.LAST_ENDPOINT).rpartition(':')[2]
            say(f'ready {bound}')
            while True:
                request = from_bytes(socket.recv())
                if request['endpoint'] != 'get_action':
                    socket.send(to_bytes(self.config))
                    continue
                order = self.orders.take()
                socket.send(self.answer(order, request, to_bytes))

    def answer(self, order, request, to_bytes):
        if order == 'error':
            return to_bytes({'error': 'out of memory'})
        if order == 'garbage':
            return b'\xc1' * 100
        if order == 'huge':
            return bytes(100 * 2**20)
        newest = request['data']['observation']['state']['arm'][0, -1]
        chunk = self.orders.chunk(order, newest)
        arm = {} if order == 'nothing' else {'arm': np.asarray(chunk)[None]}
        return to_bytes([arm, {}])


def say(line):
    """Tell whoever started this, in one piece."""
    sys.stdout.write(f'{line}\n')
    sys.stdout.flush()


def pour(send, piece):
    """Send for ever, until nobody is there to take it."""
    try:
        while True:
            send(piece)
    except OSError:
        pass


def main():
    protocol, host, port, policy, key = sys.argv[1:]
    orders = Orders()
    threading.Thread(target=orders.listen, daemon=True).start()
    if protocol == GROOT:
        Gr00tSide(orders, policy).serve(host, int(port))
    side = WebSocketSide(orders, protocol == OWN, policy, key)
    quiet = logging.Logger('websockets', logging.CRITICAL + 1)
    options = {'compression': None, 'max_size': None, 'close_timeout': 0.1, 'logger': quiet}
    with serve(side.handle, host, int(port), process_request=side.admit, **options) as server:
        say(f'ready {server.socket.getsockname()[1]}')
        server.serve_forever()


if __name__ == '__main__':
    main()
