"""Recordings of any kind, read as one stream of messages in log order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from heapq import merge
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import Any, NamedTuple

from neuracore_ros.bags.bag_files import files, open_storage
from neuracore_ros.bags.definitions import deserialiser
from neuracore_ros.bags.simulated_clock import CLOCK, CLOCK_TYPE, SimulatedClock, read_clock
from neuracore_ros.bags.storage import (
    LEROBOT,
    Connection,
    DamageError,
    RawMessage,
    Storage,
    decompressed_message,
    one_line,
)
from neuracore_ros.bags.topics import Topic, topics_of
from neuracore_ros.errors import BagError, printable
from neuracore_ros.progress import ProgressCallback
from neuracore_ros.similar_names import alike_topics

# No CDR message begins like this: the first byte of one is always 0.
ZSTD_MAGIC = b'\x28\xb5\x2f\xfd'

PROGRESS_EVERY = 100
"""Messages between two calls of a progress callback."""


_Stored = Callable[[Storage, Collection[int]], Iterator[RawMessage]]


class RecordedMessage(NamedTuple):
    """One message of a recording.

    ``topic`` is the name that was asked for, which may lack the bag's leading slash or
    namespace; ``log_time_ns`` is when the recorder received the message.
    """

    topic: str
    message: Any
    log_time_ns: int


class Bag:
    """An open recording. Made by :func:`open_bag`.

    Attributes:
        path: The folder or file.
        topics: What was recorded, by topic name.
        start_ns: Log time of the first message of any topic, [ns].
        end_ns: Log time of the last one, [ns].
        count: Number of messages of all topics.
        tasks: What is done, as the custom data of its metadata.yaml say, or the dataset that it
            is an episode of: one after the other; empty where they do not say it.
        pair: Label of what belongs together across robots, likewise.
    """

    def __init__(
        self,
        path: Path,
        storages: list[Storage],
        notes: list[str],
        namespace: str,
        task: str,
        pair: str,
    ) -> None:
        self.path = path
        told = [task] if task else [each for storage in storages for each in storage.tasks]
        self.tasks: tuple[str, ...] = tuple(dict.fromkeys(filter(None, told)))
        self.pair = pair
        self.namespace = namespace.strip('/')
        self._storages = storages
        self._notes = notes
        self._refused: dict[tuple[str, str], str] = {}
        self._clock: SimulatedClock | None = None
        full = [storage for storage in storages if storage.counts.total()]
        self.start_ns = min((storage.start_ns for storage in full), default=0)
        self.end_ns = max((storage.end_ns for storage in full), default=0)
        self.count = sum(storage.counts.total() for storage in full)
        self.topics: Mapping[str, Topic] = topics_of(storages)

    @property
    def origin_ns(self) -> int | None:
        """The log time from which all messages come at one rate, [ns]; None if they do not."""
        is_periodic = self._clock is None and all(each.is_periodic for each in self._storages)
        return self.start_ns if is_periodic else None

    @property
    def task(self) -> str:
        """The first of its tasks; '' if it has none."""
        return next(iter(self.tasks), '')

    @property
    def uses_sim_time(self) -> bool:
        """True if /clock counts in place of the log times."""
        return self._clock is not None

    def use_sim_time(self) -> None:
        """Take what /clock said for the log times, as a recorder with ``use_sim_time`` does.

        Raises:
            BagError: There is no /clock, or it goes back.
        """
        found = self.find(CLOCK, CLOCK_TYPE)
        is_clock = found is not None and found.type == CLOCK_TYPE
        messages = self.read({CLOCK: CLOCK_TYPE}) if is_clock else ()
        self._clock = read_clock(messages, self.path)
        self.start_ns, self.end_ns = self._clock.span_ns

    @property
    def losses(self) -> tuple[str, ...]:
        """Parts of the recording that are not there or cannot be read, a line each.

        Damage within a file shows when it is read, so this grows while :meth:`read` goes on.
        """
        lost = [
            f'{storage.path.name}: {text}'
            for storage in self._storages
            for text in storage.losses.values()
        ]
        return tuple(map(printable, (*self._notes, *lost, *self._refused.values())))

    def find(self, topic: str, kind: str = '') -> Topic | None:
        """The recorded topic that a robot file means; ``kind`` chooses among its types.

        A name without a leading slash is looked up in the bag's namespace, if it is no feature of
        a dataset; ROS 1 recorders often leave the slash out, so that it never counts.
        """
        name = topic
        if self.namespace and not topic.startswith('/') and not self._is_feature(topic):
            name = f'{self.namespace}/{topic}'
        bare = name.strip('/')
        found = self.topics.get(f'/{bare}') or self.topics.get(bare)
        if found is None:
            return None
        return next((each for each in found.kinds if each.holds(kind)), found)

    def _is_feature(self, topic: str) -> bool:
        """True for a feature of a LeRobot dataset, which is in no namespace."""
        return topic in self.topics and self.topics[topic].serialization.startswith(LEROBOT)

    def nearest(self, topic: str) -> list[Topic]:
        """RecordedMessage topics with messages, those whose name is most like ``topic`` first."""
        recorded = {each.name: each for each in self.topics.values() if each.count}
        return [recorded[name] for name in alike_topics(topic, recorded)]

    def read(
        self,
        topics: Iterable[str] | Mapping[str, str],
        progress: ProgressCallback = lambda part: None,
    ) -> Iterator[RecordedMessage]:
        """Messages of ``topics`` in log order; topics that the bag lacks give none.

        What cannot be read, or is of another type, is left out, and said by :attr:`losses`.

        Args:
            topics: As a robot file names them; or such a name -> the type that is wanted.
            progress: Called every few messages.

        Raises:
            BagError: A message type of ``topics`` is unknown, or its encoding is.
        """
        chosen = self._choose(topics)
        wanted: dict[str, list[str]] = {}
        for topic, found in chosen.items():
            # A topic with and without its slash may be one in the bag: each is given it.
            wanted.setdefault(found.name, []).append(topic)
        recorded = {found.name: found for found in chosen.values()}
        unread = Counter({name: found.count for name, found in recorded.items()})
        totals = dict(unread)
        for found in recorded.values():
            found.require_readable(self.path)
            for other in self.topics[found.name].kinds:
                if other is not found and other.count:
                    self._refused[found.name, str(other)] = other.left_out_for(found)
        refused: Counter[str] = Counter()
        span_ns = max(self.end_ns - self.start_ns, 1)
        for count, (storage, raw) in enumerate(self._timed(recorded.values())):
            if count % PROGRESS_EVERY == 0:
                progress((raw.log_time_ns - self.start_ns) / span_ns)
            connection = storage.connections[raw.connection]
            name = connection.topic
            unread[name] -= 1
            try:
                decode = storage.decoders.get(raw.connection) or _ros_decoder(connection)
            except DamageError as error:
                raise BagError(f'{self.path}: {name} {error}') from error
            try:
                message = decode(raw)
            except Exception as error:  # the bytes of a message may be anything
                refused[name] += 1
                self._refused[name, 'type'] = (
                    f'{name}: {refused[name]} messages are not of their type {connection.type} '
                    f'({one_line(error)})'
                )
                continue
            for topic in wanted[name]:
                yield RecordedMessage(topic, message, raw.log_time_ns)
        for name, lost in unread.items():
            if lost > 0:
                self._refused[name, 'unread'] = (
                    f'{name}: {lost} of {totals[name]} messages are lost'
                )

    def times_ns(self, topics: Iterable[str] | Mapping[str, str]) -> Iterator[int]:
        """Log times of what :meth:`read` gives, in order; nothing is decoded."""
        recorded = {found.name: found for found in self._choose(topics).values()}
        for _, raw in self._timed(recorded.values()):
            yield raw.log_time_ns

    def raw(self, topics: Iterable[Topic]) -> Iterator[tuple[Connection, RawMessage]]:
        """Messages of recorded topics in log order, as they are stored."""
        for storage, raw in self._merged(
            topics, lambda storage, numbers: storage.messages(numbers)
        ):
            yield storage.connections[raw.connection], raw

    def _merged(
        self, topics: Iterable[Topic], stored: _Stored
    ) -> Iterator[tuple[Storage, RawMessage]]:
        """Messages of all files in log order."""
        wanted = {(topic.name, topic.type, topic.serialization) for topic in topics}
        streams = []
        for storage in self._storages:
            numbers = [
                n for n, connection in storage.connections.items() if connection[:3] in wanted
            ]
            if numbers:
                streams.append(_with_storage(storage, stored(storage, numbers)))
        return merge(*streams, key=lambda item: item[1].log_time_ns)

    def _timed(self, topics: Iterable[Topic]) -> Iterator[tuple[Storage, RawMessage]]:
        """Messages in the time that counts; those before its first instant are left out."""
        for storage, raw in self._merged(
            topics, lambda storage, numbers: storage.undecoded(numbers)
        ):
            if self._clock is None:
                yield storage, raw
            elif (time_ns := self._clock.at(raw.log_time_ns)) is not None:
                yield storage, raw._replace(log_time_ns=time_ns)

    def names(self, topic: Topic, messages: int = 50) -> list[str]:
        """Joint names in the first messages of a recorded topic, in order of appearance."""
        names: dict[str, None] = {}
        wanted = {topic.name: topic.type}
        for _, recorded in zip(range(messages), self.read(wanted), strict=False):
            for field in ('name', 'joint_names'):
                value = getattr(recorded.message, field, ())
                named = value if isinstance(value, list) and any(value) else ()
                names.update(dict.fromkeys(named))
        return list(names)

    def _choose(self, topics: Iterable[str] | Mapping[str, str]) -> dict[str, Topic]:
        """Each topic that is there, as it was named."""
        types = topics if isinstance(topics, Mapping) else {}
        found = {topic: self.find(topic, types.get(topic, '')) for topic in topics}
        return {topic: each for topic, each in found.items() if each is not None}


@contextmanager
def open_bag(path: str | Path, namespace: str = '', use_sim_time: bool = False) -> Iterator[Bag]:
    """Open a recording: rosbag2 (MCAP, sqlite3), ROS 1, or an episode of a LeRobot dataset.

    Of a damaged one, what is whole is read; :attr:`Bag.losses` says what is not.

    Args:
        path: Folder, with or without ``metadata.yaml``, or file; or ``DATASET/episode_000003``.
        namespace: Where topics without a leading slash are looked up.
        use_sim_time: Take what its /clock said for its log times.

    Raises:
        BagError: There is no bag, it is empty, or nothing of it can be read; or it has no /clock.
    """
    path = Path(path)
    found = files(path)
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(TemporaryDirectory(prefix='neuracore_ros_')))
        storages: list[Storage] = []
        notes = list(found.notes)
        for part in found.paths:
            try:
                # Of its own, since two files may have one name when they are decompressed.
                storages.append(open_storage(part, Path(mkdtemp(dir=scratch))))
                stack.callback(storages[-1].close)
            except BagError as error:
                if len(found.paths) == 1:
                    raise
                notes.append(f'lost: {error}')
        bag = Bag(path, storages, notes, namespace, found.task, found.pair)
        if not bag.count:
            why = ''.join(f'; {loss}' for loss in bag.losses)
            raise BagError(f'{path}: holds no message ({len(bag.topics)} topics){why}')
        if found.count is not None and found.count > bag.count and not bag.losses:
            notes.append(
                f'metadata.yaml counts {found.count} messages, the files hold {bag.count}'
            )
        if use_sim_time:
            bag.use_sim_time()
        yield bag


def _with_storage(
    storage: Storage, messages: Iterator[RawMessage]
) -> Iterator[tuple[Storage, RawMessage]]:
    for raw in messages:
        yield storage, raw


@lru_cache(maxsize=64)
def _ros_decoder(connection: Connection) -> Callable[[RawMessage], Any]:
    """Make the decoder of messages of ROS.

    It goes by the bag's own definition of this one type, else by the stock one: a strange type
    elsewhere does no harm.

    Raises:
        DamageError: The type is defined in neither way, with the reason.
    """
    deserialise = deserialiser(connection)
    may_be_packed = connection.serialization == 'cdr'

    def decode(raw: RawMessage) -> Any:
        data = raw.data
        if may_be_packed and data[:4] == ZSTD_MAGIC:
            data = decompressed_message(data)
        # A view instead of bytes: rosbags slices off the header, copying each image.
        return deserialise(memoryview(data))

    return decode
