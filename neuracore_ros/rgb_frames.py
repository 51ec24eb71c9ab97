"""Frames of videos as RGB images, made of them in one way wherever they are decoded."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from neuracore_ros.arrays import ByteArray

FORMAT = 'rgb24'


def rgb_image(frame: Any) -> ByteArray:
    """RGB of a decoded frame of PyAV, uint8, shape (height, width, 3)."""
    image: ByteArray = frame.to_ndarray(format=FORMAT, **one_thread())
    return image


@lru_cache(maxsize=1)
def one_thread() -> dict[str, int]:
    """Ask for one thread where there is that option: by itself, it takes one of each processor."""
    import av
    from av.video.reformatter import VideoReformatter

    frame = av.VideoFrame(2, 2, 'yuv420p')
    try:
        VideoReformatter().reformat(frame, format=FORMAT, threads=1)
    except TypeError:
        return {}
    return {'threads': 1}
