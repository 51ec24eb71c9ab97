"""Frames of a video that become those of another one: copied as they are encoded, or decoded."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av

from neuracore_ros.arrays import ByteArray
from neuracore_ros.dataset.video import rate_of, sync_video
from neuracore_ros.errors import BagError, shortened
from neuracore_ros.regular_file import require_regular
from neuracore_ros.rgb_frames import rgb_image


@dataclass(frozen=True, slots=True)
class FrameSpan:
    """Frames of a video that follow each other.

    Attributes:
        file: The video, an mp4 file.
        stream: Which of the file's videos.
        rate_hz: Frames per second: frame n is the one that is shown at n / rate_hz, to the
            nearest, [Hz].
        first: The first frame.
        count: Frames.
    """

    file: Path
    stream: int
    rate_hz: float
    first: int
    count: int


class DamagedFrameError(BagError):
    """A frame of a video that is missing or damaged."""


def copy_frames(span: FrameSpan, path: Path, rate_hz: float) -> bool:
    """Write frames into a video of their own as they are encoded; frame k at k / rate_hz.

    Returns:
        False, and nothing is written, where some of them cannot be decoded without frames
        before the first or after the last one, or are missing.

    Raises:
        BagError: The video cannot be read.
        OSError: The new one cannot be written.
    """
    if not hasattr(av.container.OutputContainer, 'add_stream_from_template'):  # PyAV < 14
        return False
    with _opened(span) as (container, stream):
        delay = _delay(span, _packets(container, stream, span))
        if delay is None:
            return False
        time_base = 1 / rate_of(rate_hz)
        with av.open(str(path), 'w', format='mp4') as written:
            into = written.add_stream_from_template(stream, opaque=True)
            into.time_base = time_base
            for order, (number, packet) in enumerate(_packets(container, stream, span)):
                packet.stream, packet.time_base = into, time_base
                packet.pts, packet.dts = number - span.first, order - delay
                packet.duration = 1
                written.mux(packet)
    sync_video(path)
    return True


def decode_frames(span: FrameSpan) -> Iterator[ByteArray]:
    """Decode frames in their order: RGB, uint8, shape (height, width, 3).

    Raises:
        DamagedFrameError: One of them is missing or damaged.
        BagError: The video cannot be read.
    """
    number, end = span.first, span.first + span.count
    with _opened(span) as (container, stream), _reading(span.file):
        _seek(container, stream, span)
        for frame in container.decode(stream):
            found = -1 if frame.pts is None else _number(frame.pts, stream, span)
            if found < number:
                continue
            if found > number or frame.is_corrupt:
                break
            yield rgb_image(frame)
            number += 1
            if number == end:
                return
    raise DamagedFrameError(f'{span.file}: frame {number} is missing or damaged')


def _delay(span: FrameSpan, packets: Iterator[tuple[int, Any]]) -> int | None:
    """The most packets by which one follows its frame's turn; None if they need other packets."""
    delay = order = 0
    found: set[int] = set()
    for order, (number, packet) in enumerate(packets):
        is_first = number == span.first
        if is_first != (order == 0) or (is_first and not packet.is_keyframe):
            return None
        if packet.is_corrupt or packet.is_discard or packet.has_sidedata('new_extradata'):
            return None
        found.add(number)
        delay = max(delay, order - (number - span.first))
    whole = len(found) == order + 1 == span.count
    return delay if whole and max(found) == span.first + span.count - 1 else None


def _packets(container: Any, stream: Any, span: FrameSpan) -> Iterator[tuple[int, Any]]:
    """Packets in the order in which they are decoded, each with the number of its frame.

    They begin with that of the first frame, and end with the last that is of the span; those
    that are shown before the first frame, and belong to what comes before, are left out.
    """
    left, is_begun = span.count, False
    with _reading(span.file):
        _seek(container, stream, span)
        for packet in container.demux(stream):
            if packet.pts is None or packet.dts is None:
                continue
            number = _number(packet.pts, stream, span)
            is_begun = is_begun or number == span.first
            if not is_begun or number < span.first:
                continue
            yield number, packet
            left -= 1
            if left == 0:
                return


def _seek(container: Any, stream: Any, span: FrameSpan) -> None:
    """Go to where decoding of the first frame can begin, or further back."""
    before = max(span.first - 0.5, 0)
    container.seek(round(before / span.rate_hz / stream.time_base), stream=stream)


def _number(pts: int, stream: Any, span: FrameSpan) -> int:
    return round(pts * float(stream.time_base) * span.rate_hz)


@contextmanager
def _opened(span: FrameSpan) -> Iterator[tuple[Any, Any]]:
    """The video, as what it should be: some other formats name files that are then read."""
    with _reading(span.file):
        require_regular(span.file)
        container = av.open(f'file:{span.file}', format='mp4')
    with container:
        with _reading(span.file):
            stream = container.streams.video[span.stream]
            stream.codec_context.thread_count = 1
        yield container, stream


@contextmanager
def _reading(file: Path) -> Iterator[None]:
    """Read a video within.

    Raises:
        BagError: It is missing or damaged.
    """
    try:
        yield
    except (av.FFmpegError, OSError, EOFError, LookupError, ValueError) as error:
        why = shortened(str(getattr(error, 'strerror', None) or error).rstrip('.'), 200)
        raise BagError(f'{file}: missing or damaged: {why}') from error
