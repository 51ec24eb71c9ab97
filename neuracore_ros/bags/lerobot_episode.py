"""One episode of a LeRobot dataset as a recording: a topic for each feature, and its task."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

import pyarrow as pa

from neuracore_ros.bags.lerobot_dataset import lerobot_dataset
from neuracore_ros.bags.lerobot_info import LerobotFeature
from neuracore_ros.bags.lerobot_paths import episode_path
from neuracore_ros.bags.lerobot_rows import blocks, columns_of
from neuracore_ros.bags.lerobot_tables import BROKEN, reading, reason
from neuracore_ros.bags.lerobot_topics import (
    TASK,
    LerobotTopic,
    NumbersTopic,
    PictureTopic,
    RowTimes,
    TaskTopic,
    TextTopic,
    UnreadableTopic,
    VideoTopic,
)
from neuracore_ros.bags.lerobot_video import EpisodeVideo, FrameError
from neuracore_ros.bags.storage import RawMessage, Storage
from neuracore_ros.durations import SECOND_NS
from neuracore_ros.wording import counted

FRAME, TIMESTAMP = 'frame_index', 'timestamp'


class LerobotEpisode(Storage):
    """An open episode.

    Row k is received k / fps after the first, rounded to nanoseconds as ticks are, so that a tick
    of that rate takes a row.

    Raises:
        BagError: There is no such episode, or its dataset is none.
    """

    def __init__(self, root: Path, number: int) -> None:
        super().__init__(episode_path(root, number))
        dataset = lerobot_dataset(root)
        self._info = dataset.info
        self._files = dataset.episode(number)
        self.tasks = self._files.tasks
        self._rows = self._files.rows
        with reading(self._rows.table):
            self._columns = columns_of(self._rows.table)
        self._topics = [self._topic(feature) for feature in self._info.features.values()]
        if dataset.tasks and TASK not in self._info.features:
            self._topics.append(TaskTopic(dataset.tasks))
        for connection, topic in enumerate(self._topics):
            self.connections[connection] = topic.connection
            self.decoders[connection] = topic.decode
            self.counts[connection] = self._rows.count if self._is_there(topic) else 0
        # Episodes that are equal are two nevertheless, which their times tell.
        self.start_ns = (number + 1) * SECOND_NS
        self.is_periodic = True
        self.end_ns = self._log_ns(max(self._rows.count - 1, 0))

    def messages(self, connections: Collection[int]) -> Iterator[RawMessage]:
        """See :meth:`Storage.messages`: numbers as they are stored, images as they are packed."""
        return self._read(connections, with_packets=True)

    def undecoded(self, connections: Collection[int]) -> Iterator[RawMessage]:
        """See :meth:`Storage.undecoded`: packets of videos are left out."""
        return self._read(connections, with_packets=False)

    def close(self) -> None:
        """Close the videos."""
        for topic in self._topics:
            topic.close()

    def _topic(self, feature: LerobotFeature) -> LerobotTopic:
        if feature.dtype == 'video':
            return UnreadableTopic(feature) if feature.is_depth else self._video(feature)
        if feature.dtype == 'image':
            return PictureTopic(feature, self._info.root)
        if feature.dtype == 'string':
            return TextTopic(feature.key)
        return NumbersTopic(feature) if feature.is_vector else UnreadableTopic(feature)

    def _video(self, feature: LerobotFeature) -> VideoTopic:
        part = self._files.videos.get(feature.key)
        video = None
        why = 'the episode has no video of it'
        if part is not None:
            try:
                video = EpisodeVideo(part, self._info.fps)
            except FrameError as error:
                why = str(error)
        if video is None:
            self.losses[feature.key] = f'{feature.key}: {why}'
        return VideoTopic(feature, video)

    def _is_there(self, topic: LerobotTopic) -> bool:
        """Whether the files have what a topic needs; its loss is noted if they do not."""
        key = topic.connection.topic
        if topic.column and topic.column not in self._columns:
            self.losses[key] = f'{key}: {self._rows.table.name} has no column {topic.column}'
        return key not in self.losses

    def _read(self, connections: Collection[int], with_packets: bool) -> Iterator[RawMessage]:
        topics = {n: self._topics[n] for n in sorted(connections) if self.counts[n]}
        if not topics:
            return
        columns = [topic.column for topic in topics.values() if topic.column]
        columns += [name for name in (FRAME, TIMESTAMP) if name in self._columns]
        has_images = any(topic.has_images for topic in topics.values())
        found, last_ns = 0, -1
        try:
            for block in blocks(self._rows, columns, has_images):
                times = self._times(block, found)
                streams = [
                    (each, topic.stored(block, times, with_packets))
                    for each, topic in topics.items()
                ]
                for log_ns in times.log_ns:
                    if log_ns <= last_ns:
                        raise ValueError(f'{FRAME} does not count up')
                    last_ns = log_ns
                    for each, stream in streams:
                        if (stored := next(stream)) is not None:
                            yield RawMessage(log_ns, each, *stored)
                    found += 1
        except BROKEN as error:
            self.losses['rows'] = (
                f'{self._rows.table.name}: damaged after row {found}: {reason(error)}'
            )
            return
        if found != self._rows.count:
            self.losses['rows'] = (
                f'{self._rows.table.name} has {counted(found, "row")} of the episode, which '
                f'should have {self._rows.count}'
            )

    def _times(self, block: pa.RecordBatch, before: int) -> RowTimes:
        """The times of rows that have so many before them; by their ``frame_index``, if any."""
        places = range(before, before + len(block))
        if FRAME in self._columns:
            places = block[FRAME].to_pylist()
        fps = self._info.fps
        seconds: list[float | None] = [place / fps for place in places]
        if TIMESTAMP in self._columns:
            seconds = block[TIMESTAMP].to_pylist()
        return RowTimes([self._log_ns(place) for place in places], seconds)

    def _log_ns(self, place: int) -> int:
        return self.start_ns + round(place * SECOND_NS / self._info.fps)
