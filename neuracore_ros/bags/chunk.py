"""One chunk of a file: where it lies, its data, and what is in it."""

from __future__ import annotations

import bz2
import struct
import zlib
from dataclasses import dataclass, field
from typing import Any

import lz4.frame

from neuracore_ros.bags.storage import (
    Connection,
    DamageError,
    RawMessage,
    ZstdDecompressor,
    one_line,
)

MOST_BYTES = 1 << 28
"""What is read or decompressed at once, whatever the file says.

Recorders write chunks of a few megabytes, or of one message where that is larger.
"""
# Each takes a few hundred bytes of memory beside its data.
MOST_MESSAGES = 1 << 20


@dataclass(frozen=True, slots=True)
class Chunk:
    """A run of messages that is stored, and compressed, as one.

    Attributes:
        offset: Of its data in the file.
        size: Of its data there.
        codec: '', ``none``, ``lz4``, ``zstd`` or ``bz2``.
        raw_size: Of its data when decompressed.
        crc: Of its data when decompressed; 0 unknown.
        start_ns: Log time of its first message, [ns].
        end_ns: Log time of its last one, [ns].
        connections: Whose messages it holds; None unknown.
        is_cut: The file ends in it: what can be decompressed of it counts.
    """

    offset: int
    size: int
    codec: str
    raw_size: int
    crc: int = 0
    start_ns: int = 0
    end_ns: int = 0
    connections: frozenset[int] | None = None
    is_cut: bool = False


@dataclass(slots=True)
class ChunkContent:
    """The messages and connections in the data of one chunk.

    Attributes:
        messages: In the order of the file.
        connections: Defined in it.
        damage: Why it ends early; '' if it does not.
    """

    messages: list[RawMessage] = field(default_factory=list)
    connections: dict[int, Connection] = field(default_factory=dict)
    damage: str = ''

    def add(self, message: RawMessage) -> None:
        """Append a message.

        Raises:
            DamageError: There are too many for the memory.
        """
        if len(self.messages) >= MOST_MESSAGES:
            raise DamageError(f'has more than {MOST_MESSAGES} messages')
        self.messages.append(message)


def decompressed(stored: bytes, chunk: Chunk) -> bytes:
    """The decompressed data of a chunk; of one that is cut, as far as there is any.

    Raises:
        DamageError: It cannot be decompressed, or is not what was compressed.
    """
    if chunk.codec in {'', 'none'}:
        data = stored
    elif chunk.codec not in _DECOMPRESSORS:
        raise DamageError(f'compression {chunk.codec!r} is unknown')
    else:
        if chunk.raw_size > MOST_BYTES and not chunk.is_cut:
            raise DamageError(
                f'claims {chunk.raw_size} bytes decompressed: more than can be right'
            )
        # One more tells of data that has more than it says.
        most = min(chunk.raw_size, MOST_BYTES) + 1
        try:
            data = _DECOMPRESSORS[chunk.codec]().decompress(stored, most)
        except Exception as error:  # each library has its own
            raise DamageError(f'cannot be decompressed ({one_line(error)})') from error
    if not chunk.is_cut:
        if len(data) != chunk.raw_size:
            size = f'more than {chunk.raw_size}' if len(data) > chunk.raw_size else len(data)
            raise DamageError(f'has {size} bytes decompressed, not {chunk.raw_size}')
        if chunk.crc and zlib.crc32(data) != chunk.crc:
            raise DamageError('its checksum is wrong')
    return data


MALFORMED = (DamageError, ValueError, LookupError, OverflowError, struct.error)
"""What parsing damaged bytes may raise."""

_DECOMPRESSORS: dict[str, Any] = {
    'zstd': ZstdDecompressor,
    'lz4': lz4.frame.LZ4FrameDecompressor,
    'bz2': bz2.BZ2Decompressor,
}
