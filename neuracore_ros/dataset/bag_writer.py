"""One episode on disk: a rosbag2 folder with MCAP storage, there only when whole."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

from neuracore_ros.errors import BagError

# Definitions of the message types that a robot file can name: equal in Jazzy and Kilted.
_TYPES = get_typestore(Stores.ROS2_JAZZY)


class BagWriter:
    """Writes serialized messages to a bag that appears under its name when closed.

    Args:
        path: The bag's folder; must not exist.
        topics: Topic -> ROS 2 message type; all are in the bag, even those that stay empty.

    Raises:
        BagError: There is such a folder already, or it cannot be written.
    """

    def __init__(self, path: Path, topics: Mapping[str, str]) -> None:
        if path.exists():
            raise BagError(f'{path} is there already: recordings are never overwritten')
        self.path = path
        self.counts = dict.fromkeys(topics, 0)
        self.start_ns = 0
        self.end_ns = 0
        # The storage file is named after its folder, so the partial name is the parent's.
        self._partial = path.parent / f'.partial-{path.name}-{os.getpid()}'
        self._writer = Writer(
            self._partial / path.name, version=9, storage_plugin=StoragePlugin.MCAP
        )
        try:
            self._writer.open()
        except OSError as error:
            raise BagError(f'{path}: cannot be written: {error.strerror}') from error
        self._connections = {
            topic: self._writer.add_connection(topic, kind, typestore=_TYPES)
            for topic, kind in topics.items()
        }

    def write(self, topic: str, log_time_ns: int, data: bytes) -> None:
        """Add one message.

        Args:
            topic: One of those given at the start.
            log_time_ns: When it was received, [ns].
            data: As CDR, the way it came from the wire.
        """
        self._writer.write(self._connections[topic], log_time_ns, data)
        self.counts[topic] += 1
        self.start_ns = min(self.start_ns or log_time_ns, log_time_ns)
        self.end_ns = max(self.end_ns, log_time_ns)

    @property
    def duration_s(self) -> float:
        """Between the first message and the last, [s]."""
        return (self.end_ns - self.start_ns) / 1e9

    def close(self) -> None:
        """Complete the bag and give it its name; without a single message, leave none.

        Raises:
            BagError: It cannot be completed, or nothing was recorded.
        """
        try:
            self._writer.close()
            if any(self.counts.values()):
                (self._partial / self.path.name).rename(self.path)
        except OSError as error:
            raise BagError(
                f'{self.path}: cannot be completed: {error.strerror}; what there is lies in '
                f'{self._partial}'
            ) from error
        shutil.rmtree(self._partial, ignore_errors=True)
        if not any(self.counts.values()):
            raise BagError(f'{self.path}: nothing was recorded: no message of any topic came')


def next_episode(folder: Path) -> Path:
    """The first free name ``episode_NNN`` after all that are there."""
    taken = [
        int(path.name.removeprefix('episode_'))
        for path in folder.glob('episode_*')
        if path.name.removeprefix('episode_').isdigit()
    ]
    return folder / f'episode_{max(taken, default=-1) + 1:03d}'
