"""Images as JPEG, for networks that are slower than compressing is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from neuracore_ros.arrays import Array, ByteArray
from neuracore_ros.errors import WireError, quoted

_KEY = 'jpeg'


def as_jpeg(images: ByteArray, quality: int) -> dict[str, list[bytes]]:
    """Compress RGB images (..., height, width, 3), in the order of their leading axes.

    Args:
        images: As the policy reads them.
        quality: 1 to 100.
    """
    import cv2

    packed = []
    for image in images.reshape(-1, *images.shape[-3:]):
        bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
        _, data = cv2.imencode('.jpg', bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
        packed.append(data.tobytes())
    return {_KEY: packed}


def is_jpeg(value: object) -> bool:
    """True for what `as_jpeg` gives."""
    return isinstance(value, Mapping) and set(value) == {_KEY}


def from_jpeg(value: Mapping[str, Any], shape: tuple[int, ...]) -> ByteArray:
    """Decompress images to RGB of a shape (..., height, width, 3).

    Raises:
        WireError: Another number of images, a size that is not this one, or no JPEG.
    """
    import cv2

    data = value[_KEY]
    wanted = int(np.prod(shape[:-3]))
    if not isinstance(data, list) or len(data) != wanted:
        raise WireError(f'has {quoted(data)} for {wanted} images')
    images: Array = np.empty((wanted, *shape[-3:]), np.uint8)
    for place, each in zip(images, data, strict=True):
        if not isinstance(each, bytes):
            raise WireError(f'has {quoted(each)} for an image')
        size = _size(each)
        if size != shape[-3:-1]:
            found = f'{size[0]} x {size[1]}' if size else 'no JPEG'
            raise WireError(f'has an image of {found}; it must be {shape[-3]} x {shape[-2]}')
        bgr = cv2.imdecode(np.frombuffer(each, np.uint8), cv2.IMREAD_COLOR)
        if bgr is None or bgr.shape != place.shape:
            raise WireError('has an image that is a damaged JPEG')
        cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB, dst=place)
    return images.reshape(shape)


def _size(data: bytes) -> tuple[int, int] | None:
    """(height, width) by the header, so that a small file of a huge image is not decoded."""
    if data[:2] != b'\xff\xd8':
        return None
    place = 2
    while place + 9 <= len(data) and data[place] == 0xFF:
        marker = data[place + 1]
        # A frame's start of any kind (SOF), but for three markers that lie between them.
        if 0xC0 <= marker <= 0xCF and marker not in {0xC4, 0xC8, 0xCC}:
            height = int.from_bytes(data[place + 5 : place + 7], 'big')
            return height, int.from_bytes(data[place + 7 : place + 9], 'big')
        place += 2 + int.from_bytes(data[place + 2 : place + 4], 'big')
    return None
