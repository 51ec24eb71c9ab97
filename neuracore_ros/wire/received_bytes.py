"""The bytes that have come over a TCP connection, as Linux counts them."""

from __future__ import annotations

import socket
import struct

# Of `struct tcp_info` in linux/tcp.h: eight bytes, 24 numbers of four, then of eight each
# tcpi_pacing_rate, tcpi_max_pacing_rate, tcpi_bytes_acked and this one (since Linux 4.1).
_BYTES_RECEIVED = struct.Struct('=128xQ')


def received_bytes(descriptor: int) -> int:
    """The bytes that came over the connection of a file descriptor; 0 if that is not known.

    Args:
        descriptor: Owned by somebody else, who may have closed it; negative: not known.
    """
    try:
        connection = socket.socket(fileno=descriptor)
    except (OSError, ValueError):
        return 0
    try:
        info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _BYTES_RECEIVED.size)
        return int(_BYTES_RECEIVED.unpack(info)[0])
    except (OSError, AttributeError, struct.error):
        return 0
    finally:
        connection.detach()
