"""The interface of all files of recordings: connections, messages, and losses."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any, NamedTuple

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

ZstdDecompressor = zstd.ZstdDecompressor
ZstdError = zstd.ZstdError

LATEST_NS = (1 << 63) - 1
"""No message is dated later: in the year 2262, which 64 bits with a sign hold."""

MOST_MESSAGE_BYTES = 1 << 27
"""Of one message, decompressed; a larger one is damaged, or an attack."""


DEFINITIONS = frozenset({'ros2msg', 'ros1msg', 'ros2idl', 'omgidl'})
"""Encodings of definitions that can be read; all of them are text."""

MOST_DEFINITION = 1 << 20
"""Characters of one definition; a longer one is not read. Those of ROS have up to 100,000."""


LEROBOT = 'lerobot'
"""The encoding of a row of a LeRobot dataset; what cannot be read of it follows after a colon."""


class DamageError(Exception):
    """Bytes of a file that are not what its format asks for.

    Args:
        text: What is wrong.
        offset: Where in the file nothing can be understood any more.
    """

    def __init__(self, text: str, offset: int = 0) -> None:
        super().__init__(text)
        self.offset = offset


class Connection(NamedTuple):
    """A connection, as rosbags has it: one topic, with the type and encoding of its messages.

    Attributes:
        topic: Its name, as recorded.
        type: ``package/msg/Name``.
        serialization: How messages are encoded: ``cdr`` or ``ros1``; anything else, such as
            ``json`` or ``protobuf``, cannot be read.
        encoding: How the type is defined: ``ros2msg``, ``ros2idl``, ``ros1msg``; '' not at all.
        definition: The definition.
        also: Other types whose messages these can stand for, where the recording does not tell
            which they were.
    """

    topic: str
    type: str
    serialization: str
    encoding: str
    definition: str
    also: tuple[str, ...] = ()


class RawMessage(NamedTuple):
    """One message as it lies in a file.

    Attributes:
        log_time_ns: When it was recorded, [ns].
        connection: The number of its connection there.
        data: Its bytes.
        place: Of what it is part of, where its bytes alone do not tell: a frame of a video.
    """

    log_time_ns: int
    connection: int
    data: bytes | memoryview
    place: int = 0


class Storage:
    """One open file of a recording, whole or damaged.

    Attributes:
        path: The file.
        connections: By number.
        counts: Connection -> messages, as far as they were found.
        start_ns: Log time of the first message, [ns].
        end_ns: Log time of the last one, [ns].
        losses: Where -> what cannot be read, in one line; it may grow while messages are read.
        tasks: What is done in it, in words, one after the other; empty where it does not say.
        is_periodic: Messages come at one rate, from ``start_ns`` on.
        decoders: Connection -> what makes its messages, where they are no bytes of ROS.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.connections: dict[int, Connection] = {}
        self.counts: Counter[int] = Counter()
        self.start_ns = self.end_ns = 0
        self.losses: dict[object, str] = {}
        self.tasks: tuple[str, ...] = ()
        self.is_periodic = False
        self.decoders: dict[int, Callable[[RawMessage], Any]] = {}

    def messages(self, connections: Collection[int]) -> Iterator[RawMessage]:
        """Every readable message of these connections, in log order."""
        raise NotImplementedError

    def undecoded(self, connections: Collection[int]) -> Iterator[RawMessage]:
        """The same, without bytes that nobody needs who decodes them by :attr:`decoders`."""
        return self.messages(connections)

    def close(self) -> None:
        """Close the file."""
        raise NotImplementedError


def ros_type(name: str) -> str:
    """A message type as ``package/msg/Name``, however a recorder spells it.

    ROS 1 and some recorders leave ``msg`` out, C++ writes ``package::msg::Name``, and DDS
    ``package::msg::dds_::Name_``.
    """
    parts = name.replace('::', '/').split('/')
    if 'dds_' in parts:
        parts.remove('dds_')
        parts[-1] = parts[-1].removesuffix('_')
    if len(parts) == 2:
        parts.insert(1, 'msg')
    return '/'.join(parts)


def one_line(error: Exception) -> str:
    """The error's first line, or its kind where it has no text."""
    lines = str(getattr(error, 'strerror', None) or error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def decompressed_message(data: bytes | memoryview) -> bytes:
    """A message that zstd compressed by itself.

    Raises:
        DamageError: It is larger than messages are.
        ZstdError: It is damaged.
    """
    message: bytes = ZstdDecompressor().decompress(data, MOST_MESSAGE_BYTES + 1)
    if len(message) > MOST_MESSAGE_BYTES:
        raise DamageError(f'has more than {MOST_MESSAGE_BYTES} bytes decompressed')
    return message
