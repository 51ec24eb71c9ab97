"""Depth image messages to metres: one decoder for bag and robot."""

import struct
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from neuracore_ros.arrays import Array, Float32Array
from neuracore_ros.errors import ObservationError
from neuracore_ros.observation.compressed_image import MOST_PIXELS, decode_compressed
from neuracore_ros.observation.decode import read_raw, understood

FARTHEST_M = 65.535
"""What 16 bits of millimetres hold; nothing is measured beyond."""

_MILLIMETRES = ('16UC1', 'mono16')
_METRES = '32FC1'
_PNG = b'\x89PNG\r\n\x1a\n'
# What image_transport's compressedDepth puts before the PNG: an enum, and two parameters.
_HEADER = struct.Struct('<iff')


def decode_depth(message: Any, most_pixels: int = MOST_PIXELS) -> Float32Array:
    """Decode a sensor_msgs Image or CompressedImage that holds depths (REP 118).

    Args:
        message: 16UC1 (or mono16) in millimetres or 32FC1 in metres; or such a PNG, plain or as
            ``compressedDepth`` sends it.
        most_pixels: That a compressed one may have.

    Returns:
        Metres, shape (h, w). 0 is where nothing was measured: NaN, infinite, negative, or beyond
        65.535 m.

    Raises:
        ObservationError: Another encoding, sizes and data do not match, or compressed data is
            damaged, or claims to be larger than can be.
    """
    with understood():
        if hasattr(message, 'encoding'):
            return _measured(_decode_raw(message))
        return _measured(_decode_compressed(message, most_pixels))


def metres(millimetres: NDArray[np.uint16]) -> Float32Array:
    """Convert 16 bits of millimetres to metres."""
    depths: Float32Array = millimetres / np.float32(1000)
    return depths


def millimetres(depths: Float32Array) -> NDArray[np.uint16]:
    """Undo :func:`metres`, to the nearest millimetre."""
    whole: NDArray[np.uint16] = np.rint(depths * np.float32(1000)).astype(np.uint16)
    return whole


def _decode_raw(message: Any) -> Array:
    if message.encoding in _MILLIMETRES:
        return metres(read_raw(message, 'u2', 1)[..., 0])
    if message.encoding == _METRES:
        depths: Float32Array = read_raw(message, 'f4', 1)[..., 0]
        return depths
    raise ObservationError(
        f'encoding {str(message.encoding)[:40]!r} holds no depths. '
        f'Known: {", ".join((*_MILLIMETRES, _METRES))}'
    )


def _decode_compressed(message: Any, most_pixels: int) -> Array:
    form = f'{str(message.format)[:60]!r}'
    data = bytes(memoryview(message.data))
    start = 0 if data.startswith(_PNG) else _HEADER.size
    if not data.startswith(_PNG, start):
        raise ObservationError(f'format {form}: depths are read from PNG only')
    # OpenCV would fill up what is missing with zeros.
    if b'IEND' not in data[-64:]:
        raise ObservationError(f'format {form}: is truncated')
    what = f'format {form}:'
    image = decode_compressed(data[start:], cv2.IMREAD_UNCHANGED, what, most_pixels)
    if image is None or image.ndim != 2 or image.dtype != np.uint16:
        raise ObservationError(f'format {form}: is damaged, or no PNG of one channel of 16 bits')
    if start and form.startswith(f"'{_METRES}"):
        # The publisher quantises inverse depths, so that near ones are finer.
        _, quantum, shift = _HEADER.unpack_from(data)
        with np.errstate(divide='ignore', invalid='ignore'):
            depths = np.float32(quantum) / (image.astype(np.float32) - np.float32(shift))
        known: Float32Array = np.where(image > 0, depths, np.float32(0.0))
        return known
    return metres(image)


def _measured(depths: Array) -> Float32Array:
    """Zero where there is no depth; NaN compares as false."""
    near = (depths > 0.0) & (depths <= FARTHEST_M)
    return np.where(near, depths, np.float32(0.0))
