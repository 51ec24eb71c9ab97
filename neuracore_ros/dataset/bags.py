"""Recordings of any kind, read as one stream of messages in log order."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from heapq import merge
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from rosbags.interfaces import Connection, MessageDefinitionFormat
from rosbags.rosbag1 import Reader as Ros1Reader
from rosbags.rosbag2 import Reader as Ros2Reader
from rosbags.typesys import Stores, get_types_from_idl, get_types_from_msg, get_typestore

from neuracore_ros.errors import BagError

STORAGE_SUFFIXES = ('.mcap', '.db3')
SUFFIXES = (*STORAGE_SUFFIXES, '.bag')


class Recorded(NamedTuple):
    """One message of a recording.

    ``topic`` is the name that was asked for, which may lack the bag's leading slash or
    namespace; ``log_time_ns`` is when the recorder received the message.
    """

    topic: str
    message: Any
    log_time_ns: int


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic as the recording has it: its name, message type and number of messages."""

    name: str
    type: str
    count: int

    def __str__(self) -> str:
        return f'{self.name} ({self.type}, {self.count} messages)'


class Bag:
    """An open recording. Made by :func:`open_bag`.

    Attributes:
        path: The folder or file.
        topics: What was recorded, by topic name.
        start_ns: Log time of the first message of any topic, [ns].
        end_ns: Log time of the last one, [ns].
        count: Number of messages of all topics.
    """

    def __init__(self, path: Path, readers: list[Any], namespace: str) -> None:
        self.path = path
        self.namespace = namespace.strip('/')
        self._readers = readers
        self._decoders: dict[str, Any] = {}
        self.start_ns = int(min(reader.start_time for reader in readers))
        self.end_ns = int(max(reader.end_time for reader in readers)) - 1
        self.count = sum(int(reader.message_count) for reader in readers)
        topics: dict[str, Topic] = {}
        for connection in self._connections():
            known = topics.get(connection.topic)
            count = connection.msgcount + (known.count if known else 0)
            topics[connection.topic] = Topic(connection.topic, connection.msgtype, count)
        self.topics: Mapping[str, Topic] = dict(sorted(topics.items()))

    def _connections(self) -> Iterator[Connection]:
        for reader in self._readers:
            yield from reader.connections

    def find(self, topic: str) -> Topic | None:
        """The recorded topic that a robot file's ``topic`` means.

        A name without a leading slash is looked up in the bag's namespace; ROS 1 recorders
        often leave the slash out, so that it never counts.
        """
        name = topic
        if self.namespace and not topic.startswith('/'):
            name = f'{self.namespace}/{topic}'
        bare = name.strip('/')
        return self.topics.get(f'/{bare}') or self.topics.get(bare)

    def nearest(self, topic: str) -> list[Topic]:
        """Recorded topics with messages, those whose name is most like ``topic`` first."""
        wanted = topic.strip('/')

        def likeness(recorded: Topic) -> float:
            name = recorded.name.strip('/')
            same_end = name.endswith(f'/{wanted}') or wanted.endswith(f'/{name}')
            return same_end + difflib.SequenceMatcher(None, name, wanted).ratio()

        return sorted((t for t in self.topics.values() if t.count), key=likeness, reverse=True)

    def read(self, topics: Iterable[str]) -> Iterator[Recorded]:
        """Messages of ``topics`` in log order; topics that the bag lacks give none.

        Raises:
            BagError: The recording is damaged, or a message does not fit its own type.
        """
        wanted = {found.name: topic for topic in topics if (found := self.find(topic))}
        streams = []
        for reader in self._readers:
            connections = [c for c in reader.connections if c.topic in wanted]
            # An empty selection would mean every topic to rosbags.
            if connections:
                streams.append(reader.messages(connections=connections))
        count = 0
        try:
            for connection, log_time_ns, data in merge(*streams, key=lambda item: int(item[1])):
                message = self._decode(connection, data)
                yield Recorded(wanted[connection.topic], message, log_time_ns)
                count += 1
        except BagError:
            raise
        except Exception as error:  # a parser met damaged bytes: it may raise anything
            raise BagError(
                f'{self.path}: damaged after {count} of the wanted messages: {_one_line(error)}'
            ) from error

    def fingerprint(self) -> str:
        """Tells recordings apart, whatever they are called and wherever they lie.

        Raises:
            BagError: The recording is damaged.
        """
        digest = hashlib.sha256(f'{self.start_ns} {self.end_ns} {self.topics}'.encode())
        try:
            streams = [reader.messages() for reader in self._readers]
            for _, _, data in islice(merge(*streams, key=lambda item: int(item[1])), 32):
                digest.update(data)
        except Exception as error:  # a parser met damaged bytes: it may raise anything
            raise BagError(f'{self.path}: damaged: {_one_line(error)}') from error
        return digest.hexdigest()[:16]

    def names(self, topic: str, messages: int = 50) -> list[str]:
        """Joint names in the first messages of ``topic``, in order of appearance."""
        names: dict[str, None] = {}
        for _, recorded in zip(range(messages), self.read([topic]), strict=False):
            for field in ('name', 'joint_names'):
                value = getattr(recorded.message, field, ())
                names.update(dict.fromkeys(value if isinstance(value, list) else ()))
        return list(names)

    def _decode(self, connection: Connection, data: bytes) -> Any:
        decoder = self._decoders.get(connection.msgtype)
        if decoder is None:
            decoder = self._decoders[connection.msgtype] = self._decoder(connection)
        # A view instead of bytes: rosbags slices off the header, which would copy each image.
        return decoder(memoryview(data), connection.msgtype)

    def _decoder(self, connection: Connection) -> Any:
        """Deserialise with the bag's own definition of this one type, else with the stock one.

        Only wanted types are registered, so that a strange type elsewhere does no harm.
        """
        ros1 = isinstance(connection.owner, Ros1Reader)
        definition = connection.msgdef
        if definition.format == MessageDefinitionFormat.MSG:
            store = get_typestore(Stores.EMPTY)
            store.register(get_types_from_msg(definition.data, connection.msgtype))
        elif definition.format == MessageDefinitionFormat.IDL and 'IDL: ' not in definition.data:
            store = get_typestore(Stores.EMPTY)
            store.register(get_types_from_idl(definition.data))
        else:
            store = get_typestore(Stores.ROS1_NOETIC if ros1 else Stores.ROS2_JAZZY)
        return store.deserialize_ros1 if ros1 else store.deserialize_cdr


