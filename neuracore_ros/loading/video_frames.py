"""Single frames of a video, decoded from the keyframe before them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.video.reformatter import VideoReformatter

from neuracore_ros.arrays import Array, IntArray
from neuracore_ros.dataset.metadata import AFRESH
from neuracore_ros.dataset.reading_errors import reading_errors
from neuracore_ros.errors import DatasetError
from neuracore_ros.loading.frames import digest
from neuracore_ros.rgb_frames import FORMAT, one_thread

# Codecs store whole blocks of pixels.
_PADDING = 64


@dataclass(frozen=True, slots=True)
class VideoIndex:
    """The N packets of a video: where they are, in the order in which they are decoded.

    Attributes:
        codec: Its name, and
        header: what its decoder needs to know first.
        places: Of each packet in the file, and
        sizes: how long it is, [bytes].
        stamps: When its frame is shown, in units of the file.
        shown: The same, ascending: that of frame k is the k-th.
        begins: For each frame, the packet from which decoding must begin.
    """

    codec: str
    header: bytes | None
    places: IntArray
    sizes: IntArray
    stamps: IntArray
    shown: IntArray
    begins: IntArray

    def packets(self, path: Path, step: int) -> Iterator[Any]:
        """The packets to decode, in order, until a frame comes; None asks for the last ones."""
        with path.open('rb') as file:
            for number in range(self.begins[step], len(self.places)):
                file.seek(int(self.places[number]))
                packet = av.Packet(file.read(int(self.sizes[number])))
                packet.pts = int(self.stamps[number])
                yield packet
        yield None


class VideoFrames:
    """The frames of a video file, RGB, of a given shape (N, height, width, 3)."""

    def __init__(self, path: Path, shape: tuple[int, int, int, int]) -> None:
        self.shape: tuple[int, ...] = shape
        self.dtype = np.dtype(np.uint8)
        self._path = path

    def __iter__(self) -> Iterator[Array]:
        count = 0
        with self._open() as container:
            # Videos are decoded side by side already.
            container.streams.video[0].codec_context.thread_count = 1
            for frame in container.decode(video=0):
                count += (frame.height, frame.width) == self.shape[1:3]
                if count > self.shape[0]:
                    break
                if (frame.height, frame.width) == self.shape[1:3]:
                    yield _DECODERS.convert(frame)
        self._require(count)

    def read(self, step: int, into: Array) -> None:
        """See `DatasetFrames`."""
        with reading_errors(self._path):
            frame = _DECODERS.decode(self._path, self._index, step)
        into[:] = _DECODERS.convert(frame)

    def check(self) -> None:
        """See `DatasetFrames`."""
        self._require(len(self._index.shown))

    def digest(self) -> str:
        """See `DatasetFrames`."""
        with reading_errors(self._path):
            return digest(self._path, FORMAT, self.shape)

    @cached_property
    def _index(self) -> VideoIndex:
        with self._open() as container:
            stream = container.streams.video[0]
            size = stream.codec_context.height, stream.codec_context.width
            packets = [
                (packet.pos, packet.size, packet.pts, packet.is_keyframe)
                for packet in islice(container.demux(stream), 2 * self.shape[0])
                if packet.size
            ]
            codec, header = stream.codec_context.codec.name, stream.codec_context.extradata
        if size != self.shape[1:3]:
            packets = []
        self._require(len(packets))
        with reading_errors(self._path):
            places, sizes, stamps, is_key = np.array(packets, np.int64).T
            shown = np.sort(stamps)
            # The keyframe shown last before a frame; its packet comes before that of the frame.
            keys = np.flatnonzero(is_key)
            if not len(keys):
                raise DatasetError(f'{self._path}: is damaged: no frame stands alone; {AFRESH}')
            begins = keys[np.maximum(np.searchsorted(stamps[keys], shown, 'right') - 1, 0)]
        return VideoIndex(codec, header, places, sizes, stamps, shown, begins)

    @contextmanager
    def _open(self) -> Iterator[Any]:
        """The file, as what it should be: some other formats name files that are then read."""
        # Also for the library's own reading of a frame or two, by which it finds out more.
        limits = [_limit(self.shape[1:3])]
        name = f'file:{self._path}'
        with (
            reading_errors(self._path),
            av.open(name, format='mp4', stream_options=limits) as container,
        ):
            container.streams.video[0].codec_context.options = limits[0]
            yield container

    def _require(self, count: int) -> None:
        if count != self.shape[0]:
            height, width = self.shape[1:3]
            raise DatasetError(
                f'{self._path}: has {count} frames of {width}x{height}; '
                f'the episode has {self.shape[0]} steps'
            )


def _limit(size: tuple[int, ...]) -> dict[str, str]:
    """Options that have a codec refuse larger frames, whatever the video says of them."""
    height, width = size
    return {'max_pixels': str((height + _PADDING) * (width + _PADDING))}


class _Decoders(threading.local):
    """The decoders of each thread; opening one costs more than a frame."""

    def __init__(self) -> None:
        self._contexts: dict[tuple[str, bytes | None], Any] = {}
        self._reformatter = VideoReformatter()
        self._options = one_thread()

    def convert(self, frame: Any) -> Array:
        """RGB of a frame."""
        rgb = self._reformatter.reformat(frame, format=FORMAT, **self._options)
        image: Array = rgb.to_ndarray()
        return image

    def decode(self, path: Path, index: VideoIndex, step: int) -> Any:
        """One frame.

        Raises:
            av.FFmpegError, OSError, EOFError: It cannot be decoded.
        """
        context = self._context(index)
        try:
            for packet in index.packets(path, step):
                for frame in context.decode(packet):
                    if frame.pts == index.shown[step]:
                        return frame
        finally:
            context.flush_buffers()
        raise EOFError(f'frame {step} is not there')

    def _context(self, index: VideoIndex) -> Any:
        key = index.codec, index.header
        if key not in self._contexts:
            context = av.CodecContext.create(index.codec, 'r')
            context.extradata = index.header
            context.thread_count = 1
            self._contexts[key] = context
        return self._contexts[key]


_DECODERS = _Decoders()
