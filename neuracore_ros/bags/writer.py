"""One episode on disk: a rosbag2 folder with MCAP storage, there only when whole."""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any

from rosbags.interfaces import (
    Qos,
    QosDurability,
    QosHistory,
    QosLiveliness,
    QosReliability,
    QosTime,
)
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from neuracore_ros.bags.bag import open_bag
from neuracore_ros.bags.partial_bags import EPISODE, left_behind, partial_folder
from neuracore_ros.errors import BagError
from neuracore_ros.files import sync, writing

# Definitions of the message types that a robot file can name: equal in Jazzy and Kilted.
_TYPES = get_typestore(Stores.ROS2_JAZZY)
STRING = 'std_msgs/msg/String'
_NEVER = QosTime(9223372036, 854775807)
# So that a player offers a latched topic as it was offered to us.
_LATCHED = Qos(
    history=QosHistory.KEEP_LAST,
    depth=100,
    reliability=QosReliability.RELIABLE,
    durability=QosDurability.TRANSIENT_LOCAL,
    deadline=_NEVER,
    lifespan=_NEVER,
    liveliness=QosLiveliness.AUTOMATIC,
    liveliness_lease_duration=_NEVER,
    avoid_ros_namespace_conventions=False,
)


class BagWriter:
    """Writes serialized messages to a bag that appears under its name when closed.

    Args:
        path: The bag's folder; must not exist.
        topics: Topic -> ROS 2 message type; all are in the bag, even those that stay empty.
        latched: Those of them that are offered to late subscribers, too.
        notes: Kept as ``custom_data`` of the bag's metadata.
        rare: Topics, and their types, that are in the bag only if they have a message.

    Raises:
        BagError: There is such a folder already, or a type is not known.
        WriteError: It cannot be written.
    """

    def __init__(
        self,
        path: Path,
        topics: Mapping[str, str],
        latched: Collection[str] = (),
        notes: Mapping[str, str] | None = None,
        rare: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        if os.path.lexists(path):
            raise BagError(f'{path} is there already: recordings are never overwritten')
        self._types = {**topics, **rare}
        for kind in self._types.values():
            require_type(kind)
        self.path = path
        self.counts = dict.fromkeys(self._types, 0)
        self.size = 0
        self.start_ns = 0
        self.end_ns = 0
        # The storage file is named after its folder, so the partial name is the parent's.
        self._partial = partial_folder(path)
        with writing(self._partial):
            self._partial.mkdir(parents=True)  # fails at a link
        self._writer = Writer(
            self._partial / path.name, version=9, storage_plugin=StoragePlugin.MCAP
        )
        for key, value in (notes or {}).items():
            self._writer.set_custom_data(key, value)
        with writing(path):
            self._writer.open()
        self._latched = latched
        self._connections = {topic: self._connect(topic) for topic in topics}

    def _connect(self, topic: str) -> Any:
        return self._writer.add_connection(
            topic,
            self._types[topic],
            typestore=_TYPES,
            offered_qos_profiles=[_LATCHED] if topic in self._latched else [],
        )

    def write(self, topic: str, log_time_ns: int, data: bytes) -> None:
        """Add one message, CDR as it came from the wire, received at ``log_time_ns``, [ns].

        Raises:
            OSError: The disk takes no more.
        """
        if topic not in self._connections:
            self._connections[topic] = self._connect(topic)
        self._writer.write(self._connections[topic], log_time_ns, data)
        self.counts[topic] += 1
        self.size += len(data)
        self.start_ns = min(self.start_ns or log_time_ns, log_time_ns)
        self.end_ns = max(self.end_ns, log_time_ns)

    def write_text(self, topic: str, log_time_ns: int, text: str) -> None:
        """Add a std_msgs/String.

        Raises:
            OSError: The disk takes no more.
        """
        message = _TYPES.types[STRING](text)
        self.write(topic, log_time_ns, bytes(_TYPES.serialize_cdr(message, STRING)))

    @property
    def duration_s(self) -> float:
        """Between the first message and the last, [s]."""
        return (self.end_ns - self.start_ns) / 1e9

    def flush(self) -> None:
        """Hand all messages to the operating system, which outlives a killed process.

        Raises:
            OSError: The disk takes no more.
        """
        # rosbags ends a chunk after 1 MiB only, which joints alone need half a minute for.
        storage: Any = self._writer.storage
        if storage.chunk.bio.tell():
            storage.close_chunk()
        storage.bio.flush()

    def close(self) -> None:
        """Complete the bag and give it its name.

        Raises:
            BagError: It cannot be completed.
        """
        try:
            self._writer.close()
            bag = self._partial / self.path.name
            # Robots are switched off when the last episode is kept.
            for each in (*bag.iterdir(), bag):
                sync(each)
            bag.rename(self.path)
            sync(self.path.parent)
        except OSError as error:
            raise BagError(
                f'{self.path}: cannot be completed: {error.strerror}; what there is lies in '
                f'{self._partial}'
            ) from error
        shutil.rmtree(self._partial, ignore_errors=True)

    def close_cut(self) -> None:
        """Give the bag its name as it is, without index and metadata: `convert` reads it."""
        with suppress(OSError):
            self._writer.abort()
        with suppress(OSError):
            (self._partial / self.path.name).rename(self.path)
            shutil.rmtree(self._partial, ignore_errors=True)

    def discard(self) -> None:
        """Leave nothing."""
        with suppress(OSError):
            self._writer.abort()
        shutil.rmtree(self._partial, ignore_errors=True)


def next_episode(folder: Path) -> Path:
    """The first free name ``episode_NNN`` after all that are there."""
    numbers = (EPISODE.fullmatch(path.name) for path in folder.glob('episode_*'))
    number = max((int(each[1]) for each in numbers if each), default=-1) + 1
    # In a container a killed process may have had the number that this one has.
    while os.path.lexists(partial_folder(path := folder / f'episode_{number:03d}')):
        number += 1
    return path


def rescue(folder: Path, but: Collection[int] = ()) -> list[Path]:
    """Give names to the bags of recorders that were killed, as far as they can be read.

    Processes in ``but`` did not begin a bag in this folder, though they run.
    """
    rescued = []
    for bag in left_behind(folder, but):
        if not _is_readable(bag):
            continue
        target = folder / bag.name
        if os.path.lexists(target):
            target = next_episode(folder)
        bag.rename(target)
        with suppress(OSError):  # it holds something else
            bag.parent.rmdir()
        rescued.append(target)
    return rescued


def require_type(kind: str) -> None:
    """Make the definition of a message type known, which a bag must hold.

    Types that are not ROS 2's own are read from the packages of the sourced workspace.

    Raises:
        BagError: It is not found.
    """
    wanted = [kind]
    while wanted:
        name = wanted.pop()
        if name in _TYPES.fielddefs:
            continue
        found = get_types_from_msg(_definition(name, kind), name)
        _TYPES.register(found)
        wanted += [used for used in _used_by(found[name][1]) if used not in _TYPES.fielddefs]


def _used_by(fields: Any) -> list[str]:
    """Message types in the fields of one."""
    names = []
    for _, (_, content) in fields:
        # An array holds its element's kind and content; a plain type, its name and size.
        while isinstance(content, tuple) and not isinstance(content[0], str):
            content = content[0][1]  # noqa: PLW2901
        if isinstance(content, str):
            names.append(content)
    return names


def _definition(name: str, wanted: str) -> str:
    package, _, kind = name.split('/')
    prefixes = [p for p in os.environ.get('AMENT_PREFIX_PATH', '').split(os.pathsep) if p]
    for prefix in prefixes:
        path = Path(prefix) / 'share' / package / 'msg' / f'{kind}.msg'
        if path.is_file():
            return path.read_text('utf-8')
    needs = f' (which {wanted} needs)' if name != wanted else ''
    raise BagError(
        f'no definition of {name}{needs} is known: source the workspace that has {package}'
    )


def _is_readable(path: Path) -> bool:
    try:
        with open_bag(path) as bag:
            return bag.count > 0
    except BagError:
        return False