@contextmanager
def open_bag(path: str | Path, namespace: str = '') -> Iterator[Bag]:
    """Open a recording: a rosbag2 folder or storage file (MCAP, sqlite3), or a ROS 1 ``.bag``.

    Args:
        path: Folder, with or without ``metadata.yaml``, or file.
        namespace: Where topics without a leading slash are looked up.

    Raises:
        BagError: There is no bag, it is empty, or it is damaged.
    """
    path = Path(path)
    with ExitStack() as stack:
        readers = []
        for part in _parts(path):
            try:
                is_ros1 = part.suffix == '.bag' and part.is_file()
                reader = Ros1Reader(part) if is_ros1 else Ros2Reader(part)
                readers.append(stack.enter_context(reader))
            except Exception as error:  # a parser met damaged bytes: it may raise anything
                raise BagError(f'{part}: cannot be read: {_one_line(error)}') from error
        bag = Bag(path, readers, namespace)
        if not bag.count:
            raise BagError(f'{path}: holds no message ({len(bag.topics)} topics)')
        yield bag


def _parts(path: Path) -> list[Path]:
    """What rosbags has to open for one recording."""
    if not path.exists():
        folder = path.parent
        names = [entry.name for entry in folder.iterdir()] if folder.is_dir() else []
        close = difflib.get_close_matches(path.name, names, 1)
        hint = f'; did you mean {folder / close[0]}?' if close else ''
        raise BagError(f'{path}: no such bag{hint}')
    if path.is_file():
        if path.suffix not in SUFFIXES:
            raise BagError(f'{path}: not a bag (its name ends in none of {", ".join(SUFFIXES)})')
        return [path]
    if (path / 'metadata.yaml').is_file():
        return [path]
    parts = sorted(entry for entry in path.iterdir() if entry.suffix in STORAGE_SUFFIXES)
    if parts:
        return parts
    bags = sorted(str(entry) for entry in path.glob('*.bag'))
    bags += sorted(str(entry.parent) for entry in path.glob('*/metadata.yaml'))
    hint = f'; give the bags inside it: {" ".join(bags[:3])}' if bags else ''
    raise BagError(f'{path}: no metadata.yaml, .mcap or .db3 in this folder{hint}')


def _one_line(error: Exception) -> str:
    """The error's first line, or its kind where it has no text."""
    lines = str(error).strip().splitlines()
    return f'{lines[0] if lines else "unreadable"} ({type(error).__name__})'
