"""A network that delays and drops packets to order, between this computer and one that is not.

Two TUN devices, one of them in a network namespace of its own, and a process that carries packets
from one to the other: what ``tc netem`` does, also where the kernel has no netem. Needs root.

As a script it is that process: orders are lines of its standard input.
"""

import fcntl
import heapq
import itertools
import json
import os
import random
import select
import shutil
import struct
import subprocess
import sys
import time
from pathlib import Path

DEVICE = Path('/dev/net/tun')
SET_INTERFACE, TUN, WITHOUT_HEADER = 0x400454CA, 0x0001, 0x1000
SOUND = {'delay_s': 0.0, 'jitter_s': 0.0, 'loss': 0.0, 'is_cut': False}


def lacks():
    """Why there can be no such network here; '' if there can."""
    if os.geteuid():
        return 'needs root: it makes a network namespace'
    if shutil.which('ip') is None:
        return 'needs ip, of iproute2'
    return '' if DEVICE.exists() else f'needs {DEVICE}'


class LossyNetwork:
    """The network, from this computer.

    Attributes:
        there: The address of the other computer.
        within: Words before a command that run it there.
    """

    def __init__(self):
        number = os.getpid() % 200
        self._name = f'nr{os.getpid()}'
        self.there = f'10.231.{number}.2'
        self.within = ['ip', 'netns', 'exec', self._name]
        words = [self._name, f'10.231.{number}.1', self.there]
        self._ip('netns', 'add', self._name)
        self._process = subprocess.Popen(
            [sys.executable, __file__, *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout.readline() == 'ready\n'

    def order(self, **changes):
        """Delay by ``delay_s`` and up to ``jitter_s`` more, lose a share ``loss``, or cut it."""
        self._process.stdin.write(json.dumps(SOUND | changes) + '\n')
        self._process.stdin.flush()
        assert self._process.stdout.readline() == 'done\n'

    def close(self):
        self._process.kill()
        self._process.wait()
        self._ip('netns', 'del', self._name)

    @staticmethod
    def _ip(*words):
        subprocess.run(['ip', *words], check=True)


def open_device(name):
    """A TUN device: what is read from it was sent to it."""
    device = os.open(DEVICE, os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(device, SET_INTERFACE, struct.pack('16sH', name.encode(), TUN | WITHOUT_HEADER))
    return device


def main():
    name, here, there = sys.argv[1:]
    near, far = open_device(f'{name}a'), open_device(f'{name}b')
    run = LossyNetwork._ip
    run('link', 'set', f'{name}b', 'netns', name)
    run('addr', 'add', here, 'peer', there, 'dev', f'{name}a')
    run('link', 'set', f'{name}a', 'up')
    run('-n', name, 'addr', 'add', there, 'peer', here, 'dev', f'{name}b')
    run('-n', name, 'link', 'set', f'{name}b', 'up')
    run('-n', name, 'link', 'set', 'lo', 'up')
    print('ready', flush=True)
    carry({near: far, far: near})


def carry(other):
    """Carry packets from each device to the other, as ordered, in their order."""
    order, numbers, late = dict(SOUND), itertools.count(), []
    generator, last_s = random.Random(0), dict.fromkeys(other, 0.0)
    while True:
        wait_s = max(late[0][0] - time.monotonic(), 0.0) if late else None
        ready, _, _ = select.select([*other, sys.stdin], [], [], wait_s)
        if sys.stdin in ready:
            line = sys.stdin.readline()
            if not line:
                return
            order = json.loads(line)
            if order['is_cut']:
                late.clear()
            print('done', flush=True)
        now_s = time.monotonic()
        for device in set(ready) & set(other):
            packet = os.read(device, 65536)
            if order['is_cut'] or generator.random() < order['loss']:
                continue
            due_s = now_s + order['delay_s'] + order['jitter_s'] * generator.random()
            last_s[device] = max(last_s[device], due_s)
            heapq.heappush(late, (last_s[device], next(numbers), other[device], packet))
        while late and late[0][0] <= now_s:
            _, _, device, packet = heapq.heappop(late)
            os.write(device, packet)


if __name__ == '__main__':
    main()
