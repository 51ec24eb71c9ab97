"""The features of a LeRobot episode as topics: what is stored of each row, and what it means."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from neuracore_ros.bags.lerobot_info import LerobotFeature
from neuracore_ros.bags.lerobot_messages import (
    FlagMessage,
    FrameMessage,
    NumbersMessage,
    PictureMessage,
    StoredFrame,
    TextMessage,
)
from neuracore_ros.bags.lerobot_rows import vectors
from neuracore_ros.bags.lerobot_video import EpisodeVideo
from neuracore_ros.bags.storage import LEROBOT, Connection, RawMessage
from neuracore_ros.regular_file import read_bytes

JOINT_STATE = 'sensor_msgs/msg/JointState'
NUMBERS_ALSO = (
    'trajectory_msgs/msg/JointTrajectory',
    'std_msgs/msg/Float64MultiArray',
    'std_msgs/msg/Float32MultiArray',
)
BOOL, STRING = 'std_msgs/msg/Bool', 'std_msgs/msg/String'
IMAGE, COMPRESSED_IMAGE = 'sensor_msgs/msg/Image', 'sensor_msgs/msg/CompressedImage'
TASK, TASK_COLUMN = 'task', 'task_index'
_PNG, _JPEG = b'\x89PNG', b'\xff\xd8'

Stored = tuple[bytes, int]
"""The bytes of one message, and its place where bytes alone do not tell what it is."""


class RowTimes(NamedTuple):
    """The times of some rows.

    Attributes:
        log_ns: When each is received, [ns].
        episode_s: Each in the time of the episode, by which videos are cut, [s]; None: unknown.
    """

    log_ns: Sequence[int]
    episode_s: Sequence[float | None]


class LerobotTopic:
    """One feature.

    Attributes:
        connection: Its topic and types.
        column: Where it is in the table; '' if it is not there.
        has_images: Rows of it are large.
    """

    column = ''
    has_images = False
    connection: Connection

    def stored(
        self, block: pa.RecordBatch, times: RowTimes, with_packets: bool
    ) -> Iterator[Stored | None]:
        """Give what is stored of each row of a block; None where there is nothing.

        Packets of videos are empty without ``with_packets``.
        """
        raise NotImplementedError

    def decode(self, raw: RawMessage) -> Any:
        """Make a message of what `stored` gave."""
        raise NotImplementedError

    def close(self) -> None:
        """Close its files."""


class NumbersTopic(LerobotTopic):
    """A vector of numbers, or one."""

    def __init__(self, feature: LerobotFeature) -> None:
        self.column = feature.key
        self._feature = feature
        self._names = list(feature.names or feature.numbered)
        self._message = NumbersMessage
        kind: str = JOINT_STATE
        also: tuple[str, ...] = NUMBERS_ALSO
        if feature.dtype == 'bool' and feature.width == 1:
            self._message, kind, also = FlagMessage, BOOL, (JOINT_STATE, NUMBERS_ALSO[0])
        self._dtype: Any = feature.dtype
        self.connection = Connection(feature.key, kind, LEROBOT, '', '', also)

    def stored(
        self, block: pa.RecordBatch, times: RowTimes, with_packets: bool
    ) -> Iterator[Stored | None]:
        """The numbers as the table has them."""
        values, whole = vectors(block[self.column], self._feature.width)
        self._dtype = values.dtype
        for row, is_whole in zip(values, whole, strict=True):
            yield (row.tobytes(), 0) if is_whole else None

    def decode(self, raw: RawMessage) -> NumbersMessage:
        """See :meth:`LerobotTopic.decode`."""
        values = np.frombuffer(raw.data, self._dtype).tolist()
        return self._message(self._names, values, not self._feature.names)


class TextTopic(LerobotTopic):
    """A text."""

    def __init__(self, key: str) -> None:
        self.column = key
        self.connection = Connection(key, STRING, LEROBOT, '', '')

    def stored(
        self, block: pa.RecordBatch, times: RowTimes, with_packets: bool
    ) -> Iterator[Stored | None]:
        """The text of each row in UTF-8."""
        for text in block[self.column].to_pylist():
            yield (text.encode(), 0) if isinstance(text, str) else None

    def decode(self, raw: RawMessage) -> TextMessage:
        """See :meth:`LerobotTopic.decode`."""
        return TextMessage(bytes(raw.data).decode())


class TaskTopic(TextTopic):
    """The task whose number each row has."""

    def __init__(self, tasks: Any) -> None:
        super().__init__(TASK)
        self.column = TASK_COLUMN
        self._tasks = {number: text.encode() for number, text in tasks.items()}

    def stored(
        self, block: pa.RecordBatch, times: RowTimes, with_packets: bool
    ) -> Iterator[Stored | None]:
        """The task of each row in UTF-8."""
        for number in block[self.column].to_pylist():
            text = self._tasks.get(number)
            yield None if text is None else (text, 0)


class PictureTopic(LerobotTopic):
    """A camera whose images lie in the table, or in files that it names."""

    has_images = True

    def __init__(self, feature: LerobotFeature, root: Path) -> None:
        self.column = feature.key
        self._root = root
        self.connection = Connection(feature.key, COMPRESSED_IMAGE, LEROBOT, '', '', (IMAGE,))

    def stored(
        self, block: pa.RecordBatch, times: RowTimes, with_packets: bool
    ) -> Iterator[Stored | None]:
        """The file of each image, such as a PNG."""
        for value in block[self.column]:
            data = value.as_py()
            if isinstance(data, dict):
                data = data.get('bytes') or self._file(data.get('path'))
            yield (data, 0) if isinstance(data, bytes) and data else None

    def decode(self, raw: RawMessage) -> PictureMessage:
        """See :meth:`LerobotTopic.decode`."""
        data = bytes(raw.data)
        form = 'png' if data.startswith(_PNG) else 'jpeg' if data.startswith(_JPEG) else ''
        return PictureMessage(form, data)

    def _file(self, path: object) -> bytes | None:
        """The content of a file below the dataset; None if there is none."""
        if not isinstance(path, str) or not path or '..' in PurePosixPath(path).parts:
            return None
        try:
            return read_bytes(self._root / PurePosixPath(path).as_posix().lstrip('/'))
        except (OSError, ValueError):
            return None


class VideoTopic(LerobotTopic):
    """A camera whose images are frames of a video."""

    def __init__(self, feature: LerobotFeature, video: EpisodeVideo | None) -> None:
        self._video = video
        self.connection = Connection(feature.key, IMAGE, LEROBOT, '', '', (COMPRESSED_IMAGE,))

    def stored(
        self, block: pa.RecordBatch, times: RowTimes, with_packets: bool
    ) -> Iterator[Stored | None]:
        """The packet of each frame, and the number of the frame in its file."""
        assert self._video is not None
        for time_s in times.episode_s:
            number = None if time_s is None else self._video.number(time_s)
            if number is None:
                yield None
            else:
                yield self._video.packet(number) if with_packets else b'', number

    def decode(self, raw: RawMessage) -> FrameMessage:
        """See :meth:`LerobotTopic.decode`."""
        video, number = self._video, raw.place
        assert video is not None
        frame = StoredFrame(video.file, 0, number, video.fps)
        return FrameMessage(frame, video.size, lambda: video.pixels(number))

    def close(self) -> None:
        """Close the video."""
        if self._video is not None:
            self._video.close()


class UnreadableTopic(LerobotTopic):
    """A feature that cannot be read, such as a matrix, or depths in a video."""

    def __init__(self, feature: LerobotFeature) -> None:
        form = f'{feature.dtype} of shape {list(feature.shape)}'
        if feature.is_image:
            form = 'a video of depths'
        self.connection = Connection(feature.key, '', f'{LEROBOT}: {form}', '', '')

    def stored(
        self, block: pa.RecordBatch, times: RowTimes, with_packets: bool
    ) -> Iterator[Stored | None]:
        """Nothing."""
        yield from (None for _ in times.log_ns)
