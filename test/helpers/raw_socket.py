"""A WebSocket by hand, for clients that no library would be."""

import socket
import struct


class RawSocket:
    """A socket that has said that it is a WebSocket, and then says anything."""

    def __init__(self, port, patience_s=30.0, greet=True):
        self.socket = socket.create_connection(('127.0.0.1', port), timeout=patience_s)
        if greet:
            self.socket.sendall(HANDSHAKE)
            self.head = b''
            while b'\r\n\r\n' not in self.head:
                self.head += self.read(1)

    def __enter__(self):
        return self

    def __exit__(self, *ended):
        self.socket.close()

    def send(self, data):
        """Send bytes as they are."""
        self.socket.sendall(data)

    def read(self, count):
        """Read so many bytes."""
        data = b''
        while len(data) < count:
            part = self.socket.recv(count - len(data))
            assert part, 'the server has closed'
            data += part
        return data

    def until_dropped(self):
        """Read until the server has ended the connection; returns what was read."""
        read = b''
        try:
            while part := self.socket.recv(1 << 16):
                read += part
        except ConnectionError:
            pass
        return read


HANDSHAKE = (
    b'GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'
    b'Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\nSec-WebSocket-Version: 13\r\n\r\n'
)
BINARY, TEXT, PING, CONTINUED = 2, 1, 9, 0


def frame(payload, opcode=BINARY, last=True, length=None):
    """A frame of a client, masked by zeros; ``length`` is what its header claims."""
    length = len(payload) if length is None else length
    first = bytes([(0x80 if last else 0) | opcode])
    if length < 126:
        head = first + bytes([0x80 | length])
    elif length < 1 << 16:
        head = first + bytes([0x80 | 126]) + struct.pack('>H', length)
    else:
        head = first + bytes([0x80 | 127]) + struct.pack('>Q', length)
    return head + bytes(4) + payload
